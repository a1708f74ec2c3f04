"""Aligned patterns as small square pictures, which a model reads whole and undistorted.

The published pictures are wide and mostly empty. All are cut to one square window, so that a pixel
stays the same place of the wing in every picture.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from intr_discover import Specimens
from intr_discover.files import write_with

RIM = 0.02
"""Empty rim on each side of the window, as a share of its side."""

SPECK = 0.02
"""Rows and columns with pattern in a smaller share of the pictures hold specks of dust, no wing."""


def squared(specimens: Specimens, folder: Path) -> Specimens:
    """Write every picture cut to the common window; return a table that names the new ones.

    Parameters
    ----------
    specimens
        Pictures of one size: pattern bright, everything else black.
    folder
        Where ``images`` and ``specimens.csv`` are written. Nothing is done where the table is
        there already: it is written last.

    Returns
    -------
    Specimens
        The same rows; ``image`` is the new picture.
    """
    path = folder / "specimens.csv"
    if not path.exists():
        patterns = np.stack([_pattern(source) for source in specimens.paths])
        left, top, side = window(patterns)
        names = []
        for label, source, pattern in zip(
            specimens.table["label"], specimens.paths, patterns, strict=True
        ):
            names.append(f"images/{label}/{source.name}")
            picture = Image.fromarray(cut(pattern, left, top, side).astype(np.uint8) * 255)
            (folder / names[-1]).parent.mkdir(parents=True, exist_ok=True)
            write_with(folder / names[-1], partial(picture.save, format="PNG"))
        new = Specimens(specimens.table.assign(image=names), folder, path)
        new.save(path)
    read = Specimens.read(path)
    read.pairs = specimens.pairs
    return read


def window(patterns: NDArray[np.bool_]) -> tuple[int, int, int]:
    """Return left, top and side in pixels of the smallest square that holds all patterns.

    Parameters
    ----------
    patterns
        ``[n, h, w]``. Labels play no part, so a held-out pattern tells nothing but where wings lie.

    Returns
    -------
    tuple
        With a rim; the square may reach beyond the pictures.
    """
    ends = []
    for axis in (2, 1):
        shared = np.flatnonzero(patterns.any(axis=3 - axis).mean(axis=0) > SPECK)
        ends.append((int(shared[0]), int(shared[-1]) + 1))
    side = max(last - first for first, last in ends)
    side += 2 * round(RIM * side)
    left, top = ((first + last - side) // 2 for first, last in ends)
    return left, top, side


def cut(pattern: NDArray[np.bool_], left: int, top: int, side: int) -> NDArray[np.bool_]:
    """Return the window ``[side, side]`` of a pattern; what lies off the picture is empty."""
    rows, columns = np.arange(side) + top, np.arange(side) + left
    inside = (rows[:, None] >= 0) & (rows[:, None] < pattern.shape[0])
    inside = inside & (columns >= 0) & (columns < pattern.shape[1])
    rows, columns = (
        np.clip(places, 0, size - 1)
        for places, size in zip((rows, columns), pattern.shape, strict=True)
    )
    return pattern[rows[:, None], columns] & inside


def _pattern(path: Path) -> NDArray[np.bool_]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("L")) > 127
