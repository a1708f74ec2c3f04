"""What the scripts of this folder share: the report, places and tables."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from intr_discover.data.specimens import SPLITS
from intr_discover.data.tables import read_table, require_columns
from intr_discover.errors import UserError, shorten
from intr_discover.files import write_text


@dataclass
class Report:
    """What a script did: lines for the screen and for the README beside the table.

    Attributes
    ----------
    lines
        What was written, with counts.
    warnings
        What a user has to know before training anything.
    """

    lines: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def check_places(source: Path, out: Path, needed: Sequence[str], overwrite: bool) -> None:
    """Make sure that ``source`` is the published folder and that ``out`` may be written.

    Raises
    ------
    UserError
        ``source`` lacks one of the files ``needed``; ``out`` is a file, lies inside ``source`` or
        around it, or holds files while ``overwrite`` is false.
    """
    if not source.is_dir():
        raise UserError(f"there is no folder {source}")
    absent = [name for name in needed if not (source / name).exists()]
    if absent:
        raise UserError(
            f"{source} is not the published folder: it has no {shorten(absent)} (see its layout "
            "in data_prep/README.md)"
        )
    check_out(source, out, overwrite)


def check_out(source: Path, out: Path, overwrite: bool) -> None:
    """Make sure that ``out`` may be written.

    Raises
    ------
    UserError
        ``out`` is a file, lies inside ``source`` or around it, or holds files while ``overwrite``
        is false.
    """
    here, there = source.resolve(), out.resolve()
    if there == here or here in there.parents:
        raise UserError(f"{out} lies inside {source}: choose a folder outside the published data")
    if there in here.parents:
        raise UserError(f"{out} contains {source}: choose a folder of its own for the table")
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file: give a folder")
    if not overwrite and out.is_dir() and any(out.iterdir()):
        what = "specimens.csv" if (out / "specimens.csv").exists() else "files"
        raise UserError(f"{out} already holds {what}: choose another folder or add --overwrite")


def remove_tables(out: Path, names: Sequence[str]) -> None:
    """Remove the tables that an earlier run left in ``out``.

    An old ``keypoints.csv`` beside new, cropped pictures would be wrong; and ``specimens.csv``,
    written last, marks a finished folder.
    """
    for name in names:
        (out / name).unlink(missing_ok=True)


def require_files(folder: Path, names: Iterable[str]) -> None:
    """Make sure that every file the tables name is there, before anything is written.

    Raises
    ------
    UserError
        Files are missing, or a path leaves the folder.
    """
    missing = []
    for name in names:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise UserError(f"the tables in {folder} name {name}, which leaves that folder")
        if not (folder / path).is_file():
            missing.append(name)
    if missing:
        raise UserError(f"{folder} lacks files that its tables name: {shorten(missing)}")


def relative_path(path: Path, folder: Path) -> str:
    """Return the way from ``folder`` to ``path`` in POSIX form, links resolved.

    Raises
    ------
    UserError
        There is none: the two lie on different drives.
    """
    try:
        return Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix()
    except ValueError as error:
        raise UserError(f"{path} and {folder} lie on different drives: add --copy") from error


def read_columns(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a table as text, with at least the named columns, every image once.

    Raises
    ------
    UserError
        The table cannot be read, a column is absent or has an empty cell, or an image comes twice.
    """
    table = require_columns(read_table(path), columns, path)
    for column in columns:
        empty = table.index[table[column].isna()]
        if len(empty):
            raise UserError(f"the table {path} has no {column} in row {shorten(list(empty))}")
    return table


def read_images(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Read a table with one row an image.

    Raises
    ------
    UserError
        As ``read_columns``, or an image comes twice.
    """
    table = read_columns(path, ["image", *columns])
    twice = table["image"][table["image"].duplicated()]
    if len(twice):
        raise UserError(f"the table {path} names {shorten(sorted(set(twice)))} more than once")
    return table


def join(left: pd.DataFrame, right: pd.DataFrame, name: Path) -> pd.DataFrame:
    """Add the columns of ``right`` by ``image``; both must hold the same images.

    Raises
    ------
    UserError
        An image is in one table only.
    """
    different = sorted(set(left["image"]) ^ set(right["image"]))
    if different:
        raise UserError(
            f"{name} and the other tables do not name the same images: {shorten(different)}"
        )
    return left.merge(right, on="image", how="left", validate="one_to_one")


def numbers(table: pd.DataFrame, column: str, path: Path) -> pd.Series:
    """Return a text column as finite numbers.

    Raises
    ------
    UserError
        A cell is no number.
    """
    values = pd.to_numeric(table[column], errors="coerce")
    wrong = table[column][~np.isfinite(values)]
    if len(wrong):
        raise UserError(f"the table {path} has '{wrong.iloc[0]}' in the column {column}: no number")
    return values


def check_splits(table: pd.DataFrame, path: Path, more: Sequence[str] = ()) -> None:
    """Make sure that every split is a legal one (or one of ``more``).

    Raises
    ------
    UserError
        Another word stands there.
    """
    unknown = sorted(set(table["split"]) - set(SPLITS) - set(more))
    if unknown:
        raise UserError(f"{path} has the split {shorten(unknown)}: give {', '.join(SPLITS)}")


def read_rows(path: Path, columns: int) -> list[list[str]]:
    """Read a list whose columns are parted by spaces; the last one may hold spaces itself.

    Raises
    ------
    UserError
        It cannot be read, is empty, or a line has fewer columns.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is no text in UTF-8: fetch it again") from error
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            cells = line.split(maxsplit=columns - 1)
            if len(cells) < columns:
                raise UserError(f"{path}, line {number}: {len(cells)} columns instead of {columns}")
            rows.append([cell.strip() for cell in cells])
    if not rows:
        raise UserError(f"{path} is empty: fetch it again")
    return rows


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as CSV (UTF-8, Unix line ends), whole or not at all."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def counts(column: pd.Series) -> dict[str, int]:
    """Return how often each value of a text column occurs."""
    return {str(name): int(number) for name, number in column.value_counts().items()}


def compare_counts(found: Mapping[str, int], expected: Mapping[str, int], what: str) -> list[str]:
    """Return one line for each count that is not the published one, none if all agree.

    Parameters
    ----------
    found, expected
        Number of images by name.
    what
        What is counted, for the message.
    """
    return [
        f"{what} of {name}: found {found.get(name, 0)}, the published README says "
        f"{expected.get(name, 0)}"
        for name in sorted({*found, *expected})
        if found.get(name, 0) != expected.get(name, 0)
    ]


def count_lines(table: pd.DataFrame) -> list[str]:
    """Return the number of images of each label in each split as aligned lines."""
    shape = table.groupby(["label", "split"]).size().unstack(fill_value=0)
    shape = shape[[name for name in SPLITS if name in shape]]
    shape.loc["all"] = shape.sum()
    shape.columns.name = None
    shape.index.name = None
    return [str(line) for line in shape.to_string().splitlines()]


def leave_out_untrainable(table: pd.DataFrame, report: Report) -> pd.DataFrame:
    """Drop labels without a training image, and say which labels are dropped or have no test.

    A label that is only in the test split can never be predicted: its images would count as
    errors of the model, not of the table.

    Raises
    ------
    UserError
        Nothing is left.
    """
    trainable = set(table["label"][table["split"] == "train"])
    images = counts(table["label"])
    dropped = sorted(set(table["label"]) - trainable)
    if dropped:
        named = shorten([f"{label} ({images[label]})" for label in dropped], 20)
        report.warnings.append(f"left out, because no image of theirs is in train: {named}")
    table = table[table["label"].isin(trainable)]
    if table.empty:
        raise UserError("no label has a training image under these options: choose fewer filters")
    untested = sorted(trainable - set(table["label"][table["split"] == "test"]))
    if untested:
        report.warnings.append(f"in train only, without a test image: {shorten(untested, 20)}")
    if len(trainable) == 1:
        report.warnings.append("one label only: nothing to tell apart; choose fewer filters")
    training = counts(table["label"][table["split"] == "train"])
    few = sorted(label for label in trainable if training[label] < 5)
    if few:
        report.warnings.append(f"fewer than 5 training images: {shorten(few, 20)}")
    return table
