"""Figure 6 of the paper: look-alikes asked among all classes, and among the two alone."""

from __future__ import annotations

from dataclasses import replace

from intr_discover.errors import UserError
from intr_discover.exhibits.asking import (
    answer_words,
    head_panel,
    mean_panel,
    short_title,
    uniform_range,
)
from intr_discover.exhibits.paper_figure import COUNT, Drawn, FigureInputs, PaperFigure
from intr_discover.exhibits.photographs import Photograph
from intr_discover.exhibits.words import (
    layer_words,
    model_words,
    photographs_words,
    ranking_words,
    scale_words,
)
from intr_discover.explain.maps import Explanation
from intr_discover.figures.map_grid import ColumnGroup, GridRow, Scale, map_grid_figure
from intr_discover.figures.strips import Panel
from intr_discover.studies.looking import reduced
from intr_discover.studies.pair_on_photograph import ask_twice, require_two
from intr_discover.studies.study import Option


def draw(inputs: FigureInputs) -> Drawn:
    """Draw photographs of two look-alikes, each above all asked widely, then of the two alone.

    Returns
    -------
    Drawn
        Two rows a photograph: all class queries, then those of the two. The heads are those that
        are strongest among all, in both rows.
    """
    first, second = pair_of(inputs)
    mode = inputs.options["mode"]
    if mode not in ("zero", "subset"):
        raise UserError(f"mode '{mode}' is unknown: use zero or subset")
    shown: list[tuple[Photograph, str]] = []
    for label in (first, second):
        if not inputs.shown.labels:
            break
        if label in inputs.shown.labels:
            count = inputs.options["count"]
            shown += [(p, label) for p in inputs.shown.of_class(label, count, inputs.seed)]
    if not inputs.shown.labels:
        shown = [(p, first) for p in inputs.shown.listed]
    if not shown:
        raise UserError(f"there is no photograph of {first} or {second}")
    rows, asked, moved = [], [], []
    for photograph, label in shown:
        both = ask_twice(inputs.explainer, photograph.path, label, (first, second), mode)
        moved.append(float(both.moved.mean()))
        heads = both.among_all.ranked_heads(label)[: inputs.options["top"]]
        for explanation, words in (
            (both.among_all, f"all {len(inputs.explainer.classes)} classes"),
            (both.among_two, "these two only"),
        ):
            small = replace(explanation, photograph=reduced(explanation.photograph))
            asked.append(small)
            answer = answer_words(small, photograph.label)
            rows.append(
                GridRow(f"{photograph.name} · {words}: {answer}", _panels(small, label, heads))
            )
    uniform = uniform_range(asked)
    columns = len(rows[0].panels)
    figure = map_grid_figure(
        rows,
        Scale(uniform),
        groups=[
            ColumnGroup("", 1),
            ColumnGroup("head · largest weight", columns - 2),
            ColumnGroup("", 1),
        ],
        width=inputs.width,
    )
    layers = asked[0].layers
    same = (
        " With a single decoder layer queries have exchanged nothing before they look: the maps of "
        "both rows are the same by construction, and only the answers can differ."
        if layers == 1
        else ""
    )
    others = "set to zero" if mode == "zero" else "left out"
    how = f"{inputs.options['top'] if inputs.options['top'] else 'all'}"
    caption = " ".join(
        [
            f"{first} and {second}: every photograph asked among all "
            f"{len(inputs.explainer.classes)} classes (upper row) and among these two alone (lower "
            f"row; the other query vectors {others}).{same}",
            photographs_words(inputs, [photograph for photograph, _ in shown]),
            f"Heads of the query of the photograph's own class, numbered from 0: the strongest "
            f"({how}) by {ranking_words('maximum')} among all classes, the same heads below.",
            f"Share of the attention that moved, mean of all heads and n = {len(moved)} "
            f"photographs: {sum(moved) / len(moved):.2f} (total variation distance).",
            layer_words(asked[0]),
            scale_words(max(float(each.maps.max()) for each in asked), uniform),
            model_words(inputs),
        ]
    )
    return Drawn(figure, caption)


def pair_of(inputs: FigureInputs) -> tuple[str, str]:
    """Return the two classes that were asked for, or the collection's first pair of look-alikes.

    Raises
    ------
    UserError
        If there are not two, or the model does not know them.
    """
    if len(inputs.classes) == 2:
        first, second = inputs.classes
    elif inputs.classes:
        raise UserError(f"a pair needs two classes: give --class twice, not {len(inputs.classes)}"
                        " times")  # fmt: skip
    else:
        specimens = None if inputs.photographs is None else inputs.photographs.specimens
        if specimens is None or specimens.pairs is None or not len(specimens.pairs):
            raise UserError("nobody said which are the look-alikes: give --class twice")
        first, second = specimens.pairs[["label_a", "label_b"]].iloc[0]
    require_two(first, second)
    inputs.explainer.class_ids([first, second])
    return str(first), str(second)


def _panels(explanation: Explanation, label: str, heads: list[int]) -> list[Panel | None]:
    panels: list[Panel | None] = [Panel(explanation.photograph, "photograph")]
    for head in heads:
        words = short_title(head, float(explanation.map_maxima[0, head]))
        panels.append(head_panel(explanation, label, head, words))
    return [*panels, mean_panel(explanation, label, "mean of all")]


FIGURE = PaperFigure(
    name="restricted",
    title="Two look-alikes, asked among all classes and among the two (like Figure 6)",
    order=50,
    draw=draw,
    options=(
        replace(COUNT, help="Photographs of each of the two.", default=1),
        Option("top", "Heads to show.", int, 4),
        Option("mode", "Other queries: zero or subset (left out).", str, "zero"),
    ),
)
