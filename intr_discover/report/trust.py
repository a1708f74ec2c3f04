"""Whether the page can be believed: what the checks say, one plain sentence each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from intr_discover.report.outcome import Outcome
from intr_discover.report.trust_checks import CHECKS
from intr_discover.report.trust_numbers import NO, NOT_ASKED, NOT_KNOWN, UNCLEAR, YES


@dataclass(frozen=True)
class TrustRow:
    """One check.

    Attributes
    ----------
    study
        Whose section says more.
    question
        What is asked; "yes" is what one hopes for.
    answer
        ``YES``, ``NO``, ``UNCLEAR`` (the interval allows both), ``NOT_KNOWN`` (asked, without a
        number) or ``NOT_ASKED``.
    sentence
        What was measured, with what it is compared to.
    number, interval, n
        Ready to be shown; empty where there is none.
    """

    study: str
    question: str
    answer: str
    sentence: str
    number: str = ""
    interval: str = ""
    n: str = ""


def tally(rows: Sequence[TrustRow]) -> Mapping[str, int]:
    """Return how many checks have each answer, those that nobody got left out."""
    answers = [row.answer for row in rows]
    return {
        answer: answers.count(answer)
        for answer in (YES, NO, UNCLEAR, NOT_KNOWN, NOT_ASKED)
        if answer in answers
    }


def trust_rows(outcomes: Sequence[Outcome]) -> list[TrustRow]:
    """Return the checks in the order of reading.

    Parameters
    ----------
    outcomes
        Of all studies. A check whose study was left out is named with the reason; one whose study
        nobody asked for is not.
    """
    results = {each.study.name: each.result for each in outcomes if each.result is not None}
    reasons = {each.study.name: each.reason for each in outcomes if each.result is None}
    rows = []
    for check in CHECKS:
        if check.study in results:
            row = check.ask(results)
            rows.append(TrustRow(check.study, check.question, *row))
        elif check.study in reasons:
            rows.append(
                TrustRow(
                    check.study, check.question, NOT_ASKED, f"Left out: {reasons[check.study]}"
                )
            )
    return rows
