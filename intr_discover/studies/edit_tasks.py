"""Which photographs are edited, where and how: from known attributes, keypoints, maps or a table.

Tables in, tasks out; no photograph is opened before its task is due.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from intr_discover.data.images import read_image, read_mask
from intr_discover.data.specimens import Specimens
from intr_discover.edits.masks import mask_of_map
from intr_discover.edits.operation import Edit
from intr_discover.errors import UserError
from intr_discover.studies.edit_regions import (
    Mask,
    controls_beside,
    disc,
    fringed,
    with_other_wing,
)
from intr_discover.studies.effect import Trial
from intr_discover.studies.guided_erasure import attention_map
from intr_discover.studies.pairs import Pair
from intr_discover.studies.parts import merged_name
from intr_discover.studies.studied import Picture, Studied

ABSENT, PRESENT = "absent", "present"
"""States of an attribute in ``attributes.csv`` that say whether there is anything to take away."""

FindMask = Callable[[Studied, Picture], Mask]
Donor = tuple[Path, tuple[Path, ...]]


@dataclass(frozen=True)
class Task:
    """One edit of one photograph.

    Attributes
    ----------
    image, path, label
        The photograph, as its table names it and on disk, and its true class.
    edit
        What is done.
    region
        What the region is called: an attribute, a keypoint, ``attention``, or a mask's file.
    find_mask
        Gives the region ``[H, W]`` of the opened photograph.
    specimen
        The specimen's mask on disk; None where there is none.
    whole
        Whether the region is the whole attribute, on both wings. Where it may be one wing's,
        controls keep off its mirror image too.
    target
        The class that it should become: the look-alike; None where no one is known.
    state
        Of the attribute in this photograph; None where that is not known.
    bearer
        Whether this class shows the attribute and its look-alike does not; None as ``state``.
    donor
        Photograph and masks from which colours or a region are taken.
    """

    image: str
    path: Path
    label: str
    edit: Edit
    region: str
    find_mask: FindMask
    specimen: Path | None = None
    whole: bool = False
    target: str | None = None
    state: str | None = None
    bearer: bool | None = None
    donor: Donor | None = None


def prepare(studied: Studied, task: Task, controls: int, seed: int) -> Trial | None:
    """Open a photograph and everything that its edit takes; None where the region is empty.

    Raises
    ------
    UserError
        If a file cannot be read or does not fit, or the edit lacks something.
    """
    photograph = read_image(task.path)
    shape = (photograph.shape[0], photograph.shape[1])
    mask = task.find_mask(studied, photograph)
    if not mask.any():
        return None
    specimen = None if task.specimen is None else read_mask(task.specimen, shape)
    pictures: dict[str, Any] = {}
    if task.donor is not None:
        donor = read_image(task.donor[0])
        pictures = {"donor": donor, "donor_mask": _joined(task.donor[1], donor)}
    if "specimen" in task.edit.takes:
        if specimen is None:
            raise UserError(f"{task.image}: mirror needs the specimen's mask, and there is none")
        pictures["specimen"] = specimen
    if "background" in task.edit.takes and specimen is not None:
        pictures["background"] = ~specimen
    beside = controls_beside(
        mask,
        specimen,
        mask if task.whole else with_other_wing(mask, specimen),
        feather=task.edit.feather,
        count=controls,
        generator=np.random.default_rng([seed, zlib.crc32(task.image.encode())]),
    )
    return Trial(photograph, mask, task.edit, beside, controls, pictures)


def attribute_tasks(
    specimens: Specimens, pairs: Sequence[Pair], edit: Edit, seed: int
) -> list[Task]:
    """Return a task for each photograph and attribute that separates its class from a look-alike.

    Parameters
    ----------
    specimens
        The photographs, with their table of attributes.
    pairs
        The look-alikes.
    edit
        What is done. Where it takes a donor, that is a photograph of the look-alike with the same
        attribute, drawn by the seed.
    seed
        Of the draw.

    Returns
    -------
    list of Task
        Where ``attributes.csv`` says in a column ``state`` that the attribute is absent, there is
        nothing to change and no task; only ``transplant`` puts one there.
    """
    if specimens.attributes is None:
        return []
    masks = _masks_by_image(specimens)
    rows = _rows_by_image(specimens)
    labels = {image: row["label"] for image, row in rows.items()}
    states = _states(specimens.attributes)
    tasks = []
    for a, b, diagnostic in pairs:
        if diagnostic is None:
            continue
        named = {image: paths[diagnostic] for image, paths in masks.items() if diagnostic in paths}
        for label, mate in ((a, b), (b, a)):
            donors = sorted(image for image in named if labels[image] == mate)
            absent_in_mate = {states.get((image, diagnostic)) for image in donors} == {ABSENT}
            for image in (image for image in rows if labels[image] == label and image in named):
                state = states.get((image, diagnostic))
                if state == ABSENT and edit.operation != "transplant":
                    continue
                tasks.append(
                    _task(
                        rows[image],
                        specimens,
                        edit,
                        diagnostic,
                        partial(_attribute_mask, named[image], edit.operation == "erase"),
                        whole=True,
                        target=mate,
                        state=state,
                        bearer=None if state is None else state == PRESENT and absent_in_mate,
                        donor=_draw_donor(specimens, edit, image, donors, named, seed),
                    )
                )
    place = {image: number for number, image in enumerate(rows)}
    return sorted(tasks, key=lambda task: place[task.image])


def keypoint_tasks(
    specimens: Specimens, pairs: Sequence[Pair], edit: Edit, keypoint: str, radius: float
) -> list[Task]:
    """Return a task for each photograph that shows a keypoint: discs round it and its mirror image.

    Parameters
    ----------
    specimens, pairs, edit
        As for :func:`attribute_tasks`.
    keypoint
        Its name, with or without left and right: ``eye`` is both eyes.
    radius
        Of the discs, as a share of the photograph's shorter side.

    Raises
    ------
    UserError
        If there are no keypoints, or none of that name.
    """
    table = specimens.keypoints
    if table is None or table.empty:
        raise UserError(
            f"--keypoint {keypoint}: there are no keypoints (keypoints.csv) beside "
            f"{specimens.source}"
        )
    _refuse_donors(edit)
    chosen = table["keypoint"].isin([keypoint]) | (table["keypoint"].map(merged_name) == keypoint)
    if not chosen.any():
        known = sorted(set(table["keypoint"].map(merged_name)))
        raise UserError(
            f"--keypoint {keypoint}: there is no keypoint of this name; there are "
            f"{', '.join(known[:8])}{' and others' if len(known) > 8 else ''}"
        )
    points = {
        image: group[["x", "y"]].to_numpy(np.float64)
        for image, group in table[chosen].dropna(subset=["x"]).groupby("image")
    }
    rows = _rows_by_image(specimens)
    mates = _single_mates(pairs)
    return [
        _task(
            row,
            specimens,
            edit,
            f"keypoint {keypoint}",
            partial(_disc_mask, points[image], radius, image),
            target=mates.get(row["label"]),
        )
        for image, row in rows.items()
        if image in points
    ]


def attention_tasks(
    specimens: Specimens, pairs: Sequence[Pair], edit: Edit, share: float, seed: int
) -> list[Task]:
    """Return a task for each photograph: the top of the map of the heads that matter.

    Parameters
    ----------
    specimens, pairs, edit
        As for :func:`attribute_tasks`.
    share
        Of the photograph's pixels.
    seed
        Of ties.
    """
    _refuse_donors(edit)
    mates = _single_mates(pairs)
    return [
        _task(
            row,
            specimens,
            edit,
            "attention",
            partial(_attention_mask, share, (seed, zlib.crc32(image.encode()))),
            target=mates.get(row["label"]),
        )
        for image, row in _rows_by_image(specimens).items()
    ]


def _task(
    row: dict[str, Any],
    specimens: Specimens,
    edit: Edit,
    region: str,
    find_mask: FindMask,
    **known: Any,
) -> Task:
    mask = row.get("mask")
    return Task(
        row["image"],
        specimens.root / row["image"],
        row["label"],
        edit,
        region,
        find_mask,
        specimen=specimens.root / mask if isinstance(mask, str) else None,
        **known,
    )


def _rows_by_image(specimens: Specimens) -> dict[str, dict[str, Any]]:
    columns = [name for name in ("image", "label", "mask") if name in specimens.table]
    return {
        str(row["image"]): {str(name): value for name, value in row.items()}
        for row in specimens.table[columns].to_dict("records")
    }


def _masks_by_image(specimens: Specimens) -> dict[str, dict[str, tuple[Path, ...]]]:
    """Return the files of each image's attributes, those of one attribute together."""
    assert specimens.attributes is not None
    found: dict[str, dict[str, tuple[Path, ...]]] = {}
    table = specimens.attributes
    for image, name, mask in zip(table["image"], table["attribute"], table["mask"], strict=True):
        of_image = found.setdefault(image, {})
        of_image[name] = (*of_image.get(name, ()), specimens.root / mask)
    return found


def _states(attributes: pd.DataFrame) -> dict[tuple[str, str], str]:
    if "state" not in attributes:
        return {}
    return {
        (image, name): state
        for image, name, state in zip(
            attributes["image"], attributes["attribute"], attributes["state"], strict=True
        )
        if isinstance(state, str)
    }


def _single_mates(pairs: Sequence[Pair]) -> dict[str, str]:
    """Return the look-alike of each class that has exactly one."""
    mates: dict[str, set[str]] = {}
    for a, b, _ in pairs:
        mates.setdefault(a, set()).add(b)
        mates.setdefault(b, set()).add(a)
    return {label: next(iter(found)) for label, found in mates.items() if len(found) == 1}


def _refuse_donors(edit: Edit) -> None:
    if "donor" in edit.takes:
        raise UserError(
            f"{edit.name} takes its donor from the look-alike's known attribute: use --region "
            "attribute, or name donors in a table (--edits)"
        )


def _draw_donor(
    specimens: Specimens,
    edit: Edit,
    image: str,
    donors: Sequence[str],
    masks: dict[str, tuple[Path, ...]],
    seed: int,
) -> Donor | None:
    if "donor" not in edit.takes:
        return None
    if not donors:
        raise UserError(f"{image}: {edit.name} needs a photograph of its look-alike as donor")
    generator = np.random.default_rng([seed, zlib.crc32(image.encode()), 3])
    chosen = donors[int(generator.integers(len(donors)))]
    return specimens.root / chosen, masks[chosen]


def _joined(masks: Sequence[Path], photograph: Picture) -> Mask:
    shape = (photograph.shape[0], photograph.shape[1])
    return np.asarray(np.any([read_mask(path, shape) for path in masks], axis=0))


def _attribute_mask(
    masks: Sequence[Path], fringe: bool, studied: Studied, photograph: Picture
) -> Mask:
    mask = _joined(masks, photograph)
    return fringed(mask) if fringe and mask.any() else mask


def _disc_mask(
    points: Any, radius: float, image: str, studied: Studied, photograph: Picture
) -> Mask:
    shape = (photograph.shape[0], photograph.shape[1])
    return disc(points, radius * min(shape), shape, image)


def _attention_mask(
    share: float, entropy: tuple[int, ...], studied: Studied, photograph: Picture
) -> Mask:
    saliency, _ = attention_map(studied, photograph)
    return mask_of_map(saliency, share, np.random.default_rng(entropy))
