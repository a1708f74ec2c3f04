"""Boxes round specimens, and what keeps them true when a photograph is cut."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: ``(x0, y0, x1, y1)`` in pixels from the top left corner, the end not included.
Box = tuple[int, int, int, int]


def mask_box(mask: NDArray[np.bool_]) -> Box:
    """Return the tight box round the true pixels of a mask ``bool [H, W]``; one must be true."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def widen(box: Box, margin: float, width: int, height: int) -> Box:
    """Return the box with a rim of ``margin`` times its longer side, cut at the picture's edge."""
    x0, y0, x1, y1 = box
    rim = round(margin * max(x1 - x0, y1 - y0))
    return max(0, x0 - rim), max(0, y0 - rim), min(width, x1 + rim), min(height, y1 + rim)


def whole(shape: tuple[int, ...]) -> Box:
    """Return the box of a whole picture of (height, width)."""
    return 0, 0, int(shape[1]), int(shape[0])
