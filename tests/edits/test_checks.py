"""What every edit refuses, each in one line that says what was given."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.edits.checks import as_region, check_amounts, check_mask, check_photograph
from intr_discover.errors import UserError

PHOTOGRAPH = np.zeros((4, 6, 3), dtype=np.uint8)


def refused(check, *given, **named):
    with pytest.raises(UserError) as caught:
        check(*given, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3), (4, 6, 4), (1, 1), (1, 9, 3)])
def test_grey_rgb_and_rgba_of_any_size_pass(shape):
    check_photograph(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (np.zeros((4, 6, 2), np.uint8), "[4, 6, 2] of uint8"),
        (np.zeros((4, 6, 1), np.uint8), "[4, 6, 1] of uint8"),
        (np.zeros((1, 4, 6, 3), np.uint8), "[1, 4, 6, 3] of uint8"),
        (np.zeros(6, np.uint8), "[6] of uint8"),
        (np.zeros((4, 6, 3), np.float32), "[4, 6, 3] of float32"),
        (np.zeros((4, 6, 3), np.uint16), "[4, 6, 3] of uint16, and edits work on 8 bits"),
        (np.zeros((4, 6, 3), bool), "[4, 6, 3] of bool"),
        (np.zeros((0, 6, 3), np.uint8), "no pixel"),
        ([[1, 2], [3, 4]], "[2, 2] of int64"),
    ],
)
def test_what_is_no_photograph_is_named(given, words):
    message = refused(check_photograph, given, "donor")
    assert message.startswith("the donor is ")
    assert words in message


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.float32, np.float16])
@pytest.mark.parametrize("value", [1, 255])
def test_a_mask_is_where_it_is_above_zero(dtype, value):
    mask = np.zeros((4, 6), dtype=dtype)
    mask[1, 2] = mask[3, 5] = value
    found = check_mask(mask, PHOTOGRAPH)
    assert found.dtype == bool
    assert np.argwhere(found).tolist() == [[1, 2], [3, 5]]


def test_faint_values_are_the_region_too_and_negative_ones_are_not():
    mask = np.zeros((4, 6))
    mask[0, 0], mask[0, 1], mask[0, 2] = 0.1, -1, np.inf
    assert np.flatnonzero(check_mask(mask, PHOTOGRAPH)).tolist() == [0, 2]


def test_empty_and_full_masks_pass():
    assert not check_mask(np.zeros((4, 6)), PHOTOGRAPH).any()
    assert check_mask(np.ones((4, 6)), PHOTOGRAPH).all()


@pytest.mark.parametrize("shape", [(6, 4), (4, 7), (4, 6, 1), (24,)])
def test_a_mask_of_another_size_is_refused_with_both_sizes(shape):
    message = refused(check_mask, np.zeros(shape), PHOTOGRAPH, what="donor mask", picture="donor")
    assert message == (
        f"the donor mask is {list(shape)} and the donor [4, 6]; a mask must have the size of its "
        "donor"
    )


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.array([[1.0, np.nan]]), "NaN"),
        (np.array([["a", "b"]]), "numbers or truth values"),
        (np.array([[1j]]), "numbers or truth values"),
        (np.array([[None]]), "numbers or truth values"),
        (np.zeros((2, 2, 2)), "[2, 2, 2]"),
    ],
)
def test_what_is_no_mask_is_refused(mask, words):
    assert words in refused(as_region, mask)


@pytest.mark.parametrize("feather", [-1, np.nan, np.inf])
def test_a_feather_is_a_number_of_pixels(feather):
    assert f"feather is {feather}" in refused(check_amounts, feather, 1)


@pytest.mark.parametrize("strength", [-0.01, 1.01, np.nan, np.inf])
def test_a_strength_lies_between_0_and_1(strength):
    assert f"strength is {strength}" in refused(check_amounts, 0, strength)
