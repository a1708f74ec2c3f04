"""Laying one region over another by moving, turning and scaling it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.edits.checks import Mask

_LONGEST = 96.0  # pixels of the larger region's longer side while the turn is sought
_STEP = 15.0  # degrees between the turns that are tried beside those of the principal axes
_AS_GOOD = 0.02  # overlaps that differ by less are equal; the smallest turn is taken


@dataclass(frozen=True)
class Similarity:
    """How a donor's region comes to lie on a target.

    Attributes
    ----------
    matrix
        ``[2, 3]``: (x, y, 1) in the donor to (x, y) in the target.
    scale
        Factor of lengths.
    degrees
        Turn, clockwise as seen, in (−180, 180]; after mirroring where it is mirrored.
    overlap
        Intersection over union of the two regions, 0 to 1.
    """

    matrix: NDArray[np.float64]
    scale: float
    degrees: float
    overlap: float


def register(donor: Mask, target: Mask, *, mirrored: bool = False) -> Similarity:
    """Return the similarity that lays a donor's region on a target's.

    Centroid comes to centroid, and area to area. The turn is the one with the largest overlap
    among those that align the principal axes (second moments) and multiples of 15°; of turns whose
    overlap differs by less than 0.02 the smallest, so that a round spot is not turned at all.

    Parameters
    ----------
    donor, target
        Booleans ``[h, w]`` each, of any sizes; neither empty.
    mirrored
        Mirror the donor left to right first: for a left wing's region on a right wing.
    """
    assert donor.any() and target.any()
    flip = np.diag([-1.0 if mirrored else 1.0, 1.0])
    from_centre, from_axis, from_area = _moments(donor, mirrored)
    to_centre, to_axis, to_area = _moments(target, False)
    scale = math.sqrt(to_area / from_area)
    aligned = math.degrees(to_axis - from_axis)
    turns = {_within(turn) for turn in (aligned, aligned + 180)}
    turns |= {_within(turn) for turn in np.arange(0, 360, _STEP)}

    def matrix(turn: float) -> NDArray[np.float64]:
        cosine, sine = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        linear = scale * np.array([(cosine, -sine), (sine, cosine)]) @ flip
        return np.column_stack([linear, to_centre - linear @ from_centre])

    overlaps = {turn: _overlap(donor, target, matrix(turn), scale) for turn in turns}
    good = [turn for turn in turns if overlaps[turn] >= max(overlaps.values()) - _AS_GOOD]
    best = min(good, key=lambda turn: (abs(turn), -turn))
    return Similarity(matrix(best), scale, best, overlaps[best])


def _moments(region: Mask, mirrored: bool) -> tuple[NDArray[np.float64], float, float]:
    """Return centroid (x, y), angle of the principal axis (as mirrored) and area."""
    rows, columns = np.nonzero(region)
    points = np.stack([columns, rows]).astype(np.float64)
    centre = points.mean(axis=1)
    x, y = points - centre[:, None]
    if mirrored:
        x = -x
    angle = 0.5 * math.atan2(2 * float((x * y).sum()), float((x * x).sum() - (y * y).sum()))
    return centre, angle, float(len(rows))


def _overlap(donor: Mask, target: Mask, matrix: NDArray[np.float64], scale: float) -> float:
    """Return intersection over union of the moved donor and the target, on a coarse grid."""
    source, source_corner = _cut_out(donor)
    goal, goal_corner = _cut_out(target)
    longer = max(*source.shape * np.array(scale), *goal.shape)
    finer = min(4.0, _LONGEST / longer)  # tiny regions are looked at with a magnifying glass
    # Room on all sides of the target for what the donor's reaches beyond it.
    room = math.hypot(*(np.array(source.shape) * scale))
    size = tuple(math.ceil((length + 2 * room) * finer) for length in reversed(goal.shape))
    # From pixels of the target's cut to the grid.
    shift = np.array([room, room])

    def on_grid(cut: Mask, corner: NDArray[np.float64], to: NDArray[np.float64]) -> Mask:
        linear = finer * to[:, :2]
        offset = finer * (to[:, :2] @ corner + to[:, 2] - goal_corner + shift)
        warp = np.column_stack([linear, offset])
        # Nearest: the grid's pixels ask the cut, so that areas are those of squares.
        laid = cv2.warpAffine(cut.astype(np.uint8), warp, size, flags=cv2.INTER_NEAREST)
        return np.asarray(laid) > 0

    one = on_grid(source, source_corner, matrix)
    other = on_grid(goal, goal_corner, np.eye(2, 3))
    union = float((one | other).sum())
    return float((one & other).sum()) / union if union else 0.0


def _cut_out(region: Mask) -> tuple[Mask, NDArray[np.float64]]:
    """Return a region without the empty rows and columns around it, and its first (x, y)."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    cut = region[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return cut, np.array([columns[0], rows[0]], dtype=np.float64)


def _within(degrees: float) -> float:
    """Return a turn in (−180, 180], without the last digits of the arithmetic."""
    turned = round(float(degrees) % 360, 6)
    return turned - 360 if turned > 180 else turned
