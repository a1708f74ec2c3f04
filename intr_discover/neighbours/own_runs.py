"""Trainings of our own models, for the methods that explain them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from intr_discover.data.specimens import Specimens
from intr_discover.explain.explainer import Explainer, load
from intr_discover.explain.method import Fit, FitSettings, Method, Progress, Say
from intr_discover.neighbours.budget import ModelName, training_config
from intr_discover.training.loop import train
from intr_discover.training.run_folder import RunFolder


def fit_run(model: ModelName) -> Fit:
    """Return what trains one of our models into a run folder, or goes on with it."""

    def fit(
        specimens: Specimens,
        settings: FitSettings,
        folder: Path,
        progress: Progress | None,
        say: Say,
    ) -> None:
        run = RunFolder(folder)
        begun, finished = run.config is not None, run.finished
        config = training_config(model, specimens, settings, folder)
        train(
            specimens,
            config,
            folder,
            resume=begun,
            device=settings.device,
            progress=progress,
            # Several methods explain one run; that it is finished need not be said of each.
            say=_silent if finished else say,
        )

    return fit


def load_run(
    make: Callable[[Explainer, FitSettings], Method],
) -> Callable[[Path, FitSettings], Method]:
    """Return what reads a run folder and hands its model to a method."""

    def read(folder: Path, settings: FitSettings) -> Method:
        return make(load(folder, device=settings.device), settings)

    return read


def _silent(line: str) -> None:
    """Say nothing."""
