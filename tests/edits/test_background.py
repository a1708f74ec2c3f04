"""Backgrounds replaced: what may change changes, and nothing inside the mask does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intr_discover.edits.background import (
    grey_background,
    replace_background,
    shuffled_background,
    specimen_greyed,
    specimen_removed,
)
from intr_discover.errors import UserError

HEIGHT, WIDTH = 30, 44


@pytest.fixture
def photograph():
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


@pytest.fixture
def mask():
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[10:20, 12:30] = True
    return mask


def test_three_by_three_by_hand():
    photograph = np.arange(27, dtype=np.uint8).reshape(3, 3, 3)
    mask = np.eye(3)
    found = grey_background(photograph, mask, level=200)
    expected = np.full((3, 3, 3), 200)
    for place in range(3):
        expected[place, place] = photograph[place, place]
    assert np.array_equal(found, expected)
    behind = 255 - photograph
    found = replace_background(photograph, mask, behind)
    assert np.array_equal(found[mask > 0], photograph[mask > 0])
    assert np.array_equal(found[mask == 0], behind[mask == 0])


def test_the_soft_edge_by_hand():
    photograph = np.zeros((1, 6, 3), np.uint8)
    mask = np.array([[1, 0, 0, 0, 0, 0]])
    found = grey_background(photograph, mask, level=100, feather=3)[0, :, 0]
    # At 1, 2, 3 pixels from the mask a quarter, a half and three quarters of the way to the grey.
    assert found.tolist() == [0, 25, 50, 75, 100, 100]


@given(seed=st.integers(0, 10_000), feather=st.sampled_from([0.0, 1.0, 2.5]))
@settings(max_examples=25, deadline=None)
def test_nothing_inside_any_mask_changes(seed, feather):
    generator = np.random.default_rng(seed)
    photograph = generator.integers(0, 256, (17, 23, 3), dtype=np.uint8)
    mask = generator.random((17, 23)) < generator.random()
    before = photograph.copy()
    donor = generator.integers(0, 256, (9, 31, 3), dtype=np.uint8)
    for found in (
        grey_background(photograph, mask, feather=feather),
        replace_background(photograph, mask, donor, feather=feather),
        shuffled_background(photograph, mask, generator, feather=feather),
    ):
        assert found.dtype == np.uint8 and found.shape == photograph.shape
        assert np.array_equal(found[mask], photograph[mask])
    assert np.array_equal(photograph, before)


def test_shuffled_pixels_are_the_same_pixels(photograph, mask):
    found = shuffled_background(photograph, mask, np.random.default_rng(1))
    for channel in range(3):
        assert np.array_equal(np.sort(found[~mask][:, channel]),
                              np.sort(photograph[~mask][:, channel]))  # fmt: skip
    rows = {tuple(row) for row in photograph[~mask].tolist()}
    assert {tuple(row) for row in found[~mask].tolist()} == rows
    assert not np.array_equal(found, photograph)


def test_shuffled_blocks_stay_whole(mask):
    """Each block of 10 pixels has one colour of its own, so that it can be followed."""
    photograph = np.zeros((30, 40, 3), np.uint8)
    for row in range(3):
        for column in range(4):
            photograph[10 * row : 10 * row + 10, 10 * column : 10 * column + 10] = 20 * (
                4 * row + column
            )
    nothing = np.zeros((30, 40), bool)
    found = shuffled_background(photograph, nothing, np.random.default_rng(0), block=10)
    blocks = found[..., 0].reshape(3, 10, 4, 10).swapaxes(1, 2).reshape(12, 100)
    assert (blocks == blocks[:, :1]).all()
    assert sorted(blocks[:, 0].tolist()) == [20 * number for number in range(12)]
    assert not np.array_equal(found, photograph)


def test_blocks_that_do_not_divide_the_picture(photograph, mask):
    found = shuffled_background(photograph, mask, np.random.default_rng(0), block=7)
    assert found.shape == photograph.shape and np.array_equal(found[mask], photograph[mask])


def test_a_specimen_is_gone_and_the_rest_is_untouched(mask):
    photograph = np.full((HEIGHT, WIDTH, 3), (180, 190, 200), np.uint8)
    photograph[mask] = (200, 20, 20)
    found = specimen_removed(photograph, mask, rim=2)
    assert np.abs(found.astype(int) - (180, 190, 200)).max() <= 3
    away = np.ones_like(mask)
    away[8:22, 10:32] = False
    assert np.array_equal(found[away], photograph[away])


def test_the_specimen_does_not_seep_in_on_a_large_picture():
    photograph = np.full((420, 600, 3), 150, np.uint8)
    mask = np.zeros((420, 600), bool)
    mask[103:311, 101:477] = True
    photograph[mask] = (255, 0, 0)
    found = specimen_removed(photograph, mask, rim=0)
    assert (
        np.abs(found.astype(int) - 150).max() <= 8
    )  # Telea may stray by some levels; red is 105 away


def test_nearly_everything_is_specimen():
    photograph = np.full((200, 300, 3), 10, np.uint8)
    photograph[0, 0] = (90, 80, 70)
    mask = np.ones((200, 300), bool)
    mask[0, 0] = False
    assert (specimen_removed(photograph, mask, rim=0) == (90, 80, 70)).all()
    with pytest.raises(UserError, match="nothing is left of its background"):
        specimen_removed(photograph, np.ones((200, 300)))


def test_empty_and_full_masks(photograph):
    empty, full = np.zeros((HEIGHT, WIDTH)), np.ones((HEIGHT, WIDTH))
    assert (grey_background(photograph, empty, feather=2) == 128).all()
    assert np.array_equal(grey_background(photograph, full), photograph)
    assert np.array_equal(specimen_removed(photograph, empty), photograph)
    assert np.array_equal(specimen_greyed(photograph, empty), photograph)
    generator = np.random.default_rng(0)
    assert np.array_equal(shuffled_background(photograph, full, generator), photograph)


def test_greyed_hides_the_outline(photograph):
    mask = np.zeros((HEIGHT, WIDTH))
    mask[5, 10] = mask[20, 30] = 1
    found = specimen_greyed(photograph, mask, level=99)
    assert (found[5:21, 10:31] == 99).all()
    assert np.array_equal(found[:5], photograph[:5]) and np.array_equal(found[21:], photograph[21:])
    assert np.array_equal(found[:, 31:], photograph[:, 31:])


def test_faults_are_explained(photograph, mask):
    with pytest.raises(UserError, match=r"mask is \[4, 4\] and the picture \[30, 44\]"):
        grey_background(photograph, np.ones((4, 4)))
    with pytest.raises(UserError, match="feather is -1"):
        grey_background(photograph, mask, feather=-1)
    with pytest.raises(UserError, match="side of 0 pixels"):
        shuffled_background(photograph, mask, np.random.default_rng(0), block=0)
    with pytest.raises(UserError, match="the background is"):
        replace_background(photograph, mask, photograph[..., 0].astype(float))
    with pytest.raises(UserError, match="in RGB"):
        specimen_removed(photograph[..., 0], mask)
    with pytest.raises(UserError, match="NaN"):
        grey_background(photograph, np.full((HEIGHT, WIDTH), np.nan))
