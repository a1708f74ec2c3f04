"""One result of several folds: joined tables, and numbers side by side where no other way is fair.

Every photograph is held out in one fold and judged by the model that was not trained on it. The
tables of a study can therefore be put one below the other. Its numbers can be worked out again
from them only where a row means the same in every fold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import KeyNumber, Study, StudyInputs

FOLD = "fold"
"""The column of joined tables that says which fold held the photograph out."""

FOLDS = "folds"
"""The table with one row a fold: all its numbers."""


@dataclass(frozen=True)
class Joined:
    """Tables of several folds, one below the other, with a column ``FOLD`` in front.

    Attributes
    ----------
    table
        The main tables.
    tables
        The others by name.
    """

    table: pd.DataFrame
    tables: dict[str, pd.DataFrame]


def join_tables(results: Mapping[int, StudyResult]) -> Joined:
    """Put the tables of folds one below the other.

    Parameters
    ----------
    results
        By the number of the fold; at least one. A table that some folds lack is joined from the
        others.
    """
    assert results, "no fold to join"
    names = dict.fromkeys(name for result in results.values() for name in result.tables)
    return Joined(
        _below({fold: result.table for fold, result in results.items()}),
        {
            name: _below(
                {
                    fold: result.tables[name]
                    for fold, result in results.items()
                    if name in result.tables
                }
            )
            for name in names
        },
    )


def fold_numbers(results: Mapping[int, StudyResult]) -> pd.DataFrame:
    """Return one row a fold: ``fold`` and every entry of its summary."""
    return pd.DataFrame([{FOLD: fold, **result.summary} for fold, result in results.items()])


def mean_and_range(
    results: Mapping[int, StudyResult], numbers: Sequence[KeyNumber]
) -> dict[str, Any]:
    """Return the numbers of folds that cannot be thrown together.

    Parameters
    ----------
    results
        By the number of the fold.
    numbers
        Those that are wanted.

    Returns
    -------
    dict
        For each number its mean over the folds that know it, ``<key>_lowest``, ``<key>_highest``
        and ``<key>_folds``, how many know it; None where no fold does. For each count that a number
        rests on, its sum over the folds. ``n`` is the sum too. Words that are the same in all
        folds are kept, others become None.
    """
    summary: dict[str, Any] = {}
    counts = ["n", *(number.n for number in numbers if number.n is not None)]
    for key in dict.fromkeys(counts):
        values = [result.summary.get(key) for result in results.values()]
        known = [value for value in values if value is not None]
        summary[key] = sum(known) if known else None
    for number in numbers:
        if not any(number.key in result.summary for result in results.values()):
            continue
        values = [result.summary.get(number.key) for result in results.values()]
        known = [value for value in values if value is not None]
        if any(isinstance(value, str) for value in known):
            summary[number.key] = known[0] if len(set(known)) == 1 else None
            continue
        summary |= {
            number.key: float(np.mean(known)) if known else None,
            f"{number.key}_lowest": min(known, default=None),
            f"{number.key}_highest": max(known, default=None),
            f"{number.key}_folds": len(known),
        }
    return summary


def pool_study(
    study: Study, results: Mapping[int, StudyResult], inputs: StudyInputs
) -> StudyResult:
    """Return one result of those of several folds.

    Parameters
    ----------
    study
        What was asked. Its ``pool`` is used where it has one.
    results
        By the number of the fold.
    inputs
        Of the whole collection, without a model.

    Returns
    -------
    StudyResult
        With the table ``FOLDS`` beside its own. Without a ``pool``: joined tables and
        ``mean_and_range``; no drawings, because those of the folds remain.
    """
    if study.pool is not None:
        pooled = study.pool(results, inputs)
    else:
        joined = join_tables(results)
        pooled = StudyResult(
            study.name,
            joined.table,
            mean_and_range(results, study.key_numbers),
            provenance_of(results, inputs),
            joined.tables,
        )
    pooled.tables[FOLDS] = fold_numbers(results)
    fingerprints = {
        str(fold): result.provenance.get("model_fingerprint") for fold, result in results.items()
    }
    pooled.provenance.setdefault("settings", {})["model_fingerprints"] = fingerprints
    return pooled


def provenance_of(results: Mapping[int, StudyResult], inputs: StudyInputs) -> dict[str, Any]:
    """Return the record of a pooled result: the photographs of all folds that were used."""
    images = [result.provenance.get("settings", {}).get("images", 0) for result in results.values()]
    record = inputs.provenance(inputs.specimens)
    record["settings"]["images"] = int(sum(images))
    return record


def _below(tables: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """Return tables one below the other; what was their named index becomes columns."""
    parts = []
    for fold, table in tables.items():
        named = any(name is not None for name in table.index.names)
        part = table.reset_index() if named else table.reset_index(drop=True)
        part = part.drop(columns=FOLD, errors="ignore")
        part.insert(0, FOLD, fold)
        parts.append(part)
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True)
