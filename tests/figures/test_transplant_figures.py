"""Figures of transplants: what stands in them, that nothing reaches beyond the edge."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from intr_discover.figures.style import journal_style
from intr_discover.figures.transplants import Given, Shown, forest_figure, transplant_figure

LONG = "Heliconius melpomene rosina var. maximiliana ssp. nov. (Boisduval, 1870) × cydno galanthus"


def given(label="ant", mate="bee", shape=(40, 56), control=(0.9, 0.1)):
    generator = np.random.default_rng(0)
    pictures = [generator.integers(0, 255, (*shape, 3), dtype=np.uint8) for _ in range(4)]
    region = np.zeros(shape, dtype=bool)
    region[shape[0] // 4 : shape[0] // 2, shape[1] // 4 : shape[1] // 2] = True
    answers = [mate, label, mate, label]
    return Given(label, mate, pictures, answers, region, None, [(1.0, 0.0), (0.2, 0.8), control])


def inside(figure):
    with journal_style():
        figure.canvas.draw()
        seen = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    return seen.x0 >= 0 and seen.y0 >= 0 and seen.x1 <= width and seen.y1 <= height


def bars(figure):
    return [patch.get_width() for axes in figure.axes for patch in axes.patches
            if patch.get_gid() == "probability"]  # fmt: skip


def outlined(figure):
    pictures = [axes for axes in figure.axes if axes.get_gid() == "picture"]
    return [bool(axes.collections) for axes in pictures]


def test_bars_are_the_probabilities_of_both_species():
    figure = transplant_figure(Shown("ant", "bee", [given()]))
    assert bars(figure) == [1.0, 0.2, 0.9, 0.0, 0.8, 0.1]
    assert outlined(figure) == [False, True, True, True]
    known = given().__class__(**(vars(given()) | {"donor_region": given().region}))
    assert outlined(transplant_figure(Shown("ant", "bee", [known]))) == [True] * 4


def test_without_a_control_there_is_no_bar_for_it():
    figure = transplant_figure(Shown("ant", "bee", [given(control=(np.nan, np.nan))]))
    assert bars(figure) == [1.0, 0.2, 0.0, 0.8]


@pytest.mark.parametrize("shape", [(40, 56), (30, 200), (200, 30), (3, 3)])
def test_long_names_and_odd_shapes_stay_on_the_page(shape):
    one, other = given(LONG, LONG + " b", shape), given(LONG + " b", LONG, shape)
    assert inside(transplant_figure(Shown(LONG, LONG + " b", [one, other])))


def test_directions_without_numbers_leave_their_line():
    table = pd.DataFrame(
        [("ant", "bee", 3, 1.0, 2.0, 1.0, 3.0), (LONG, "ant", 0, np.nan, np.nan, np.nan, np.nan)],
        columns=["label", "mate", "n", "to_mate", "difference", "low", "high"],
    )
    figure = forest_figure(table)
    assert inside(figure)
    ticks = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert ticks[0].endswith("(3 of 3)") and ticks[1].endswith("(none)")
