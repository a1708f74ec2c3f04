"""Strips of panels: one scale, marks in their place, nothing cut off."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.text import Text

from intr_discover.figures import overlay, style
from intr_discover.figures.strips import Panel, Strip, strips_figure, strips_on_a_page

LONG = "Heliconius melpomene thelxiopeia × Heliconius elevatus pseudocupidineus, dorsal, 2019"


def photograph(height=40, width=60):
    return np.full((height, width, 3), 128, np.uint8)


def heatmap(largest, height=40, width=60):
    weights = np.zeros((height, width), np.float32)
    weights[10:20, 10:30] = largest
    return weights


def panels_of(figure):
    return [axes for axes in figure.axes if axes.get_gid() in ("photograph", "head map")]


def test_one_scale_for_all_panels():
    strips = [
        Strip("a", [Panel(photograph()), Panel(photograph(), "", heatmap(0.4))]),
        Strip("b", [Panel(photograph()), Panel(photograph(), "", heatmap(0.1))]),
    ]
    figure = strips_figure(strips, uniform=0.01)
    _, strong, _, weak = panels_of(figure)
    grey = overlay.grey_tones(photograph(1, 1))
    for axes, weight in ((strong, 0.4), (weak, 0.1)):
        picture = axes.images[0].get_array()
        rows, columns = picture.shape[:2]
        shown = picture[round(rows * 15 / 40), round(columns * 20 / 60)]
        expected = overlay.blend(grey, np.full((1, 1), weight, np.float32), 0.4)[0, 0]
        assert np.abs(shown.astype(int) - expected).max() <= 1


def test_the_scale_reaches_the_weight_that_titles_name():
    panel = Panel(photograph(), "max 0.5", heatmap(0.4), largest=0.5)
    (bar,) = [a for a in strips_figure([Strip("a", [panel])], uniform=0.01).axes
              if a.get_gid() == "colour bar"]  # fmt: skip
    assert bar.get_xticklabels()[-1].get_text() == "0.5"


def test_marks_stand_where_the_peaks_are():
    points = [(0.25, 0.1), (0.5, 0.5), (1.0, 1.0)]
    figure = strips_figure([Strip("a", [Panel(photograph(), "", None, None, points)])], uniform=0.1)
    (axes,) = panels_of(figure)
    marks = {line.get_gid(): line for line in axes.lines}
    assert set(marks) == {"peak 1", "peak 2", "peak 3"}
    for place, (x, y) in enumerate(points, 1):
        line = marks[f"peak {place}"]
        shown = line.get_transform().transform((line.get_xdata()[0], line.get_ydata()[0]))
        # Place within the panel, in shares from its upper left corner.
        box = axes.get_window_extent()
        assert (shown[0] - box.x0) / box.width == pytest.approx(x)
        assert (box.y1 - shown[1]) / box.height == pytest.approx(y)
    sizes = [marks[f"peak {place}"].get_markersize() for place in (1, 2, 3)]
    assert sizes == sorted(sizes)  # rings round the dot, so that peaks in one cell stay visible


def test_an_outline_lies_on_its_region():
    mask = np.zeros((40, 60), bool)
    mask[10:20, 30:45] = True
    figure = strips_figure([Strip("a", [Panel(photograph(), outline=mask)])], uniform=0.1)
    (axes,) = panels_of(figure)
    (lines,) = axes.collections
    x, y = np.concatenate([path.vertices for path in lines.get_paths()]).T
    rows, columns = axes.images[0].get_array().shape[:2]
    # Pixel edges 30 and 45 of 60, 10 and 20 of 40, within half a pixel of the mask.
    assert (x.min() + 0.5) / columns == pytest.approx(30 / 60, abs=0.5 / 60)
    assert (x.max() + 0.5) / columns == pytest.approx(45 / 60, abs=0.5 / 60)
    assert (y.min() + 0.5) / rows == pytest.approx(10 / 40, abs=0.5 / 40)
    assert (y.max() + 0.5) / rows == pytest.approx(20 / 40, abs=0.5 / 40)


@pytest.mark.parametrize("shape", [(40, 60), (120, 30), (30, 200)])
@pytest.mark.parametrize(("count", "blocks"), [(1, 1), (5, 2), (6, 2)])
def test_nothing_lies_outside_and_no_panels_overlap(shape, count, blocks):
    panel = Panel(photograph(*shape), LONG, heatmap(0.2)[: shape[0], : shape[1]])
    figure = strips_figure(
        [Strip(LONG, [panel] * 3)] * count, uniform=0.01, blocks=blocks, legend=LONG * 3
    )
    assert style.size_mm(figure)[0] == pytest.approx(style.DOUBLE_COLUMN_MM)
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    for text in figure.findobj(Text):
        if text.get_text() and text.get_visible():
            box = text.get_window_extent()
            assert box.x0 >= -0.5 and box.y0 >= -0.5, text.get_text()
            assert box.x1 <= width + 0.5 and box.y1 <= height + 0.5, text.get_text()
    boxes = [axes.get_position() for axes in panels_of(figure)]
    assert len(boxes) == 3 * count
    for number, one in enumerate(boxes):
        # A photograph keeps its shape.
        wide, high = style.size_mm(figure)
        shown = (one.width * wide) / (one.height * high)
        assert shown == pytest.approx(shape[1] / shape[0], rel=1e-6)
        for other in boxes[:number]:
            apart = one.x0 >= other.x1 or other.x0 >= one.x1
            assert apart or one.y0 >= other.y1 or other.y0 >= one.y1


@pytest.mark.parametrize("aspect", [0.5, 1.0, 1.5, 4.0])
def test_what_fits_on_a_page_fits(aspect):
    count = strips_on_a_page(aspect, panels=4, blocks=2, titled=True)
    panel = Panel(photograph(100, round(100 * aspect)), "p = 0.94")
    figure = strips_figure([Strip("a", [panel] * 4)] * count, uniform=0.01, blocks=2)
    assert style.size_mm(figure)[1] <= 225 + 1e-6
    assert count % 2 == 0 and count >= 2
