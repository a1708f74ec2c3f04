"""``intr-discover study neighbours DATA``: INTR beside other ways to explain.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from intr_discover.cli_options import (
    BatchSize,
    Data,
    Device,
    Preset,
    Seed,
    Split,
    choose_split,
    command_words,
    given,
    read_collection,
    read_training_settings,
)
from intr_discover.console import progress_bar
from intr_discover.errors import UserError
from intr_discover.plugins import Listed

LISTED = Listed("neighbours", "How does INTR compare with other ways to explain?", 900)
"""Its place among the studies; it takes hours, so the report does not ask it by itself."""

HELP = (
    f"{LISTED.title} Trains what is missing with one backbone, image size and budget, measures all "
    "methods on the same photographs, and writes one table and the figures. Finished methods are "
    "neither trained nor measured again."
)

Methods = Annotated[
    str | None, typer.Option(help="NAME,NAME,... of the methods; default all that can be had.")
]
Minutes = Annotated[
    float, typer.Option(min=0.01, help="Minutes of each training, where no --epochs are given.")
]
Epochs = Annotated[int | None, typer.Option(min=1, help="Epochs of each training.")]
Named = Annotated[
    list[str] | None, typer.Option("--run", metavar="NAME=RUN", help="A method trained before.")
]
WeightFiles = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=FILE", help="Weights of dino, dinov2 or dinov2_reg."),
]
OwnSettings = Annotated[
    list[str] | None,
    typer.Option(
        metavar="METHOD.NAME=VALUE",
        help="A setting of one method's training alone, such as protopnet.epochs=30.",
    ),
]
OtherPython = Annotated[
    Path | None,
    typer.Option(help="Python of the environment with CaBRNet; default that of make neighbours."),
]


def neighbours(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for trainings, tables and figures.")],
    methods: Methods = None,
    minutes_each: Minutes = 20.0,
    epochs: Epochs = None,
    backbone: Annotated[str | None, typer.Option(help="A timm name, for all methods.")] = None,
    image_size: Annotated[int | None, typer.Option(help="Pixels of the shorter side.")] = None,
    preset: Preset = Preset.small,
    config: Annotated[Path | None, typer.Option(help="YAML file of training settings.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A training setting.")
    ] = None,
    pretrained: Annotated[bool, typer.Option(help="Let timm fetch its weights.")] = False,
    backbone_weights: Annotated[
        str | None, typer.Option(help="The backbone's first weights: a file, or a run of yours.")
    ] = None,
    own: OwnSettings = None,
    weights: WeightFiles = None,
    run: Named = None,
    judge: Annotated[
        str | None, typer.Option(help="A run that judges all maps; default the plain one.")
    ] = None,
    split: Split = None,
    photographs: Annotated[int, typer.Option(help="Photographs whose units are measured.")] = 400,
    changed: Annotated[int, typer.Option(help="Of them, changed for faithfulness.")] = 50,
    slow: Annotated[int, typer.Option(help="The same two numbers for RISE.")] = 20,
    rise_masks: Annotated[int, typer.Option(help="Random masks of RISE.")] = 500,
    neighbours_python: OtherPython = None,
    seed: Seed = 0,
    batch_size: BatchSize = 32,
    device: Device = "auto",
) -> None:
    """Compare methods; see ``neighbours.comparison``."""
    from intr_discover.explain.method import FitSettings
    from intr_discover.neighbours.comparison import compare, findings
    from intr_discover.neighbours.registry import choose_methods
    from intr_discover.neighbours.wishes import Wishes

    collection = read_collection(data)
    training = read_training_settings(config, settings)
    shared = given(backbone=backbone, image_size=image_size, backbone_weights=backbone_weights)
    for name in ("backbone", "image_size", "backbone_weights", "pretrained", "epochs", "model"):
        if name in training:  # one word for one thing, for all methods alike
            shared.setdefault(name, training.pop(name))
    shared.pop("model", None)
    _, chosen_split = choose_split(collection, split)
    fit = FitSettings(
        **{
            "minutes": minutes_each,
            "pretrained": pretrained,
            "seed": seed,
            "device": device,
            "preset": preset.value,
            "training": training,
            "options": {**_options(rise_masks, weights, neighbours_python), **own_settings(own)},
            **_preset_of(preset),
            **shared,
            **given(epochs=epochs),
        }
    )
    wishes = Wishes(
        split=chosen_split,
        photographs=photographs,
        changed=changed,
        slow=slow,
        seed=seed,
        batch_size=batch_size,
        runs={name: Path(place) for name, place in _pairs("run", run).items()},
        judge=judge,
    )
    names = None if methods is None else [name.strip() for name in methods.split(",")]
    result = compare(
        collection,
        choose_methods(names),
        fit,
        wishes,
        out,
        command=command_words(),
        bars=progress_bar,
    )
    result.save(out)
    for sentence in findings(result):
        print(sentence)
    print(f"wrote {out}")


def _preset_of(preset: Preset) -> dict[str, Any]:
    """Return what all methods take from a preset."""
    from intr_discover.training.config import PRESETS

    config = PRESETS[preset.value]
    return {"backbone": config.backbone, "image_size": config.image_size}


def _options(rise_masks: int, weights: list[str] | None, python: Path | None) -> dict[str, Any]:
    found: dict[str, Any] = {"rise_masks": rise_masks, "weights": _pairs("weights", weights)}
    if python is not None:
        found["neighbours_python"] = str(python)
    return found


def own_settings(words: list[str] | None) -> dict[str, dict[str, Any]]:
    """Return what ``METHOD.NAME=VALUE`` words say, by the name of the method's training.

    Raises
    ------
    UserError
        If one is not of this form, or no method is trained under the name.
    """
    from intr_discover.neighbours.registry import find_methods
    from intr_discover.training.config import parse_settings

    trained = {kind.folder for kind in find_methods().values()}
    found: dict[str, dict[str, Any]] = {}
    for word in words or ():
        name, sign, setting = word.partition(".")
        if not sign or name not in trained:
            raise UserError(
                f"--own {word}: write METHOD.NAME=VALUE with one of {', '.join(sorted(trained))}, "
                "such as --own protopnet.epochs=30"
            )
        found.setdefault(name, {}).update(parse_settings([setting]))
    return found


def _pairs(option: str, words: list[str] | None) -> dict[str, str]:
    """Return what ``NAME=VALUE`` words say.

    Raises
    ------
    UserError
        If one is not of this form.
    """
    found = {}
    for word in words or ():
        name, sign, value = word.partition("=")
        if not (sign and name and value):
            raise UserError(f"--{option} {word}: write NAME=VALUE, such as --{option} dino=folder")
        found[name] = value
    return found
