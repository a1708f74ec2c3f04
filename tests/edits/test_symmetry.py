"""The axis of symmetry: known lines are found, and reflections come back."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from intr_discover.data import rings
from intr_discover.edits.symmetry import Axis, axis_from_keypoints, axis_from_mask, mirrored_mask
from intr_discover.errors import UserError


def leaning(degrees, centre=(100.0, 80.0), shape=(160, 200), scale=1.0):
    """Return a mask with one axis of symmetry: a kite, wider above, with a stalk."""
    kite = np.array([(0, -40), (45, -15), (4, 30), (4, 55), (-4, 55), (-4, 30), (-45, -15)])
    angle = math.radians(degrees)
    turn = np.array([(math.cos(angle), -math.sin(angle)), (math.sin(angle), math.cos(angle))])
    points = scale * kite @ turn.T + centre
    mask = np.zeros(shape, np.uint8)
    cv2.fillPoly(mask, [np.rint(16 * points).astype(np.int32)], 1, shift=4)
    return mask


def difference(one, other):
    """Return the angle between two lines."""
    return abs((one - other + 90) % 180 - 90)


def aside(axis, point):
    """Return the distance of a point from an axis."""
    across = np.array([math.cos(math.radians(axis.degrees)), math.sin(math.radians(axis.degrees))])
    return abs(float(across @ (np.array(point) - (axis.x, axis.y))))


def test_reflections_by_hand():
    assert Axis(5, 0).reflect(np.array([[2.0, 7.0]])) == pytest.approx(np.array([[8, 7]]))
    assert Axis(0, 5, 90).reflect(np.array([[2.0, 7.0]])) == pytest.approx(np.array([[2, 3]]))
    # Clockwise by 45°: from lower left to upper right, where y runs downwards.
    assert Axis(0, 0, 45).reflect(np.array([[3.0, 0.0]])) == pytest.approx(np.array([[0, -3]]))


@given(st.floats(-50, 50), st.floats(-50, 50), st.floats(-90, 90))
def test_a_reflection_is_its_own_inverse_and_leaves_the_axis(x, y, degrees):
    axis = Axis(x, y, degrees)
    points = np.array([(1.0, 2.0), (-30, 4)])
    assert axis.reflect(axis.reflect(points)) == pytest.approx(points, abs=1e-9)
    angle = math.radians(degrees)
    on_it = np.array([(x + 7 * math.sin(angle), y - 7 * math.cos(angle))])
    assert axis.reflect(on_it) == pytest.approx(on_it, abs=1e-9)


@pytest.mark.parametrize("degrees", [0, 3, -17, 41, 77, 90])
def test_the_axis_of_a_mask_is_found(degrees):
    axis = axis_from_mask(leaning(degrees))
    assert difference(axis.degrees, degrees) < 0.7
    assert aside(axis, (100, 80)) < 0.6
    assert -90 < axis.degrees <= 90


def test_the_axis_of_a_large_mask_is_in_its_own_pixels():
    mask = leaning(12, (900, 700), (1400, 1700), 8)
    axis = axis_from_mask(mask)
    assert difference(axis.degrees, 12) < 0.5
    assert aside(axis, (900, 700)) < 2


def test_a_torn_wing_does_not_move_the_axis_far():
    """The centroid moves by two pixels, and the line does not follow it."""
    mask = leaning(0)
    mask[:66, 118:] = 0
    centroid = np.argwhere(mask).mean(axis=0)[1]
    axis = axis_from_mask(mask)
    assert 100 - centroid > 1.8
    assert difference(axis.degrees, 0) < 3
    assert aside(axis, (100, 70)) < 1.5


def test_of_equal_axes_the_upright_one_is_taken():
    disc = np.zeros((60, 80), np.uint8)
    cv2.circle(disc, (40, 30), 20, 1, -1)
    square = np.zeros((60, 80), np.uint8)
    square[10:41, 20:51] = 1
    for mask, x in ((disc, 40), (square, 35), (disc.T, 30)):
        axis = axis_from_mask(mask)
        assert axis.degrees == 0
        assert axis.x == pytest.approx(x, abs=0.3)


def test_a_small_dent_does_not_turn_the_axis_of_a_disc_far():
    """The best line passes the dent, at 45°; an upright one is as good within a hundredth."""
    disc = np.zeros((80, 80), np.uint8)
    cv2.circle(disc, (40, 40), 30, 1, -1)
    cv2.circle(disc, (61, 61), 2, 0, -1)
    assert abs(axis_from_mask(disc).degrees) < 10


def test_one_pixel_and_one_row_have_an_upright_axis():
    pixel = np.zeros((7, 9))
    pixel[3, 4] = 1
    assert axis_from_mask(pixel) == Axis(4, 3, 0)
    row = axis_from_mask(np.ones((1, 30)))
    assert (row.x, row.degrees) == (pytest.approx(14.5, abs=0.1), 0)


@pytest.mark.parametrize("index", range(6))
def test_masks_and_keypoints_of_drawn_butterflies_agree(index):
    drawn = rings.render(rings.draw_specimen(3, index))
    head, abdomen = (np.array(drawn.keypoints[name]) for name in ("head", "abdomen"))
    true = math.degrees(math.atan2(*(head - abdomen) * (1, -1)))
    for axis in (axis_from_mask(drawn.mask), axis_from_keypoints(drawn.keypoints)):
        assert difference(axis.degrees, true) < 3  # each wing is spread by itself
        assert aside(axis, head) < 2.5


def test_one_pair_of_keypoints_gives_the_line_between_them():
    axis = axis_from_keypoints({"wing_left": (10, 20), "wing_right": (30, 20), "head": (99, 0)})
    assert (axis.x, axis.y, axis.degrees) == (20, 20, pytest.approx(0))


@pytest.mark.parametrize("degrees", [-80, -30, 0, 45, 90])
def test_pairs_that_mirror_each_other_give_their_axis(degrees):
    axis = Axis(12, 34, degrees)
    left = np.random.default_rng(0).uniform(-40, 40, (4, 2))
    right = axis.reflect(left)
    points = {f"Left_{n}": tuple(p) for n, p in enumerate(left)}
    points |= {f"Right_{n}": tuple(p) for n, p in enumerate(right)}
    found = axis_from_keypoints(points)
    assert difference(found.degrees, degrees) < 1e-6
    assert aside(found, (12, 34)) < 1e-6


@pytest.mark.parametrize(
    ("keypoints", "words"),
    [
        ({}, "no pair of keypoints"),
        ({"left_eye": (1, 2), "head": (3, 4)}, "no pair of keypoints"),
        ({"left": (1, np.nan), "right": (3, 4)}, "no number"),
        ({"left": (1, 2), "right": (1, 2)}, "in the same place"),
    ],
)
def test_keypoints_without_an_axis_are_refused(keypoints, words):
    with pytest.raises(UserError, match=words) as caught:
        axis_from_keypoints(keypoints)
    assert "\n" not in str(caught.value)


def test_an_empty_mask_has_no_axis():
    with pytest.raises(UserError, match="specimen mask is empty"):
        axis_from_mask(np.zeros((5, 5)))


def test_a_mirrored_mask_by_hand():
    left = np.array([[1, 0, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 0, 0, 0]])
    expected = [[0, 0, 0, 0, 1], [0, 0, 0, 1, 1], [0, 0, 0, 0, 0]]
    assert mirrored_mask(left, Axis(2, 1)).astype(int).tolist() == expected
    # An axis between two columns; what would lie beyond the photograph is cut off.
    assert mirrored_mask(left, Axis(0.5, 1)).astype(int)[1].tolist() == [1, 1, 0, 0, 0]
    assert mirrored_mask(left, Axis(0, 1)).astype(int)[1].tolist() == [1, 0, 0, 0, 0]


@settings(deadline=None)
@given(arrays(np.bool_, (5, 8)))
def test_mirroring_twice_over_the_middle_gives_the_mask_back(mask):
    upright, lying = Axis(3.5, 2), Axis(3.5, 2, 90)
    assert np.array_equal(mirrored_mask(mask, upright), mask[:, ::-1])
    assert np.array_equal(mirrored_mask(mask, lying), mask[::-1])
    assert np.array_equal(mirrored_mask(mirrored_mask(mask, upright), upright), mask)
