"""Does a head peak on one named part? Windows, regions and shares; arrays in, numbers out.

Part consistency and stability after Huang et al., "Evaluation and Improvement of Interpretability
for Self-Explainable Part-Prototype Networks", ICCV 2023; purity after Nauta et al., "PIP-Net",
CVPR 2023. Where they examine a prototype, here a head of a class query is examined.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDE = 72 / 224
"""Side of the window for part consistency and stability, as a share of the photograph's side."""

NARROW = 32 / 224
"""The same for purity."""

CONSISTENT_FROM = 0.8
"""Share of photographs with one part in the window from which a head counts as part-consistent."""

PURITY_IMAGES = 10
FEWEST_VISIBLE = 5
"""Photographs in which a part must be visible to be named."""

_DRAWS = 200
_SIDES = {"left", "right"}
_SEPARATORS = re.compile(r"([\s_\-.]+)")
_SERIES = re.compile(r"[\s_\-.]+\d+$")

Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class MostHit:
    """The part that each head hits most often.

    Attributes
    ----------
    part
        ``[R]``: its place among the parts; -1 where no part is visible often enough, or none hit.
    share
        ``[R]``: in how many of the photographs that show it the head hits it, in [0, 1].
    n
        ``[R]``: photographs that show it.
    """

    part: NDArray[np.int64]
    share: Numbers
    n: NDArray[np.int64]


def merged_name(keypoint: str) -> str:
    """Return a keypoint's name without left and right: ``left_eye`` and ``right_eye`` are one."""
    words = _SEPARATORS.split(keypoint)
    kept = [
        (word, words[place + 1] if place + 1 < len(words) else "")
        for place, word in enumerate(words)
        if place % 2 == 0 and word and word.lower() not in _SIDES
    ]
    name = "".join(word + gap for word, gap in kept).rstrip(" _-.")
    return name or keypoint


def region_names(keypoints: Sequence[str]) -> list[str]:
    """Return the region in which each keypoint stands.

    As ``merged_name``, and the points of a numbered series stand in one region: they lie along one
    structure. ``forewing_left_vein_3`` stands in ``forewing_vein``. Where all points would be in
    one region (``landmark_1`` to ``landmark_18``) the numbers are kept.
    """
    merged = [merged_name(name) for name in keypoints]
    series = [_SERIES.sub("", name) or name for name in merged]
    return series if len(set(series)) > 1 else merged


def windows(points: ArrayLike, shape: tuple[int, int], side: float, least: ArrayLike) -> Numbers:
    """Return windows round points, cut off at the photograph's edge.

    Parameters
    ----------
    points
        ``[..., 2]``: x and y in pixels.
    shape
        (height, width) of the photograph.
    side
        Width over the photograph's width, and height over its height: the authors stretch every
        photograph to a square.
    least
        (height, width) in pixels that a window has at least: a cell.

    Returns
    -------
    ndarray
        ``[..., 4]``: left, top, right, bottom in pixels, edges included.
    """
    points = np.asarray(points, dtype=np.float64)
    height, width = shape
    half = np.maximum(side * np.array([width, height]), np.asarray(least)[::-1]) / 2
    last = np.array([width, height]) - 0.5  # the outer edge of the last pixel
    low, high = np.clip(points - half, -0.5, last), np.clip(points + half, -0.5, last)
    return np.concatenate([low, high], axis=-1)


def keypoints_inside(boxes: ArrayLike, keypoints: ArrayLike, radius: float) -> Flags:
    """Return which keypoints lie in which windows.

    Parameters
    ----------
    boxes
        ``[R, 4]``, see ``windows``.
    keypoints
        ``[K, 2]``: x and y; NaN where one is not visible, which lies in no window.
    radius
        Pixels: a keypoint is a disc of this radius, and counts when it touches the window.

    Returns
    -------
    ndarray
        ``[R, K]``.
    """
    boxes = np.asarray(boxes, dtype=np.float64)[:, None]
    keypoints = np.asarray(keypoints, dtype=np.float64)[None]
    nearest = np.clip(keypoints, boxes[..., :2], boxes[..., 2:])
    return np.asarray(np.linalg.norm(keypoints - nearest, axis=-1) <= radius + 1e-9)


def mask_inside(boxes: ArrayLike, mask: ArrayLike) -> Flags:
    """Return ``[R]``: whether some pixel of a mask ``[H, W]`` lies in each window ``[R, 4]``."""
    mask = np.asarray(mask)
    found = []
    for left, top, right, bottom in np.asarray(boxes):
        rows = slice(int(np.ceil(top)), int(np.floor(bottom)) + 1)
        columns = slice(int(np.ceil(left)), int(np.floor(right)) + 1)
        found.append(bool(mask[rows, columns].any()))
    return np.array(found, dtype=bool)


def regions_near(
    points: ArrayLike, keypoints: ArrayLike, regions: ArrayLike, count: int, tolerance: float
) -> Flags:
    """Return which regions each point hits, a region being all that is nearest to its keypoints.

    Parameters
    ----------
    points
        ``[Q, 2]``: x and y in pixels.
    keypoints
        ``[K, 2]``: x and y of the visible ones, K ≥ 1.
    regions
        ``[K]``: the region of each keypoint, from 0.
    count
        Number G of regions.
    tolerance
        Pixels by which a point may miss a region, as with every region that is pointed at.

    Returns
    -------
    ndarray
        ``[Q, G]``. The disc round a point is tried at its centre and at 16 places on each of four
        circles.
    """
    points, keypoints = np.asarray(points, np.float64), np.asarray(keypoints, np.float64)
    regions = np.asarray(regions)
    angles = np.arange(16) * (2 * np.pi / 16)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    radii = tolerance * np.array([0.25, 0.5, 0.75, 1.0])
    disc = np.concatenate([np.zeros((1, 2)), (radii[:, None, None] * circle).reshape(-1, 2)])
    tried = points[:, None] + disc  # [Q, 65, 2]
    # |a − b|² without a's own square, which is the same for all keypoints b.
    nearest = ((keypoints**2).sum(axis=-1) - 2 * tried @ keypoints.T).argmin(axis=-1)
    hit = np.zeros((len(points), count), dtype=bool)
    np.put_along_axis(hit, regions[nearest], True, axis=1)
    return hit


def most_hit(hits: Flags, visible: Flags) -> MostHit:
    """Return the part that each head hits in most photographs; of equal ones the first.

    Parameters
    ----------
    hits
        ``[n, R, P]``: whether the head hits the part in the photograph.
    visible
        ``[n, P]``: whether the photograph shows the part.
    """
    heads, parts = hits.shape[1:]
    n = visible.sum(axis=0)
    counts = (hits & visible[:, None]).sum(axis=0)
    counts = np.where(n >= FEWEST_VISIBLE, counts, 0)  # [R, P]
    if not parts:
        nothing = np.zeros(heads, dtype=np.int64)
        return MostHit(nothing - 1, np.full(heads, np.nan), nothing)
    part = counts.argmax(axis=1)
    most = counts.max(axis=1)
    shown = n[part]
    known = bool((n >= FEWEST_VISIBLE).any())
    share = np.where(most > 0, most / np.maximum(shown, 1), 0.0 if known else np.nan)
    return MostHit(np.where(most > 0, part, -1), share, np.where(most > 0, shown, 0))


def chance_of_heads(hits: Flags, visible: Flags, seed: int | np.random.Generator) -> float:
    """Return the share of ``most_hit`` when the heads' numbers are shuffled in each photograph.

    The mean over shuffles. A head that does no better has no part of its own: any head of the
    class hits that part as often. NaN where no part can be named.
    """
    generator = np.random.default_rng(seed)
    n, heads, _ = hits.shape
    drawn = generator.integers(heads, size=(n, _DRAWS))
    return chance_of_points(hits[np.arange(n)[:, None], drawn], visible)


def chance_of_points(hits: Flags, visible: Flags) -> float:
    """Return the mean share of ``most_hit`` over T random pointers, ``hits`` ``[n, T, P]``."""
    shares = most_hit(hits, visible).share
    return float(shares.mean()) if len(shares) and np.isfinite(shares).all() else float("nan")


def part_consistency(hits: Flags, visible: Flags) -> MostHit:
    """Return the part that has the largest share in a head's wide window (Huang et al. 2023).

    Parameters
    ----------
    hits
        ``[n, R, P]``: whether the part lies in the window round the head's peak.
    visible
        ``[n, P]``. Parts visible in fewer than ``FEWEST_VISIBLE`` photographs do not count: with a
        small denominator any head would seem consistent.
    """
    heads, parts = hits.shape[1:]
    n = visible.sum(axis=0)
    counted = n >= FEWEST_VISIBLE
    if not parts or not counted.any():
        nothing = np.zeros(heads, dtype=np.int64)
        return MostHit(nothing - 1, np.full(heads, np.nan), nothing)
    counts = (hits & visible[:, None]).sum(axis=0)
    shares = np.where(counted, counts / np.maximum(n, 1), -1.0)
    # Of equal shares the part with more hits (Nauta et al.), then the first.
    best = np.array([np.lexsort((-counts[head], -shares[head]))[0] for head in range(heads)])
    return MostHit(best, shares[np.arange(heads), best], n[best])


def purity(
    hits: Flags, visible: Flags, map_maxima: ArrayLike, images: int = PURITY_IMAGES
) -> MostHit:
    """Return each head's purity: as ``part_consistency``, over the photographs it is strongest in.

    Parameters
    ----------
    hits
        ``[n, R, P]``: whether the part lies in the narrow window.
    visible
        ``[n, P]``.
    map_maxima
        ``[n, R]``: ranks the photographs of each head.
    images
        How many photographs of each head count.
    """
    maxima = np.asarray(map_maxima)
    found = []
    for head in range(hits.shape[1]):
        top = np.argsort(-maxima[:, head], kind="stable")[:images]
        found.append(part_consistency(hits[top, head : head + 1], visible[top]))
    return MostHit(*(np.array([getattr(each, name)[0] for each in found])
                     for name in ("part", "share", "n")))  # fmt: skip


def stability(hits: Flags, noisy: Flags) -> Numbers:
    """Return ``[R]``: the share of photographs in which noise leaves the parts hit as they are.

    Parameters
    ----------
    hits, noisy
        ``[n, R, P]``: parts in the wide window, without and with noise.
    """
    if not len(hits):
        return np.full(hits.shape[1], np.nan)
    return np.asarray((hits == noisy).all(axis=2).mean(axis=0))


def part_focus(hits: Flags, visible: Flags) -> Numbers:
    """Return how much each head keeps to few parts: ``1 − entropy / log P``.

    Parameters
    ----------
    hits
        ``[n, R, P]``. A peak that hits several parts counts for the first.
    visible
        ``[n, P]``; P in the formula counts the parts that some photograph shows.

    Returns
    -------
    ndarray
        ``[R]`` in [0, 1]: 1 where all peaks hit one part, 0 where all parts are hit equally often.
        NaN for heads that hit parts in fewer than ``FEWEST_VISIBLE`` photographs, and where there
        are fewer than two parts.
    """
    shown = (hits & visible[:, None])[:, :, visible.any(axis=0)]
    heads, parts = shown.shape[1:]
    focus = np.full(heads, np.nan)
    if parts < 2:
        return focus
    for head in range(heads):
        counted = shown[:, head].any(axis=1)
        if counted.sum() < FEWEST_VISIBLE:
            continue
        first = shown[counted, head].argmax(axis=1)
        shares = np.bincount(first, minlength=parts) / len(first)
        shares = shares[shares > 0]
        focus[head] = 1 + (shares * np.log(shares)).sum() / np.log(parts)
    return focus
