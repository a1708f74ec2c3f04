"""Figure 8 of the paper: one photograph, candidate classes in rows, ways to explain in columns."""

from __future__ import annotations

import numpy as np

from intr_discover.data.images import read_image
from intr_discover.exhibits.asking import answer_words, chance_words, explained, mean_panel
from intr_discover.exhibits.beside import MASKS, PLAIN, Beside
from intr_discover.exhibits.paper_figure import Drawn, FigureInputs, PaperFigure
from intr_discover.exhibits.photographs import Photograph
from intr_discover.exhibits.words import layer_words, model_words, own_scale_words
from intr_discover.explain.maps import Explanation
from intr_discover.figures.map_grid import GridRow, Scale, map_grid_figure
from intr_discover.figures.strips import Panel
from intr_discover.studies.looking import reduced
from intr_discover.studies.study import Option


def draw(inputs: FigureInputs) -> Drawn:
    """Draw what speaks for each candidate class in one photograph, by three methods.

    Returns
    -------
    Drawn
        Rows: the classes asked for, or the most probable ones. Columns: an example of the class,
        the mean map of INTR's heads, Grad-CAM and RISE of the photograph in question.
    """
    beside = Beside(inputs)
    asked = inputs.shown.any_class(1, inputs.seed)[0]
    answer = explained(inputs.explainer, asked)
    candidates = list(inputs.classes) or _most_probable(answer, inputs.options["top"])
    inputs.explainer.class_ids(candidates)
    explanation = explained(inputs.explainer, asked, candidates)
    pixels = read_image(asked.path)
    rows, examples = [], []
    for place, label in enumerate(candidates):
        example = _example(inputs, label, asked)
        examples.append(example)
        panels = [
            Panel(explanation.photograph) if place == 0 else None,
            None if example is None else Panel(reduced(read_image(example.path))),
            mean_panel(explanation, label),
        ]
        maps = beside.maps(pixels, asked, label)
        panels += [Panel(explanation.photograph, "", maps[method]) for method in beside.names]
        chance = float(explanation.probabilities[explanation.competing.index(label)])
        truth = ", true class" if label == asked.label else ""
        rows.append(GridRow(f"{label} ({chance_words(chance)}{truth})", panels))
    headings = ["photograph in question", "example of the class", "INTR, mean of heads",
                *beside.names.values()]  # fmt: skip
    figure = map_grid_figure(rows, Scale(own_maximum=True), headings=headings, width=inputs.width)
    drawn = [example.name for example in examples if example is not None]
    true = "" if asked.label is None else f" (true class {asked.label})"
    caption = " ".join(
        [
            f"What speaks for each of {len(candidates)} candidate classes in one photograph, "
            f"{asked.name}{true}: {answer_words(explanation, asked.label)}.",
            "Rows: "
            + ("the classes that were named." if inputs.classes else "the most probable classes."),
            f"Examples, drawn at random, seed {inputs.seed}: {', '.join(drawn)}."
            if drawn
            else "No examples of the classes were given.",
            f"INTR: mean of all {explanation.heads} heads of the class's query.",
            layer_words(explanation),
            beside.methods_words,
            own_scale_words(),
            model_words(inputs),
        ]
    )
    return Drawn(figure, caption)


def _most_probable(explanation: Explanation, count: int) -> list[str]:
    order = np.argsort(-explanation.logits, kind="stable")[:count]
    return [explanation.competing[place] for place in order]


def _example(inputs: FigureInputs, label: str, asked: Photograph) -> Photograph | None:
    """Return another photograph of a class from the whole collection; None where there is none."""
    others = [
        each for each in inputs.shown.collection if each.label == label and each.path != asked.path
    ]
    if not others:
        return None
    return others[int(np.random.default_rng(inputs.seed).integers(len(others)))]


FIGURE = PaperFigure(
    name="class_methods",
    title="Candidate classes by ways to explain, on one photograph (like Figure 8)",
    order=70,
    draw=draw,
    options=(Option("top", "Candidate classes, the most probable.", int, 4), PLAIN, MASKS),
)
