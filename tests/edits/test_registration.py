"""Laying one region over another: known moves, turns and scales are found."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intr_discover.edits.registration import register

# A boot: no two of its turns and mirror images are alike.
BOOT = np.array([(-10, -30), (10, -30), (10, 10), (35, 14), (35, 28), (-10, 28)], dtype=float)


def boot(degrees=0.0, scale=1.0, centre=(100, 90), mirrored=False, shape=(180, 200)):
    angle = math.radians(degrees)
    turn = np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])
    points = scale * (BOOT * (-1 if mirrored else 1, 1)) @ turn.T + centre
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(16 * points).astype(np.int32)], 1, shift=4)
    return mask > 0


@settings(deadline=None, max_examples=20)
@given(st.floats(-179, 179), st.floats(0.5, 2), st.booleans())
def test_a_similarity_is_found(degrees, scale, mirrored):
    target = boot(degrees, scale, (90, 80), mirrored)
    fit = register(boot(), target, mirrored=mirrored)
    # Of turns that are as good as equal the smallest is taken, so a few degrees may be saved.
    assert abs((fit.degrees - degrees + 180) % 360 - 180) < 4
    assert fit.scale == pytest.approx(scale, rel=0.05)
    assert fit.overlap > 0.85
    corners = BOOT + np.array((100, 90))
    laid = corners @ fit.matrix[:, :2].T + fit.matrix[:, 2]
    angle = math.radians(degrees)
    turn = np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])
    expected = scale * (BOOT * (-1 if mirrored else 1, 1)) @ turn.T + (90, 80)
    assert np.abs(laid - expected).max() < 5 * max(scale, 1)


def test_the_same_region_is_not_moved():
    fit = register(boot(), boot())
    assert fit.matrix == pytest.approx(np.eye(2, 3))
    assert (fit.scale, fit.degrees, fit.overlap) == (1, 0, 1)


def test_a_mirror_image_is_laid_on_by_mirroring_only():
    target = boot(mirrored=True)
    assert register(boot(), target, mirrored=True).overlap > 0.97
    assert register(boot(), target).overlap < 0.9


def test_a_round_spot_is_not_turned():
    spot = np.zeros((50, 50), np.uint8)
    cv2.circle(spot, (20, 20), 8, 1, -1)
    larger = np.zeros((60, 60), np.uint8)
    cv2.circle(larger, (40, 30), 16, 1, -1)
    fit = register(spot > 0, larger > 0)
    assert fit.degrees == 0
    assert fit.matrix @ (20, 20, 1) == pytest.approx([40, 30])
    assert fit.scale == pytest.approx(2, rel=0.02)


def test_a_small_dent_is_no_reason_to_turn_a_spot():
    """Turned by 45° the dents would meet, for about a hundredth more overlap."""
    spots = np.zeros((2, 160, 160), np.uint8)
    for spot, place in zip(spots, ((140, 80), (122, 122)), strict=True):
        cv2.circle(spot, (80, 80), 60, 1, -1)
        cv2.circle(spot, place, 7, 0, -1)
    fit = register(spots[0] > 0, spots[1] > 0)
    assert fit.degrees == 0
    assert 0.97 < fit.overlap < 1


def test_two_wings_are_not_turned_upside_down():
    wings = np.zeros((40, 60), dtype=bool)
    wings[10:20, 5:15] = wings[10:20, 45:55] = True
    assert register(wings, np.roll(wings, 3, axis=0)).degrees == 0


def test_one_pixel_on_one_pixel_and_on_many():
    one = np.zeros((3, 3), dtype=bool)
    one[2, 1] = True
    assert register(one, one).matrix == pytest.approx(np.eye(2, 3))
    many = np.zeros((9, 9), dtype=bool)
    many[2:6, 3:7] = True
    fit = register(one, many)
    assert (fit.scale, fit.degrees) == (4, 0)
    assert fit.matrix @ (1, 2, 1) == pytest.approx([4.5, 3.5])
    assert register(many, one).scale == 0.25
