"""A report of ``discover`` once more: each of its studies, on the photographs that it took then."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from intr_discover.errors import UserError
from intr_discover.rerun.record import NAME
from intr_discover.rerun.repeat import Repeated, new_folder_beside, repeat

MARKER = "report.json"


def is_report(place: Path) -> bool:
    """Return whether a folder, or the ``report.json`` in it, is a whole report."""
    folder = place.parent if place.name == MARKER else place
    return (folder / MARKER).is_file() and not (folder / NAME).exists()


def repeat_report(
    place: Path,
    commands: Any,
    *,
    out: Path | None = None,
    tolerance: float | None = None,
    say: Callable[[str], None] = print,
    done: Callable[[Repeated], None] = lambda each: None,
) -> list[Repeated]:
    """Repeat every study of a report, one after the other, and compare.

    How many photographs a study takes depends on how fast the model was; each record holds that
    speed, so that the repetition takes the same ones. The model that a report trained for itself is
    not trained again: it has a record of its own, in the folder ``run``.

    Parameters
    ----------
    place
        The folder of the report, or its ``report.json``.
    commands, out, tolerance, say
        See ``repeat.repeat``; each study goes into a folder of its name below ``out``.
    done
        Called after each study.

    Raises
    ------
    UserError
        If the folder is not free, the report holds no study, or one cannot be repeated.
    """
    folder = place.parent if place.name == MARKER else place
    try:
        files = json.loads((folder / MARKER).read_text(encoding="utf-8"))["files"]
        names = [Path(file).parts[0] for file in files if Path(file).name == NAME]
        studies = [name for name in names if (folder / name / NAME).is_file()]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UserError(f"{folder / MARKER} is no record of a report") from error
    if not studies:
        raise UserError(f"{folder}: no study of this report is there, so there is none to repeat")
    target = new_folder_beside(folder, out)
    found = []
    for name in dict.fromkeys(studies):
        found.append(
            repeat(folder / name, commands, out=target / name, tolerance=tolerance, say=say)
        )
        done(found[-1])
    return found
