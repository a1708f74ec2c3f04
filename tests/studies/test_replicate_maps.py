"""Likeness of trainings by hand: correlations, matched heads, peaks, parts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intr_discover.studies.replicate_maps import (
    compare_maps,
    match_heads,
    near_each_other,
    share_a_part,
    standardised,
)

LEFT, RIGHT, FLAT = [1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [1 / 3, 1 / 3, 1 / 3]


def test_correlation_with_the_own_photograph_and_with_others_of_the_class():
    # Two photographs of ant, one of bee; one head each.
    first = np.array([[LEFT], [RIGHT], [LEFT]])
    second = np.array([[LEFT], [RIGHT], [RIGHT]])
    alike = compare_maps(first, second, ["ant", "ant", "bee"])
    np.testing.assert_allclose(alike.mean_map, [1, 1, -0.5])
    np.testing.assert_allclose(alike.mean_map_chance, [-0.5, -0.5, np.nan])
    np.testing.assert_allclose(alike.heads, alike.mean_map)


def test_a_flat_map_has_no_correlation():
    alike = compare_maps(np.array([[FLAT], [LEFT]]), np.array([[LEFT], [LEFT]]), ["a", "a"])
    assert np.isnan(alike.mean_map[0]) and alike.mean_map[1] == pytest.approx(1)
    # The first photograph's flat map says nothing about the second either.
    np.testing.assert_allclose(alike.mean_map_chance, [1, 1])


def test_heads_are_matched_whatever_their_numbers():
    first = np.array([[LEFT, RIGHT, FLAT]] * 2)
    second = np.array([[RIGHT, LEFT]] * 2)
    matching, alike = match_heads(standardised(first), standardised(second))
    assert sorted(map(tuple, matching.tolist())) == [(0, 1), (1, 0)]
    np.testing.assert_allclose(alike, [1, 1])
    found = compare_maps(first, second, ["a", "a"])
    np.testing.assert_allclose(found.heads, [1, 1])
    assert found.matching.shape == (2, 2)


def test_peaks_near_each_other():
    shapes = np.array([[40, 80]] * 3)
    first = np.array([[10.0, 10.0], [70.0, 30.0], [5.0, 5.0]])
    second = np.array([[13.0, 14.0], [70.0, 36.0], [5.0, 5.0]])
    near, chance = near_each_other(first, second, shapes, np.full(3, 5.0), ["a", "a", "b"])
    assert near.tolist() == [1, 0, 1]  # exactly the tolerance is near
    assert chance[:2].tolist() == [0, 0] and np.isnan(chance[2])


def test_the_peak_of_another_photograph_is_placed_by_shares_of_its_sides():
    shapes = np.array([[40, 80], [20, 40]])
    first = np.array([[39.5, 19.5], [0.0, 0.0]])
    second = np.array([[0.0, 0.0], [19.5, 9.5]])  # the middle of the smaller photograph
    _, chance = near_each_other(first, second, shapes, np.full(2, 0.1), ["a", "a"])
    assert chance[0] == 1  # the middle of the larger one


def test_parts_in_common_by_hand():
    hit = np.array(
        [
            [[1, 0], [1, 1], [0, 1]],  # pairs: 1-2, 2-3, not 1-3; no part of all three
            [[1, 0], [1, 0], [1, 1]],  # all on the first
            [[0, 0], [0, 0], [0, 0]],
            [[0, 0], [0, 0], [0, 0]],
        ],
        dtype=bool,
    )
    visible = np.array([[1, 1], [1, 0], [1, 1], [0, 0]], dtype=bool)
    random = np.zeros((4, 3, 2), dtype=bool)
    random[0, :2, 0] = True
    pairs, together, chance = share_a_part(hit, visible, random)
    np.testing.assert_allclose(pairs, [2 / 3, 1, 0, np.nan])
    np.testing.assert_allclose(together, [0, 1, 0, np.nan])
    np.testing.assert_allclose(chance, [1 / 3, 0, 0, np.nan])


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 4), st.integers(2, 9))
def test_a_training_compared_with_itself(seed, n, heads, cells):
    generator = np.random.default_rng(seed)
    maps = generator.random((n, heads, cells))
    order = generator.permutation(heads)
    alike = compare_maps(maps, maps[:, order], ["a"] * n)
    np.testing.assert_allclose(alike.mean_map, 1, atol=1e-9)
    # Every head finds itself, whatever its number.
    assert [order[other] == one for one, other in alike.matching] == [True] * heads or (
        alike.matched > 1 - 1e-9
    ).all()
    np.testing.assert_allclose(alike.heads, 1, atol=1e-9)
    known = alike.mean_map_chance[~np.isnan(alike.mean_map_chance)]
    assert (np.abs(known) <= 1 + 1e-9).all() and len(known) == (n if n > 1 else 0)
