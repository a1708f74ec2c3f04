"""Several specimens in one mask: order, letters, dust, and those that touch."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intr_discover.preparation.apart import letters, may_touch, nearest_part, separate
from intr_discover.preparation.boxes import mask_box, whole, widen


def discs(*places, shape=(100, 160), radius=12):
    y, x = np.indices(shape)
    mask = np.zeros(shape, dtype=bool)
    for row, column in places:
        mask |= np.hypot(y - row, x - column) <= radius
    return mask


def test_reading_order_though_the_lines_are_not_straight():
    places = [(20, 130), (24, 20), (16, 75), (70, 60), (74, 20), (66, 120)]
    parts = separate(discs(*places), 0.1)
    middles = [np.argwhere(part).mean(axis=0).round().tolist() for part in parts]
    assert middles == [[24, 20], [16, 75], [20, 130], [74, 20], [70, 60], [66, 120]]


def test_dust_is_nobody_and_a_corner_joins():
    mask = discs((30, 30), (30, 90))
    mask[80:83, 80:83] = True
    assert len(separate(mask, 0.1)) == 2
    assert len(separate(mask, 0.01)) == 3
    assert separate(np.zeros((5, 5), bool), 0.1) == []
    assert len(separate(np.eye(6, dtype=bool), 0.1)) == 1  # connected by corners


@given(st.integers(0, 3000))
def test_letters_are_like_those_of_a_spreadsheet(count):
    named = letters(count)
    assert len(set(named)) == count
    assert named[:3] == ["a", "b", "c"][:count]
    if count > 702:
        assert named[26] == "aa" and named[701] == "zz" and named[702] == "aaa"


def test_each_pixel_goes_to_the_nearest():
    parts = separate(discs((50, 40), (50, 120)), 0.1)
    whose = nearest_part(parts)
    assert (whose[:, :80] == 0).all() and (whose[:, 81:] == 1).all()


def test_two_that_touch_are_suspected():
    apart = separate(discs((20, 20), (20, 60), (20, 100), (60, 30), (60, 51)), 0.1)
    assert len(apart) == 4  # the last two touch
    others = [[other for other in apart if other is not part] for part in apart]
    suspected = [may_touch(part, rest) for part, rest in zip(apart, others, strict=True)]
    assert suspected == [False, False, False, True]
    # Alone, or beside one other, nobody can tell.
    assert not may_touch(discs((50, 60), (50, 82)), [])
    assert not may_touch(discs((50, 60), (50, 82)), [discs((50, 20))])


def test_boxes_by_hand():
    mask = np.zeros((20, 30), bool)
    mask[2:8, 5:15] = True
    assert mask_box(mask) == (5, 2, 15, 8)
    assert widen((5, 2, 15, 8), 0.2, 30, 20) == (3, 0, 17, 10)
    assert whole((20, 30, 3)) == (0, 0, 30, 20)
    with pytest.raises(IndexError):
        mask_box(np.zeros((3, 3), bool))
