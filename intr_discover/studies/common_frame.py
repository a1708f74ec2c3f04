"""One frame for the maps of many specimens: by landmarks, the specimen's box, or the photograph.

Maps of different photographs can only be averaged where the same place of the specimen has the same
place in the map. The frame is a grid of cells; for each specimen it says where on its photograph
the points of every cell lie. Arrays in, arrays out: nothing here opens a photograph.

Landmarks are brought to one side: ``forewing_left_base`` and ``forewing_right_base`` are one place
of the frame, seen twice. Landmarks of one wing only, left in some photographs and right in others,
need no such names: the mean shape may be turned and mirrored onto each of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from intr_discover.studies.landmark_shapes import Numbers, Point, View, mean_shape, size_of

FrameKind = Literal["landmarks", "specimen", "photograph"]

FEWEST_CELLS, MOST_CELLS = 8, 32
"""Limits of the longer side of the frame."""

WIDER = 0.08
"""By how much the hull of the landmarks is widened, as a share of its longer side: thin-plate
splines may be trusted a little beyond the outermost landmark, and patterns reach over it."""

SAMPLES = 3
"""Points along each side of a cell, over which a map is averaged."""


@dataclass(frozen=True)
class Frame:
    """A grid of cells in which every specimen has the same place.

    Attributes
    ----------
    kind
        What it rests on: ``landmarks``, the ``specimen``'s box, or the whole ``photograph``.
    inside
        ``[rows, columns]``: cells that count.
    landmarks
        Names and places of the mean landmarks in cells (x, y; 0 is the centre of the first cell);
        empty without landmarks.
    folded
        Whether left and right side are one.
    """

    kind: FrameKind
    inside: NDArray[np.bool_]
    landmarks: Mapping[str, Point]
    folded: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Return rows and columns."""
        return int(self.inside.shape[0]), int(self.inside.shape[1])

    @property
    def words(self) -> str:
        """Say what it rests on."""
        if self.kind == "landmarks":
            side = ", left and right side together" if self.folded else ""
            return f"{len(self.landmarks)} landmarks{side}"
        return "the specimen's box" if self.kind == "specimen" else "the whole photograph"


def landmark_frame(views: Sequence[View], cells: Sequence[float]) -> Frame:
    """Return a frame on landmarks.

    Parameters
    ----------
    views
        See ``one_sided``; at least one.
    cells
        The side of a cell of the model in pixels of each view's photograph. The frame is as fine
        as the model's maps, within limits: finer cells would only repeat their neighbours.

    Returns
    -------
    Frame
        Cells whose centre lies in the convex hull of the mean landmarks, widened by ``WIDER``. A
        frame of sides that have a middle line (at least two landmarks on it) takes the hull of
        both sides up to that line, so that what lies between them is in it.
    """
    names = sorted({name for view in views for name in view.points})
    shapes = np.full((len(views), len(names), 2), np.nan)
    for row, view in enumerate(views):
        for place, name in enumerate(names):
            if name in view.points:
                shapes[row, place] = view.points[name]
        if view.side == "right":  # its mirror image is a left side
            shapes[row, :, 0] *= -1
    mean = mean_shape(shapes)
    size = np.array([size_of(shape) for shape in shapes])
    fine = float(np.median(np.asarray(cells) / size))  # the model's cell in units of the mean
    middle = _middle_line(views, names, mean)
    whole = mean if middle is None else np.concatenate([mean, middle.mirrored(mean)])
    low, high = mean.min(axis=0), mean.max(axis=0)
    wider = WIDER * float((high - low).max())
    longest = float((high - low).max()) + 2 * wider
    count = int(np.clip(round(longest / fine), FEWEST_CELLS, MOST_CELLS))
    cell = longest / count
    columns, rows = np.maximum(1, np.ceil((high - low + 2 * wider) / cell - 1e-9)).astype(int)
    y, x = np.mgrid[0:rows, 0:columns]
    centres = (np.stack([x.ravel(), y.ravel()], axis=1) + 0.5) * cell + low - wider
    inside = _near_hull(centres, whole, wider)
    if middle is not None:
        inside &= middle.distance(centres) > -cell / 2
    grid = inside.reshape(rows, columns)
    # Rows and columns without a cell go: beyond the middle line there are none.
    kept = [np.flatnonzero(grid.any(axis=axis)) for axis in (0, 1)]
    (left, right), (top, bottom) = ((int(k[0]), int(k[-1]) + 1) for k in kept)
    placed = (mean - low + wider) / cell - 0.5 - np.array([left, top])
    marks = {name: (float(p[0]), float(p[1])) for name, p in zip(names, placed, strict=True)}
    folded = any(view.side for view in views)
    return Frame("landmarks", grid[top:bottom, left:right], marks, folded)


def box_frame(kind: FrameKind, boxes: ArrayLike, cells: Sequence[float]) -> Frame:
    """Return a frame on boxes: of the specimens, or of the whole photographs.

    Parameters
    ----------
    kind
        ``"specimen"`` or ``"photograph"``.
    boxes
        ``[n, 4]``: left, top, right, bottom in pixels, the last two beyond the last pixel.
    cells
        As for ``landmark_frame``.
    """
    boxes = np.asarray(boxes, dtype=np.float64)
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    aspect = float(np.exp(np.median(np.log(width / height))))
    longest = np.maximum(width, height) / np.asarray(cells)
    count = int(np.clip(round(float(np.median(longest))), FEWEST_CELLS, MOST_CELLS))
    rows = max(1, round(count / max(aspect, 1.0)))
    columns = max(1, round(count * min(aspect, 1.0)))
    return Frame(kind, np.ones((rows, columns), dtype=np.bool_), {})


def points_by_landmarks(frame: Frame, view: View, samples: int = SAMPLES) -> Numbers:
    """Return where the points of a frame's cells lie on a photograph.

    Thin-plate splines take the mean landmarks exactly to those of the specimen (Bookstein 1989).

    Parameters
    ----------
    frame
        On landmarks, those of the view among them.
    view
        Of one side of a specimen.
    samples
        Points along each side of a cell.

    Returns
    -------
    ndarray
        ``[rows * samples, columns * samples, 2]``: x and y in pixels.
    """
    names = list(view.points)
    source = np.array([frame.landmarks[name] for name in names])
    target = np.array([view.points[name] for name in names])
    points = _sample_points(frame.shape, samples)
    spline = scipy.interpolate.RBFInterpolator(source, target, kernel="thin_plate_spline")
    return np.asarray(spline(points.reshape(-1, 2))).reshape(points.shape)


def points_by_box(frame: Frame, box: ArrayLike, samples: int = SAMPLES) -> Numbers:
    """Return the same for a box ``[4]``: left, top, right, bottom in pixels."""
    left, top, right, bottom = np.asarray(box, dtype=np.float64)
    rows, columns = frame.shape
    shares = (_sample_points(frame.shape, samples) + 0.5) / np.array([columns, rows])
    return shares * np.array([right - left, bottom - top]) + np.array([left, top]) - 0.5


def _sample_points(shape: tuple[int, int], samples: int) -> Numbers:
    """Return ``[rows * samples, columns * samples, 2]``: evenly spread points, in cells."""
    y, x = ((np.arange(count * samples) + 0.5) / samples - 0.5 for count in shape)
    return np.stack(np.meshgrid(x, y), axis=-1)


@dataclass(frozen=True)
class _Line:
    """A line of the mean shape: a point on it and the unit vector across it."""

    point: Numbers
    across: Numbers

    def distance(self, points: Numbers) -> Numbers:
        return np.asarray((points - self.point) @ self.across)

    def mirrored(self, points: Numbers) -> Numbers:
        return np.asarray(points - 2 * self.distance(points)[:, None] * self.across)


def _middle_line(views: Sequence[View], names: Sequence[str], mean: Numbers) -> _Line | None:
    """Return the middle line, its normal towards the side; None where it cannot be drawn."""
    if not all(view.side for view in views):
        return None
    shared = sorted(set().union(*(view.middle for view in views)))
    points = mean[[names.index(name) for name in shared]]
    if len(points) < 2:
        return None
    point = points.mean(axis=0)
    across = np.linalg.svd(points - point)[2][1]
    line = _Line(point, across)
    return line if line.distance(mean).sum() >= 0 else _Line(point, -across)


def _near_hull(points: Numbers, corners: Numbers, reach: float) -> NDArray[np.bool_]:
    """Return which points lie in the convex hull of the corners, or within reach of it."""
    faces = scipy.spatial.ConvexHull(corners).equations  # distance from each face, below 0 inside
    beyond = points @ faces[:, :2].T + faces[:, 2]
    return np.asarray((beyond <= reach).all(axis=1))
