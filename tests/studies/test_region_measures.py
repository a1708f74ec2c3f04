"""Regions and colours worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from intr_discover.studies.region_measures import (
    attended_cells,
    centre_of,
    colour_of,
    pixels_of_cells,
    share_inside,
)

MAP = np.array([[0.4, 0.1, 0.0], [0.2, 0.1, 0.0], [0.1, 0.1, 0.0]])


@pytest.mark.parametrize(
    ("share", "cells"), [(0.4, 1), (0.41, 2), (0.6, 2), (0.7, 3), (1.0, 6), (1e-9, 1)]
)
def test_the_fewest_cells_that_hold_a_share(share, cells):
    taken = attended_cells(MAP, share)
    assert taken.sum() == cells and taken[0, 0]


def test_of_equal_cells_the_first_are_taken():
    taken = attended_cells(np.full((2, 4), 0.125), 0.5)
    assert taken.tolist() == [[True] * 4, [False] * 4]


@given(arrays(np.float64, (4, 3), elements=st.floats(0, 1)), st.floats(0.05, 1))
def test_no_smaller_set_would_do(weights, share):
    if weights.sum() < 1e-6:
        return
    weights = weights / weights.sum()
    taken = attended_cells(weights, share)
    assert weights[taken].sum() >= share - 1e-5
    assert np.sort(weights[taken])[1:].sum() < share + 1e-5
    assert taken.all() or weights[taken].min() >= weights[~taken].max()


def test_pixels_follow_the_cells_of_the_resized_photograph():
    cells = np.array([[True, False], [False, False]])
    # Read at half the size: a cell of 2 resized pixels is 4 of the original's.
    region = pixels_of_cells(cells, 2, (4, 4), (8, 8))
    assert region[:4, :4].all() and region.sum() == 16
    # Not square, and the last cell only partly filled.
    region = pixels_of_cells(np.array([[False, False, True]]), 2, (2, 5), (2, 5))
    assert region.tolist() == [[False] * 4 + [True]] * 2


def test_colours_of_pure_red_in_cielab():
    photograph = np.zeros((2, 2, 3), dtype=np.uint8)
    photograph[0] = (255, 0, 0)
    found = colour_of(photograph, np.array([[True, True], [False, False]]))
    # Lindbloom's calculator, sRGB, D65.
    assert found["lightness"] == pytest.approx(53.24, abs=0.05)
    assert found["a"] == pytest.approx(80.09, abs=0.1) and found["b"] == pytest.approx(
        67.2, abs=0.1
    )
    assert found["chroma"] == pytest.approx(104.55, abs=0.1)
    assert found["hue"] == pytest.approx(40.0, abs=0.1)
    assert found["lightness_sd"] == 0
    half = colour_of(photograph, np.ones((2, 2), dtype=bool))
    assert half["lightness"] == pytest.approx(53.24 / 2, abs=0.05)
    assert half["lightness_sd"] == pytest.approx(53.24 / 2, abs=0.05)


def test_grey_has_no_hue_and_an_empty_region_no_colour():
    grey = np.full((2, 2, 3), 128, dtype=np.uint8)
    assert math.isnan(colour_of(grey, np.ones((2, 2), dtype=bool))["hue"])
    assert all(math.isnan(value) for value in colour_of(grey, np.zeros((2, 2), bool)).values())


def test_middle_and_share():
    region = np.zeros((5, 5), dtype=bool)
    region[1:3, 2:5] = True
    assert centre_of(region) == (3.0, 1.5)
    assert all(math.isnan(value) for value in centre_of(np.zeros((3, 3), dtype=bool)))
    other = np.zeros((5, 5), dtype=bool)
    other[:, 4] = True
    assert share_inside(region, other) == pytest.approx(1 / 3)
    assert math.isnan(share_inside(region, None))
    assert math.isnan(share_inside(np.zeros((5, 5), dtype=bool), other))
