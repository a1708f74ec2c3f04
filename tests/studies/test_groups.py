"""Accuracy group by group, by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from intr_discover.studies.groups import accuracy_by_group, spread_of_groups
from intr_discover.studies.statistics import wilson


def test_by_hand():
    groups = {"camera": pd.Series(["a", "a", "b", "a", "b"])}
    table = accuracy_by_group([True, False, True, True, True], groups)
    first, second = table.to_dict("records")
    assert first["group"] == "a" and first["n"] == 3
    assert first["accuracy"] == pytest.approx(2 / 3) and first["elsewhere"] == 1.0
    assert (first["low"], first["high"]) == wilson(2, 3)
    assert second["accuracy"] == 1.0 and second["elsewhere"] == pytest.approx(2 / 3)


def test_a_difference_is_found_and_none_is_not():
    right = np.array([True] * 20 + [False] * 20)
    groups = {
        "camera": pd.Series(["a"] * 20 + ["b"] * 20),
        "coin": pd.Series(["x", "y"] * 20),
        "small": pd.Series(["u"] * 36 + ["v"] * 4),
    }
    camera, coin, small = spread_of_groups(right, groups, 0).to_dict("records")
    assert camera["spread"] == 1.0 and camera["p"] == pytest.approx(1 / 2000)
    assert (camera["worst"], camera["best"], camera["n"]) == ("b", "a", 40)
    assert camera["q"] == pytest.approx(2 / 2000)  # of two tests
    assert coin["spread"] == 0 and coin["p"] == 1
    assert small["groups"] == 1 and math.isnan(small["spread"]) and math.isnan(small["q"])


def test_one_group_and_no_column():
    table = accuracy_by_group([True, False], {"camera": pd.Series(["a", "a"])})
    assert math.isnan(table["elsewhere"][0])
    assert accuracy_by_group([True], {}).empty and spread_of_groups([True], {}, 0).empty
