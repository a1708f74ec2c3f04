"""What a check of the section on trust measures, and how its answer is compared and written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from intr_discover.report.numbers import INTERVAL, RANGE, is_missing, spread_of, written

YES, NO, UNCLEAR, NOT_KNOWN, NOT_ASKED = "yes", "no", "unclear", "not known", "not asked"


@dataclass(frozen=True)
class Measured:
    """A number with the ends of its interval, or of the range of the folds.

    Attributes
    ----------
    value, low, high
        None where unknown.
    ranged
        Whether the ends are those of the folds, and no interval.
    """

    value: float | None = None
    low: float | None = None
    high: float | None = None
    ranged: bool = False

    def compared(self, threshold: float | None) -> str:
        """Return ``YES`` above a threshold, ``NO`` below, ``UNCLEAR`` where it may be either."""
        if self.value is None or threshold is None:
            return NOT_KNOWN
        if self.low is None or self.high is None:
            return UNCLEAR
        if self.low > threshold:
            return YES
        return NO if self.high < threshold else UNCLEAR


def measured(summary: Mapping[str, Any], key: str) -> Measured:
    """Return a number of a summary; where folds stand side by side, with their range."""
    ranged = f"{key}_low" not in summary
    ends = RANGE if ranged else INTERVAL
    values = [summary.get(name) for name in (key, *(f"{key}_{end}" for end in ends))]
    value, low, high = (None if is_missing(each) else each for each in values)
    return Measured(value, low, high, ranged)


Said = tuple[str, str, str, str, str]  # answer, sentence, number, interval, n


def said(answer: str, sentence: str, number: Measured, n: Any, form: str = "share") -> Said:
    """Return what a check says; see ``number_row`` for the forms."""
    spread = spread_of(number.low, number.high, form)
    return (
        answer,
        sentence,
        "" if number.value is None else written(number.value, form),
        f"{spread} (folds)" if spread and number.ranged else spread,
        "" if is_missing(n) else str(int(n)),
    )
