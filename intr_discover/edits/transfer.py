"""Putting one specimen's pixels in the same place of another specimen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from intr_discover.edits.blending import area_around, blend
from intr_discover.edits.checks import check_amounts, check_mask, check_photograph
from intr_discover.edits.warping import Places


def transfer(
    photograph: NDArray[np.uint8],
    region: NDArray[np.generic],
    donor: NDArray[np.uint8],
    places: Places,
    *,
    feather: float = 0.0,
    strength: float = 1.0,
) -> NDArray[np.uint8]:
    """Return a photograph whose region shows the same place of a donor.

    Unlike :func:`~intr_discover.edits.transplant.transplant`, which lays one region over another,
    the whole specimens are laid over each other, and what lies in the region is copied.

    Parameters
    ----------
    photograph
        uint8 RGB ``[H, W, 3]``; it is not changed.
    region
        ``[H, W]``: where it is above 0.
    donor
        uint8 RGB ``[h, w, 3]``.
    places
        Where the photograph's pixels lie on the donor.
    feather, strength
        As in :func:`intr_discover.edits.erase.erase`.

    Returns
    -------
    ndarray
        uint8; nothing outside the region and its soft edge differs.

    Raises
    ------
    UserError
        If the region does not fit the photograph, or an amount is out of range.
    """
    check_photograph(photograph)
    check_photograph(donor, "donor")
    check_amounts(feather, strength)
    mask = check_mask(region, photograph)
    if not mask.any() or strength == 0:
        return photograph.copy()
    area = area_around(mask, feather)
    return blend(photograph, area, places.photograph(donor)[area.box], strength)
