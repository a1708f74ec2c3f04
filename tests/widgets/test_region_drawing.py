"""Regions drawn step by step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intr_discover.errors import UserError
from intr_discover.widgets.region_drawing import RegionDrawing, read_corners, write_corners


def test_the_open_polygon_counts_from_its_third_corner():
    drawing = RegionDrawing((4, 5))
    for x, y in ((0, 0), (2, 0)):
        drawing.corner(x, y)
        assert not drawing.mask.any()
    drawing.corner(2, 2)
    # Right triangle with its line: (0,0) (1,0) (2,0) (1,1) (2,1) (2,2).
    assert [tuple(each) for each in np.argwhere(drawing.mask)] == [
        (0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)
    ]  # fmt: skip


def test_a_closed_polygon_stays_when_the_next_begins():
    drawing = RegionDrawing((6, 6))
    drawing.replace_corners([(0, 0), (1, 0), (1, 1), (0, 1)])
    drawing.close()
    assert drawing.corners == () and drawing.mask.sum() == 4
    drawing.replace_corners([(4, 4), (5, 4), (5, 5)])
    assert drawing.mask.sum() == 4 + 3


def test_brush_and_rubber():
    drawing = RegionDrawing((5, 5))
    drawing.stamp(2, 2, 1.0)
    assert drawing.mask.sum() == 5  # a pixel and its four neighbours
    drawing.stamp(2, 2, 0.5, add=False)
    assert drawing.mask.sum() == 4 and not drawing.mask[2, 2]


def test_the_rubber_works_on_the_open_polygon():
    drawing = RegionDrawing((3, 3))
    drawing.replace_corners([(0, 0), (2, 0), (2, 2), (0, 2)])
    drawing.stamp(0, 0, 0.5, add=False)
    assert drawing.mask.sum() == 8 and drawing.corners == ()


def test_undo_takes_back_every_kind_of_step_and_no_more():
    drawing = RegionDrawing((5, 5), np.eye(5, dtype=bool))
    drawing.stamp(0, 4, 0.5)
    drawing.corner(1, 1)
    drawing.clear()
    assert not drawing.mask.any() and drawing.corners == ()
    drawing.undo()
    assert drawing.corners == ((1, 1),) and drawing.mask.sum() == 6
    for _ in range(5):
        drawing.undo()
    assert np.array_equal(drawing.mask, np.eye(5, dtype=bool))


def test_corners_in_a_line_are_no_region_yet():
    drawing = RegionDrawing((9, 9))
    for place in (0.2, 0.25, 0.3):
        drawing.corner(place, 0.5)
    assert not drawing.mask.any()


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (lambda drawing: drawing.close(), "at least three corners"),
        (lambda drawing: drawing.replace_corners([(0, 0), (1, 1)]), "at least three corners"),
        (lambda drawing: drawing.replace_corners([(50, 50), (60, 50), (60, 60)]), "no pixel"),
        (lambda drawing: drawing.stamp(99, 0, 1), "off the photograph"),
    ],
)
def test_a_mistake_changes_nothing(step, words):
    drawing = RegionDrawing((5, 5))
    drawing.stamp(2, 2, 1)
    with pytest.raises(UserError, match=words):
        step(drawing)
    assert drawing.mask.sum() == 5
    drawing.undo()
    assert not drawing.mask.any()


def test_a_mask_of_another_size_is_refused():
    with pytest.raises(UserError, match="mask has 4 × 3 pixels, its photograph 5 × 3"):
        RegionDrawing((3, 5), np.zeros((3, 4), dtype=bool))


@pytest.mark.parametrize("text", ["1,2 3.5,4", "1,2; 3.5,4", " 1 , 2\n3.5,4 ", "1,2;3.5 ,4;"])
def test_corners_as_people_type_them(text):
    assert read_corners(text) == [(1, 2), (3.5, 4)]


@pytest.mark.parametrize("text", ["1", "1,2,3", "a,b", "1;2"])
def test_what_is_no_corner_is_named(text):
    with pytest.raises(UserError, match="is no corner: write x,y"):
        read_corners(text)


@given(st.lists(st.tuples(st.integers(-999, 9999), st.integers(-999, 9999)), max_size=9))
def test_corners_are_read_as_they_were_written(corners):
    assert read_corners(write_corners(corners)) == corners
