"""Curves, scores and the randomisation check: what is drawn is what the tables say."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from intr_discover.figures import style
from intr_discover.figures.faithfulness import curves_figure, randomisation_figure, scores_figure

NAMES = {"intr_mean": "INTR, mean of heads", "rise": "RISE", "random": "random map"}


def curves(methods=("intr_mean", "random"), kinds=("insertion", "deletion"), n=4):
    rows = [
        {"curve": curve, "method": method, "share": share, "probability": 0.2 + 0.5 * share,
         "low": 0.1 if n > 1 else math.nan, "high": 0.9 if n > 1 else math.nan, "n": n}
        for curve in kinds
        for method in methods
        for share in (0.0, 0.5, 1.0)
    ]  # fmt: skip
    return pd.DataFrame(rows)


def methods_table(**columns):
    table = {"method": list(NAMES), "name": list(NAMES.values()), "n": [4, 1, 4]}
    for measure in ("insertion", "deletion", "srg", "pointing", "lift"):
        table[measure] = [0.5, 0.4, 0.3]
        table[f"{measure}_low"] = [0.4, math.nan, 0.0]
        table[f"{measure}_high"] = [0.6, math.nan, 0.5]
    return pd.DataFrame({**table, **columns})


def inside(figure):
    """Assert that no text is cut off at the figure's edge."""
    with style.journal_style():
        figure.draw_without_rendering()  # labels find their places only now
    renderer = figure.canvas.get_renderer()
    width, height = figure.bbox.width, figure.bbox.height
    for text in figure.findobj(Text):
        if text.get_text().strip() and text.get_visible():
            box = text.get_window_extent(renderer)
            assert box.x0 > -1 and box.y0 > -1, text.get_text()
            assert box.x1 < width + 1 and box.y1 < height + 1, text.get_text()


def test_curves_are_those_of_the_table():
    figure = curves_figure(curves(), NAMES)
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    assert [axes.get_title(loc="left").split("\n")[0] for axes in panels] == [
        "Insertion",
        "Deletion (MoRF)",
    ]
    (line,) = [line for line in panels[0].lines if line.get_gid() == "intr_mean"]
    np.testing.assert_allclose(line.get_ydata(), [0.2, 0.45, 0.7])
    assert len(panels[0].collections) == 2  # two bands
    words = {text.get_text() for text in figure.texts}
    assert words == {"INTR, mean of heads (n = 4)", "random map (n = 4)"}
    assert style.size_mm(figure)[0] == pytest.approx(style.DOUBLE_COLUMN_MM)
    inside(figure)


def test_one_photograph_has_no_band():
    figure = curves_figure(curves(n=1), NAMES)
    assert all(not axes.collections for axes in figure.axes)


def test_all_methods_and_curves_fit():
    from intr_discover.studies.saliency_methods import METHODS

    inside(curves_figure(curves(tuple(METHODS), ("insertion", "deletion", "lerf")), METHODS))


def test_scores_are_those_of_the_table():
    figure = scores_figure(methods_table())
    assert len(figure.axes) == 5
    points = [line for line in figure.axes[0].lines if line.get_marker() == "o"]
    assert [float(line.get_xdata()[0]) for line in points] == [0.5, 0.4, 0.3]
    inside(figure)


def test_measures_without_numbers_have_no_panel():
    unknown = [math.nan] * 3
    figure = scores_figure(methods_table(pointing=unknown, lift=unknown, srg=unknown))
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert [title.split(",")[0] for title in titles] == ["insertion", "deletion"]


def test_a_lift_of_0_is_drawn_at_the_edge():
    figure = scores_figure(methods_table(lift=[0.0, 3.0, 300.0], lift_low=[0.0, math.nan, 100.0]))
    lift = figure.axes[-1]
    points = [line for line in lift.lines if line.get_marker() == "o"]
    assert [float(line.get_xdata()[0]) for line in points] == [0.1, 3.0, 300.0]
    assert lift.get_xlim()[1] > 300
    inside(figure)


@pytest.mark.parametrize("count", [2, 30])
def test_layers_stand_in_their_order(count):
    layers = [f"a layer with a long name {place}" for place in range(count)]
    table = pd.DataFrame(
        [
            {"step": step, "layer": layer, "method": method, "correlation": 0.5 / step,
             "low": 0.0, "high": 0.9, "n": 4}
            for step, layer in enumerate(layers, 1)
            for method in ("intr_mean", "random")
        ]
    )  # fmt: skip
    figure = randomisation_figure(table, NAMES)
    (axes,) = [axes for axes in figure.axes if axes.get_ylabel()]
    (line,) = [line for line in axes.lines if line.get_gid() == "intr_mean"]
    expected = [1, *(0.5 / step for step in range(1, count + 1))]
    np.testing.assert_allclose(line.get_ydata(), expected)
    inside(figure)
