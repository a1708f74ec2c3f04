"""A ColorChecker found in a photograph: even squares that lie in four rows of six.

Nothing is learned. The squares give a lattice, and of all ways in which the card can lie on it, the
one counts whose colours are the published ones after a linear change of light.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from intr_discover.preparation.colour_correction import (
    COLUMNS,
    FEWEST_PATCHES,
    REFERENCE,
    ROWS,
    colour_difference,
    corrected_colours,
    fit_correction,
    usable,
)

Floats = NDArray[np.float64]

SIDE = 1000
"""Pixels of the longer side on which the card is looked for."""

LARGEST_DIFFERENCE = 6.0
"""Mean CIEDE2000 after the correction above which 24 squares are no ColorChecker."""

_FEWEST_SQUARES = 12  # of 24 that must be seen; the others are sampled where they have to be
_SMALLEST_SQUARE = 7  # pixels of its side
_EVEN = 14  # levels that brightness may change across three pixels inside a square
_FILLED = 0.8  # of its upright box turned to fit: a square fills it, less its blurred corners
_LONGEST = 1.35  # of the sides of a square
_OFF = 0.2  # of the lattice's step that a square may lie beside its place
_TAKEN = 0.2  # of the step, on each side of a patch's centre: what is measured
_CASE = 0.3  # of the card's shorter side: how far its case may reach beyond it
_BORDER = 0.85  # of the step, from the outer patches' centres to the card's edge


@dataclass(frozen=True)
class ColourCard:
    """A ColorChecker in a photograph.

    Attributes
    ----------
    corners
        ``[4, 2]``: x and y of the card's corners in pixels of the photograph, 0.85 of the patches'
        step beyond the middles of the outer ones; the first is beside the dark skin patch, then
        clockwise.
    patches
        ``[24, 3]``: median colours, sRGB 0 to 255, in the order of ``REFERENCE``.
    squares
        How many of the 24 patches were seen as even squares.
    """

    corners: Floats
    patches: Floats
    squares: int

    def mask(self, photograph: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Return where the card and its dark case lie in its photograph, ``bool [H, W]``.

        The case is what is about as dark as the darkest patch, is connected with the card, and
        lies within ``_CASE`` of the card's height from it.
        """
        card = self._drawn(photograph.shape, 1.0)
        dark = photograph.max(axis=2) < self.patches[-2:].mean()  # of neutral 3.5 and black
        near = dark & self._drawn(photograph.shape, 1 + 2 * _CASE)
        kernel = np.ones((3, 3), np.uint8)
        _, labels = cv2.connectedComponents((near | card).astype(np.uint8))
        case = labels == np.bincount(labels[card]).argmax()
        closed = cv2.morphologyEx(case.astype(np.uint8), cv2.MORPH_CLOSE, kernel, iterations=5)
        return np.asarray(ndimage.binary_fill_holes(closed), dtype=bool)

    def _drawn(self, shape: tuple[int, ...], larger: float) -> NDArray[np.bool_]:
        """Return the card's shape, made larger round its middle, as a mask."""
        sides = np.hypot(*np.diff(self.corners[[0, 1, 2]], axis=0).T)
        # By the same length on every side: the shorter side gives it.
        longer = 1 + (larger - 1) * sides.min() / sides
        along, down = (self.corners[1] - self.corners[0]), (self.corners[3] - self.corners[0])
        signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
        step = (
            signs[:, :1] * along * (longer[0] - 1) / 2 + signs[:, 1:] * down * (longer[1] - 1) / 2
        )
        corners = self.corners + step if larger != 1 else self.corners
        drawn = np.zeros(shape[:2], np.uint8)
        cv2.fillConvexPoly(drawn, np.round(corners).astype(np.int32), 1)
        return drawn > 0


def find_card(photograph: NDArray[np.uint8]) -> ColourCard | None:
    """Find a ColorChecker Classic, turned by any angle and seen from nearly above.

    Parameters
    ----------
    photograph
        ``uint8 [H, W, 3]``, sRGB.

    Returns
    -------
    ColourCard or None
        None where fewer than twelve squares lie on a lattice of six by four, or their colours are
        not those of the card under any light (``LARGEST_DIFFERENCE``).
    """
    height, width = photograph.shape[:2]
    shrink = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = np.asarray(cv2.resize(photograph, size, interpolation=cv2.INTER_AREA), np.uint8)
    scale = np.array([width / size[0], height / size[1]])
    centres, sides = _squares(small)
    best: tuple[float, ColourCard] | None = None
    for members, cells in _lattices(centres, sides):
        for turned in _placings(cells):
            card = _card_at(photograph, scale * centres[members], turned)
            if card is None:
                continue
            difference = _misfit(card.patches)
            if best is None or difference < best[0]:
                best = difference, card
        if best is not None and best[0] <= LARGEST_DIFFERENCE:
            return best[1]
    return None


def _squares(small: NDArray[np.uint8]) -> tuple[Floats, Floats]:
    """Return centres ``[N, 2]`` (x, y) and sides ``[N]`` of even squares, in pixels."""
    smooth = cv2.medianBlur(small, 5)
    kernel = np.ones((3, 3), np.uint8)
    change = (cv2.dilate(smooth, kernel) - cv2.erode(smooth, kernel)).max(axis=2)
    even = (change < _EVEN).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(even, connectivity=4)
    found = []
    for number in range(1, count):
        left, top, wide, high, area = boxes[number]
        # A square of the smallest card to the largest: a sixth of the picture's longer side.
        if min(wide, high) < _SMALLEST_SQUARE or max(wide, high) > max(small.shape) / 4:
            continue
        part = (labels[top : top + high, left : left + wide] == number).astype(np.uint8)
        outline = cv2.findContours(part, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0][0]
        (x, y), (first, second), _ = cv2.minAreaRect(outline)
        sides = (first + 1, second + 1)  # between the centres of the outer pixels
        if max(sides) > _LONGEST * min(sides) or area < _FILLED * sides[0] * sides[1]:
            continue
        found.append((left + x, top + y, float(np.sqrt(sides[0] * sides[1]))))
    table = np.array(found, np.float64).reshape(-1, 3)
    return table[:, :2], table[:, 2]


def _lattices(centres: Floats, sides: Floats) -> list[tuple[NDArray[np.intp], NDArray[np.int64]]]:
    """Return sets of squares that lie on a lattice, with their cells; those with most first.

    Each square proposes one: its nearest neighbour of about its size is the next column, and the
    neighbour at a right angle the next row.
    """
    found: dict[tuple[int, ...], NDArray[np.int64]] = {}
    for start in range(len(centres)):
        alike = (sides > 0.7 * sides[start]) & (sides < 1.4 * sides[start])
        away = centres - centres[start]
        distance = np.hypot(*away.T)
        distance[~alike | (np.arange(len(centres)) == start)] = np.inf
        if len(centres) < 2 or not np.isfinite(distance.min()):
            continue
        along = away[distance.argmin()]
        # Patches are wider than the gaps between them.
        if np.hypot(*along) > 2 * sides[start]:
            continue
        # Clockwise as pixels go down, so that the lattice is never a mirrored one.
        across = np.array([-along[1], along[0]])
        members, cells = _on_lattice(centres, alike, start, np.stack([along, across], axis=1))
        if len(members) >= _FEWEST_SQUARES:
            found.setdefault(tuple(members.tolist()), cells)
    by_size = sorted(found.items(), key=lambda each: -len(each[0]))
    return [(np.array(members), cells) for members, cells in by_size]


def _on_lattice(
    centres: Floats, alike: NDArray[np.bool_], start: int, basis: Floats
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return which squares lie on a lattice grown from one of them, and their cells ``[M, 2]``.

    The lattice is fitted anew as it grows, so that small errors of its first step, and a card seen
    a little from the side, do not add up.
    """
    origin = centres[start]
    members = np.array([start])
    cells = np.zeros((1, 2), np.int64)
    for reach in (1, 2, 3, 4, 5):
        place = np.linalg.solve(basis, (centres - origin).T).T
        nearest = np.round(place)
        close = alike & (np.abs(place - nearest).max(axis=1) < _OFF)
        close &= np.abs(nearest).max(axis=1) <= reach
        members, cells = np.flatnonzero(close), nearest[close].astype(np.int64)
        if len(members) < 3 or np.linalg.matrix_rank(cells - cells.mean(axis=0)) < 2:
            break
        design = np.column_stack([cells, np.ones(len(cells))])
        fitted, *_ = np.linalg.lstsq(design, centres[members], rcond=None)
        basis, origin = fitted[:2].T, fitted[2]
    _, first = np.unique(cells, axis=0, return_index=True)
    return members[first], cells[first]


def _placings(cells: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return the cells as columns and rows of a card, for all ways in which it can cover them."""
    found = []
    for quarter_turns in range(4):
        turned = cells
        for _ in range(quarter_turns):
            turned = np.column_stack([-turned[:, 1], turned[:, 0]])
        turned = turned - turned.min(axis=0)
        free = np.array([COLUMNS - 1, ROWS - 1]) - turned.max(axis=0)
        if (free >= 0).all():
            found += [turned + step for step in product(*(range(int(n) + 1) for n in free))]
    return found


def _card_at(
    photograph: NDArray[np.uint8], centres: Floats, cells: NDArray[np.int64]
) -> ColourCard | None:
    """Measure a card that lies so that squares are in the given cells; None where it sticks out."""
    to_picture: NDArray[Any] | None = cv2.findHomography(cells.astype(np.float64), centres)[0]
    if to_picture is None:
        return None

    def pixels(points: Floats) -> Floats:
        moved = cv2.perspectiveTransform(points[None].astype(np.float64), to_picture)[0]
        return np.asarray(moved, np.float64)

    height, width = photograph.shape[:2]
    steps = np.linspace(-_TAKEN, _TAKEN, 9)
    offsets = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)
    grid = np.array([(column, row) for row in range(ROWS) for column in range(COLUMNS)], float)
    taken = np.round(pixels((grid[:, None] + offsets).reshape(-1, 2))).astype(int)
    if (taken < 0).any() or (taken >= (width, height)).any():
        return None
    colours = photograph[taken[:, 1], taken[:, 0]].reshape(len(grid), -1, 3)
    low, right, below = -_BORDER, COLUMNS - 1 + _BORDER, ROWS - 1 + _BORDER
    corners = pixels(np.array([(low, low), (right, low), (right, below), (low, below)]))
    return ColourCard(corners, np.median(colours, axis=1), len(cells))


def _misfit(patches: Floats) -> float:
    """Return how far 24 colours are from the card's, CIEDE2000, when the light is allowed for.

    A correction that takes away a channel's own light is none: it could turn a card upside down.
    """
    kept = usable(patches)
    if kept.sum() < FEWEST_PATCHES:
        return float("inf")
    matrix = fit_correction(patches[kept], REFERENCE[kept])
    if (np.diag(matrix) <= 0).any():
        return float("inf")
    return float(
        colour_difference(corrected_colours(patches[kept], matrix), REFERENCE[kept]).mean()
    )
