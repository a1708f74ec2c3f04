"""Painting one wing: grainy fills and lines on a raster in the wing's own coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import ArrayLike

from intr_discover.data.rings import raster
from intr_discover.data.rings.raster import Numbers, Picture


class Canvas:
    """A raster in the wing's own coordinates.

    Parameters
    ----------
    box
        (left, top, right, bottom) in half wing spans.
    resolution
        Pixels of half a wing span.
    outline
        ``[n, 2]`` of the wing.
    random
        For the grain of edges and scales.

    Attributes
    ----------
    colour
        float32 RGB ``[h, w, 3]``, 0 to 255.
    coverage
        ``[h, w]``: share of each pixel that is wing.
    grain, mottle
        ``[h, w]``: fine and coarse noise of mean 0, the wing's scales and their uneven colour.
    layers
        Coverage of each attribute and part painted, also where it is not shown.
    """

    def __init__(
        self,
        box: tuple[float, float, float, float],
        resolution: float,
        outline: Numbers,
        random: np.random.Generator,
    ) -> None:
        left, top, right, bottom = box
        self.resolution = resolution
        self.origin = np.array([left, top])
        self.shape = (round((bottom - top) * resolution), round((right - left) * resolution))
        self.colour = np.zeros((*self.shape, 3), np.float32)
        self.coverage = self.polygon(outline)
        self.layers: dict[str, Picture] = {}
        # Scales have one size on the wing, whatever the resolution; they fray every edge.
        grain = random.standard_normal(self.shape).astype(np.float32)
        smoothed = raster.blur(grain, max(0.5, resolution / 260))
        self.grain: Picture = smoothed / np.float32(max(1e-6, float(smoothed.std())))
        self.mottle = raster.smooth_noise(random, self.shape, 12)

    def place(self, points: ArrayLike) -> Numbers:
        """Return the pixel positions of points in half wing spans ``[n, 2]``."""
        return (np.asarray(points, dtype=np.float64) - self.origin) * self.resolution

    def coordinates(self) -> tuple[Picture, Picture]:
        """Return x and y of every pixel in half wing spans, each ``[h, w]``."""
        rows, columns = np.indices(self.shape, dtype=np.float32)
        step = np.float32(1 / self.resolution)
        left, top = self.origin.astype(np.float32)
        return columns * step + left, rows * step + top

    def polygon(self, outline: ArrayLike) -> Picture:
        """Return the coverage of a filled outline, antialiased."""
        return raster.polygon(self.shape, self.place(outline))

    def lines(self, curves: Sequence[Numbers], width: float) -> Picture:
        """Return the coverage of curves of a width in half wing spans."""
        placed = [self.place(curve) for curve in curves]
        return raster.lines(self.shape, placed, width * self.resolution)

    def fray(self, coverage: Picture, softness: float) -> Picture:
        """Return a coverage whose edge is soft and grainy; ``softness`` in half wing spans."""
        soft = raster.blur(coverage, max(0.4, softness * self.resolution))
        at_edge = 4 * soft * (1 - soft)
        frayed = (soft - 0.5) * 2.2 + 0.5 + 0.16 * self.grain * at_edge
        return np.clip(frayed, 0, 1).astype(np.float32)

    def distance_to(self, coverage: Picture) -> Picture:
        """Return the distance of each pixel from a coverage, in half wing spans."""
        outside = (coverage < 0.5).astype(np.uint8)
        distance = cv2.distanceTransform(outside, cv2.DIST_L2, 5)
        return (distance / self.resolution).astype(np.float32)

    def distance_inside(self) -> Picture:
        """Return the distance of each pixel of the wing from its margin, in half wing spans."""
        return self.distance_to(1 - self.coverage)

    def paint(self, coverage: Picture, colour: ArrayLike) -> None:
        """Lay a colour over the raster."""
        raster.lay_over(self.colour, coverage, colour)

    def keep(self, name: str, coverage: Picture) -> None:
        """Remember where an attribute or a part is, within the wing."""
        here = np.minimum(coverage, self.coverage)
        self.layers[name] = np.maximum(self.layers[name], here) if name in self.layers else here
