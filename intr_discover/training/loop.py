"""The training loop, one for INTR, INTR-FC and the plain classifier."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import broadcast_object_list, gather_object
from torch import Tensor, nn
from torch.nn import functional

from intr_discover.data.augmentation import build_augmentation
from intr_discover.data.loading import (
    TrainingImages,
    evaluation_batches,
    lost_readers_told,
    training_stream,
)
from intr_discover.data.memory import room_for_photographs
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError, shorten
from intr_discover.model.checkpoint import initialise_from
from intr_discover.model.intr import INTR
from intr_discover.model.plain import PlainClassifier
from intr_discover.training.acceleration import (
    accelerator_of,
    compile_model,
    compiled_aside,
    told_of_compiling,
)
from intr_discover.training.batches import Place, epoch_batches, place_in_update, updates_in
from intr_discover.training.build import build_model, build_optimizer, build_preprocessing
from intr_discover.training.config import TrainingConfig, differences
from intr_discover.training.description import describe_training
from intr_discover.training.prepare import TrainingData, prepare_data
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

Say = Callable[[str], None]
Progress = Callable[[int, int], None]

SAME_ANSWER = 1e-4
"""Spread of logits over images below which a model gives every image the same answer."""


def train(
    specimens: Specimens,
    config: TrainingConfig,
    out: Path,
    *,
    resume: bool = False,
    init: Path | None = None,
    skip_broken: bool = False,
    device: str = "auto",
    progress: Progress | None = None,
    say: Say = print,
) -> Path:
    """Train a model and leave a run folder.

    Parameters
    ----------
    specimens
        The collection; rows of split ``test`` are never opened.
    config
        All settings.
    out
        The run folder.
    resume
        Continue a run that was interrupted; on one CPU process the final weights are exactly those
        of an uninterrupted run.
    init
        Start from the weights of a DETR, INTR or run folder.
    skip_broken
        Leave out photographs that cannot be read.
    device
        ``auto``, ``cpu``, or the machine's accelerator such as ``cuda`` or ``mps``.
    progress
        Called with (steps done, steps in all).
    say
        Called with one line for people at a time, on the main process only.

    Returns
    -------
    Path
        The run folder.

    Raises
    ------
    UserError
        If the data, the settings or the run folder do not permit training, or the loss is not
        finite.
    """
    run = RunFolder(out)
    _check_run(run, config, resume)
    if resume and run.finished:
        run.clean_up()
        say(f"{out} is finished already")
        return out
    accelerator = accelerator_of(config, device)
    try:
        with lost_readers_told():
            _train(accelerator, run, specimens, config, resume, init, skip_broken, progress, say)
    finally:
        run.unlock()
        accelerator.end_training()
        # Accelerate keeps its settings for the process; another training may want others.
        AcceleratorState._reset_state(reset_partial_state=True)
    return out


def _train(
    accelerator: Accelerator,
    run: RunFolder,
    specimens: Specimens,
    config: TrainingConfig,
    resume: bool,
    init: Path | None,
    skip_broken: bool,
    progress: Progress | None,
    say: Say,
) -> None:
    main = accelerator.is_main_process

    def tell(line: str) -> None:
        if main:
            run.log(line)
            say(line)

    data = _prepare_once(accelerator, specimens, config, skip_broken)
    notes = list(data.notes)
    preprocessing = build_preprocessing(config)
    model = build_model(config, len(data.classes))
    if init is not None:
        fresh = initialise_from(model, init)
        notes.append(f"started from {init}" + (f"; new: {shorten(fresh)}" if fresh else ""))
    if accelerator.num_processes > 1 and accelerator.device.type == "cuda":
        model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
    if config.compile:
        notes.append(compile_model(model, accelerator.device))
    optimizer = build_optimizer(config, model)
    prepared, optimizer = accelerator.prepare(model, optimizer)

    # Only from here on is anything written: a mistake in the settings leaves no folder behind.
    if main:
        run.lock()
    state = TrainingState(data_fingerprint=data.fingerprint)
    saved = load_state(run.path) if resume else None
    if saved is not None:
        state, parts, generators = saved
        if state.data_fingerprint != data.fingerprint:
            raise UserError(
                f"{run.path}: the photographs, labels or splits have changed since this training "
                "began; train into another folder"
            )
        if len(generators) != accelerator.num_processes:
            raise UserError(
                f"{run.path} was trained by {len(generators)} processes; resume it with as many"
            )
        model.load_state_dict(parts["model"])
        optimizer.load_state_dict(parts["optimizer"])
        if accelerator.scaler is not None and "scaler" in parts:
            accelerator.scaler.load_state_dict(parts["scaler"])
        restore_generators(generators[accelerator.process_index])
        notes.append(f"resumed at epoch {state.epoch + 1}, step {state.step + 1}")
    elif main:
        run.start(describe_training(model, config, preprocessing, data))
    notes.append(f"training on {accelerator.device.type}, processes: {accelerator.num_processes}")
    for note in notes:
        tell(note)

    images = _training_images(data, config, preprocessing)
    share = (accelerator.process_index, accelerator.num_processes)

    def batches_of(epoch: int) -> list[list[int]]:
        return epoch_batches(len(images), config.batch_size, config.seed, epoch, *share)

    steps_per_epoch = len(batches_of(0))
    updates_per_epoch = updates_in(steps_per_epoch, config.accumulate)
    last_saved = time.monotonic()

    def save() -> None:
        nonlocal last_saved
        generators = gather_object([generator_states()])
        if main:
            parts: dict[str, Any] = {
                "model": model.state_dict(),
                "optimizer": optimizer.state_dict(),
            }
            if accelerator.scaler is not None:
                parts["scaler"] = accelerator.scaler.state_dict()
            save_state(run.path, state, parts, generators)
        last_saved = time.monotonic()

    loader = training_stream(
        images, _remaining(batches_of, state.epoch, state.step, config.epochs), config.workers
    )
    for epoch in range(state.epoch, config.epochs):
        if _should_stop(state, config):
            break
        started = time.monotonic() - state.totals.seconds
        if config.unsmoothed_epochs and epoch == config.first_unsmoothed and state.step == 0:
            state.forget_best()  # of the epochs with label smoothing
        prepared.train()
        batches = batches_of(epoch)
        for batch, labels in islice(loader, len(batches) - state.step):
            place = place_in_update(batches, state.step, config.accumulate)
            factor = rate_factor(
                config, epoch * updates_per_epoch + place.update, updates_per_epoch
            )
            for group in optimizer.param_groups:
                group["lr"] = group["highest"] * factor
            where = f"epoch {epoch + 1}, step {state.step + 1}"
            smoothing = config.smoothing_in(epoch)
            if place.first:
                optimizer.zero_grad()
            loss, correct = _learn(accelerator, prepared, batch, labels, smoothing, place, where)
            if place.last:
                if config.gradient_clip:
                    accelerator.clip_grad_norm_(prepared.parameters(), config.gradient_clip)
                optimizer.step()

            state.step += 1
            state.totals.loss += loss * len(labels)
            state.totals.correct += correct
            state.totals.seen += len(labels)
            state.totals.seconds = time.monotonic() - started
            if progress is not None and main:
                progress(epoch * steps_per_epoch + state.step, config.epochs * steps_per_epoch)
            # Several processes save together, but their clocks differ: only at epoch ends then.
            # And only between updates: half a gradient is not kept.
            alone = accelerator.num_processes == 1 and place.last
            if alone and time.monotonic() - last_saved > 60 * config.checkpoint_minutes:
                save()

        top1, val_loss, spread = _validate(accelerator, model, data, preprocessing, config)
        totals = _sum_over_processes(accelerator, state.totals)
        rate = max(group["lr"] for group in optimizer.param_groups)
        state.history.append(
            {
                "epoch": epoch + 1,
                "learning_rate": rate,
                "train_loss": totals.loss / totals.seen,
                "train_top1": totals.correct / totals.seen,
                "val_loss": val_loss,
                "val_top1": top1,
                "seconds": time.monotonic() - started,
            }
        )
        if state.is_best(top1, val_loss):
            state.best_top1, state.best_loss, state.best_epoch = top1, val_loss, epoch + 1
            if main:
                run.save_best(model)
        if spread is not None and spread < SAME_ANSWER:
            tell(
                f"warning: after epoch {epoch + 1} the model gives every image the same answer; "
                "it is not learning: try a lower learning rate, or start from pretrained weights"
            )
        state.epoch, state.step, state.totals = epoch + 1, 0, Totals()
        save()
        if main:
            run.record(state.history)
        tell(_epoch_line(state, config))

    if main:
        run.record(state.history)
        run.finish(model, state.history, state.best_epoch)
    tell(f"{_end_line(state, config)}; run folder: {run.path}")
    accelerator.wait_for_everyone()


def _learn(
    accelerator: Accelerator,
    prepared: nn.Module,
    batch: list[Tensor],
    labels: Tensor,
    smoothing: float,
    place: Place,
    where: str,
) -> tuple[float, int]:
    """Add the gradient of one batch; return its mean loss and how many images are right."""
    # Processes exchange gradients once an update, with its last batch.
    with nullcontext() if place.last else accelerator.no_sync(prepared):
        with accelerator.autocast(), told_of_compiling():
            logits = prepared(batch).logits
            labels = labels.to(logits.device)
            loss = functional.cross_entropy(
                logits if logits.dtype == torch.float64 else logits.float(),
                labels,
                label_smoothing=smoothing,
            )
        if not torch.isfinite(loss):
            raise UserError(
                f"the loss is {loss.item()} at {where}: "
                "training has diverged; try half the learning rate, or precision fp32"
            )
        with told_of_compiling():
            accelerator.backward(loss * place.share)
    return loss.item(), int((logits.argmax(-1) == labels).sum())


def _check_run(run: RunFolder, config: TrainingConfig, resume: bool) -> None:
    if not resume:
        run.check_free()
        return
    stored = run.training_config
    if stored is not None:  # else it was killed before anything was written: begin
        changed = differences(config, stored)
        if changed:
            raise UserError(
                f"{run.path} cannot be resumed with other settings ({shorten(changed)}); "
                "repeat the settings it was started with"
            )


def _prepare_once(
    accelerator: Accelerator, specimens: Specimens, config: TrainingConfig, skip_broken: bool
) -> TrainingData:
    """Check and split the photographs on the main process; all processes get the result."""
    outcome: list[TrainingData | UserError | None] = [None]
    if accelerator.is_main_process:
        try:
            outcome[0] = prepare_data(specimens, config, skip_broken=skip_broken)
        except UserError as error:
            outcome[0] = error
    broadcast_object_list(outcome)
    if isinstance(outcome[0], UserError):
        raise outcome[0]
    assert isinstance(outcome[0], TrainingData)
    return outcome[0]


def _remaining(
    batches_of: Callable[[int], list[list[int]]], epoch: int, step: int, epochs: int
) -> Iterator[tuple[int, list[int]]]:
    """Yield epoch and positions of every batch from this step of this epoch on."""
    for each in range(epoch, epochs):
        for batch in batches_of(each)[step if each == epoch else 0 :]:
            yield each, batch


def _training_images(
    data: TrainingData, config: TrainingConfig, preprocessing: Preprocessing
) -> TrainingImages:
    # A crop shows at least the square root of smallest_crop of a side, so most crops of photographs
    # reduced to 1.5 times the input size are still made smaller, not larger. What is kept of them
    # depends on the machine, so that must not change what the model sees.
    light = config.augmentation == "light"
    return TrainingImages(
        data.train.paths,
        data.train.label_ids(data.classes),
        preprocessing,
        build_augmentation(
            config.augmentation, config.image_size, config.longest_side, config.smallest_crop
        ),
        config.seed,
        round(1.5 * config.image_size) if light else None,
        # Reading processes would each keep a copy.
        room_for_photographs() if config.workers == 0 else 0,
    )


def _validate(
    accelerator: Accelerator,
    model: INTR | PlainClassifier,
    data: TrainingData,
    preprocessing: Preprocessing,
    config: TrainingConfig,
) -> tuple[float | None, float | None, float | None]:
    """Return validation top-1, loss, and the spread of logits over images; None without images."""
    paths = data.validation.paths
    mine = list(range(accelerator.process_index, len(paths), accelerator.num_processes))
    model.eval()
    rows: list[tuple[int, list[float]]] = []
    sources = [paths[position] for position in mine]
    for positions, images in evaluation_batches(sources, preprocessing, config.batch_size):
        with torch.inference_mode(), accelerator.autocast(), compiled_aside(config.compile):
            logits = model(images).logits.float().cpu().numpy()
        rows += [(mine[p], row.tolist()) for p, row in zip(positions, logits, strict=True)]
    rows = sorted(gather_object(rows))
    if not rows:
        return None, None, None
    logits = np.array([row for _, row in rows])
    labels = data.validation.label_ids(data.classes)
    log_probabilities = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    loss = -float(log_probabilities[np.arange(len(labels)), labels].mean())
    top1 = float((logits.argmax(1) == labels).mean())
    return top1, loss, float(logits.std(axis=0).max()) if len(rows) > 1 else None


def _sum_over_processes(accelerator: Accelerator, totals: Totals) -> Totals:
    parts = gather_object([totals])
    return Totals(
        sum(part.loss for part in parts),
        sum(part.correct for part in parts),
        sum(part.seen for part in parts),
    )


def _should_stop(state: TrainingState, config: TrainingConfig) -> bool:
    if config.unsmoothed_epochs and state.epoch <= config.first_unsmoothed:
        return False  # what is kept comes from the last epochs, so they are never left out
    waited = state.epoch - state.best_epoch
    return bool(config.early_stop and state.best_epoch and waited >= config.early_stop)


def _epoch_line(state: TrainingState, config: TrainingConfig) -> str:
    row = state.history[-1]
    line = f"epoch {state.epoch}/{config.epochs}: train loss {row['train_loss']:.3f}"
    if row["val_top1"] is not None:
        line += f", validation top-1 {row['val_top1']:.1%}"
    return f"{line}, {row['seconds']:.0f} s"


def _end_line(state: TrainingState, config: TrainingConfig) -> str:
    if state.epoch < config.epochs:
        end = f"stopped early: no better validation top-1 for {config.early_stop} epochs"
    else:
        end = "finished"
    if state.best_epoch:
        end += f"; best validation top-1 {state.best_top1:.1%} at epoch {state.best_epoch}"
    return end
