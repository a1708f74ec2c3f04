"""The report of a small collection: every photograph judged by a model that has not seen it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer, load
from intr_discover.files import write_with
from intr_discover.report.discover import (
    Bars,
    Discovery,
    NamesOf,
    carry_out,
    look_at_photographs,
    no_bar,
    no_names,
    plan_studies,
    say_plan,
)
from intr_discover.report.facts import Facts
from intr_discover.report.fold_findings import range_findings
from intr_discover.report.folder import ReportFolder
from intr_discover.report.outcome import FoldPart, Outcome
from intr_discover.report.page import write_page
from intr_discover.studies.budget import StudyPlan
from intr_discover.studies.pooling import pool_study
from intr_discover.studies.registry import find_studies
from intr_discover.studies.result import StudyResult
from intr_discover.studies.speed import measure_speed
from intr_discover.studies.study import Study, StudyInputs

OUT_OF_FOLD = "out of fold"
"""What stands in the place of a split where every photograph was held out once."""

TABLE_OF_FOLDS = "folds.csv"


@dataclass(frozen=True)
class Fold:
    """A fold whose model is trained.

    Attributes
    ----------
    number
        From 1.
    run
        The run folder of its model.
    held_out
        The photographs that this model has not seen.
    """

    number: int
    run: Path
    held_out: Specimens


@dataclass
class _Answered:
    """What became of one study in the folds so far, without drawings: they hold photographs."""

    results: dict[int, StudyResult] = field(default_factory=dict)
    plans: list[StudyPlan] = field(default_factory=list)
    parts: list[FoldPart] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)

    def note(self, fold: int, outcome: Outcome) -> None:
        if outcome.result is None or outcome.plan is None:
            self.reasons[fold] = outcome.reason or "no reason was given"
            return
        result = outcome.result
        captions = {name: result.captions.get(name, "") for name in result.drawings}
        self.parts.append(FoldPart(fold, outcome.findings, captions, outcome.files))
        self.plans.append(outcome.plan)
        self.results[fold] = replace(result, drawings={})

    def plan(self) -> StudyPlan:
        return StudyPlan(
            sum(plan.images for plan in self.plans),
            sum(plan.of for plan in self.plans),
            sum(plan.encodes for plan in self.plans),
            sum(plan.decodes for plan in self.plans),
            sum(plan.extra_seconds for plan in self.plans),
        )


def discover_folds(
    folds: Sequence[Fold],
    specimens: Specimens,
    out: Path,
    *,
    seed: int = 0,
    full: bool = False,
    overwrite: bool = False,
    command: Sequence[str] | None = None,
    batch_size: int = 32,
    device: str = "auto",
    precision: str = "fp32",
    data_name: str | None = None,
    studies: Mapping[str, Study] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    alone: Collection[str] = (),
    names_of: NamesOf = no_names,
    bars: Bars = no_bar,
    say: Callable[[str], None] = print,
) -> Discovery:
    """Ask every model about the photographs it has not seen, and write one page of all of them.

    Parameters
    ----------
    folds
        Their held-out photographs make up ``specimens``, each once.
    specimens
        The collection.
    out
        The folder of the report.
    seed, full, overwrite, command, batch_size, data_name, studies, names_of, bars, say
        As for ``discover``. Each fold has the time of a report of its own.
    device, precision
        Where and in what the models run, see ``load``.
    options
        Values of studies' own options, by study; others have their defaults.
    alone
        Studies that are asked in the first fold alone: they compare its model with others.

    Returns
    -------
    Discovery
        The page and what became of each study. Tables are joined, with a column ``fold``; numbers
        are worked out from all folds together where the study can, and are means over the folds
        with their range otherwise.

    Raises
    ------
    UserError
        If the folder is in use, or a model cannot be read or does not know a label.
    """
    folder = ReportFolder(out)
    folder.check(overwrite)
    folder.start()
    known = find_studies() if studies is None else dict(studies)
    answered = {name: _Answered() for name in known}
    single: dict[str, Outcome] = {}
    first: Explainer | None = None
    fingerprints = {}
    for fold in folds:
        explainer = load(str(fold.run), device=device, precision=precision)
        fingerprints[fold.number] = explainer.fingerprint
        fold.held_out.label_ids(explainer.classes)
        inputs = StudyInputs(
            explainer,
            fold.held_out,
            "test",
            seed=seed,
            full=full,
            command=command,
            batch_size=batch_size,
            names=names_of(explainer),
        )
        asked = {name: known[name] for name in known if first is None or name not in alone}
        first = first or explainer
        speed = measure_speed(inputs)
        tasks = plan_studies(asked, inputs, speed, options=options)
        say(f"fold {fold.number} of {len(folds)}: {len(fold.held_out)} photographs held out")
        say_plan(tasks, speed, say)
        for task in tasks:
            name = task.study.name
            place = Path(name) if name in alone else Path(name) / f"fold_{fold.number}"
            outcome = carry_out(task, folder, _bars_of(fold, bars), place)
            if outcome.reason is not None:
                say(f"left out: {name}: {outcome.reason}")
            if name in alone:
                single[name] = outcome
            else:
                answered[name].note(fold.number, outcome)
    assert first is not None, "no fold"
    whole = StudyInputs(
        None, specimens, OUT_OF_FOLD, seed=seed, full=full, command=command, batch_size=batch_size
    )
    outcomes = [
        single[name] if name in single else _join(study, answered[name], whole, folder, options)
        for name, study in known.items()
    ]
    write_with(out / TABLE_OF_FOLDS, lambda file: _table(folds).to_csv(file, index=False))
    folder.add([out / TABLE_OF_FOLDS])
    facts = Facts(
        model_name=f"{len(folds)} models, one a fold",
        data_name=data_name or str(specimens.source),
        explainer=first,
        specimens=specimens,
        split=OUT_OF_FOLD,
        seed=seed,
        full=full,
        command=None if command is None else list(command),
        folds=fingerprints,
        checked=look_at_photographs(specimens, seed, full, bars),
    )
    folder.add(write_page(folder.page, outcomes, facts))
    folder.finish()
    return Discovery(folder.page, outcomes)


def _bars_of(fold: Fold, bars: Bars) -> Bars:
    return lambda what: bars(f"fold {fold.number}: {what}")


def _join(
    study: Study,
    answered: _Answered,
    whole: StudyInputs,
    folder: ReportFolder,
    options: Mapping[str, Mapping[str, Any]] | None,
) -> Outcome:
    """Make one outcome of those of the folds, and write its folder."""
    if not answered.results:
        reasons = dict.fromkeys(answered.reasons.values())
        return Outcome(study, reason="; ".join(reasons))
    inputs = study.inputs(whole, (options or {}).get(study.name))
    try:
        result = pool_study(study, answered.results, inputs)
        files = result.save(folder.path / study.name)
    except UserError as error:
        return Outcome(study, reason=str(error))
    is_pooled = study.pool is not None
    said = study.findings(result) if is_pooled else range_findings(study, result)
    said += [
        f"Fold {fold} has no answer to this: {reason}" for fold, reason in answered.reasons.items()
    ]
    folder.add(files)
    return Outcome(
        study,
        answered.plan(),
        result,
        None,
        said,
        files,
        tuple(answered.parts),
        is_pooled,
    )


def _table(folds: Sequence[Fold]) -> pd.DataFrame:
    """Return which photograph was held out in which fold."""
    return pd.concat(
        [
            fold.held_out.table[["image", "label"]].assign(fold=fold.number, run=fold.run.name)
            for fold in folds
        ],
        ignore_index=True,
    )
