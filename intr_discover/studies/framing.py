"""Where the places of the common frame lie on the photographs of a collection."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from intr_discover.data.images import read_mask, upright_shape
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.studies.common_frame import (
    SAMPLES,
    Frame,
    FrameKind,
    box_frame,
    landmark_frame,
    points_by_box,
    points_by_landmarks,
)
from intr_discover.studies.landmark_shapes import Numbers, Point, View, one_sided

_ENOUGH = 0.5  # of the photographs must be placed by a kind of frame for it to be taken


class Framing:
    """A frame, and the place of every photograph in it.

    Landmarks are taken where at least half of the photographs have enough of them, else the boxes
    of the specimens' masks, else the whole photographs. Photographs that lack what the frame rests
    on have no place in it.

    Parameters
    ----------
    specimens
        The photographs; only their headers, keypoints and masks are read.
    preprocessing, stride
        Of the model: they say how fine its maps are.

    Raises
    ------
    UserError
        If a keypoint lies off its photograph, or a mask has another size than its photograph.
    """

    def __init__(self, specimens: Specimens, preprocessing: Preprocessing, stride: int) -> None:
        self.shapes = [upright_shape(path) for path in specimens.paths]
        self._views: list[list[View]] = [[] for _ in self.shapes]
        self._boxes: list[Numbers | None] = [None for _ in self.shapes]
        self._stride = stride
        self._resized = [preprocessing.resized_shape(*shape) for shape in self.shapes]
        cells = [
            stride * max(shape[0] / resized[0], shape[1] / resized[1])
            for shape, resized in zip(self.shapes, self._resized, strict=True)
        ]
        self.frame = self._choose(specimens, cells)

    def has(self, row: int) -> bool:
        """Return whether a photograph has a place in the frame."""
        return bool(self._views[row]) or self._boxes[row] is not None

    def maps(self, row: int, maps: ArrayLike) -> Numbers:
        """Return maps of a photograph in the frame.

        Parameters
        ----------
        row
            The photograph's place among the specimens.
        maps
            ``[..., h, w]``: attention weights of its cells.

        Returns
        -------
        ndarray
            ``[..., cells]``: mean attention weight over each cell of the frame that is ``inside``,
            in reading order, in units of even attention: 1 is what the place would get if the model
            looked everywhere alike. Bilinear between the centres of the maps' cells; what lies off
            the photograph counts as 0. Of two sides the mean.
        """
        maps = np.asarray(maps, dtype=np.float64)
        height, width = self.shapes[row]
        rows, columns = self._resized[row]
        scale = np.array([columns / width, rows / height]) / self._stride
        found = []
        for points in self._points(row, SAMPLES):
            within = _within(points, self.shapes[row])
            places = (points + 0.5) * scale - 0.5
            flat = maps.reshape(-1, *maps.shape[-2:])
            sampled = np.stack([_sample(each, places, order=1) for each in flat])
            found.append(self._average(sampled * within))
        mean = np.mean(found, axis=0) * (maps.shape[-2] * maps.shape[-1])
        return np.asarray(mean.reshape(*maps.shape[:-2], -1))

    def region(self, row: int, mask: ArrayLike) -> NDArray[np.bool_]:
        """Return ``[cells]``: which cells of the frame a mask ``[H, W]`` touches, on any side.

        Asked at 36 evenly spread points of each cell: what is thinner than a sixth of a cell may
        be missed.
        """
        touched = np.zeros(int(self.frame.inside.sum()), dtype=np.bool_)
        for points in self._points(row, 2 * SAMPLES):
            sampled = _sample(np.asarray(mask, dtype=np.float64), points, order=0)
            sampled *= _within(points, self.shapes[row])
            touched |= self._average(sampled[None], 2 * SAMPLES)[0] > 0
        return touched

    def picture(self, row: int, photograph: NDArray[np.uint8], samples: int) -> NDArray[np.uint8]:
        """Return a photograph in the frame, its left side where both are there.

        Parameters
        ----------
        row
            The photograph's place among the specimens.
        photograph
            uint8 ``[H, W, 3]``, at its own size.
        samples
            Pixels along each side of a cell.

        Returns
        -------
        ndarray
            uint8 ``[rows * samples, columns * samples, 3]``; white off the photograph.
        """
        points = self._points(row, samples)[0]
        colours = [
            _sample(photograph[..., each].astype(np.float64), points, 1) for each in range(3)
        ]
        within = _within(points, self.shapes[row])
        return np.where(within[..., None], np.stack(colours, axis=-1), 255).astype(np.uint8)

    def _points(self, row: int, samples: int) -> list[Numbers]:
        box = self._boxes[row]
        if box is not None:
            return [points_by_box(self.frame, box, samples)]
        assert self._views[row], f"photograph {row} has no place in the frame"
        return [points_by_landmarks(self.frame, view, samples) for view in self._views[row]]

    def _average(self, sampled: Numbers, samples: int = SAMPLES) -> Numbers:
        """Return the mean of the samples ``[k, ...]`` of each cell that counts, ``[k, cells]``."""
        rows, columns = self.frame.shape
        cells = sampled.reshape(-1, rows, samples, columns, samples).mean(axis=(2, 4))
        return np.asarray(cells[:, self.frame.inside])

    def _choose(self, specimens: Specimens, cells: Sequence[float]) -> Frame:
        views = _views(specimens, self.shapes)
        enough = _ENOUGH * len(views)
        if sum(bool(found) for found in views) >= enough and any(views):
            self._views = views
            listed = [(view, cell) for of, cell in zip(views, cells, strict=True) for view in of]
            return landmark_frame([view for view, _ in listed], [cell for _, cell in listed])
        kind: FrameKind = "specimen"
        self._boxes = [
            None if path is None else _box(read_mask(path, shape))
            for path, shape in zip(specimens.mask_paths, self.shapes, strict=True)
        ]
        known = [row for row, box in enumerate(self._boxes) if box is not None]
        if len(known) < enough or not known:
            kind = "photograph"
            self._boxes = [np.array([0.0, 0.0, w, h]) for h, w in self.shapes]
            known = list(range(len(self.shapes)))
        boxes = [self._boxes[row] for row in known]
        return box_frame(kind, np.array(boxes), [cells[row] for row in known])


def _views(specimens: Specimens, shapes: Sequence[tuple[int, int]]) -> list[list[View]]:
    """Return the views of each photograph.

    Raises
    ------
    UserError
        If a keypoint lies off its photograph.
    """
    points: dict[str, dict[str, Point]] = {}
    table = specimens.keypoints
    if table is not None:
        seen = table.dropna(subset=["x", "y"])
        for image, name, x, y in seen[["image", "keypoint", "x", "y"]].itertuples(index=False):
            points.setdefault(image, {})[name] = (float(x), float(y))
    views = []
    for image, (height, width) in zip(specimens.table["image"], shapes, strict=True):
        for name, (x, y) in points.get(image, {}).items():
            if not (-0.5 <= x <= width + 0.5 and -0.5 <= y <= height + 0.5):
                raise UserError(
                    f"{specimens.root / 'keypoints.csv'}: keypoint '{name}' of {image} lies off "
                    f"the photograph, at ({x:g}, {y:g}) of {width} x {height} pixels: correct it, "
                    "or leave x and y empty where the point is not visible"
                )
        views.append(one_sided(points.get(image, {})))
    return views


def _box(mask: NDArray[np.bool_]) -> Numbers | None:
    """Return left, top, right, bottom of a mask; None where it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], dtype=np.float64)


def _within(points: Numbers, shape: tuple[int, int]) -> NDArray[np.bool_]:
    x, y = points[..., 0], points[..., 1]
    return (x >= -0.5) & (x <= shape[1] - 0.5) & (y >= -0.5) & (y <= shape[0] - 0.5)


def _sample(values: Numbers, points: Numbers, order: int) -> Numbers:
    places = [points[..., 1], points[..., 0]]
    return np.asarray(scipy.ndimage.map_coordinates(values, places, order=order, mode="nearest"))
