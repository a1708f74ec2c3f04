"""Cues that are not the specimen: what surrounds it in the picture, and what the table says of it.

Features in, nothing learned here; how well a cue tells the labels is the matter of
``cue_tests``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.data.foreground import border
from intr_discover.edits.checks import Mask

PICTURE_CUES = {
    "background_colour": "colour of the background",
    "background_brightness": "brightness of the background",
    "background_evenness": "texture of the background",
    "border_colour": "colour of the picture's border",
    "layout": "arrangement beside the specimen",
    "picture_size": "size of the picture in pixels",
    "aspect": "aspect ratio of the picture",
}
"""The cues of a picture without its specimen, and what people call them."""

_SIDE = 160  # pixels of the longer side on which they are measured
_GRID = 6  # layout: cells on each side
_FEWEST_CELL = 0.1  # share of a cell's pixels that must be background
_BORDER = 0.02  # of the shorter side

# Columns that every table may have; none is a cue.
_OWN = {"image", "label", "split", "mask", "specimen_id"}
# Words of a column's name by which it says the label, or part of it, once more.
_TAXON = {
    "species", "subspecies", "genus", "subgenus", "family", "subfamily", "tribe", "race",
    "taxon", "taxonomy", "scientific", "latin", "common", "vernacular",
}  # fmt: skip
_MOST_UNIQUE = 0.5
_FEWEST_NUMBERS = 10  # different numbers; fewer are categories (a sex coded 0 and 1)
_MISSING = "(not given)"


@dataclass(frozen=True)
class Cue:
    """Something by which labels may be told, for n photographs.

    Attributes
    ----------
    name
        Of the cue, or of the column.
    kind
        ``"picture"``: measured beside the specimen. ``"metadata"``: a column of the table.
    values
        ``[n, d]`` numbers in which photographs are near or far from each other; for categories
        ``[n, 1]`` codes, which are equal or not.
    categories
        Whether ``values`` are codes.
    """

    name: str
    kind: Literal["picture", "metadata"]
    values: NDArray[np.float64]
    categories: bool = False

    @property
    def constant(self) -> bool:
        """Return whether it is the same for all photographs."""
        return bool((self.values == self.values[:1]).all())


def picture_features(
    photograph: NDArray[np.uint8], mask: Mask, shape: tuple[int, int] | None = None
) -> dict[str, NDArray[np.float64]]:
    """Measure a picture without its specimen.

    Parameters
    ----------
    photograph
        ``uint8 [H, W, 3]``.
    mask
        ``bool [H, W]``: the specimen. Its place, and a rim of a fiftieth of the shorter side, do
        not count. Where nothing else is left, the features are NaN.
    shape
        (height, width) of the original picture, where this one is reduced.

    Returns
    -------
    dict
        For each of ``PICTURE_CUES`` its numbers ``[d]``. Colours are CIELAB: median of the
        background (3; its lightness alone is ``background_brightness``), mean of the outermost
        2 % (3). ``background_evenness``: the median absolute deviation of L*, a*, b* and the
        logarithm of the mean gradient. ``layout`` (72): in a grid of 6 × 6 the mean L* relative
        to the background's and the logarithm of the mean gradient; cells behind the specimen
        have the background's. Sizes are logarithms.
    """
    height, width = photograph.shape[:2] if shape is None else shape
    small, small_mask = _reduced(photograph, mask)
    hole = _with_rim(small_mask)
    seen: Mask = ~hole
    picture = {
        "picture_size": np.log([width, height]).astype(np.float64),
        "aspect": np.array([np.log(width / height)]),
    }
    if hole.all():
        sizes = {"background_colour": 3, "background_brightness": 1, "background_evenness": 4,
                 "border_colour": 3, "layout": 2 * _GRID**2}  # fmt: skip
        return {**{name: np.full(size, np.nan) for name, size in sizes.items()}, **picture}
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB).astype(np.float64)
    steps = np.hypot(*np.gradient(lab[..., 0]))
    ground = lab[seen]
    colour = np.median(ground, axis=0)
    spread = np.median(np.abs(ground - colour), axis=0)
    edge: Mask = border(hole.shape, _BORDER) & seen
    edge_colour = lab[edge].mean(axis=0) if edge.any() else colour
    return {
        "background_colour": colour,
        "background_brightness": colour[:1],
        "background_evenness": np.append(spread, np.log(steps[seen].mean() + 0.1)),
        "border_colour": edge_colour,
        "layout": _layout(lab[..., 0] - colour[0], steps, hole),
        **picture,
    }


def picture_cues(features: Sequence[Mapping[str, NDArray[np.float64]]]) -> list[Cue]:
    """Return the cues of all pictures from the features of each; those that never differ too."""
    cues = []
    for name in PICTURE_CUES:
        values = np.stack([each[name] for each in features])
        # A picture that is all specimen has no background: it stands at the mean of the others.
        known = np.isfinite(values.sum(axis=1))
        middle = values[known].mean(axis=0) if known.any() else np.zeros(values.shape[1])
        cues.append(Cue(name, "picture", np.where(known[:, None], values, middle)))
    return cues


def metadata_cues(
    table: pd.DataFrame, leave_out: Collection[str] = ()
) -> tuple[list[Cue], dict[str, str]]:
    """Return the columns of a specimen table that may tell the label.

    Parameters
    ----------
    table
        One row a photograph.
    leave_out
        Columns that are none.

    Returns
    -------
    tuple
        The cues, and for each other column why it is none. A column of more than ten different
        numbers is a number (missing ones stand at the median, and whether one is missing counts
        too); any other column is categories, and what is missing is a category of its own.
    """
    cues, reasons = [], {}
    for column in table.columns:
        if column in _OWN:
            continue
        reason = "left out as asked" if column in leave_out else _no_cue(column, table[column])
        if reason is not None:
            reasons[column] = reason
        elif _is_number(table[column]):
            numbers = table[column].to_numpy(np.float64)
            missing = np.isnan(numbers)
            filled = np.where(missing, np.nanmedian(numbers), numbers)
            scaled = (filled - filled.mean()) / (filled.std() or 1.0)
            values = np.column_stack([scaled, 3.0 * missing]) if missing.any() else scaled[:, None]
            cues.append(Cue(column, "metadata", values))
        else:
            codes = pd.factorize(categories(table[column]))[0]
            cues.append(Cue(column, "metadata", codes[:, None].astype(np.float64), True))
    return cues, reasons


def categories(column: pd.Series) -> pd.Series:
    """Return a column as text, what is missing as a category of its own."""
    return column.astype(object).where(column.notna(), _MISSING).astype(str)


def groups_of(table: pd.DataFrame, leave_out: Collection[str] = ()) -> dict[str, pd.Series]:
    """Return the columns that put photographs into groups, as text."""
    cues, _ = metadata_cues(table, leave_out)
    return {cue.name: categories(table[cue.name]) for cue in cues if cue.categories}


def _no_cue(name: str, column: pd.Series) -> str | None:
    """Say why a column is no cue; None when it is one."""
    known = column.dropna()
    if categories(column).nunique() < 2:
        return "the same for all photographs"
    if set(re.split(r"[^a-z]+", name.lower())) & _TAXON:
        return "names the species"
    if not _is_number(column):
        counts = known.astype(str).value_counts()
        if counts[counts == 1].sum() > _MOST_UNIQUE * len(known):
            return "nearly every photograph has its own value"
    return None


def _is_number(column: pd.Series) -> bool:
    return (
        pd.api.types.is_numeric_dtype(column)
        and not pd.api.types.is_bool_dtype(column)
        and column.nunique() > _FEWEST_NUMBERS
    )


def _reduced(photograph: NDArray[np.uint8], mask: Mask) -> tuple[NDArray[np.uint8], Mask]:
    height, width = mask.shape
    shrink = min(1.0, _SIDE / max(height, width))
    if shrink == 1.0:
        return photograph, mask
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = cv2.resize(photograph, size, interpolation=cv2.INTER_AREA)
    small_mask = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0
    return np.asarray(small, dtype=np.uint8), small_mask


def _with_rim(mask: Mask) -> Mask:
    """Return the mask with the rim in which shadows and mixed pixels lie."""
    reach = 1 + round(0.02 * min(mask.shape))  # one more: a gradient looks at its neighbours
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    widened: Mask = cv2.dilate(mask.astype(np.uint8), kernel) > 0
    return widened


def _layout(
    lightness: NDArray[np.float64], steps: NDArray[np.float64], hole: Mask
) -> NDArray[np.float64]:
    """Return mean lightness and log gradient of the background in each cell of a grid."""
    rows = np.array_split(np.arange(hole.shape[0]), _GRID)
    columns = np.array_split(np.arange(hole.shape[1]), _GRID)
    overall = np.log(steps[~hole].mean() + 0.1)
    found = []
    for row in rows:
        for column in columns:
            cell = np.ix_(row, column)
            seen = ~hole[cell]
            if seen.size == 0 or seen.mean() < _FEWEST_CELL:
                found.append((0.0, overall))
            else:
                found.append((lightness[cell][seen].mean(), np.log(steps[cell][seen].mean() + 0.1)))
    light, energy = np.array(found).T
    # Twenty levels of lightness count as much as a gradient three times as large.
    return np.concatenate([light / 20, energy])
