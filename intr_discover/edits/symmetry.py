"""The line about which a specimen's left and right are alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

from intr_discover.edits.checks import Mask, as_region
from intr_discover.errors import UserError

_COARSE, _FINE = 64.0, 200.0  # pixels across the reduced mask: all angles, then the refinement
_LARGE = 500.0  # pixels of the longer side above which a mask is reduced first
_STEP = 2.0  # degrees between the axes tried first
_AS_GOOD = 0.01  # overlaps that differ by less are equal; the more upright axis is taken
_SOFTNESS = 1.0  # pixels: a blurred outline, so that the overlap changes smoothly with the axis


@dataclass(frozen=True)
class Axis:
    """A line in a photograph.

    Attributes
    ----------
    x, y
        A point of the line in pixels; the centre of the first pixel is at 0, 0.
    degrees
        Its direction from upright, clockwise as seen, in (−90, 90].
    """

    x: float
    y: float
    degrees: float = 0.0

    def matrix(self) -> NDArray[np.float64]:
        """Return the reflection over the line, ``[2, 3]``: (x, y, 1) to (x, y)."""
        # The line's direction is (sin, −cos) of the angle: upright is (0, −1), y runs downwards.
        angle = math.radians(2 * self.degrees)
        linear = np.array([(-math.cos(angle), -math.sin(angle)),
                           (-math.sin(angle), math.cos(angle))])  # fmt: skip
        point = np.array([self.x, self.y])
        return np.column_stack([linear, point - linear @ point])

    def reflect(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points ``[n, 2]`` (x, y) on the other side of the line."""
        matrix = self.matrix()
        reflected: NDArray[np.float64] = np.asarray(points) @ matrix[:, :2].T + matrix[:, 2]
        return reflected


def axis_from_mask(mask: NDArray[np.generic]) -> Axis:
    """Return the line about which a specimen's mask is most alike on both sides.

    The mask is reflected over lines through its centroid, 2° apart; the best is refined in angle
    and place. Overlap is intersection over union. Of lines that are equally good (a disc has many)
    the most upright is returned.

    Parameters
    ----------
    mask
        ``[H, W]``: the whole specimen, above 0.

    Raises
    ------
    UserError
        If the mask is empty.
    """
    region = as_region(mask, "specimen mask")
    if not region.any():
        raise UserError("the specimen mask is empty: there is no axis of symmetry to find")
    # A photograph's millions of pixels say no more about an axis than a few hundred a side.
    factor = max(1.0, max(region.shape) / _LARGE)
    size = [max(1, round(length / factor)) for length in reversed(region.shape)]
    back = np.array(list(reversed(region.shape))) / size
    if factor > 1:
        smaller = cv2.resize(region.astype(np.float32), size, interpolation=cv2.INTER_AREA)
        # A thread may fade below a half everywhere.
        region = np.asarray(smaller) >= min(0.5, float(smaller.max()))
    coarse = _reduced(region, _COARSE)
    angles = np.arange(-90 + _STEP, 90 + _STEP, _STEP)
    overlaps = np.array([_overlap(coarse, 0.0, angle) for angle in angles])
    good = angles[overlaps >= overlaps.max() - _AS_GOOD]
    first = float(good[np.argmin(np.abs(good))])
    fine = _reduced(region, _FINE)

    def badness(place: NDArray[np.float64]) -> float:
        return -_overlap(fine, float(place[0]), float(place[1]))

    start = np.array([0.0, first])
    found = scipy.optimize.minimize(
        badness,
        start,
        method="Nelder-Mead",
        options={
            "initial_simplex": start + np.array([(0.0, 0.0), (1.5, 0.0), (0.0, _STEP / 2)]),
            "xatol": 0.02,
            "fatol": 1e-6,
            "maxiter": 80,
        },
    )
    # A start that is as good stays: an upright axis is upright to the last digit.
    aside, degrees = found.x if found.fun < badness(start) - 1e-6 else start
    angle = math.radians(degrees)
    x, y = fine.centre + aside / fine.scale * np.array([math.cos(angle), math.sin(angle)])
    x, y = (np.array([x, y]) + 0.5) * back - 0.5
    return Axis(float(x), float(y), _within(float(degrees)))


def axis_from_keypoints(keypoints: Mapping[str, tuple[float, float]]) -> Axis:
    """Return the line that best reflects left keypoints to the right ones of the same name.

    Least squares in closed form: the line runs through the mean of all points, and its angle makes
    the sum of squared distances from reflected left to right points smallest.

    Parameters
    ----------
    keypoints
        (x, y) in pixels by name. A name with ``left`` in it and the same with ``right`` are a pair.

    Raises
    ------
    UserError
        If there is no pair, a coordinate is no number, or left and right lie in the same place.
    """
    names = [name for name in sorted(keypoints) if "left" in name.lower()]
    partners = {name: _other_side(name) for name in names}
    pairs = [(name, partners[name]) for name in names if partners[name] in keypoints]
    if not pairs:
        raise UserError(
            "no pair of keypoints whose names differ in 'left' and 'right': the axis needs one"
        )
    points = np.array([[keypoints[name] for name in pair] for pair in pairs], dtype=np.float64)
    if not np.isfinite(points).all():
        raise UserError("a left or right keypoint has a coordinate that is no number")
    centre = points.mean(axis=(0, 1))
    left, right = ((points[:, side] - centre) @ np.array([1, 1j]) for side in (0, 1))
    # A reflection is z → exp(2iφ) · conj(z), φ being the line's angle from the x axis.
    total = complex((left * right).sum())
    size = float((np.abs(left) ** 2 + np.abs(right) ** 2).sum())
    if abs(total) <= 1e-9 * size or size == 0:
        raise UserError("left and right keypoints lie in the same place: they give no axis")
    return Axis(float(centre[0]), float(centre[1]), _within(math.degrees(np.angle(total) / 2) + 90))


def mirrored_mask(mask: NDArray[np.generic], axis: Axis) -> Mask:
    """Return a mask on the other side of an axis: the left wing's on the right wing.

    Parameters
    ----------
    mask
        ``[H, W]``: above 0.
    axis
        The specimen's.

    Returns
    -------
    ndarray
        Booleans ``[H, W]``: a pixel is in it where the pixel nearest to its reflection is in the
        mask. What would lie beyond the photograph is cut off.
    """
    region = as_region(mask)
    height, width = region.shape
    rows, columns = np.indices(region.shape)
    there = axis.reflect(np.stack([columns.ravel(), rows.ravel()], axis=1).astype(np.float64))
    # Halves go one way on both sides, whatever the last bit of the arithmetic.
    x, y = np.floor(there + 0.5 + 1e-9).astype(int).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    result = np.zeros(region.size, dtype=bool)
    result[inside] = region[y[inside], x[inside]]
    return result.reshape(region.shape)


def _other_side(name: str) -> str:
    for left, right in (("left", "right"), ("Left", "Right"), ("LEFT", "RIGHT")):
        if left in name:
            return name.replace(left, right)
    return name


@dataclass(frozen=True)
class _Reduced:
    """A softened mask on a small square grid, its centroid in the middle.

    Attributes
    ----------
    cover
        ``[n, n]``, 0 to 1; the reflection over any line through the middle stays within it.
    centre
        The mask's centroid (x, y) in pixels of the photograph.
    scale
        Pixels of the grid for one of the photograph.
    """

    cover: NDArray[np.float32]
    centre: NDArray[np.float64]
    scale: float


def _reduced(region: Mask, longest: float) -> _Reduced:
    rows, columns = np.nonzero(region)
    points = np.stack([columns, rows], axis=1).astype(np.float64)
    centre = points.mean(axis=0)
    reach = float(np.sqrt(((points - centre) ** 2).sum(axis=1).max())) + 1
    scale = min(1.0, longest / (2 * reach))
    half = math.ceil(reach * scale) + 3
    softness = _SOFTNESS / scale
    soft = np.asarray(region, dtype=np.float32)
    if softness > 1:  # before pixels are dropped
        size = 2 * round(softness / 2) + 1
        blurred = cv2.blur(soft, (size, size), borderType=cv2.BORDER_CONSTANT)
        soft = np.asarray(blurred, dtype=np.float32)
    warp = np.column_stack([scale * np.eye(2), half - scale * centre])
    small = cv2.warpAffine(soft, warp, (2 * half + 1, 2 * half + 1), flags=cv2.INTER_LINEAR)
    cover = cv2.GaussianBlur(small, (0, 0), _SOFTNESS)
    return _Reduced(np.asarray(cover, dtype=np.float32), centre, scale)


def _overlap(mask: _Reduced, aside: float, degrees: float) -> float:
    """Return intersection over union of a mask and its reflection.

    The line leans by degrees and passes the centroid at ``aside`` pixels of the grid.
    """
    half, angle = (len(mask.cover) - 1) / 2, math.radians(degrees)
    line = Axis(half + aside * math.cos(angle), half + aside * math.sin(angle), degrees)
    other = cv2.warpAffine(mask.cover, line.matrix(), mask.cover.shape, flags=cv2.INTER_LINEAR)
    shared, total = np.minimum(mask.cover, other).sum(), np.maximum(mask.cover, other).sum()
    return float(shared / total)


def _within(degrees: float) -> float:
    """Return a direction in (−90, 90]."""
    turned = degrees % 180
    return turned - 180 if turned > 90 else turned
