"""What the raters of a blind study saw, as a table and as a file to take along."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from intr_discover.annotations import Database
from intr_discover.annotations.agreement import Agreement, agreement
from intr_discover.annotations.sheets import write_sheet
from intr_discover.annotations.transfer import export_csv

COLUMNS = [
    "method", "attribute", "identified", "of", "rate in %", "interval of the rate", "kappa",
    "interval of kappa", "raters", "images",
]  # fmt: skip


def count_answers(database: Database, study: str) -> list[Agreement]:
    """Return what was identified and how far raters agree.

    Raises
    ------
    UserError
        If there is no such study, or it has no answers.
    """
    return agreement(database.studies.get(study), database.studies.answers(study))


def agreement_table(rows: Sequence[Agreement]) -> pd.DataFrame:
    """Return the result as a table for people; what is not known is empty."""
    listed = [
        [
            row.method, row.attribute, row.identified, row.pairs, _rounded(100 * row.rate, 1),
            _interval(100 * row.rate_low, 100 * row.rate_high, 1), _rounded(row.kappa, 2),
            _interval(row.kappa_low, row.kappa_high, 2), row.raters, row.images,
        ]
        for row in rows
    ]  # fmt: skip
    return pd.DataFrame(listed, columns=COLUMNS, dtype=object)


def pack_answers(database: Database, study: str, folder: Path) -> Path:
    """Write the result and all sheets of the database as one zip; return it.

    Parameters
    ----------
    database
        Of all studies; the sheets hold everything that people said.
    study
        Whose result stands in ``agreement.csv``; without answers there is no such file.
    folder
        Where the zip is laid down, under a name of its own.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="answers-", dir=folder))
    sheets = place / "sheets"
    export_csv(database, sheets)
    if database.studies.answers(study):
        rows = [asdict(row) for row in count_answers(database, study)]
        write_sheet(sheets / "agreement.csv", list(rows[0]), rows)
    made = shutil.make_archive(str(place / "blind-study"), "zip", sheets)
    shutil.rmtree(sheets)
    return Path(made)


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits) + 0.0


def _interval(low: float, high: float, digits: int) -> str:
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"{low:.{digits}f} to {high:.{digits}f}".replace("-", "−")
