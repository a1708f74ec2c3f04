"""Names of heads in figures: where they stand, and that they fit."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.text import Text

from intr_discover.figures.attention_layout import WIDTH, best_grid
from intr_discover.figures.edit_sheet import edit_sheet_figure
from intr_discover.figures.head_names import NO_NAMES, head_label, head_title
from tests.figures.test_attention_figure import attention_maps, draw
from tests.figures.test_manipulation_figures import sheet

LONG = "the band of yellow scales along the leading edge of the forewing, without the dots in it"
AWKWARD = "two\nlines\t<script>$x$</script>\x07"


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text().strip()]


def test_a_head_is_called_by_number_and_name():
    names = {("vera", 3): "red patch", ("vera", 4): AWKWARD, ("vera", 5): "\n"}
    assert head_label(names, "vera", 3) == "head 3 (red patch)"
    assert head_label(names, "similis", 3) == "head 3"  # another class, another meaning
    assert head_label(names, "vera", 4) == "head 4 (two lines <script>$x$</script>)"
    assert head_label(names, "vera", 5) == "head 5"
    assert head_label(NO_NAMES, "vera", 0) == "head 0"


def test_the_title_of_a_narrow_panel_has_room_for_one_of_the_two():
    names = {("vera", 3): "red patch"}
    assert head_title(names, "vera", 3, 0.25) == "head 3 (red patch)"
    assert head_title(names, "vera", 4, 0.25) == "head 4 · max 0.25"


@pytest.mark.parametrize("heads", [1, 2, 8, 16])
@pytest.mark.parametrize("name", ["red patch", LONG, AWKWARD])
def test_names_fit_above_their_panels(heads, name):
    names = {("Danaus plexippus", head): name for head in range(0, heads, 2)}
    figure = draw(attention_maps(heads=heads), names=names)
    titled = [axes for axes in figure.axes if axes.get_gid() == "head map"]
    lines = [axes.get_title(loc="left").split("\n") for axes in titled]
    assert all(len(each) == 2 and each[1].startswith("max ") for each in lines)
    named = [first for first, _ in lines if "(" in first or "…" in first]
    assert len(named) == len(names)
    if name == "red patch" and heads <= 8:
        assert "head 0 (red patch)" in named
    figure.dpi = 300  # as it is printed; letters are wider on a coarse screen
    renderer = figure.canvas.get_renderer()
    boxes = [axes._left_title.get_window_extent(renderer) for axes in titled]
    assert max(box.x1 for box in boxes) <= figure.bbox.width + 1
    for first, second in pairwise(boxes):
        assert first.x1 <= second.x0 or second.y0 != first.y0


def test_without_names_nothing_changes():
    assert words(draw()) == words(draw(names={("another class", 0): "red patch"}))


def test_a_named_grid_has_two_lines_and_still_ends_with_the_page():
    for heads in (1, 3, 8, 16):
        grid = best_grid(1.3, heads, 1, named=True)
        assert grid.title_lines == 2
        assert (
            grid.columns - 1
        ) * grid.pitch + grid.title_room <= WIDTH + 1e-6 or grid.columns == 1


def test_the_sheet_of_an_edit_names_heads_of_the_class_answered():
    named = replace(sheet(), names={("ant", 1): "red patch", ("bee", 2): "band"})
    shown = words(edit_sheet_figure(named))
    assert shown.count("head 1 (red patch)") == 2  # before and after
    assert not any("band" in each for each in shown)
    assert np.sum(["head 2 · max" in each for each in shown]) == 2
