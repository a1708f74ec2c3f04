"""Tables from disk as text: CSV in the forms Excel and R write it, TSV, Excel, Parquet.

Labels and names must stay what was typed ("007" is not 7), so every cell is read as text first.
"""

from __future__ import annotations

import csv
import difflib
import io
import os
import posixpath
import re
import unicodedata
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from intr_discover.errors import UserError, shorten

TABLE_SUFFIXES = (".csv", ".tsv", ".xlsx", ".parquet")

# What spreadsheets and R write into an empty cell.
_MISSING = frozenset({"", "NA", "N/A", "#N/A", "NaN", "nan", "NULL", "null", "<NA>"})

# A number that loses nothing when read as one: no leading zeros, at most 15 digits.
_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][+-]?\d{1,3})?")


def read_table(path: str | os.PathLike[str], sheet: str | None = None) -> pd.DataFrame:
    """Read a table with every cell as stripped text; empty cells are missing.

    Parameters
    ----------
    path
        ``.csv`` (comma, semicolon or tab; UTF-8 with or without a byte-order mark, UTF-16, or
        Windows-1252), ``.tsv``, ``.xlsx`` or ``.parquet``.
    sheet
        Which sheet of a workbook; default the first.

    Returns
    -------
    pandas.DataFrame
        Text columns with stripped names; columns without a name (row numbers of R and pandas) and
        rows without an entry are left out. The index is the row as an editor or a spreadsheet
        numbers it, the header being row 1.

    Raises
    ------
    UserError
        No such file or sheet, another suffix, unreadable, or without any row.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(f"there is no table {path}")
    suffix = path.suffix.lower()
    if suffix not in TABLE_SUFFIXES:
        raise UserError(f"{path} is no table that can be read: give {', '.join(TABLE_SUFFIXES)}")
    if sheet is not None:
        there = sheet_names(path)
        if sheet not in there:
            has = f"it has {shorten(there, most=20)}" if there else "only .xlsx has sheets"
            raise UserError(f"{path} has no sheet '{sheet}'; {has}")
    try:
        if suffix == ".xlsx":
            table = pd.read_excel(
                path, sheet_name=0 if sheet is None else sheet, dtype=object,
                keep_default_na=False, na_values=[""],
            )  # fmt: skip
            table.index = table.index + 2
        elif suffix == ".parquet":
            table = pd.read_parquet(path).reset_index(drop=True)
            table.index = table.index + 2
        else:
            table = _read_text_table(path)
    except (ValueError, OSError, KeyError, csv.Error, zipfile.BadZipFile) as error:
        # pandas' and pyarrow's own parser errors are ValueErrors and OSErrors.
        reason = " ".join(str(error).split()) or type(error).__name__
        if suffix == ".xlsx":  # pandas' own words speak of engines
            reason = "it is no workbook of Excel, or damaged; save it again as .xlsx or .csv"
        raise UserError(f"cannot read the table {path}: {reason}") from error
    table = table.rename(columns=lambda name: str(name).strip())
    table = table[[name for name in table.columns if name and not name.startswith("Unnamed: ")]]
    twice = sorted(set(table.columns[table.columns.duplicated()]))
    if twice:
        raise UserError(f"the table {path} has the column '{twice[0]}' twice: rename one")
    table = _all_as_text(table).dropna(how="all")
    if table.empty:
        raise UserError(f"the table {path} holds no rows")
    return table


def sheet_names(path: str | os.PathLike[str]) -> list[str]:
    """Return the sheets of a workbook in their order; none for any other table.

    Raises
    ------
    UserError
        It is no workbook.
    """
    path = Path(path)
    if path.suffix.lower() != ".xlsx" or not path.is_file():
        return []
    try:
        with pd.ExcelFile(path, engine="openpyxl") as workbook:
            return [sheet.title for sheet in workbook.book.worksheets]  # charts are no tables
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        raise UserError(
            f"cannot read the table {path}: it is no workbook of Excel, or damaged; "
            "save it again as .xlsx or .csv"
        ) from error


def as_text(value: object) -> str | None:
    """Return a cell as the text a person would write, or None where it is missing.

    Spaces at the ends go, accents are composed (NFC: macOS and others write "é" differently), and
    a whole number from a spreadsheet loses its ".0".

    Examples
    --------
    >>> as_text(7.0), as_text(" 007 "), as_text("NA")
    ('7', '007', None)
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, bytes):
        value = value.decode("utf-8", errors="replace")
    if isinstance(value, float):
        if value != value:
            return None
        if value.is_integer():
            value = int(value)
    text = unicodedata.normalize("NFC", str(value)).strip()
    return None if text in _MISSING else text


def numbers_where_possible(column: pd.Series) -> pd.Series:
    """Return a text column as numbers if every entry is one and loses nothing by it."""
    entries = column.dropna()
    if len(entries) and entries.map(lambda text: _NUMBER.fullmatch(text) is not None).all():
        return pd.to_numeric(column)
    return column


def require_columns(
    table: pd.DataFrame, names: Sequence[str], path: Path, optional: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the table with the columns we know in lower case, however they were written.

    Raises
    ------
    UserError
        A column is absent; the line lists the columns there are and the likeliest one.
    """
    by_lower = {name.lower(): name for name in reversed(table.columns)}
    renamed = {by_lower[name]: name for name in (*names, *optional) if name in by_lower}
    table = table.rename(columns={k: v for k, v in renamed.items() if v not in table.columns})
    for name in names:
        if name not in table.columns:
            close = difflib.get_close_matches(name, list(by_lower), n=1, cutoff=0.5)
            hint = f" (did you mean '{by_lower[close[0]]}'?)" if close else ""
            raise UserError(
                f"the table {path} has no column '{name}'{hint}; "
                f"its columns are {shorten(list(table.columns), 12)}"
            )
    return table


def as_posix(path: str) -> str:
    """Return a path from a table in POSIX form: Windows backslashes turned, "." and ".." folded."""
    return posixpath.normpath(path.replace("\\", "/"))


def rows(index: pd.Index) -> str:
    """Return "row 3" or "rows 3, 5 and 2 more" for a message."""
    numbers = list(index)
    return f"row{'s' if len(numbers) > 1 else ''} {shorten(numbers)}"


def _all_as_text(table: pd.DataFrame) -> pd.DataFrame:
    # Cell by cell and not astype("str"), which before pandas 3 writes "None" into empty cells.
    cells = {name: [as_text(value) for value in table[name]] for name in table.columns}
    return pd.DataFrame(cells, index=table.index, columns=table.columns, dtype=object)


def _read_text_table(path: Path) -> pd.DataFrame:
    text = _decode(path.read_bytes())
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    # The header decides: names of columns hold no separators, cells may.
    separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first_line.count)
    # Python's own reader and not pandas', which shifts the columns of a row that is too long.
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header: list[str] = []
    cells: list[list[str]] = []
    line_numbers: list[int] = []
    for row in reader:
        if not any(cell.strip() for cell in row):
            continue
        if not header:
            header = row
            continue
        if any(cell.strip() for cell in row[len(header) :]):
            raise ValueError(
                f"row {reader.line_num} has {len(row)} cells, the header {len(header)}; "
                f"put cells that hold '{separator}' in double quotes"
            )
        cells.append((row + [""] * len(header))[: len(header)])
        line_numbers.append(reader.line_num)
    return pd.DataFrame(cells, columns=header, index=line_numbers, dtype=object)


def _decode(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Excel on Windows; latin-1 with more letters, and the few bytes it lacks are replaced.
        return data.decode("cp1252", errors="replace")
