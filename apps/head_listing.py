"""The head report card as a table for people."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from apps import words

COLUMNS = {
    "species": "whose query it is",
    "head": "its number, from 0; the same number means nothing in another model",
    "name": "what more than half of those who named it call it",
    "passes": "how many of four questions it passes: consistent, distinct, important, a place",
    "photographs": "how many photographs of the species were counted",
    "consistency": "does it find the same thing in every photograph? 0 is chance; above 0.2 it is "
    "called consistent where chance gives that in fewer than 5 % of cases",
    "its interval": "95 % interval of the consistency",
    "distinctness": "does it find something that no other head finds? From −1 to 1, above 0.25 it "
    "is called distinct",
    "importance": "by how many logits the species wins less clearly when this head is switched off",
    "interval of importance": "95 % interval of the importance; where it lies above 0 the decision "
    "needs the head",
    "area in %": "over how much of the picture it spreads; below 25 % it has a place",
    "part hit most": "the part of the animal on which it peaks most often, where parts are known",
    "part hit in %": "in how many of the photographs that show the part",
    "by chance in %": "the same, were the heads of the species shuffled",
    "is": "which of the four questions it passes",
}
"""Each column, and what it means."""

_FLAGS = {"consistent": "consistent", "distinct": "distinct", "important": "important",
          "concentrated": "has a place"}  # fmt: skip


def listing(card: pd.DataFrame, label: str | None = None) -> pd.DataFrame:
    """Return the head report card with plain columns and rounded numbers.

    Parameters
    ----------
    card
        With names, see ``named_card``.
    label
        Only this species; None for all.

    Returns
    -------
    DataFrame
        Columns as in ``COLUMNS``; those of parts are left out where no parts are known. The heads
        that pass most questions come first, of these the most important. What is not known is
        empty.
    """
    chosen = card if label is None else card[card["label"] == label]
    rows = [_row(row) for row in chosen.to_dict("records")]
    table = pd.DataFrame(rows, columns=list(COLUMNS), dtype=object)
    if "part" not in card:
        table = table.drop(columns=["part hit most", "part hit in %", "by chance in %"])
    if table.empty:
        return table
    weight = pd.to_numeric(table["importance"]).fillna(-math.inf)
    order = pd.DataFrame({"passed": table["passes"], "weight": weight}).sort_values(
        ["passed", "weight"], ascending=False, kind="stable"
    )
    return table.loc[order.index].reset_index(drop=True)


def meaning(columns: list[str]) -> str:
    """Return what the columns mean, as HTML."""
    return words.paragraphs([f"{name}: {COLUMNS[name]}." for name in columns])


def _row(row: Mapping[Any, Any]) -> dict[str, Any]:
    flags = [said for flag, said in _FLAGS.items() if row[flag] is True]
    name = row.get("name")
    part = row.get("part")
    return {
        "species": row["label"],
        "head": int(row["head"]),
        "name": name if isinstance(name, str) else "",
        "passes": len(flags),
        "photographs": int(row["n"]),
        "consistency": _rounded(row["consistency"]),
        "its interval": _interval(row["consistency_low"], row["consistency_high"]),
        "distinctness": _rounded(row["distinctness"]),
        "importance": _rounded(row["importance"]),
        "interval of importance": _interval(row["importance_low"], row["importance_high"]),
        "area in %": _rounded(100 * row["effective_area"], 1),
        "part hit most": part if isinstance(part, str) else "",
        "part hit in %": _rounded(100 * row.get("part_share", math.nan), 1),
        "by chance in %": _rounded(100 * row.get("part_chance", math.nan), 1),
        "is": ", ".join(flags),
    }


def _rounded(value: float, digits: int = 2) -> float | None:
    # Without the sign of a 0 that was a little below it.
    return None if value is None or math.isnan(value) else round(float(value), digits) + 0.0


def _interval(low: float, high: float) -> str:
    if math.isnan(low) or math.isnan(high):
        return ""
    return f"{low:.2f} to {high:.2f}".replace("-", "−")
