"""A trait drawn once on one specimen, laid over all the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.data.foreground import automatic_foreground
from intr_discover.data.images import read_image, read_mask, upright_shape
from intr_discover.data.specimens import Specimens
from intr_discover.edits.symmetry import (
    Axis,
    axis_from_keypoints,
    axis_from_mask,
    mirrored_mask,
)
from intr_discover.edits.warping import shared_landmarks, warped_by_landmarks, warped_by_outline
from intr_discover.errors import UserError

Mask = NDArray[np.bool_]
By = Literal["template", "landmarks", "mask", "guessed mask", "not placed"]

LEAST_ON_SPECIMEN = 0.5
"""Share of a placed region on the specimen; below, the row says that it should be checked."""

LEAST_OVERLAP = 0.6
"""The same for the overlap of the two specimens' masks after the warp."""


@dataclass(frozen=True)
class Template:
    """The specimen on which the trait was drawn.

    Attributes
    ----------
    image
        As the table of specimens names it.
    trait
        ``[h, w]``: what was drawn, on both wings where that was asked for.
    specimen
        ``[h, w]``: its mask, or a guess; None where there is none.
    guessed
        Whether the mask was found by :func:`automatic_foreground`.
    landmarks
        Visible ones by name, (x, y) in pixels.
    """

    image: str
    trait: Mask
    specimen: Mask | None
    guessed: bool
    landmarks: dict[str, tuple[float, float]]


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
        What it was placed by.
    overlap
        Intersection over union of the template's specimen, warped alike, with this specimen, in
        [0, 1]; NaN where a mask is missing.
    on_specimen
        Share of the region on the specimen, in [0, 1]; NaN where that is unknown.
    note
        Why it was not placed, or should be looked at; empty where all is well.
    """

    image: str
    label: str
    mask: Mask | None
    by: By
    overlap: float
    on_specimen: float
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
            "note": self.note,
        }


def read_template(
    specimens: Specimens, image: str, mask_path: Path, *, both_wings: bool = False
) -> Template:
    """Read the specimen on which a trait was drawn.

    Parameters
    ----------
    specimens
        The collection.
    image
        The template, as the table of specimens names it.
    mask_path
        Picture of its size, bright where the trait is.
    both_wings
        Add the mirror image of what was drawn, about the axis of left and right landmarks, or of
        the specimen's mask.

    Raises
    ------
    UserError
        If there is no such photograph, the mask is empty or of another size, or no axis is found.
    """
    names = specimens.table["image"].tolist()
    if image not in names:
        raise UserError(
            f"there is no photograph '{image}' in {specimens.source}: name the template as the "
            "specimen table does"
        )
    row = names.index(image)
    trait = read_mask(mask_path, upright_shape(specimens.paths[row]))
    if not trait.any():
        raise UserError(f"the mask {mask_path} is empty: make it bright where the trait is")
    found, guessed = _specimen(specimens, row)
    landmarks = _landmarks(specimens).get(image, {})
    if both_wings:
        trait = trait | mirrored_mask(trait, _axis(found, landmarks, image))
    return Template(image, trait, found, guessed, landmarks)


def place(
    specimens: Specimens,
    template: Template,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> list[Placed]:
    """Lay the trait over every specimen: by landmarks where there are three, else by the masks.

    Parameters
    ----------
    specimens
        Those that are wanted; the template may be among them, and keeps what was drawn.
    template
        See ``read_template``.
    progress
        Called with (photographs done, photographs in all).

    Returns
    -------
    list of Placed
        One for each row of the table.

    Raises
    ------
    UserError
        If a photograph or mask cannot be read, or a mask does not fit its photograph.
    """
    landmarks = _landmarks(specimens)
    placed = []
    for row, (image, label) in enumerate(
        zip(specimens.table["image"], specimens.table["label"], strict=True)
    ):
        placed.append(_place_one(specimens, row, image, label, template, landmarks.get(image, {})))
        if progress is not None:
            progress(row + 1, len(specimens))
    return placed


def placed_table(placed: Sequence[Placed]) -> pd.DataFrame:
    """Return one row a specimen: image, label, by, area, overlap, on_specimen, note."""
    return pd.DataFrame([each.row() for each in placed])


def _place_one(
    specimens: Specimens,
    row: int,
    image: str,
    label: str,
    template: Template,
    landmarks: dict[str, tuple[float, float]],
) -> Placed:
    specimen, guessed = _specimen(specimens, row)
    by: By
    if image == template.image:
        mask, outline, by = template.trait, template.specimen, "template"
    elif shared_landmarks(template.landmarks, landmarks):
        shape = upright_shape(specimens.paths[row])
        mask = warped_by_landmarks(template.trait, template.landmarks, landmarks, shape)
        outline = None
        if template.specimen is not None:
            outline = warped_by_landmarks(template.specimen, template.landmarks, landmarks, shape)
        by = "landmarks"
    elif template.specimen is not None and specimen is not None:
        mask = warped_by_outline(template.trait, template.specimen, specimen)
        outline = warped_by_outline(template.specimen, template.specimen, specimen)
        by = "guessed mask" if guessed or template.guessed else "mask"
    else:
        lacks = "the template" if template.specimen is None else "it"
        return _failed(image, label, f"no landmarks in common, and no specimen found in {lacks}")
    on_specimen = (
        float(mask[specimen].sum() / mask.sum())
        if specimen is not None and mask.any()
        else float("nan")
    )
    if not mask.any():
        return _failed(image, label, "the trait would lie off the photograph")
    overlap = float("nan")
    if outline is not None and specimen is not None:
        overlap = float((outline & specimen).sum() / (outline | specimen).sum())
    note = ""
    if overlap < LEAST_OVERLAP:
        note = "check: the specimens' outlines fit badly"
    elif on_specimen < LEAST_ON_SPECIMEN:
        note = "check: most of it lies off the specimen"
    return Placed(image, label, mask, by, overlap, on_specimen, note)


def _failed(image: str, label: str, why: str) -> Placed:
    return Placed(image, label, None, "not placed", float("nan"), float("nan"), why)


def _specimen(specimens: Specimens, row: int) -> tuple[Mask | None, bool]:
    """Return a specimen's mask, and whether it was guessed."""
    path, photograph = specimens.mask_paths[row], specimens.paths[row]
    if path is not None:
        found = read_mask(path, upright_shape(photograph))
        return (found if found.any() else None), False
    return automatic_foreground(read_image(photograph)), True


def _landmarks(specimens: Specimens) -> dict[str, dict[str, tuple[float, float]]]:
    """Return the visible landmarks of each photograph by name."""
    found: dict[str, dict[str, tuple[float, float]]] = {}
    if specimens.keypoints is None:
        return found
    visible = specimens.keypoints.dropna(subset=["x", "y"])
    for image, name, x, y in zip(
        visible["image"], visible["keypoint"], visible["x"], visible["y"], strict=True
    ):
        found.setdefault(image, {})[name] = (float(x), float(y))
    return found


def _axis(specimen: Mask | None, landmarks: dict[str, tuple[float, float]], image: str) -> Axis:
    try:
        return axis_from_keypoints(landmarks)
    except UserError:  # no pairs of left and right: the outline must do
        if specimen is None:
            raise UserError(
                f"{image}: no axis of symmetry is known (no left and right landmarks, no mask): "
                "draw the trait on both wings"
            ) from None
        return axis_from_mask(specimen)
