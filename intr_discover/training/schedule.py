"""Learning-rate schedules as a factor in [0, 1] of the highest rate."""

from __future__ import annotations

import math

from intr_discover.training.config import TrainingConfig


def rate_factor(config: TrainingConfig, step: int, steps_per_epoch: int) -> float:
    """Return the factor of the learning rate at an optimiser step.

    Parameters
    ----------
    config
        Schedule, epochs, warm-up and drop.
    step
        Index of the step from 0.
    steps_per_epoch
        Optimiser steps of one epoch.
    """
    warmup = config.warmup_epochs * steps_per_epoch
    if step < warmup:
        return (step + 1) / (warmup + 1)
    if config.schedule == "constant":
        return 1.0
    if config.schedule == "step":
        assert config.drop_epoch is not None
        return config.drop_factor if step >= config.drop_epoch * steps_per_epoch else 1.0
    total = config.epochs * steps_per_epoch
    progress = (step - warmup) / max(1.0, total - warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
