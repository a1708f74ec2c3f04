"""The matrix of classes: margins, confusions, distances and ranks by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from intr_discover.figures.similarity_matrix import clustered_order
from intr_discover.studies.class_distances import (
    confusions,
    feature_distances,
    mean_margins,
    pair_matrix,
    ranked_first,
)

LOGITS = np.array([[5.0, 3.0, 0.0], [3.0, 3.0, 0.0], [1.0, 4.0, 9.0]])
IDS = np.array([0, 0, 2])


def test_margins_by_hand():
    # Class 1 has no photographs. Class 0: mean (4, 3, 0); class 2: (1, 4, 9).
    assert mean_margins(LOGITS, IDS, [0, 2]).tolist() == [[0.0, -4.0], [-8.0, 0.0]]


def test_confusions_by_hand():
    predicted = np.array([0, 1, 0])
    # One of two photographs of class 0 is answered as class 1, which has no photographs.
    assert confusions(predicted, IDS, [0, 2]).tolist() == [[0.5, 0.0], [1.0, 0.0]]


def test_distances_by_hand():
    # Centred: (2, 0), (-1, 1), (-1, -1).
    features = {7: np.array([[2.0, 0.0]]), 3: np.array([[-1.0, 1.0]]), 5: np.array([[-1.0, -1.0]])}
    shifted = {label: value + 10 for label, value in features.items()}
    expected = 1 + 1 / math.sqrt(2)
    for given in (features, shifted):
        found = feature_distances(given, [7, 3, 5])
        assert np.allclose(found, [[0, expected, expected], [expected, 0, 1], [expected, 1, 0]])
    # Classes that are answered alike have no direction of their own.
    alike = feature_distances({0: np.ones((2, 2)), 1: np.ones((2, 2))}, [0, 1])
    assert np.allclose(alike, [[0, 1], [1, 0]])


def test_neighbours_stand_side_by_side():
    places = np.array([0.0, 10.0, 0.1, 10.2, 5.0])
    order = clustered_order(np.abs(places[:, None] - places[None]))
    assert sorted(order) == list(range(5))
    assert abs(order.index(0) - order.index(2)) == 1 == abs(order.index(1) - order.index(3))
    assert clustered_order(np.zeros((2, 2))) == [0, 1]
    assert clustered_order(np.zeros((1, 1))) == [0]


def test_matrix_by_hand():
    margins = np.array([[0.0, -1.0, -4.0], [-3.0, 0.0, -4.0], [-4.0, -4.0, 0.0]])
    distances = np.array([[0.0, 0.2, 0.9], [0.2, 0.0, 0.1], [0.9, 0.1, 0.0]])
    confused = np.array([[0.5, 0.5, 0.0], [0.0, 1.0, 0.0], [0.1, 0.2, 0.7]])
    table = pair_matrix(["a", "b", "c"], [2, 3, 10], margins, confused, distances, [("b", "a")])
    first = table.iloc[0]
    assert (first["label_a"], first["label_b"], first["n_a"], first["n_b"]) == ("a", "b", 2, 3)
    assert first["confusability"] == -2.0 and first["rank"] == 1 and first["feature_rank"] == 2
    assert first["taken_a"] == 0.5 and first["taken_b"] == 0.0 and first["known"]
    # The other two are equal: they share the worse rank.
    assert list(table["rank"]) == [1, 3, 3] and not table["known"][1:].any()
    other = table[(table["label_a"] == "b") & (table["label_b"] == "c")].iloc[0]
    assert other["taken_b"] == 0.2 and other["feature_rank"] == 1


def test_half_hidden_views_rank_before_margins():
    margins = np.array([[0.0, -1.0, -4.0], [-3.0, 0.0, -4.0], [-4.0, -4.0, 0.0]])
    hidden = np.array([[0.7, 0.1, 0.2], [0.1, 0.9, 0.0], [0.4, 0.1, 0.5]])
    table = pair_matrix(["a", "b", "c"], [1, 1, 1], margins, margins, margins, [], hidden)
    first = table.iloc[0]
    assert (first["label_a"], first["label_b"]) == ("a", "c") and first["margin_rank"] == 3
    assert (first["hidden_a"], first["hidden_b"]) == (0.2, 0.4)
    assert first["hidden_confusability"] == pytest.approx(0.3)
    assert list(table["rank"]) == [1, 2, 3] and list(table["margin_rank"]) == [3, 1, 3]


def test_ranked_first_by_hand():
    assert ranked_first([1, 2, 3, 4], [True, False, True, False]) == 0.5
    assert ranked_first([1, 2, 3, 4], [True, True, False, False]) == 1.0
    assert ranked_first([2, 2, 3], [True, False, False]) == 0.0  # equal is not before
    assert math.isnan(ranked_first([1, 2], [False, False]))
    assert math.isnan(ranked_first([1, 2], [True, True]))


@pytest.mark.parametrize("classes", [2, 30])
def test_every_two_classes_are_listed_once(classes):
    generator = np.random.default_rng(0)
    square = generator.random((classes, classes))
    table = pair_matrix(
        [f"c{n}" for n in range(classes)], [1] * classes, square, square, square + square.T, []
    )
    assert len(table) == classes * (classes - 1) // 2
    assert sorted(table["rank"]) == list(range(1, len(table) + 1))
