"""All pairs of species as a table for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from apps import words
from intr_discover.studies.pairs import Pair

MOST = 1000
"""Rows of the table; any other two species are in the menus."""

COLUMNS = {
    "species 1": "one of the two",
    "species 2": "the other one",
    "known": "the attribute that your table of pairs names, or “look-alikes” where it names none; "
    "empty for pairs that are not in it",
    "rank": "1 comes nearest to being mistaken for each other when half of a photograph is hidden "
    "(by the margin where that was not asked)",
    "half hidden, in %": "how much of the model's probability goes to the other species when half "
    "of the photograph is hidden, places drawn at random; mean over both species",
    "margin": "logits (the model's scores) of the other species minus that of the true one, mean "
    "over the photographs of both species. Below 0 the true species wins; near 0 or above, they "
    "are easily mistaken",
    "1 taken for 2 in %": "how many photographs of the first species are named as the "
    "second, when all classes compete",
    "2 taken for 1 in %": "the same the other way round",
    "photographs of 1": "how many were asked",
    "photographs of 2": "how many were asked",
    "rank by answers": "1 are the two species whose photographs the model answers most alike, over "
    "all its classes; worth a look where all margins are wide",
}
"""Each column, and what it means."""


def listing(
    known: Sequence[Pair], matrix: pd.DataFrame | None, counts: Mapping[str, int]
) -> pd.DataFrame:
    """Return all pairs with plain columns and rounded numbers.

    Parameters
    ----------
    known
        The look-alikes that somebody named.
    matrix
        Table ``matrix`` of the study ``mimicry``; None before it was made.
    counts
        Photographs of each species.

    Returns
    -------
    DataFrame
        Columns as in ``COLUMNS``. The known pairs come first, then the most confusable, ``MOST`` in
        all. Without ``matrix`` the known pairs alone; what is not known yet is empty.
    """
    named = {frozenset(pair[:2]): pair for pair in known}
    if matrix is None:
        rows = [_unranked(pair, counts) for pair in known]
        return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    ranked = matrix.sort_values("rank", kind="stable").to_dict("records")
    is_known = [frozenset((row["label_a"], row["label_b"])) in named for row in ranked]
    first = [row for row, flag in zip(ranked, is_known, strict=True) if flag]
    rest = [row for row, flag in zip(ranked, is_known, strict=True) if not flag]
    rows = [_ranked(row, named) for row in [*first, *rest][:MOST]]
    return pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)


def listed_sentence(rows: int, known: int, ranked: int | None) -> str:
    """Say what the table holds.

    Parameters
    ----------
    rows, known
        Pairs in the table, and those of them that somebody named.
    ranked
        All pairs; None before they were ranked.
    """
    if ranked is None:
        first = f"{known} known pairs." if known else "No pairs are known yet."
        return f"{first} Ranking asks the model for every photograph."
    said = f"{ranked} pairs, ranked by how near they come to being mistaken"
    said += f"; {rows} of them are listed." if rows < ranked else "."
    return f"{said} The {known} known ones first." if known else said


def row_of_pair(matrix: pd.DataFrame, first: str, second: str) -> Mapping[Any, Any] | None:
    """Return the row of two species with the first as ``label_a``; None where there is none.

    Parameters
    ----------
    matrix
        Table ``matrix`` of the study ``mimicry``.
    first, second
        In either order.
    """
    for one, other in ((first, second), (second, first)):
        found = matrix[(matrix["label_a"] == one) & (matrix["label_b"] == other)]
        if not found.empty:
            row: Mapping[Any, Any] = found.iloc[0].to_dict()
            return _beginning_with(row, first)
    return None


def meaning() -> str:
    """Return what the columns mean, as HTML."""
    return words.paragraphs([f"{name}: {said}." for name, said in COLUMNS.items()])


def _unranked(pair: Pair, counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        "species 1": pair[0],
        "species 2": pair[1],
        "known": _known(pair),
        "photographs of 1": counts.get(pair[0], 0),
        "photographs of 2": counts.get(pair[1], 0),
    }


def _ranked(row: Mapping[Any, Any], named: Mapping[frozenset[str], Pair]) -> dict[str, Any]:
    pair = named.get(frozenset((row["label_a"], row["label_b"])))
    if pair is not None:
        row = _beginning_with(row, pair[0])
    return {
        "species 1": row["label_a"],
        "species 2": row["label_b"],
        "known": "" if pair is None else _known(pair),
        "rank": int(row["rank"]),
        "half hidden, in %": _percent(row["hidden_confusability"]),
        # Without the sign of a 0 that was a little below it.
        "margin": round(float(row["confusability"]), 2) + 0.0,
        "1 taken for 2 in %": round(100 * float(row["taken_a"]), 1),
        "2 taken for 1 in %": round(100 * float(row["taken_b"]), 1),
        "photographs of 1": int(row["n_a"]),
        "photographs of 2": int(row["n_b"]),
        "rank by answers": int(row["feature_rank"]),
    }


def _percent(share: float) -> float | None:
    return None if math.isnan(share) else round(100 * share, 1)


def _known(pair: Pair) -> str:
    return pair[2] or "look-alikes"


def _beginning_with(row: Mapping[Any, Any], first: str) -> Mapping[Any, Any]:
    """Return a row of the matrix with its two sides exchanged, if the first is ``label_b``."""
    if row["label_a"] == first:
        return row
    turned = {"_a": "_b", "_b": "_a"}
    return {f"{name[:-2]}{turned[name[-2:]]}" if name[-2:] in turned else name: value
            for name, value in row.items()}  # fmt: skip
