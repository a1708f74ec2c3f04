"""A collection prepared: new pictures, a new table, and a list of what could not be done.

Originals are read and never written. Each photograph stands by itself: one that fails becomes a
line of ``problems.csv``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from intr_discover.data.collections import save_collection
from intr_discover.data.images import read_image, read_mask
from intr_discover.data.shards import stored
from intr_discover.data.specimens import Specimens
from intr_discover.data.threads import map_in_threads
from intr_discover.errors import UserError
from intr_discover.files import write_json, write_with
from intr_discover.preparation.geometry import (
    moved_keypoints,
    moved_mask,
    piece_row,
)
from intr_discover.preparation.journal import Journal, signature
from intr_discover.preparation.one_photograph import Outcome, Piece, prepare_photograph
from intr_discover.preparation.places import (
    ATTRIBUTES,
    IMAGES,
    MASKS,
    PROBLEMS,
    RECORD,
    check_place,
    new_names,
)
from intr_discover.preparation.steps import Steps
from intr_discover.preparation.summary import lines_of
from intr_discover.provenance import machine, origin, versions

_FORMAT = 1  # of the journal's lines


@dataclass(frozen=True)
class Preparation:
    """What a preparation wrote.

    Attributes
    ----------
    specimens
        The new collection.
    problems
        ``image, label, problem``: photographs that are not in it.
    lines
        What happened, in words and numbers, for people.
    """

    specimens: Specimens
    problems: pd.DataFrame
    lines: list[str]


def prepare(
    specimens: Specimens,
    out: Path,
    steps: Steps,
    *,
    overwrite: bool = False,
    command: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Preparation:
    """Prepare every photograph of a collection and write a new one.

    Parameters
    ----------
    specimens
        The collection; photographs may be missing.
    out
        A new folder. It gets ``images/`` and ``masks/`` (PNG; a photograph of which no pixel
        changes is copied byte by byte), ``specimens.csv`` with all columns of the old table,
        ``attributes.csv``, ``keypoints.csv`` and ``pairs.csv`` where there are any,
        ``problems.csv``, and last ``provenance.json``. A preparation that was interrupted goes on
        when it is called again in the same way.
    steps
        What to do.
    overwrite
        Remove what an earlier preparation wrote to ``out``.
    command
        The command line, word by word, for the record.
    progress
        Called with (photographs done, photographs in all).

    Raises
    ------
    UserError
        ``out`` cannot be used, or no photograph could be prepared; the first reason is named.
    """
    check_place(specimens, out, overwrite)
    if steps.needs_mask and not steps.foreground and not any(specimens.mask_paths):
        raise UserError(
            f"{specimens.source} has no masks, and --apart, --background and --crop need them: "
            "add --foreground to guess them"
        )
    tasks = _tasks(specimens, steps.apart)
    names = "\n".join(f"{task.image}\t{task.name}" for task in tasks)
    settings = {
        "format": _FORMAT,
        "steps": dataclasses.asdict(steps),
        "photographs": hashlib.sha256(names.encode()).hexdigest(),
    }
    with Journal(out, settings) as journal:
        results = map_in_threads(
            lambda task: _done(task, specimens, out, steps, journal), tasks, progress=progress
        )
        problems = pd.DataFrame(
            [
                {"image": task.image, "label": task.row["label"], "problem": result["problem"]}
                for task, result in zip(tasks, results, strict=True)
                if "problem" in result
            ],
            columns=["image", "label", "problem"],
        )
        write_with(out / PROBLEMS, lambda file: problems.to_csv(file, index=False))
        if len(problems) == len(tasks):
            raise UserError(
                f"none of the {len(tasks)} photographs of {specimens.source} could be prepared; "
                f"the first: {problems['problem'].iloc[0]} (all in {out / PROBLEMS})"
            )
        new = _collection(specimens, out, tasks, results)
        save_collection(new, out)
        lines = lines_of(new.table, problems, len(tasks), steps, out)
        write_json(out / RECORD, _record(specimens, out, steps, new, problems, command))
        journal.remove()
    return Preparation(new, problems, lines)


@dataclass(frozen=True)
class _Task:
    """One photograph on its way: its row, its new name, and what belongs to it."""

    image: str
    name: str
    path: Path
    mask: Path | None
    row: dict[str, Any]
    keypoints: pd.DataFrame | None
    attributes: list[tuple[str, str, Path]]


def _tasks(specimens: Specimens, apart: bool) -> list[_Task]:
    keypoints, attributes = specimens.keypoints, specimens.attributes
    points = {} if keypoints is None else dict(tuple(keypoints.groupby("image")))
    regions: dict[str, list[tuple[str, str, Path]]] = {}
    if attributes is not None:
        folders = _folder_names(attributes["attribute"])
        for image, attribute, mask in attributes[["image", "attribute", "mask"]].itertuples(
            index=False, name=None
        ):
            regions.setdefault(image, []).append(
                (attribute, folders[attribute], specimens.root / mask)
            )
    rows = [_named(row) for row in specimens.table.to_dict("records")]
    return [
        _Task(row["image"], name, path, mask, row, points.get(row["image"]),
              regions.get(row["image"], []))
        for row, name, path, mask in zip(
            rows, new_names(specimens, apart), specimens.paths, specimens.mask_paths, strict=True,
        )
    ]  # fmt: skip


def _named(row: Mapping[Hashable, Any]) -> dict[str, Any]:
    return {str(name): cell for name, cell in row.items()}


def _folder_names(attributes: pd.Series) -> dict[str, str]:
    """Return what the folder of each attribute's masks is called: safe, and each another."""
    found: dict[str, str] = {}
    for number, name in enumerate(dict.fromkeys(attributes)):
        safe = re.sub(r"[^\w-]", "_", name)
        taken = {each.casefold() for each in found.values()}
        found[name] = f"{safe}-{number}" if safe.casefold() in taken else safe
    return found


def _done(
    task: _Task, specimens: Specimens, out: Path, steps: Steps, journal: Journal
) -> dict[str, Any]:
    """Prepare one photograph, unless that was done before; return what the tables say of it."""
    files = signature(task.path, task.mask, *(path for *_, path in task.attributes))
    earlier = journal.done(task.image, files)
    if earlier is not None:
        return earlier
    try:
        photograph = read_image(task.path)
        mask = None if task.mask is None else read_mask(task.mask, photograph.shape[:2])
        outcome = prepare_photograph(photograph, mask, steps)
        regions = [
            (name, folder, read_mask(path, photograph.shape[:2]))
            for name, folder, path in task.attributes
        ]
    except UserError as error:
        return {"problem": f"{task.path.name}: {error}"}  # tried again when the command is
    result: dict[str, Any] = {"rows": [], "keypoints": [], "attributes": []}
    for place, piece in enumerate(outcome.pieces):
        image = _write_picture(task, piece, outcome, out)
        row = piece_row(task.row, image, piece, outcome, photograph.shape, steps.apart)
        if piece.mask is not None:
            row["mask"] = _write_mask(piece.mask, MASKS, task, piece, out)
        result["rows"].append(row)
        points = moved_keypoints(task.keypoints, piece, place, outcome.whose)
        result["keypoints"] += [{**point, "image": image} for point in points]
        for attribute, folder, region in regions:
            moved = moved_mask(region, piece, place, outcome.whose)
            written = _write_mask(moved, f"{ATTRIBUTES}/{folder}", task, piece, out)
            result["attributes"].append({"image": image, "attribute": attribute, "mask": written})
    journal.add(task.image, files, result)
    return result


def _write_picture(task: _Task, piece: Piece, outcome: Outcome, out: Path) -> str:
    """Write a new picture, or copy the photograph where nothing in it changed."""
    stem = _stem(task, piece)
    if outcome.changed:
        name = f"{IMAGES}/{stem}.png"
        _save_png(out / name, piece.pixels)
        return name
    name = f"{IMAGES}/{stem}{task.path.suffix.lower()}"
    content = stored(task.path) if not task.path.is_file() else task.path.read_bytes()
    assert content is not None, "it was read a moment ago"
    write_with(out / name, lambda file: file.write_bytes(content))
    return name


def _write_mask(mask: np.ndarray, folder: str, task: _Task, piece: Piece, out: Path) -> str:
    name = f"{folder}/{_stem(task, piece)}.png"
    _save_png(out / name, np.where(mask, np.uint8(255), np.uint8(0)))
    return name


def _stem(task: _Task, piece: Piece) -> str:
    return f"{task.name}-{piece.letter}" if piece.letter else task.name


def _save_png(path: Path, pixels: np.ndarray) -> None:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    write_with(path, lambda file: image.save(file, format="PNG"))


def _collection(
    specimens: Specimens, out: Path, tasks: list[_Task], results: list[dict[str, Any]]
) -> Specimens:
    """Return the new collection, with the old table's columns first."""
    made: dict[str, list[dict[str, Any]]] = {"rows": [], "keypoints": [], "attributes": []}
    for task, result in zip(tasks, results, strict=True):
        if "problem" in result:
            continue
        # Cells of the old table come from the table: the journal knows texts and numbers alone.
        made["rows"] += [{**task.row, **row} for row in result["rows"]]
        made["keypoints"] += result["keypoints"]
        made["attributes"] += result["attributes"]
    table = pd.DataFrame(made["rows"])
    old = [name for name in specimens.table.columns if name in table]
    table = table[[*old, *(name for name in table.columns if name not in old)]]

    def beside(name: str, before: pd.DataFrame | None) -> pd.DataFrame | None:
        if before is None:
            return None
        return pd.DataFrame(made[name], columns=[c for c in before.columns])

    return Specimens(
        table,
        out,
        attributes=beside("attributes", specimens.attributes),
        keypoints=beside("keypoints", specimens.keypoints),
        pairs=specimens.pairs,
    )


def _record(
    specimens: Specimens,
    out: Path,
    steps: Steps,
    new: Specimens,
    problems: pd.DataFrame,
    command: Sequence[str] | None,
) -> dict[str, Any]:
    try:
        fingerprint = specimens.fingerprint()
    except UserError:  # a photograph is missing; problems.csv says which
        fingerprint = None
    return {
        **origin(command, out),
        "seed": None,
        "data_fingerprint": fingerprint,
        "settings": dataclasses.asdict(steps),
        "n": len(specimens),
        "pictures": len(new),
        "problems": len(problems),
        "versions": versions(),
        "machine": machine(),
    }
