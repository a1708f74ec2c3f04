"""Maps against known regions: shares and peaks worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.studies.map_regions import (
    cover,
    energy_inside,
    on_original,
    score_regions,
    tolerance_of,
)

MAP = np.array([[4.0, 0.0, 0.0], [0.0, 1.0, 3.0]], np.float32)


def test_energy_by_hand():
    assert energy_inside(MAP, [[1, 0, 0], [0, 1, 0]]) == pytest.approx(5 / 8)
    assert energy_inside(MAP, np.ones((2, 3))) == 1
    assert energy_inside(MAP, np.zeros((2, 3))) == 0
    assert energy_inside(MAP, [[0.5, 0, 0], [0, 0, 0]]) == pytest.approx(2 / 8)


def test_a_map_that_says_nothing_counts_as_even():
    region = np.array([[1, 0, 0], [1, 0, 0]])
    assert energy_inside(np.zeros((2, 3)), region) == pytest.approx(1 / 3)
    assert energy_inside(np.full((2, 3), 0.2), region) == pytest.approx(1 / 3)


def test_nothing_of_a_fine_region_is_lost():
    mask = np.zeros((8, 12), bool)
    mask[0, 0] = mask[7, 11] = True
    found = cover(mask, (2, 3))  # sixteen pixels become one
    np.testing.assert_allclose(found, [[1 / 16, 0, 0], [0, 0, 1 / 16]], atol=1e-6)


def test_places_on_the_original_by_hand():
    # A pixel is two high and four wide there; its centre is between pixels.
    assert on_original((0, 0), (2, 3), (4, 12)) == (1.5, 0.5)
    assert on_original((1, 2), (2, 3), (4, 12)) == (9.5, 2.5)
    assert on_original((1, 2), (2, 3), (2, 3)) == (2, 1)


def test_scores_by_hand():
    mask = np.zeros((2, 3), bool)
    mask[0, 0] = True
    maps = {"a": MAP, "b": MAP[::-1].copy()}
    found = score_regions(maps, {"a": (0, 0), "b": (1, 0)}, mask, 0.5)
    assert found["a"].pointing and found["a"].energy == pytest.approx(0.5)
    assert found["a"].lift == pytest.approx(0.5 / (1 / 6))
    assert not found["b"].pointing and found["b"].energy == 0
    # Exactly the tolerance is a hit.
    assert score_regions(maps, {"a": (0, 0), "b": (1, 0)}, mask, 1.0)["b"].pointing


def test_an_empty_region_has_no_score():
    assert score_regions({"a": MAP}, {"a": (0, 0)}, np.zeros((2, 3), bool), 9.0) == {}


def test_tolerance_by_hand():
    assert tolerance_of((224, 500), 4.0) == pytest.approx(15)
    assert tolerance_of((224, 500), 64.0) == pytest.approx(32)
