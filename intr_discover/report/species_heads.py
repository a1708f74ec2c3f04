"""The heads of one species that a reader should know: worth a name, or important."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from intr_discover.report.gathered import Results, Row, fold_words, rows_where, table_of
from intr_discover.report.head_verdicts import Verdict, verdict
from intr_discover.report.numbers import is_missing, spread_of, written
from intr_discover.studies.head_card import called

MOST_HEADS = 8
"""Heads that a species page lists; the table of the study holds all."""

_FEWEST_HEADS = 3
"""So many are listed even where none is worth a name."""


@dataclass(frozen=True)
class HeadRow:
    """A head of a species.

    Attributes
    ----------
    called
        Its number, and its name where people gave one.
    verdict
        What it probably is.
    consistency, distinctness, importance, part
        Ready to be shown; empty where unknown.
    """

    called: str
    verdict: Verdict
    consistency: str
    distinctness: str
    importance: str
    part: str


def heads_in_order(results: Results, label: str) -> list[Row]:
    """Return the heads of a species, the most important first, those without a number last."""
    rows = rows_where(table_of(results, "heads"), label=label)
    return sorted(
        rows, key=lambda row: (is_missing(row["importance"]), -_or_zero(row["importance"]))
    )


def _or_zero(value: Any) -> float:
    return 0.0 if is_missing(value) else float(value)


def heads_to_show(card: Sequence[Row]) -> list[Row]:
    """Return the heads that are or may be worth a name, those that have one, and a few more."""
    chosen = [
        row
        for row in card
        if verdict(row).worth_a_name is not False or isinstance(row.get("name"), str)
    ]
    others = [row for row in card if not any(row is each for each in chosen)]
    chosen += others[: max(0, _FEWEST_HEADS - len(chosen))]
    order = {id(row): place for place, row in enumerate(card)}
    return sorted(chosen[:MOST_HEADS], key=lambda row: order[id(row)])


def head_row(row: Row) -> HeadRow:
    """Return a head as the page shows it; ``row`` is its row of the head report card."""
    part = ""
    if isinstance(row.get("part"), str):
        part = f"{row['part']} ({round(row['part_share'] * row['part_n'])} of {row['part_n']})"
    return HeadRow(
        called=f"{fold_words(row)}{called(row)}",
        verdict=verdict(row),
        consistency=_with_interval(row, "consistency"),
        distinctness=_number(row["distinctness"]),
        importance=_with_interval(row, "importance"),
        part=part,
    )


def _with_interval(row: Row, name: str) -> str:
    value = _number(row[name])
    sure = spread_of(row[f"{name}_low"], row[f"{name}_high"], "decimal")
    return f"{value} ({sure})" if value and sure else value


def _number(value: Any) -> str:
    return "" if is_missing(value) else written(float(value), "decimal")


def counts_of(card: Sequence[Row]) -> str:
    """Return on how many photographs the heads' numbers rest."""
    counts = sorted({int(row["n"]) for row in card})
    if not counts:
        return ""
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
