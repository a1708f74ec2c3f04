"""Colours taken back to what is published, under lights that are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.color.colorconv import lab2xyz, xyz2lab

from intr_discover.preparation.colour_correction import (
    REFERENCE,
    colour_difference,
    correct,
    corrected_colours,
    fit_correction,
    from_linear,
    left_out_difference,
    to_linear,
    usable,
)

# X-Rite's CIELAB values under D50 of cards made since November 2014.
LAB_D50 = np.array(
    [
        (37.54, 14.37, 14.92), (64.66, 19.27, 17.50), (49.32, -3.82, -22.54),
        (43.46, -12.74, 22.72), (54.94, 9.61, -24.79), (70.48, -32.26, -0.37),
        (62.73, 35.83, 56.50), (39.43, 10.75, -45.17), (50.57, 48.64, 16.67),
        (30.10, 22.54, -20.87), (71.77, -24.13, 58.19), (71.51, 18.24, 67.37),
        (28.37, 15.42, -49.80), (54.38, -39.72, 32.27), (42.43, 51.05, 28.62),
        (81.80, 2.67, 80.41), (50.63, 51.28, -14.12), (49.57, -29.71, -28.32),
        (95.19, -1.03, 2.93), (81.29, -0.57, 0.44), (66.89, -0.75, -0.06),
        (50.76, -0.13, 0.14), (35.63, -0.46, -0.48), (20.64, 0.07, -0.46),
    ]
)  # fmt: skip
# Bradford, D50 to D65 (Lindbloom).
TO_D65 = np.array(
    [
        [0.9555766, -0.0230393, 0.0631636],
        [-0.0282895, 1.0099416, 0.0210077],
        [0.0122982, -0.0204830, 1.3299098],
    ]
)


def seen(colours, light):
    """Return colours under a light that leaves these shares of red, green and blue."""
    return from_linear(to_linear(np.asarray(colours, float)) * np.asarray(light))


def test_the_published_colours_are_those_of_the_makers_other_table():
    lab = xyz2lab(lab2xyz(LAB_D50, illuminant="D50") @ TO_D65.T, illuminant="D65")
    difference = deltaE_ciede2000(rgb2lab(REFERENCE / 255.0), lab)
    # The two tables are of cards from different years; two patches exchanged differ by 20.
    assert difference.max() < 4 and difference.mean() < 2


def test_linear_light_by_hand():
    # IEC 61966-2-1: mid grey 188 is half of the light; below 0.04045 the curve is a line.
    assert to_linear(np.array(188.0)) == pytest.approx(0.5029, abs=1e-4)
    assert to_linear(np.array(10.0)) == pytest.approx(10 / 255 / 12.92)
    levels = np.arange(256.0)
    np.testing.assert_allclose(from_linear(to_linear(levels)), levels, atol=1e-9)


@given(light=st.tuples(*[st.floats(0.3, 1.0)] * 3))
def test_any_light_is_taken_back(light):
    patches = seen(REFERENCE, light)
    kept = usable(patches)
    matrix = fit_correction(patches[kept], REFERENCE[kept])
    np.testing.assert_allclose(matrix, np.diag(1 / np.asarray(light)), atol=1e-6)
    # A colour that is on no card too, and one under half of that light: half as bright.
    colour = np.array([[180.0, 60.0, 40.0]])
    np.testing.assert_allclose(corrected_colours(seen(colour, light), matrix), colour, atol=1e-4)
    half = corrected_colours(seen(colour, np.asarray(light) / 2), matrix)
    np.testing.assert_allclose(to_linear(half), to_linear(colour) / 2, atol=1e-6)


def test_a_photograph_is_corrected_pixel_by_pixel():
    generator = np.random.default_rng(0)
    true = generator.integers(20, 230, (50, 70, 3)).astype(np.uint8)
    photographed = np.round(seen(true, (1.0, 0.7, 0.5))).astype(np.uint8)
    before = photographed.copy()
    made = correct(photographed, fit_correction(seen(REFERENCE, (1.0, 0.7, 0.5))))
    assert made.dtype == np.uint8 and np.abs(made.astype(int) - true).max() <= 2
    assert np.array_equal(photographed, before)


def test_what_is_cut_off_does_not_decide():
    patches = REFERENCE.astype(float)
    patches[3] = (255, 108, 67)
    patches[5] = (103, 189, 1)
    assert np.flatnonzero(~usable(patches)).tolist() == [3, 5]


def test_a_patch_that_is_wrong_is_seen_where_it_is_left_out():
    patches = REFERENCE.astype(float)
    patches[14] = (60, 54, 175)  # blue for red
    left_out = left_out_difference(patches, REFERENCE)
    fitted = colour_difference(corrected_colours(patches, fit_correction(patches)), REFERENCE)
    assert left_out[14] == left_out.max() and left_out[14] > 30
    assert left_out.mean() > fitted.mean()
    assert left_out_difference(REFERENCE.astype(float), REFERENCE).max() < 1e-3
