"""The main job: run every study within the time there is, and write the report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.figures.head_names import NO_NAMES, HeadNames
from intr_discover.report.data_check import Checked, check_photographs
from intr_discover.report.facts import Facts
from intr_discover.report.folder import ReportFolder
from intr_discover.report.outcome import Outcome
from intr_discover.report.page import write_page
from intr_discover.studies.budget import TOTAL_SECONDS, Speed, StudyPlan, plan_table, share_out
from intr_discover.studies.registry import find_studies
from intr_discover.studies.speed import measure_speed
from intr_discover.studies.study import Progress, Study, StudyInputs

Bars = Callable[[str], AbstractContextManager[Progress]]
"""Makes a progress bar of what it is called with."""

NamesOf = Callable[[Explainer], HeadNames]
"""What people call the heads of a model."""


@contextmanager
def no_bar(what: str) -> Iterator[Progress]:
    """Show no progress."""
    yield lambda done, total: None


def no_names(explainer: Explainer) -> HeadNames:
    """Call no head anything."""
    return NO_NAMES


@dataclass(frozen=True)
class Discovery:
    """A finished report.

    Attributes
    ----------
    page
        The page to open.
    outcomes
        What became of each study, in the order of the page.
    """

    page: Path
    outcomes: list[Outcome]


def discover(
    explainer: Explainer,
    specimens: Specimens,
    out: Path,
    *,
    split: str,
    seed: int = 0,
    full: bool = False,
    overwrite: bool = False,
    command: Sequence[str] | None = None,
    batch_size: int = 32,
    model_name: str | None = None,
    data_name: str | None = None,
    studies: Mapping[str, Study] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    names_of: NamesOf = no_names,
    collection: Specimens | None = None,
    bars: Bars = no_bar,
    say: Callable[[str], None] = print,
) -> Discovery:
    """Ask everything there is to ask, and write ``index.html`` with all that belongs to it.

    Parameters
    ----------
    explainer
        The model.
    specimens
        The photographs, of the wanted split only.
    out
        The folder of the report.
    split
        Which split the photographs are.
    seed
        Of everything random.
    full
        Take all photographs, however long it takes.
    overwrite
        Replace an earlier report in the folder.
    command
        The command line, word by word, for the record.
    batch_size
        Most images that go through the model at once.
    model_name, data_name
        What the page calls model and photographs; default where they were read from.
    studies
        By name; default all that the registry finds.
    options
        Values of studies' own options, by study; others have their defaults.
    names_of
        Says what people call the heads of the model.
    collection
        The photographs of all splits, where ``specimens`` are some of them: the page says how many
        there were of each, and looks for photographs that two splits share.
    bars
        Makes the progress bar of a study.
    say
        Called with one line for people at a time.

    Returns
    -------
    Discovery
        The page and what became of each study. A study that cannot be done is listed with the
        reason; it takes nothing from the others.

    Raises
    ------
    UserError
        If the folder is in use or a label is unknown to the model.
    """
    specimens.label_ids(explainer.classes)  # before anything is written
    folder = ReportFolder(out)
    folder.check(overwrite)
    folder.start()
    inputs = StudyInputs(
        explainer,
        specimens,
        split,
        seed=seed,
        full=full,
        command=command,
        batch_size=batch_size,
        names=names_of(explainer),
    )
    speed = measure_speed(inputs)
    known = find_studies() if studies is None else studies
    tasks = plan_studies(known, inputs, speed, options=options)
    say(f"{len(specimens)} photographs of split {split}; {_in_words(speed)}")
    say_plan(tasks, speed, say)
    outcomes = []
    for task in tasks:
        outcome = carry_out(task, folder, bars)
        if outcome.reason is not None:
            say(f"left out: {task.study.name}: {outcome.reason}")
        outcomes.append(outcome)
    facts = Facts(
        model_name=model_name or explainer.source or "a model",
        data_name=data_name or str(specimens.source),
        explainer=explainer,
        specimens=specimens,
        split=split,
        seed=seed,
        full=full,
        command=None if command is None else list(command),
        collection=collection,
        checked=look_at_photographs(collection or specimens, seed, full, bars),
    )
    folder.add(write_page(folder.page, outcomes, facts))
    folder.finish()
    return Discovery(folder.page, outcomes)


@dataclass(frozen=True)
class Task:
    """A study that is going to be done, or the reason why it is not.

    Attributes
    ----------
    study
        What is asked.
    inputs
        Of what, with its share of the time.
    plan
        How much; None where there is a reason not to.
    reason
        Why it cannot be done.
    """

    study: Study
    inputs: StudyInputs
    plan: StudyPlan | None = None
    reason: str | None = None


def plan_studies(
    studies: Mapping[str, Study],
    inputs: StudyInputs,
    speed: Speed,
    total: float | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Task]:
    """Share out the time among the studies that can be done.

    Parameters
    ----------
    studies
        By name.
    inputs
        What all of them are given. With ``full`` there is no limit.
    speed
        Of the model.
    total
        Seconds to share out; default ``TOTAL_SECONDS``.
    options
        Values of studies' own options, by study.
    """
    given = options or {}
    tasks = [
        _plan(Task(study, study.inputs(inputs, given.get(name)))) for name, study in studies.items()
    ]
    wishes = {task.study.name: task.plan.seconds(speed) for task in tasks if task.plan is not None}
    weights = {name: studies[name].weight for name in wishes}
    shares = share_out(TOTAL_SECONDS if total is None else total, weights, wishes)
    for place, task in enumerate(tasks):
        name = task.study.name
        if task.plan is not None and not inputs.full and shares[name] < wishes[name]:
            limited = replace(task.inputs, seconds=shares[name], speed=speed)
            tasks[place] = _plan(replace(task, inputs=limited))
    return tasks


def _plan(task: Task) -> Task:
    """Return the task with its plan, or with the reason why it cannot be done."""
    try:
        reason = task.study.needs(task.inputs)
        if reason is None:
            return replace(task, plan=task.study.plan(task.inputs))
    except UserError as error:
        reason = str(error)
    return replace(task, plan=None, reason=reason)


def say_plan(tasks: Sequence[Task], speed: Speed, say: Callable[[str], None]) -> None:
    """Say what is going to be done before it begins."""
    plans = {task.study.name: task.plan for task in tasks if task.plan is not None}
    for line in plan_table(plans, speed):
        say(line)


def carry_out(task: Task, folder: ReportFolder, bars: Bars, place: Path | None = None) -> Outcome:
    """Run a study and write its folder. What goes wrong with it must not cost the others.

    Parameters
    ----------
    task
        What is done.
    folder
        Of the report.
    bars
        Makes the progress bar.
    place
        Of its own folder below that; default the name of the study.
    """
    study = task.study
    if task.plan is None:
        return Outcome(study, reason=task.reason)
    try:
        with bars(study.name) as progress:
            result = study.run(replace(task.inputs, progress=progress))
        files = result.save(folder.path / (place or study.name))
    except UserError as error:
        return Outcome(study, task.plan, reason=str(error))
    folder.add(files)
    return Outcome(study, task.plan, result, None, study.findings(result), files)


def look_at_photographs(specimens: Specimens, seed: int, full: bool, bars: Bars) -> Checked:
    """Look for what is wrong with the photographs, under a progress bar."""
    with bars("photographs") as progress:
        return check_photographs(specimens, seed=seed, full=full, progress=progress)


def _in_words(speed: Speed) -> str:
    """Return how fast the model is here."""
    return f"the model needs about {speed.encode + speed.decode:.2g} s for one"
