"""Two look-alikes measured: marks of the colour they stand for, at the place they stand for."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from intr_discover.figures.measurements import Dots, measurements_figure

INSIDE = np.ones((10, 6), dtype=bool)


def dots(label, count, seed=0, **values):
    generator = np.random.default_rng(seed)
    drawn = {
        "lightness": generator.uniform(30, 70, count),
        "a": generator.uniform(-20, 40, count),
        "b": generator.uniform(-20, 40, count),
        "x": generator.uniform(0, 1, count),
        "y": generator.uniform(0, 1, count),
    }
    return Dots(label, **(drawn | {key: np.array(value) for key, value in values.items()}))


def panel(figure, gid):
    return next(axes for axes in figure.axes if axes.get_gid() == gid)


def marks(axes):
    return [each for each in axes.collections if each.get_gid() != "landmarks"]


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def test_marks_have_the_colour_and_the_place_that_they_stand_for():
    red = {"lightness": [53.24], "a": [80.09], "b": [67.2], "x": [0.5], "y": [0.25]}
    figure = measurements_figure([dots("ant", 1, **red), dots("bee", 4)], "head 0", INSIDE, [], "w")
    of_red = marks(panel(figure, "colour"))[0]
    assert np.allclose(of_red.get_facecolors()[0][:3], to_rgb("red"), atol=0.01)
    assert np.allclose(of_red.get_offsets(), [(80.09, 67.2)])
    assert np.allclose(marks(panel(figure, "place"))[0].get_offsets(), [(3.0, 2.5)])
    assert len(marks(panel(figure, "colour"))[1].get_offsets()) == 4


def test_landmarks_lie_in_cells_whose_first_centre_is_0():
    figure = measurements_figure(
        [dots("ant", 3), dots("bee", 3)], "head 0", INSIDE, [(0.0, 0.0), (5.0, 9.0)], "w"
    )
    axes = panel(figure, "place")
    drawn = [each for each in axes.collections if each.get_gid() == "landmarks"]
    assert np.allclose(drawn[0].get_offsets(), [(0.5, 0.5), (5.5, 9.5)])
    assert axes.get_xlim() == (0, 6) and axes.get_ylim() == (10, 0)


def test_what_has_no_place_or_no_colour_is_left_out_of_that_panel():
    nowhere = dots("ant", 3, x=[np.nan, 0.5, np.nan])
    colourless = dots("bee", 2, lightness=[np.nan, np.nan])
    figure = measurements_figure([nowhere, colourless], "head 0", INSIDE, [], "w")
    assert [len(each.get_offsets()) for each in marks(panel(figure, "colour"))] == [3]
    assert [len(each.get_offsets()) for each in marks(panel(figure, "place"))] == [1]


def test_long_names_stay_on_the_figure():
    long = "Heliconius melpomene rosina var. latifasciata of the eastern slope"
    figure = measurements_figure(
        [dots(long, 2), dots(long + " II", 2)], f"head 7 of the query {long}", INSIDE, [], "words"
    )
    figure.canvas.draw()
    width = figure.bbox.width
    for text in figure.texts:
        assert text.get_window_extent().x1 <= width, text.get_text()
    title, searcher = (text.get_text() for text in figure.texts[:2])
    assert "(discs) and" in title and title.endswith("(triangles)")
    assert searcher.startswith("head 7 of the query") and searcher.endswith("; words")


def test_equal_colours_are_not_blown_up():
    same = {"lightness": [50.0] * 3, "a": [1.0] * 3, "b": [2.0] * 3}
    figure = measurements_figure([dots("ant", 3, **same)] * 2, "head 0", INSIDE, [], "w")
    assert np.ptp(panel(figure, "colour").get_xlim()) >= 10
