"""Confident learning by hand: thresholds, the two kinds of doubt, and their order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intr_discover.studies.label_doubts import (
    BETWEEN,
    MISLABELLED,
    class_thresholds,
    find_doubts,
)

# Three classes; the last row is labelled 0 and looks like 1.
PROBABILITIES = np.array(
    [
        [0.9, 0.05, 0.05],
        [0.8, 0.1, 0.1],
        [0.1, 0.8, 0.1],
        [0.2, 0.6, 0.2],
        [0.1, 0.1, 0.8],
        [0.1, 0.8, 0.1],
    ]
)
LABELS = np.array([0, 0, 1, 1, 2, 0])


def test_thresholds_are_mean_self_confidences():
    np.testing.assert_allclose(class_thresholds(PROBABILITIES, LABELS), [0.6, 0.7, 0.8])


def test_a_class_without_photographs_has_the_mean_of_the_others():
    thresholds = class_thresholds([[0.6, 0.2, 0.2], [0.2, 0.8, 0.0]], [0, 1])
    np.testing.assert_allclose(thresholds, [0.6, 0.8, 0.7])


def test_a_planted_label_is_found_and_ranks_first():
    doubts = find_doubts(PROBABILITIES, LABELS)
    assert doubts.kind.tolist() == [None, None, None, None, None, MISLABELLED]
    assert doubts.other[5] == 1 and doubts.margin.argmin() == 5
    assert doubts.own_probability[5] == 0.1 and doubts.other_probability[5] == 0.8
    # 0.1/0.6, 0.8/0.7, 0.1/0.8 brought to a sum of 1: the first minus the second.
    weighed = np.array([0.1 / 0.6, 0.8 / 0.7, 0.1 / 0.8])
    assert doubts.margin[5] == pytest.approx((weighed[0] - weighed[1]) / weighed.sum())


def test_an_unsure_answer_of_another_class_is_no_mislabelling():
    # Class 1 is given 0.9 where it is the label: 0.55 does not count as class 1.
    doubts = find_doubts(
        [[0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.2, 0.55, 0.25], [0.05, 0.05, 0.9]], [0, 1, 0, 2]
    )
    assert doubts.kind[2] is None and doubts.other[2] == 1 and doubts.margin[2] < 0


def test_one_that_reaches_another_threshold_but_rather_looks_like_its_label_is_not_doubted():
    # The threshold of its label is 0.845, which it misses; that of class 1 is 0.25.
    doubts = find_doubts(
        [[0.99, 0.01, 0.0], [0.25, 0.25, 0.5], [0.7, 0.26, 0.04], [0.0, 0.0, 1.0]], [0, 1, 0, 2]
    )
    assert doubts.kind[2] is None


def test_two_classes_that_share_a_photograph():
    sure = [[0.95, 0.03, 0.02], [0.03, 0.95, 0.02], [0.02, 0.03, 0.95]]
    doubts = find_doubts([*sure, [0.5, 0.45, 0.05], [0.4, 0.3, 0.3], [0.7, 0.1, 0.2]],
                         [0, 1, 2, 0, 0, 0])  # fmt: skip
    assert doubts.kind[3] == BETWEEN and doubts.other[3] == 1
    assert doubts.kind[4] is None  # 0.7 of the probability is not enough for two
    assert doubts.kind[5] is None  # nor is 0.2 enough of 0.9


def test_ties_and_one_photograph():
    doubts = find_doubts([[0.5, 0.5]], [1])
    assert doubts.kind.tolist() == [BETWEEN] and doubts.margin[0] == 0
    np.testing.assert_allclose(class_thresholds([[0.5, 0.5]], [1]), [0.5, 0.5])


@given(
    st.integers(2, 6).flatmap(
        lambda classes: st.lists(
            st.tuples(
                st.lists(st.floats(0.01, 1), min_size=classes, max_size=classes),
                st.integers(0, classes - 1),
            ),
            min_size=1,
            max_size=20,
        )
    )
)
def test_doubts_hold_together(rows):
    probabilities = np.array([row for row, _ in rows])
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = np.array([label for _, label in rows])
    doubts = find_doubts(probabilities, labels)
    assert (doubts.other != labels).all()
    assert (np.abs(doubts.margin) <= 1 + 1e-9).all()
    wrong = doubts.kind == MISLABELLED
    assert (doubts.other_probability[wrong] > doubts.own_probability[wrong]).all()
    thresholds = class_thresholds(probabilities, labels)
    assert (doubts.other_probability[wrong] >= thresholds[doubts.other[wrong]] - 1e-8).all()
    # The order of the photographs does not matter.
    turned = find_doubts(probabilities[::-1], labels[::-1])
    assert turned.kind[::-1].tolist() == doubts.kind.tolist()
