"""Control regions: the same shape elsewhere, compared by a canonical form worked out here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import label

from intr_discover.edits.regions import control_regions
from intr_discover.errors import UserError


def generator(seed=0):
    return np.random.default_rng(seed)


def drawn(*rows):
    """Return a mask from text, True where there is a #."""
    return np.array([[letter == "#" for letter in row] for row in rows])


def canonical(mask):
    """Return a shape without its place, quarter turn and mirroring: the least of eight forms."""
    pixels = np.argwhere(mask)
    forms = []
    for signs in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        for axes in ((0, 1), (1, 0)):
            moved = (pixels * signs)[:, axes]
            forms.append(sorted(map(tuple, (moved - moved.min(axis=0)).tolist())))
    return min(forms)


def parts(mask):
    """Return the canonical forms of the connected parts."""
    labels, count = label(mask, structure=np.ones((3, 3)))
    return sorted(canonical(labels == number) for number in range(1, count + 1))


L_SHAPE = drawn("#....", "#....", "##...", ".....")


def test_the_canonical_form_knows_turns_and_mirrors_from_other_shapes():
    for turned in (L_SHAPE, L_SHAPE.T, L_SHAPE[::-1], np.rot90(L_SHAPE), L_SHAPE[:, ::-1]):
        assert canonical(turned) == canonical(L_SHAPE)
    assert canonical(drawn(".#..", "##..", ".#..")) != canonical(L_SHAPE)


def test_controls_by_hand():
    """Three free pixels in a corner: a domino fits there in two ways, not more."""
    region = drawn("##...", ".....", ".....", ".....")
    free = drawn(".....", ".....", "...##", "....#")
    found = control_regions(region, free, 20, generator())
    assert len(found) == 2
    assert {tuple(map(tuple, np.argwhere(mask).tolist())) for mask in found} == {
        ((2, 3), (2, 4)),
        ((2, 4), (3, 4)),
    }


def test_every_place_and_position_is_as_likely():
    region = drawn("##.....", ".......", ".......", ".......")
    free = drawn(".......", ".......", "..#####", "......#")  # four lying, one standing
    seen = [control_regions(region, free, 1, generator(seed))[0].tobytes() for seed in range(500)]
    counts = [seen.count(place) for place in set(seen)]
    assert len(counts) == 5
    # Each is drawn 100 times on average, with a standard deviation of 9.
    assert min(counts) > 60 and max(counts) < 140


def test_all_eight_positions_occur():
    region = np.zeros((12, 12), dtype=bool)
    region[:3, 0] = region[2, 1] = True
    free = np.ones((12, 12), dtype=bool)
    found = control_regions(region, free, 300, generator())
    cut_out = [
        mask[np.ix_(mask.any(axis=1), mask.any(axis=0))]  # the L has no empty row or column
        for mask in found
    ]
    assert len({(cut.shape, cut.tobytes()) for cut in cut_out}) == 8


@settings(deadline=None, max_examples=200)
@given(
    arrays(np.bool_, (4, 3)), arrays(np.bool_, (9, 11)), st.integers(0, 6), st.integers(0, 9)
)  # fmt: skip
def test_what_every_control_keeps(shape, off_limits, count, seed):
    """Area, shape, the allowed area; no two the same, no more than wanted."""
    region = np.zeros((9, 11), dtype=bool)
    region[2:6, 1:4] = shape
    allowed = ~(off_limits & (np.arange(11) < 7)) & ~region  # the right side is free
    found = control_regions(region, allowed, count, generator(seed))
    assert len(found) <= count
    assert len({mask.tobytes() for mask in found}) == len(found)
    for mask in found:
        assert mask.dtype == bool and mask.shape == region.shape
        assert mask.sum() == region.sum()
        assert not (mask & ~allowed).any()
        assert canonical(mask) == canonical(region) or parts(mask) == parts(region)
    if region.any() and count:
        # 9 × 4 free pixels hold every shape of 4 × 3, so this is never an empty promise.
        assert found
        assert all(canonical(mask) == canonical(region) for mask in found)


@settings(deadline=None, max_examples=100)
@given(arrays(np.bool_, (6, 8)), st.integers(1, 5), st.integers(0, 9))
def test_parts_are_kept_wherever_they_fit(allowed, count, seed):
    """Two parts far apart, which as a whole fit nowhere but where they are."""
    region = np.zeros((6, 8), dtype=bool)
    region[0, 0:2] = region[5, 6:8] = True
    allowed = allowed & ~region
    found = control_regions(region, allowed, count, generator(seed))
    assert len(found) <= count
    for mask in found:
        assert mask.sum() == 4
        assert not (mask & ~allowed).any()
        assert canonical(mask) == canonical(region) or parts(mask) == parts(region)


def test_two_parts_that_fit_only_one_by_one():
    region = drawn("##......##", "##......##", "..........", "..........", "..........")
    free = drawn("..........", "..........", "..........", ".#####....", ".#####....")
    found = control_regions(region, free, 5, generator())
    # The block of 5 × 2 holds two squares of 2 × 2 with a gap between them in one way.
    assert [mask.tolist() for mask in found] == [
        drawn("..........", "..........", "..........", ".##.##....", ".##.##....").tolist()
    ]


def test_parts_that_would_touch_are_not_placed():
    region = drawn("##....##", "##....##", "........", "........")
    free = drawn("........", "........", "..####..", "..####..")
    assert control_regions(region, free, 5, generator()) == []


def test_a_whole_that_fits_stays_whole():
    region = drawn("#.#......", ".........", ".........")
    free = np.ones((3, 9), dtype=bool) & ~region
    for mask in control_regions(region, free, 50, generator()):
        assert canonical(mask) == canonical(region)


@pytest.mark.parametrize(
    "free",
    [
        np.zeros((4, 5)),
        drawn(".....", "..###", ".....", "...##"),  # enough pixels, but no place for an L
    ],
)
def test_what_fits_nowhere_gives_no_control(free):
    assert control_regions(L_SHAPE, free, 3, generator()) == []


def test_an_empty_region_has_no_controls():
    assert control_regions(np.zeros((4, 5)), np.ones((4, 5)), 3, generator()) == []


def test_a_shape_longer_than_the_picture_is_high_is_not_turned_out_of_it():
    region = np.zeros((3, 9), dtype=bool)
    region[0, :7] = True
    found = control_regions(region, ~region, 99, generator())
    # Lying in the lower two rows, at three places each; the first row has two free pixels.
    assert len(found) == 6
    assert all(mask.any(axis=1).sum() == 1 for mask in found)


def test_masks_of_any_kind_mean_the_same():
    free = 1 - L_SHAPE.astype(int)
    expected = control_regions(L_SHAPE, free > 0, 3, generator(4))
    for region, allowed in ((255 * L_SHAPE.astype(np.uint8), 255 * free), (L_SHAPE / 9, free / 9)):
        found = control_regions(region, allowed, 3, generator(4))
        assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    "region", [L_SHAPE, drawn("##..........##", *[".............."] * 4)], ids=["whole", "parts"]
)
def test_the_generator_decides_everything(region):
    free = ~region
    free[:, : region.shape[1] // 2 - 4] = False
    region_before, free_before = region.copy(), free.copy()
    one = control_regions(region, free, 4, generator(1))
    again = control_regions(region, free, 4, generator(1))
    other = control_regions(region, free, 4, generator(2))
    assert len(one) == 4
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert np.array_equal(region, region_before) and np.array_equal(free, free_before)


def test_a_large_region_is_counted_exactly():
    """One pixel too few in hundreds of thousands is no place."""
    region = np.zeros((700, 1400), dtype=bool)
    region[:, :700] = True
    free = ~region
    assert len(control_regions(region, free, 5, generator())) == 1
    free[350, 1000] = False
    assert control_regions(region, free, 5, generator()) == []


def test_sizes_that_differ_are_refused_in_one_line():
    with pytest.raises(UserError, match=r"\[4, 5\] and the allowed area \[5, 4\]") as caught:
        control_regions(L_SHAPE, np.ones((5, 4)), 1, generator())
    assert "\n" not in str(caught.value)
