"""Soft edges and blending, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import cdist

from intr_discover.edits.blending import area_around, as_rgb, blend, soft_edge


def one_pixel(shape=(5, 7), at=(2, 3)):
    region = np.zeros(shape, dtype=bool)
    region[at] = True
    return region


def test_a_soft_edge_by_hand():
    """Feather 4: one minus a quarter of the distance, 0 from four pixels on."""
    edge = soft_edge(one_pixel(), 4.0)
    assert edge.dtype == np.float32
    assert edge[2].tolist() == [0.25, 0.5, 0.75, 1, 0.75, 0.5, 0.25]
    assert edge[1, 4] == pytest.approx(1 - 2**0.5 / 4)
    assert edge[0, 0] == pytest.approx(1 - 13**0.5 / 4)


@pytest.mark.parametrize("feather", [0, 0.5, 1])
def test_up_to_one_pixel_the_edge_is_hard(feather):
    assert np.array_equal(soft_edge(one_pixel(), feather), one_pixel())


@settings(deadline=None, max_examples=50)
@given(arrays(np.bool_, (6, 8)), st.floats(1.01, 12))
def test_the_edge_is_one_minus_distance_over_feather(region, feather):
    assume(region.any())
    distance = cdist(np.argwhere(np.ones_like(region)), np.argwhere(region)).min(axis=1)
    expected = np.maximum(0, 1 - distance / feather).reshape(region.shape)
    assert soft_edge(region, feather) == pytest.approx(expected, abs=1e-5)


@settings(deadline=None, max_examples=50)
@given(arrays(np.bool_, (6, 8)), st.floats(0, 12), st.floats(0, 5))
def test_the_box_loses_nothing_of_the_edge(region, feather, margin):
    assume(region.any())
    area = area_around(region, feather, margin)
    whole = np.zeros(region.shape, dtype=np.float32)
    whole[area.box] = area.weight
    assert np.array_equal(whole, soft_edge(region, feather))
    assert np.array_equal(area.region, region[area.box])


def test_a_box_and_its_margin_by_hand():
    area = area_around(one_pixel((20, 30), (10, 3)), 0, 4)
    assert area.box == (slice(6, 15), slice(0, 8))  # cut off at the left edge
    assert area_around(one_pixel(), 1e300).box == (slice(0, 5), slice(0, 7))


def test_blending_by_hand():
    """Old 100, new 200: 200 in the pixel, 150 beside it (feather 2); half of that at strength ½."""
    photograph = np.full((1, 5, 3), 100, np.uint8)
    area = area_around(one_pixel((1, 5), (0, 2)), 2)
    edited = np.full((*area.region.shape, 3), 200, np.uint8)
    assert blend(photograph, area, edited, 1.0)[0, :, 0].tolist() == [100, 150, 200, 150, 100]
    assert blend(photograph, area, edited, 0.5)[0, :, 1].tolist() == [100, 125, 150, 125, 100]
    assert np.array_equal(blend(photograph, area, edited, 0.0), photograph)
    assert (photograph == 100).all()


def test_grey_and_alpha():
    area = area_around(one_pixel((1, 5), (0, 2)), 0)
    grey = blend(np.full((1, 5), 9, np.uint8), area, np.uint8([[[255, 0, 0]]]), 1.0)
    assert grey.tolist() == [[9, 9, 76, 9, 9]]  # Rec. 601: 0.299 · 255
    clear = np.full((1, 5, 4), 7, np.uint8)
    result = blend(clear, area, np.uint8([[[255, 1, 2]]]), 1.0)
    assert result[0, 2].tolist() == [255, 1, 2, 7]
    assert (np.delete(result, 2, axis=1) == 7).all()


def test_values_beyond_a_byte_are_cut_off():
    area = area_around(one_pixel((1, 1), (0, 0)), 0)
    edited = np.float32([[[-20, 300, 99.6]]])
    assert blend(np.zeros((1, 1, 3), np.uint8), area, edited, 1.0).tolist() == [[[0, 255, 100]]]


def test_as_rgb_keeps_colours_and_leaves_transparency_out():
    assert as_rgb(np.uint8([[5]])).tolist() == [[[5, 5, 5]]]
    assert as_rgb(np.uint8([[[1, 2, 3, 0]]])).tolist() == [[[1, 2, 3]]]
