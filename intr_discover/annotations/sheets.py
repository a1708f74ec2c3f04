"""CSV sheets that open in a spreadsheet without running anything, and come back sign for sign.

A spreadsheet takes a cell that begins with ``=``, ``+``, ``-`` or ``@`` for a formula, whatever
quotes are round it (CWE-1236). Such cells get an apostrophe in front; so do cells that begin with
one, and with that it can be taken away again without doubt.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from intr_discover.errors import UserError
from intr_discover.files import replacing

# Also full-width signs, which some spreadsheets take for the plain ones, and what may stand before
# a formula.
_GUARDED = tuple("=+-@\t\r\n'＝＋－＠")


def guard(text: str) -> str:
    """Return the text of a cell so that no spreadsheet takes it for a formula.

    Examples
    --------
    >>> guard("=1+1"), guard("'quoted'"), guard("red patch")
    ("'=1+1", "''quoted'", 'red patch')
    """
    return f"'{text}" if text.startswith(_GUARDED) else text


def unguard(text: str) -> str:
    """Return the text that ``guard`` was given; what never was guarded stays as it is."""
    return text[1:] if text.startswith("'") and text[1:].startswith(_GUARDED) else text


def write_sheet(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV (UTF-8, all cells in quotes), whole or not at all.

    Texts are guarded; None is an empty cell.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(columns)
    for row in rows:
        values = [row[column] for column in columns]
        writer.writerow([guard(each) if isinstance(each, str) else each for each in values])
    with replacing(path) as temporary:
        # The mark at the beginning makes spreadsheets read it as UTF-8.
        temporary.write_bytes(text.getvalue().encode("utf-8-sig"))


def read_sheet(path: Path) -> pd.DataFrame:
    """Return a sheet as texts; empty cells are empty texts.

    Raises
    ------
    UserError
        If it cannot be read as CSV in UTF-8.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, UnicodeError) as error:  # pandas' ParserError is a ValueError
        raise UserError(f"{path} cannot be read as CSV: {' '.join(str(error).split())}") from None
    return table.map(unguard)
