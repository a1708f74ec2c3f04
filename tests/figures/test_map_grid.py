"""Grids of photographs and maps: one scale, sizes in mm, no text on another."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.errors import UserError
from intr_discover.figures import overlay, style
from intr_discover.figures.map_grid import ColumnGroup, GridRow, Scale, map_grid_figure
from intr_discover.figures.strips import Panel
from tests.figures.text_boxes import axes_of, require_no_overlap, texts_of

LONG = "Heliconius melpomene thelxiopeia × Heliconius elevatus pseudocupidineus, dorsal, 2019"


def photograph(height=40, width=60):
    return np.full((height, width, 3), 128, np.uint8)


def weights(largest, height=40, width=60):
    values = np.zeros((height, width), np.float32)
    values[10:20, 10:30] = largest
    return values


def colour_at(axes, row=15 / 40, column=20 / 60):
    picture = axes.images[0].get_array()
    rows, columns = picture.shape[:2]
    return picture[round(rows * row), round(columns * column)].astype(int)


def blended(weight, scale):
    grey = overlay.grey_tones(photograph(1, 1))
    return overlay.blend(grey, np.full((1, 1), weight, np.float32), scale)[0, 0].astype(int)


def test_one_scale_for_all_maps():
    rows = [
        GridRow("a", [Panel(photograph()), Panel(photograph(), "", weights(0.4))]),
        GridRow("b", [Panel(photograph()), Panel(photograph(), "", weights(0.1))]),
    ]
    figure = map_grid_figure(rows, Scale((0.01, 0.01)))
    strong, weak = axes_of(figure, "head map")
    assert np.abs(colour_at(strong) - blended(0.4, 0.4)).max() <= 1
    assert np.abs(colour_at(weak) - blended(0.1, 0.4)).max() <= 1
    (bar,) = axes_of(figure, "colour bar")
    assert bar.get_xticklabels()[-1].get_text() == "0.4"
    assert "uniform = 0.01" in bar.get_xlabel().replace("\n", " ")


def test_own_maxima_make_maps_of_other_units_comparable():
    rows = [GridRow("a", [Panel(photograph(), "", weights(0.4)),
                          Panel(photograph(), "", weights(70.0))])]  # fmt: skip
    figure = map_grid_figure(rows, Scale(own_maximum=True))
    for axes in axes_of(figure, "head map"):
        assert np.abs(colour_at(axes) - blended(1.0, 1.0)).max() <= 1
    (bar,) = axes_of(figure, "colour bar")
    assert bar.get_xticklabels()[-1].get_text() == "1"
    assert "share of the map's own maximum" in bar.get_xlabel().replace("\n", " ")


def test_a_map_of_zeros_stays_grey_with_its_own_maximum():
    figure = map_grid_figure(
        [GridRow("a", [Panel(photograph(), "", weights(0.0))])], Scale(own_maximum=True)
    )
    (axes,) = axes_of(figure, "head map")
    assert np.abs(colour_at(axes) - blended(0.0, 1.0)).max() <= 1


def test_grids_of_different_cells_name_both_uniform_weights():
    figure = map_grid_figure(
        [GridRow("", [Panel(photograph(), "", weights(0.4))])], Scale((0.01, 0.02))
    )
    (bar,) = axes_of(figure, "colour bar")
    assert "uniform = 0.01 to 0.02" in bar.get_xlabel().replace("\n", " ")


def test_photographs_alone_have_no_colour_bar():
    figure = map_grid_figure([GridRow("a", [Panel(photograph())])], Scale())
    assert not axes_of(figure, "colour bar")


def test_empty_places_stay_empty():
    rows = [
        GridRow("a", [Panel(photograph()), None, Panel(photograph())]),
        GridRow("b", [Panel(photograph())]),
    ]
    figure = map_grid_figure(rows, Scale(), headings=["x", "y", "z"])
    panels = axes_of(figure, "photograph")
    assert len(panels) == 3
    lefts = sorted(axes.get_position().x0 for axes in panels)
    assert lefts[0] == pytest.approx(lefts[1]) and lefts[2] > lefts[1]
    assert texts_of(figure, "column heading") == ["x", "y", "z"]


@pytest.mark.parametrize("width", [60.0, 250.0])
@pytest.mark.parametrize("shape", [(40, 60), (120, 30), (30, 200)])
@pytest.mark.parametrize("columns", [1, 4])
def test_sizes_and_texts(width, shape, columns):
    panel = Panel(photograph(*shape), LONG, weights(0.2, *shape))
    rows = [GridRow(LONG, [panel] * columns)] * 2
    groups = [ColumnGroup(LONG, 1)] * columns
    figure = map_grid_figure(
        rows, Scale((0.01, 0.01)), headings=[LONG] * columns, groups=groups, width=width
    )
    wide, high = style.size_mm(figure)
    assert wide == pytest.approx(width)
    assert high <= style.PAGE_HEIGHT_MM + 1e-6
    require_no_overlap(figure)
    panels = [axes.get_position() for axes in axes_of(figure, "head map")]
    assert len(panels) == 2 * columns
    for number, one in enumerate(panels):
        # A photograph keeps its shape and stays on the sheet.
        shown = (one.width * wide) / (one.height * high)
        assert shown == pytest.approx(shape[1] / shape[0], rel=1e-6)
        assert one.x0 >= 0 and one.x1 <= 1 and one.y0 >= 0 and one.y1 <= 1
        for other in panels[:number]:
            apart = one.x0 >= other.x1 - 1e-9 or other.x0 >= one.x1 - 1e-9
            assert apart or one.y0 >= other.y1 - 1e-9 or other.y0 >= one.y1 - 1e-9


def test_many_rows_shrink_to_one_page():
    row = GridRow("a", [Panel(photograph(), "", weights(0.2))] * 3)
    figure = map_grid_figure([row] * 12, Scale((0.01, 0.01)))
    assert style.size_mm(figure)[1] <= style.PAGE_HEIGHT_MM + 1e-6
    require_no_overlap(figure)


@pytest.mark.parametrize(("rows", "columns"), [(60, 2), (2, 60)])
def test_too_many_panels_are_refused_in_one_line(rows, columns):
    row = GridRow("a", [Panel(photograph(), "", weights(0.2))] * columns)
    with pytest.raises(UserError, match=f"{rows} rows of {columns} panels do not fit"):
        map_grid_figure([row] * rows, Scale((0.01, 0.01)), width=89.0)
