"""Rows and numbers of the study, worked out by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from intr_discover.studies.manipulation_tables import (
    EDIT_COLUMNS,
    by_dose,
    by_group,
    by_method,
    summarise,
)
from intr_discover.studies.statistics import wilson


def edits(rows):
    usual = dict.fromkeys(EDIT_COLUMNS) | {
        "label": "a", "region": "spot", "flip": False, "drop": 0.0, "control_drop": 0.0,
        "control_flip": 0.0, "p": 1.0, "map_change": 0.1, "mass_before": 0.2, "mass_after": 0.1,
    }  # fmt: skip
    listed = [usual | {"image": f"{number}.png"} | row for number, row in enumerate(rows)]
    return pd.DataFrame(listed, columns=list(EDIT_COLUMNS))


def nothing_guided(table):
    return summarise(table, pd.DataFrame(), pd.DataFrame(), 0)


def test_rates_by_hand():
    table = edits([
        {"flip": True, "to_target": True, "drop": 3.0, "control_drop": 1.0, "p": 0.05,
         "bearer": True, "confirmed": True, "control_flip": 0.5},
        {"flip": True, "to_target": False, "drop": 1.0, "p": 0.25, "confirmed": False},
        {"flip": False, "drop": -1.0, "control_drop": math.nan, "control_flip": math.nan,
         "p": math.nan},
    ])  # fmt: skip
    summary = nothing_guided(table)
    assert summary["flip_rate"] == pytest.approx(2 / 3)
    assert (summary["flip_rate_low"], summary["flip_rate_high"]) == wilson(2, 3)
    assert summary["to_target_rate"] == 0.5 and summary["n_target"] == 2
    assert summary["control_flip_rate"] == 0.25 and summary["n_with_controls"] == 2
    assert summary["confirmed_rate"] == 0.5 and summary["n_confirmed"] == 2
    assert summary["median_p"] == pytest.approx(0.15) and summary["n_p"] == 2
    assert summary["drop"] == 1.0 and summary["control_drop"] == 0.5
    assert summary["excess"] == 1.5  # of the two with controls: 2 and 1
    assert summary["excess_p"] == 0.5  # all four flips of two signs: two are as large
    assert summary["n_bearers"] == 1 and summary["bearer_to_target_rate"] == 1.0
    assert summary["n_guided"] == 0 and summary["guided_random_4"] is None


def test_unknown_is_unknown():
    summary = nothing_guided(edits([{"p": math.nan, "control_drop": math.nan,
                                     "control_flip": math.nan}]))  # fmt: skip
    assert summary["excess_p"] is None and math.isnan(summary["excess"])
    assert math.isnan(summary["median_p"]) and math.isnan(summary["to_target_rate"])
    assert math.isnan(summary["drop_low"])  # one photograph says nothing of others


def test_groups_by_hand():
    table = edits([{"label": "b", "drop": 2.0, "flip": True}, {"label": "b", "drop": 4.0}, {}])
    groups = by_group(table, 0)
    assert groups["label"].tolist() == ["b", "a"] and groups["n"].tolist() == [2, 1]
    assert groups["drop"].tolist() == [3.0, 0.0] and groups["flip"].tolist() == [0.5, 0.0]
    assert 2 <= groups["drop_low"][0] < 3 < groups["drop_high"][0] <= 4
    assert math.isnan(groups["drop_low"][1])


def test_doses_by_hand():
    rows = [{"image": i, "strength": s, "drop": s * i, "flip": s * i > 1}
            for i in (1, 3) for s in (0.0, 0.5, 1.0)]  # fmt: skip
    found = by_dose(pd.DataFrame(rows), 0)
    assert found["drop"].tolist() == [0.0, 1.0, 2.0] and found["flip"].tolist() == [0, 0.5, 0.5]


def guided(rows):
    columns = ["image", "label", "bearer", "method", "share", "flip", "minimal_flip"]
    return pd.DataFrame(rows, columns=columns)


def test_methods_and_minimal_flips_by_hand():
    missing = math.nan
    table = guided([
        ("1", "a", True, "intr_causal", 0.04, True, missing),
        ("2", "b", False, "intr_causal", 0.04, False, missing),
        ("1", "a", True, "rise", 0.04, False, missing),
        ("1", "a", True, "intr_causal", missing, None, 0.1),
        ("2", "b", False, "intr_causal", missing, None, 0.3),
        ("1", "a", True, "intr_mean", missing, None, missing),
        ("2", "b", False, "intr_mean", missing, None, 0.2),
    ])  # fmt: skip
    methods = by_method(table)
    summary = summarise(edits([{}]), table, methods, 0)
    assert summary["guided_intr_causal_4"] == 0.5 and summary["n_guided"] == 2
    assert summary["guided_bearers_intr_causal_4"] == 1.0 and summary["n_guided_bearers"] == 1
    assert summary["n_guided_rise"] == 1 and summary["guided_intr_causal_8"] is None
    assert summary["minimal_flip_intr_causal"] == pytest.approx(0.2)
    # One of two never changed within half of the cells: the median is unknown.
    assert summary["minimal_flip_intr_mean"] is None and summary["n_minimal"] == 2


def test_nothing_guided_has_no_methods():
    assert by_method(pd.DataFrame()).empty
