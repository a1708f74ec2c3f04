"""Tests of whole maps: worked out by hand, held by chance, and sharp enough for a planted cell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intr_discover.studies.diagnostic_regions import (
    agreement,
    average_region,
    excess_test,
    near,
)
from intr_discover.studies.population_maps import difference_test

# By hand


def test_all_relabellings_by_hand():
    # Four and four of one cell: only the true labels and their exchange give a difference of 1.
    test = difference_test(np.ones((4, 1)), np.zeros((4, 1)), 0)
    assert test.exact and test.count == math.comb(8, 4) == 70
    assert test.difference.tolist() == [1.0]
    assert test.p[0] == pytest.approx(2 / 70) == pytest.approx(test.smallest_p)
    assert test.significant.tolist() == [True]


def test_the_largest_of_all_cells_decides():
    # Cell 1 alone would have p = 2/70. Every relabelling moves cell 0 by at least as much.
    first = np.array([[10.0, 1.0], [-10.0, 1.0], [10.0, 1.0], [-10.0, 1.0]])
    second = np.array([[10.0, 0.0], [-10.0, 0.0], [10.0, 0.0], [-10.0, 0.0]])
    test = difference_test(first, second, 0)
    assert test.difference.tolist() == [0.0, 1.0]
    # The difference of cell 0 is (10 k) / 2 − … = 0 only where each side has two of +10: then all
    # depends on cell 1. Of C(4,2)² = 36 such relabellings 2 keep the labels of cell 1 together,
    # and the other 34 relabellings move cell 0 by at least 5.
    assert test.p[1] == pytest.approx((34 + 2) / 70)
    assert test.p[0] == 1.0
    assert not test.significant.any()


@pytest.mark.parametrize(
    ("n", "m", "smallest"), [(3, 3, 2 / 20), (1, 1, 1.0), (2, 5, 1 / 21), (1, 18, 1 / 19)]
)
def test_too_few_photographs_are_untestable(n, m, smallest):
    test = difference_test(np.ones((n, 2)), np.zeros((m, 2)), 0)
    assert test.smallest_p == pytest.approx(smallest)
    assert test.testable == (smallest <= 0.05)
    assert test.difference.tolist() == [1.0, 1.0]  # what was found is said all the same
    if not test.testable:
        assert np.isnan(test.p).all() and not test.significant.any()


def test_a_population_without_photographs_has_no_difference():
    test = difference_test(np.ones((0, 3)), np.ones((4, 3)), 0)
    assert np.isnan(test.difference).all() and not test.testable


def test_signs_by_hand():
    test = excess_test(np.array([[1.0, 0.0]] * 5), 0)
    assert test.exact and test.count == 32
    assert test.p[0] == pytest.approx(1 / 32)
    # 31 of 32 sign flips have a largest mean of 1, 0.6, 0.2 or, where cell 0 is negative, 0.
    assert test.p[1] == 1.0
    assert not excess_test(np.ones((4, 1)), 0).testable  # 1/16 at the least
    assert not excess_test(-np.ones((8, 1)), 0).significant.any()  # one-sided


def test_drawn_relabellings_count_the_observed_one():
    test = difference_test(np.ones((20, 1)), np.zeros((20, 1)), 0, permutations=999)
    assert not test.exact and test.count == 999
    assert test.p[0] == pytest.approx(1 / 1000) == pytest.approx(test.smallest_p)


def test_flat_maps_differ_nowhere():
    flat = np.full((6, 9), 0.3)
    assert difference_test(flat, flat, 0).p.tolist() == [1.0] * 9
    assert excess_test(flat - flat, 0).p.tolist() == [1.0] * 9


# Properties


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_exchanging_the_species_turns_the_sign_only(seed):
    generator = np.random.default_rng(seed)
    first, second = generator.normal(size=(4, 3)), generator.normal(size=(5, 3))
    one, other = difference_test(first, second, 0), difference_test(second, first, 0)
    assert np.allclose(one.difference, -other.difference)
    assert np.allclose(one.p, other.p)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.1, 10))
def test_units_do_not_matter(seed, unit):
    maps = np.random.default_rng(seed).normal(size=(10, 4))
    one = difference_test(maps[:5], maps[5:], 0)
    other = difference_test(unit * maps[:5], unit * maps[5:], 0)
    assert np.allclose(one.p, other.p)


# Chance and power


def peaked(generator, n, place=None):
    """Maps like those of heads: heavy-tailed noise, with a peak that wanders, or stays."""
    maps = generator.gamma(0.3, 1.0, size=(n, 100))
    where = generator.integers(0, 100, n) if place is None else np.full(n, place)
    maps[np.arange(n), where] += 8.0
    return maps


def test_one_species_split_at_random_does_not_differ_from_itself():
    alarms = []
    for seed in range(200):
        maps = peaked(np.random.default_rng(seed), 16)
        alarms.append(difference_test(maps[:8], maps[8:], seed, permutations=199).significant.any())
    # At a rate of 0.05 more than 18 of 200 have a probability below 0.01.
    assert np.sum(alarms) <= 18


def test_paired_differences_without_a_direction_raise_few_alarms():
    alarms = []
    for seed in range(200):
        generator = np.random.default_rng(seed)
        difference = peaked(generator, 12) - peaked(generator, 12)
        alarms.append(excess_test(difference, seed, flips=199).significant.any())
    assert np.sum(alarms) <= 18


def test_a_planted_difference_is_found_and_nothing_else():
    for seed in range(10):
        generator = np.random.default_rng(seed)
        first, second = peaked(generator, 10, place=42), peaked(generator, 10)
        found = difference_test(first, second, seed, permutations=999).significant
        assert found[42] and found.sum() == 1
        found = excess_test(first - second, seed, flips=999).significant
        assert found[42] and found.sum() == 1


# Known regions


def test_agreement_by_hand():
    inside = np.ones((3, 4), dtype=bool)
    region, found = np.zeros(12, dtype=bool), np.zeros(12, dtype=bool)
    region[0] = True  # upper left: it and three neighbours are near
    found[[5, 11]] = True  # one diagonal neighbour, and the lower right
    on = agreement(found, region, inside)
    assert on.region_cells == 1
    assert on.precision == 0.5 and on.recall == 1.0
    assert on.chance == pytest.approx(4 / 12)


def test_cells_outside_the_frame_are_no_neighbours():
    inside = np.array([[True, False, True]])
    assert near(np.array([True, False]), inside).tolist() == [True, False]


def test_nothing_found_has_no_precision():
    inside = np.ones((2, 2), dtype=bool)
    nothing, some = np.zeros(4, dtype=bool), np.array([True, False, False, False])
    on = agreement(nothing, some, inside)
    assert math.isnan(on.precision) and on.recall == 0.0
    unknown = agreement(some, nothing, inside)
    assert math.isnan(unknown.precision) and math.isnan(unknown.recall)


def test_average_region_by_hand():
    touched = [[True, True, False], [True, False, False], [False, False, False]]
    # The last photograph does not show it. Cell 1 is touched in one of two.
    assert average_region(touched).tolist() == [True, True, False]
    # Nowhere in half of them: the most frequent cell.
    spread = [[True, False, False, True], [False, True, False, True], [False, False, True, False],
              [False, False, True, False], [False, True, True, False]]  # fmt: skip
    assert average_region(spread).tolist() == [False, False, True, False]
    rare = np.eye(5, dtype=bool)
    assert average_region(rare).all()
    assert not average_region(np.zeros((2, 3))).any()
