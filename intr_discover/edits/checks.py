"""What every edit asks of its image and mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from intr_discover.errors import UserError


def check_photograph(photograph: NDArray[np.uint8]) -> None:
    """Refuse what is not uint8 RGB ``[H, W, 3]``.

    Raises
    ------
    UserError
        With what was given.
    """
    if photograph.ndim != 3 or photograph.shape[2] != 3 or photograph.dtype != np.uint8:
        raise UserError(
            f"an edit needs an RGB picture [height, width, 3] of uint8, not "
            f"{list(photograph.shape)} of {photograph.dtype}"
        )


def check_mask(mask: NDArray[np.generic], photograph: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return a mask as booleans; refuse one of another size, or one that covers everything.

    Raises
    ------
    UserError
        With both sizes, or what to do.
    """
    if mask.shape != photograph.shape[:2]:
        raise UserError(
            f"the mask is {list(mask.shape)} and the picture {list(photograph.shape[:2])}; "
            "a mask must have the size of its picture"
        )
    region = np.asarray(mask) != 0
    if region.all():
        raise UserError("the mask covers the whole picture; nothing is left to fill it from")
    return region
