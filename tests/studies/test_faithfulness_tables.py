"""The numbers of the study, from rows that are small enough to add up by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from intr_discover.studies.faithfulness_tables import (
    curves_table,
    differences_table,
    mean_band,
    methods_table,
    randomisation_table,
    summarise,
)
from intr_discover.studies.saliency_methods import METHODS

NAN = math.nan


def rows_of(**columns):
    """Three photographs; RISE for the first only; the third without a region."""
    rows = []
    for method, insertion, deletion, lerf, pointing, energy in (
        ("random", [0.5, 0.5, 0.2], [0.5, 0.4, 0.3], [0.5, 0.4, 0.3], [0, 0, NAN], [0.1, 0.2, NAN]),
        ("intr_mean", [0.9, 0.7, 0.8], [0.1, 0.2, 0.3], [0.8, 0.8, 0.8], [1, 0, NAN],
         [0.4, 0.2, NAN]),
        ("rise", [0.6], [0.4], [0.7], [1], [0.3]),
    ):  # fmt: skip
        for place in range(len(insertion)):
            rows.append(
                {
                    "image": f"{place}.png",
                    "method": method,
                    "insertion": insertion[place],
                    "deletion": deletion[place],
                    "lerf": lerf[place],
                    "srg": lerf[place] - deletion[place],
                    "pointing": pointing[place],
                    "energy": energy[place],
                    "lift": energy[place] / 0.1,
                    "flat": method == "random" and place == 0,
                }
            )
    return pd.DataFrame(rows).assign(**columns)


def test_methods_by_hand():
    table = methods_table(rows_of(), seed=0)
    assert list(table["method"]) == ["intr_mean", "rise", "random"]  # their usual order
    mean = table.iloc[0]
    assert mean["n"] == 3 and mean["n_region"] == 2 and mean["flat"] == 0
    assert mean["insertion"] == pytest.approx(0.8) and mean["deletion"] == pytest.approx(0.2)
    assert mean["morf"] == mean["deletion"] and mean["morf_high"] == mean["deletion_high"]
    assert mean["srg"] == pytest.approx(0.6) and mean["lerf"] == pytest.approx(0.8)
    assert 0.699 < mean["insertion_low"] < 0.8 < mean["insertion_high"] < 0.901
    assert mean["pointing"] == 0.5 and mean["energy"] == pytest.approx(0.3)
    assert mean["lift"] == pytest.approx(3)
    # Wilson for 1 of 2, see the tests of the study explanations.
    assert mean["pointing_low"] == pytest.approx(0.0945, abs=1e-4)
    rise = table.iloc[1]
    assert rise["n"] == 1 and rise["insertion"] == 0.6 and math.isnan(rise["insertion_low"])
    assert table.iloc[2]["flat"] == 1


def test_nothing_known_and_nothing_claimed():
    unknown = rows_of(pointing=NAN, energy=NAN, lift=NAN, lerf=NAN, srg=NAN)
    table = methods_table(unknown, seed=0)
    for column in ("pointing", "pointing_low", "energy", "lift", "lerf", "srg", "srg_low"):
        assert table[column].isna().all(), column
    assert (table["n_region"] == 0).all()


def test_differences_by_hand():
    table = differences_table(rows_of(), seed=0).set_index(["measure", "first", "second"])
    row = table.loc[("insertion", "intr_mean", "random")]
    assert row["n"] == 3 and row["difference"] == pytest.approx(0.4)
    # Differences 0.4, 0.2, 0.6: two of the eight flips of signs are as large.
    assert row["p"] == pytest.approx(2 / 8) and row["better"] == "higher"
    assert 0.199 < row["low"] < 0.4 < row["high"] < 0.601
    paired = table.loc[("deletion", "intr_mean", "rise")]
    assert paired["n"] == 1 and paired["difference"] == pytest.approx(-0.3)
    assert math.isnan(paired["p"]) and math.isnan(paired["low"]) and paired["better"] == "lower"
    assert (table["q"].dropna() >= table["p"].dropna()).all()
    assert ("insertion", "intr_best", "random") not in table.index


def test_curves_by_hand():
    curves = {
        ("intr_mean", "insertion"): [np.array([0.0, 0.5, 1.0]), np.array([0.2, 0.9, 1.0])],
        ("random", "deletion"): [np.array([1.0, 0.5, 0.0])],
    }
    table = curves_table(curves, seed=0)
    mean = table[table["method"] == "intr_mean"]
    assert list(mean["share"]) == [0, 0.5, 1] and (mean["n"] == 2).all()
    np.testing.assert_allclose(mean["probability"], [0.1, 0.7, 1.0])
    np.testing.assert_allclose(mean["low"], [0, 0.5, 1.0])
    np.testing.assert_allclose(mean["high"], [0.2, 0.9, 1.0])
    single = table[table["method"] == "random"]
    assert single["low"].isna().all() and list(single["probability"]) == [1, 0.5, 0]


def test_a_band_is_that_of_the_bootstrap():
    values = np.random.default_rng(0).normal(size=(400, 3))
    low, high = mean_band(values, seed=1)
    wide = 1.96 * values.std(axis=0) / 20
    np.testing.assert_allclose(low, values.mean(axis=0) - wide, atol=0.02)
    np.testing.assert_allclose(high, values.mean(axis=0) + wide, atol=0.02)


def cascade(correlations):
    rows = [
        {"step": step, "layer": layer, "image": f"{place}", "label": "a", "method": method,
         "correlation": value}
        for (step, layer), of_images in correlations.items()
        for place, value in enumerate(of_images)
        for method in ("intr_mean", "gradcam_intr")
    ]  # fmt: skip
    return pd.DataFrame(rows)


def test_forgetting_by_hand():
    table = randomisation_table(cascade({(1, "decoder"): [0.2, 0.6], (2, "conv1"): [0, NAN]}), 0)
    first = table[(table["step"] == 1) & (table["method"] == "intr_mean")].iloc[0]
    assert first["correlation"] == pytest.approx(0.4) and first["n"] == 2
    assert (first["low"], first["high"]) == (pytest.approx(0.2), pytest.approx(0.6))
    last = table[(table["step"] == 2) & (table["method"] == "intr_mean")].iloc[0]
    assert last["correlation"] == 0 and last["n"] == 1 and math.isnan(last["low"])


def test_every_method_has_its_keys_done_or_not():
    by_step = randomisation_table(cascade({(1, "decoder"): [0.2, 0.6], (2, "conv1"): [0, 0]}), 0)
    summary = summarise(methods_table(rows_of(), 0), by_step, {"judge": "intr", "n": 3})
    assert summary["judge"] == "intr" and summary["n"] == 3
    for method in METHODS:
        for measure in ("insertion", "deletion"):
            assert {f"{measure}_{method}{end}" for end in ("", "_low", "_high")} <= set(summary)
    assert summary["insertion_intr_mean"] == pytest.approx(0.8) and summary["n_intr_mean"] == 3
    assert summary["n_rise"] == 1 and summary["n_region_intr_mean"] == 2
    assert summary["insertion_gradcam_plain"] is None and summary["n_gradcam_plain"] == 0
    assert summary["randomised_decoder_intr_mean"] == pytest.approx(0.4)
    assert summary["randomised_all_intr_mean"] == 0 and summary["n_randomised"] == 2
