"""A placed trait written down: a collection that every study reads, edits, and pages to check."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from intr_discover.data.collections import save_collection
from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.figures.contact_sheet import contact_sheet
from intr_discover.figures.outlined import outlined
from intr_discover.files import sha256, temporary_folder, write_with
from intr_discover.studies.result import StudyResult, provenance
from intr_discover.studies.trait_placing import Placed, placed_table

_COLUMNS, _ROWS = 6, 7  # of a page
_SIDE = 320  # pixels of a small picture


def check_name(name: str) -> str:
    """Return a trait's name; it becomes a file's name and a word in tables.

    Raises
    ------
    UserError
        If it is empty, or holds anything but letters, digits, spaces, ``-`` and ``_``.
    """
    if not name.strip() or not all(c.isalnum() or c in " -_" for c in name):
        raise UserError(f"the name '{name}' cannot be used: letters, digits, spaces, - and _ only")
    return name.strip()


def write_trait(
    specimens: Specimens,
    placed: Sequence[Placed],
    name: str,
    out: Path,
    *,
    template: str,
    mask_path: Path,
    both_wings: bool = False,
    wider: float = 0,
    command: Sequence[str] | None = None,
) -> StudyResult:
    """Write masks, tables and pages to a new folder, whole or not at all.

    Parameters
    ----------
    specimens
        The whole collection.
    placed
        See ``place``.
    name
        Of the trait, as it will stand in ``attributes.csv``.
    out
        A folder that does not exist yet, or is empty.
    template, mask_path, both_wings, wider, command
        For the record.

    Returns
    -------
    StudyResult
        What was written of numbers and pages.

    Raises
    ------
    UserError
        If the folder is not empty or cannot be written, nothing was placed, or the collection has
        an attribute of this name already.
    """
    name = check_name(name)
    _check(specimens, placed, name, out)
    masks = [each for each in placed if each.mask is not None]
    try:
        # Beside the folder that it becomes, so that relative paths stay true when it is renamed.
        with temporary_folder(out) as made:
            made.chmod(0o755)
            files = {each.image: f"masks/{number:05d}.png" for number, each in enumerate(masks, 1)}
            for each in masks:
                assert each.mask is not None
                picture = Image.fromarray(each.mask.astype(np.uint8) * 255)
                write_with(made / files[each.image], picture.save)
            save_collection(_with_attribute(specimens, files, name, made), made)
            _edits(files, specimens, made).to_csv(made / "edits.csv", index=False)
            table = placed_table(placed)
            table["mask"] = table["image"].map(files)
            result = StudyResult(
                name="trait",
                table=table,
                summary=_summary(placed),
                provenance=provenance(
                    command,
                    None,
                    None,
                    specimens.fingerprint(),
                    trait=name,
                    template=template,
                    mask=str(mask_path),
                    mask_fingerprint=sha256(mask_path),
                    both_wings=both_wings,
                    wider=wider,
                ),
                drawings=_pages(specimens, placed),
            )
            result.save(made)
            if out.exists():
                out.rmdir()
            made.rename(out)
    except OSError as error:
        raise UserError(f"{out} cannot be made: {error.strerror or error}") from error
    return result


def _check(specimens: Specimens, placed: Sequence[Placed], name: str, out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UserError(f"{out} exists and is not empty: name another folder with --out")
    if not any(each.mask is not None for each in placed):
        raise UserError(
            f"'{name}' could not be placed on any specimen ({placed[0].note}): give landmarks in "
            "keypoints.csv, or masks of the specimens"
        )
    if specimens.attributes is not None and name in set(specimens.attributes["attribute"]):
        raise UserError(
            f"{specimens.source.parent / 'attributes.csv'} has an attribute '{name}' already: "
            "give the trait another name with --name"
        )


def _with_attribute(
    specimens: Specimens, files: dict[str, str], name: str, folder: Path
) -> Specimens:
    """Return the collection with the trait among its attributes."""
    rows = [
        {
            "image": image,
            "attribute": name,
            "mask": Path(os.path.relpath(folder / file, specimens.root)).as_posix(),
        }
        for image, file in files.items()
    ]
    tables = [pd.DataFrame(rows)]
    if specimens.attributes is not None:
        tables.insert(0, specimens.attributes)
    return Specimens(
        specimens.table,
        specimens.root,
        specimens.source,
        attributes=pd.concat(tables, ignore_index=True),
        keypoints=specimens.keypoints,
        pairs=specimens.pairs,
    )


def _edits(files: dict[str, str], specimens: Specimens, folder: Path) -> pd.DataFrame:
    """Return a table for ``study manipulation --edits``: erase the trait everywhere."""
    names = {image: Path(os.path.relpath(specimens.root / image, folder)) for image in files}
    return pd.DataFrame(
        [
            {"image": names[image].as_posix(), "mask": file, "operation": "erase"}
            for image, file in files.items()
        ]
    )


def _summary(placed: Sequence[Placed]) -> dict[str, float | int | None]:
    overlaps = [each.overlap for each in placed if not math.isnan(each.overlap)]
    errors = [each.landmark_error for each in placed if not math.isnan(each.landmark_error)]
    return {
        "n": len(placed),
        "n_placed": sum(each.mask is not None for each in placed),
        "n_by_landmarks": sum(each.by == "landmarks" for each in placed),
        "n_by_mask": sum(each.by in ("mask", "guessed mask") for each in placed),
        "n_guessed_mask": sum(each.by == "guessed mask" for each in placed),
        "n_to_check": sum(bool(each.note) and each.mask is not None for each in placed),
        "median_overlap": float(np.median(overlaps)) if overlaps else None,
        "median_landmark_error": float(np.median(errors)) if errors else None,
    }


def _pages(specimens: Specimens, placed: Sequence[Placed]) -> dict[str, Callable[[], Figure]]:
    """Return pages of all placed specimens; those to be checked, and the worst fit, first."""
    shown = [each for each in placed if each.mask is not None]
    shown.sort(key=lambda each: (not each.note, _or_one(each.overlap), each.image))
    size = _COLUMNS * _ROWS
    parts = [shown[start : start + size] for start in range(0, len(shown), size)]
    return {
        f"page_{number}": partial(_page, specimens, part) for number, part in enumerate(parts, 1)
    }


def _or_one(overlap: float) -> float:
    return 1.0 if math.isnan(overlap) else overlap


def _page(specimens: Specimens, placed: Sequence[Placed]) -> Figure:
    pictures = [
        outlined(read_image(specimens.root / each.image), each.mask, _SIDE) for each in placed
    ]
    rows = [pictures[start : start + _COLUMNS] for start in range(0, len(pictures), _COLUMNS)]
    labels = []
    for start in range(0, len(placed), _COLUMNS):
        part = placed[start : start + _COLUMNS]
        worst = min(_or_one(each.overlap) for each in part)
        first = Path(part[0].image).stem
        labels.append(
            f"{first} …\noverlap from {worst:.2f}" + ("\ncheck" * any(p.note for p in part))
        )
    return contact_sheet(rows, row_labels=labels)
