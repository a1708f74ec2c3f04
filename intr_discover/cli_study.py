"""``intr-discover study NAME``: one command for each study that the registry finds.

Names and titles come from the studies' files; a study is imported when it is run, or when its own
help is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intr_discover.cli_neighbours import HELP, LISTED, OtherPython, neighbours
from intr_discover.cli_options import (
    BatchSize,
    Classes,
    Data,
    Device,
    Extracted,
    Names,
    Precision,
    PrecisionName,
    Run,
    Seed,
    Split,
    choose_split,
    command_words,
    extracted_answers,
    given,
    load_model,
    read_collection,
    read_names,
)
from intr_discover.cli_plugins import REQUIRED, PluginGroup, own_parameter, with_parameters
from intr_discover.console import progress_bar
from intr_discover.errors import UserError
from intr_discover.plugins import Listed
from intr_discover.studies.listing import list_studies

if TYPE_CHECKING:
    from intr_discover.explain.method import Method
    from intr_discover.studies.budget import StudyPlan
    from intr_discover.studies.study import Study, StudyInputs

# For a study that works without a model: RUN and DATA, or DATA alone.
First = Annotated[
    str,
    typer.Argument(
        metavar="[RUN]", help="A run folder, a checkpoint, or demo; none with --no-model."
    ),
]
Second = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA", help="A folder of photographs, a specimen table, or the word demo."
    ),
]
NoModel = Annotated[
    bool, typer.Option("--no-model", help="Look at the photographs alone: give only DATA.")
]
Out = Annotated[Path, typer.Option(help="Folder for tables and figures.")]
PlannedAs = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Take as many photographs as the report did whose provenance.json this is.",
    ),
]
MethodName = Annotated[
    str | None,
    typer.Option(
        "--method",
        metavar="NAME",
        help="Study another way to explain than INTR's heads, such as protopnet or gradcam: RUN is "
        "what study neighbours has trained for it.",
    ),
]
Full = Annotated[bool, typer.Option("--full", help="Show everything, on however many figures.")]


class StudyGroup(PluginGroup):
    """The commands below ``study``."""

    what, heading = "study", "Studies"

    def listed(self) -> list[Listed]:
        """Return names and titles."""
        return [*list_studies(), LISTED]

    def made(self, name: str) -> tuple[str, Callable[..., None]]:
        """Return the help and the function of one."""
        if name == LISTED.name:  # trains, so it is no study of the registry
            return HELP, neighbours
        from intr_discover.studies.registry import find_studies

        study = find_studies()[name]
        return f"{study.title} {study.reading}".strip(), _function(study)


study_app = typer.Typer(
    cls=StudyGroup,
    help="Ask one question of a model and many photographs.",
    no_args_is_help=True,
    subcommand_metavar="NAME RUN DATA --out DIR [OPTIONS]",
)


def run_study(
    study: Study,
    run: str | None,
    data: str,
    out: Path,
    split: str | None,
    classes: Path | None,
    full: bool,
    planned_as: Path | None,
    names: str | None,
    seed: int,
    batch_size: int,
    device: str,
    precision: PrecisionName,
    options: dict[str, Any],
    extracted: Path | None = None,
    method: str | None = None,
    neighbours_python: Path | None = None,
) -> None:
    """Run one study on all photographs of a split, write its folder, and print its findings.

    Without a run there is nothing that was trained, and all splits are taken unless one is named.
    """
    from intr_discover.figures.head_names import NO_NAMES
    from intr_discover.studies.study import StudyInputs

    other: Method | None = None
    if method is not None and run is not None:
        from intr_discover.explain.method import FitSettings
        from intr_discover.neighbours.registry import load_method

        python = given(neighbours_python=neighbours_python)
        other = load_method(
            method, Path(run), FitSettings(seed=seed, device=device, options=python)
        )
        explainer = other.explainer
    else:
        explainer = None if run is None else load_model(run, classes, device, precision.value)
    if run is None and split is None:
        split = "all"
    collection, split = choose_split(read_collection(data), split)
    if other is not None:
        collection.label_ids(other.classes)
    elif explainer is not None:
        collection.label_ids(explainer.classes)
        explainer = extracted_answers(extracted, explainer, collection)
    inputs = study.inputs(
        StudyInputs(
            explainer,
            collection,
            split,
            seed=seed,
            full=full,
            command=command_words(),
            batch_size=batch_size,
            names=NO_NAMES if explainer is None else read_names(names, explainer),
            method=other,
            device=device,
        ),
        options,
    )
    if planned_as is not None:
        inputs = _planned_as(inputs, planned_as)
    reason = study.needs(inputs)
    if reason is not None:
        raise UserError(reason)
    print(_plan_in_words(study.plan(inputs)), file=sys.stderr)
    with progress_bar(study.name) as progress:
        result = study.run(replace(inputs, progress=progress))
    result.save(out)
    for sentence in study.findings(result):
        print(sentence)
    print(f"wrote {out}")


def _planned_as(inputs: StudyInputs, record: Path) -> StudyInputs:
    """Return the inputs with the limit of time that a recorded result had."""
    from intr_discover.rerun.record import read_limit
    from intr_discover.studies.budget import Speed

    limit = read_limit(record)
    if not limit:
        return inputs
    speed = Speed(limit["encode"], limit["decode"])
    return replace(inputs, seconds=limit["seconds"], speed=speed)


def _plan_in_words(plan: StudyPlan) -> str:
    """Return what is going to be done, before it is done."""
    photographs = f"planned: {plan.images} of {plan.of} photographs"
    if not plan.encodes:
        return photographs
    decoder = f" and {plan.decodes} of its decoder" if plan.decodes else ""
    return f"{photographs}, at most {plan.encodes} passes of the model{decoder}"


def _function(study: Study) -> Callable[..., None]:
    """Return the function behind a study's command: the options of all studies, then its own."""
    own = {option.name: own_parameter(option) for option in study.options}

    def command(**values: Any) -> None:
        options = {name: values.pop(name) for name in own}
        if study.without_model:
            values |= _run_and_data(values["run"], values["data"], values.pop("no_model"))
        run_study(study, options=options, **values)

    shared = {
        "run": (Run, REQUIRED),
        "data": (Data, REQUIRED),
        "out": (Out, REQUIRED),
        "split": (Split, None),
        "classes": (Classes, None),
        "full": (Full, False),
        "planned_as": (PlannedAs, None),
        "names": (Names, None),
        "seed": (Seed, 0),
        "batch_size": (BatchSize, 32),
        "device": (Device, "auto"),
        "precision": (Precision, PrecisionName.fp32),
    }
    if study.from_extraction:
        shared["extracted"] = (Extracted, None)
    if study.any_method:
        shared |= {"method": (MethodName, None), "neighbours_python": (OtherPython, None)}
    if study.without_model:
        shared |= {
            "run": (First, REQUIRED),
            "data": (Second, None),
            "no_model": (NoModel, False),
        }
    return with_parameters(command, {**shared, **own})


def _run_and_data(first: str, second: str | None, no_model: bool) -> dict[str, str | None]:
    """Return which of the one or two places is the run and which the photographs.

    Raises
    ------
    UserError
        For two places with ``--no-model``, and for one without.
    """
    if no_model and second is not None:
        raise UserError("with --no-model give the photographs alone, no run: --no-model DATA")
    if not no_model and second is None:
        raise UserError("give a run and photographs, or --no-model and the photographs alone")
    return {"run": None, "data": first} if no_model else {"run": first, "data": second}
