"""Erasing a region: what lies around it grows into it."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.edits.checks import check_mask, check_photograph
from intr_discover.errors import UserError

Method = Literal["telea", "navier-stokes"]

_METHODS = {"telea": cv2.INPAINT_TELEA, "navier-stokes": cv2.INPAINT_NS}


def erase(
    photograph: NDArray[np.uint8],
    mask: NDArray[np.generic],
    *,
    method: Method = "telea",
    radius: float = 3.0,
) -> NDArray[np.uint8]:
    """Fill a region from its surroundings (inpainting).

    Parameters
    ----------
    photograph
        uint8 RGB ``[H, W, 3]``; it is not changed.
    mask
        ``[H, W]``: the region is where it is not 0.
    method
        ``"telea"``: fast marching (Telea 2004), which may stray by some levels on even ground;
        ``"navier-stokes"``: lines of equal brightness are continued (Bertalmio et al. 2001).
    radius
        Pixels around each filled pixel that are looked at.

    Returns
    -------
    ndarray
        uint8 RGB ``[H, W, 3]``. Nothing outside the region differs by a single level.

    Raises
    ------
    UserError
        If the arrays do not fit each other, the region covers everything, or there is no such
        method.
    """
    if method not in _METHODS:
        raise UserError(f"there is no way to erase called '{method}': use {' or '.join(_METHODS)}")
    check_photograph(photograph)
    region = check_mask(mask, photograph)
    if not region.any():
        return photograph.copy()
    filled = cv2.inpaint(photograph, region.astype(np.uint8), radius, _METHODS[method])
    # OpenCV leaves the rest alone today; this holds it to that.
    return np.where(region[..., None], filled, photograph).astype(np.uint8)
