"""What several commands share: their arguments and options, and how these are read.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intr_discover.console import progress_bar

if TYPE_CHECKING:
    from intr_discover.data.specimens import Specimens
    from intr_discover.training.config import TrainingConfig

DEMO = "demo"


class Preset(StrEnum):
    """Sets of training settings."""

    small = "small"
    paper = "paper"


class ContextModeName(StrEnum):
    """How queries outside a context are left out."""

    zero = "zero"
    subset = "subset"


class PrecisionName(StrEnum):
    """In what the products of an answer are computed."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"


# Texts, not paths: as a path, "./demo" (a folder of the user's) would be the word "demo".
Data = Annotated[
    str, typer.Argument(help="A folder of photographs, a specimen table, or the word demo.")
]
Run = Annotated[
    str, typer.Argument(help="A run folder, an official INTR checkpoint, or the word demo.")
]
Images = Annotated[
    list[str], typer.Argument(help="Photographs, folders of them, or the word demo.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or another torch device.")]
Precision = Annotated[
    PrecisionName,
    typer.Option(
        help="fp32; bf16: faster where the machine has circuits for it, answers to three digits; "
        "auto: bf16 on such a machine."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of everything random.")]
UnusedSeed = Annotated[
    int, typer.Option(help="Taken by every command; nothing in this one is random.")
]
UnusedBatchSize = Annotated[
    int, typer.Option(min=1, help="Taken by every command; this one goes image by image.")
]
BatchSize = Annotated[int, typer.Option(min=1, help="Images that go through the model at once.")]
Classes = Annotated[
    Path | None, typer.Option(help="File of class names, for weights that carry none.")
]
Context = Annotated[str | None, typer.Option(help="Let only these classes compete: NAME,NAME,...")]
ContextModeOption = Annotated[
    ContextModeName, typer.Option(help="Set the other queries to zero, or drop them.")
]
Split = Annotated[
    str | None,
    typer.Option(help="train, val, test or all; default test where there is one, else all."),
]

Extracted = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Take the model's answers from what intr-discover extract wrote."
    ),
]

Names = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Names of heads that people agreed on: a database of annotations, or head_names.csv.",
    ),
]


def read_collection(data: str, allow_missing: bool = False) -> Specimens:
    """Return the specimens of a folder or a table; the demo's are drawn where they are not yet."""
    from intr_discover.data.specimens import Specimens

    if data == DEMO:
        draw_demo()
    return Specimens.read(data, allow_missing=allow_missing)


def draw_demo() -> Path:
    """Return the folder of the demo's specimens, and draw them with a progress bar if need be."""
    from intr_discover.data.demo import demo_collection, is_drawn

    if is_drawn():
        return demo_collection()
    with progress_bar("drawing the demo's specimens") as progress:
        return demo_collection(progress)


def choose_split(collection: Specimens, split: str | None) -> tuple[Specimens, str]:
    """Return the rows of the wanted split and its name: test where there is one, else all."""
    if split is None:
        split = "test" if collection.has_split("test") else "all"
    return (collection if split == "all" else collection.select(split=split)), split


def load_model(run: str, classes: Path | None, device: str, precision: str = "fp32") -> Any:
    """Return the ``Explainer`` of a run folder, a checkpoint or the demo."""
    from intr_discover.data.class_names import read_class_names
    from intr_discover.explain.explainer import load

    names = None if classes is None else read_class_names(classes)
    return load(run, names, device=device, precision=precision)


def extracted_answers(folder: Path | None, explainer: Any, collection: Specimens) -> Any:
    """Return an explainer that answers from an extraction; the model's own without a folder."""
    if folder is None:
        return explainer
    from intr_discover.extraction.extracted import answers_of

    return answers_of(folder, explainer, collection)


def read_names(place: str | None, explainer: Any) -> Any:
    """Return the agreed names of the heads of a model; none where no place is given."""
    from intr_discover.figures.head_names import NO_NAMES

    if place is None:
        return NO_NAMES
    from intr_discover.annotations.transfer import read_agreed_names

    return read_agreed_names(place, explainer.fingerprint)


def command_words() -> list[str]:
    """Return the command line, word by word, for the record."""
    return ["intr-discover", *sys.argv[1:]]


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def read_training_settings(config: Path | None, assignments: list[str] | None) -> dict[str, Any]:
    """Return the settings of a YAML file and of words such as ``NAME=VALUE``, the latter first."""
    from intr_discover.training.config import parse_settings, read_settings

    settings = {} if config is None else read_settings(config)
    settings.update(parse_settings(assignments or []))
    return settings


def training_config(
    preset: Preset, settings: dict[str, Any], resumed: Path | None
) -> TrainingConfig:
    """Return the settings of a training; those of a run that goes on are its own."""
    from intr_discover.training.config import build_config, change
    from intr_discover.training.run_folder import RunFolder

    stored = None if resumed is None else RunFolder(resumed).training_config
    return build_config(preset.value, settings) if stored is None else change(stored, settings)
