"""From a notebook to a study: open model and photographs, ask a question, show the answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer, load
from intr_discover.studies.registry import find_studies
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import Study, StudyInputs
from intr_discover.studies.wording import percent
from intr_discover.widgets.showing import show


def open_run(run: str | Path, data: str | Path) -> tuple[Explainer, Specimens]:
    """Open a trained model and the photographs to ask it about, and say what they are.

    Parameters
    ----------
    run
        A run folder, a checkpoint, or ``"demo"``.
    data
        A folder of photographs, a specimen table, or ``"demo"``.

    Returns
    -------
    Explainer
        The model.
    Specimens
        The test photographs where the table has some, else all of them.

    Raises
    ------
    UserError
        If one of them cannot be read, or the model does not know a label.
    """
    explainer = load(run)
    specimens = Specimens.read(data)
    if specimens.has_split("test"):
        specimens, which = specimens.select(split="test"), "of the test split"
    else:
        which = "(there is no test split: what the model was trained on may be among them)"
    specimens.label_ids(explainer.classes)
    show(
        f"The model knows {len(explainer.classes)} classes. There are {len(specimens)} photographs "
        f"{which}, of {len(specimens.classes)} classes."
    )
    return explainer, specimens


@dataclass(frozen=True, repr=False)
class Answer:
    """What a study answered.

    Attributes
    ----------
    study
        What was asked.
    result
        Tables, numbers, figures; None where it could not be done.
    reason
        Why not, in words.
    """

    study: Study
    result: StudyResult | None = None
    reason: str | None = None

    def __repr__(self) -> str:
        return f"Answer of study {self.study.name}: {self.reason or self.result!r}"

    @property
    def numbers(self) -> pd.DataFrame:
        """Return the key numbers: what, value, 95 % interval, n. Unknown ones are left out."""
        summary: Mapping[str, Any] = {} if self.result is None else self.result.summary
        rows = []
        for number in self.study.key_numbers:
            if summary.get(number.key) is None:
                continue
            ends = [summary.get(f"{number.key}_{end}") for end in ("low", "high")]
            interval = " to ".join(_written(end, number.form) for end in ends if end is not None)
            count = summary.get(number.n) if number.n is not None else None
            value = _written(summary[number.key], number.form)
            rows.append((number.words, value, interval, "" if count is None else str(count)))
        return pd.DataFrame(rows, columns=["number", "value", "95 % interval", "n"])

    @property
    def figures(self) -> list[str]:
        """Return the names of the figures that ``show`` can draw."""
        return [] if self.result is None else list(self.result.drawings)

    def show(self, *figures: str, findings: bool = True, numbers: bool = False) -> None:
        """Show what was found, in sentences, then figures with captions.

        Parameters
        ----------
        figures
            Names out of ``figures``; those that this result lacks are passed over, for which of
            them there are depends on the photographs.
        findings, numbers
            Whether to show sentences, and the table of key numbers.
        """
        if self.result is None:
            show(f"Left out: {self.reason}")
            return
        if findings:
            for sentence in self.study.findings(self.result):
                show(sentence)
        if numbers:
            show(self.numbers)
        for name in figures:
            if name in self.result.drawings:
                show(self.result.drawings[name](), self.result.captions.get(name, ""))


def ask(
    name: str,
    explainer: Explainer,
    specimens: Specimens,
    *,
    most: int | None = None,
    seed: int = 0,
    **options: Any,
) -> Answer:
    """Ask one question of a model and many photographs.

    Parameters
    ----------
    name
        Of the study: ``heads``, ``mimicry``, …
    explainer, specimens
        See ``open_run``.
    most
        At most so many photographs, each class with its share; None takes all. The same number
        takes the same photographs again.
    seed
        Of everything random.
    options
        The study's own, as on the command line: ``photographs=20``, ``pair="A,B"``.

    Returns
    -------
    Answer
        Where the study cannot be done with this model or these photographs, its ``reason``.

    Raises
    ------
    UserError
        If there is no such study or option.
    """
    studies = find_studies()
    if name not in studies:
        raise UserError(f"there is no study '{name}'; there are: {', '.join(studies)}")
    study = studies[name]
    split = "test" if specimens.splits == ["test"] else "all"
    inputs = study.inputs(StudyInputs(explainer, specimens, split, seed=seed), options)
    if most is not None:
        if most < 1:
            raise UserError(f"a study needs at least one photograph, not {most}")
        inputs = replace(inputs, specimens=inputs.sample(most))
    try:
        reason = study.needs(inputs)
        if reason is not None:
            return Answer(study, reason=reason)
        plan = study.plan(inputs)
        show(
            f"{study.title} {plan.images} of {len(specimens)} photographs, at most "
            f"{plan.encodes:,} passes of the model."
        )
        return Answer(study, study.run(inputs))
    except UserError as error:
        return Answer(study, reason=str(error))


def _written(value: Any, form: str) -> str:
    if isinstance(value, str | bool):
        return str(value)
    if form == "share":
        return percent(value)
    return str(value) if isinstance(value, int) else f"{value:.3g}"
