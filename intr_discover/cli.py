"""The command line ``intr-discover``: parse, call, print.

Only the standard library and Typer are imported here; torch and pandas come with the command that
needs them, so that ``--help`` answers at once.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, cast

import typer

from intr_discover.cli_annotations import annotations_app
from intr_discover.cli_app import app as open_app
from intr_discover.cli_characters import characters
from intr_discover.cli_discover import discover
from intr_discover.cli_doctor import doctor
from intr_discover.cli_edit import edit
from intr_discover.cli_extract import extract
from intr_discover.cli_figure import figure_app
from intr_discover.cli_models import models_app
from intr_discover.cli_notebooks import notebooks
from intr_discover.cli_options import (
    DEMO,
    BatchSize,
    Classes,
    Context,
    ContextModeName,
    ContextModeOption,
    Data,
    Device,
    Extracted,
    Images,
    Names,
    Precision,
    PrecisionName,
    Preset,
    Run,
    Seed,
    Split,
    UnusedBatchSize,
    UnusedSeed,
    choose_split,
    command_words,
    draw_demo,
    extracted_answers,
    given,
    load_model,
    read_collection,
    read_names,
    read_training_settings,
    training_config,
)
from intr_discover.cli_prepare import duplicates, prepare
from intr_discover.cli_rerun import rerun
from intr_discover.cli_rings import rings
from intr_discover.cli_shard import shard
from intr_discover.cli_study import study_app
from intr_discover.cli_trait import trait
from intr_discover.console import is_main_process, print_error, progress_bar, usage_trouble
from intr_discover.errors import (
    MEMORY_TROUBLE,
    UserError,
    is_memory_trouble,
    system_trouble,
)

if TYPE_CHECKING:
    pass

app = typer.Typer(
    help="Find out which visual attributes separate look-alike species.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(study_app, name="study")
app.add_typer(annotations_app, name="annotations")
app.add_typer(figure_app, name="figure")
app.add_typer(models_app, name="models")
app.command()(discover)
app.command()(characters)
app.command()(rings)
app.command()(edit)
app.command()(extract)
app.command()(shard)
app.command()(prepare)
app.command()(duplicates)
app.command()(trait)
app.command()(rerun)
app.command()(notebooks)
app.command()(doctor)
app.command("app")(open_app)


class ModelKind(StrEnum):
    """What can be trained."""

    intr = "intr"
    intr_fc = "intr-fc"
    plain = "plain"


class RankingName(StrEnum):
    """What heads are ranked by."""

    maximum = "maximum"
    peak = "peak"


@app.command()
def specimens(
    data: Data,
    out: Annotated[
        Path | None, typer.Option(help="Write the specimen table here (.csv or .parquet).")
    ] = None,
    defects: Annotated[
        Path | None, typer.Option(help="Write the list of defects here (.csv).")
    ] = None,
    metadata: Annotated[
        Path | None, typer.Option(help="A museum's table to join to the photographs.")
    ] = None,
    id_pattern: Annotated[
        str | None,
        typer.Option(
            help="Where the id stands in a file's name: '{id}_dorsal.jpg' or '*/{id}_{view}.tif', "
            "whose other fields become columns, or a regular expression with a group id, for "
            "example '(?P<id>AB[0-9]+)_'; default: the whole name without its suffix."
        ),
    ] = None,
    id_column: Annotated[
        str | None, typer.Option(help="The table's column of ids; default specimen_id.")
    ] = None,
    label: Annotated[
        str | None, typer.Option(help="The table's column of labels; default label.")
    ] = None,
    where: Annotated[
        str | None, typer.Option(help="Keep these rows, for example \"view == 'dorsal'\".")
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(help="The sheet of the table; default the first.")
    ] = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(help="A TPS file of landmarks: writes keypoints.csv beside --out."),
    ] = None,
    landmark_names: Annotated[
        str | None, typer.Option(help="With --landmarks: their names, separated by commas.")
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="With --metadata or --landmarks: replace the tables."),
    ] = False,
) -> None:
    """Say what is there and what is broken."""
    from intr_discover.data.defects import describe, find_defects
    from intr_discover.files import write_with

    if landmarks is None and landmark_names is not None:
        raise UserError("--landmark-names is about a TPS file: give --landmarks too")
    if landmarks is not None:
        if out is None:
            raise UserError("--landmarks writes keypoints.csv beside the table: give --out too")
        for file in (out, out.parent / "keypoints.csv"):
            if file.exists() and not overwrite:
                raise UserError(f"{file} is there already: give --overwrite or another folder")
    if metadata is None:
        alone = {"--where": where, "--id-pattern": id_pattern, "--id-column": id_column,
                 "--label": label, "--sheet": sheet,
                 "--overwrite": (overwrite and landmarks is None) or None}  # fmt: skip
        for option, value in alone.items():
            if value is not None:
                raise UserError(f"{option} is about a museum's table: give --metadata too")
        collection = read_collection(data, allow_missing=True)
    else:
        from intr_discover.data.metadata import join_metadata

        if out is not None and out.exists() and not overwrite:
            raise UserError(f"{out} is there already: give --overwrite or another name")
        collection, remarks = join_metadata(
            data,
            metadata,
            **given(
                label=label, id_column=id_column, id_pattern=id_pattern, where=where, sheet=sheet
            ),
        )
        for remark in remarks:
            print(remark)
    points = None
    if landmarks is not None:
        from intr_discover.data.landmarks_tps import tps_keypoints

        named = landmark_names and [name.strip() for name in landmark_names.split(",")]
        points, remarks = tps_keypoints(landmarks, collection, named or None)
        for remark in remarks:
            print(remark)
    with progress_bar("checking photographs") as progress:
        found = find_defects(collection, progress=progress)
    print(describe(collection, found))
    if out is not None:
        if points is not None:
            from intr_discover.data.collections import save_keypoints

            print(f"wrote {save_keypoints(points, collection.root, out.parent)}")
        collection.save(out)
        print(f"wrote {out}")
    if defects is not None:
        write_with(defects, lambda file: found.to_csv(file, index=False))
        print(f"wrote {defects}")


@app.command()
def train(
    data: Data,
    out: Annotated[Path, typer.Option(help="The run folder to make.")],
    preset: Annotated[
        Preset, typer.Option(help="small: a few hundred images on a laptop; paper: the paper's.")
    ] = Preset.small,
    model: Annotated[ModelKind | None, typer.Option(help="What to train.")] = None,
    config: Annotated[Path | None, typer.Option(help="YAML file of settings.")] = None,
    backbone: Annotated[str | None, typer.Option(help="Any timm model name.")] = None,
    init: Annotated[
        Path | None, typer.Option(help="Start from DETR, INTR or a run's weights.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1, help="Epochs of training.")] = None,
    batch_size: Annotated[int | None, typer.Option(min=1, help="Images of a batch.")] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of everything random.")] = None,
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any other setting: NAME=VALUE (can be repeated)."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Leave out photographs that cannot be read.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Train a model on photographs and leave a run folder."""
    settings = read_training_settings(config, setting)
    settings.update(
        given(
            model=model and model.value,
            backbone=backbone,
            epochs=epochs,
            batch_size=batch_size,
            seed=seed,
        )
    )
    if init is not None:
        settings.setdefault("pretrained", False)  # its weights would be overwritten
    chosen = training_config(preset, settings, out if resume else None)

    from intr_discover.training.loop import train as run_training
    from intr_discover.training.record import write_record

    collection = read_collection(data, allow_missing=True)
    try:
        with progress_bar("training") as progress:
            run_training(
                collection,
                chosen,
                out,
                resume=resume,
                init=init,
                skip_broken=skip_broken,
                device=device,
                progress=progress,
                say=lambda line: print(line, flush=True),
            )
    except KeyboardInterrupt:
        raise UserError("interrupted; the same command with --resume continues") from None
    if is_main_process():
        write_record(out, command_words(), device)


@app.command()
def evaluate(
    run: Run,
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for tables and figures.")],
    split: Split = None,
    extracted: Extracted = None,
    classes: Classes = None,
    seed: UnusedSeed = 0,
    batch_size: BatchSize = 32,
    device: Device = "auto",
    precision: Precision = PrecisionName.fp32,
) -> None:
    """Measure accuracy: top-1, top-5, per class, confusion."""
    from intr_discover.studies.evaluation import evaluate_run

    explainer = load_model(run, classes, device, precision.value)
    collection, split = choose_split(read_collection(data), split)
    explainer = extracted_answers(extracted, explainer, collection)
    with progress_bar("evaluating") as progress:
        result = evaluate_run(
            explainer,
            collection,
            split=split,
            command=command_words(),
            batch_size=batch_size,
            progress=progress,
        )
    result.save(out)
    summary = result.summary
    print(
        f"top-1 {summary['top1']:.1%} (95 % interval {summary['top1_low']:.1%} to "
        f"{summary['top1_high']:.1%}), top-5 {summary['top5']:.1%}, "
        f"n = {summary['n']} images of split {split}"
    )
    print(f"wrote {out}")


@app.command()
def predict(
    run: Run,
    images: Images,
    csv: Annotated[Path | None, typer.Option(help="Write all rows here.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Classes to name for each photograph.")] = 5,
    context: Context = None,
    context_mode: ContextModeOption = ContextModeName.zero,
    classes: Classes = None,
    seed: UnusedSeed = 0,
    batch_size: BatchSize = 32,
    device: Device = "auto",
    precision: Precision = PrecisionName.fp32,
) -> None:
    """Name the most probable classes of photographs."""
    from intr_discover.files import write_with

    paths = _image_files(images)
    explainer = load_model(run, classes, device, precision.value)
    with progress_bar("predicting") as progress:
        table = explainer.predict(
            paths,
            top=top,
            context=_names(context),
            context_mode=context_mode.value,
            batch_size=batch_size,
            progress=progress,
        )
    if csv is not None:
        write_with(csv, lambda file: table.to_csv(file, index=False))
        print(f"wrote {csv}")
        return
    for image, rows in table.groupby("image", sort=False):
        named = ", ".join(f"{row.label} {row.probability:.1%}" for row in rows.itertuples())
        print(f"{image}: {named}")


@app.command()
def explain(
    run: Run,
    images: Images,
    out: Annotated[Path, typer.Option(help="Folder for figures and maps.")],
    class_name: Annotated[
        list[str] | None,
        typer.Option("--class", help="Show the maps of this class; default the predicted one."),
    ] = None,
    context: Context = None,
    context_mode: ContextModeOption = ContextModeName.zero,
    layer: Annotated[int, typer.Option(help="Decoder layer from 0; -1 is the last.")] = -1,
    heads: Annotated[str, typer.Option(help="all, or top3: the three strongest heads.")] = "all",
    ranking: Annotated[
        RankingName, typer.Option(help="Rank heads by largest weight, or by the paper's peak.")
    ] = RankingName.maximum,
    names: Names = None,
    classes: Classes = None,
    seed: UnusedSeed = 0,
    batch_size: UnusedBatchSize = 1,
    device: Device = "auto",
    precision: Precision = PrecisionName.fp32,
) -> None:
    """Draw where each head looks: one figure and one file of raw maps an image."""
    from intr_discover.explain.batch import explain_images

    most = _most_heads(heads)
    paths = _image_files(images)
    explainer = load_model(run, classes, device, precision.value)
    called = read_names(names, explainer)
    with progress_bar("explaining") as progress:
        explain_images(
            explainer,
            paths,
            out,
            classes=class_name,
            context=_names(context),
            context_mode=context_mode.value,
            layer=layer,
            max_heads=most,
            ranking=ranking.value,
            names=called,
            command=command_words(),
            progress=progress,
        )
    print(f"wrote {len(paths)} figures to {out}")


@app.command("import")
def import_weights(
    checkpoint: Annotated[Path, typer.Argument(help="An official INTR or DETR checkpoint.")],
    classes: Annotated[Path, typer.Option(help="File of class names in the model's order.")],
    out: Annotated[Path, typer.Option(help="The run folder to make.")],
    seed: Seed = 0,
) -> None:
    """Turn official INTR or DETR weights into a run folder."""
    from intr_discover.explain.importing import import_checkpoint

    for line in import_checkpoint(checkpoint, classes, out, seed=seed):
        print(line)


# Click's ClickException. Typer brings a Click of its own or, in earlier versions, imports it.
_WRONG_WORDS = cast(type[Exception], typer.BadParameter.__mro__[2])


def main() -> None:
    """Run the command line; a user's mistake becomes one line on stderr and status 2."""
    try:
        status = app(prog_name="intr-discover", standalone_mode=False)
    except UserError as error:
        _stop(str(error))
    except _WRONG_WORDS as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            print(error, file=sys.stderr)
            sys.exit(2)
        _stop(usage_trouble(error))
    except typer.Abort:
        sys.exit(130)
    except OSError as error:  # the disk is full, a folder is read-only, a file is in the way
        if error.strerror is None:
            raise  # no word of the operating system: a mistake of ours
        _stop(system_trouble(error))
    except (MemoryError, RuntimeError) as error:
        if not is_memory_trouble(error):
            raise
        _stop(MEMORY_TROUBLE)
    else:
        sys.exit(status if isinstance(status, int) else 0)


def _stop(message: str) -> NoReturn:
    print_error(message)
    sys.exit(2)


def _image_files(words: list[str]) -> list[Path]:
    from intr_discover.data.folders import image_files

    found: list[Path] = []
    for word in words:
        path = draw_demo() / "images" if word == DEMO else Path(word)
        if path.is_dir():
            inside = image_files(path)
            if not inside:
                raise UserError(f"the folder {path} holds no photographs")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise UserError(f"there is no photograph {path}")
    return found


def _names(listed: str | None) -> list[str] | None:
    if listed is None:
        return None
    names = [name.strip() for name in listed.split(",") if name.strip()]
    if not names:
        raise UserError("--context names no class; give NAME,NAME")
    return names


def _most_heads(heads: str) -> int | None:
    if heads == "all":
        return None
    number = heads.removeprefix("top")
    if not (heads.startswith("top") and number.isdigit() and int(number) > 0):
        raise UserError(f"--heads must be all, or top and a number such as top3, not '{heads}'")
    return int(number)
