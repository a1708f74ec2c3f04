"""How long a training will take here: measured on a few batches of it."""

from __future__ import annotations

import time
from dataclasses import replace

import torch
from torch.nn import functional

from intr_discover.data.augmentation import build_augmentation
from intr_discover.data.loading import TrainingImages, evaluation_batches, training_batches
from intr_discover.data.specimens import Specimens
from intr_discover.model.intr import INTR
from intr_discover.model.plain import PlainClassifier
from intr_discover.training.batches import epoch_batches
from intr_discover.training.build import build_model, build_optimizer, build_preprocessing
from intr_discover.training.config import TrainingConfig

_STEPS = 2  # that are measured, after one that warms up
_LONG = 10.0  # seconds; after a first step that takes so long, no second one is waited for


def estimate_seconds(
    specimens: Specimens, config: TrainingConfig, device: torch.device | str = "cpu"
) -> float:
    """Return about how many seconds a training takes on this machine.

    Parameters
    ----------
    specimens
        The collection with its split; rows of split ``test`` are not opened. Where it has no
        validation split, that of the settings is counted in.
    config
        Settings; ``epochs`` counts in full, although early stopping may end it before.
    device
        Where it will run.

    Returns
    -------
    float
        Steps and validation. Reading photographs for the first time comes on top.

    Raises
    ------
    UserError
        If a photograph cannot be read.
    """
    train = specimens.select(split="train") if specimens.splits else specimens
    count = len(train)
    if specimens.has_split("val"):
        validation = int((specimens.table["split"] == "val").sum())
    else:
        validation = round(count * config.validation_share)
        count -= validation
    if count < 1:
        return 0.0
    # Mixed or double precision changes the speed, but no estimate is worth its set-up.
    config = replace(config, precision="fp32")
    model = build_model(config, len(train.classes)).to(device)
    steps = len(epoch_batches(count, config.batch_size, config.seed, 0, 0, 1))
    return config.epochs * (
        steps * _seconds_of_a_step(model, train, config)
        + validation * _seconds_of_a_photograph(model, train, config)
    )


def _seconds_of_a_step(
    model: INTR | PlainClassifier, train: Specimens, config: TrainingConfig
) -> float:
    """Return the seconds of reading a decoded batch, forward, backward and update."""
    optimizer = build_optimizer(config, model.train())
    device = next(model.parameters()).device
    images = TrainingImages(
        train.paths,
        train.label_ids(train.classes),
        build_preprocessing(config),
        build_augmentation(
            config.augmentation, config.image_size, config.longest_side, config.smallest_crop
        ),
        config.seed,
        round(1.5 * config.image_size) if config.augmentation == "light" else None,
    )
    batch = epoch_batches(len(images), config.batch_size, config.seed, 0, 0, 1)[0]
    seconds: list[float] = []
    began = time.monotonic()
    # The same photographs each time: from the second epoch on they are decoded already.
    for pixels, labels in training_batches(images, [batch] * (1 + _STEPS), 0, 0):
        logits = model([each.to(device) for each in pixels]).logits.float()
        loss = functional.cross_entropy(logits, labels.to(device))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()  # waits for an accelerator to be done
        seconds.append(time.monotonic() - began)
        if seconds[0] > _LONG:
            break
        began = time.monotonic()
    return min(seconds)


def _seconds_of_a_photograph(
    model: INTR | PlainClassifier, train: Specimens, config: TrainingConfig
) -> float:
    """Return the seconds of classifying one photograph."""
    model.eval()
    paths = train.paths[: min(4, len(train))]
    seconds: list[float] = []
    for _ in range(_STEPS):
        began = time.monotonic()
        for _, pixels in evaluation_batches(paths, build_preprocessing(config), len(paths)):
            with torch.inference_mode():
                model(pixels).logits.sum().item()
        seconds.append((time.monotonic() - began) / len(paths))
        if seconds[0] > _LONG:
            break
    return min(seconds)
