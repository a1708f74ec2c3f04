"""Regions to edit and where their controls lie."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.errors import UserError
from intr_discover.studies.edit_regions import (
    controls_beside,
    disc,
    fringed,
    widened,
    with_other_wing,
)


def dot(shape=(7, 9), at=(3, 4)):
    mask = np.zeros(shape, dtype=bool)
    mask[at] = True
    return mask


def test_widened_by_whole_pixels():
    found = widened(dot(), 1)
    assert found.sum() == 5 and found[2, 4] and not found[2, 3]
    assert widened(dot(), 0.2).sum() == 5  # rounded up
    assert widened(dot(), 2).sum() == 13
    np.testing.assert_array_equal(widened(dot(), 0), dot())
    assert not widened(np.zeros((4, 4), bool), 3).any()


def test_a_fringe_is_a_pixel_at_160_and_two_at_320():
    assert fringed(dot((160, 200), (80, 80))).sum() == 5
    assert fringed(dot((320, 400), (80, 80))).sum() == 13
    assert fringed(dot((20, 20), (8, 8))).sum() == 5  # at least one


def test_controls_keep_off_the_region_the_attribute_and_the_edge():
    specimen = np.zeros((160, 160), dtype=bool)
    specimen[20:140, 20:140] = True
    mask, other = (np.zeros((160, 160), dtype=bool) for _ in range(2))
    mask[60:66, 40:46], other[60:66, 110:116] = True, True
    near = widened(mask | other, 4 + 3)
    generator = np.random.default_rng(0)
    found = controls_beside(mask, specimen, other, feather=3, count=20, generator=generator)
    assert len(found) == 20
    for control in found:
        assert control.sum() == 36 and (control <= specimen).all() and not (control & near).any()


def test_controls_without_a_specimen_lie_anywhere_and_none_is_none():
    mask = dot((40, 40), (20, 20))
    generator = np.random.default_rng(0)
    found = controls_beside(mask, None, None, feather=0, count=5, generator=generator)
    assert len(found) == 5
    assert controls_beside(mask, None, None, feather=0, count=0, generator=generator) == []
    full = np.ones((8, 8), bool)
    assert controls_beside(full, full, None, feather=0, count=3, generator=generator) == []


def test_the_other_wing_is_the_mirror_image():
    specimen = np.zeros((40, 41), dtype=bool)
    specimen[10:30, 5:36] = True
    specimen[4:10, 19:22] = True  # an upright body
    mask = dot((40, 41), (15, 8))
    found = with_other_wing(mask, specimen)
    assert found.sum() == 2 and found[15, 8] and found[14:17, 31:34].any()
    np.testing.assert_array_equal(with_other_wing(mask, None), mask)


def test_discs_by_hand():
    found = disc([[4.0, 3.0], [np.nan, np.nan]], 1.0, (7, 9), "a.png")
    np.testing.assert_array_equal(found, widened(dot(), 1))
    assert not disc([[np.nan, np.nan]], 3.0, (7, 9), "a.png").any()


@pytest.mark.parametrize("point", [(9.0, 3.0), (-1.0, 3.0), (4.0, 7.0)])
def test_a_keypoint_off_the_photograph_is_refused(point):
    with pytest.raises(UserError, match=r"a\.png.*off the photograph \(9 × 7"):
        disc([point], 1.0, (7, 9), "a.png")
