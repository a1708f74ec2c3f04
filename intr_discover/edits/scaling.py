"""Masks and strokes from the size at which they were painted to the photograph's own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from intr_discover.edits.checks import Mask
from intr_discover.edits.paint import check_layer
from intr_discover.errors import UserError

_HALF = 0.5 - 1e-6  # half a pixel counts, whatever the rounding of single precision


def mask_at_size(mask: NDArray[np.generic], size: tuple[int, int]) -> Mask:
    """Return a mask on another grid over the same picture.

    Parameters
    ----------
    mask
        ``[h, w]``: the region is where it is above 0.
    size
        Height and width of the grid wanted.

    Returns
    -------
    ndarray
        Booleans ``[H, W]``: pixels of which at least half is covered; the mask itself where the
        size is the same.

    Raises
    ------
    UserError
        If it is no mask.
    """
    region = np.asarray(mask)
    if region.ndim != 2 or region.size == 0:
        raise UserError(f"a mask is [height, width], not {list(region.shape)}")
    found: Mask = _covered((region > 0).astype(np.float32), size) >= _HALF
    return found


def layer_at_size(layer: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return painted strokes on another grid over the same picture.

    Parameters
    ----------
    layer
        uint8 RGBA ``[h, w, 4]``, not premultiplied.
    size
        Height and width of the grid wanted.

    Returns
    -------
    ndarray
        uint8 RGBA ``[H, W, 4]``. A pixel is painted where at least half of it is covered by strokes
        (see :func:`mask_at_size`). Its colour and alpha are the mean over what is painted in it, so
        that strokes of one colour keep that colour exactly, and their edges stay hard.

    Raises
    ------
    UserError
        If it is no such layer.
    """
    check_layer(layer)
    alpha = layer[..., 3].astype(np.float32)
    share = _covered((alpha > 0).astype(np.float32), size)
    painted = share >= _HALF
    weight = _covered(alpha, size)
    strokes = np.zeros((*size, 4), dtype=np.float32)
    for channel in range(3):
        colour = _covered(layer[..., channel] * alpha, size)
        strokes[..., channel] = colour / np.maximum(weight, np.float32(1e-6))
    strokes[..., 3] = weight / np.maximum(share, np.float32(1e-6))
    scaled = np.clip(np.rint(strokes), 0, 255).astype(np.uint8)
    scaled[~painted] = 0
    return scaled


def _covered(values: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return means over the pixels of another grid, ``[H, W]``."""
    if values.shape == tuple(size):
        return values
    image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
    return np.asarray(image.resize((size[1], size[0]), Image.Resampling.BOX), dtype=np.float32)
