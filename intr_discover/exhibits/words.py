"""The sentences that captions are made of."""

from __future__ import annotations

from collections.abc import Sequence

from intr_discover.errors import shorten
from intr_discover.exhibits.paper_figure import FigureInputs
from intr_discover.exhibits.photographs import Photograph
from intr_discover.explain.maps import Explanation
from intr_discover.figures.head_names import head_label
from intr_discover.figures.panels import short_number

MOST_NAMES = 12


def photographs_words(inputs: FigureInputs, shown: Sequence[Photograph]) -> str:
    """Say which photographs are shown and how they were chosen."""
    files = [each.name for each in shown]
    # With their folders only where the names alone would not tell them apart.
    listed = files if len(set(files)) == len(files) else [each.image for each in shown]
    names = shorten(listed, MOST_NAMES)
    how = "named by the user" if inputs.shown.named else f"drawn at random, seed {inputs.seed}"
    return f"Photographs (n = {len(shown)}, {how}): {names}."


def heads_words(inputs: FigureInputs, label: str, heads: Sequence[int], ranked: str) -> str:
    """Say which heads of a class's query are shown, in the order of the columns."""
    listed = ", ".join(head_label(inputs.names, label, head) for head in heads)
    return f"Heads of the query of {label}, numbered from 0, {ranked}: {listed}."


def layer_words(explanation: Explanation) -> str:
    """Say of which decoder layer the maps are."""
    return f"Cross-attention of decoder layer {explanation.layer + 1} of {explanation.layers}."


def ranking_words(ranking: str) -> str:
    """Say what a ranking is."""
    if ranking == "peak":
        return "peak (largest score before the softmax)"
    return "map maximum (largest attention weight)"


def scale_words(largest: float, uniform: tuple[float, float]) -> str:
    """Say what the colours mean."""
    low, high = (short_number(value) for value in uniform)
    even = low if low == high else f"{low} to {high}, as the photographs' shapes differ"
    return (
        f"One colour scale for all maps, square root, from 0 to {short_number(largest)}: attention "
        f"weight per cell, not rescaled (a head that looks everywhere alike: {even}). White line: "
        "half of a map's own maximum. Photographs under maps are in grey."
    )


def own_scale_words() -> str:
    """Say what the colours of maps with different units mean."""
    return (
        "Every map is scaled to its own maximum (square-root scale): colours say where a map is "
        "strong, not which of two maps is stronger."
    )


def model_words(inputs: FigureInputs) -> str:
    """Say which model it is."""
    source = inputs.explainer.source or "model"
    return f"Model: {source}, weights SHA-256 {inputs.explainer.fingerprint[:16]}…."


def largest_weight(explanations: Sequence[Explanation], labels: Sequence[str]) -> float:
    """Return the largest weight in the maps of one class of each photograph."""
    return max(
        float(explanation.map_maxima[explanation.classes.index(label)].max())
        for explanation, label in zip(explanations, labels, strict=True)
    )


def signed(value: float) -> str:
    """Return a number with two decimals and a true minus sign."""
    return f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")
