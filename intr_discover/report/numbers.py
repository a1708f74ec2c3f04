"""Key numbers as people read them: value, interval, n."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
        interval = ""
        if low is not None and high is not None:
            interval = f"{_written(low, number.form)} to {_written(high, number.form)}"
        count = summary.get(number.n) if number.n is not None else None
        rows.append(
            NumberRow(
                number.words,
                _written(summary[number.key], number.form),
                interval,
                "" if count is None else str(count),
            )
        )
    return rows


def _written(value: Any, form: str) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, str | bool):
        return str(value)
    if form == "share":
        return percent(value)
    return str(value) if isinstance(value, int) else f"{value:.3g}"
