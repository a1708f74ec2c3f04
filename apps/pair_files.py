"""The figures and tables of a pair as one file to take away."""

from __future__ import annotations

import shutil
from pathlib import Path

from intr_discover.studies.result import StudyResult


def zip_of(result: StudyResult, folder: Path) -> Path:
    """Write a result as a zip: tables, numbers, figures (PNG and PDF) and where they came from.

    Parameters
    ----------
    result
        Of a study.
    folder
        The session's own; an earlier zip in it is replaced.
    """
    place = folder / "pair"
    shutil.rmtree(place, ignore_errors=True)
    result.save(place / result.name)
    return Path(shutil.make_archive(str(folder / result.name), "zip", place))
