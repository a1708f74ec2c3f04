"""Key numbers as people read them: value, interval, n."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from intr_discover.studies.study import KeyNumber
from intr_discover.studies.wording import percent

UNKNOWN = "unknown"


@dataclass(frozen=True)
class NumberRow:
    """One line of a table of key numbers.

    Attributes
    ----------
    words, value, interval, n
        Ready to be shown; empty where there is nothing to say.
    """

    words: str
    value: str
    interval: str
    n: str


INTERVAL = ("low", "high")
RANGE = ("lowest", "highest")
"""Ends of the names of what stands beside a number: its 95 % interval, or the folds' range."""


def number_rows(
    numbers: Sequence[KeyNumber],
    summary: Mapping[str, Any],
    spread: tuple[str, str] = INTERVAL,
) -> list[NumberRow]:
    """Return the rows for those numbers that the summary holds; None in it is unknown.

    Parameters
    ----------
    numbers
        What is wanted.
    summary
        Of a result.
    spread
        ``INTERVAL`` or ``RANGE``.
    """
    rows = []
    for number in numbers:
        if number.key not in summary:
            continue
        low, high = (summary.get(f"{number.key}_{end}") for end in spread)
        count = summary.get(number.n) if number.n is not None else None
        rows.append(number_row(number.words, summary[number.key], low, high, count, number.form))
    return rows


def number_row(
    words: str, value: Any, low: Any = None, high: Any = None, n: Any = None, form: str = "share"
) -> NumberRow:
    """Return one row; what is None or NaN is unknown.

    Parameters
    ----------
    words
        What the number is.
    value, low, high
        The number and the ends of its interval.
    n
        On how many it rests.
    form
        ``"share"`` is written in per cent, ``"number"`` as it is, ``"decimal"`` with two decimals.
    """
    return NumberRow(
        words,
        written(value, form),
        spread_of(low, high, form),
        "" if is_missing(n) else str(int(n)),
    )


def written(value: Any, form: str = "share") -> str:
    """Return a number as people read it."""
    if is_missing(value):
        return UNKNOWN
    if isinstance(value, str | bool):
        return str(value)
    if form == "share":
        return percent(value)
    if form == "decimal":
        rounded = f"{value:.2f}"
        rounded = rounded.removeprefix("-") if float(rounded) == 0 else rounded
        return rounded.replace("-", "\N{MINUS SIGN}")
    shown = str(value) if isinstance(value, Integral) else f"{value:.3g}"
    return shown.replace("-", "\N{MINUS SIGN}")


def spread_of(low: Any, high: Any, form: str = "share") -> str:
    """Return an interval as people read it; empty where an end is unknown."""
    if is_missing(low) or is_missing(high):
        return ""
    return f"{written(low, form)} to {written(high, form)}"


def counted(hits: Any, n: Any, low: Any, high: Any) -> str:
    """Return a share with all that belongs to it: ``"9 of 10 photographs (90.0 %, …)"``.

    Parameters
    ----------
    hits, n
        How many, of how many.
    low, high
        Its interval; missing ones are left out.
    """
    if is_missing(n) or not n:
        return "no photograph"
    sure = spread_of(low, high)
    inside = percent(hits / n) + (f", 95 % interval {sure}" if sure else "")
    return f"{int(hits)} of {int(n)} photographs ({inside})"


def is_missing(value: Any) -> bool:
    """Return whether a value of a table or a summary is None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))
