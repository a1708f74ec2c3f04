"""Equations 9 and 11 of the paper as a figure: attention, saliency, and their product."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from intr_discover.exhibits.asking import (
    answer_words,
    explained,
    one_class,
    ranking_of,
    strongest_heads,
)
from intr_discover.exhibits.paper_figure import COUNT, RANKING, Drawn, FigureInputs, PaperFigure
from intr_discover.exhibits.words import (
    heads_words,
    layer_words,
    model_words,
    own_scale_words,
    photographs_words,
    ranking_words,
    signed,
)
from intr_discover.explain.decomposition import (
    contributions,
    head_saliency,
    predicted_against_others,
)
from intr_discover.explain.maps import Explanation, place_on_photograph
from intr_discover.figures.head_names import head_label
from intr_discover.figures.map_grid import ColumnGroup, GridRow, Scale, map_grid_figure
from intr_discover.figures.strips import Panel
from intr_discover.model.intr import INTR
from intr_discover.studies.statistics import bootstrap_interval, sign_flip_p
from intr_discover.studies.study import Option

_PARTS = ("attention", "saliency", "product")


def draw(inputs: FigureInputs) -> Drawn:
    """Draw the three parts of the decomposition for the strongest heads of one class.

    Returns
    -------
    Drawn
        Saliency is drawn above its smallest cell: attention sums to 1, so that a constant added to
        all cells adds the same to every class. The caption says how well attention and saliency go
        together for the class answered and for the others.
    """
    label, ranking, options = one_class(inputs), ranking_of(inputs), inputs.options
    shown = inputs.shown.of_class(label, options["count"], inputs.seed)
    encoded = [inputs.explainer.encode(each.path) for each in shown]
    seen = [explained(inputs.explainer, each, [label]) for each in encoded]
    heads = strongest_heads(seen, ranking, options["top"])
    model = inputs.explainer.model
    assert isinstance(model, INTR), "a plain classifier cannot encode"
    ids = torch.tensor(inputs.explainer.class_ids([label]), device=inputs.explainer.device)
    rows = []
    for photograph, state, explanation in zip(shown, encoded, seen, strict=True):
        with torch.inference_mode():
            saliency = head_saliency(model, state.encoded, ids)[0].cpu().numpy()
        salient = above_smallest(saliency)
        product = contributions(explanation.maps[:1], salient)[0]
        panels = [Panel(explanation.photograph)]
        for head in heads:
            panels += [
                _panel(explanation, each[head]) for each in (explanation.maps[0], salient, product)
            ]
        rows.append(
            GridRow(f"{photograph.name}: {answer_words(explanation, photograph.label)}", panels)
        )
    figure = map_grid_figure(
        rows,
        Scale(own_maximum=True),
        headings=["photo", *(_PARTS * len(heads))],
        groups=[
            ColumnGroup("", 1),
            *(ColumnGroup(head_label(inputs.names, label, head), len(_PARTS)) for head in heads),
        ],
        width=inputs.width,
    )
    measured = inputs.shown.any_class(options["measured"], inputs.seed)
    caption = " ".join(
        [
            f"What makes the logit of {label}, cell by cell (equations 9 and 11): attention of its "
            "query, saliency of the image (above its smallest cell), and their product.",
            photographs_words(inputs, shown),
            heads_words(inputs, label, heads, "strongest by mean " + ranking_words(ranking)),
            layer_words(seen[0]),
            "The decomposition leaves out residual connections, normalisation and the feed-forward "
            "network: in the full model it is an approximation.",
            *_alignment_words(inputs, [each.path for each in measured]),
            own_scale_words(),
            model_words(inputs),
        ]
    )
    return Drawn(figure, caption)


def above_smallest(saliency: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return ``[R, h, w]`` minus each head's smallest real cell; padded cells (NaN) become 0."""
    smallest = np.nanmin(saliency, axis=(1, 2), keepdims=True)
    return np.nan_to_num(saliency - smallest, nan=0.0).astype(np.float32)


def _panel(explanation: Explanation, cells: NDArray[np.floating]) -> Panel:
    height, width = explanation.photograph.shape[:2]
    placed = place_on_photograph(
        cells.astype(np.float32), explanation.stride, explanation.resized_shape, (height, width)
    )
    return Panel(explanation.photograph, "", placed)


def _alignment_words(inputs: FigureInputs, paths: Sequence[Path]) -> list[str]:
    """Say how well attention follows saliency: the class answered against all others."""
    if len(inputs.explainer.classes) < 2:
        return ["The model knows a single class: there are no others to compare with."]
    table = predicted_against_others(inputs.explainer, paths)
    by_image = table.groupby("image")[["correlation", "others", "difference"]].mean()
    difference = by_image["difference"].dropna().to_numpy()
    if not len(difference):
        return ["Attention is flat: it cannot be compared with saliency."]
    low, high = bootstrap_interval(difference, inputs.seed)
    sure = "" if math.isnan(low) else f", 95 % interval {signed(low)} to {signed(high)}"
    p = sign_flip_p(difference, inputs.seed)
    return [
        "Rank correlation (Spearman) of attention and saliency over the cells, mean of all heads "
        f"and n = {len(difference)} photographs: {signed(by_image['correlation'].mean())} for the "
        f"class answered, {signed(by_image['others'].mean())} for the others; difference "
        f"{signed(difference.mean())}{sure}, p = {p:.2g} (sign flips)."
    ]


FIGURE = PaperFigure(
    name="decomposition",
    title="Attention, saliency and their product, cell by cell (equations 9 and 11)",
    order=90,
    draw=draw,
    options=(
        COUNT,
        Option("top", "Heads to show, the strongest.", int, 3),
        Option("measured", "Photographs for the numbers in the caption.", int, 40),
        RANKING,
    ),
)
