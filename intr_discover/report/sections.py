"""The section of one study on the page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intr_discover.report.how_made import record_of, tables_of
from intr_discover.report.numbers import INTERVAL, RANGE, NumberRow, number_rows
from intr_discover.report.outcome import FoldPart, Outcome
from intr_discover.report.page_figures import FigureOnPage, relative_links

_FIRST = 2
"""Sentences of a study that stand at the top of the page; warnings stand there too."""


@dataclass(frozen=True)
class FoldOnPage:
    """What one fold found, folded away.

    Attributes
    ----------
    fold
        Its number.
    findings
        Its sentences.
    figures
        (words, relative path) of its figures.
    """

    fold: int
    findings: list[str]
    figures: list[tuple[str, str]]


@dataclass(frozen=True)
class Section:
    """One study on the page.

    Attributes
    ----------
    id, title, reading, findings
        Of the study.
    scope
        On how many photographs it rests.
    figures
        What it shows of all species together.
    elsewhere
        How many of its figures stand with single species, and with pairs.
    numbers, spread
        Its key numbers, and what stands beside each.
    baseline
        The same number for what is simpler; empty for most studies.
    folds
        What the folds found; empty where there is one model.
    downloads
        (words, relative path) of its tables and records.
    record
        (name, value) of where its numbers come from.
    """

    id: str
    title: str
    reading: str
    findings: list[str]
    scope: str
    figures: list[FigureOnPage]
    elsewhere: tuple[int, int]
    numbers: list[NumberRow]
    spread: str
    baseline: list[NumberRow]
    folds: list[FoldOnPage]
    downloads: list[tuple[str, str]]
    record: list[tuple[str, str]]

    @property
    def first(self) -> list[str]:
        """Return what the top of the page shows of the findings: the first, and warnings."""
        return [
            said
            for place, said in enumerate(self.findings)
            if place < _FIRST or said.startswith("Warning")
        ]

    @property
    def further(self) -> list[str]:
        """Return the other findings."""
        first = self.first
        return [said for said in self.findings if said not in first]


def section_of(
    outcome: Outcome,
    figures: Sequence[FigureOnPage],
    baseline: Sequence[NumberRow],
    folder: Path,
    folds: Mapping[int, str] | None,
) -> Section:
    """Return the section of a study that has a result.

    Parameters
    ----------
    outcome
        What became of it.
    figures
        All of its figures.
    baseline
        What simpler rules reach.
    folder
        Of the page.
    folds
        Where there is a model for each fold, their fingerprints by number.
    """
    assert outcome.result is not None and outcome.plan is not None
    study, result, plan = outcome.study, outcome.result, outcome.plan
    scope = (
        f"A sample of {plan.images} of {plan.of} photographs, each class with its share "
        "(--full takes all)."
        if plan.sampled
        else f"All {plan.of} photographs."
    )
    if folds is not None:
        scope += " Out of fold." if outcome.parts else f" Held out in fold {min(folds)}."
    ranged = bool(outcome.parts) and not outcome.is_pooled
    about = [len(figure.about) for figure in figures]
    return Section(
        id=f"study-{study.name}",
        title=study.title,
        reading=study.reading,
        findings=[unbroken(sentence) for sentence in outcome.findings],
        scope=scope,
        figures=[figure for figure in figures if not figure.about],
        elsewhere=(about.count(1), about.count(2)),
        numbers=number_rows(study.key_numbers, result.summary, RANGE if ranged else INTERVAL),
        spread="lowest to highest fold" if ranged else "95\N{NO-BREAK SPACE}% interval",
        baseline=list(baseline),
        folds=[_fold(part, folder) for part in outcome.parts],
        downloads=tables_of(outcome, folder),
        record=record_of(result.provenance),
    )


def unbroken(sentence: str) -> str:
    """Return a sentence whose per cent signs stay on the line of their numbers."""
    return re.sub(r"(?<=\d) (?=%)", "\N{NO-BREAK SPACE}", sentence)


def _fold(part: FoldPart, folder: Path) -> FoldOnPage:
    links = relative_links(part.files, folder)
    return FoldOnPage(
        part.fold,
        [unbroken(sentence) for sentence in part.findings],
        [(name.replace("_", " "), links[f"{name}.pdf"]) for name in part.captions],
    )
