"""A museum's table joined to photographs by an id in the name of each file."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from intr_discover.data.conditions import rows_where
from intr_discover.data.folders import image_files
from intr_discover.data.id_patterns import compile_id_pattern
from intr_discover.data.specimens import Specimens
from intr_discover.data.tables import read_table, sheet_names
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
    sheet: str | None = None,
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
        Where the id stands in a file's name: see ``compile_id_pattern``. Its other fields become
        columns.
        Several photographs may have the same id; it becomes their ``specimen_id`` if the table
        has no such column.
    where
        Keep these rows only: see ``rows_where``.
    sheet
        The sheet of a workbook; default the first, and a remark names the others.

    Raises
    ------
    UserError
        A column or photographs are missing, the pattern is wrong, an id has two rows, or nothing
        is left.
    """
    root, pattern = Path(folder), compile_id_pattern(id_pattern)
    if not root.is_dir():
        raise UserError(f"there is no folder of photographs {root}")
    rows = read_table(metadata, sheet)
    rows = rows.rename(columns={"image": _free_name("image_in_metadata", rows.columns)})
    for column in (label, id_column):
        if column not in rows and not (column == label and label in pattern.fields):
            there = shorten(list(rows.columns), most=20)
            raise UserError(f"{metadata} has no column '{column}'; it has {there}")
    both = [field for field in pattern.fields if field in rows]
    if both:
        raise UserError(
            f"{metadata} has a column '{both[0]}', and so has the id pattern: rename the field"
        )
    rows = rows.dropna(subset=[id_column])
    twice = sorted(set(rows.loc[rows[id_column].duplicated(), id_column]))
    if twice:
        raise UserError(f"{metadata} has more than one row for the id {shorten(twice)}")
    names = [file.relative_to(root).as_posix() for file in image_files(root)]
    if not names:
        raise UserError(f"there are no photographs in {root}")
    found = {name: fields for name in names if (fields := pattern.read(name)) is not None}
    ids = {name: fields["id"] for name, fields in found.items()}
    known = set(rows[id_column])
    without_id = [name for name in names if name not in ids]
    without_row = [name for name, each in ids.items() if each not in known]
    unseen = sorted(known - set(ids.values()))
    joined = [name for name, each in ids.items() if each in known]
    remarks = _about_sheets(Path(metadata), sheet)
    if pattern.with_fields:
        remarks.append(f"{len(ids)} of {len(names)} photographs match the pattern {id_pattern}")
    remarks += [
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
    for field in pattern.fields:
        table[field] = [found[name].get(field) for name in joined]
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


def _about_sheets(path: Path, sheet: str | None) -> list[str]:
    """Return a line on which sheet was read, where the user chose none of several."""
    there = [] if sheet is not None else sheet_names(path)
    if len(there) < 2:
        return []
    return [f"read the sheet '{there[0]}' of {path}; --sheet can name {shorten(there[1:])}"]


def _free_name(name: str, taken: Iterable[str]) -> str:
    """Return the name, lengthened until no column has it."""
    columns = set(taken)
    while name in columns:
        name += "_"
    return name
