"""Look-alikes asked for among all classes, and among the two of them alone.

Three experiments, three names (see the page on methods): *all* queries in the decoder; *zero*, all
query vectors but two set to zero (the paper's Figure 6); *subset*, all but two left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from intr_discover.data.loading import evaluation_batches
from intr_discover.explain.explainer import Explainer
from intr_discover.model.intr import INTR, ContextMode, Encoded, INTROutput
from intr_discover.studies.finite import require_finite_answers

QUERIES = ("all", "zero", "subset")
"""The three experiments, in the order of every array below."""

_MODES: tuple[ContextMode, ...] = ("zero", "subset")

Numbers = NDArray[np.float64]
Kept = Callable[[int, NDArray[np.float32]], Numbers]
"""Is given a photograph's place and maps ``[k, h, w]``; returns what is kept, ``[k, F]``."""


@dataclass
class PairAnswers:
    """What the photographs of two look-alikes answer; n of them.

    Attributes
    ----------
    rows
        ``[n]``: their places among all photographs, ascending.
    margins
        ``[n, 3]``: logit of the look-alike minus that of the true class, by experiment; above 0
        the look-alike is preferred.
    taken
        ``[n, 3]``: whether the answer is the look-alike; among all classes, or among the two.
    shifts
        ``[n, 2, R]``: total variation distance between each head's map of the true class with all
        queries and with two (zero, subset); in [0, 1].
    maps
        ``[n, 2, F]``: head means of the true class's and of the look-alike's query, as kept; NaN
        for a photograph that has no place.
    """

    rows: NDArray[np.int64]
    margins: Numbers
    taken: NDArray[np.bool_]
    shifts: Numbers
    maps: Numbers


@dataclass
class Answers:
    """What all photographs answer.

    Attributes
    ----------
    logits
        ``[n, C]`` with all queries.
    features
        Class id → ``[C, D]``: the decoder's output, mean over the photographs of the class.
    pairs
        In the order they were given.
    """

    logits: NDArray[np.float32]
    features: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    pairs: list[PairAnswers] = field(default_factory=list)


def passes(class_ids: NDArray[np.int64], pairs: Sequence[tuple[int, int]]) -> int:
    """Return how many times ``ask`` decodes a photograph: three for each of its pairs, else one."""
    count = np.zeros(len(class_ids), dtype=np.int64)
    for pair in pairs:
        count += np.isin(class_ids, pair)
    return int(np.maximum(1, 3 * count).sum())


def ask(
    explainer: Explainer,
    paths: Sequence[Path],
    class_ids: NDArray[np.int64],
    pairs: Sequence[tuple[int, int]],
    keep: Kept,
    size: int,
    *,
    batch_size: int = 32,
    progress: Callable[[int, int], None] | None = None,
) -> Answers:
    """Ask photographs among all classes, and those of look-alikes among the two as well.

    Parameters
    ----------
    explainer
        With an INTR.
    paths, class_ids
        The n photographs and their true classes ``[n]``.
    pairs
        Class ids of look-alikes; may be empty.
    keep
        Brings maps to a common frame; the maps themselves are let go after each batch.
    size
        F, the numbers that ``keep`` returns for a map.
    batch_size
        Most photographs that go through the model at once; no number depends on it.
    progress
        Called with (photographs done, photographs in all).

    Raises
    ------
    UserError
        If a photograph cannot be read, or the model's logits or maps are no numbers.
    """
    model = explainer.model
    assert isinstance(model, INTR), type(model)
    answers = Answers(np.zeros((len(paths), model.config.num_classes), dtype=np.float32))
    answers.pairs = [
        _empty(np.flatnonzero(np.isin(class_ids, pair)), model.config.heads, size) for pair in pairs
    ]
    counts = np.bincount(class_ids, minlength=model.config.num_classes)
    # Photographs of one pair side by side: a context holds for a whole batch.
    first_pair = np.full(len(class_ids), len(pairs))
    for number, pair in reversed(list(enumerate(answers.pairs))):
        first_pair[pair.rows] = number
    order = np.lexsort((class_ids, first_pair))
    done = 0
    with torch.inference_mode():
        for places, batch in evaluation_batches(
            [paths[row] for row in order], explainer.preprocessing, batch_size
        ):
            rows = order[places]
            encoded = model.encode(batch.to(explainer.device))
            waiting = np.ones(len(rows), dtype=np.bool_)
            for pair, (a, b) in zip(answers.pairs, pairs, strict=True):
                some = np.flatnonzero(np.isin(class_ids[rows], (a, b)))
                if not len(some):
                    continue
                part = _only(encoded, some)
                output = _ask_pair(pair, model, part, rows[some], class_ids, (a, b), keep, paths)
                new = waiting[some]
                _note(answers, output, rows[some], class_ids, counts, new)
                waiting[some] = False
            left = np.flatnonzero(waiting)
            if len(left):
                output = model.decode(_only(encoded, left))
                require_finite_answers([output.logits, output.attention], rows[left], paths)
                _note(answers, output, rows[left], class_ids, counts, waiting[left])
            done += len(rows)
            if progress is not None:
                progress(done, len(paths))
    return answers


def _empty(rows: NDArray[np.int64], heads: int, size: int) -> PairAnswers:
    n = len(rows)
    return PairAnswers(
        rows,
        np.full((n, 3), np.nan),
        np.zeros((n, 3), dtype=np.bool_),
        np.full((n, 2, heads), np.nan),
        np.full((n, 2, size), np.nan),
    )


def _ask_pair(
    pair: PairAnswers,
    model: INTR,
    encoded: Encoded,
    rows: NDArray[np.int64],
    class_ids: NDArray[np.int64],
    ids: tuple[int, int],
    keep: Kept,
    paths: Sequence[Path],
) -> INTROutput:
    """Fill in what photographs of a pair answer; return what they answer among all classes."""
    place = np.searchsorted(pair.rows, rows)
    own = class_ids[rows]
    mate = np.where(own == ids[0], ids[1], ids[0])
    queries = torch.from_numpy(np.stack([own, mate], axis=1))
    output = model.decode(encoded, attend=queries)
    require_finite_answers([output.logits, output.attention], rows, paths)
    each = np.arange(len(rows))
    logits = output.logits.float().cpu().numpy()
    pair.margins[place, 0] = logits[each, mate] - logits[each, own]
    pair.taken[place, 0] = logits.argmax(axis=1) == mate
    assert output.attention is not None
    whole = output.attention.float()
    for number, mode in enumerate(_MODES, 1):
        few = model.decode(encoded, attend=queries[:, :1], context=list(ids), context_mode=mode)
        require_finite_answers([few.logits, few.attention], rows, paths)
        assert few.attention is not None
        two = few.logits.float().cpu().numpy()
        is_second = (own == ids[1]).astype(np.int64)
        pair.margins[place, number] = two[each, 1 - is_second] - two[each, is_second]
        pair.taken[place, number] = two.argmax(axis=1) != is_second
        shift = (whole[:, 0] - few.attention[:, 0].float()).abs().sum(dim=(-2, -1)) / 2
        pair.shifts[place, number - 1] = shift.cpu().numpy()
    for position, row, maps in zip(place, rows, whole.mean(dim=2).cpu().numpy(), strict=True):
        pair.maps[position] = keep(int(row), maps)
    return output


def _note(
    answers: Answers,
    output: INTROutput,
    rows: NDArray[np.int64],
    class_ids: NDArray[np.int64],
    counts: NDArray[np.int64],
    new: NDArray[np.bool_],
) -> None:
    """Note logits, and add to the mean features, of photographs that are seen first."""
    answers.logits[rows[new]] = output.logits.float().cpu().numpy()[new]
    features = output.decoder_output.float().cpu().numpy()
    for place in np.flatnonzero(new):
        label = int(class_ids[rows[place]])
        mean = answers.features.setdefault(label, np.zeros(features.shape[1:], dtype=np.float32))
        mean += features[place] / counts[label]


def _only(encoded: Encoded, places: NDArray[np.int64]) -> Encoded:
    assert encoded.padding is None, "photographs of one size need no padding"
    return Encoded(encoded.cells[torch.from_numpy(places)], encoded.grid, None)
