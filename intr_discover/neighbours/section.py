"""A finished comparison of methods as a section of the report: read, never trained or measured."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from intr_discover.errors import UserError
from intr_discover.neighbours.comparison import findings, shown_of
from intr_discover.neighbours.pictures import add_figures
from intr_discover.neighbours.registry import find_methods
from intr_discover.studies.budget import StudyPlan
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import KeyNumber, Study, StudyInputs

NAME = "neighbours"

_OTHER_PHOTOGRAPHS = "on_other_photographs"
_SECONDS = 10.0  # to draw the figures
_SHOWN = (
    ("accuracy", "right answers"),
    ("attribute_hit", "separating attribute hit by one of the three strongest units"),
    ("flip_4", "answers changed by erasing the top 4 % of the map"),
)


def comparison_study(folder: Path) -> Study:
    """Return a study whose answer is a comparison that ``study neighbours`` has written.

    Parameters
    ----------
    folder
        Where it lies.

    Raises
    ------
    UserError
        If no finished comparison lies there, or a file of it cannot be read.
    """
    result = read_comparison(folder)

    def run(inputs: StudyInputs) -> StudyResult:
        same = result.provenance.get("data_fingerprint") == inputs.specimens.fingerprint()
        result.summary[_OTHER_PHOTOGRAPHS] = int(not same)
        return result

    def plan(inputs: StudyInputs) -> StudyPlan:
        return StudyPlan(0, 0, 0, 0, _SECONDS)

    return Study(
        name=NAME,
        title="Would another method have told the same?",
        order=95,
        weight=1.0,
        plan=plan,
        run=run,
        findings=_findings,
        reading=(
            "Other models that explain themselves, and maps made of a plain classifier, on the "
            "same photographs by the same measures. Look at accuracy first: a model that is often "
            "wrong explains little. A hit counts against chance (red bar), which is larger for a "
            "method that has three tries. Insertion and deletion ask one judge for all; answers "
            "changed ask each method's own model."
        ),
        key_numbers=tuple(_key_numbers(result)),
    )


def read_comparison(folder: Path) -> StudyResult:
    """Read what ``study neighbours`` has written.

    Raises
    ------
    UserError
        If no finished comparison lies there, or a file of it cannot be read.
    """
    record = folder / "provenance.json"
    if not record.is_file():
        raise UserError(
            f"{folder} holds no finished comparison of methods; "
            f"intr-discover study neighbours DATA --out {folder} makes one"
        )
    try:
        tables = {
            name: pd.read_csv(folder / f"{NAME}_{name}.csv", keep_default_na=name != "wide")
            for name in ("wide", "photographs")
        }
        table = pd.read_csv(folder / f"{NAME}.csv")
        table["note"] = table["note"].fillna("")
        result = StudyResult(
            NAME,
            table,
            json.loads((folder / "summary.json").read_text(encoding="utf-8")),
            json.loads(record.read_text(encoding="utf-8")),
            tables,
        )
        known = find_methods()
        kinds = [known[name] for name in dict.fromkeys(table["method"]) if name in known]
        shown = {kind.name: shown_of(folder, kind.name) for kind in kinds}
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"{folder}: the comparison of methods cannot be read ({error}); the command that made "
            "it writes its files again"
        ) from error
    titles = {kind.name: kind.title for kind in kinds}
    add_figures(result, shown, titles, {kind.name: kind.unit for kind in kinds})
    return result


def _key_numbers(result: StudyResult) -> Iterator[KeyNumber]:
    titles = {name: kind.title for name, kind in find_methods().items()}
    known = result.table.dropna(subset="value")
    for measure, words in _SHOWN:
        for method in known.loc[known["measure"] == measure, "method"]:
            key = f"{measure}_{method}"
            title = titles.get(method, method)
            yield KeyNumber(key, f"{words}: {title}", n=f"{key}_n")


def _findings(result: StudyResult) -> list[str]:
    said = findings(result)
    if result.summary.get(_OTHER_PHOTOGRAPHS):
        said.insert(
            0, "Beware: the methods were compared on other photographs than those of this report."
        )
    return said
