"""Photographs and methods side by side: places, scales, and what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.figures import overlay
from intr_discover.figures.side_by_side import Row, rows_on_a_page, side_by_side_figure
from tests.figures.test_faithfulness_figures import inside

LONG = "Heliconius melpomene thelxiopeia × Heliconius elevatus pseudocupidineus, dorsal, 2019 again"
NAMES = {"a": "the first of all methods", "b": "the second", "c": "never made"}


def row(height=40, width=60, **maps):
    return Row(LONG, np.full((height, width, 3), 128, np.uint8), maps)


def bright(value, height=40, width=60):
    map_ = np.zeros((height, width), np.float32)
    map_[10:20, 10:30] = value
    return map_


def panels_of(figure):
    return [axes for axes in figure.axes if axes.get_gid() in ("photograph", "head map")]


def test_every_map_is_scaled_to_its_own_maximum():
    figure = side_by_side_figure([row(a=bright(0.001), b=bright(50.0))], NAMES)
    _, weak, strong = panels_of(figure)
    grey = overlay.grey_tones(np.full((1, 1, 3), 128, np.uint8))
    expected = overlay.blend(grey, np.ones((1, 1), np.float32), 1.0)[0, 0].astype(int)
    for axes in (weak, strong):
        picture = axes.images[0].get_array()
        rows, columns = picture.shape[:2]
        shown = picture[round(rows * 15 / 40), round(columns * 20 / 60)]
        assert np.abs(shown.astype(int) - expected).max() <= 1


def test_a_method_without_a_map_has_no_column_and_a_missing_one_an_empty_place():
    figure = side_by_side_figure([row(a=bright(1.0), b=bright(1.0)), row(a=bright(1.0))], NAMES)
    assert len(panels_of(figure)) == 3 + 2
    words = " ".join(text.get_text() for text in figure.texts)
    assert "the second" in words and "never made" not in words
    inside(figure)


def test_a_flat_map_and_an_empty_one_can_be_drawn():
    side_by_side_figure([row(a=np.zeros((4, 6), np.float32), b=np.ones((4, 6), np.float32))], NAMES)


def test_no_line_round_very_many_places():
    noise = np.random.default_rng(0).random((60, 60)).astype(np.float32)
    _, few, many = panels_of(side_by_side_figure([row(a=bright(1.0), b=noise)], NAMES))
    assert len(few.collections) == 1 and not many.collections


@pytest.mark.parametrize("shape", [(300, 60), (60, 300), (1, 1)])
def test_photographs_of_any_shape_fit(shape):
    rows = [row(*shape, a=np.ones(shape, np.float32)), row(a=bright(1.0))]
    figure = side_by_side_figure(rows, NAMES)
    inside(figure)
    for axes in panels_of(figure):
        box = axes.get_position()
        assert 0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1


def test_a_page_is_filled_and_not_overfilled():
    rows = [row(a=bright(1.0))] * 50
    fitting = rows_on_a_page(rows, 1)
    figure = side_by_side_figure(rows[:fitting], NAMES)
    assert 150 < figure.get_size_inches()[1] * 25.4 <= 225.5
