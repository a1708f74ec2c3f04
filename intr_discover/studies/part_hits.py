"""Which parts the peaks of heads hit: keypoints and masks of photographs become arrays."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from skimage.measure import block_reduce

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.studies.head_descriptors import HeadViews
from intr_discover.studies.looking import Mask, Regions
from intr_discover.studies.parts import (
    NARROW,
    WIDE,
    Flags,
    Numbers,
    keypoints_inside,
    mask_inside,
    merged_name,
    region_names,
    regions_near,
    windows,
)
from intr_discover.studies.pointing import hits, tolerance_for

BESIDE = "beside the specimen"
POINTS = 50
"""Random points of each photograph, for chance."""

_LARGEST_FIELD = 1024  # pixels of a side, over which distances are worked out


@dataclass(frozen=True)
class Parts:
    """What is known of the parts of n photographs, and which of them R heads hit.

    Attributes
    ----------
    names
        Keypoints, then attributes.
    wide, noisy
        ``[n, R, P]``: part in the wide window round the peak; the same under noise (False where
        that was not asked for).
    visible
        ``[n, P]``.
    merged
        The same parts, left and right together.
    narrow, merged_visible
        ``[n, R, Q]`` and ``[n, Q]``: the same for the narrow window.
    named
        What a peak can hit: attributes, the regions round the keypoints, and ``BESIDE``; those
        that random points hit least come first.
    hit, named_visible
        ``[n, R, S]`` and ``[n, S]``.
    random
        ``[n, T, S]``: what random points on the specimen hit.
    """

    names: list[str]
    wide: Flags
    noisy: Flags
    visible: Flags
    merged: list[str]
    narrow: Flags
    merged_visible: Flags
    named: list[str]
    hit: Flags
    named_visible: Flags
    random: Flags


@dataclass(frozen=True)
class _Names:
    """Names of keypoints and attributes, and what becomes of them in each list of parts."""

    keypoints: list[str]
    attributes: list[str]

    @property
    def all(self) -> list[str]:
        return [self._point(name) for name in self.keypoints] + self.attributes

    @property
    def merged(self) -> list[str]:
        points = dict.fromkeys(self._point(merged_name(name)) for name in self.keypoints)
        return [*points, *self.attributes]

    @property
    def named(self) -> list[str]:
        return [*self.attributes, *dict.fromkeys(self._regions()), BESIDE]

    def merged_places(self) -> list[int]:
        """Return where each part stands in ``merged``."""
        names = [self._point(merged_name(name)) for name in self.keypoints] + self.attributes
        return [self.merged.index(name) for name in names]

    def regions(self) -> list[int]:
        """Return the number of the region of each keypoint, from 0."""
        names = self._regions()
        order = list(dict.fromkeys(names))
        return [order.index(name) for name in names]

    def _regions(self) -> list[str]:
        return [self._point(name) for name in region_names(self.keypoints)]

    def _point(self, name: str) -> str:
        return f"{name} (point)" if name in self.attributes or name == BESIDE else name


def hit_parts(
    specimens: Specimens, views: HeadViews, *, radius: float = 0.0, seed: int = 0
) -> Parts | None:
    """Return which parts the heads hit; None where no part of any photograph is known.

    Parameters
    ----------
    specimens
        The n photographs of ``views``, in its order.
    views
        Where the peaks lie.
    radius
        Of a keypoint, as a share of the photograph's short side.
    seed
        Of the random points.

    Raises
    ------
    UserError
        If a keypoint lies off its photograph, or a mask has another size than its photograph.
    """
    names = _names(specimens)
    if not names.all:
        return None
    keypoints = _keypoints(specimens, names.keypoints)
    regions = Regions(specimens, {})
    n, heads = views.map_maxima.shape
    named = names.named
    wide, noisy = np.zeros((2, n, heads, len(names.all)), dtype=bool)
    visible = np.zeros((n, len(names.all)), dtype=bool)
    small = np.zeros((n, heads, len(names.all)), dtype=bool)
    hit = np.zeros((n, heads, len(named)), dtype=bool)
    named_visible = np.zeros((n, len(named)), dtype=bool)
    random = np.zeros((n, POINTS, len(named)), dtype=bool)
    for row, image in enumerate(specimens.table["image"]):
        shape = int(views.shapes[row, 0]), int(views.shapes[row, 1])
        points = keypoints[row]
        _refuse_outside(points, names.keypoints, shape, image)
        masks = regions.attributes(image, shape)
        specimen = regions.specimen(image, shape)
        photograph = _Photograph(shape, views.cells[row], points, masks, specimen, names)
        visible[row] = photograph.visible()
        if not visible[row].any():
            continue
        disc = radius * min(shape)
        wide[row] = photograph.inside(views.points[row], WIDE, disc)
        small[row] = photograph.inside(views.points[row], NARROW, disc)
        if np.isfinite(views.noisy_points[row]).all():
            noisy[row] = photograph.inside(views.noisy_points[row], WIDE, disc)
        named_visible[row] = photograph.named_visible()
        drawn = photograph.random_points(np.random.default_rng([seed, zlib.crc32(image.encode())]))
        pointed = photograph.pointed_at(np.concatenate([views.points[row], drawn]))
        hit[row], random[row] = pointed[:heads], pointed[heads:]
    places = names.merged_places()
    # Where several parts are hit, the most particular is named: that which chance hits least.
    order = np.argsort(random.mean(axis=(0, 1)), kind="stable")
    return Parts(
        names.all, wide, noisy, visible,
        names.merged, _joined(small, places), _joined(visible, places),
        [named[place] for place in order], hit[..., order], named_visible[..., order],
        random[..., order],
    )  # fmt: skip


@dataclass(frozen=True)
class _Photograph:
    """One photograph with its keypoints ``[K, 2]``, attribute masks and specimen mask."""

    shape: tuple[int, int]
    cell: Numbers
    keypoints: Numbers
    masks: Mapping[str, Mask]
    specimen: Mask | None
    names: _Names

    def visible(self) -> Flags:
        """Return ``[P]``: which parts the photograph shows."""
        points = np.isfinite(self.keypoints).all(axis=1)
        return np.concatenate([points, self._attributes_there()])

    def inside(self, peaks: Numbers, side: float, radius: float) -> Flags:
        """Return ``[R, P]``: which parts lie in a window round each peak."""
        boxes = windows(peaks, self.shape, side, self.cell)
        points = keypoints_inside(boxes, self.keypoints, radius)
        masks = [
            mask_inside(boxes, self.masks[name])
            if name in self.masks
            else np.zeros(len(boxes), dtype=bool)
            for name in self.names.attributes
        ]
        return np.concatenate([points, *(mask[:, None] for mask in masks)], axis=1)

    def named_visible(self) -> Flags:
        """Return ``[S]``: what a peak on the photograph can hit."""
        regions = np.array(self.names.regions(), dtype=np.int64)
        seen = np.isfinite(self.keypoints).all(axis=1)
        there = np.zeros(self._region_count(), dtype=bool)
        there[regions[seen]] = True
        beside = self.specimen is not None
        return np.concatenate([self._attributes_there(), there, [beside]])

    def pointed_at(self, points: Numbers) -> Flags:
        """Return ``[Q, S]``: attributes and regions within the tolerance of each point."""
        tolerance = tolerance_for(self.shape, float(self.cell.max()))
        found = np.zeros((len(points), len(self.names.named)), dtype=bool)
        for place, name in enumerate(self.names.attributes):
            if name in self.masks:
                found[:, place] = _hits(points, self.masks[name], tolerance)
        seen = np.isfinite(self.keypoints).all(axis=1)
        first = len(self.names.attributes)
        on = np.ones(len(points), dtype=bool)
        if self.specimen is not None and self.specimen.any():
            on = _hits(points, self.specimen, tolerance)
            found[:, -1] = ~on
        if seen.any():
            near = regions_near(
                points,
                self.keypoints[seen],
                np.array(self.names.regions())[seen],
                self._region_count(),
                tolerance,
            )
            found[:, first:-1] = near & on[:, None]
        return found

    def random_points(self, generator: np.random.Generator) -> Numbers:
        """Return ``[T, 2]``: points drawn evenly on the specimen, or on the whole photograph."""
        height, width = self.shape
        if self.specimen is None or not self.specimen.any():
            return generator.random((POINTS, 2)) * [width - 1, height - 1]
        rows, columns = np.nonzero(self.specimen)
        chosen = generator.integers(len(rows), size=POINTS)
        return np.stack([columns[chosen], rows[chosen]], axis=1).astype(np.float64)

    def _attributes_there(self) -> Flags:
        return np.array(
            [name in self.masks and bool(self.masks[name].any()) for name in self.names.attributes],
            dtype=bool,
        )

    def _region_count(self) -> int:
        return len(self.names.named) - len(self.names.attributes) - 1


def _hits(points: Numbers, mask: Mask, tolerance: float) -> Flags:
    """Return whether points hit a mask; a large mask is reduced, which moves its edge by 0.1 %."""
    factor = -(-max(mask.shape) // _LARGEST_FIELD)
    if factor > 1:
        mask = block_reduce(mask, (factor, factor), np.max)
        points = (points + 0.5) / factor - 0.5
    return hits(points, mask, tolerance / factor)


def _names(specimens: Specimens) -> _Names:
    def listed(table: pd.DataFrame | None, column: str) -> list[str]:
        return [] if table is None else sorted(set(table[column]))

    return _Names(
        listed(specimens.keypoints, "keypoint"), listed(specimens.attributes, "attribute")
    )


def _keypoints(specimens: Specimens, names: Sequence[str]) -> Numbers:
    """Return ``[n, K, 2]``: x and y, NaN where a keypoint is not visible or not given."""
    points = np.full((len(specimens), len(names), 2), np.nan)
    if specimens.keypoints is not None:
        images = {image: row for row, image in enumerate(specimens.table["image"])}
        columns = {name: column for column, name in enumerate(names)}
        table = specimens.keypoints[specimens.keypoints["image"].isin(images)]
        rows = table["image"].map(images).to_numpy(dtype=np.int64)
        points[rows, table["keypoint"].map(columns).to_numpy()] = table[["x", "y"]].to_numpy()
    return points


def _refuse_outside(
    points: Numbers, names: Sequence[str], shape: tuple[int, int], image: str
) -> None:
    """Refuse keypoints off the photograph; half a pixel is rounding."""
    height, width = shape
    with np.errstate(invalid="ignore"):
        outside = (points < -0.5) | (points > np.array([width, height]) - 0.5 + 1e-9)
    for place in np.flatnonzero(outside.any(axis=1)).tolist():
        x, y = points[place]
        raise UserError(
            f"{image}: the keypoint '{names[place]}' at ({x:g}, {y:g}) lies off the photograph of "
            f"{width} x {height} pixels; correct keypoints.csv, or leave x and y empty where it "
            "is not visible"
        )


def _joined(flags: NDArray[np.bool_], places: Sequence[int]) -> Flags:
    """Join columns ``[..., P]`` that stand for one part: any of them counts."""
    joined = np.zeros((*flags.shape[:-1], max(places) + 1), dtype=bool)
    for column, place in enumerate(places):
        joined[..., place] |= flags[..., column]
    return joined
