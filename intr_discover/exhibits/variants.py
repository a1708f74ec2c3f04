"""Figure 7 of the paper: two models side by side on the same photographs, INTR and INTR-FC say."""

from __future__ import annotations

from dataclasses import replace

from intr_discover.errors import UserError
from intr_discover.exhibits.asking import (
    answer_words,
    explained,
    head_panel,
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
    model_words,
    photographs_words,
    ranking_words,
    scale_words,
)
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.maps import Explanation
from intr_discover.figures.map_grid import ColumnGroup, GridRow, Scale, map_grid_figure
from intr_discover.figures.panels import short_number
from intr_discover.figures.strips import Panel
from intr_discover.model.intr import INTR
from intr_discover.studies.judge import load_run
from intr_discover.studies.study import Option

_KINDS = {"intr": "INTR", "intr-fc": "INTR-FC"}


def draw(inputs: FigureInputs) -> Drawn:
    """Draw the strongest heads of two models for one class, on the same photographs.

    Returns
    -------
    Drawn
        A head keeps its column in all rows: columns that show one thing are consistent, columns
        that differ from each other are distinct. Where the two grids of cells differ, weights are
        given in units of even attention.

    Raises
    ------
    UserError
        If no other model is named, or it does not know the class.
    """
    options, ranking = inputs.options, ranking_of(inputs)
    if options["against"] is None:
        raise UserError("a second run is needed to compare with: give --against RUN")
    other = load_run(
        "against", options["against"], inputs.explainer.device, inputs.explainer.precision
    )
    label = one_class(inputs)
    other.class_ids([label])
    shown = inputs.shown.of_class(label, options["count"], inputs.seed)
    models = [inputs.explainer, other]
    seen = [
        [explained(model, each, [label], layer=options["layer"]) for each in shown]
        for model in models
    ]
    chosen = [strongest_heads(each, ranking, options["top"]) for each in seen]
    alike = uniform_range(seen[0]) == uniform_range(seen[1])
    rows = []
    for place, photograph in enumerate(shown):
        panels = [Panel(seen[0][place].photograph)]
        for of_model, heads in zip(seen, chosen, strict=True):
            panels += [_panel(of_model[place], label, head, alike) for head in heads]
        answers = " · ".join(
            f"{side}: {answer_words(of_model[place], photograph.label)}"
            for side, of_model in zip(("left", "right"), seen, strict=True)
        )
        rows.append(GridRow(f"{photograph.name} · {answers}", panels))
    uniform = uniform_range([*seen[0], *seen[1]])
    scale = Scale(uniform) if alike else Scale((1.0, 1.0), "attention in units of even attention")
    names = _names(models)
    headings = ["photo", *(f"head {head}" for heads in chosen for head in heads)]
    figure = map_grid_figure(
        rows,
        scale,
        headings=headings,
        groups=[ColumnGroup("", 1)]
        + [ColumnGroup(name, len(heads)) for name, heads in zip(names, chosen, strict=True)],
        width=inputs.width,
    )
    caption = " ".join(
        [
            f"{names[0]} (left) and {names[1]} (right) on the same photographs, query of {label}.",
            photographs_words(inputs, shown),
            f"Heads numbered from 0, ranked for each model by their mean {ranking_words(ranking)} "
            "over the photographs shown; head numbers of two models have nothing to do with each "
            "other.",
            *(
                f"{name}: decoder layer {of_model[0].layer + 1} of {of_model[0].layers}."
                for name, of_model in zip(names, seen, strict=True)
            ),
            _scale_words(seen, chosen, uniform, alike),
            *(model_words(replace(inputs, explainer=model)) for model in models),
        ]
    )
    return Drawn(figure, caption)


def _names(models: list[Explainer]) -> list[str]:
    """Return what the two models are called: by their kind, or by their run where that is one."""
    kinds = [_KINDS[m.model.config.kind] if isinstance(m.model, INTR) else "plain" for m in models]
    if kinds[0] != kinds[1]:
        return kinds
    return [f"{kind} {model.source}" for kind, model in zip(kinds, models, strict=True)]


def _panel(explanation: Explanation, label: str, head: int, alike: bool) -> Panel:
    panel = head_panel(explanation, label, head)
    if alike:
        return panel
    assert panel.heatmap is not None and panel.largest is not None
    cells = explanation.maps[0, 0].size
    return replace(panel, heatmap=panel.heatmap * cells, largest=panel.largest * cells)


def _scale_words(
    seen: list[list[Explanation]],
    chosen: list[list[int]],
    uniform: tuple[float, float],
    alike: bool,
) -> str:
    def largest(times_cells: bool) -> float:
        return max(
            float(each.map_maxima[0, heads].max()) * (each.maps[0, 0].size if times_cells else 1)
            for of_model, heads in zip(seen, chosen, strict=True)
            for each in of_model
        )

    if alike:
        return scale_words(max(uniform[1], largest(False)), uniform)
    return (
        "The two models see the photographs in cells of different number, so weights are given in "
        "units of even attention (1: as if the head looked everywhere alike), on one scale for all "
        f"maps, square root, from 0 to {short_number(max(1.0, largest(True)))}. White line: half "
        "of a map's own maximum."
    )


FIGURE = PaperFigure(
    name="variants",
    title="Two runs on the same photographs, such as INTR and INTR-FC (like Figure 7)",
    order=60,
    draw=draw,
    options=(
        Option("against", "The run to compare with."),
        COUNT,
        Option("top", "Heads of each model to show.", int, 4),
        LAYER,
        RANKING,
    ),
)
