"""Figure 4 of the paper: examples of a collection, class by class, with the strongest heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from intr_discover.exhibits.asking import (
    answer_words,
    explained,
    head_panel,
    ranking_of,
    short_title,
    some_classes,
    uniform_range,
)
from intr_discover.exhibits.paper_figure import (
    COUNT,
    LAYER,
    RANKING,
    Drawn,
    FigureInputs,
    PaperFigure,
)
from intr_discover.exhibits.words import (
    largest_weight,
    layer_words,
    model_words,
    photographs_words,
    ranking_words,
    scale_words,
)
from intr_discover.figures.map_grid import ColumnGroup, GridRow, Scale, map_grid_figure
from intr_discover.figures.strips import Panel
from intr_discover.studies.study import Option

MOST_CLASSES = 12


def draw(inputs: FigureInputs) -> Drawn:
    """Draw examples of several classes, each with the strongest heads of its own class's query.

    Returns
    -------
    Drawn
        One row an example, or two examples a row where there are many. Heads are ranked for each
        photograph by itself, as in the paper.
    """
    ranking, options = ranking_of(inputs), inputs.options
    labels = some_classes(inputs, options["most"])
    shown, seen, strips = [], [], []
    for label in labels:
        for photograph in inputs.shown.of_class(label, options["count"], inputs.seed):
            explanation = explained(inputs.explainer, photograph, [label], layer=options["layer"])
            heads = explanation.ranked_heads(label, ranking)[: options["top"]]
            panels = [Panel(explanation.photograph, label)]
            for head in heads:
                words = short_title(head, float(explanation.map_maxima[0, head]))
                panels.append(head_panel(explanation, label, head, words))
            shown.append(photograph)
            seen.append(explanation)
            strips.append(panels)
    blocks = 2 if len(strips) > 3 and inputs.width > 120 else 1
    columns = len(strips[0])
    rows = _in_blocks(strips, blocks)
    groups = [ColumnGroup("", columns)] * blocks
    uniform = uniform_range(seen)
    figure = map_grid_figure(rows, Scale(uniform), groups=groups, width=inputs.width)
    answers = "; ".join(
        f"{photograph.name}: {answer_words(each, photograph.label)}"
        for photograph, each in zip(shown, seen, strict=True)
    )
    every = len(inputs.shown.labels)
    caption = " ".join(
        [
            f"Examples of {len(labels)} of {every} classes, each with the {columns - 1} strongest "
            f"of {seen[0].heads} heads of the query of its own class; above each map the head's "
            f"number (from 0) and its largest weight. Heads are ranked by {ranking_words(ranking)} "
            "in each photograph by itself.",
            photographs_words(inputs, shown),
            f"Answers: {answers}.",
            layer_words(seen[0]),
            scale_words(largest_weight(seen, [each.classes[0] for each in seen]), uniform),
            model_words(inputs),
        ]
    )
    return Drawn(figure, caption)


def _in_blocks(strips: Sequence[Sequence[Panel]], blocks: int) -> list[GridRow]:
    """Return rows of one or two examples: the left block is filled first."""
    rows = -(-len(strips) // blocks)
    return [
        GridRow("", [panel for strip in strips[row::rows] for panel in strip])
        for row in range(rows)
    ]


FIGURE = PaperFigure(
    name="datasets",
    title="Examples of each class with their strongest heads (like Figure 4)",
    order=30,
    draw=draw,
    options=(
        replace(COUNT, help="Photographs of each class, drawn by the seed.", default=1),
        Option("top", "Heads of each photograph.", int, 4),
        Option("most", "Classes to show where none is named, drawn by the seed.", int,
               MOST_CLASSES),
        LAYER,
        RANKING,
    ),
)  # fmt: skip
