"""The study ``mimicry`` for two species alone: made when first asked for, kept for everybody."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from apps.service import ALL, Service
from intr_discover.errors import UserError
from intr_discover.figures.head_names import HeadNames
from intr_discover.studies.mimicry import STUDY
from intr_discover.studies.pair_on_photograph import require_two
from intr_discover.studies.pair_table import RANKED
from intr_discover.studies.pairs import Pair, known_pairs
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import StudyInputs

_MOST = 32  # results that are kept
SHEET, HEADS = "pair_01_sheet", "pair_01_queries"
"""The two figures of a pair."""


class PairResults:
    """The results of single pairs, of the split ``test`` where there is one.

    Only photographs of the two species are asked, so that a pair takes seconds where all species
    take an hour; their common frame is that of these photographs. Ask in events that have
    ``MODEL``'s limit only.

    Parameters
    ----------
    service
        The model and the photographs.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self.split = "test" if service.specimens.has_split("test") else ALL
        self._made: OrderedDict[tuple[str, str], tuple[StudyResult, dict[Any, Any]]] = OrderedDict()

    @property
    def labels(self) -> list[str]:
        """Return the species that have photographs in this split, sorted."""
        service = self._service
        return sorted({service.label(row) for row in service.rows(split=self.split)})

    def rows(self, label: str) -> list[int]:
        """Return the photographs of a species, as rows of the collection.

        Raises
        ------
        UserError
            If there is none.
        """
        found = self._service.rows(label, self.split)
        if not found or label == ALL:
            where = "" if self.split == ALL else f" in the split '{self.split}'"
            raise UserError(f"there is no photograph of {label}{where}: choose another species")
        return found

    def known(self) -> Sequence[Pair]:
        """Return the look-alikes of the collection's own table that have photographs."""
        return known_pairs(self._inputs(None, None, {}))

    def get(
        self,
        first: str,
        second: str,
        names: HeadNames,
        progress: Callable[[int, int], None] | None = None,
    ) -> StudyResult:
        """Return the result of a pair; made again where heads have other names by now.

        Parameters
        ----------
        first, second
            The species.
        names
            What heads are called in its figures.
        progress
            Called with (photographs done, photographs in all).

        Raises
        ------
        UserError
            If they are one species, one has no photographs, or the model has no maps.
        """
        require_two(first, second)
        for label in (first, second):
            self.rows(label)
        kept = self._made.get((first, second))
        if kept is not None and kept[1] == dict(names):
            self._made.move_to_end((first, second))
            return kept[0]
        inputs = replace(self._inputs(first, second, names), progress=progress)
        reason = STUDY.needs(inputs)
        if reason is not None:
            raise UserError(reason)
        result = STUDY.run(inputs)
        _forget_others(result)
        self._made[first, second] = (result, dict(names))
        while len(self._made) > _MOST:
            self._made.popitem(last=False)
        return result

    def _inputs(self, first: str | None, second: str | None, names: HeadNames) -> StudyInputs:
        service = self._service
        split = None if self.split == ALL else self.split
        labels = None if first is None or second is None else [first, second]
        command = ["intr-discover", "study", STUDY.name, service.run, service.data]
        given = {}
        if labels is not None:
            given["pair"] = ",".join(labels)
            command += ["--pair", given["pair"]]
        inputs = StudyInputs(
            service.explainer, service.specimens.select(split=split, labels=labels), self.split,
            command=[*command, "--out", STUDY.name], names=names,
        )  # fmt: skip
        return STUDY.inputs(inputs, given)


def _forget_others(result: StudyResult) -> None:
    """Take out what compares a pair with all others: here there were none."""
    result.drawings.pop("class_matrix")
    result.captions.pop("class_matrix")
    result.tables.pop("matrix")
    result.table = result.table.drop(columns=list(RANKED))
