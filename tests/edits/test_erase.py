"""Erasing: the region is filled from around it, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from intr_discover.edits.erase import erase
from intr_discover.errors import UserError

METHODS = ("telea", "navier-stokes")
# On even ground Telea's gradient term strays by a few levels in OpenCV.
STRAYS = {"telea": 4, "navier-stokes": 0}


def even(shape=(24, 30), colour=(90, 140, 77)):
    return np.full((*shape, 3), colour, dtype=np.uint8)


def noisy(shape=(24, 30)):
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


def rectangle(rows, columns, shape=(24, 30)):
    mask = np.zeros(shape, dtype=np.uint8)
    mask[rows, columns] = 255
    return mask


@settings(deadline=None)
@given(
    arrays(np.uint8, (7, 9, 3)), arrays(np.bool_, (7, 9)),
    st.sampled_from(METHODS), st.floats(0.5, 8),
)  # fmt: skip
def test_nothing_outside_the_region_changes(photograph, mask, method, radius):
    assume(not mask.all())
    before = photograph.copy()
    result = erase(photograph, mask, method=method, radius=radius)
    assert result.dtype == np.uint8
    assert result.shape == photograph.shape
    assert np.array_equal(result[~mask], before[~mask])
    assert np.array_equal(photograph, before)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (slice(8, 14), slice(10, 18)),
        (slice(0, 5), slice(0, 6)),  # a corner
        (slice(20, 24), slice(None)),  # the whole lower edge
        (slice(5, 6), slice(29, 30)),  # one pixel on the edge
    ],
)
def test_even_surroundings_give_an_even_fill(method, rows, columns):
    photograph = even()
    photograph[rows, columns] = (255, 0, 3)
    result = erase(photograph, rectangle(rows, columns), method=method)
    away = np.abs(result.astype(int) - even().astype(int))
    assert away.max() <= STRAYS[method]


@pytest.mark.parametrize("method", METHODS)
def test_what_was_in_the_region_does_not_matter(method):
    mask = rectangle(slice(6, 15), slice(4, 20))
    one, other = noisy(), noisy()
    other[mask > 0] = 255 - other[mask > 0]
    one, other = erase(one, mask, method=method), erase(other, mask, method=method)
    assert np.array_equal(one, other)


@pytest.mark.parametrize("method", METHODS)
def test_each_side_grows_in_from_its_own_surroundings(method):
    """Left of the region all is dark, right of it light: so is the fill at its two ends."""
    photograph = even(colour=(40, 40, 40))
    photograph[:, 15:] = 200
    result = erase(photograph, rectangle(slice(8, 16), slice(5, 25)), method=method)
    assert np.abs(result[8:16, 5:8].astype(int) - 40).max() < 20
    assert np.abs(result[8:16, 22:25].astype(int) - 200).max() < 20


def test_an_empty_region_gives_an_equal_copy():
    photograph = noisy()
    result = erase(photograph, np.zeros((24, 30)))
    assert np.array_equal(result, photograph)
    result[0, 0] = 0
    assert photograph[0, 0].any()


def test_values_of_a_mask_do_not_matter_only_where_they_are():
    mask = rectangle(slice(3, 9), slice(3, 9))
    expected = erase(noisy(), mask)
    for same in (mask > 0, mask / 1000, (mask > 0).astype(np.int64)):
        assert np.array_equal(erase(noisy(), same), expected)


def test_views_and_read_only_pictures_pass():
    photograph, mask = noisy(), rectangle(slice(3, 9), slice(3, 9))
    expected = erase(photograph[:, ::-1].copy(), mask[:, ::-1].copy())
    photograph.flags.writeable = mask.flags.writeable = False
    assert np.array_equal(erase(photograph[:, ::-1], mask[:, ::-1]), expected)


@pytest.mark.parametrize(
    ("photograph", "mask", "words"),
    [
        (even()[..., 0], rectangle(0, 0), "RGB picture"),
        (even().astype(np.float32), rectangle(0, 0), "float32"),
        (even(), np.zeros((30, 24)), "the size of its picture"),
        (even(), np.ones((24, 30)), "covers the whole picture"),
    ],
)
def test_what_cannot_be_erased_is_refused_in_one_line(photograph, mask, words):
    with pytest.raises(UserError) as caught:
        erase(photograph, mask)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_method_is_refused_with_those_there_are():
    with pytest.raises(UserError, match="'magic': use telea or navier-stokes"):
        erase(even(), rectangle(0, 0), method="magic")
