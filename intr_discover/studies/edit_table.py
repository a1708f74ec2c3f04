"""A table of edits that a user wrote: image, mask, operation, and what else the operation takes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from intr_discover.data.images import read_mask
from intr_discover.data.specimens import Specimens
from intr_discover.data.tables import as_posix, read_table, require_columns
from intr_discover.edits.operation import Edit
from intr_discover.errors import UserError
from intr_discover.studies.edit_regions import Mask
from intr_discover.studies.edit_tasks import Task
from intr_discover.studies.studied import Picture, Studied

_NUMBERS = ("degrees", "radius", "feather", "strength")
_TEXTS = ("operation", "fill", "colour", "lightness", "rest")
_FILES = ("donor", "donor_mask")
_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
OPTIONAL = (*_TEXTS[1:], *_NUMBERS, "mirrored", *_FILES, "target")


def table_tasks(path: Path, specimens: Specimens, classes: Sequence[str]) -> list[Task]:
    """Return one task for each row of a table of edits.

    Parameters
    ----------
    path
        Columns ``image`` (as the specimen table names it), ``mask`` (relative to this table's
        folder) and ``operation``; optional the parameters of :class:`Edit`, ``donor`` and
        ``donor_mask`` (as ``mask``), and ``target``, the class that the edit should lead to.
    specimens
        The photographs.
    classes
        Those that the model knows.

    Raises
    ------
    UserError
        With the row and what is wrong, before any photograph is edited.
    """
    if not path.is_file():
        raise UserError(f"there is no table of edits {path}")
    table = require_columns(read_table(path), ["image", "mask", "operation"], path, OPTIONAL)
    if table.empty:
        raise UserError(f"the table of edits {path} has no row")
    known = {row["image"]: row for row in specimens.table.to_dict("records")}
    tasks = []
    for number, row in zip(table.index, table.to_dict("records"), strict=True):
        where = f"{path}, row {number}"
        given = {key: value for key, value in row.items() if not pd.isna(value)}
        for name in ("image", "mask", "operation"):
            if name not in given:
                raise UserError(f"{where}: column '{name}' is empty: fill it in")
        image = as_posix(str(given["image"]))
        if image not in known:
            raise UserError(
                f"{where}: there is no photograph '{image}' among the {len(known)} of this split; "
                "write it as the specimen table does, or use --split all"
            )
        mask = _file(given["mask"], path, where)
        files = {name: _file(given[name], path, where) for name in _FILES if name in given}
        edit = _edit(given, where)
        target = given.get("target")
        if target is not None and target not in classes:
            raise UserError(f"{where}: the model does not know the target '{target}'")
        if ("donor" in edit.takes) != (set(files) == set(_FILES)) or len(files) == 1:
            raise UserError(
                f"{where}: {edit.name} takes "
                + ("a donor and a donor_mask: name both" if "donor" in edit.takes else "no donor")
            )
        own = known[image].get("mask")
        tasks.append(
            Task(
                image,
                specimens.root / image,
                known[image]["label"],
                edit,
                Path(str(given["mask"])).stem,
                partial(_read, mask, where),
                specimen=specimens.root / own if isinstance(own, str) else None,
                target=target,
                donor=(files["donor"], (files["donor_mask"],)) if files else None,
            )
        )
    return tasks


def _edit(given: dict[Any, Any], where: str) -> Edit:
    values: dict[str, Any] = {name: str(given[name]) for name in _TEXTS if name in given}
    for name in _NUMBERS:
        if name in given:
            try:
                values[name] = float(given[name])
            except ValueError:
                raise UserError(f"{where}: {name} '{given[name]}' is no number") from None
    if "mirrored" in given:
        word = str(given["mirrored"]).lower()
        if word not in _TRUTHS:
            raise UserError(f"{where}: mirrored is yes or no, not '{given['mirrored']}'")
        values["mirrored"] = _TRUTHS[word]
    if values["operation"] == "paint":
        raise UserError(f"{where}: paint needs strokes, which a table does not hold")
    try:
        return Edit.from_dict(values)
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _file(value: Any, table: Path, where: str) -> Path:
    found = table.parent / as_posix(str(value))
    if not found.is_file():
        raise UserError(f"{where}: there is no file {found} (paths are relative to {table.parent})")
    return found


def _read(path: Path, where: str, studied: Studied, photograph: Picture) -> Mask:
    mask = read_mask(path, (photograph.shape[0], photograph.shape[1]))
    if not mask.any():
        raise UserError(f"{where}: the mask {path} is empty: mark the region that is to be changed")
    return mask
