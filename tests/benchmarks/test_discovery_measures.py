"""What the discovery benchmark measures, by hand, and one small run from end to end."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binom, spearmanr

from benchmarks import discovery
from benchmarks import discovery_measures as measures
from intr_discover.data import rings
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.rings import Rendering
from intr_discover.explain.explainer import Explainer
from intr_discover.studies.pointing import tolerance_for
from tests.explain.conftest import tiny_model


def mask(*pixels, shape=(20, 20)):
    drawn = np.zeros(shape, dtype=np.uint8)
    for row, column in pixels:
        drawn[row, column] = 255
    return drawn


def picture(specimen, **attributes):
    photograph = np.zeros((*specimen.shape, 3), dtype=np.uint8)
    return Rendering(photograph, specimen, attributes, {}, {})


# One specimen


def test_the_nearest_attribute_within_the_tolerance_is_named():
    attributes = {"spot": mask((5, 5)), "band": mask((5, 11), (5, 12)), "absent": mask()}
    peaks = np.array([[5, 5], [7, 5], [9, 5], [15, 5], [16, 5], [5, 19]], dtype=float)
    # Away from spot: 0, 2, 4, …; from band: 6, 4, 2, 3, 4, …
    found = measures.nearest_attribute(peaks, attributes, 3)
    assert found == ["spot", "spot", "band", "band", None, None]


def test_of_equally_near_attributes_the_smallest_is_named():
    wing = mask(*[(row, column) for row in range(10) for column in range(10)])
    attributes = {"wing": wing, "spot": mask((5, 5)), "dots": mask((5, 9), (9, 9))}
    peaks = np.array([[5, 5], [2, 2], [7, 5]], dtype=float)
    # On the spot the wing is as near; (7, 5) lies on the wing and two beside spot and dots.
    assert measures.nearest_attribute(peaks, attributes, 8) == ["spot", "wing", "wing"]
    del attributes["wing"]
    assert measures.nearest_attribute(peaks[2:], attributes, 8) == ["spot"]
    attributes = {"dots": attributes["dots"], "spot": attributes["spot"]}
    assert measures.nearest_attribute(peaks[2:], attributes, 8) == ["spot"]


def test_no_attribute_is_named_where_none_is_near():
    found = measures.nearest_attribute(np.zeros((2, 2)), {"spot": mask((9, 9))}, 8)
    assert found == [None, None]


def test_the_region_to_erase_has_a_fringe_of_one_pixel():
    found = measures.region_to_erase(picture(mask(), spot=mask((5, 5), (0, 0))), "spot")
    expected = np.zeros((20, 20), dtype=bool)
    expected[4:7, 4:7] = expected[0:2, 0:2] = True
    assert np.array_equal(found, expected)


def test_a_control_lies_on_the_specimen_and_clear_of_the_attribute():
    whole = np.full((20, 20), 255, dtype=np.uint8)
    whole[:, 15:] = 0
    drawn = picture(whole, spot=mask((5, 5)))
    for seed in range(20):
        found = measures.control_region(drawn, "spot", np.random.default_rng(seed))
        assert found.sum() == 9  # one pixel with its fringe
        assert not found[:, 15:].any()
        rows, columns = np.nonzero(found)
        # The fringe ends at 6; four pixels stay free.
        assert (np.maximum(np.abs(rows - 5), np.abs(columns - 5)) > 1 + 4).all()
    # A strip of three rows: the fringe ends at column 6, columns 7 to 10 stay free, and the
    # control takes the next three.
    strip = mask(*[(row, column) for row in (4, 5, 6) for column in range(14)])
    found = measures.control_region(picture(strip, spot=mask((5, 5))), "spot", generator())
    assert np.flatnonzero(found.any(axis=0)).tolist() == [11, 12, 13]
    strip[:, 13] = 0
    assert measures.control_region(picture(strip, spot=mask((5, 5))), "spot", generator()) is None


def generator():
    return np.random.default_rng(0)


def test_chance_of_one_by_hand():
    specimen = mask(*[(2, column) for column in range(10)])
    # Within 1 of column 4: columns 3, 4 and 5 of ten.
    assert measures.chance_of_one(picture(specimen, spot=mask((2, 4))), "spot", 1) == 0.3


# Many specimens


def test_share_by_hand():
    found = measures.share([True, True, True, True, False, False])
    # Wilson for 4 of 6, z = 1.959964: centre 0.601611, half-width 0.301616.
    assert found["value"] == pytest.approx(4 / 6)
    assert found["low"] == pytest.approx(0.299995, abs=2e-6)
    assert found["high"] == pytest.approx(0.903227, abs=2e-6)
    assert found["n"] == 6


@pytest.mark.parametrize("n", [1, 7, 49, 800])
def test_a_share_of_all_or_none_stays_within_0_and_1(n):
    # Wilson's bound for n of n is n / (n + z²).
    assert measures.share(np.ones(n, dtype=bool)) == {
        "value": 1.0, "low": pytest.approx(n / (n + 1.959964**2)), "high": 1.0, "n": n,
    }  # fmt: skip
    none = measures.share(np.zeros(n, dtype=bool))
    assert (none["value"], none["low"]) == (0.0, 0.0)


def test_a_share_without_a_case_is_unknown():
    assert measures.share([]) == {"value": None, "low": None, "high": None, "n": 0}


HIT = np.array(
    [[1, 0, 0], [1, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 1, 1], [0, 1, 1]]
).astype(bool)
NAMES = list("aaaabbbb")


def test_same_head_by_hand():
    # Class a: 3/4, 2/4 and 0; class b: 0, 2/4 and 4/4.
    found = measures.same_head(HIT, NAMES)
    assert found["value"] == measures.same_head_value(HIT, NAMES) == (3 / 4 + 1) / 2
    assert found["n"] == 8
    # Class b stays at 1; of four draws with chance 3/4 the 2.5 % quantile is 1 and that of
    # 97.5 % is 4 (binomial: P(0) = 0.004, P(≤ 1) = 0.051).
    assert found["low"] == (1 / 4 + 1) / 2
    assert found["high"] == 1
    order = [4, 0, 5, 1, 6, 2, 7, 3]
    assert measures.same_head_value(HIT[order], [NAMES[place] for place in order]) == 7 / 8


def test_a_head_that_always_hits_has_no_doubt():
    found = measures.same_head(np.ones((6, 2), dtype=bool), list("aaabbb"))
    assert found == {"value": 1.0, "low": 1.0, "high": 1.0, "n": 6}


def expected_best(n, heads, p):
    """Return the mean of the largest of ``heads`` binomial counts over n."""
    counts = np.arange(1, n + 1)
    return float((1 - binom.cdf(counts - 1, n, p) ** heads).sum() / n)


@pytest.mark.parametrize(("n", "heads", "p"), [(1, 1, 0.3), (1, 3, 0.3), (4, 1, 0.2), (4, 8, 0.1)])
def test_chance_of_the_same_head_equals_the_binomial_expectation(n, heads, p):
    classes = 60
    labels = [f"{number:02d}" for number in range(classes) for _ in range(n)]
    found = measures.chance_of_same_head(np.full(classes * n, p), heads, labels)
    # 200 draws of 60 classes: the standard error is below 0.5 / √12000 = 0.0046.
    assert found == pytest.approx(expected_best(n, heads, p), abs=0.014)


def test_chance_of_the_same_head_at_the_ends():
    assert measures.chance_of_same_head(np.zeros(4), 3, list("aabb")) == 0
    assert measures.chance_of_same_head(np.ones(4), 3, list("aabb")) == 1


def of_heads(label, importance, effect):
    """Return the table of heads for two arrays [images, heads]."""
    return pd.DataFrame(
        [
            {"image": f"{label}{i}", "label": label, "head": r,
             "importance": importance[i][r], "effect": effect[i][r]}
            for i in range(len(importance)) for r in range(len(importance[0]))
        ]
    )  # fmt: skip


# Ranks of importance 1 2 3 4; of effect, three without a hit, 2 2 2 4. Deviations −1.5 −0.5 0.5
# 1.5 and −0.5 −0.5 −0.5 1.5: 3 / √(5 · 3).
TOY = of_heads("a", [[0.1, 0.2], [0.3, 4.0]], [[0.0, 0.0], [0.0, 5.0]])
TOY_VALUE = 3 / math.sqrt(15)


def test_the_rank_correlation_by_hand():
    mean, table = measures.spearman_by_class(TOY)
    assert mean["value"] == pytest.approx(TOY_VALUE)
    assert mean["n"] == 2
    assert table.to_dict("records") == [
        {"label": "a", "spearman": pytest.approx(TOY_VALUE), "n": 2}
    ]


def test_rank_correlations_of_many_rows_equal_scipy():
    generator = np.random.default_rng(0)
    importance = generator.normal(size=(20, 12))
    effect = np.maximum(importance + generator.normal(size=(20, 12)), 0)  # with ties at 0
    effect[3], importance[7] = 0, 5
    found = measures.correlation(importance, effect)
    assert np.flatnonzero(np.isnan(found)).tolist() == [3, 7]
    for row in set(range(20)) - {3, 7}:
        assert found[row] == pytest.approx(spearmanr(importance[row], effect[row]).statistic)
    assert np.isnan(measures.correlation(importance[7], effect[7]))
    assert np.isnan(measures.correlation(importance[[3, 7]], effect[[3, 7]])).all()


def test_every_class_counts_once_and_a_constant_one_not_at_all():
    opposed = of_heads("b", [[1, 2, 3]] * 5, [[3, 2, 1]] * 5)
    constant = of_heads("c", [[1, 2, 3]] * 9, [[0, 0, 0]] * 9)
    heads = pd.concat([constant, opposed, TOY]).sample(frac=1, random_state=0)
    mean, table = measures.spearman_by_class(heads)
    assert mean["value"] == pytest.approx((TOY_VALUE - 1) / 2)
    assert mean["n"] == 2 + 5
    assert mean["low"] <= mean["value"] <= mean["high"]
    assert list(table["label"]) == ["a", "b", "c"]
    assert list(table["n"]) == [2, 5, 9]
    assert table["spearman"].isna().tolist() == [False, False, True]


def test_without_any_correlation_the_mean_is_unknown():
    mean, table = measures.spearman_by_class(of_heads("c", [[1, 1], [1, 1]], [[0, 3], [0, 5]]))
    assert mean == {"value": None, "low": None, "high": None, "n": 0}
    assert table["spearman"].isna().all()


def test_the_interval_of_a_perfect_correlation_is_a_point():
    mean, _ = measures.spearman_by_class(of_heads("a", [[1, 2]] * 6, [[10, 20]] * 6))
    assert mean["value"] == mean["low"] == mean["high"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("top1", 0.99, True),
        ("top1", 0.9899, False),
        ("control_changed", 0.01, True),
        ("control_changed", 0.0101, False),
        ("control_changed", 0.0, True),
        ("spearman", -0.7, False),
        ("erase_to_mate", None, None),
    ],
)
def test_met(name, value, expected):
    assert measures.met(name, value) is expected


# From end to end


@pytest.fixture(scope="module")
def explainer():
    labels = [label for ring in rings.RINGS for label in ring.labels]
    model = tiny_model(num_classes=len(labels), width=32)
    return Explainer(model, labels, Preprocessing(64, "shorter", 64), source="tiny", device="cpu")


@pytest.fixture(scope="module")
def individuals():
    return [rings.draw_specimen(7, index, size=64) for index in range(16)]


@pytest.fixture(scope="module")
def measured(explainer, individuals):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discovery, "CHUNK", 10)  # so that the last chunk is not full
        return discovery.measure(explainer, individuals)


@pytest.fixture(scope="module")
def record(explainer, measured):
    return {
        "command": "python -m benchmarks.discovery",
        "machine": {"processor": "abacus", "threads": 1},
        "model": {"run": "tiny", "fingerprint": explainer.fingerprint, "parameters": 1234},
        "seeds": [7], "hard": 0.5, "seconds": 1.0, "baselines": {"plain": measures.share([True])},
        **discovery.summarise(*measured),
    }  # fmt: skip


def test_there_is_a_row_for_each_specimen_and_each_head(measured, individuals):
    specimens, heads = measured
    assert specimens["label"].tolist() == [specimen.label for specimen in individuals]
    assert specimens["image"].tolist() == [f"7-{index:06d}" for index in range(16)]
    assert len(heads) == 16 * 2
    assert heads["image"].tolist() == [name for name in specimens["image"] for _ in range(2)]
    assert heads["head"].tolist() == [0, 1] * 16
    is_there = (specimens["difference"] == "presence") & (specimens["state"] == "present")
    assert 0 < is_there.sum() < 16
    assert (specimens["erase_to_mate"].notna() == is_there).all()
    assert specimens["chance"].between(0, 1).all()
    assert (heads.loc[heads["hits"].isna(), "effect"] == 0).all()


@pytest.mark.parametrize("number", [4, 8, 11])
def test_a_row_equals_what_the_explainer_says(measured, explainer, individuals, number):
    specimens, heads = measured
    row, specimen = specimens.iloc[number], individuals[number]
    drawn = rings.render(specimen)
    said = explainer.explain(drawn.photograph, classes=[specimen.label])
    assert row["predicted"] == said.predicted
    assert row["right"] == (said.predicted == specimen.label)
    swapped = rings.render(specimen, swap=specimen.ring.diagnostic).photograph
    assert row["swap_to_mate"] == (explainer.explain(swapped).predicted == specimen.mate)

    tolerance = tolerance_for((64, 64), 8)
    attribute = np.argwhere(drawn.attributes[specimen.ring.diagnostic] > 0)
    mine = heads[heads["image"] == row["image"]].set_index("head")
    on = []
    for head in range(2):
        # A cell of 8 pixels: its centre lies on the border of the fourth and the fifth.
        cell = np.unravel_index(said.maps[0, head].argmax(), (8, 8))
        peak = 8 * np.array(cell) + 4
        on.append(bool((np.hypot(*(attribute - peak).T) <= tolerance).any()))
        assert mine.loc[head, "on_diagnostic"] == on[-1]
        assert mine.loc[head, "map_maximum"] == pytest.approx(said.map_maxima[0, head], abs=1e-6)
        hit = mine.loc[head, "hits"]
        if pd.notna(hit):
            diagnostic = hit == specimen.ring.diagnostic
            changed = swapped if diagnostic else rings.render(specimen, without=hit).photograph
            (logits,) = explainer.logits([changed])
            drop = margin_of(said.logits, explainer, specimen) - margin_of(
                logits, explainer, specimen
            )
            assert mine.loc[head, "effect"] == pytest.approx(drop, abs=1e-4)
    assert row["hit_top3"] == any(on)
    of_answer = explainer.explain(drawn.photograph).maps[0].reshape(2, -1).argmax(axis=1)
    peaks = 8 * np.stack(np.unravel_index(of_answer, (8, 8)), axis=-1) + 4
    away = np.hypot(*(attribute[:, None] - peaks).transpose(2, 0, 1))
    assert row["hit_top3_of_answer"] == (away <= tolerance).any()
    silenced = [(1, 0, explainer.classes.index(specimen.label))]
    with torch.inference_mode():
        encoded = explainer.encode(drawn.photograph).encoded
        without = explainer.model.decode(encoded, knockout=silenced).logits[0].numpy()
    drop = margin_of(said.logits, explainer, specimen) - margin_of(without, explainer, specimen)
    assert mine.loc[0, "importance"] == pytest.approx(drop, abs=1e-4)


def margin_of(logits, explainer, specimen):
    own = explainer.classes.index(specimen.label)
    return float(logits[own]) - max(float(logits[c]) for c in range(16) if c != own)


def test_the_summary_adds_up(record, measured):
    specimens, _ = measured
    assert list(record["table"]) == list(measures.TARGETS)
    for name, entry in record["table"].items():
        assert entry["target"] == measures.TARGETS[name][0]
        assert entry["met"] == measures.met(name, entry["value"])
    assert record["table"]["top1"]["value"] == specimens["right"].mean()
    assert record["table"]["erase_to_mate"]["n"] == specimens["erase_to_mate"].notna().sum()
    assert record["table"]["control_changed"]["n"] == specimens["control_changed"].notna().sum()
    assert [record["by_ring"][ring.name]["diagnostic"] for ring in rings.RINGS] == [
        ring.diagnostic for ring in rings.RINGS
    ]
    of_answer = record["also"]["hit_top3_of_answer"]
    assert of_answer["value"] == specimens["hit_top3_of_answer"].mean()
    present = record["by_state"]["present"]
    assert present["erase_to_mate"] == {
        key: record["table"]["erase_to_mate"][key] for key in ("value", "low", "high", "n")
    }  # only specimens that show the attribute have it erased
    assert record["by_state"]["absent"]["erase_to_mate"]["value"] is None
    for label, group in specimens.groupby("label"):
        assert record["by_class"][label]["top1"]["value"] == group["right"].mean()
    for groups in ("by_ring", "by_difference", "by_class"):
        assert sum(entry["top1"]["n"] for entry in record[groups].values()) == 16
    json.dumps(record, allow_nan=False)


def test_the_page_holds_every_target(record):
    page = discovery.as_markdown(record)
    for name, entry in record["table"].items():
        start = f"| {discovery.NAMES[name]} |"
        (line,) = [line for line in page.splitlines() if line.startswith(start)]
        sign = "≥" if measures.TARGETS[name][1] == "at least" else "≤"
        target = f"{entry['target']:.2f}" if name == "spearman" else f"{entry['target']:.1%}"
        assert f"| {sign} {target} |" in line
        assert f"| {entry['n']} |" in line
        verdict = {True: "met", False: "**missed**", None: "no case"}[entry["met"]]
        assert line.endswith(f"| {verdict} |")
    for ring in rings.RINGS:
        assert f"| {ring.name} | {ring.diagnostic} | {ring.difference} |" in page
        for label in ring.labels:
            assert f"| {label} |" in page
    assert "| plain ResNet-18, top-1 | 100.0% |" in page
    assert "| the same, maps of the predicted class |" in page


def test_a_page_without_a_case_says_so(record):
    table = dict(record["table"])
    table["erase_to_mate"] = {**measures.share([]), "target": 0.98, "met": None}
    page = discovery.as_markdown({**record, "table": table})
    assert "(presence) | – | – to – | 0 | – | ≥ 98.0% | no case |" in page
