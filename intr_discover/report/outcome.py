"""What became of one study: its result, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from intr_discover.studies.budget import StudyPlan
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import Study


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
    """

    study: Study
    plan: StudyPlan | None = None
    result: StudyResult | None = None
    reason: str | None = None
    findings: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
