"""What figures ask of a model: maps of one photograph, as panels; and which class is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from intr_discover.errors import UserError
from intr_discover.exhibits.paper_figure import FigureInputs
from intr_discover.exhibits.photographs import Photograph
from intr_discover.explain.explainer import EncodedImage, Explainer
from intr_discover.explain.maps import Explanation, Ranking
from intr_discover.figures.panels import short_number
from intr_discover.figures.strips import Panel
from intr_discover.studies.looking import reduced


def explained(
    explainer: Explainer,
    photograph: Photograph | EncodedImage,
    classes: Sequence[str] | None = None,
    *,
    layer: int = -1,
) -> Explanation:
    """Return the maps of a photograph, itself reduced to what a panel can show.

    Parameters
    ----------
    explainer
        With an INTR.
    photograph
        One, encoded already or not.
    classes
        Whose queries; default the predicted class.
    layer
        Decoder layer.

    Raises
    ------
    UserError
        If the model is a plain classifier, a class or layer is unknown, or the model answers with
        values that are no numbers.
    """
    source = photograph.path if isinstance(photograph, Photograph) else photograph
    explanation = explainer.explain(source, classes, layer=layer)
    require_finite(explanation)
    return replace(explanation, photograph=reduced(explanation.photograph))


def require_finite(explanation: Explanation) -> None:
    """Refuse maps and answers with holes.

    Raises
    ------
    UserError
        If any is not finite.
    """
    if not (np.isfinite(explanation.maps).all() and np.isfinite(explanation.logits).all()):
        raise UserError(
            f"{explanation.image}: the model answers with values that are no numbers (NaN or "
            "infinite); its training failed or its weights are damaged: train it anew"
        )


def one_class(inputs: FigureInputs) -> str:
    """Return the class that a figure of one class shows.

    The one that was asked for; else that of the first named photograph, or one of the classes with
    photographs, drawn by the seed; for photographs without labels the first one's answer.

    Raises
    ------
    UserError
        If several were asked for, or the model does not know the class.
    """
    if len(inputs.classes) > 1:
        raise UserError(f"this figure shows one class: give --class once, not {len(inputs.classes)}"
                        " times")  # fmt: skip
    if inputs.classes:
        chosen = inputs.classes[0]
    else:
        first = inputs.shown.listed[0]
        if first.label is None:
            return explained(inputs.explainer, first).predicted
        known = [label for label in inputs.shown.labels if label in inputs.explainer.classes]
        if inputs.shown.named or not known:
            chosen = first.label
        else:
            chosen = known[int(np.random.default_rng(inputs.seed).integers(len(known)))]
    inputs.explainer.class_ids([chosen])
    return chosen


def some_classes(inputs: FigureInputs, most: int) -> list[str]:
    """Return the classes that were asked for, or up to ``most`` that have photographs.

    Those of a longer list are drawn by the seed, and shown in the order of the names.

    Raises
    ------
    UserError
        If the model knows none of them.
    """
    if inputs.classes:
        inputs.explainer.class_ids(inputs.classes)
        return list(inputs.classes)
    there = list(dict.fromkeys(each.label for each in inputs.shown.listed if each.label))
    known = [label for label in there if label in inputs.explainer.classes]
    if not known:
        raise UserError("the model knows none of the classes of these photographs: "
                        f"it has {', '.join(inputs.explainer.classes[:5])}")  # fmt: skip
    if inputs.shown.named or len(known) <= most:
        return known[:most]
    order = np.random.default_rng(inputs.seed).permutation(len(known))[:most]
    return sorted(known[place] for place in order)


def ranking_of(inputs: FigureInputs) -> Ranking:
    """Return what heads are ranked by.

    Raises
    ------
    UserError
        If it is neither ``maximum`` nor ``peak``.
    """
    given = inputs.options["ranking"]
    if given not in ("maximum", "peak"):
        raise UserError(f"ranking '{given}' is unknown: use maximum or peak")
    return "peak" if given == "peak" else "maximum"


def head_panel(explanation: Explanation, label: str, head: int, title: str = "") -> Panel:
    """Return the panel of one head's map."""
    largest = float(explanation.map_maxima[explanation.classes.index(label), head])
    return Panel(explanation.photograph, title, explanation.heatmap(label, head), largest)


def mean_panel(explanation: Explanation, label: str, title: str = "") -> Panel:
    """Return the panel of the mean of all heads."""
    largest = float(explanation.maps[explanation.classes.index(label)].mean(axis=0).max())
    return Panel(explanation.photograph, title, explanation.heatmap(label), largest)


def short_title(head: int, largest: float) -> str:
    """Return a head's number and its largest weight, for a small panel."""
    return f"{head} · {short_number(largest)}"


def strongest_heads(
    explanations: Sequence[Explanation], ranking: Ranking, top: int | None
) -> list[int]:
    """Return the heads of the first class's query that are strongest over all photographs.

    Parameters
    ----------
    explanations
        Of one class's query.
    ranking
        What is averaged: map maxima or peaks.
    top
        How many; None for all.
    """
    strength = np.mean([each.scores(ranking)[0] for each in explanations], axis=0)
    return [int(head) for head in np.argsort(-strength, kind="stable")][:top]


def answer_words(explanation: Explanation, label: str | None) -> str:
    """Return what was answered, how surely, and whether that is wrong."""
    said = f"answer {explanation.predicted}, {chance_words(explanation.probability)}"
    wrong = label is not None and explanation.predicted != label
    return f"{said} (wrong)" if wrong else said


def chance_words(probability: float) -> str:
    """Return a probability with two decimals, without rounding it to 0 or 1."""
    if 0 < probability < 0.005:
        return "p < 0.01"
    return "p > 0.99" if 0.995 <= probability < 1 else f"p = {probability:.2f}"


def uniform_range(explanations: Sequence[Explanation]) -> tuple[float, float]:
    """Return the smallest and largest weight of a cell if a head looked everywhere alike."""
    values = [1 / explanation.maps[0, 0].size for explanation in explanations]
    return min(values), max(values)
