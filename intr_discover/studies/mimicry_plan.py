"""How much the study ``mimicry`` does in its time: which pairs, photographs and figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from intr_discover.errors import UserError
from intr_discover.model.intr import INTR
from intr_discover.studies.budget import FEWEST_IMAGES, Speed, StudyPlan, images_that_fit
from intr_discover.studies.half_hidden import views_each
from intr_discover.studies.pair_contexts import passes
from intr_discover.studies.pairs import Pair, choose_photographs, known_pairs
from intr_discover.studies.study import StudyInputs

MOST_PAIRS = 8
"""Pairs that are drawn, and examined where none are known; all with ``full``."""

RANKS = {"views": "rank", "margin": "margin_rank", "features": "feature_rank"}
"""What may make pairs look-alikes where none are known, and the column that ranks them by it."""

_FEWEST_CLASSES = 3  # with two there is nothing to rank
_FEWEST_VIEWS = 20  # of a class; with fewer a rank is a matter of chance
_SHARE_FOR_VIEWS = 0.5  # of a limited time
_SECONDS_A_SHEET = 0.7
_SECONDS_OF_HEADS = 3.0  # a figure of many panels
_SECONDS_A_PAIR = 0.3  # permutations and bootstraps
_SECONDS_A_PHOTOGRAPH = 0.012  # warping


@dataclass(frozen=True)
class Effort:
    """What is done.

    Attributes
    ----------
    rows
        Places of the photographs that are asked.
    pairs
        The pairs that somebody named and that there is time for; empty where nobody did.
    examined
        How many pairs are looked at closely.
    sheets, heads
        Of how many the page is drawn, and of how many the heads.
    views
        How many half-hidden views of each class are asked; 0 where there is no third class, or no
        time.
    extra_seconds
        For all that is no model.
    """

    rows: NDArray[np.int64]
    pairs: list[Pair]
    examined: int
    sheets: int
    heads: int
    views: int
    extra_seconds: float


def needs(inputs: StudyInputs) -> str | None:
    """Say that there are no look-alikes without two classes, and no maps without queries."""
    if not isinstance(inputs.explainer.model, INTR):
        return "a plain classifier has no class queries, so there are no maps to compare"
    if len(inputs.specimens.classes) < 2:
        return "look-alikes need photographs of at least two classes"
    return None


def plan(inputs: StudyInputs) -> StudyPlan:
    """Return how many photographs are asked, and the passes of the model.

    Raises
    ------
    UserError
        If an option names no pair with photographs, or has a value that it cannot have.
    """
    effort = choose_effort(inputs)
    class_ids = inputs.specimens.label_ids(inputs.explainer.classes)[effort.rows]
    n = len(class_ids)
    if effort.pairs:
        encodes, decodes = n, passes(class_ids, ids_of(inputs, effort.pairs))
    else:
        # Which pairs are looked at closely shows only afterwards: at most these.
        labels, counts = np.unique(class_ids, return_counts=True)
        asked = min(2 * effort.examined * int(counts.max()), (len(labels) - 1) * n)
        encodes, decodes = n + min(n, asked), n + 3 * asked
    # A figure of heads asks one photograph of either class again, twice.
    encodes, decodes = encodes + 2 * effort.heads, decodes + 4 * effort.heads
    views = int(views_each(class_ids, effort.views).sum())
    encodes, decodes = encodes + views, decodes + views
    return StudyPlan(n, len(inputs.specimens), encodes, decodes, effort.extra_seconds)


def choose_effort(inputs: StudyInputs) -> Effort:
    """Return what there is time for: of pairs that are known as many, from the first on, as fit.

    Raises
    ------
    UserError
        As ``plan``.
    """
    if inputs.options["most"] < 1:
        raise UserError(f"--most {inputs.options['most']} must be at least 1: how many pairs")
    if inputs.options["rank_by"] not in RANKS:
        raise UserError(
            f"--rank-by {inputs.options['rank_by']} is unknown: use views, margin or features"
        )
    if inputs.options["views"] < 0:
        raise UserError(
            f"--views {inputs.options['views']} must be at least 0: views of each class"
        )
    pairs = known_pairs(inputs)
    labels = inputs.specimens.table["label"].to_numpy()
    for count in range(len(pairs), 1, -1):
        effort = _with_pairs(inputs, pairs[:count])
        there = set(labels[effort.rows])
        if all(a in there and b in there for a, b, _ in effort.pairs):
            return effort
    return _with_pairs(inputs, pairs[:1])


def ids_of(inputs: StudyInputs, pairs: Sequence[Pair]) -> list[tuple[int, int]]:
    """Return the class ids of pairs."""
    classes = inputs.explainer.classes
    return [(classes.index(a), classes.index(b)) for a, b, _ in pairs]


def _with_pairs(inputs: StudyInputs, pairs: list[Pair]) -> Effort:
    """Return what there is time for with these pairs: photographs first, then figures of heads."""
    labels = inputs.specimens.table["label"].tolist()
    examined = len(pairs) or _unknown(inputs, len(set(labels)))
    sheets = examined if inputs.full else min(examined, MOST_PAIRS)
    for heads in range(sheets, 1, -1):
        effort = _with_figures(inputs, pairs, labels, examined, sheets, heads)
        if len(effort.rows) == len(labels):
            return effort
    effort = _with_figures(inputs, pairs, labels, examined, sheets, 1)
    if inputs.seconds is None or len(effort.rows) > FEWEST_IMAGES:
        return effort
    return _with_figures(inputs, pairs, labels, examined, sheets, 0)


def _with_figures(
    inputs: StudyInputs,
    pairs: list[Pair],
    labels: list[str],
    examined: int,
    sheets: int,
    heads: int,
) -> Effort:
    """Return what there is time for beside so many figures."""
    extra = (sheets + 1) * _SECONDS_A_SHEET + heads * _SECONDS_OF_HEADS
    extra += examined * _SECONDS_A_PAIR
    class_ids = inputs.specimens.label_ids(inputs.explainer.classes)
    drawing, speed = 0.0, None
    views = _views(inputs, len(set(labels)), len(labels))
    if inputs.speed is not None:
        speed = Speed(inputs.speed.encode + _SECONDS_A_PHOTOGRAPH, inputs.speed.decode)
        drawing = heads * (2 * inputs.speed.encode + 4 * inputs.speed.decode)
        if views:
            drawing += (views * len(set(labels)) + len(labels)) * sum(astuple(inputs.speed))
    count = images_that_fit(
        len(labels),
        inputs.seconds,
        speed,
        encodes=1.0 if pairs else 2.0,
        # Where not all fit, those of pairs are taken, which need more passes than the mean.
        decodes=max(3.0, passes(class_ids, ids_of(inputs, pairs)) / len(labels)) if pairs else 4.0,
        extra_seconds=extra + drawing,
    )
    rows = choose_photographs(labels, count, pairs, inputs.seed)
    if not pairs:
        examined = _unknown(inputs, len({labels[row] for row in rows}))
        sheets, heads = min(sheets, examined), min(heads, examined)
    extra += len(rows) * _SECONDS_A_PHOTOGRAPH
    if len({labels[row] for row in rows}) < _FEWEST_CLASSES:
        views = 0
    return Effort(rows, pairs, examined, sheets, heads, views, extra)


def _views(inputs: StudyInputs, classes: int, photographs: int) -> int:
    """Return how many half-hidden views of each class there is time for."""
    wanted = int(inputs.options["views"])
    if classes < _FEWEST_CLASSES:
        return 0
    if inputs.seconds is None or inputs.speed is None:
        return wanted
    one = sum(astuple(inputs.speed))
    # Each photograph has as many as the others of its class: up to one more than wanted.
    fitting = math.floor((_SHARE_FOR_VIEWS * inputs.seconds / one - photographs) / classes)
    return min(wanted, fitting) if fitting >= _FEWEST_VIEWS else 0


def _unknown(inputs: StudyInputs, classes: int) -> int:
    """Return how many pairs are looked at closely where none is known."""
    every = classes * (classes - 1) // 2
    return every if inputs.full else min(every, inputs.options["most"])
