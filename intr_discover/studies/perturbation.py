"""Insertion, deletion and their kin: a picture changes pixel by pixel in the order of a map.

After Petsiuk, Das and Saenko, "RISE: Randomized Input Sampling for Explanation of Black-box
Models", BMVC 2018. Arrays and a scoring function come in, curves go out; no model is known here.

============ ==================== =================== ================== =================
curve        begins with          ends with           first to change    good when
============ ==================== =================== ================== =================
insertion    the blurred picture  the picture         the most salient   it rises at once
deletion     the picture          nothing (zeros)     the most salient   it falls at once
lerf         the picture          nothing (zeros)     the least salient  it falls late
============ ==================== =================== ================== =================
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

CURVES = ("insertion", "deletion", "lerf")
STEPS = 28

# Kernel and spread of the blur for a picture whose shorter side has so many pixels.
_BLUR_SIDE, _BLUR_KERNEL, _BLUR_SIGMA = 224, 11, 5.0

Floats = NDArray[np.float32]
Score = Callable[[Floats], NDArray[np.float64]]
"""Pictures ``[B, channels, H, W]`` in, probabilities ``[B, C]`` out."""

State = tuple[str, str, int]
"""Method, curve and step of a picture; of the three ends that all share, no method and step 0."""

Key = TypeVar("Key", bound=Hashable)

WHOLE: State = ("", "whole", 0)
BLURRED: State = ("", "blurred", 0)
EMPTY: State = ("", "empty", 0)


@dataclass(frozen=True)
class Ranking:
    """In which order the pixels of a picture change.

    Attributes
    ----------
    ranks
        ``[H, W]``: 0 for the most salient unit, up to ``units − 1``.
    units
        How many there are: pixels, or patches whose pixels change together.
    """

    ranks: NDArray[np.int64]
    units: int

    def reversed(self) -> Ranking:
        """Return the order from the least salient on."""
        return Ranking(self.units - 1 - self.ranks, self.units)

    def peak(self) -> tuple[int, int]:
        """Return row and column of the most salient pixel (of a patch, its first)."""
        row, column = np.unravel_index(int(self.ranks.argmin()), self.ranks.shape)
        return int(row), int(column)


def rank_pixels(saliency: ArrayLike, seed: int | Sequence[int]) -> Ranking:
    """Order pixels from the most to the least salient.

    Parameters
    ----------
    saliency
        ``[H, W]``, finite.
    seed
        Decides between equal pixels; a flat map gives a random order.
    """
    return _rank(np.asarray(saliency, dtype=np.float64), seed)


def rank_patches(saliency: ArrayLike, patches: ArrayLike, seed: int | Sequence[int]) -> Ranking:
    """Order patches by their mean saliency; the pixels of a patch change together.

    Parameters
    ----------
    saliency
        ``[H, W]``, finite.
    patches
        ``[H, W]``: which patch each pixel belongs to, from 0 on without gaps.
    seed
        Decides between equal patches.
    """
    saliency = np.asarray(saliency, dtype=np.float64)
    patches = np.asarray(patches, dtype=np.int64)
    assert saliency.shape == patches.shape, (saliency.shape, patches.shape)
    sizes = np.bincount(patches.ravel())
    assert (sizes > 0).all(), "a patch without a pixel"
    means = np.bincount(patches.ravel(), saliency.ravel()) / sizes
    # Sums of equal numbers differ in the last digits: what is equal shall stay equal.
    largest = np.abs(means).max()
    of_patch = _rank(np.round(means / largest, 9) if largest > 0 else means, seed)
    return Ranking(of_patch.ranks[patches], of_patch.units)


def patch_grid(shape: tuple[int, int], cell: tuple[float, float]) -> NDArray[np.int64]:
    """Return which patch each pixel belongs to, ``[H, W]``, numbered in reading order.

    Parameters
    ----------
    shape
        (H, W) of the picture.
    cell
        (height, width) of a patch in pixels, at least 1; those at the edge may be smaller.
    """
    rows, columns = (
        np.minimum((np.arange(side) + 0.5) // length, np.ceil(side / length) - 1).astype(np.int64)
        for side, length in zip(shape, cell, strict=True)
    )
    return rows[:, None] * (columns.max() + 1) + columns[None]


def _rank(values: NDArray[np.float64], seed: int | Sequence[int]) -> Ranking:
    assert np.isfinite(values).all(), "a map that is not finite cannot be ordered"
    flat = values.ravel()
    tie_breaker = np.random.default_rng(seed).permutation(flat.size)
    order = np.lexsort((tie_breaker, -flat))  # the last key decides first
    ranks = np.empty(flat.size, dtype=np.int64)
    ranks[order] = np.arange(flat.size)
    return Ranking(ranks.reshape(values.shape), flat.size)


def cuts(units: int, steps: int) -> NDArray[np.int64]:
    """Return how many units have changed after each step, ``[n + 1]`` from 0 to ``units``.

    ``n`` is ``steps``, or ``units`` where there are fewer.
    """
    assert units >= 1 and steps >= 1, (units, steps)
    number = min(steps, units)
    return (2 * np.arange(number + 1) * units + number) // (2 * number)


def changed_shares(ranking: Ranking, steps: int) -> NDArray[np.float64]:
    """Return the share of pixels that have changed after each step, from 0 to 1."""
    sizes = np.bincount(ranking.ranks.ravel(), minlength=ranking.units)
    return np.concatenate([[0], sizes.cumsum()])[cuts(ranking.units, steps)] / ranking.ranks.size


def area_under(curve: NDArray[np.float64], shares: NDArray[np.float64]) -> float:
    """Return the area under a curve over the share of changed pixels (trapezoids).

    For equal steps this is ``(Σ s_i − s_0/2 − s_n/2) / n``; in [0, 1] for probabilities.
    """
    return float(np.trapezoid(curve, shares))


def blur(picture: Floats) -> Floats:
    """Return a picture ``[channels, H, W]`` blurred as the insertion curve begins.

    Notes
    -----
    As in the authors' code: a kernel of 11 pixels made by a Gaussian of 5 pixels, reflected at the
    kernel's ends so that it sums to 1, and zeros (the mean colour) beyond the picture. For a
    shorter side of 224 pixels; in proportion for others, the kernel at least 3 and odd.
    """
    scale = min(picture.shape[1:]) / _BLUR_SIDE
    kernel = max(3, 2 * round((_BLUR_KERNEL * scale - 1) / 2) + 1)
    spike = np.zeros(kernel)
    spike[kernel // 2] = 1.0
    weights = scipy.ndimage.gaussian_filter1d(spike, max(_BLUR_SIGMA * scale, 0.5), mode="reflect")
    for axis in (1, 2):
        picture = scipy.ndimage.correlate1d(picture, weights, axis=axis, mode="constant", cval=0.0)
    return np.asarray(picture, dtype=np.float32)


def pictures_of(
    picture: Floats,
    rankings: Mapping[str, Ranking],
    steps: int = STEPS,
    curves: Sequence[str] = CURVES,
) -> Iterator[tuple[State, Floats]]:
    """Yield every picture that the curves need, with its place.

    Parameters
    ----------
    picture
        ``[channels, H, W]``, normalised, so that 0 is the mean colour.
    rankings
        By method.
    steps
        Of each curve.
    curves
        Any of ``CURVES``.

    Yields
    ------
    tuple
        First the three ends that all curves share, then the steps between them.
    """
    blurred, empty = blur(picture), np.zeros_like(picture)
    yield WHOLE, picture
    yield BLURRED, blurred
    yield EMPTY, empty
    for method, ranking in rankings.items():
        for curve in curves:
            start, end = (blurred, picture) if curve == "insertion" else (picture, empty)
            ordered = ranking.reversed() if curve == "lerf" else ranking
            for step, cut in enumerate(cuts(ranking.units, steps)[1:-1], 1):
                yield (method, curve, step), np.where(ordered.ranks[None] < cut, end, start)


def score_pictures(
    pictures: Iterable[tuple[Key, Floats]], score: Score, batch_size: int
) -> Iterator[tuple[Key, NDArray[np.float64]]]:
    """Score pictures in batches, whatever image or step they belong to.

    Parameters
    ----------
    pictures
        Keys and pictures ``[channels, H, W]``. A batch ends where the size changes.
    score
        Scores a batch.
    batch_size
        Most pictures of a batch.

    Yields
    ------
    tuple
        Key and the score's row, in the order given.
    """
    waiting: list[tuple[Key, Floats]] = []

    def flush() -> Iterator[tuple[Key, NDArray[np.float64]]]:
        if waiting:
            rows = score(np.stack([picture for _, picture in waiting]))
            yield from zip([key for key, _ in waiting], rows, strict=True)
            waiting.clear()

    for key, picture in pictures:
        if len(waiting) == batch_size or (waiting and waiting[0][1].shape != picture.shape):
            yield from flush()
        waiting.append((key, picture))
    yield from flush()


def curve_of(
    scores: Mapping[State, float], method: str, curve: str, points: int
) -> NDArray[np.float64]:
    """Return one curve ``[points]`` from the scores of its pictures and of its two ends."""
    start, end = (BLURRED, WHOLE) if curve == "insertion" else (WHOLE, EMPTY)
    between = [scores[method, curve, step] for step in range(1, points - 1)]
    return np.array([scores[start], *between, scores[end]])


def passes(steps: int, methods: int, curves: int) -> int:
    """Return how many pictures one photograph needs (at most: small ones have fewer steps)."""
    return 3 + methods * curves * (steps - 1)
