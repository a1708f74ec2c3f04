"""A region that is drawn step by step, and can be taken back step by step. No widget here."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from intr_discover.edits.masks import mask_of_polygon
from intr_discover.errors import UserError
from intr_discover.studies.edit_regions import disc

Mask = NDArray[np.bool_]
Point = tuple[float, float]

_MOST_STEPS = 30  # that can be taken back


class RegionDrawing:
    """A region of a photograph while it is drawn.

    Parameters
    ----------
    shape
        (height, width) of the photograph.
    start
        ``[H, W]``: a region to begin with; empty if left out.

    Attributes
    ----------
    corners
        (x, y) of the polygon that is being drawn; it joins the region when it is closed.

    Raises
    ------
    UserError
        If the region to begin with has another size than the photograph.
    """

    def __init__(self, shape: tuple[int, int], start: Mask | None = None) -> None:
        if start is not None and np.asarray(start).shape != shape:
            raise UserError(
                f"the mask has {_size(np.asarray(start).shape)} pixels, its photograph "
                f"{_size(shape)}: make it the same size"
            )
        self.shape = shape
        self.corners: tuple[Point, ...] = ()
        self._closed = np.zeros(shape, bool) if start is None else np.asarray(start).astype(bool)
        self._steps: list[tuple[Mask, tuple[Point, ...]]] = []

    @property
    def mask(self) -> Mask:
        """Return the region ``[H, W]``, with the open polygon from its third corner on."""
        if len(self.corners) < 3:
            return self._closed.copy()
        try:
            return self._closed | mask_of_polygon(self.corners, self.shape)
        except UserError:  # three corners in a line between pixels: no area yet
            return self._closed.copy()

    def corner(self, x: float, y: float) -> None:
        """Add a corner to the polygon, in pixels of the photograph."""
        self._remember()
        self.corners = (*self.corners, (x, y))

    def close(self) -> None:
        """Make the polygon a part of the region, and begin another one.

        Raises
        ------
        UserError
            If it has fewer than three corners, or lies off the photograph.
        """
        polygon = mask_of_polygon(np.array(self.corners).reshape(-1, 2), self.shape)
        self._remember()
        self._closed, self.corners = self._closed | polygon, ()

    def replace_corners(self, corners: Sequence[Point]) -> None:
        """Draw the polygon anew, with these corners.

        Raises
        ------
        UserError
            If there are fewer than three, or no pixel lies in the polygon.
        """
        mask_of_polygon(np.array(corners, dtype=np.float64).reshape(-1, 2), self.shape)
        self._remember()
        self.corners = tuple(corners)

    def stamp(self, x: float, y: float, radius: float, *, add: bool = True) -> None:
        """Add a disc to the region, or take it away from it (from an open polygon too).

        However small the disc, the pixel on which it lies belongs to it.

        Raises
        ------
        UserError
            If it lies off the photograph.
        """
        spot = disc([(x, y)], radius, self.shape, "the brush")
        row, column = (min(max(round(at), 0), side - 1) for at, side in
                       zip((y, x), self.shape, strict=True))  # fmt: skip
        spot[row, column] = True
        self._remember()
        if add:
            self._closed = self._closed | spot
        else:
            self._closed, self.corners = self.mask & ~spot, ()

    def clear(self) -> None:
        """Take everything away."""
        self._remember()
        self._closed, self.corners = np.zeros(self.shape, bool), ()

    def undo(self) -> None:
        """Take the last step back; nothing happens where there is none."""
        if self._steps:
            self._closed, self.corners = self._steps.pop()

    def _remember(self) -> None:
        self._steps = [*self._steps[1 - _MOST_STEPS :], (self._closed, self.corners)]


def read_corners(text: str) -> list[Point]:
    """Read corners as people type them: ``12,40 30,44 22.5,60``.

    Parameters
    ----------
    text
        x before y, in pixels; pairs separated by spaces, semicolons or lines.

    Raises
    ------
    UserError
        If it is no list of pairs of numbers.
    """
    pairs = re.split(r"[;\s]+", re.sub(r"\s*,\s*", ",", text.strip()))
    corners = []
    for pair in filter(None, pairs):
        try:
            x, y = (float(part) for part in pair.split(","))
        except ValueError:
            raise UserError(
                f"'{pair}' is no corner: write x,y in pixels, and a space before the next"
            ) from None
        corners.append((x, y))
    return corners


def write_corners(corners: Sequence[Point]) -> str:
    """Return corners as ``read_corners`` reads them."""
    return " ".join(f"{x:g},{y:g}" for x, y in corners)


def _size(shape: Sequence[int]) -> str:
    return " × ".join(str(side) for side in reversed(shape))
