"""The training loop of token models: the pieces of INTR's, with losses of their own."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from intr_discover.data.loading import TrainingImages, evaluation_batches
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.errors import UserError, shorten
from intr_discover.explain.explainer import choose_device
from intr_discover.neighbours.budget import epochs_within
from intr_discover.neighbours.token_models.concept_labels import stack_marks
from intr_discover.neighbours.token_models.concept_transformer import ConceptTransformer
from intr_discover.neighbours.token_models.marked_batches import marked_batches, training_images
from intr_discover.neighbours.token_models.protopformer import ProtoPFormer
from intr_discover.neighbours.token_models.settings import with_epochs
from intr_discover.training.batches import epoch_batches
from intr_discover.training.build import build_optimizer, build_preprocessing
from intr_discover.training.config import TrainingConfig, differences
from intr_discover.training.description import describe_training
from intr_discover.training.prepare import TrainingData
from intr_discover.training.run_folder import RunFolder
from intr_discover.training.schedule import rate_factor
from intr_discover.training.state import (
    Totals,
    TrainingState,
    generator_states,
    load_state,
    restore_generators,
    save_state,
)

TokenModel = ProtoPFormer | ConceptTransformer
Progress = Callable[[int, int], None]
Say = Callable[[str], None]


def train_tokens(
    model: TokenModel,
    data: TrainingData,
    config: TrainingConfig,
    out: Path,
    *,
    concepts: list[str] | None = None,
    minutes: float | None = None,
    device: str = "auto",
    progress: Progress | None = None,
    say: Say = print,
) -> None:
    """Train a token model, and leave a run folder that ``checkpoint.load_tokens`` reads.

    A run that was interrupted goes on with its next epoch. On one CPU thread the same settings give
    the same weights, unless ``minutes`` decides the number of epochs.

    Parameters
    ----------
    model
        New, with weights drawn from ``config.seed``.
    data
        Training and validation photographs, see ``training.prepare.prepare_data``.
    config
        Settings as for INTR. Not used: ``model`` and the shape of INTR, ``precision``,
        ``accumulate``, ``activation_checkpointing``, ``compile``, ``early_stop`` and
        ``checkpoint_minutes``.
    out
        The run folder.
    concepts
        The names of a Concept Transformer's concepts.
    minutes
        The first two epochs are timed, and as many are trained as fit; ``config.epochs`` is the
        most.
    device
        ``auto``, or a torch device.
    progress
        Called with (steps done, steps in all).
    say
        Called with one line for people at a time.

    Raises
    ------
    UserError
        If the folder holds a run with other settings or photographs, the augmentation cannot move
        marks, or the loss is not finite.
    """
    run = RunFolder(out)
    _check_run(run, model, config, data)
    if run.finished:
        run.clean_up()
        return
    preprocessing = build_preprocessing(config)
    images = training_images(model.stride, data, config, preprocessing, concepts)
    model.to(memory_format=torch.channels_last)
    model.to(choose_device(device))
    optimizer = build_optimizer(config, model)
    state = TrainingState(data_fingerprint=data.fingerprint)
    run.lock()
    try:
        saved = load_state(out)
        if saved is not None:
            state, parts, generators = saved
            model.load_state_dict(parts["model"])
            optimizer.load_state_dict(parts["optimizer"])
            config = _shortened(config, parts["epochs"])
            restore_generators(generators[0])
        else:
            described = describe_training(model, config, preprocessing, data)
            if concepts is not None:
                described["concepts"] = concepts
            run.start(described)
            for note in data.notes:
                run.log(note)
        _epochs(run, model, optimizer, state, data, images, config, minutes, progress, say)
        any_model: Any = model
        run.finish(any_model, state.history, state.best_epoch)
    finally:
        run.unlock()


def _epochs(
    run: RunFolder,
    model: TokenModel,
    optimizer: torch.optim.Optimizer,
    state: TrainingState,
    data: TrainingData,
    images: TrainingImages,
    config: TrainingConfig,
    minutes: float | None,
    progress: Progress | None,
    say: Say,
) -> None:
    most = config
    while state.epoch < config.epochs:
        epoch, started = state.epoch, time.monotonic()
        batches = epoch_batches(len(images), config.batch_size, config.seed, epoch, 0, 1)
        model.train()
        totals = Totals()
        for step, (batch, labels, marks) in enumerate(
            marked_batches(images, batches, epoch, config)
        ):
            factor = rate_factor(config, epoch * len(batches) + step, len(batches))
            for group in optimizer.param_groups:
                group["lr"] = group["highest"] * factor
            where = f"epoch {epoch + 1}, step {step + 1}"
            loss, correct = _learn(model, optimizer, config, epoch, batch, labels, marks, where)
            totals.loss += loss * len(labels)
            totals.correct += correct
            totals.seen += len(labels)
            if progress is not None:
                progress(epoch * len(batches) + step + 1, config.epochs * len(batches))
        top1, val_loss = _validate(model, data, build_preprocessing(config), config.batch_size)
        seconds = time.monotonic() - started
        state.history.append(
            {
                "epoch": epoch + 1,
                "learning_rate": max(group["lr"] for group in optimizer.param_groups),
                "train_loss": totals.loss / totals.seen,
                "train_top1": totals.correct / totals.seen,
                "val_loss": val_loss,
                "val_top1": top1,
                "seconds": seconds,
            }
        )
        if state.is_best(top1, val_loss):
            state.best_top1, state.best_loss, state.best_epoch = top1, val_loss, epoch + 1
            any_model: Any = model
            run.save_best(any_model)
        state.epoch = epoch + 1
        if minutes is not None and epoch < 2:
            # The first epoch also reads the photographs, so the second one tells better.
            spent = sum(float(row["seconds"] or 0) for row in state.history)
            left = max(0.0, minutes - spent / 60)
            more = epochs_within(seconds, left) if 60 * left >= seconds else 0
            config = _shortened(most, state.epoch + more)
            run.log(f"{config.epochs} epochs fit into {minutes:g} minutes")
        save_state(
            run.path,
            state,
            {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
                "epochs": config.epochs,
            },
            [generator_states()],
        )
        run.record(state.history)
        line = f"epoch {state.epoch}/{config.epochs}: train loss {totals.loss / totals.seen:.3f}"
        line += "" if top1 is None else f", validation top-1 {top1:.1%}"
        run.log(line)
        say(f"{line}, {seconds:.0f} s")


def _learn(
    model: TokenModel,
    optimizer: torch.optim.Optimizer,
    config: TrainingConfig,
    epoch: int,
    batch: list[Tensor],
    labels: Tensor,
    marks: list[Tensor] | None,
    where: str,
) -> tuple[float, int]:
    """Take one step; return the batch's mean loss and how many photographs are right."""
    output: Any = model(batch)
    labels = labels.to(output.logits.device)
    marked = None
    if marks is not None:
        marked = stack_marks(marks, output.attention.shape[2:]).to(output.logits.device)
    loss = functional.cross_entropy(
        output.logits, labels, label_smoothing=config.smoothing_in(epoch)
    ) + model.extra_loss(output, labels, marked, epoch / config.epochs)
    if not torch.isfinite(loss):
        raise UserError(
            f"the loss is {loss.item()} at {where}: training has diverged; "
            "try half the learning rate"
        )
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    if config.gradient_clip:
        nn.utils.clip_grad_norm_(model.parameters(), config.gradient_clip)
    optimizer.step()
    return loss.item(), int((output.logits.argmax(-1) == labels).sum())


def _validate(
    model: TokenModel, data: TrainingData, preprocessing: Preprocessing, batch_size: int
) -> tuple[float | None, float | None]:
    """Return top-1 and loss on the validation photographs; None where there are none."""
    if not len(data.validation):
        return None, None
    model.eval()
    logits = np.zeros((len(data.validation), len(data.classes)))
    for positions, batch in evaluation_batches(data.validation.paths, preprocessing, batch_size):
        with torch.inference_mode():
            logits[positions] = model(batch).logits.double().cpu().numpy()
    labels = data.validation.label_ids(data.classes)
    surprise = np.logaddexp.reduce(logits, axis=1) - logits[np.arange(len(labels)), labels]
    return float((logits.argmax(1) == labels).mean()), float(surprise.mean())


def _shortened(config: TrainingConfig, epochs: int) -> TrainingConfig:
    """Return the settings with fewer epochs, at least one."""
    return with_epochs(config, max(1, min(config.epochs, epochs)))


def _check_run(
    run: RunFolder, model: TokenModel, config: TrainingConfig, data: TrainingData
) -> None:
    """Refuse a folder with another run, or with anything else in it."""
    stored = run.config
    if stored is None:
        run.check_free()
        return
    before = run.training_config
    assert before is not None
    changed = differences(config, before)
    described = model.describe()
    theirs = stored["model"]
    changed += [
        f"{name} {theirs.get(name)} → {value}"
        for name, value in described.items()
        if theirs.get(name) != value
    ]
    if changed:
        raise UserError(
            f"{run.path} cannot be resumed with other settings ({shorten(changed)}); repeat the "
            "settings it was started with, or train into another folder"
        )
    if stored["data"]["fingerprint"] != data.fingerprint:
        raise UserError(
            f"{run.path}: the photographs, labels or splits have changed since this training "
            "began; train into another folder"
        )
