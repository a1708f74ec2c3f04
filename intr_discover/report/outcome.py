"""What became of one study: its result, or the reason why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from intr_discover.studies.budget import StudyPlan
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import Study


@dataclass(frozen=True)
class FoldPart:
    """What a study found in one fold of a collection.

    Attributes
    ----------
    fold
        Its number, from 1.
    findings
        The answer in sentences.
    captions
        Of its figures, by name, in their order.
    files
        What was written.
    """

    fold: int
    findings: list[str]
    captions: Mapping[str, str]
    files: list[Path]


@dataclass(frozen=True)
class Outcome:
    """One study of a report.

    Attributes
    ----------
    study
        What was asked.
    plan
        How much of it; None where it could not even be planned.
    result
        The answer; None where there is none.
    reason
        Why there is no answer; None where there is one.
    findings
        The answer in sentences.
    files
        What was written, in the order of writing.
    parts
        What the folds found that the result was made of; empty where there is one model.
    is_pooled
        Whether the numbers of such a result were worked out from all folds together; else they
        are means over the folds, with the lowest and the highest.
    """

    study: Study
    plan: StudyPlan | None = None
    result: StudyResult | None = None
    reason: str | None = None
    findings: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    parts: tuple[FoldPart, ...] = ()
    is_pooled: bool = True
