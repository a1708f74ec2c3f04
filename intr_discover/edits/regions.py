"""Control regions: the shape of a mask, put elsewhere on the specimen."""

from __future__ import annotations

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

from intr_discover.edits.checks import Mask, as_region
from intr_discover.errors import UserError

_ATTEMPTS = 3  # for each control wanted: an early part may take the room of a later one


def control_regions(
    mask: NDArray[np.generic],
    allowed: NDArray[np.generic],
    count: int,
    generator: np.random.Generator,
) -> list[Mask]:
    """Return masks of the same shape and area as a region, at random elsewhere.

    Parameters
    ----------
    mask
        ``[H, W]``: the region, where it is above 0. It is moved as a whole where that fits; else
        its parts (the left and the right wing's, say) are placed one by one, without touching each
        other.
    allowed
        ``[H, W]``: where the copies may lie: on the specimen, off the edited region and off the
        attribute on both wings.
    count
        How many are wanted.
    generator
        Draws place, quarter turn and mirroring, evenly from all that fit.

    Returns
    -------
    list of ndarray
        At most ``count`` boolean masks ``[H, W]``, no two the same, each with exactly the area of
        the region and wholly within ``allowed``. Empty where it does not fit.

    Raises
    ------
    UserError
        If the two masks have different sizes.
    """
    if mask.shape != allowed.shape:
        raise UserError(
            f"the mask is {list(mask.shape)} and the allowed area {list(allowed.shape)}; both must "
            "have the size of the picture"
        )
    region = as_region(mask)
    free = as_region(allowed, "allowed area")
    if not region.any():
        return []
    found = _place(_cut_out(region), free, count, generator)
    parts = _parts(region)
    if found or len(parts) == 1:
        return found
    different: dict[bytes, Mask] = {}
    for _ in range(_ATTEMPTS * count):
        control = _place_all(parts, free, generator)
        if control is not None:
            different[control.tobytes()] = control
        if len(different) == count:
            break
    return list(different.values())


def _place_all(parts: list[Mask], free: Mask, generator: np.random.Generator) -> Mask | None:
    """Place parts, the largest first, so that none touches another; None where one cannot be."""
    taken = np.zeros(free.shape, dtype=bool)
    for part in parts:
        near = cv2.dilate(taken.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        placed = _place(part, free & ~near, 1, generator)
        if not placed:
            return None
        taken |= placed[0]
    return taken


def _place(part: Mask, free: Mask, count: int, generator: np.random.Generator) -> list[Mask]:
    """Put a part in up to ``count`` different places of the free area, drawn from all."""
    shapes = _positions(part)
    corners = [_fitting_corners(shape, free) for shape in shapes]
    last = np.cumsum([len(places) for places in corners])
    masks = []
    for number in generator.choice(last[-1], min(count, last[-1]), replace=False):
        position = int(np.searchsorted(last, number, side="right"))
        row, column = corners[position][number - last[position]]  # counted from the end
        height, width = shapes[position].shape
        placed = np.zeros(free.shape, dtype=bool)
        placed[row : row + height, column : column + width] = shapes[position]
        masks.append(placed)
    return masks


def _positions(part: Mask) -> list[Mask]:
    """Return a part turned by quarters and mirrored: up to eight shapes that differ."""
    turned = [np.rot90(side, turn) for side in (part, part[:, ::-1]) for turn in range(4)]
    return list({(shape.shape, shape.tobytes()): shape for shape in turned}.values())


def _fitting_corners(shape: Mask, free: Mask) -> NDArray[np.int64]:
    """Return the upper left corners ``[n, 2]`` at which a shape lies wholly in the free area."""
    if shape.shape[0] > free.shape[0] or shape.shape[1] > free.shape[1]:
        return np.zeros((0, 2), dtype=np.int64)
    # Number of the shape's pixels that are free, for every corner at once; in double precision,
    # for with the single one of OpenCV's matchTemplate large photographs are a pixel out.
    inside = scipy.signal.fftconvolve(free.astype(np.float64), shape[::-1, ::-1], mode="valid")
    return np.argwhere(inside > shape.sum() - 0.5)


def _cut_out(region: Mask) -> Mask:
    """Return the region without the empty rows and columns around it."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    return region[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _parts(region: Mask) -> list[Mask]:
    """Return the connected parts of a region, the largest first."""
    count, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=8)
    parts = [_cut_out(labels == number) for number in range(1, count)]
    return sorted(parts, key=lambda part: -int(part.sum()))
