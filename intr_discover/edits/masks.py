"""Regions from what a user draws or a model looks at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from skimage.draw import polygon2mask

from intr_discover.edits.checks import Mask
from intr_discover.edits.paint import check_layer
from intr_discover.errors import UserError


def mask_of_polygon(points: ArrayLike, size: tuple[int, int]) -> Mask:
    """Return the pixels whose centres lie in a polygon or on its line.

    Parameters
    ----------
    points
        ``[n, 2]``, n ≥ 3: corners (x, y) in pixels, in order; the centre of the first pixel is at
        0, 0. What reaches beyond the photograph is cut off.
    size
        Height and width of the photograph.

    Raises
    ------
    UserError
        If there are fewer than three corners, one is no number, or no pixel lies in the polygon.
    """
    corners = np.asarray(points, dtype=np.float64)
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        raise UserError(
            f"a polygon needs at least three corners (x, y), not an array of {list(corners.shape)}"
        )
    if not np.isfinite(corners).all():
        raise UserError("a corner of the polygon has a coordinate that is no number")
    mask = np.asarray(polygon2mask(size, corners[:, ::-1]), dtype=bool)
    return _not_empty(mask, "polygon", size)


def mask_of_box(box: Sequence[float], size: tuple[int, int]) -> Mask:
    """Return the pixels of a box.

    Parameters
    ----------
    box
        Left, top, right, bottom in pixels, rounded; the first column and row belong to it, the
        last do not, so that right − left is its width. What reaches beyond is cut off.
    size
        Height and width of the photograph.

    Raises
    ------
    UserError
        If it is no box, or no pixel of the photograph lies in it.
    """
    values = np.asarray(box, dtype=np.float64)
    if values.shape != (4,) or not np.isfinite(values).all():
        raise UserError(f"a box is left, top, right, bottom in pixels, not {list(box)}")
    left, top, right, bottom = np.rint(values).astype(int)
    if right <= left or bottom <= top:
        raise UserError(
            f"the box {list(box)} is empty: it is left, top, right, bottom, with right above left "
            "and bottom above top"
        )
    mask = np.zeros(size, dtype=bool)
    mask[max(0, top) : max(0, bottom), max(0, left) : max(0, right)] = True
    return _not_empty(mask, "box", size)


def mask_of_layer(layer: NDArray[np.uint8]) -> Mask:
    """Return where something is painted: where a layer's alpha is above 0.

    Parameters
    ----------
    layer
        uint8 RGBA ``[H, W, 4]``.

    Raises
    ------
    UserError
        If it is no such layer.
    """
    check_layer(layer)
    painted: Mask = layer[..., 3] > 0
    return painted


def mask_of_map(values: NDArray[np.floating], share: float, generator: np.random.Generator) -> Mask:
    """Return the top of a map: the given share of the photograph's pixels.

    Parameters
    ----------
    values
        ``[H, W]`` on the photograph's grid: attention, saliency.
    share
        0 to 1: ``round(share · H · W)`` pixels are in the mask, exactly.
    generator
        Draws among pixels that are equal to the last one that fits; a flat map gives a random
        selection, and an upper left corner never by itself.

    Raises
    ------
    UserError
        If the map is not ``[H, W]``, holds a value that is no number, or the share is none.
    """
    array = np.asarray(values)
    if array.ndim != 2 or array.dtype.kind not in "buif" or array.size == 0:
        raise UserError(f"a map is [height, width] of numbers, not {list(array.shape)}")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise UserError("the map holds values that are no numbers (NaN): it has no top")
    if not 0 <= share <= 1:
        raise UserError(f"the share of the map is {share}; it lies between 0 and 1")
    count = round(share * array.size)
    mask = np.zeros(array.size, dtype=bool)
    if count:
        flat = array.ravel()
        last = np.partition(flat, array.size - count)[array.size - count]
        mask[flat > last] = True
        equal = np.flatnonzero(flat == last)
        mask[generator.choice(equal, count - int(mask.sum()), replace=False)] = True
    return mask.reshape(array.shape)


def _not_empty(mask: Mask, what: str, size: tuple[int, int]) -> Mask:
    if not mask.any():
        raise UserError(
            f"no pixel of the photograph ({size[1]} × {size[0]}) lies in the {what}: "
            "coordinates are pixels from the upper left corner, x before y"
        )
    return mask
