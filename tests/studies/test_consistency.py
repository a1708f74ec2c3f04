"""Consistency, distinctness and concentration against values worked out by hand and by loops."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intr_discover.studies.consistency import (
    FEWEST,
    consistency,
    distinctness,
    effective_area,
    head_similarity,
    map_differences,
    mean_cosines,
    unit_descriptors,
)

X, Y, Z = np.eye(3)


def drawn(seed=0, n=6, heads=3, depth=4):
    return unit_descriptors(np.random.default_rng(seed).normal(size=(n, heads, depth)))


def by_loops(units, weights=None):
    """Mean cosines of the same head and of different heads, photograph by photograph."""
    n, heads, _ = units.shape
    rows = np.repeat(np.arange(n), np.ones(n, int) if weights is None else weights)
    same, different = [[] for _ in range(heads)], []
    for i, j in product(rows, rows):
        if i == j:
            continue  # an image, or its own copy
        for r, s in product(range(heads), range(heads)):
            (same[r] if r == s else different).append(units[i, r] @ units[j, s])
    return np.array([np.mean(each) for each in same]), np.mean(different)


# Descriptors


def test_descriptors_are_centred_over_photographs_and_heads():
    units = unit_descriptors([[[3.0, 0.0], [1.0, 0.0]], [[3.0, 0.0], [1.0, 0.0]]])
    assert units[0].tolist() == [[1, 0], [-1, 0]]  # the centre is (2, 0)


def test_equal_descriptors_have_no_direction():
    units = unit_descriptors(np.full((5, 2, 3), 0.1))
    assert (units == 0).all()
    found = consistency(units, 0)
    assert (found.score == 0).all() and found.chance == 0
    assert (found.p == 1).all()


@given(st.integers(0, 50), st.integers(1, 6), st.integers(1, 4))
def test_units_have_length_one_or_zero(seed, n, heads):
    lengths = np.linalg.norm(drawn(seed, n, heads), axis=-1)
    assert np.all(np.isclose(lengths, 1) | (lengths == 0))


# Consistency


def test_mean_cosines_by_hand():
    same, chance = mean_cosines(np.array([[X, Y], [X, X]]))
    assert same.tolist() == [1, 0]
    # Head 0 of one photograph with head 1 of the other: X·X = 1, and X·Y = 0.
    assert chance == 0.5


@given(st.integers(0, 100), st.integers(2, 5), st.integers(2, 4))
@settings(max_examples=30)
def test_mean_cosines_are_those_over_all_pairs(seed, n, heads):
    units = drawn(seed, n, heads)
    same, chance = mean_cosines(units)
    expected_same, expected_chance = by_loops(units)
    np.testing.assert_allclose(same, expected_same, atol=1e-12)
    assert chance == pytest.approx(expected_chance)


def test_heads_that_keep_apart_are_consistent():
    found = consistency(np.tile([X, Y, Z], (6, 1, 1)), 0, permutations=199)
    assert found.score.tolist() == [1, 1, 1] and found.chance == 0
    assert found.low == pytest.approx(1) and found.high == pytest.approx(1)
    assert (found.p == 1 / 200).all()  # no shuffle puts each head in its place


def test_heads_that_do_the_same_are_not_called_consistent():
    found = consistency(np.tile([X, X], (6, 1, 1)), 0)
    assert found.same_head.tolist() == [1, 1] and found.chance == 1
    assert found.score.tolist() == [0, 0] and (found.p == 1).all()


def test_p_is_that_of_all_shuffles():
    units = drawn(3, n=5, heads=2)
    score = consistency(units, 1, permutations=4999)
    observed = np.subtract(*mean_cosines(units))
    all_scores = []
    for flips in product([False, True], repeat=5):
        turned = np.where(np.array(flips)[:, None, None], units[:, ::-1], units)
        all_scores.append(np.subtract(*mean_cosines(turned)))
    exact = (np.array(all_scores) >= observed - 1e-12).mean(axis=0)
    np.testing.assert_allclose(score.p, exact, atol=0.03)


def test_without_an_effect_small_p_are_rare():
    p = [consistency(drawn(seed, 6, 4), seed, permutations=199).p for seed in range(60)]
    share = (np.concatenate(p) <= 0.05).mean()
    # 240 p-values, four of a class dependent: 0.05 give or take 0.04.
    assert share < 0.1


def test_own_copies_are_left_out_of_the_bootstrap():
    # Six photographs with nothing in common: a copy paired with itself would give a cosine of 1.
    units = np.zeros((6, 2, 12))
    units[np.arange(6), 0, np.arange(6)] = 1
    units[np.arange(6), 1, 6 + np.arange(6)] = 1
    found = consistency(units, 0)
    assert found.low.tolist() == found.high.tolist() == [0, 0]


def test_the_bootstrap_is_that_by_loops():
    units = drawn(5, n=5, heads=2)
    found = consistency(units, 7, permutations=1, bootstraps=200)
    weights = np.random.default_rng(7).multinomial(5, np.full(5, 0.2), size=200)
    scores = []
    for each in weights:
        if (each > 0).sum() > 1:
            same, chance = by_loops(units, each)
            scores.append(same - chance)
    np.testing.assert_allclose(found.low, np.quantile(scores, 0.025, axis=0), atol=1e-9)
    np.testing.assert_allclose(found.high, np.quantile(scores, 0.975, axis=0), atol=1e-9)


@pytest.mark.parametrize("shape", [(FEWEST - 1, 3, 4), (0, 3, 4), (8, 1, 4)])
def test_too_few_photographs_or_heads_give_no_score(shape):
    units = unit_descriptors(np.random.default_rng(0).normal(size=shape))
    found = consistency(units, 0)
    for values in (found.score, found.low, found.high, found.p, distinctness(units)):
        assert values.shape == (shape[1],) and np.isnan(values).all()
    assert math.isnan(found.chance)


# Distinctness


def test_distinctness_by_hand():
    np.testing.assert_allclose(distinctness(np.tile([X, Y], (5, 1, 1))), 1)
    # Heads 0 and 1 pick up the same: within 0, to the nearest other 0, so the silhouette is 0.
    np.testing.assert_allclose(distinctness(np.tile([X, X, Y], (5, 1, 1))), [0, 0, 1], atol=1e-12)


def test_distinctness_of_mixed_descriptors():
    units = np.tile([X, Y], (5, 1, 1))
    units[0, 0] = Y  # head 0 once does what head 1 does
    # That one: mean distance to its own 4 is 1, to the others 0: −1. Its four siblings: (0·3 + 1)/4
    # to their own, 1 to the others: 1 − 0.25. Mean (−1 + 4·0.75)/5.
    # Head 1: own 0, others (4·1 + 0)/5 = 0.8: 1.
    np.testing.assert_allclose(distinctness(units), [0.4, 1.0])


# Maps


def test_effective_area_by_hand():
    even, one, two = np.full(9, 1 / 9), np.eye(9)[4], np.eye(9)[0] / 2 + np.eye(9)[8] / 2
    np.testing.assert_allclose(effective_area([even, one, two]), [1, 1 / 9, 2 / 9])
    assert effective_area(np.ones((2, 3, 1))).shape == (2, 3)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=20).filter(lambda v: sum(v) > 0.01))
def test_effective_area_lies_in_its_range(values):
    weights = np.array(values) / sum(values)
    assert 1 / len(weights) - 1e-9 <= effective_area(weights) <= 1 + 1e-9


def test_similarity_of_heads_by_hand():
    left, right = np.array([0.5, 0.5, 0, 0]), np.array([0, 0, 0.5, 0.5])
    assert head_similarity([left, left, left]) == pytest.approx(1)
    assert head_similarity([left, right]) == pytest.approx(-1)
    # One pair at 1, two at −1.
    assert head_similarity([left, left, right]) == pytest.approx(-1 / 3)
    even = np.full(4, 0.25)
    assert head_similarity([left, left, even]) == pytest.approx(1)  # an even map has none
    assert math.isnan(head_similarity([left, even]))
    assert math.isnan(head_similarity([left]))


def test_differences_between_queries_by_hand():
    a = np.array([[1.0, 0, 0], [0.5, 0.5, 0]])  # two heads
    b = np.array([[0.0, 1, 0], [0.5, 0.0, 0.5]])
    assert map_differences([a, a], [[0, 1]]).tolist() == [0, 0]
    assert map_differences([a, b], [[0, 1]]).tolist() == [1, 0.5]
    assert map_differences([a, a, b], [[0, 1], [0, 2]]).tolist() == [0.5, 0.25]
