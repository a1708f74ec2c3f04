"""Figure 15 of the paper: one photograph, the decoder's layers one below the other."""

from __future__ import annotations

from intr_discover.exhibits.asking import (
    answer_words,
    explained,
    head_panel,
    one_class,
    ranking_of,
    short_title,
    uniform_range,
)
from intr_discover.exhibits.paper_figure import RANKING, Drawn, FigureInputs, PaperFigure
from intr_discover.exhibits.words import (
    largest_weight,
    model_words,
    photographs_words,
    ranking_words,
    scale_words,
)
from intr_discover.figures.map_grid import ColumnGroup, GridRow, Scale, map_grid_figure
from intr_discover.figures.strips import Panel
from intr_discover.studies.study import Option


def draw(inputs: FigureInputs) -> Drawn:
    """Draw the strongest heads of every decoder layer, for one photograph and one class.

    Returns
    -------
    Drawn
        Rows: layers from the first to the last. Heads are ranked within their layer: head 3 of one
        layer and head 3 of the next have nothing to do with each other.
    """
    label, ranking = one_class(inputs), ranking_of(inputs)
    photograph = inputs.shown.of_class(label, 1, inputs.seed)[0]
    encoded = inputs.explainer.encode(photograph.path)
    first = explained(inputs.explainer, encoded, [label], layer=0)
    seen = [first] + [
        explained(inputs.explainer, encoded, [label], layer=layer)
        for layer in range(1, first.layers)
    ]
    rows = []
    for explanation in seen:
        heads = explanation.ranked_heads(label, ranking)[: inputs.options["top"]]
        panels = [Panel(explanation.photograph)]
        for head in heads:
            words = short_title(head, float(explanation.map_maxima[0, head]))
            panels.append(head_panel(explanation, label, head, words))
        rows.append(GridRow(f"decoder layer {explanation.layer + 1} of {first.layers}", panels))
    columns = len(rows[0].panels) - 1
    uniform = uniform_range(seen)
    figure = map_grid_figure(
        rows,
        Scale(uniform),
        groups=[
            ColumnGroup("", 1),
            ColumnGroup("head · largest weight", columns),
        ],
        width=inputs.width,
    )
    caption = " ".join(
        [
            f"What the query of {label} looks at, decoder layer by decoder layer "
            f"({first.layers} in all); {answer_words(first, photograph.label)}.",
            photographs_words(inputs, [photograph]),
            f"{columns} of {first.heads} heads, numbered from 0 within each layer and ranked by "
            f"{ranking_words(ranking)}; above each map head and largest weight. Heads of different "
            "layers are different heads, whatever their numbers.",
            scale_words(largest_weight(seen, [label] * len(seen)), uniform),
            model_words(inputs),
        ]
    )
    return Drawn(figure, caption)


FIGURE = PaperFigure(
    name="layers",
    title="Decoder layers one below the other (like Figure 15)",
    order=80,
    draw=draw,
    options=(Option("top", "Heads of each layer to show; default all.", int), RANKING),
)
