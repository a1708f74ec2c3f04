"""The user's own strokes on a photograph."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from intr_discover.edits.blending import area_around, blend
from intr_discover.edits.checks import check_amounts, check_mask, check_photograph
from intr_discover.errors import UserError


def check_layer(layer: NDArray[np.uint8], photograph: NDArray[np.uint8] | None = None) -> None:
    """Refuse a painted layer that is not uint8 RGBA, or not of its photograph's size.

    Raises
    ------
    UserError
        With what was given.
    """
    shape, dtype = np.shape(layer), np.asarray(layer).dtype
    if len(shape) != 3 or shape[2] != 4 or dtype != np.uint8:
        raise UserError(
            f"the painted layer is {list(shape)} of {dtype}; it must be RGBA "
            "[height, width, 4] of uint8, clear where nothing is painted"
        )
    if photograph is not None and shape[:2] != np.shape(photograph)[:2]:
        raise UserError(
            f"the painted layer is {list(shape[:2])} and the picture "
            f"{list(np.shape(photograph)[:2])}; they must have the same size"
        )


def paint(
    photograph: NDArray[np.uint8],
    layer: NDArray[np.uint8],
    mask: NDArray[np.generic] | None = None,
    *,
    feather: float = 0.0,
    strength: float = 1.0,
) -> NDArray[np.uint8]:
    """Lay painted strokes over a photograph.

    Parameters
    ----------
    photograph
        uint8, grey, RGB or RGBA; it is not changed. In a grey one the strokes are grey.
    layer
        uint8 RGBA ``[H, W, 4]``, not premultiplied: 0 is clear, 255 covers.
    mask
        ``[H, W]``: only strokes within it count (above 0); all of them if left out.
    feather
        Pixels by which strokes fade outwards: the nearest stroke pixel's colour and cover go on,
        ever fainter.
    strength
        0 (unchanged, byte for byte) to 1.

    Returns
    -------
    ndarray
        uint8, of the photograph's shape; its alpha channel stays as it is.

    Raises
    ------
    UserError
        If the arrays do not fit each other.
    """
    check_photograph(photograph)
    check_layer(layer, photograph)
    check_amounts(feather, strength)
    region = layer[..., 3] > 0
    if mask is not None:
        region &= check_mask(mask, photograph)
    if not region.any() or strength == 0:
        return photograph.copy()
    area = area_around(region, feather)
    strokes = layer[area.box]
    if area.support.sum() > area.region.sum():
        rows, columns = scipy.ndimage.distance_transform_edt(
            ~area.region, return_distances=False, return_indices=True
        )
        strokes = strokes[rows, columns]
    cover = np.float32(strokes[..., 3]) / np.float32(255)
    area.weight[...] = area.weight * cover
    return blend(photograph, area, strokes[..., :3].astype(np.float32), strength)
