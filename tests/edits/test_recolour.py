"""Recolouring: hue and chroma change, the texture of lightness stays, nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.color import rgb2lab

from intr_discover.edits.recolour import match_donor, recolour, shift_hue
from intr_discover.errors import UserError

RED = "#d62728"


def mottled(colour=(90, 140, 77), shape=(20, 24), spread=12):
    """Return a patch of one hue with a texture of light and dark."""
    generator = np.random.default_rng(1)
    light = generator.integers(-spread, spread + 1, (*shape, 1))
    return np.clip(np.array(colour) + light, 0, 255).astype(np.uint8)


def inner(shape=(20, 24)):
    mask = np.zeros(shape, dtype=bool)
    mask[5:15, 6:18] = True
    return mask


def lab(pixels):
    return rgb2lab(pixels / 255.0)


def test_the_mean_is_the_colour_and_the_texture_stays():
    before, mask = mottled(), inner()
    after = recolour(before, mask, RED)
    target = rgb2lab(np.array([[214, 39, 40]]) / 255.0)[0]
    old, new = lab(before[mask]), lab(after[mask])
    assert new[:, 0].mean() == pytest.approx(target[0], abs=0.5)
    assert np.abs((new[:, 0] - new[:, 0].mean()) - (old[:, 0] - old[:, 0].mean())).max() < 1
    # Chroma may be smaller where so light or dark a red cannot be shown; the hue is the same.
    hue = np.arctan2(target[2], target[1])
    assert np.abs(np.arctan2(new[:, 2], new[:, 1]) - hue).max() < 0.03
    assert np.array_equal(after[~mask], before[~mask])


def test_lightness_that_is_kept_stays_in_each_pixel():
    before, mask = mottled(), inner()
    after = recolour(before, mask, "#3060c0", lightness="keep")
    assert np.abs(lab(after[mask])[:, 0] - lab(before[mask])[:, 0]).max() < 0.7
    assert (lab(after[mask])[:, 2] < -20).all()  # blue


def test_a_flat_region_becomes_the_colour_itself():
    before = np.full((5, 5, 3), (20, 20, 20), np.uint8)
    after = recolour(before, np.ones((5, 5)), RED)
    assert np.abs(after.astype(int) - (214, 39, 40)).max() <= 1


def test_black_becomes_no_yellow_where_lightness_is_kept():
    before = np.full((5, 5, 3), 0, np.uint8)
    assert recolour(before, np.ones((5, 5)), "#ffff00", lightness="keep").max() <= 1


def test_the_soft_edge_does_not_enter_the_mean():
    """A dark patch on white: with or without feather, the patch comes out the same."""
    before, mask = np.full((20, 24, 3), 255, np.uint8), inner()
    before[mask] = (30, 40, 50)
    hard, soft = (recolour(before, mask, RED, feather=feather) for feather in (0, 4))
    assert np.array_equal(hard[mask], soft[mask])
    assert np.array_equal(soft[0], before[0])


@pytest.mark.parametrize("degrees", [0, 360, -720])
def test_whole_turns_of_hue_change_nothing(degrees):
    before = mottled()
    after = shift_hue(before, inner(), degrees)
    assert np.abs(after.astype(int) - before).max() <= 1


def test_a_quarter_turn_takes_a_to_b():
    before, mask = np.full((20, 24, 3), (150, 110, 118), np.uint8), inner()
    old, new = lab(before[mask])[0], lab(shift_hue(before, mask, 90)[mask])[0]
    assert new == pytest.approx([old[0], -old[2], old[1]], abs=0.8)


def test_grey_has_no_hue_to_turn():
    before = np.full((20, 24, 3), 128, np.uint8)
    assert np.abs(shift_hue(before, inner(), 120).astype(int) - 128).max() <= 1


def test_mean_and_spread_are_those_of_the_donor():
    before, mask = mottled(), inner()
    donor, donor_mask = mottled((150, 100, 70), (9, 11), 30), np.zeros((9, 11))
    donor_mask[2:8, 1:10] = 255
    new = lab(match_donor(before, mask, donor, donor_mask)[mask])
    wanted = lab(donor[donor_mask > 0])
    assert new.mean(axis=0) == pytest.approx(wanted.mean(axis=0), abs=0.5)
    assert new[:, 0].std() == pytest.approx(wanted[:, 0].std(), abs=0.5)


def test_a_region_is_its_own_donor():
    before, mask = mottled(), inner()
    after = match_donor(before, mask, before, mask)
    assert np.abs(after.astype(int) - before).max() <= 1


@pytest.mark.parametrize("pixels", [1, 9])
def test_a_tiny_donor_gives_its_mean_and_leaves_the_texture(pixels):
    """One pixel has no spread; scaling by it would iron the region flat."""
    before, mask = mottled(), inner()
    donor = np.full((1, 9, 3), (150, 100, 70), np.uint8)
    donor_mask = np.arange(9)[None] < pixels
    old, new = lab(before[mask]), lab(match_donor(before, mask, donor, donor_mask)[mask])
    assert new.mean(axis=0) == pytest.approx(lab(donor[0, :1])[0], abs=0.5)
    assert new[:, 0].std() == pytest.approx(old[:, 0].std(), abs=0.2)


def test_a_flat_region_gets_no_texture_blown_up_from_rounding():
    before, mask = np.full((20, 24, 3), (90, 140, 77), np.uint8), inner()
    before[6, 7] += 1
    donor = mottled((150, 100, 70), spread=60)
    after = match_donor(before, mask, donor, np.ones(donor.shape[:2]))
    assert np.ptp(after[mask].astype(int), axis=0).max() <= 2


def test_spread_grows_fourfold_at_most():
    before, mask = mottled(spread=2), inner()
    donor = mottled((128, 128, 128), spread=120)
    old, new = lab(before[mask]), lab(match_donor(before, mask, donor, np.ones((20, 24)))[mask])
    assert new[:, 0].std() / old[:, 0].std() == pytest.approx(4, abs=0.3)


def test_grey_donors_give_grey():
    donor = mottled((120, 120, 120))[..., 0]
    after = match_donor(mottled(), inner(), donor, np.ones(donor.shape))[inner()]
    assert np.abs(lab(after)[:, 1:]).max() < 1.5


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda: recolour(mottled()[..., 0], inner(), RED), "grey picture cannot be recoloured"),
        (lambda: recolour(mottled(), inner(), "red"), "'red' is no colour"),
        (lambda: recolour(mottled(), inner(), RED, lightness="lose"), "use match or keep"),
        (lambda: shift_hue(mottled(), inner(), np.nan), "hue shift is nan"),
        (
            lambda: match_donor(mottled(), inner(), mottled(), np.zeros((20, 24))),
            "the donor mask is empty",
        ),
        (lambda: match_donor(mottled(), inner(), mottled(), np.ones((2, 2))), "the donor mask is"),
        (lambda: match_donor(mottled(), inner(), mottled() / 2, inner()), "the donor is"),
        (lambda: recolour(mottled(), inner()[1:], RED), "the size of its picture"),
    ],
)
def test_what_cannot_be_recoloured_is_refused_in_one_line(edit, words):
    with pytest.raises(UserError) as caught:
        edit()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
