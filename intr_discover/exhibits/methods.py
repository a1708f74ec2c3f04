"""Figures 3 and 9 of the paper: the strongest heads of INTR beside other ways to explain."""

from __future__ import annotations

from intr_discover.data.images import read_image
from intr_discover.exhibits.asking import (
    answer_words,
    explained,
    head_panel,
    mean_panel,
    one_class,
    ranking_of,
    short_title,
)
from intr_discover.exhibits.beside import MASKS, PLAIN, Beside
from intr_discover.exhibits.paper_figure import COUNT, RANKING, Drawn, FigureInputs, PaperFigure
from intr_discover.exhibits.words import (
    layer_words,
    model_words,
    own_scale_words,
    photographs_words,
    ranking_words,
)
from intr_discover.figures.map_grid import ColumnGroup, GridRow, Scale, map_grid_figure
from intr_discover.figures.strips import Panel
from intr_discover.studies.study import Option


def draw(inputs: FigureInputs) -> Drawn:
    """Draw INTR's strongest heads and their mean beside Grad-CAM and RISE.

    Returns
    -------
    Drawn
        One row a photograph. The methods' units differ, so every map has its own maximum.
    """
    beside = Beside(inputs)
    ranking, options = ranking_of(inputs), inputs.options
    label = one_class(inputs)
    shown = inputs.shown.of_class(label, options["count"], inputs.seed)
    rows, seen = [], []
    for photograph in shown:
        explanation = explained(inputs.explainer, photograph, [label])
        seen.append(explanation)
        panels = [Panel(explanation.photograph, "photograph")]
        for head in explanation.ranked_heads(label, ranking)[: options["top"]]:
            words = short_title(head, float(explanation.map_maxima[0, head]))
            panels.append(head_panel(explanation, label, head, words))
        panels.append(mean_panel(explanation, label, "mean of all"))
        maps = beside.maps(read_image(photograph.path), photograph, label)
        for method, words in beside.names.items():
            panels.append(Panel(explanation.photograph, words, maps[method]))
        rows.append(
            GridRow(f"{photograph.name}: {answer_words(explanation, photograph.label)}", panels)
        )
    heads = len(rows[0].panels) - 4
    figure = map_grid_figure(
        rows,
        Scale(own_maximum=True),
        groups=[
            ColumnGroup("", 1),
            ColumnGroup("INTR: head · largest weight", heads + 1),
            ColumnGroup("other methods", 2),
        ],
        width=inputs.width,
    )
    caption = " ".join(
        [
            f"INTR's heads beside Grad-CAM and RISE, all for the class {label}.",
            photographs_words(inputs, shown),
            f"Heads (the {heads} strongest of {seen[0].heads} in each photograph, numbered from 0) "
            f"are ranked by {ranking_words(ranking)}; above each map head and largest weight.",
            layer_words(seen[0]),
            beside.methods_words,
            own_scale_words(),
            model_words(inputs),
        ]
    )
    return Drawn(figure, caption)


FIGURE = PaperFigure(
    name="methods",
    title="The strongest heads beside Grad-CAM and RISE (like Figures 3 and 9)",
    order=20,
    draw=draw,
    options=(COUNT, Option("top", "Heads to show.", int, 3), PLAIN, MASKS, RANKING),
)
