"""A museum's table joined to photographs by an id in the name of each file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from intr_discover.data.conditions import rows_where
from intr_discover.data.folders import image_files
from intr_discover.data.specimens import Specimens
from intr_discover.data.tables import as_text, read_table
from intr_discover.errors import UserError, shorten


class Joined(NamedTuple):
    """The collection, and one line for each kind of thing that found no partner."""

    specimens: Specimens
    remarks: list[str]


def join_metadata(
    folder: str | os.PathLike[str],
    metadata: str | os.PathLike[str],
    *,
    label: str = "label",
    id_column: str = "specimen_id",
    id_pattern: str = r"^(?P<id>.+)$",
    where: str | None = None,
) -> Joined:
    """Return the photographs below a folder with the columns of a museum's table.

    Parameters
    ----------
    folder
        Photographs at any depth.
    metadata
        A table as ``read_table`` reads it, one row an id.
    label, id_column
        The columns that hold the label and the id.
    id_pattern
        A regular expression with a group ``id``, looked for in the file's name without its suffix.
        Several photographs may have the same id; it becomes their ``specimen_id`` if the table
        has no such column.
    where
        Keep these rows only: see ``rows_where``.

    Raises
    ------
    UserError
        A column or photographs are missing, the pattern is wrong, an id has two rows, or nothing
        is left.
    """
    root, pattern = Path(folder), _compiled(id_pattern)
    if not root.is_dir():
        raise UserError(f"there is no folder of photographs {root}")
    rows = read_table(metadata)
    rows = rows.rename(columns={"image": _free_name("image_in_metadata", rows.columns)})
    for column in (label, id_column):
        if column not in rows:
            there = shorten(list(rows.columns), most=20)
            raise UserError(f"{metadata} has no column '{column}'; it has {there}")
    rows = rows.dropna(subset=[id_column])
    twice = sorted(set(rows.loc[rows[id_column].duplicated(), id_column]))
    if twice:
        raise UserError(f"{metadata} has more than one row for the id {shorten(twice)}")
    names = [file.relative_to(root).as_posix() for file in image_files(root)]
    if not names:
        raise UserError(f"there are no photographs in {root}")
    found = {name: pattern.search(Path(name).stem) for name in names}
    ids = {name: as_text(match["id"]) for name, match in found.items() if match and match["id"]}
    known = set(rows[id_column])
    without_id = [name for name in names if name not in ids]
    without_row = [name for name, each in ids.items() if each not in known]
    unseen = sorted(known - set(ids.values()))
    joined = [name for name, each in ids.items() if each in known]
    remarks = [
        f"{len(those)} {what}: {shorten(those)}"
        for those, what in (
            (without_id, "photographs whose name does not match the pattern"),
            (without_row, "photographs without a row"),
            (unseen, "rows without a photograph"),
        )
        if those
    ]
    if not joined:
        raise UserError(f"no photograph of {root} has a row in {metadata}: {'; '.join(remarks)}")
    table = rows.set_index(id_column, drop=False).loc[[ids[name] for name in joined]]
    table = table.reset_index(drop=True)
    table.insert(0, "image", joined)
    if "specimen_id" not in table:
        table["specimen_id"] = table[id_column]
    if where is not None:
        table = table[rows_where(table, where)]
    labelled = table.assign(label=table[label]).dropna(subset=["label"])
    if len(labelled) < len(table):
        remarks.append(f"{len(table) - len(labelled)} photographs without a {label} left out")
    if labelled.empty:
        chosen = "" if where is None else f" and is chosen by --where {where!r}"
        raise UserError(f"no photograph of {root} has a {label} in {metadata}{chosen}")
    return Joined(Specimens(labelled, root, Path(metadata)), remarks)


def _free_name(name: str, taken: Iterable[str]) -> str:
    """Return the name, lengthened until no column has it."""
    columns = set(taken)
    while name in columns:
        name += "_"
    return name


def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise UserError(f"the id pattern {pattern!r} is no regular expression: {error}") from error
    if "id" not in compiled.groupindex:
        raise UserError(f"the id pattern {pattern!r} has no group (?P<id>…)")
    return compiled
