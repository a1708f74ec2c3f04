"""What a head attends to, in numbers: colour, size and place. Arrays in, numbers out."""

from __future__ import annotations

import math

import numpy as np
import skimage
from numpy.typing import ArrayLike, NDArray

Mask = NDArray[np.bool_]

COLOURS = ("lightness", "a", "b", "chroma", "hue")
"""CIELAB, D65: L* 0 to 100; a* green to red; b* blue to yellow; C* and h° of their means."""

_MOST_PIXELS = 200_000  # whose colour is converted; of more, evenly spread ones


def attended_cells(weights: ArrayLike, share: float) -> Mask:
    """Return the fewest cells that together hold a share of a map.

    Parameters
    ----------
    weights
        ``[h, w]``: attention of one head; sums to 1.
    share
        In (0, 1].

    Returns
    -------
    ndarray
        Booleans ``[h, w]``. Of cells with equal weight the first in reading order are taken.
    """
    weights = np.asarray(weights, dtype=np.float64)
    assert 0 < share <= 1, share
    order = np.argsort(-weights.ravel(), kind="stable")
    held = np.cumsum(weights.ravel()[order])
    # Rounding must not ask for one cell more.
    count = int(np.searchsorted(held, share * held[-1] * (1 - 1e-6))) + 1
    taken = np.zeros(weights.size, dtype=bool)
    taken[order[:count]] = True
    return taken.reshape(weights.shape)


def pixels_of_cells(
    cells: Mask, stride: int, resized: tuple[int, int], shape: tuple[int, int]
) -> Mask:
    """Return which pixels of the photograph lie in the given cells of a map.

    Parameters
    ----------
    cells
        ``[h, w]``.
    stride
        Pixels of the resized photograph in a cell.
    resized, shape
        (height, width) of the resized and of the original photograph.
    """
    rows, columns = (
        np.minimum(
            ((np.arange(length) + 0.5) * smaller / length / stride).astype(int),
            cells.shape[axis] - 1,
        )
        for axis, (length, smaller) in enumerate(zip(shape, resized, strict=True))
    )
    return np.asarray(cells[np.ix_(rows, columns)])


def colour_of(photograph: NDArray[np.uint8], region: Mask) -> dict[str, float]:
    """Return the mean colour of a region and how much it varies.

    Parameters
    ----------
    photograph
        uint8 ``[H, W, 3]``, sRGB.
    region
        ``[H, W]``.

    Returns
    -------
    dict
        ``lightness``, ``a``, ``b`` (means in CIELAB, D65), each with ``_sd`` over the pixels;
        ``chroma`` and ``hue`` (degrees, 0 to 360) of the mean a* and b*. NaN for an empty region;
        the hue of a grey (chroma below 1) is NaN: it has none.
    """
    pixels = photograph[region]
    if not len(pixels):
        names = ["lightness", "a", "b"]
        return dict.fromkeys([*COLOURS, *(f"{name}_sd" for name in names)], math.nan)
    step = max(1, len(pixels) // _MOST_PIXELS)
    lab = skimage.color.rgb2lab(pixels[None, ::step])[0]
    mean, spread = lab.mean(axis=0), lab.std(axis=0)
    chroma = float(np.hypot(mean[1], mean[2]))
    hue = float(np.degrees(np.arctan2(mean[2], mean[1])) % 360) if chroma >= 1 else math.nan
    return {
        "lightness": float(mean[0]),
        "a": float(mean[1]),
        "b": float(mean[2]),
        "chroma": chroma,
        "hue": hue,
        "lightness_sd": float(spread[0]),
        "a_sd": float(spread[1]),
        "b_sd": float(spread[2]),
    }


def centre_of(region: Mask) -> tuple[float, float]:
    """Return the middle (x, y) of a region in pixels; NaN for an empty one."""
    if not region.any():
        return math.nan, math.nan
    rows, columns = np.nonzero(region)
    return float(columns.mean()), float(rows.mean())


def share_inside(region: Mask, of: Mask | None) -> float:
    """Return which share of a region lies in another; NaN where that is not known."""
    if of is None or not region.any():
        return math.nan
    return float((region & of).sum() / region.sum())
