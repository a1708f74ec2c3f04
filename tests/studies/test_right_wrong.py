"""Agreement with the class and its AUROC, worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from intr_discover.studies.right_wrong import agreement_with_class, auroc_interval, compare

USUAL = [[1.0, 0.0], [-1.0, 0.0]]  # two heads, opposite ways from their centre


def test_a_right_photograph_like_the_others_agrees_and_an_opposite_one_disagrees():
    turned = [[-1.0, 0.0], [1.0, 0.0]]
    aside = [[0.0, 1.0], [0.0, -1.0]]
    descriptors = np.array([USUAL] * 6 + [turned, aside])
    right = np.array([True] * 6 + [False, False])
    found = agreement_with_class(descriptors, np.zeros(8, int), right)
    np.testing.assert_allclose(found, [1] * 6 + [-1, 0], atol=1e-12)


def test_a_right_photograph_is_not_compared_with_itself():
    # Five alike and one the other way: compared with itself as well it would disagree less.
    descriptors = np.array([USUAL] * 5 + [[[-1.0, 0.0], [1.0, 0.0]]])
    found = agreement_with_class(descriptors, np.zeros(6, int), np.ones(6, bool))
    assert found[5] == pytest.approx(-1)
    # With five right ones only four are left.
    few = agreement_with_class(descriptors[:5], np.zeros(5, int), np.ones(5, bool))
    assert np.isnan(few).all()


def test_classes_are_kept_apart():
    descriptors = np.array([USUAL] * 6 + [[[5.0, 5.0], [5.0, 3.0]]])
    predicted = np.array([0] * 6 + [1])
    found = agreement_with_class(descriptors, predicted, predicted == 0)
    assert np.isnan(found[6]) and np.allclose(found[:6], 1)


def photographs(right, area, agreement):
    return pd.DataFrame({"right": right, "effective_area": area, "agreement": agreement})


def test_comparison_by_hand():
    table = photographs(
        [True] * 5 + [False] * 5,
        [0.1, 0.1, 0.1, 0.1, 0.5, 0.4, 0.4, 0.4, 0.4, 0.4],
        [0.9] * 5 + [0.1] * 4 + [math.nan],
    )
    found = compare(table, 0)
    assert (found["n_right"], found["n_wrong"]) == (5, 5)
    # 20 of 25 pairs: the fifth right photograph is less concentrated than any wrong one.
    assert found["auroc_concentration"] == pytest.approx(0.8)
    assert found["auroc_concentration_low"] <= 0.8 <= found["auroc_concentration_high"]
    # Only four wrong ones have an agreement.
    assert math.isnan(found["auroc_agreement"])
    assert found["effective_area_wrong"] == pytest.approx(0.4)
    assert found["agreement_right"] == pytest.approx(0.9)


def test_without_mistakes_there_is_nothing_to_compare():
    found = compare(photographs([True] * 6, [0.1] * 6, [0.5] * 6), 0)
    assert found["n_wrong"] == 0 and math.isnan(found["auroc_concentration"])
    assert math.isnan(found["effective_area_wrong"])


def test_the_interval_holds_the_value_and_shrinks_with_n():
    widths = []
    for n in (10, 200):
        scores = norm.ppf((np.arange(n) + 0.5) / n)
        low, high = auroc_interval(scores + 1, scores, 0)
        assert low < 0.76 < high  # Φ(1/√2): two normals, one standard deviation apart
        widths.append(high - low)
    assert widths[1] < widths[0] / 3
