"""What can be said of a study whose numbers differ in meaning from one training to the next."""

from __future__ import annotations

from intr_discover.studies.pooling import FOLDS
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import KeyNumber, Study
from intr_discover.studies.wording import percent

MOST = 4
"""Numbers that sentences speak of; the table holds all of them."""


def range_findings(study: Study, result: StudyResult) -> list[str]:
    """Say mean and range of the first key numbers, and why there is no more.

    Parameters
    ----------
    study
        What was asked; it has no ``pool``.
    result
        As ``pool_study`` makes it.
    """
    folds = len(result.tables[FOLDS])
    said = [
        f"{number.words[:1].upper()}{number.words[1:]}: "
        f"{_written(summary_value, number)} on average over {_folds(result, number, folds)}, "
        f"{_written(result.summary[f'{number.key}_lowest'], number)} to "
        f"{_written(result.summary[f'{number.key}_highest'], number)}."
        for number in study.key_numbers
        if isinstance(summary_value := result.summary.get(number.key), float)
    ][:MOST]
    if not said:
        said = ["No number of this question is known in any fold."]
    return [
        *said,
        f"These are means over {folds} trainings, with the lowest and the highest: heads and mean "
        "maps of two trainings are not the same things, and are not thrown together.",
    ]


def _folds(result: StudyResult, number: KeyNumber, folds: int) -> str:
    known = result.summary[f"{number.key}_folds"]
    return f"{folds} folds" if known == folds else f"the {known} of {folds} folds that know it"


def _written(value: object, number: KeyNumber) -> str:
    assert isinstance(value, int | float), value
    return percent(value) if number.form == "share" else f"{value:.3g}"
