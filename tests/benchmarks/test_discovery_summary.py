"""Figures of groups worked out by hand, and what the benchmark refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from benchmarks.discovery import check_classes, check_model, training_specimens
from benchmarks.discovery_page import as_markdown
from benchmarks.discovery_summary import figures, summarise
from intr_discover.data import rings
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.explain.explainer import Explainer
from intr_discover.model.plain import PlainClassifier, PlainConfig
from tests.explain.conftest import tiny_model

# Two specimens each of four classes: one ring differs in presence, one in colour. Chances are 0.1
# for the first and 0.2 for the second specimen of a class.
CLASSES = {
    "Ember vera": ("ember", "presence", "absent"),
    "Ember similis": ("ember", "presence", "present"),
    "Vesper vera": ("vesper", "colour", "red"),
    "Vesper similis": ("vesper", "colour", "yellow"),
}
RIGHT = {"Ember vera": [1, 1], "Ember similis": [1, 0],
         "Vesper vera": [0, 0], "Vesper similis": [1, 1]}  # fmt: skip
# For each specimen whether heads 0 and 1 hit; importance and effect of each.
HIT = {"Ember vera": [[1, 0], [1, 0]], "Ember similis": [[1, 0], [0, 1]],
       "Vesper vera": [[0, 0], [0, 0]], "Vesper similis": [[0, 1], [0, 1]]}  # fmt: skip
IMPORTANCE = [[4.0, 1.0], [3.0, 2.0]]


@pytest.fixture
def tables():
    rows, head_rows = [], []
    for label, (ring, difference, state) in CLASSES.items():
        for number in range(2):
            image = f"{label} {number}"
            is_there = state == "present"
            rows.append({
                "image": image, "label": label, "ring": ring, "diagnostic": "spots",
                "difference": difference, "state": state, "right": bool(RIGHT[label][number]),
                "hit_top3": any(HIT[label][number]), "hit_top3_of_answer": number == 0,
                "swap_to_mate": True, "erase_to_mate": number == 1 if is_there else None,
                "control_changed": None if difference == "colour" else False,
                "share_of_image": 0.01 * (1 + number), "chance": 0.1 * (1 + number),
            })  # fmt: skip
            for head in range(2):
                hit = bool(HIT[label][number][head])
                head_rows.append({
                    "image": image, "label": label, "head": head, "on_diagnostic": hit,
                    "importance": IMPORTANCE[number][head], "effect": 5.0 * hit,
                })  # fmt: skip
    return pd.DataFrame(rows), pd.DataFrame(head_rows)


def values(found):
    return {name: figure["value"] for name, figure in found.items() if name != "chance"}


# Ranks of importance are 4 1 3 2 in every class. Effects 5 0 5 0 have ranks 3.5 1.5 3.5 1.5, and
# the correlation of the deviations 1.5 −1.5 0.5 −0.5 and 1 −1 1 −1 is 4 / √(5 · 4).
TOP = 4 / np.sqrt(20)


def test_figures_of_one_class_by_hand(tables):
    specimens, heads = tables
    found = figures(specimens[specimens["label"] == "Ember vera"], heads)
    assert values(found) == {
        "top1": 1.0, "hit_top3": 1.0, "hit_top3_of_answer": 0.5, "swap_to_mate": 1.0,
        "erase_to_mate": None, "control_changed": 0.0, "same_head": 1.0,
        "spearman": pytest.approx(TOP),
    }  # fmt: skip
    assert found["spearman"]["classes"] == 1
    # Two heads: 1 − 0.9² and 1 − 0.8².
    assert found["chance"]["hit_top3"] == pytest.approx((0.19 + 0.36) / 2)


def test_a_group_takes_only_its_own_specimens(tables):
    specimens, heads = tables
    found = summarise(specimens, heads)
    assert found["table"]["top1"]["value"] == 5 / 8
    assert found["also"] == {"hit_top3_of_answer": {**found["also"]["hit_top3_of_answer"], "n": 8}}
    assert found["also"]["hit_top3_of_answer"]["value"] == 0.5
    assert [entry["top1"]["value"] for entry in found["by_ring"].values()] == [3 / 4, 1 / 2]
    assert found["by_ring"]["ember"]["share_of_image"] == pytest.approx(0.015)
    assert {name: entry["top1"]["n"] for name, entry in found["by_difference"].items()} == {
        "presence": 4, "colour": 4,
    }  # fmt: skip
    # Only mates that differ in presence have these states.
    assert {name: entry["top1"]["value"] for name, entry in found["by_state"].items()} == {
        "absent": 1.0, "present": 0.5,
    }  # fmt: skip
    assert found["by_state"]["present"]["erase_to_mate"]["value"] == 0.5
    assert found["by_state"]["absent"]["erase_to_mate"]["n"] == 0
    # The best head of Ember similis hits one of two, of Ember vera both.
    assert found["by_ring"]["ember"]["same_head"]["value"] == 0.75
    assert list(found["by_class"]) == list(CLASSES)


def test_a_class_without_a_hit_is_counted_as_missing_from_the_rank_correlation(tables):
    found = summarise(*tables)
    # Ember similis: effects 5 0 0 5 have deviations 1 −1 −1 1: (1.5 + 1.5 − 0.5 − 0.5) / √(5 · 4).
    # Vesper similis: 0 5 0 5, the opposite of Ember vera. Vesper vera: no hit.
    ember = 2 / np.sqrt(20)
    assert found["table"]["spearman"]["value"] == pytest.approx((TOP + ember - TOP) / 3)
    assert found["table"]["spearman"]["classes"] == 3
    assert found["by_class"]["Vesper vera"]["spearman"]["value"] is None
    assert found["by_class"]["Vesper vera"]["spearman"]["classes"] == 0


def test_cells_name_the_n_that_differs(tables):
    record = {
        "command": "x", "machine": {"processor": "abacus", "threads": 1}, "seconds": 1.0,
        "model": {"run": "tiny", "fingerprint": "0" * 64, "parameters": 1}, "seeds": [7],
        "hard": 0.5, "baselines": {}, **summarise(*tables),
    }  # fmt: skip
    page = as_markdown(record)
    assert "| species that have a rank correlation | 3 |" in page
    (ember,) = [line for line in page.splitlines() if line.startswith("| ember |")]
    cells = [cell.strip() for cell in ember.strip("|").split("|")]
    assert cells[:5] == ["ember", "spots", "presence", "1.50%", "4"]
    # Erased: one of the two that have it. Wilson's half-width for 1 of 2, z = 1.959964, is
    # z √(1/8 + z²/16) / (1 + z²/2) = 0.4055.
    assert cells[9] == "50.0% (9.5% to 90.5%, n = 2)"
    assert "n =" not in cells[5]
    (vesper,) = [line for line in page.splitlines() if line.startswith("| vesper |")]
    assert [cell.strip() for cell in vesper.strip("|").split("|")][9:11] == ["–", "–"]
    for line in page.splitlines():
        if line.startswith("| ember |") or line.startswith("| ring |"):
            assert line.count("|") == ember.count("|")


# What is refused


def test_specimens_that_the_model_has_seen_are_refused(tmp_path):
    folder = rings.write_collection(tmp_path / "rings", 5, size=64, seed=5, ring_count=1)
    found = training_specimens(folder, [6, 7])
    assert len(found) == 8 and set(found.table["split"]) == {"train"}
    with pytest.raises(SystemExit, match="seed 5"):
        training_specimens(folder, [7, 5])
    with pytest.raises(SystemExit, match="no training specimens in"):
        training_specimens(tmp_path / "elsewhere", [6])


def test_only_a_model_of_the_rings_with_heads_is_measured():
    labels = [label for ring in rings.RINGS for label in ring.labels]
    settings = {"preprocessing": Preprocessing(64, "shorter", 64), "source": "r", "device": "cpu"}
    check_model(Explainer(tiny_model(num_classes=16), labels, **settings))
    check_classes(labels, "r")
    check_classes(labels[:8], "r", 4)
    with pytest.raises(SystemExit, match=r"r was not trained on Ember vera$"):
        check_classes(["x", *labels[1:]], "r")
    plain = PlainClassifier(PlainConfig(16, backbone="resnet18"))
    with pytest.raises(SystemExit, match="no heads"):
        check_model(Explainer(plain, labels, **settings))
