"""All of a database as CSV sheets, and back: nothing is lost on the way, nothing written twice.

``head_names.csv``, ``studies.csv``, ``study_items.csv``, ``study_answers.csv`` and ``edits.csv``,
with the masks of edits as PNG beside it. Raters stand by name; lists are JSON.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
from sqlalchemy import Connection

from intr_discover.annotations import names as naming
from intr_discover.annotations.database import Database, open_database
from intr_discover.annotations.edits import Edit, check_edit, insert_edits
from intr_discover.annotations.names import HeadName
from intr_discover.annotations.sheets import read_sheet, write_sheet
from intr_discover.annotations.study_design import Answer, HumanStudy, Item, check_study
from intr_discover.annotations.study_rows import find_study, insert_answers, insert_study
from intr_discover.annotations.values import NONE, clean_hash, clean_name, read_time, write_time
from intr_discover.errors import UserError, shorten
from intr_discover.files import replacing

T = TypeVar("T")

COLUMNS = {
    "head_names": ("rater", "model", "label", "head", "name", "time"),
    "studies": ("study", "seed", "vocabulary", "time"),
    "study_items": ("study", "number", "image", "method", "unit", "label", "vocabulary"),
    "study_answers": ("study", "number", "rater", "ticked", "time"),
    "edits": (
        "image", "image_hash", "number", "parent", "operation", "mask", "result_hash", "before",
        "after", "rater", "time",
    ),
}  # fmt: skip

MASKS = "masks"


@dataclass(frozen=True)
class Counted:
    """How many rows of each kind: exported, or new at an import."""

    head_names: int = 0
    studies: int = 0
    study_answers: int = 0
    edits: int = 0


@dataclass(frozen=True)
class _Sheets:
    """What a folder of sheets holds."""

    head_names: Sequence[HeadName] = ()
    studies: Sequence[HumanStudy] = ()
    study_answers: Sequence[Answer] = ()
    edits: Sequence[Edit] = ()


def export_csv(database: Database, folder: str | os.PathLike[str]) -> Counted:
    """Write all of a database as CSV sheets.

    Parameters
    ----------
    database
        Is only read.
    folder
        Made if it is absent; sheets of an earlier export are replaced.

    Returns
    -------
    Counted
        How many names, studies, answers and edits there are.
    """
    folder = Path(folder)
    found = database.names.all()
    studies = [database.studies.get(name) for name in database.studies.names()]
    answers = [each for study in studies for each in database.studies.answers(study.name)]
    edits = database.edits.all()
    rows: dict[str, Iterable[dict[str, Any]]] = {
        "head_names": map(_name_row, found),
        "studies": map(_study_row, studies),
        "study_items": (row for study in studies for row in _item_rows(study)),
        "study_answers": map(_answer_row, answers),
        "edits": (_edit_row(edit, folder) for edit in edits),
    }
    for sheet, columns in COLUMNS.items():
        write_sheet(folder / f"{sheet}.csv", columns, rows[sheet])
    return Counted(len(found), len(studies), len(answers), len(edits))


def import_csv(database: Database, place: str | os.PathLike[str]) -> Counted:
    """Add the content of CSV sheets to a database, all of it or nothing.

    Parameters
    ----------
    database
        Rows that it has already, with the same time, are left out: a second import adds nothing.
    place
        A folder with some or all of the sheets, or one sheet; ``studies.csv`` and
        ``study_items.csv`` go together.

    Returns
    -------
    Counted
        How many of each kind were new.

    Raises
    ------
    UserError
        If there is no sheet, or a sheet lacks a column or holds what cannot be; with its row.
        If a study or an edit of the same name or number is there already and is another one.
    """
    sheets = _read_sheets(Path(place))

    def write(connection: Connection) -> Counted:
        return Counted(
            naming.insert_names(connection, [naming.row_of(each) for each in sheets.head_names]),
            sum(_insert_new_study(connection, study) for study in sheets.studies),
            insert_answers(connection, sheets.study_answers),
            insert_edits(connection, sheets.edits),
        )

    return database.write(write)


def check_csv(place: str | os.PathLike[str]) -> None:
    """Read CSV sheets and say what is wrong with them, as ``import_csv`` does, without a database.

    Raises
    ------
    UserError
        As ``import_csv``, but for what is in the database already.
    """
    _read_sheets(Path(place))


def read_agreed_names(
    place: str | os.PathLike[str], model: str | None = None
) -> dict[tuple[str, int], str]:
    """Return the agreed names of a model's heads, from a database or an exported sheet of names.

    Parameters
    ----------
    place
        A database's file or URL, ``head_names.csv``, or the folder that it lies in.
    model
        Fingerprint of the model; None where the names are those of one model.

    Returns
    -------
    dict
        (class, head) → name; empty where raters agree on none.

    Raises
    ------
    UserError
        If the place holds no names, or only those of other models; without ``model``, if they are
        of several models.
    """
    text = os.fspath(place)
    path = Path(text).expanduser()
    if "://" not in text and (path.is_dir() or path.suffix.lower() == ".csv"):
        found: Sequence[HeadName] = _read_sheets(path, only="head_names").head_names
    else:
        found = open_database(text, read_only=True).names.all()
    models = sorted({each.model for each in found})
    shown = shorten([each[:12] for each in models])
    if not models:
        raise UserError(f"{text} holds no names of heads")
    if model is None and len(models) > 1:
        raise UserError(f"{text} holds names of several models ({shown}): say which")
    if model is not None and model not in models:
        raise UserError(
            f"{text} holds names of the heads of other models only ({shown}), none of this one "
            f"({model[:12]}): heads keep their meaning in one model alone"
        )
    wanted = models[0] if model is None else model
    return naming.named(naming.agree(each for each in found if each.model == wanted))


def _name_row(each: HeadName) -> dict[str, Any]:
    return {**vars(each), "name": NONE if each.name is None else each.name,
            "time": write_time(each.time)}  # fmt: skip


def _study_row(study: HumanStudy) -> dict[str, Any]:
    return {"study": study.name, "seed": study.seed, "vocabulary": _list(study.vocabulary),
            "time": write_time(study.time)}  # fmt: skip


def _item_rows(study: HumanStudy) -> Iterable[dict[str, Any]]:
    for number, item in study.items.items():
        own = None if item.vocabulary is None else _list(item.vocabulary)
        yield {**vars(item), "study": study.name, "number": number, "vocabulary": own}


def _answer_row(each: Answer) -> dict[str, Any]:
    return {**vars(each), "ticked": _list(each.ticked), "time": write_time(each.time)}


def _edit_row(edit: Edit, folder: Path) -> dict[str, Any]:
    digest = hashlib.sha256(edit.mask).hexdigest()
    with replacing(_mask_file(folder, digest)) as temporary:
        temporary.write_bytes(edit.mask)
    as_json = {name: json.dumps(getattr(edit, name)) for name in ("operation", "before", "after")}
    return {**vars(edit), **as_json, "mask": digest, "time": write_time(edit.time)}


def _mask_file(folder: Path, digest: str) -> Path:
    return folder / MASKS / f"{digest}.png"


def _list(values: Sequence[str]) -> str:
    return json.dumps(list(values), ensure_ascii=False)


def _read_sheets(place: Path, only: str | None = None) -> _Sheets:
    """Return what the sheets hold, everything checked; of one kind, or of all."""
    tables = {name: (path, _table(path, name)) for name, path in _find_sheets(place).items()
              if only in (None, name)}  # fmt: skip
    if not tables:
        raise UserError(f"{place} holds no sheet {only}.csv")

    def rows(name: str, read: Callable[[dict[str, str]], T]) -> list[T]:
        if name not in tables:
            return []
        path, table = tables[name]
        return [
            _told(read, row, f"{path}, row {number}")
            for number, row in enumerate(table.to_dict("records"), 2)
        ]

    folder = place if place.is_dir() else place.parent
    items: dict[str, dict[int, Item]] = {}
    for name, number, item in rows("study_items", _read_item):
        own = items.setdefault(name, {})
        if number in own:
            raise UserError(f"{place}: study '{name}' has two items {number}")
        own[number] = item
    studies = rows("studies", lambda row: _read_study(row, items))
    unknown = sorted(set(items) - {study.name for study in studies})
    if unknown:
        raise UserError(f"{place}: study '{unknown[0]}' has items but stands not in studies.csv")
    return _Sheets(
        rows("head_names", _read_name),
        studies,
        rows("study_answers", _read_answer),
        rows("edits", lambda row: _read_edit(row, folder)),
    )


def _find_sheets(place: Path) -> dict[str, Path]:
    if place.is_dir():
        found = {name: place / f"{name}.csv" for name in COLUMNS}
        found = {name: path for name, path in found.items() if path.is_file()}
        if not found:
            raise UserError(f"{place} holds none of {', '.join(f'{name}.csv' for name in COLUMNS)}")
        return found
    if not place.is_file():
        raise UserError(f"there is no file or folder {place}")
    columns = set(read_sheet(place).columns)
    for name, needed in COLUMNS.items():
        if columns >= set(needed):
            return {name: place}
    raise UserError(
        f"{place} is no sheet of annotations: its columns are {shorten(sorted(columns))}; those of "
        f"head names are {', '.join(COLUMNS['head_names'])}"
    )


def _table(path: Path, name: str) -> pd.DataFrame:
    table = read_sheet(path)
    missing = [column for column in COLUMNS[name] if column not in table.columns]
    if missing:
        raise UserError(f"{path} lacks the column '{missing[0]}'")
    return table[list(COLUMNS[name])]


def _told(read: Callable[[dict[str, str]], T], row: Any, where: str) -> T:
    try:
        return read(row)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _read_name(row: dict[str, str]) -> HeadName:
    said = HeadName(row["rater"], row["model"], row["label"], _whole(row["head"], "head"),
                    row["name"], read_time(row["time"]))  # fmt: skip
    values, time = naming.row_of(said)  # "none" becomes None, as in the database
    return HeadName(**values, time=time)


def _read_study(row: dict[str, str], items: dict[str, dict[int, Item]]) -> HumanStudy:
    name = row["study"]
    return check_study(
        HumanStudy(
            clean_name(name, "the study's name"),
            _whole(row["seed"], "seed"),
            _texts(row["vocabulary"], "vocabulary"),
            items.get(name, {}),
            read_time(row["time"]),
        )
    )


def _read_item(row: dict[str, str]) -> tuple[str, int, Item]:
    own = _texts(row["vocabulary"], "vocabulary") if row["vocabulary"] else None
    item = Item(row["image"], row["method"], row["unit"], row["label"] or None, own)
    return row["study"], _whole(row["number"], "number"), item


def _read_answer(row: dict[str, str]) -> Answer:
    return Answer(row["study"], _whole(row["number"], "number"), row["rater"],
                  _texts(row["ticked"], "ticked"), read_time(row["time"]))  # fmt: skip


def _read_edit(row: dict[str, str], folder: Path) -> Edit:
    path = _mask_file(folder, clean_hash(row["mask"], "the mask"))
    try:
        mask = path.read_bytes()
    except OSError as error:
        raise UserError(f"the mask {path} cannot be read: {error.strerror}") from None
    parent = _whole(row["parent"], "parent") if row["parent"] else None
    return check_edit(
        Edit(
            row["image"],
            row["image_hash"],
            _object(row["operation"], "operation"),
            mask,
            row["result_hash"],
            _object(row["before"], "before"),
            _object(row["after"], "after"),
            row["rater"],
            parent,
            _whole(row["number"], "number"),
            read_time(row["time"]),
        )
    )


def _whole(text: str, column: str) -> int:
    try:
        value = int(text)
    except ValueError:
        raise UserError(f"{column} '{text}' is no whole number") from None
    if not 0 <= value < 2**31:
        raise UserError(f"{column} {value} must be 0 to {2**31 - 1}")
    return value


def _texts(text: str, column: str) -> tuple[str, ...]:
    values = _json(text, column)
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise UserError(f'{column} {text!a} is no JSON list of texts such as ["red patch"]')
    return tuple(values)


def _object(text: str, column: str) -> dict[str, Any]:
    values = _json(text, column)
    if not isinstance(values, dict):
        raise UserError(f"{column} {text[:60]!a} is no JSON object")
    return values


def _json(text: str, column: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise UserError(f"{column} {text[:60]!a} is no JSON") from None


def _insert_new_study(connection: Connection, study: HumanStudy) -> int:
    there = find_study(connection, study.name)
    if there is None:
        insert_study(connection, study)
        return 1
    if replace(there, items=dict(there.items)) != study:
        raise UserError(
            f"there is another study '{study.name}' already: import into a new database"
        )
    return 0
