"""RISE against what can be worked out: every possible mask of a tiny picture."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intr_discover.errors import UserError
from intr_discover.explain.posthoc.rise import RiseSettings, random_masks, rise

WEIGHTS = np.array([[1.0, 2.0], [3.0, 6.0]])
PICTURE = np.ones((1, 2, 2), np.float32)


def linear(pictures):
    return (pictures[:, 0] * WEIGHTS).sum(axis=(1, 2)).astype(np.float64)


def test_against_the_expectation_over_all_masks():
    # Two by two cells a b / c d enlarged to three by three pixels: the first pixel is a, the next
    # halfway between a and b, and so on; a cell is a pixel, so the window does not move.
    share = 0.3
    expected = np.zeros((2, 2))
    for a, b, c, d in product((0, 1), repeat=4):
        shown = a + b + c + d
        chance = share**shown * (1 - share) ** (4 - shown)
        mask = np.array([[a, (a + b) / 2], [(a + c) / 2, (a + b + c + d) / 4]])
        expected += chance * (WEIGHTS * mask).sum() * mask / share
    found = rise(PICTURE, linear, RiseSettings(40_000, 2, share), seed=1, batch_size=5_000)
    np.testing.assert_allclose(found, expected, rtol=0.03)


def test_the_sum_by_hand():
    settings = RiseSettings(7, 2, 0.5)
    masks = list(random_masks((4, 6), settings, 3))
    weights = np.arange(24.0).reshape(4, 6)

    def score(pictures):
        return (pictures[:, 0] * weights).sum(axis=(1, 2)).astype(np.float64)

    by_hand = sum((mask * weights).sum() * mask for mask in masks) / (7 * 0.5)
    picture = np.ones((1, 4, 6), np.float32)
    np.testing.assert_allclose(rise(picture, score, settings, seed=3), by_hand, rtol=1e-5)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(1, 9), st.integers(0, 5))
def test_masks_have_the_size_of_the_picture_and_lie_between_0_and_1(height, width, cells, seed):
    masks = list(random_masks((height, width), RiseSettings(3, cells, 0.5), seed))
    assert [mask.shape for mask in masks] == [(height, width)] * 3
    assert all(mask.min() >= 0 and mask.max() <= 1 for mask in masks)


def test_the_visible_share_is_kept():
    masks = np.stack(list(random_masks((32, 48), RiseSettings(2_000, 8, 0.25), 0)))
    np.testing.assert_allclose(masks.mean(axis=0), 0.25, atol=0.05)


def test_the_batch_changes_nothing_and_the_seed_everything():
    settings = RiseSettings(20, 2, 0.5)
    picture = np.ones((1, 2, 2), np.float32)
    whole = rise(picture, linear, settings, seed=4, batch_size=32)
    np.testing.assert_allclose(rise(picture, linear, settings, seed=4, batch_size=3), whole)
    assert not np.allclose(rise(picture, linear, settings, seed=5), whole)


def test_a_model_that_does_not_look_gives_a_flat_map_on_average():
    def same(pictures):
        return np.full(len(pictures), 0.5)

    found = rise(np.ones((3, 16, 16), np.float32), same, RiseSettings(4_000, 4, 0.5))
    np.testing.assert_allclose(found, 0.5, atol=0.03)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"masks": 0}, "at least 1 mask"),
        ({"cells": 0}, "at least 1 mask"),
        ({"share": 0.0}, r"\(0, 1\), not 0.0"),
        ({"share": 1.0}, r"\(0, 1\), not 1.0"),
    ],
)
def test_settings_that_cannot_be(values, words):
    with pytest.raises(UserError, match=words):
        RiseSettings(**values)
