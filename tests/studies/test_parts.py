"""Windows, regions and shares of parts, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intr_discover.studies.parts import (
    FEWEST_VISIBLE,
    chance_of_heads,
    chance_of_points,
    keypoints_inside,
    mask_inside,
    merged_name,
    most_hit,
    part_consistency,
    part_focus,
    purity,
    region_names,
    regions_near,
    stability,
    windows,
)


def flags(*rows):
    """``[n, R, P]`` from one text a photograph, heads apart by spaces: ``"10 01"``."""
    return np.array([[[sign == "1" for sign in head] for head in row.split()] for row in rows])


# Names


@pytest.mark.parametrize(
    ("name", "merged"),
    [
        ("left_eye", "eye"),
        ("eye right", "eye"),
        ("forewing_left_vein_3", "forewing_vein_3"),
        ("Left-Wing", "Wing"),
        ("leftover", "leftover"),
        ("left", "left"),
        ("head", "head"),
    ],
)
def test_left_and_right_are_one(name, merged):
    assert merged_name(name) == merged


def test_a_numbered_series_is_one_region():
    names = ["forewing_left_vein_1", "forewing_right_vein_2", "head", "p7"]
    assert region_names(names) == ["forewing_vein", "forewing_vein", "head", "p7"]


def test_numbers_stay_where_all_points_would_be_one_region():
    assert region_names(["landmark_1", "landmark_2"]) == ["landmark_1", "landmark_2"]
    assert region_names([]) == []


# Windows


def test_windows_by_hand():
    # 40 × 60 pixels, a fifth of each side: 12 wide, 8 high.
    boxes = windows([[30, 20], [0, 39], [59, 0]], (40, 60), 0.2, (1, 1))
    assert boxes.tolist() == [[24, 16, 36, 24], [-0.5, 35, 6, 39.5], [53, -0.5, 59.5, 4]]


def test_a_window_is_never_smaller_than_a_cell():
    (box,) = windows([[30, 20]], (40, 60), 0.01, (10, 4))
    assert box.tolist() == [28, 15, 32, 25]


def test_keypoints_in_windows():
    boxes = np.array([[10, 10, 20, 20]])
    points = [[10, 20], [9, 15], [23, 24], [np.nan, np.nan]]
    assert keypoints_inside(boxes, points, 0).tolist() == [[True, False, False, False]]
    assert keypoints_inside(boxes, points, 1).tolist() == [[True, True, False, False]]
    # (23, 24) lies 3 and 4 from the corner: 5.
    assert keypoints_inside(boxes, points, 5).tolist() == [[True, True, True, False]]


def test_masks_in_windows():
    mask = np.zeros((5, 7), bool)
    mask[4, 6] = True
    boxes = [[0, 0, 5.9, 4], [5.5, 3.5, 6, 4], [6.2, 0, 6.8, 4]]
    assert mask_inside(boxes, mask).tolist() == [False, True, False]
    assert not mask_inside(boxes, np.zeros((5, 7), bool)).any()


def test_regions_by_hand():
    keypoints, regions = [[0, 0], [10, 0], [20, 0]], [0, 1, 0]
    points = [[1, 5], [4, 0], [10, 3], [19, 0]]
    assert regions_near(points, keypoints, regions, 2, 0).tolist() == [
        [True, False], [True, False], [False, True], [True, False],
    ]  # fmt: skip
    # The border of the first two lies at 5: from 4 it is 1 away.
    assert regions_near([[4, 0]], keypoints, regions, 2, 0.9).tolist() == [[True, False]]
    assert regions_near([[4, 0]], keypoints, regions, 2, 1.1).tolist() == [[True, True]]


def test_a_point_between_two_keypoints_lies_in_the_first():
    assert regions_near([[5, 0]], [[0, 0], [10, 0]], [0, 1], 3, 0).tolist() == [
        [True, False, False]
    ]


@given(st.integers(0, 200))
def test_each_point_hits_the_region_of_its_nearest_keypoint(seed):
    generator = np.random.default_rng(seed)
    points, keypoints = generator.uniform(0, 100, (4, 2)), generator.uniform(0, 100, (6, 2))
    hit = regions_near(points, keypoints, np.arange(6), 6, 8)
    nearest = np.linalg.norm(points[:, None] - keypoints, axis=-1).argmin(axis=1)
    assert hit[np.arange(4), nearest].all()


# Shares


def test_the_part_hit_most():
    hits = flags(*["10 00"] * 4, "01 01", "11 00")
    found = most_hit(hits, np.ones((6, 2), bool))
    assert found.part.tolist() == [0, 1]
    np.testing.assert_allclose(found.share, [5 / 6, 1 / 6])
    assert found.n.tolist() == [6, 6]


def test_equal_parts_give_the_first_and_unseen_ones_do_not_count():
    hits = flags(*["11"] * 6)
    assert most_hit(hits, np.ones((6, 2), bool)).part.tolist() == [0]
    visible = np.ones((6, 2), bool)
    visible[: 6 - FEWEST_VISIBLE + 1, 0] = False  # seen in one too few
    assert most_hit(hits, visible).part.tolist() == [1]


def test_a_head_that_hits_nothing_has_no_part():
    found = most_hit(flags(*["00"] * 6), np.ones((6, 2), bool))
    assert (found.part[0], found.share[0], found.n[0]) == (-1, 0, 0)


@pytest.mark.parametrize(("n", "parts"), [(4, 2), (0, 2), (6, 0)])
def test_where_no_part_can_be_named_nothing_is_said(n, parts):
    hits, visible = np.ones((n, 3, parts), bool), np.ones((n, parts), bool)
    for found in (most_hit(hits, visible), part_consistency(hits, visible)):
        assert (found.part == -1).all() and np.isnan(found.share).all() and (found.n == 0).all()
    assert math.isnan(chance_of_heads(hits, visible, 0))
    assert math.isnan(chance_of_points(hits, visible))


def test_chance_by_hand():
    # Random pointers: one always hits part 0, one never hits.
    hits = flags(*["10 00"] * 5)
    assert chance_of_points(hits, np.ones((5, 2), bool)) == 0.5
    # Whichever head is drawn, the part is hit: a head has no part of its own.
    assert chance_of_heads(flags(*["1 1"] * 5), np.ones((5, 1), bool), 0) == 1
    # One of two heads hits: half of the photographs, on average.
    shuffled = chance_of_heads(flags(*["1 0"] * 20), np.ones((20, 1), bool), 0)
    assert shuffled == pytest.approx(0.5, abs=0.03)


def test_part_consistency_takes_the_largest_share_among_parts_seen_often_enough():
    hits = flags(*["111"] * 4, "110", "010")
    visible = np.array([[True, True, True]] * 4 + [[True, True, False], [False, True, False]])
    found = part_consistency(hits, visible)
    # Part 0: 5 of 5. Part 1: 6 of 6, more hits. Part 2 is seen in 4 only.
    assert (found.part[0], found.share[0], found.n[0]) == (1, 1.0, 6)
    hits[0, 0, 1] = False
    found = part_consistency(hits, visible)
    assert (found.part[0], found.share[0], found.n[0]) == (0, 1.0, 5)


def test_purity_looks_at_the_strongest_photographs():
    hits = flags(*["1 0"] * 5, *["0 1"] * 5)
    visible, maxima = np.ones((10, 1), bool), np.stack([np.arange(10)[::-1], np.arange(10)], 1)
    found = purity(hits, visible, maxima, images=5)
    assert found.share.tolist() == [1, 1] and found.n.tolist() == [5, 5]
    assert purity(hits, visible, -maxima, images=5).share.tolist() == [0, 0]
    assert purity(hits, visible, maxima).share.tolist() == [0.5, 0.5]


def test_stability_by_hand():
    hits, noisy = (
        flags("10 01", "10 01", "10 01", "10 01"),
        flags("10 01", "10 11", "11 01", "10 00"),
    )
    assert stability(hits, noisy).tolist() == [0.75, 0.5]
    assert np.isnan(stability(hits[:0], noisy[:0])).all()


def test_focus_by_hand():
    one, even = flags(*["100"] * 6), flags(*["100", "010", "001"] * 2)
    visible = np.ones((6, 3), bool)
    assert part_focus(one, visible) == pytest.approx(1)
    assert part_focus(even, visible) == pytest.approx(0)
    # Half and half among two visible parts is even, too; the third is never seen.
    half = flags(*["100", "010"] * 3)
    assert part_focus(half, np.array([[True, True, False]] * 6)) == pytest.approx(0)
    assert part_focus(half, visible) == pytest.approx(1 - math.log(2) / math.log(3))
    assert np.isnan(part_focus(flags(*["000"] * 6), visible)).all()
    assert np.isnan(part_focus(one[:, :, :1], visible[:, :1])).all()
