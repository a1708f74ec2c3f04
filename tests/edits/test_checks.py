"""What every edit refuses, each in one line that says what was given."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.edits.checks import check_mask, check_photograph
from intr_discover.errors import UserError

PHOTOGRAPH = np.zeros((4, 6, 3), dtype=np.uint8)


def refused(check, *given):
    with pytest.raises(UserError) as caught:
        check(*given)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_photograph_passes():
    check_photograph(PHOTOGRAPH)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros((4, 6), np.uint8), "not [4, 6] of uint8"),
        (np.zeros((4, 6, 4), np.uint8), "not [4, 6, 4] of uint8"),
        (np.zeros((1, 4, 6, 3), np.uint8), "not [1, 4, 6, 3] of uint8"),
        (np.zeros((4, 6, 3), np.float32), "not [4, 6, 3] of float32"),
        (np.zeros((4, 6, 3), np.uint16), "of uint16"),
    ],
)
def test_what_is_no_photograph_is_named(given, words):
    message = refused(check_photograph, given)
    assert words in message
    assert "[height, width, 3] of uint8" in message


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32])
def test_a_mask_is_where_it_is_not_zero(dtype):
    mask = np.zeros((4, 6), dtype=dtype)
    mask[1, 2] = mask[3, 5] = 1
    found = check_mask(mask, PHOTOGRAPH)
    assert found.dtype == bool
    assert np.argwhere(found).tolist() == [[1, 2], [3, 5]]


def test_faint_and_negative_values_are_the_region_too():
    mask = np.zeros((4, 6))
    mask[0, 0], mask[0, 1] = 0.1, -1
    assert check_mask(mask, PHOTOGRAPH).sum() == 2


def test_an_empty_mask_passes():
    assert not check_mask(np.zeros((4, 6)), PHOTOGRAPH).any()


@pytest.mark.parametrize("shape", [(6, 4), (4, 7), (4, 6, 1), (24,)])
def test_a_mask_of_another_size_is_refused_with_both_sizes(shape):
    message = refused(check_mask, np.zeros(shape, np.uint8), PHOTOGRAPH)
    assert str(list(shape)) in message
    assert "[4, 6]" in message


def test_a_mask_over_everything_is_refused():
    message = refused(check_mask, np.ones((4, 6), np.uint8), PHOTOGRAPH)
    assert "covers the whole picture" in message
