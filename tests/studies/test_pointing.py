"""The pointing game on maps and grids small enough to work out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from intr_discover.explain.maps import place_on_photograph
from intr_discover.studies.pointing import (
    chance,
    distance_to_mask,
    distances,
    hits,
    peak_positions,
    tolerance_for,
)


def one_hot(rows, columns, row, column):
    cells = np.zeros((rows, columns), dtype=np.float32)
    cells[row, column] = 1
    return cells


def region(shape, *pixels):
    """Return a mask that holds 255 at (row, column) pixels."""
    mask = np.zeros(shape, dtype=np.uint8)
    for pixel in pixels:
        mask[pixel] = 255
    return mask


# Where a map peaks


def test_a_peak_is_the_centre_of_its_cell():
    # Cells of 8 pixels: the third column covers pixels 16 to 23, the second row 8 to 15.
    found = peak_positions(one_hot(3, 3, 1, 2), 8, (24, 24), (24, 24))
    assert found.tolist() == [19.5, 11.5]


def test_x_and_y_keep_their_own_scale():
    """Two rows and four columns; the photograph is 2 times as high and 3 times as wide."""
    found = peak_positions(one_hot(2, 4, 1, 3), 8, (16, 32), (32, 96))
    # x: the last cell covers pixels 72 to 95; y: 16 to 31.
    assert found.tolist() == [83.5, 23.5]
    tall = peak_positions(one_hot(4, 2, 3, 0), 8, (32, 16), (96, 32))
    assert tall.tolist() == [7.5, 83.5]


def test_maps_keep_their_axes():
    maps = np.stack([[one_hot(2, 3, r, c) for c in range(3)] for r in range(2)])  # [2, 3, 2, 3]
    found = peak_positions(maps, 10, (20, 30), (20, 30))
    assert found.shape == (2, 3, 2)
    assert found[..., 0].tolist() == [[4.5, 14.5, 24.5]] * 2
    assert found[..., 1].tolist() == [[4.5] * 3, [14.5] * 3]


def test_the_first_of_equal_cells_counts():
    cells = np.array([[0.0, 0.2, 0.1], [0.2, 0.2, 0.0], [0.1, 0.2, 0.0]])
    assert peak_positions(cells, 8, (24, 24), (24, 24)).tolist() == [11.5, 3.5]
    assert peak_positions(np.full((3, 3), 1 / 9), 8, (24, 24), (24, 24)).tolist() == [3.5, 3.5]


def test_a_cell_over_the_edge_peaks_on_the_photograph():
    # 20 pixels in cells of 8: the third cell covers 16 to 23, its centre 19.5 lies off the edge.
    assert peak_positions(one_hot(3, 3, 2, 2), 8, (20, 20), (20, 20)).tolist() == [19, 19]
    assert peak_positions(one_hot(3, 3, 0, 2), 8, (24, 17), (24, 17)).tolist() == [16, 3.5]


@settings(deadline=None)
@given(
    st.integers(0, 4), st.integers(0, 6),
    st.tuples(st.integers(35, 40), st.integers(51, 56)),
    st.tuples(st.integers(20, 90), st.integers(20, 90)),
)  # fmt: skip
def test_a_peak_lies_where_the_heat_map_is_hottest(row, column, resized, shape):
    cells = one_hot(5, 7, row, column)
    x, y = peak_positions(cells, 8, resized, shape)
    heat = place_on_photograph(cells, 8, resized, shape)
    assert heat[round(y), round(x)] >= heat.max() - 0.25  # the centre may fall between two pixels
    assert distances([x, y], heat >= heat.max() - 1e-6) <= 1.5


# How far it is from a region


def test_distance_by_hand():
    found = distance_to_mask(region((3, 4), (0, 0)))
    assert found == pytest.approx(np.sqrt([[0, 1, 4, 9], [1, 2, 5, 10], [4, 5, 8, 13]]), abs=1e-12)
    assert (distance_to_mask(np.ones((2, 3))) == 0).all()


@settings(deadline=None)
@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_distance_equals_brute_force(mask):
    inside = np.argwhere(mask)
    found = distance_to_mask(mask)
    for place in np.ndindex(mask.shape):
        away = np.sqrt(((inside - place) ** 2).sum(axis=1))
        assert found[place] == away.min(initial=np.inf)


def test_distances_are_those_of_the_pixel_below():
    mask = region((4, 9), (1, 2))
    points = [[2, 1], [2.4, 0.6], [2.5, 1], [5, 1], [2, 3], [5, 3], [-3, 1], [99, 1]]
    # Pixel 2.5 is the border of 2 and 3; points off the picture count as on its edge.
    expected = [0, 0, 1, 3, 2, np.hypot(3, 2), 2, 6]
    assert distances(points, mask).tolist() == expected
    assert distances(np.array(points).reshape(2, 4, 2), mask).shape == (2, 4)
    # Every border goes to the same side.
    assert distances([[0.5, 1], [1.5, 1], [2.5, 1], [3.5, 1]], mask).tolist() == [1, 0, 1, 2]


def test_x_is_the_column():
    mask = region((3, 9), (2, 7))
    assert distances([7, 2], mask) == 0
    assert distances([2, 7], mask) > 0


@pytest.mark.parametrize(("point", "away"), [([13, 5], 8), ([8, 9], 5), ([12, 6], np.sqrt(50))])
def test_exactly_the_tolerance_is_a_hit(point, away):
    mask = region((20, 20), (5, 5))
    assert hits(point, mask, away)
    assert not hits(point, mask, np.nextafter(away, 0))


def test_an_empty_region_is_never_hit():
    empty = np.zeros((4, 4))
    assert np.isinf(distance_to_mask(empty)).all()
    assert not hits([[0, 0], [3, 3]], empty, 1e9).any()


# Chance


ROW = region((5, 5), *[(2, column) for column in range(5)])


@pytest.mark.parametrize(
    ("mask", "specimen", "tolerance", "expected"),
    [
        (region((5, 5), (2, 2)), ROW, 0, 1 / 5),
        (region((5, 5), (2, 2)), ROW, 1, 3 / 5),
        (region((5, 5), (2, 2)), ROW, 2, 1),
        # Beside the specimen: the region's own pixel makes six, of which (0, 0) and (2, 0) are
        # within two of it.
        (region((5, 5), (0, 0)), ROW, 0, 1 / 6),
        (region((5, 5), (0, 0)), ROW, 1.9, 1 / 6),
        (region((5, 5), (0, 0)), ROW, 2, 2 / 6),
        (region((5, 5)), ROW, 9, 0),
        (region((5, 5), (1, 1)), region((5, 5)), 0, 1),
        (region((5, 5)), region((5, 5)), 9, 0),
    ],
)
def test_chance_by_hand(mask, specimen, tolerance, expected):
    assert chance(mask, specimen, tolerance) == pytest.approx(expected, abs=1e-12)


@given(
    arrays(np.bool_, (6, 7)), arrays(np.bool_, (6, 7)), st.floats(0, 5), st.floats(0, 5)
)  # fmt: skip
def test_chance_is_the_share_of_hits_among_the_pixels_of_the_specimen(mask, specimen, one, other):
    rows, columns = np.nonzero(specimen | mask)
    points = np.stack([columns, rows], axis=-1)
    expected = hits(points, mask, one).mean() if len(points) else 0.0
    assert chance(mask, specimen, one) == pytest.approx(expected, abs=1e-12)
    assert chance(mask, specimen, max(one, other)) >= chance(mask, specimen, min(one, other))


def test_tolerance_by_hand():
    assert tolerance_for((160, 200), 10) == 8
    assert tolerance_for((200, 160), 10) == 8
    assert tolerance_for((80, 300), 7) == 4
    assert tolerance_for((80, 300), 10) == 5  # half a cell
    assert tolerance_for((640, 640), 10) == 32
