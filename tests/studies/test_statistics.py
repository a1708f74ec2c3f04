"""Intervals and tests against values worked out by hand and against scipy and statsmodels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control, mannwhitneyu, permutation_test
from statsmodels.stats.proportion import proportion_confint

from intr_discover.studies.statistics import (
    auroc,
    benjamini_hochberg,
    bootstrap_interval,
    cliffs_delta,
    permutation_p,
    sign_flip_p,
    standardised_mean,
    wilson,
)

numbers = st.lists(st.integers(-20, 20).map(float), min_size=1, max_size=12)


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_that_of_statsmodels_and_holds_the_share(counts):
    successes, trials = counts
    low, high = wilson(successes, trials)
    expected = proportion_confint(successes, trials, method="wilson")
    assert (low, high) == pytest.approx(expected, abs=1e-9)
    assert 0 <= low <= successes / trials <= high <= 1


def test_wilson_without_trials_is_missing():
    assert all(math.isnan(bound) for bound in wilson(0, 0))


def test_bootstrap_interval_of_a_mean_is_close_to_the_normal_one():
    values = np.random.default_rng(3).normal(5, 2, size=400)
    low, high = bootstrap_interval(values, 0, n_resamples=4000)
    half = 1.96 * values.std(ddof=1) / 20
    assert low == pytest.approx(values.mean() - half, abs=0.15 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.15 * half)


def test_bootstrap_interval_of_two_values_spans_them():
    # A quarter of the samples of (0, 1) is (0, 0), a quarter (1, 1).
    assert bootstrap_interval([0.0, 1.0], 0) == (0.0, 1.0)


def test_bootstrap_interval_is_repeatable_and_leaves_out_missing_values():
    values = [1.0, 4.0, 2.0, 8.0]
    first = bootstrap_interval(values, 7)
    assert first == bootstrap_interval([1.0, math.nan, 4.0, 2.0, 8.0], 7)
    assert first != bootstrap_interval(values, 8, statistic=np.median)


@pytest.mark.parametrize("values", [[], [3.0], [3.0, math.nan]])
def test_bootstrap_interval_of_fewer_than_two_values_is_missing(values):
    assert all(math.isnan(bound) for bound in bootstrap_interval(values, 0))


def test_permutation_p_counts_ties_and_is_never_zero():
    assert permutation_p(3.0, [1.0, 2.0, 3.0, 4.0]) == pytest.approx(3 / 5)
    assert permutation_p(9.0, [1.0, 2.0, 3.0]) == pytest.approx(1 / 4)
    assert math.isnan(permutation_p(math.nan, [1.0]))


def test_sign_flip_of_few_rows_is_exact():
    # Of the eight sums of ±1 ±2 ±4, only 7 and -7 are as large.
    assert sign_flip_p([1.0, 2.0, 4.0], 0) == pytest.approx(2 / 8)
    # Rows without a difference and missing rows change nothing.
    assert sign_flip_p([1.0, 0.0, 2.0, math.nan, 4.0], 0) == pytest.approx(2 / 8)
    assert sign_flip_p([0.0, 0.0], 0) == 1.0


@settings(max_examples=30, deadline=None)
@given(numbers)
def test_exact_sign_flips_are_those_of_scipy(values):
    if not any(values):
        return
    moved = np.array([value for value in values if value])
    if len(moved) < 2:
        return
    expected = permutation_test(
        (moved,), lambda x, axis: np.abs(x.sum(axis=axis)), permutation_type="samples",
        n_resamples=np.inf, alternative="greater", vectorized=True,
    ).pvalue  # fmt: skip
    assert sign_flip_p(values, 0, n_flips=2**12) == pytest.approx(expected)


def test_random_sign_flips_come_near_the_exact_ones():
    values = np.array([3.0, -1.0, 4.0, 1.0, 5.0, -2.0, 6.0, 5.0, 3.0, 5.0, -4.0, 2.0])
    exact = sign_flip_p(values, 0, n_flips=2**12)
    drawn = sign_flip_p(values, 0, n_flips=2**12 - 1)
    assert exact != drawn
    assert drawn == pytest.approx(exact, abs=0.02)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_q_values_are_those_of_scipy_and_never_below_p(p_values):
    q_values = benjamini_hochberg(p_values)
    assert q_values == pytest.approx(false_discovery_control(p_values))
    assert (q_values >= np.array(p_values) - 1e-12).all()


def test_q_values_by_hand_with_a_missing_test():
    # Three tests: 0.01 · 3/1, 0.02 · 3/2, 0.9 · 3/3, then made monotone.
    found = benjamini_hochberg([0.02, math.nan, 0.01, 0.9])
    assert found == pytest.approx([0.03, math.nan, 0.03, 0.9], nan_ok=True)
    assert np.isnan(benjamini_hochberg([math.nan])).all()
    assert benjamini_hochberg([]).shape == (0,)


@given(numbers, numbers)
def test_auroc_is_mann_whitneys_u_and_turns_round_with_the_groups(positive, negative):
    expected = mannwhitneyu(positive, negative).statistic / (len(positive) * len(negative))
    assert auroc(positive, negative) == pytest.approx(expected)
    assert auroc(positive, negative) + auroc(negative, positive) == pytest.approx(1)


def test_effect_sizes_by_hand():
    # Pairs won by the first: (3 > 1), (3 > 2), (2 > 1) and half of (2 = 2): 3.5 of 4.
    assert auroc([3.0, 2.0], [1.0, 2.0]) == pytest.approx(3.5 / 4)
    assert cliffs_delta([3.0, 2.0], [1.0, 2.0]) == pytest.approx(0.75)
    assert math.isnan(auroc([1.0], [math.nan]))
    # Mean 2, standard deviation 1.
    assert standardised_mean([1.0, 2.0, 3.0]) == pytest.approx(2.0)
    assert math.isnan(standardised_mean([2.0, 2.0]))
    assert math.isnan(standardised_mean([2.0]))
