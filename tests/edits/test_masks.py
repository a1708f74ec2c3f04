"""Regions that are drawn, and the top of a map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from intr_discover.edits.masks import mask_of_box, mask_of_layer, mask_of_map, mask_of_polygon
from intr_discover.errors import UserError


def generator(seed=0):
    return np.random.default_rng(seed)


def refused(make, *given):
    with pytest.raises(UserError) as caught:
        make(*given)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_polygon_by_hand():
    """A triangle of x before y: pixels on its line belong to it."""
    mask = mask_of_polygon([(1, 0), (4, 0), (1, 3)], (4, 6))
    assert mask.astype(int).tolist() == [
        [0, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 0, 0],
        [0, 1, 1, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
    ]


def test_what_reaches_beyond_the_photograph_is_cut_off():
    assert mask_of_polygon([(-9, -9), (99, -9), (99, 99), (-9, 99)], (4, 6)).all()
    assert np.argwhere(mask_of_box((-5, 2.4, 1.6, 99), (4, 3))).tolist() == [
        [2, 0], [2, 1], [3, 0], [3, 1],
    ]  # fmt: skip


def test_a_box_has_its_width():
    mask = mask_of_box((2, 1, 5, 2), (4, 6))
    assert np.argwhere(mask).tolist() == [[1, 2], [1, 3], [1, 4]]


@pytest.mark.parametrize(
    ("points", "words"),
    [
        ([(1, 2), (3, 4)], "at least three corners"),
        ([], "at least three corners"),
        ([(1, 2, 3)] * 3, "not an array of [3, 3]"),
        ([(1, 2), (3, 4), (np.nan, 1)], "no number"),
        ([(50, 50), (60, 50), (60, 60)], "no pixel of the photograph (6 × 4) lies in the polygon"),
        ([(0.2, 0.2), (0.8, 0.2), (0.8, 0.8)], "no pixel"),
    ],
)
def test_polygons_that_hold_nothing_are_refused(points, words):
    assert words in refused(mask_of_polygon, points, (4, 6))


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((1, 2, 3), "left, top, right, bottom"),
        ((1, 2, 3, np.inf), "left, top, right, bottom"),
        ((3, 0, 3, 2), "is empty"),
        ((3, 2, 5, 1), "is empty"),
        ((6, 0, 9, 2), "no pixel of the photograph (6 × 4) lies in the box"),
        ((-9, 0, 0, 2), "no pixel"),
    ],
)
def test_boxes_that_hold_nothing_are_refused(box, words):
    assert words in refused(mask_of_box, box, (4, 6))


def test_a_layer_is_where_it_is_painted_however_faintly():
    layer = np.zeros((2, 2, 4), np.uint8)
    layer[0, 1], layer[1, 0] = (0, 0, 0, 1), (9, 9, 9, 0)
    assert mask_of_layer(layer).tolist() == [[False, True], [False, False]]
    assert "must be RGBA" in refused(mask_of_layer, layer[..., :3])


def test_the_top_of_a_map_by_hand():
    values = np.array([[0.1, 0.7, 0.3], [0.9, 0.2, 0.6]])
    assert mask_of_map(values, 0.5, generator()).astype(int).tolist() == [[0, 1, 0], [1, 0, 1]]
    assert mask_of_map(values, 0, generator()).sum() == 0
    assert mask_of_map(values, 1, generator()).all()


@settings(deadline=None)
@given(
    arrays(np.int8, (5, 7), elements=st.integers(0, 3)), st.floats(0, 1), st.integers(0, 99)
)  # fmt: skip
def test_the_top_has_its_size_and_nothing_outside_is_larger(values, share, seed):
    mask = mask_of_map(values, share, generator(seed))
    assert mask.sum() == round(share * 35)
    if mask.any() and not mask.all():
        assert values[mask].min() >= values[~mask].max()
    assert np.array_equal(mask, mask_of_map(values, share, generator(seed)))


def test_a_flat_map_has_its_top_anywhere():
    """Each of 12 pixels is drawn in about a quarter of 400 draws (standard deviation 9)."""
    counts = sum(mask_of_map(np.ones((3, 4)), 0.25, generator(n)).astype(int) for n in range(400))
    assert counts.min() > 60 and counts.max() < 140


@pytest.mark.parametrize(
    ("values", "share", "words"),
    [
        (np.array([[1, np.nan]]), 0.5, "NaN"),
        (np.ones(4), 0.5, "[height, width]"),
        (np.ones((0, 4)), 0.5, "[height, width]"),
        (np.ones((2, 2)), 50, "share of the map is 50"),
        (np.ones((2, 2)), np.nan, "share of the map is nan"),
    ],
)
def test_maps_without_a_top_are_refused(values, share, words):
    assert words in refused(mask_of_map, values, share, generator())
