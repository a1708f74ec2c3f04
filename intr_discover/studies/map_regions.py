"""How much of a map lies on a known region, and whether it is strongest there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from intr_discover.studies.pointing import distances


@dataclass(frozen=True)
class OnRegion:
    """One map and one region.

    Attributes
    ----------
    pointing
        Whether the map's peak lies on the region or within the tolerance.
    energy
        Share of the map inside the region, in [0, 1].
    lift
        ``energy`` over the region's share of the picture: 1 for a map that is even.
    """

    pointing: bool
    energy: float
    lift: float


def cover(mask: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float64]:
    """Return which share of each pixel of a coarser picture a mask covers, ``[h, w]`` in [0, 1].

    Parameters
    ----------
    mask
        ``[H, W]`` bool, on the original photograph.
    shape
        (h, w) of the picture that the map lies on. Nothing is lost of regions finer than its
        pixels.
    """
    image = Image.fromarray(np.asarray(mask, dtype=np.float32))
    shrunk = image.resize((shape[1], shape[0]), Image.Resampling.BOX)
    return np.clip(np.asarray(shrunk, dtype=np.float64), 0, 1)


def energy_inside(saliency: ArrayLike, covered: ArrayLike) -> float:
    """Return the share of a map that lies inside a region (Wang et al. 2020), in [0, 1].

    Parameters
    ----------
    saliency
        ``[h, w]``, at least 0. A map without anything above 0 counts as even: it says nothing.
    covered
        ``[h, w]``: which share of each pixel the region covers.
    """
    saliency, covered = np.asarray(saliency, np.float64), np.asarray(covered, np.float64)
    assert saliency.shape == covered.shape, (saliency.shape, covered.shape)
    assert (saliency >= 0).all(), "a share of a map that is below 0 somewhere"
    whole = saliency.sum()
    return float((saliency * covered).sum() / whole) if whole > 0 else float(covered.mean())


def on_original(
    peak: tuple[int, int], shape: tuple[int, int], original: tuple[int, int]
) -> tuple[float, float]:
    """Return x and y on the original photograph of a pixel (row, column) of a resized one."""
    row, column = peak
    x = (column + 0.5) * original[1] / shape[1] - 0.5
    y = (row + 0.5) * original[0] / shape[0] - 0.5
    return float(np.clip(x, 0, original[1] - 1)), float(np.clip(y, 0, original[0] - 1))


def score_regions(
    maps: dict[str, NDArray[np.float32]],
    peaks: dict[str, tuple[int, int]],
    mask: NDArray[np.bool_],
    tolerance: float,
) -> dict[str, OnRegion]:
    """Return pointing, energy and lift of every map; nothing where the mask is empty.

    Parameters
    ----------
    maps
        By method, ``[h, w]``, at least 0.
    peaks
        By method, row and column of the most salient pixel of the map.
    mask
        ``[H, W]``: the region on the original photograph.
    tolerance
        In pixels of the original photograph.
    """
    if not mask.any() or not maps:
        return {}
    shape = next(iter(maps.values())).shape
    covered = cover(mask, (shape[0], shape[1]))
    original = (mask.shape[0], mask.shape[1])
    points = [on_original(peaks[method], (shape[0], shape[1]), original) for method in maps]
    far = distances(points, mask)
    area = float(mask.mean())
    scores = {}
    for (method, saliency), distance in zip(maps.items(), far, strict=True):
        energy = energy_inside(saliency, covered)
        scores[method] = OnRegion(bool(distance <= tolerance), energy, energy / area)
    return scores


def tolerance_of(original: tuple[int, int], cell: float) -> float:
    """Return the tolerance of the pointing game here: 15/224 of the short side (Zhang et al. 2018).

    Parameters
    ----------
    original
        (height, width) of the photograph.
    cell
        Side of INTR's cell in pixels of the photograph; the tolerance is at least half of it, and
        the same for every method.
    """
    return max(15 / 224 * min(original), cell / 2)
