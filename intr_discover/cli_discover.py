"""``intr-discover discover``: all studies, and one page that shows them.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intr_discover.cli_options import (
    DEMO,
    BatchSize,
    Classes,
    Device,
    Names,
    Precision,
    PrecisionName,
    Preset,
    Seed,
    Split,
    choose_split,
    command_words,
    given,
    load_model,
    read_collection,
    read_names,
    read_training_settings,
    training_config,
)
from intr_discover.console import progress_bar
from intr_discover.errors import UserError

if TYPE_CHECKING:
    from intr_discover.data.specimens import Specimens
    from intr_discover.report.discover import Discovery
    from intr_discover.report.folder import ReportFolder
    from intr_discover.studies.study import Study
    from intr_discover.training.config import TrainingConfig
    from intr_discover.training.several import Training

REPLICATES = "replicates"
"""The study that compares trainings."""
NEIGHBOURS = "neighbours"
"""The comparison of methods, which is read and not made anew."""


class Format(StrEnum):
    """What the findings can be written as beside the page."""

    nexus = "nexus"


def discover(
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[RUN] [DATA]",
            help="A model and photographs; photographs alone: train first; nothing: the demo.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for the report.")] = Path("report"),
    full: Annotated[
        bool, typer.Option("--full", help="Take all photographs, however long it takes.")
    ] = False,
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace an earlier report; a training in it is continued."
        ),
    ] = False,
    split: Split = None,
    folds: Annotated[
        int | None,
        typer.Option(
            help="For few photographs: train so many models, each without a share of the "
            "specimens, and ask each about its share."
        ),
    ] = None,
    replicates: Annotated[
        int | None,
        typer.Option(help="Train so many times, with other seeds, and compare what they find."),
    ] = None,
    preset: Annotated[
        Preset, typer.Option(help="Settings of the training, where there is one.")
    ] = Preset.small,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of the training, where there is one.")
    ] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another setting of it: NAME=VALUE (can be repeated)."),
    ] = None,
    classes: Classes = None,
    names: Names = None,
    neighbours: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="What study neighbours has written: it becomes a section of the report.",
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format", help="Also write species × attributes: nexus (and CSV), for phylogenetics."
        ),
    ] = None,
    seed: Seed = 0,
    batch_size: BatchSize = 32,
    device: Device = "auto",
    precision: Precision = PrecisionName.fp32,
) -> None:
    """Find out what separates the classes: all studies, and one page that shows them."""
    run, data = _run_and_data(places or [])
    _check_trainings(run, folds, replicates)

    from intr_discover.report.folder import ReportFolder

    folder = ReportFolder(out)
    folder.check(overwrite)  # before anything that takes time
    shared: dict[str, Any] = {
        "studies": _with_comparison(neighbours),
        "seed": seed,
        "full": full,
        "command": command_words(),
        "batch_size": batch_size,
        "data_name": "the demo" if data == DEMO else data,
        "names_of": lambda explainer: read_names(names, explainer),
        "bars": progress_bar,
        "say": _say,
    }
    if run is not None:
        explainer = load_model(run, classes, device, precision.value)
        collection = read_collection(data)
        chosen, split = choose_split(collection, split)

        from intr_discover.report.discover import discover as run_discover

        _print_findings(
            run_discover(
                explainer,
                chosen,
                out,
                split=split,
                overwrite=overwrite,
                model_name=run,
                collection=collection,
                **shared,
            )
        )
        _write_as(form, folder)
        return
    settings = {"seed": seed, **read_training_settings(None, setting), **given(epochs=epochs)}
    config = training_config(preset, settings, None)
    collection = read_collection(data)
    where = {"device": device, "precision": precision.value}
    if folds is None:
        discovery = _one_split(collection, split, config, replicates, out, where, shared)
    else:
        discovery = _out_of_fold(collection, split, config, folds, replicates, out, where, shared)
    _print_findings(discovery)
    _write_as(form, folder)


def _one_split(
    collection: Specimens,
    split: str | None,
    config: TrainingConfig,
    replicates: int | None,
    out: Path,
    where: dict[str, str],
    shared: dict[str, Any],
) -> Discovery:
    """Train on the collection's own split, and with other seeds where they are wanted."""
    from intr_discover.report.discover import discover as run_discover
    from intr_discover.report.folder import ReportFolder
    from intr_discover.training.several import Training, further_seeds

    chosen, split = choose_split(collection, split)
    folder = ReportFolder(out)
    first = Training("one model", folder.run, collection, config)
    others = further_seeds(first, replicates or 1, folder.runs)
    folder.start()
    _train([first, *others], where["device"])
    return run_discover(
        load_model(str(first.run), None, **where),
        chosen,
        out,
        split=split,
        overwrite=True,  # it is this report's own folder by now
        model_name="a model trained for this report",
        options=_compared(others),
        collection=collection,
        **shared,
    )


def _out_of_fold(
    collection: Specimens,
    split: str | None,
    config: TrainingConfig,
    folds: int,
    replicates: int | None,
    out: Path,
    where: dict[str, str],
    shared: dict[str, Any],
) -> Discovery:
    """Train a model for each fold, and other seeds of the first where they are wanted."""
    from intr_discover.report.folder import ReportFolder
    from intr_discover.report.folds import Fold, discover_folds
    from intr_discover.training.several import fold_trainings, further_seeds

    if split not in (None, "all"):
        collection = collection.select(split=split)
    folder = ReportFolder(out)
    trainings = fold_trainings(collection, folds, config, folder.runs)
    others = further_seeds(trainings[0], replicates or 1, folder.runs)
    folder.start()
    _train([*trainings, *others], where["device"])
    return discover_folds(
        [
            Fold(number, training.run, training.specimens.select(split="test"))
            for number, training in enumerate(trainings, 1)
        ],
        collection,
        out,
        overwrite=True,  # it is this report's own folder by now
        device=where["device"],
        precision=where["precision"],
        options=_compared(others),
        alone=(REPLICATES, NEIGHBOURS),
        **shared,
    )


def _train(trainings: list[Training], device: str) -> None:
    """Say how long it will take, and train what is not finished."""
    from intr_discover.explain.explainer import choose_device
    from intr_discover.studies.budget import duration
    from intr_discover.training.estimate import estimate_seconds
    from intr_discover.training.several import train_all

    waiting = [training for training in trainings if not training.finished]
    if waiting:
        config = waiting[0].config
        seconds = estimate_seconds(waiting[0].specimens, config, choose_device(device))
        done = len(trainings) - len(waiting)
        _say(
            f"{_trainings(len(waiting))} of {config.epochs} epochs to do"
            f"{f', {done} finished already' if done else ''}: about "
            f"{duration(len(waiting) * seconds)} on this machine"
        )
    try:
        train_all(trainings, device=device, bars=progress_bar, say=_say)
    except KeyboardInterrupt:
        raise UserError("interrupted; the same command with --overwrite continues") from None


def _trainings(count: int) -> str:
    return "1 training" if count == 1 else f"{count} trainings"


def _with_comparison(folder: Path | None) -> dict[str, Study] | None:
    """Return all studies and the comparison of methods; None, the usual ones, without it."""
    if folder is None:
        return None
    from intr_discover.neighbours.section import comparison_study
    from intr_discover.studies.registry import find_studies

    return {**find_studies(), NEIGHBOURS: comparison_study(folder)}


def _compared(others: list[Training]) -> dict[str, dict[str, Any]]:
    """Return the options by which the study of replicates is given the other trainings."""
    return {REPLICATES: {"others": [str(training.run) for training in others]}} if others else {}


def _check_trainings(run: str | None, folds: int | None, replicates: int | None) -> None:
    if folds is not None and run is not None:
        raise UserError(
            "--folds trains a model for every fold, so it takes photographs alone and no model: "
            "intr-discover discover DATA --folds 5"
        )
    if replicates is not None and run is not None:
        raise UserError(
            "--replicates trains models, so it takes photographs alone and no model: compare "
            "trainings that you have with intr-discover study replicates RUN DATA --with RUN2"
        )
    if replicates is not None and replicates < 2:
        raise UserError(f"--replicates {replicates} compares nothing: ask for 2 or more")


def _run_and_data(words: list[str]) -> tuple[str | None, str]:
    """Return model and photographs; None for a model that is yet to be trained."""
    if not words or words == [DEMO]:
        return DEMO, DEMO
    if len(words) > 2:
        raise UserError(f"discover takes RUN and DATA, not {len(words)} words: {' '.join(words)}")
    if len(words) == 2:
        return words[0], words[1]
    path = Path(words[0])
    is_checkpoint = path.suffix.lower() in {".pth", ".pt", ".safetensors"}
    if is_checkpoint or (path / "model.safetensors").is_file():
        raise UserError(
            f"{path} is a model; name the photographs too: intr-discover discover {path} DATA"
        )
    return None, words[0]


def _write_as(form: Format | None, folder: ReportFolder) -> None:
    """Write the character matrix into a finished report; where there is none, say why."""
    if form is None:
        return
    from intr_discover.report.character_files import FOLDER, read_tables, write_characters

    place = folder.path / FOLDER
    try:
        said = write_characters(read_tables(folder.path), place)
    except UserError as error:
        print(f"\nno character matrix: {error}")
        return
    folder.add_afterwards(place.iterdir())
    print("\n" + "\n".join(said) + f"\nwrote {place / 'characters.nex'}")


def _print_findings(discovery: Discovery) -> None:
    for outcome in discovery.outcomes:
        print(f"\n{outcome.study.title}")
        if outcome.reason is not None:
            print(f"  left out: {outcome.reason}")
        for sentence in outcome.findings:
            print(f"  {sentence}")
    print(f"\nopen {discovery.page}")


def _say(line: str) -> None:
    print(line, flush=True)
