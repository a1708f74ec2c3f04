"""The shape of a butterfly: outlines, veins and landmarks of one individual, right side.

Unit: half a wing span. x grows away from the body, y downwards, the origin is the thorax.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from intr_discover.data.rings.specimen import RingSpecimen

Numbers = NDArray[np.float64]

_FOREWING = [(0.04, -0.13), (0.30, -0.35), (0.58, -0.555), (0.82, -0.665), (0.955, -0.665)]
_FOREWING += [(0.985, -0.575), (0.95, -0.40), (0.87, -0.22), (0.765, -0.07), (0.66, -0.005)]
_FOREWING += [(0.40, -0.01), (0.15, -0.01), (0.04, -0.03)]
# The same corners with the tip drawn out into a hook and the margin below it hollow.
_HOOKED = {3: (0.82, -0.675), 4: (0.985, -0.715), 5: (1.025, -0.635), 6: (0.905, -0.43)}
_HOOKED |= {7: (0.845, -0.235)}
_HINDWING = [(0.03, -0.04), (0.24, -0.10), (0.46, -0.08), (0.62, 0.03), (0.675, 0.19)]
_HINDWING += [(0.62, 0.36), (0.49, 0.475), (0.33, 0.54), (0.19, 0.545), (0.09, 0.44)]
_HINDWING += [(0.04, 0.27), (0.025, 0.10)]

_FOREWING_BASE = (0.05, -0.08)
_FOREWING_CELL = [(0.05, -0.09), (0.27, -0.285), (0.49, -0.415), (0.50, -0.31), (0.45, -0.215)]
_FOREWING_CELL += [(0.24, -0.115)]
# Where veins leave the cell or the base, and where they meet the margin (snapped to the outline).
_FOREWING_VEINS = [
    ((0.45, -0.40), (0.74, -0.63)),
    ((0.49, -0.415), (0.93, -0.67)),
    ((0.50, -0.37), (0.975, -0.50)),
    ((0.50, -0.31), (0.935, -0.36)),
    ((0.48, -0.25), (0.875, -0.235)),
    ((0.43, -0.20), (0.80, -0.12)),
    ((0.32, -0.15), (0.71, -0.03)),
    ((0.08, -0.055), (0.52, -0.005)),
]
_HINDWING_CELL = [(0.05, 0.0), (0.22, -0.005), (0.34, 0.05), (0.33, 0.14), (0.24, 0.175)]
_HINDWING_CELL += [(0.10, 0.09)]
_HINDWING_VEINS = [
    ((0.22, -0.005), (0.56, -0.02)),
    ((0.32, 0.035), (0.655, 0.10)),
    ((0.345, 0.08), (0.665, 0.235)),
    ((0.335, 0.13), (0.60, 0.385)),
    ((0.28, 0.165), (0.48, 0.48)),
    ((0.22, 0.165), (0.35, 0.53)),
    ((0.13, 0.12), (0.20, 0.545)),
    ((0.06, 0.08), (0.09, 0.44)),
]


@dataclass(frozen=True)
class Space:
    """The room between two neighbouring veins, from the cell to the margin.

    Attributes
    ----------
    start, end
        Middle of its two ends.
    near, far
        Half of its width at the start and at the end.
    """

    start: Numbers
    end: Numbers
    near: float
    far: float

    def point(self, along: float, across: float = 0.0) -> Numbers:
        """Return the place a share ``along`` of its length; ``across`` in half widths."""
        direction = self.end - self.start
        normal = np.array([-direction[1], direction[0]]) / np.linalg.norm(direction)
        half = self.near + (self.far - self.near) * along
        return np.asarray(self.start + along * direction + across * half * normal)


@dataclass(frozen=True)
class WingShape:
    """Outline and veins of one wing of the right side.

    Attributes
    ----------
    outline
        ``[n, 2]``.
    cell
        ``[n, 2]``: the discal cell.
    veins
        Curves ``[n, 2]``.
    spaces
        Between neighbouring veins, from the leading edge backwards.
    base
        Where the wing turns.
    """

    outline: Numbers
    cell: Numbers
    veins: list[Numbers]
    spaces: list[Space]
    base: Numbers


def forewing_shape(specimen: RingSpecimen, hooked: bool) -> WingShape:
    """Return the forewing of an individual, with a rounded or a hooked tip."""
    corners = np.array(_FOREWING)
    drawn_out = corners.copy()
    for place, corner in _HOOKED.items():
        drawn_out[place] = corner
    return _individual(
        corners, _FOREWING_CELL, _FOREWING_VEINS, _FOREWING_BASE, specimen, "forewing",
        specimen.ring.breadth, drawn_out if hooked else None,
    )  # fmt: skip


def hindwing_shape(specimen: RingSpecimen) -> WingShape:
    """Return the hindwing of an individual."""
    shape = _individual(
        np.array(_HINDWING), _HINDWING_CELL, _HINDWING_VEINS, (0.05, 0.0), specimen, "hindwing",
        1.0,
    )  # fmt: skip
    depth = specimen.ring.scallops
    if not depth:
        return shape
    # Waves of the margin: deepest between veins, none at their ends and towards the body.
    centre = shape.outline.mean(axis=0)
    ends = np.array([vein[-1] for vein in shape.veins])
    distance = np.linalg.norm(shape.outline[:, None] - ends[None], axis=2).min(axis=1)
    outer = np.clip((shape.outline[:, 0] - 0.15) / 0.2, 0, 1) * (shape.outline[:, 1] > 0)
    inward = depth * outer * (1 - np.cos(np.pi * np.clip(distance / 0.06, 0, 1)))
    direction = centre - shape.outline
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    outline = shape.outline + inward[:, None] * direction
    return WingShape(outline, shape.cell, shape.veins, shape.spaces, shape.base)


def smooth(corners: ArrayLike, points: int = 160, knots: Numbers | None = None) -> Numbers:
    """Return a closed smooth curve ``[points, 2]`` through the corners.

    Two curves with the same ``knots`` (one a corner, and the end) have their points side by side.
    """
    closed = np.vstack([corners, np.asarray(corners)[:1]])
    along = _knots(corners) if knots is None else knots
    curve = scipy.interpolate.CubicSpline(along, closed, bc_type="periodic")
    return np.asarray(curve(np.linspace(0, along[-1], points, endpoint=False)))


def _knots(corners: ArrayLike) -> Numbers:
    """Return how far along the curve each corner lies, and the length of the whole."""
    closed = np.vstack([corners, np.asarray(corners)[:1]])
    return np.append(0, np.cumsum(np.linalg.norm(np.diff(closed, axis=0), axis=1)))


def ellipse(centre: ArrayLike, along: float, across: float, angle: float = 0.0) -> Numbers:
    """Return an ellipse ``[40, 2]`` with its half axes and its angle in radians."""
    t = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    x, y = along * np.cos(t), across * np.sin(t)
    turned = np.column_stack([x * np.cos(angle) - y * np.sin(angle),
                              x * np.sin(angle) + y * np.cos(angle)])  # fmt: skip
    return np.asarray(centre) + turned


def _individual(
    corners: Numbers,
    cell: list[tuple[float, float]],
    veins: list[tuple[tuple[float, float], tuple[float, float]]],
    base: tuple[float, float],
    specimen: RingSpecimen,
    purpose: str,
    breadth: float,
    drawn_out: Numbers | None = None,
) -> WingShape:
    """Vary a wing and stretch it across its axis; veins and cell follow.

    ``drawn_out`` holds the corners of another outline; the wing takes them near its tip only, and
    nothing else of it moves.
    """
    random = specimen.random(f"{purpose} shape")
    # One smooth change of the whole wing, the same for corners, cell and veins.
    bend = np.eye(2) + random.normal(0, 0.02 * (0.4 + 1.2 * specimen.hard), (2, 2))
    axis = corners[len(corners) // 3] - np.asarray(base)
    axis /= np.linalg.norm(axis)
    across = np.array([-axis[1], axis[0]])
    stretch = np.outer(axis, axis) + breadth * np.outer(across, across)

    def move(points: ArrayLike) -> Numbers:
        return np.asarray(base) + (np.asarray(points) - base) @ (stretch @ bend).T

    jitter = random.normal(0, 0.004 + 0.006 * specimen.hard, corners.shape)
    outline = smooth(move(corners) + jitter)
    curves = []
    for start, end in veins:
        first, last = move(start), move(end)
        last = outline[np.linalg.norm(outline - last, axis=1).argmin()]
        middle = (first + last) / 2 + random.normal(0, 0.006, 2)
        curves.append(_bow(first, middle, last))
    spaces = []
    for one, two in pairwise(curves):
        half_near = float(np.linalg.norm(one[0] - two[0])) / 2
        half_far = float(np.linalg.norm(one[-1] - two[-1])) / 2
        start, end = (one[0] + two[0]) / 2, (one[-1] + two[-1]) / 2
        # The middle of a chord lies inside a round margin: out to the margin itself.
        margin = outline[np.linalg.norm(outline - end, axis=1).argmin()]
        spaces.append(Space(start, margin, half_near, half_far))
    if drawn_out is not None:
        moved = smooth(move(drawn_out) + jitter, knots=_knots(move(corners) + jitter))
        tip = np.clip((outline[:, 0] - 0.55) / 0.15, 0, 1)[:, None]
        outline = outline + tip * (moved - outline)
    return WingShape(outline, smooth(move(cell), 60), curves, spaces, np.asarray(base))


def _bow(first: Numbers, middle: Numbers, last: Numbers) -> Numbers:
    t = np.linspace(0, 1, 12)[:, None]
    return np.asarray((1 - t) ** 2 * first + 2 * t * (1 - t) * middle + t**2 * last)
