"""The page of two look-alikes and the matrix of classes: what is drawn, and that words fit."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import LineCollection

from intr_discover.figures import style
from intr_discover.figures.class_matrix import class_matrix_figure
from intr_discover.figures.pair_sheet import Difference, PairSheet, pair_sheet_figure

LONG = "Heliconius melpomene subspecies with a very long name number "


def sheet(rows=6, columns=4, **changes):
    generator = np.random.default_rng(0)
    maps = generator.gamma(1.0, 1.0, (2, rows, columns))
    maps[:, 0, 0] = np.nan
    significant = np.zeros((rows, columns), dtype=bool)
    significant[2, 1:3] = True
    values = {
        "names": (LONG + "1", "B"),
        "pictures": (generator.integers(0, 255, (60, 40, 3), dtype=np.uint8), None),
        "maps": (maps[0], maps[1]),
        "titles": ("mean map (n = 4)", "mean map (n = 5)"),
        "differences": [Difference(name, maps[0] - maps[1], significant) for name in "abc"],
        "region": None,
        "margins": (generator.normal(size=(4, 3)), np.zeros((0, 3))),
        "numbers": [("words " * 10, "0 % (0–28)")] * 12,
        "legend": "legend " * 60,
    }
    return PairSheet(**{**values, **changes})


def texts_inside(figure):
    figure.canvas.draw()
    width, height = figure.bbox.width, figure.bbox.height
    for text in figure.findobj(lambda each: hasattr(each, "get_text")):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            if box.width:
                assert box.x0 >= -1 and box.x1 <= width + 1, text.get_text()
                assert box.y0 >= -1 and box.y1 <= height + 1, text.get_text()


@pytest.mark.parametrize("shape", [(6, 4), (4, 12), (24, 18), (32, 8)])
def test_a_page_of_any_shape_of_frame(shape):
    figure = pair_sheet_figure(sheet(*shape))
    texts_inside(figure)
    width, height = style.size_mm(figure)
    assert width == pytest.approx(style.DOUBLE_COLUMN_MM) and height <= style.PAGE_HEIGHT_MM


def test_significant_cells_have_one_line_round_them():
    figure = pair_sheet_figure(sheet())
    (axes,) = [axes for axes in figure.axes if axes.get_gid() == "a"]
    (lines,) = [each for each in axes.collections if isinstance(each, LineCollection)]
    # Two cells side by side: six edges outside, none between them.
    edges = {tuple(map(tuple, segment.tolist())) for segment in lines.get_segments()}
    assert len(edges) == 6
    assert ((1.5, 1.5), (1.5, 2.5)) not in edges
    assert ((0.5, 1.5), (0.5, 2.5)) in edges and ((2.5, 1.5), (2.5, 2.5)) in edges


def test_maps_share_a_scale_and_so_do_differences():
    figure = pair_sheet_figure(sheet())
    limits = {axes.get_gid(): axes.images[0].get_clim() for axes in figure.axes if axes.images
              and axes.get_gid()}  # fmt: skip
    assert limits["mean map (n = 4)"] == limits["mean map (n = 5)"]
    assert limits["a"] == limits["b"] == limits["c"] == (-limits["a"][1], limits["a"][1])


def test_nothing_to_show_is_still_a_page():
    nothing = np.full((6, 4), np.nan)
    empty = Difference("d", nothing, np.zeros((6, 4), dtype=bool), "too few photographs")
    figure = pair_sheet_figure(
        sheet(maps=(nothing, nothing), differences=[empty] * 3, pictures=(None, None),
              margins=(np.zeros((0, 3)),) * 2)
    )  # fmt: skip
    texts_inside(figure)


@pytest.mark.parametrize("classes", [2, 3, 16, 100, 200])
def test_a_matrix_of_any_size(classes):
    generator = np.random.default_rng(0)
    values = generator.normal(size=(classes, classes))
    names = [f"{LONG}{number}" for number in range(classes)]
    figure = class_matrix_figure(names, values, np.abs(values), [(0, 1)])
    texts_inside(figure)
    assert style.size_mm(figure)[1] <= style.PAGE_HEIGHT_MM
    named = [label for label in figure.axes[0].get_yticklabels() if label.get_text()]
    boxes = sorted(label.get_window_extent().y0 for label in named)
    tall = named[0].get_window_extent().height
    assert min(np.diff(boxes)) >= 0.6 * tall  # names do not run into each other


def test_equal_values_are_drawn():
    flat = np.ones((3, 3))
    assert class_matrix_figure(["a", "b", "c"], flat, flat).axes
