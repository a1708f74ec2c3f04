"""How long each method is trained: as many epochs as fit into the time that all have."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pandas as pd

from intr_discover.data.specimens import Specimens
from intr_discover.explain.explainer import choose_device
from intr_discover.explain.method import FitSettings
from intr_discover.files import write_with
from intr_discover.training.config import TrainingConfig, build_config
from intr_discover.training.estimate import estimate_seconds
from intr_discover.training.run_folder import METRICS, RunFolder

DEFAULT_MINUTES = 20.0
MOST_EPOCHS = 200
"""A collection that is passed through in a second gains nothing from more."""

FEW_EPOCHS = 10
"""Fewer of them, and a training says more of the time it had than of the method."""

_WARM_UP = 0.2  # of all epochs, at most

ModelName = Literal["intr", "intr-fc", "plain"]


def epochs_within(seconds_of_an_epoch: float, minutes: float) -> int:
    """Return how many whole epochs fit into a time, at least 1 and at most ``MOST_EPOCHS``."""
    fitting = math.floor(60 * minutes / max(seconds_of_an_epoch, 1e-6))
    return min(MOST_EPOCHS, max(1, fitting))


def epochs_of(settings: FitSettings, seconds_of_an_epoch: Callable[[], float]) -> int:
    """Return the epochs of a training: those of the settings, or as many as fit.

    Parameters
    ----------
    settings
        With ``epochs``, or else ``minutes`` (default ``DEFAULT_MINUTES``).
    seconds_of_an_epoch
        Measures; asked only where it is needed.
    """
    if settings.epochs is not None:
        return settings.epochs
    minutes = DEFAULT_MINUTES if settings.minutes is None else settings.minutes
    return epochs_within(seconds_of_an_epoch(), minutes)


def caution(epochs: int, settings: FitSettings) -> str:
    """Return words to add where the time was too short for a fair training, else none."""
    if settings.epochs is not None or epochs >= FEW_EPOCHS:
        return ""
    minutes = DEFAULT_MINUTES if settings.minutes is None else settings.minutes
    return (
        f"; too few to judge the method by: give all methods more than --minutes-each {minutes:g}, "
        "or the same --epochs"
    )


def photographs_config(settings: FitSettings) -> TrainingConfig:
    """Return how photographs are split and read, for trainings that are none of ours."""
    shared = {"image_size": settings.image_size, "seed": settings.seed}
    return build_config(settings.preset, {**settings.training, **shared})


def training_config(
    model: ModelName, specimens: Specimens, settings: FitSettings, run: Path
) -> TrainingConfig:
    """Return the settings of a training of ours.

    Parameters
    ----------
    model
        Which model.
    specimens
        The collection with its split, on which the speed is measured.
    settings
        What all methods share.
    run
        The run folder: where a training has begun, its number of epochs stays.

    Raises
    ------
    UserError
        If a setting is unknown or cannot be.
    """
    shared = {
        "backbone": settings.backbone,
        "image_size": settings.image_size,
        "pretrained": settings.pretrained,
        "backbone_weights": settings.backbone_weights,
        "seed": settings.seed,
    }
    settings, own = settings.own(model.replace("-", "_"))
    config = build_config(settings.preset, {**shared, **settings.training, **own, "model": model})
    begun = RunFolder(run).training_config
    if begun is not None and settings.epochs is None:
        epochs = begun.epochs
    else:
        device = choose_device(settings.device)
        epochs = epochs_of(
            settings, lambda: estimate_seconds(specimens, replace(config, epochs=1), device)
        )
    warm_up = min(config.warmup_epochs, _WARM_UP * epochs)
    unsmoothed = min(config.unsmoothed_epochs, epochs)
    return replace(config, epochs=epochs, warmup_epochs=warm_up, unsmoothed_epochs=unsmoothed)


def seconds_of_training(folder: Path) -> float | None:
    """Return how long a training took, by its own record; None where there is none.

    Parameters
    ----------
    folder
        A run folder, or one in which ``record_seconds`` has left the time.
    """
    record = folder / METRICS
    if not record.is_file():
        return None
    return float(pd.read_csv(record)["seconds"].sum())


def record_seconds(folder: Path, history: list[dict[str, float]]) -> None:
    """Leave the time of each epoch (``epoch``, ``seconds``) where ``seconds_of_training`` looks."""
    table = pd.DataFrame(history)
    write_with(folder / METRICS, lambda file: table.to_csv(file, index=False))
