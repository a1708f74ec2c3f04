"""What the model says of one batch, as arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.extraction.photographs import Photograph
from intr_discover.extraction.settings import ExtractionSettings
from intr_discover.model.intr import INTR

Numbers = NDArray[np.float32]


@dataclass(frozen=True)
class Heads:
    """What the heads of K class queries did in one photograph, last decoder layer.

    Attributes
    ----------
    queries
        ``[K]``: class ids.
    maps
        ``[K, R, h, w]`` as they are stored, or None where none are kept.
    descriptors
        ``[K, R, D]``: ``Σ α_n x_n`` over the encoder's cells.
    peaks, map_maxima
        ``[K, R]``: largest score before the softmax, largest weight.
    grid
        ``(h, w)``.
    valid
        ``[h · w]``: whether a cell lies on the photograph, and not on padding.
    """

    queries: NDArray[np.int64]
    maps: NDArray[np.floating] | None
    descriptors: Numbers
    peaks: Numbers
    map_maxima: Numbers
    grid: tuple[int, int]
    valid: NDArray[np.bool_]


@dataclass(frozen=True)
class Answer:
    """What the model says of one photograph.

    Attributes
    ----------
    row, sha256
        Which, and of which bytes.
    shape, resized
        (height, width) of the upright original, and as the model saw it.
    logits
        ``[C]``.
    heads
        None for a plain classifier, which has none.
    """

    row: int
    sha256: str
    shape: tuple[int, int]
    resized: tuple[int, int]
    logits: Numbers
    heads: Heads | None


def ask(
    explainer: Explainer, batch: Sequence[Photograph], settings: ExtractionSettings
) -> list[Answer]:
    """Return what the model says of photographs of one size.

    Raises
    ------
    UserError
        If an answer is no number, or a label is unknown where maps of the true class are wanted.
    """
    pixels = torch.stack([each.pixels for each in batch])
    with torch.inference_mode():
        if isinstance(explainer.model, INTR):
            logits, heads = _ask_intr(explainer, pixels, batch, settings)
        else:
            logits = explainer.model(pixels).logits.float().cpu().numpy()
            heads = [None] * len(batch)
    resized = int(pixels.shape[-2]), int(pixels.shape[-1])
    answers = [
        Answer(each.planned.row, each.sha256, each.shape, resized, numbers, seen)
        for each, numbers, seen in zip(batch, logits, heads, strict=True)
    ]
    for each, answer in zip(batch, answers, strict=True):
        _require_numbers(each, answer)
    return answers


def _ask_intr(
    explainer: Explainer,
    pixels: torch.Tensor,
    batch: Sequence[Photograph],
    settings: ExtractionSettings,
) -> tuple[Numbers, list[Heads | None]]:
    model = explainer.model
    assert isinstance(model, INTR), type(model)
    encoded = model.encode(pixels)
    if settings.maps == "true":
        ids = explainer.class_ids(sorted({each.planned.label for each in batch}))
        by_label = {explainer.classes[number]: number for number in ids}
        own = torch.tensor([[by_label[each.planned.label]] for each in batch])
        output = model.decode(encoded, attend=own)
    else:
        output = model.decode(encoded, attend="all" if settings.maps == "all" else "predicted")
    assert output.attention is not None and output.attended is not None
    assert output.peaks is not None and output.map_maxima is not None
    attention = output.attention.float()
    descriptors = torch.einsum("bkrn,bnd->bkrd", attention.flatten(3), encoded.cells.float())
    kept = None
    if settings.maps != "none":
        kept = attention.cpu().numpy().astype(settings.maps_type)
    count, cells = len(batch), encoded.grid[0] * encoded.grid[1]
    valid = np.ones((count, cells), dtype=bool)
    if encoded.padding is not None:
        valid = ~encoded.padding.cpu().numpy()
    queries = output.attended.cpu().numpy()
    pooled = descriptors.cpu().numpy()
    peaks = output.peaks.float().cpu().numpy()
    maxima = output.map_maxima.float().cpu().numpy()
    heads: list[Heads | None] = [
        Heads(
            queries[b], None if kept is None else kept[b], pooled[b], peaks[b], maxima[b],
            encoded.grid, valid[b],
        )
        for b in range(count)
    ]  # fmt: skip
    return output.logits.float().cpu().numpy(), heads


def _require_numbers(photograph: Photograph, answer: Answer) -> None:
    numbers = [answer.logits]
    if answer.heads is not None:
        numbers += [answer.heads.descriptors, answer.heads.map_maxima]
    if not all(np.isfinite(each).all() for each in numbers):
        raise UserError(
            f"{photograph.planned.image}: the model answers with values that are no numbers (NaN "
            "or infinite); its training failed or its weights are damaged: train it anew"
        )
