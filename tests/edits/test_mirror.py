"""Filling from the other wing."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.edits.mirror import mirror
from intr_discover.edits.symmetry import Axis
from intr_discover.errors import UserError


def numbered(shape=(3, 5)):
    return np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)


def where(*places, shape=(3, 5)):
    mask = np.zeros(shape)
    for place in places:
        mask[place] = 1
    return mask


def test_a_pixel_comes_from_the_other_side():
    found = mirror(numbered(), where((1, 0), (2, 1)), Axis(2, 0))
    assert found.tolist() == [[0, 1, 2, 3, 4], [9, 6, 7, 8, 9], [10, 13, 12, 13, 14]]


def test_between_pixels_the_values_are_interpolated():
    found = mirror(10 * numbered((1, 5)), where((0, 0), shape=(1, 5)), Axis(1.25, 0))
    assert found.tolist() == [[25, 10, 20, 30, 40]]  # from x = 2.5


def test_a_region_on_both_sides_is_exchanged():
    assert np.array_equal(mirror(numbered(), np.ones((3, 5)), Axis(2, 1)), numbered()[:, ::-1])
    assert np.array_equal(mirror(numbered(), np.ones((3, 5)), Axis(2, 1, 90)), numbered()[::-1])


def test_mirroring_twice_gives_the_photograph_back():
    photograph = np.random.default_rng(0).integers(0, 256, (9, 12, 4), dtype=np.uint8)
    once = mirror(photograph, np.ones((9, 12)), Axis(5.5, 4))
    assert np.array_equal(once[..., 3], photograph[..., 3])
    assert np.array_equal(mirror(once, np.ones((9, 12)), Axis(5.5, 4)), photograph)


def test_what_has_no_other_side_stays():
    """About x = 1 the columns 0 to 2 have a reflection, 3 and 4 have none."""
    found = mirror(numbered(), np.ones((3, 5)), Axis(1, 0))
    assert found[0].tolist() == [2, 1, 0, 3, 4]


def test_a_soft_edge_takes_its_own_reflections():
    """Feather 2: half of the column beside the region."""
    photograph = np.uint8([[0, 10, 20, 30, 40, 50, 60]])
    found = mirror(photograph, where((0, 0), shape=(1, 7)), Axis(3, 0), feather=2)
    assert found.tolist() == [[60, 30, 20, 30, 40, 50, 60]]


def test_an_axis_that_reflects_off_the_photograph_is_refused():
    with pytest.raises(UserError, match="runs through x = 20, y = 0, 0° from upright") as caught:
        mirror(numbered(), where((1, 1)), Axis(20, 0))
    assert "\n" not in str(caught.value)


def test_a_large_photograph_is_exact_to_its_last_column():
    photograph = np.random.default_rng(0).integers(0, 256, (3, 20001), dtype=np.uint8)
    mask = where((1, 0), (1, 3), (2, 20000), shape=photograph.shape)
    found = mirror(photograph, mask, Axis(10000, 0))
    assert np.array_equal(found[mask > 0], photograph[:, ::-1][mask > 0])
