"""Regions of one colour, and GrabCut."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from intr_discover.edits.colour_masks import (
    mask_of_colour,
    mask_of_hsv,
    refine_mask,
    sample_colour,
)
from intr_discover.errors import UserError

ROW = np.uint8([[[255, 0, 0], [250, 5, 5], [0, 0, 255], [255, 255, 255], [0, 0, 0], [128] * 3]])


def refused(make, *given, **named):
    with pytest.raises(UserError) as caught:
        make(*given, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_near_colours_are_in_the_mask():
    assert mask_of_colour(ROW, "#ff0000", 5)[0].tolist() == [True, True] + 4 * [False]
    assert mask_of_colour(ROW, "#ff0000", 0)[0].tolist() == [True] + 5 * [False]
    assert mask_of_colour(ROW, "#ff0000", 300).all()
    # White is 100 away from black in lightness, and from middle grey (L* 53.6) about 46.
    assert mask_of_colour(ROW, (255, 255, 255), 47)[0].tolist() == 3 * [False] + [True, False, True]


def test_a_colour_is_sought_within_a_mask_only():
    within = np.zeros((1, 6))
    within[0, 1] = 1
    assert np.flatnonzero(mask_of_colour(ROW, "#ff0000", 5, within)).tolist() == [1]
    assert np.flatnonzero(mask_of_hsv(ROW, within=within)).tolist() == [1]


def test_hues_across_zero():
    row = np.uint8([[[255, 0, 20], [255, 20, 0], [255, 255, 0], [0, 255, 0]]])
    assert mask_of_hsv(row, hue=(340, 20))[0].tolist() == [True, True, False, False]
    assert mask_of_hsv(row, hue=(20, 340))[0].tolist() == [False, False, True, True]
    assert mask_of_hsv(row, hue=(60, 120))[0].tolist() == [False, False, True, True]


def test_saturation_and_value_by_hand():
    assert mask_of_hsv(ROW, saturation=(0.5, 1))[0].tolist() == 3 * [True] + 3 * [False]
    assert mask_of_hsv(ROW, saturation=(0, 0), value=(0.4, 0.6))[0].tolist() == 5 * [False] + [True]
    assert mask_of_hsv(ROW[..., 0], hue=(0, 0)).all()  # grey


def test_a_sample_is_a_median():
    photograph = np.full((5, 5, 3), (10, 20, 30), np.uint8)
    photograph[2, 2] = 255
    assert sample_colour(photograph, 2.3, 1.8) == (10, 20, 30)
    assert sample_colour(photograph, 2.3, 1.8, radius=0) == (255, 255, 255)
    assert sample_colour(photograph, 4.49, 0) == (10, 20, 30)


@pytest.mark.parametrize("place", [(5, 0), (0, -1), (np.nan, 0)])
def test_samples_off_the_photograph_are_refused(place):
    assert "(5 × 5 pixels)" in refused(sample_colour, np.zeros((5, 5), np.uint8), *place)


def test_ranges_that_are_none_are_refused():
    assert "distance is -1" in refused(mask_of_colour, ROW, "#fff", -1)
    assert "distance is nan" in refused(mask_of_colour, ROW, "#fff", np.nan)
    assert "no colour" in refused(mask_of_colour, ROW, "white", 3)
    assert "hue is to lie from -20" in refused(mask_of_hsv, ROW, hue=(-20, 20))
    assert "saturation is to lie" in refused(mask_of_hsv, ROW, saturation=(0.9, 0.1))
    assert "value is to lie" in refused(mask_of_hsv, ROW, value=(0, 255))


def spot(noise=6):
    """Return a photograph of a red disc on green, and the disc."""
    disc = np.zeros((80, 100), np.uint8)
    cv2.circle(disc, (50, 40), 15, 1, -1)
    photograph = np.where(disc[..., None] > 0, (190, 60, 50), (70, 120, 80))
    photograph = photograph + np.random.default_rng(0).normal(0, noise, photograph.shape)
    return np.clip(photograph, 0, 255).astype(np.uint8), disc > 0


def test_a_rough_mask_is_drawn_to_the_edge():
    photograph, disc = spot()
    rough = np.zeros((80, 100))
    rough[22:60, 33:70] = 1
    refined = refine_mask(photograph, rough)
    assert (refined & disc).sum() / (refined | disc).sum() > 0.97
    assert np.array_equal(refined, refine_mask(photograph, rough))


def test_refining_does_not_depend_on_what_was_refined_before():
    photograph, disc = spot(40)
    first = refine_mask(photograph, disc)
    for seed in (99, 100):
        cv2.setRNGSeed(seed)
        assert np.array_equal(refine_mask(photograph, disc), first)


def test_refining_stays_within_the_belt():
    """A bar of the same red leads away from the disc: the mask follows it as far as the belt."""
    photograph, disc = spot()
    photograph[36:44, 50:] = photograph[40, 50]
    refined = refine_mask(photograph, disc, margin=6)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13))
    reach = cv2.dilate(disc.astype(np.uint8), kernel) > 0
    assert refined[40, 68]
    assert not (refined & ~reach).any()


def test_masks_that_cannot_be_refined():
    photograph, disc = spot()
    assert not refine_mask(photograph, np.zeros((80, 100))).any()
    assert "covers the whole picture" in refused(refine_mask, photograph, np.ones((80, 100)))
    assert "margin of at least one" in refused(refine_mask, photograph, disc, margin=0)
    assert "size of its picture" in refused(refine_mask, photograph, disc[1:])
    flat = np.full((80, 100, 3), 9, np.uint8)
    one = np.zeros((80, 100))
    one[40, 50] = 1
    assert "left nothing of the mask" in refused(refine_mask, flat, one)
