"""Figure 1 of the paper: photographs of one class in rows, the heads of its query in columns."""

from __future__ import annotations

from intr_discover.exhibits.asking import (
    answer_words,
    explained,
    head_panel,
    mean_panel,
    one_class,
    ranking_of,
    strongest_heads,
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
    heads_words,
    layer_words,
    model_words,
    photographs_words,
    ranking_words,
    scale_words,
)
from intr_discover.figures.head_names import head_label
from intr_discover.figures.map_grid import GridRow, Scale, map_grid_figure
from intr_discover.figures.strips import Panel
from intr_discover.studies.study import Option


def draw(inputs: FigureInputs) -> Drawn:
    """Draw the heads of one class over several photographs of it.

    Returns
    -------
    Drawn
        Columns: the photograph, then the heads, those first whose map maximum (or peak) is largest
        on average over the photographs shown; one head keeps its column in all rows.
    """
    label = one_class(inputs)
    ranking, options = ranking_of(inputs), inputs.options
    shown = inputs.shown.of_class(label, options["count"], inputs.seed)
    seen = [explained(inputs.explainer, each, [label], layer=options["layer"]) for each in shown]
    heads = strongest_heads(seen, ranking, options["top"])
    rows = []
    for photograph, explanation in zip(shown, seen, strict=True):
        panels = [Panel(explanation.photograph)]
        panels += [head_panel(explanation, label, head) for head in heads]
        if options["mean"]:
            panels.append(mean_panel(explanation, label))
        rows.append(
            GridRow(f"{photograph.name}: {answer_words(explanation, photograph.label)}", panels)
        )
    headings = ["photo", *(head_label(inputs.names, label, head) for head in heads)]
    headings += ["mean of all"] if options["mean"] else []
    uniform = uniform_range(seen)
    figure = map_grid_figure(rows, Scale(uniform), headings=headings, width=inputs.width)
    largest = max(uniform[1], *(float(each.map_maxima[0, heads].max()) for each in seen))
    caption = " ".join(
        [
            f"Where the heads look for {label}: photographs in rows, heads in columns.",
            photographs_words(inputs, shown),
            heads_words(
                inputs, label, heads, f"ranked by their mean {ranking_words(ranking)} over the "
                "photographs shown",
            ),
            layer_words(seen[0]),
            scale_words(largest, uniform),
            model_words(inputs),
        ]
    )  # fmt: skip
    return Drawn(figure, caption)


FIGURE = PaperFigure(
    name="heads",
    title="Photographs of one class by its heads (like Figure 1)",
    order=10,
    draw=draw,
    options=(
        COUNT,
        Option("top", "Heads to show, the strongest; default all.", int),
        Option("mean", "Add the mean of all heads.", bool, False),
        LAYER,
        RANKING,
    ),
)
