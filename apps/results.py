"""Results of studies over the whole collection: made when first asked for, kept for everybody."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.figures.head_names import NO_NAMES, HeadNames
from intr_discover.studies.registry import find_studies
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import Study, StudyInputs

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Made:
    """A result, and what it was made with.

    Attributes
    ----------
    study
        The question.
    result
        The answer.
    names
        What heads were called at that time.
    """

    study: Study
    result: StudyResult
    names: HeadNames


class Results:
    """The results of one model on one collection.

    Ask for them in events that have ``MODEL``'s limit only: one study runs at a time.

    Parameters
    ----------
    explainer, specimens
        The model and the photographs; those of the split ``test`` where there is one, as on the
        command line.
    run, data
        What the user called them, for the record.
    """

    def __init__(self, explainer: Explainer, specimens: Specimens, run: str, data: str) -> None:
        self._explainer = explainer
        self._split = "test" if specimens.has_split("test") else "all"
        whole = self._split == "all"
        self._specimens = specimens if whole else specimens.select(split="test")
        self._run, self._data = run, data
        self._made: dict[str, Made] = {}

    def get(
        self, name: str, progress: Progress | None = None, names: HeadNames = NO_NAMES
    ) -> StudyResult:
        """Return the result of a study; made again where heads have other names by now.

        Parameters
        ----------
        name
            Of the study.
        progress
            Called with (steps done, steps in all).
        names
            What heads are called in its figures.

        Raises
        ------
        UserError
            If the study cannot run on this model or these photographs; the line says why.
        """
        known = self._made.get(name)
        if known is not None and dict(known.names) == dict(names):
            return known.result
        study, inputs = self._prepare(name, names)
        result = study.run(replace(inputs, progress=progress))
        self._made[name] = Made(study, result, dict(names))
        return result

    def latest(self, name: str) -> Made | None:
        """Return what was made of a study last, whatever heads were called; None if nothing was."""
        return self._made.get(name)

    def made(self) -> list[Made]:
        """Return all that was made, in the order of the studies."""
        return sorted(self._made.values(), key=lambda made: made.study.order)

    def possible(self) -> list[Study]:
        """Return the studies that can run on this model and these photographs."""
        found = []
        for study in find_studies().values():
            try:
                self._prepare(study.name, NO_NAMES)
            except UserError:
                continue
            found.append(study)
        return found

    def _prepare(self, name: str, names: HeadNames) -> tuple[Study, StudyInputs]:
        studies: Mapping[str, Study] = find_studies()
        if name not in studies:
            raise UserError(f"there is no study '{name}'; there are: {', '.join(studies)}")
        study = studies[name]
        command: list[Any] = ["intr-discover", "study", name, self._run, self._data]
        inputs = study.inputs(
            StudyInputs(
                self._explainer, self._specimens, self._split, command=[*command, "--out", name],
                names=names,
            )
        )  # fmt: skip
        reason = study.needs(inputs)
        if reason is not None:
            raise UserError(reason)
        return study, inputs
