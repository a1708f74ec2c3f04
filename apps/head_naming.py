"""What people call a head: their words, and the words about them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from intr_discover.annotations import HeadName
from intr_discover.annotations.names import agree
from intr_discover.annotations.values import NONE

COLUMNS = ["rater", "calls it", "when (UTC)"]
MOST_SUGGESTIONS = 200


def answers_of(answers: Sequence[HeadName], label: str, head: int) -> list[HeadName]:
    """Return what was said of one head, the latest first."""
    chosen = [each for each in answers if (each.label, each.head) == (label, head)]
    return sorted(chosen, key=lambda each: each.time, reverse=True)


def answers_table(answers: Sequence[HeadName]) -> pd.DataFrame:
    """Return answers as a table for people."""
    rows = [
        [each.rater, NONE if each.name is None else each.name, f"{each.time:%Y-%m-%d %H:%M}"]
        for each in answers
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def agreed_in_words(answers: Sequence[HeadName]) -> str:
    """Return what the raters of one head agree on, as a sentence."""
    if not answers:
        return "Nobody has named this head yet."
    (found,) = agree(answers)
    raters = "1 rater" if found.raters == 1 else f"{found.raters} raters"
    if found.name is not None:
        return f"Agreed name: {found.name} ({found.votes} of {raters})."
    if found.shows_none:
        return f"Agreed: it shows no attribute ({found.votes} of {raters})."
    return f"No agreed name: no answer has more than half of the {raters}."
