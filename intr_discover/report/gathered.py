"""The tables of all studies, and rows of them: what species pages and pair sheets are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from intr_discover.studies.pooling import FOLD
from intr_discover.studies.result import StudyResult

Results = Mapping[str, StudyResult]
"""What studies found, by their name; those that were not done are absent."""

Row = Mapping[str, Any]

NOTHING = pd.DataFrame()


def table_of(results: Results, study: str, name: str | None = None) -> pd.DataFrame:
    """Return a table of a study, its main one where no name is given; empty without the study."""
    if study not in results:
        return NOTHING
    return results[study].table if name is None else results[study].tables.get(name, NOTHING)


def rows_where(table: pd.DataFrame, **wanted: Any) -> list[Row]:
    """Return the rows in which columns have these values; none where a column is missing."""
    if table.empty or not set(wanted) <= set(table.columns):
        return []
    for column, value in wanted.items():
        table = table[table[column] == value]
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def fold_words(row: Row) -> str:
    """Return which model a row is of, where there is one for each fold: ``"fold 2, "``."""
    return f"fold {row[FOLD]}, " if FOLD in row else ""
