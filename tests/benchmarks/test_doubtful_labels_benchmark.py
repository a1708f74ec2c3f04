"""The benchmark of doubtful labels counts what was planted."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.doubtful_labels import measure


def test_a_perfect_model_finds_every_swapped_label():
    labels = np.repeat(np.arange(4), 10)
    probabilities = np.full((40, 4), 0.01)
    probabilities[np.arange(40), labels] = 0.97
    found = measure(probabilities, labels, None, 0.05, 3)
    assert found["swapped"] == found["listed"] == found["found"] == 6
    assert found["precision"] == found["recall"] == found["leading"] == 1
    assert found["recall_interval"][0] == pytest.approx(6 / (6 + 1.959964**2))
    mates = np.array([1, 0, 3, 2])
    assert measure(probabilities, labels, mates, 0.05, 3)["recall"] == 1


def test_a_model_that_knows_nothing_finds_nothing_by_its_list():
    labels = np.repeat(np.arange(4), 10)
    found = measure(np.full((40, 4), 0.25), labels, None, 0.05, 3)
    assert found["listed"] == 0 and found["precision"] is None and found["recall"] == 0
