"""A trait drawn once on one specimen, laid over all the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.data.specimens import Specimens
from intr_discover.edits.symmetry import (
    Axis,
    axis_from_keypoints,
    axis_from_mask,
    mirrored_mask,
)
from intr_discover.edits.warping import landmark_error
from intr_discover.errors import UserError
from intr_discover.studies.alignment import Alignment
from intr_discover.studies.drawn_region import read_region
from intr_discover.studies.edit_regions import widened

Mask = NDArray[np.bool_]

LEAST_ON_SPECIMEN = 0.5
"""Share of a placed region on the specimen; below, the row says that it should be checked."""

LEAST_OVERLAP = 0.6
"""The same for the overlap of the two specimens' masks after the warp."""


@dataclass(frozen=True)
class Template:
    """The specimen on which the trait was drawn.

    Attributes
    ----------
    row
        Its place in the table of specimens.
    trait
        ``[h, w]``: what was drawn, widened, and on both wings where that was asked for.
    """

    row: int
    trait: Mask


@dataclass(frozen=True)
class Placed:
    """The trait on one specimen.

    Attributes
    ----------
    image, label
        The photograph.
    mask
        ``[H, W]``; None where the trait could not be placed.
    by
        What it was placed by: ``template``, ``landmarks``, ``mask``, ``guessed mask`` or
        ``not placed``.
    overlap
        Intersection over union of the template's specimen, warped alike, with this specimen, in
        [0, 1]; NaN where a mask is missing.
    on_specimen
        Share of the region on the specimen, in [0, 1]; NaN where that is unknown.
    landmark_error
        How far from its place each landmark would come to lie by the others, on average, as a share
        of the photograph's shorter side; see ``warping.landmark_error``. NaN where the trait was
        not placed by landmarks, or by three.
    note
        Why it was not placed, or should be looked at; empty where all is well.
    """

    image: str
    label: str
    mask: Mask | None
    by: str
    overlap: float
    on_specimen: float
    landmark_error: float
    note: str

    def row(self) -> dict[str, object]:
        """Return it as a row of a table, without the mask."""
        return {
            "image": self.image,
            "label": self.label,
            "by": self.by,
            "area": float("nan") if self.mask is None else float(self.mask.mean()),
            "overlap": self.overlap,
            "on_specimen": self.on_specimen,
            "landmark_error": self.landmark_error,
            "note": self.note,
        }


def read_template(
    specimens: Specimens,
    image: str,
    mask_path: Path,
    *,
    both_wings: bool = False,
    wider: float = 0,
) -> Template:
    """Read the specimen on which a trait was drawn.

    Parameters
    ----------
    specimens
        The collection.
    image
        The template, as the table of specimens names it.
    mask_path
        Picture of its size, bright where the trait is, or polygons; see ``read_region``.
    both_wings
        Add the mirror image of what was drawn, about the axis of left and right landmarks, or of
        the specimen's mask.
    wider
        Pixels of the template by which what was drawn is widened, rounded up: a trait that comes
        to lie a little off is covered all the same.

    Raises
    ------
    UserError
        If there is no such photograph, ``wider`` is below 0 or no number, the mask is empty or of
        another size, a polygon cannot be read, or no axis is found.
    """
    if not 0 <= wider < math.inf:
        raise UserError(f"--wider {wider:g} must be 0 or a number of pixels above")
    names = specimens.table["image"].tolist()
    if image not in names:
        raise UserError(
            f"there is no photograph '{image}' in {specimens.source}: name the template as the "
            "specimen table does"
        )
    row = names.index(image)
    alignment = Alignment(specimens)
    trait = read_region(mask_path, alignment.shape(row))
    if both_wings:
        trait = trait | mirrored_mask(trait, _axis(alignment, row, image))
    return Template(row, widened(trait, wider))


def place(
    specimens: Specimens,
    template: Template,
    *,
    labels: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Placed]:
    """Lay the trait over every specimen: by landmarks where there are three, else by the masks.

    Parameters
    ----------
    specimens
        The collection that the template belongs to, which keeps what was drawn.
    template
        See ``read_template``.
    labels
        Specimens of these only; None for all.
    progress
        Called with (photographs done, photographs in all).

    Returns
    -------
    list of Placed
        One for each wanted row of the table.

    Raises
    ------
    UserError
        If a photograph or mask cannot be read, a mask does not fit its photograph, a landmark lies
        off it, or there is no such label.
    """
    wanted = set(specimens.classes if labels is None else specimens.select(labels=labels).classes)
    rows = np.flatnonzero(specimens.table["label"].isin(wanted))
    alignment = Alignment(specimens)
    outline = alignment.outline(template.row).mask
    placed = []
    for done, row in enumerate(rows, 1):
        about = specimens.table.iloc[row]
        placed.append(
            _place_one(alignment, int(row), about["image"], about["label"], template, outline)
        )
        if progress is not None:
            progress(done, len(rows))
    return placed


def placed_table(placed: Sequence[Placed]) -> pd.DataFrame:
    """Return one row a specimen: image, label, by, area, overlap, on_specimen, …, note."""
    return pd.DataFrame([each.row() for each in placed])


def _place_one(
    alignment: Alignment,
    row: int,
    image: str,
    label: str,
    template: Template,
    outline: Mask | None,
) -> Placed:
    specimen = alignment.outline(row).mask
    by = "template"
    mask = template.trait
    if row != template.row:
        found = alignment.places(template.row, row)
        if found is None:
            lacks = "the template" if outline is None else "it"
            why = f"no landmarks in common, and no specimen found in {lacks}"
            return _failed(image, label, why)
        places, by = found
        mask = places.mask(template.trait)
        outline = None if outline is None else places.mask(outline)
    if not mask.any():
        return _failed(image, label, "the trait would lie off the photograph")
    on_specimen = overlap = float("nan")
    if specimen is not None:
        on_specimen = float(mask[specimen].sum() / mask.sum())
        if outline is not None:
            overlap = float((outline & specimen).sum() / (outline | specimen).sum())
    error = float("nan")
    if by == "landmarks":
        apart = landmark_error(alignment.landmarks(template.row), alignment.landmarks(row))
        error = apart / min(mask.shape)
    note = ""
    if overlap < LEAST_OVERLAP:
        note = "check: the specimens' outlines fit badly"
    elif on_specimen < LEAST_ON_SPECIMEN:
        note = "check: most of it lies off the specimen"
    return Placed(image, label, mask, by, overlap, on_specimen, error, note)


def _failed(image: str, label: str, why: str) -> Placed:
    unknown = float("nan")
    return Placed(image, label, None, "not placed", unknown, unknown, unknown, why)


def _axis(alignment: Alignment, row: int, image: str) -> Axis:
    try:
        return axis_from_keypoints(alignment.landmarks(row))
    except UserError:  # no pairs of left and right: the outline must do
        outline = alignment.outline(row).mask
        if outline is None:
            raise UserError(
                f"{image}: no axis of symmetry is known (no left and right landmarks, no mask): "
                "draw the trait on both wings"
            ) from None
        return axis_from_mask(outline)
