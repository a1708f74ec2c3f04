"""What the four questions to a head add up to, in words; the guide on heads explains them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from intr_discover.report.gathered import Row
from intr_discover.report.numbers import is_missing

NOTHING_TO_SAY = "no score"


@dataclass(frozen=True)
class Verdict:
    """What a head probably is.

    Attributes
    ----------
    words
        In a few words.
    worth_a_name
        Whether it is consistent, distinct, important, and has a place; None where one of these is
        not known and the others hold.
    """

    words: str
    worth_a_name: bool | None = False


def verdict(row: Row) -> Verdict:
    """Return what a head of a class probably is.

    Parameters
    ----------
    row
        Of the head report card, with ``consistent``, ``distinct``, ``important`` and
        ``concentrated``; each may be missing.
    """
    consistent, distinct, important, placed = (
        _known(row.get(name)) for name in ("consistent", "distinct", "important", "concentrated")
    )
    if consistent is None:
        note = row.get("note")
        return Verdict(f"no score: {note}" if isinstance(note, str) else NOTHING_TO_SAY)
    if not consistent:
        return Verdict("finds something else in each photograph: no name")
    if placed is False:
        return Verdict("takes in the whole picture: its peak means nothing")
    if distinct is False:
        return Verdict("consistent, but other heads find the same")
    if important is False:
        return Verdict("consistent, but the decision does not need it")
    if important is None and placed and distinct:
        if not _is_positive(row.get("importance")):
            return Verdict("consistent and distinct; no sign that the decision needs it")
        words = "perhaps worth a name (importance of too few photographs)"
        return Verdict(words, worth_a_name=None)
    if None in (placed, distinct, important):
        return Verdict("consistent; not all of the rest is known", worth_a_name=None)
    return Verdict("worth a name: consistent, distinct, important", worth_a_name=True)


def _is_positive(value: Any) -> bool:
    return not is_missing(value) and value > 0


def _known(value: Any) -> bool | None:
    return None if is_missing(value) else bool(value)
