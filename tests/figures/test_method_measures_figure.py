"""The figure of methods by measures: every number where it belongs, nothing beyond the edge."""

import pytest

from intr_discover.figures.method_measures import Interval, Measure, method_measures_figure
from tests.figures.test_transplant_figures import inside

LONG = "a method with a name that nobody would want to write down twice in one figure"


def dots(axes):
    return [
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]), line.get_color())
        for line in axes.lines
        if line.get_marker() == "o"
    ]


def test_dots_intervals_chance_and_missing_numbers():
    found = {"a": Interval(0.5, 0.4, 0.6), "c": Interval(0.2)}
    measure = Measure("hits", "higher", found, chance={"a": 0.3})
    titles = {"a": "INTR", "b": "other", "c": "third"}
    figure = method_measures_figure([measure], titles, own=["a"])
    (axes,) = figure.axes
    (first, at, own), (second, below, other) = dots(axes)
    assert [(first, at), (second, below)] == [(0.5, 0.0), (0.2, 2.0)]
    assert own != other
    assert [text.get_text() for text in axes.texts] == ["NA"]
    assert axes.texts[0].get_position()[1] == 1
    assert [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "|"] == [0.3]
    ends = [list(line.get_xdata()) for line in axes.lines if list(line.get_xdata()) == [0.4, 0.6]]
    assert len(ends) == 1
    assert axes.get_ylim() == (2.5, -0.5)  # the first method on top


@pytest.mark.parametrize("count", [1, 4, 5, 9])
def test_nothing_reaches_beyond_the_edge(count):
    titles = {str(number): LONG for number in range(3)}
    found = {name: Interval(0.001, 0.0, 123.4) for name in titles}
    figure = method_measures_figure([Measure(LONG, "lower", found)] * count, titles)
    assert len(figure.axes) == count
    assert inside(figure)
