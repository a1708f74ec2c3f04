"""The head report card and what it adds up to, from arrays worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from intr_discover.studies.head_card import head_card
from intr_discover.studies.head_descriptors import HeadViews
from intr_discover.studies.head_findings import findings
from intr_discover.studies.head_sampling import ENOUGH, choose
from intr_discover.studies.head_summary import layer_table, part_table, summarise
from intr_discover.studies.part_hits import Parts
from intr_discover.studies.result import StudyResult


def views_of(descriptors, importance=None):
    descriptors = np.asarray(descriptors, dtype=np.float32)
    n, heads, _ = descriptors.shape
    areas = np.tile(np.linspace(0.1, 0.9, heads), (n, 1))
    importance = np.full((n, heads), np.nan) if importance is None else np.asarray(importance)
    return HeadViews(
        predicted=np.zeros(n, int), descriptors=descriptors, peaks=np.ones((n, heads)),
        map_maxima=areas / 2, areas=areas, points=np.zeros((n, heads, 2)),
        noisy_points=np.zeros((n, heads, 2)), importance=importance, similarity=np.zeros(n),
        answered_descriptors=descriptors, answered_areas=areas, answered_maxima=areas / 2,
        layer_differences=np.zeros((0, 1, heads)), shapes=np.full((n, 2), 40),
        cells=np.full((n, 2), 4.0), uniform=np.full(n, 0.01),
    )  # fmt: skip


def parts_of(hit):
    """Parts whose windows hit what the peak hits; all are visible; random points hit nothing."""
    hit = np.asarray(hit, dtype=bool)
    n, _, count = hit.shape
    names, seen = [f"part {place}" for place in range(count)], np.ones((n, count), bool)
    return Parts(
        names, hit, hit, seen, names, hit, seen, names, hit, seen, np.zeros((n, 3, count), bool)
    )


def kept_apart(n=6):
    """Two heads that always pick up the same two things, with a little noise."""
    noise = np.random.default_rng(0).normal(0, 0.01, (n, 2, 3))
    return np.tile([[1.0, 0, 0], [0, 1.0, 0]], (n, 1, 1)) + noise


def test_a_row_for_each_class_and_head():
    descriptors = np.concatenate([kept_apart(6), kept_apart(4)])
    importance = np.tile([2.0, -1.0], (10, 1))
    importance[3:6] = np.nan
    rows = [np.arange(6), np.arange(6, 10), np.array([], dtype=int)]
    card = head_card(["ant", "bee", "cat"], rows, views_of(descriptors, importance), None, 0)
    assert list(zip(card["label"], card["head"], strict=True)) == [
        (label, head) for label in ("ant", "bee", "cat") for head in (0, 1)
    ]
    assert card["n"].tolist() == [6, 6, 4, 4, 0, 0]
    assert (card["consistency"][:2] > 1.5).all()  # 1 with itself, −1 with the other
    assert card["consistency"][2:].isna().all()
    assert card["note"].tolist() == ["", ""] + ["n too small"] * 4
    # Of two heads all shuffles but the two that swap everything or nothing give less.
    assert (card["p"][:2] < 0.1).all() and card["q"][2:].isna().all()
    assert card["consistent"][2:].isna().all()
    assert card["distinct"].tolist()[:2] == [True, True]
    assert card["concentrated"].tolist()[:4] == [True, False, True, False]
    assert pd.isna(card["concentrated"][4])
    # Three photographs of ants give a mean, but no interval.
    assert card["importance"].tolist()[:4] == [2, -1, 2, -1]
    assert card["n_importance"].tolist() == [3, 3, 4, 4, 0, 0]
    assert card["important"].isna().all()


def test_importance_with_an_interval_above_and_below_0():
    importance = np.stack([np.linspace(1, 3, 6), np.linspace(-1, 1, 6)], axis=1)
    card = head_card(["ant"], [np.arange(6)], views_of(kept_apart(), importance), None, 0)
    assert card["important"].tolist() == [True, False]
    assert card["importance_low"][0] > 1 and card["importance_high"][0] < 3


def test_columns_of_parts():
    hit = np.zeros((6, 2, 2), bool)
    hit[:, 0, 1] = True
    hit[:3, 1, 0] = True
    card = head_card(["ant"], [np.arange(6)], views_of(kept_apart()), parts_of(hit), 0)
    assert card["part"].tolist() == ["part 1", "part 0"]
    assert card["part_share"].tolist() == [1, 0.5] and card["part_n"].tolist() == [6, 6]
    assert card["part_consistent"].tolist() == [True, False]  # 1 and 0.5 of at least 0.8
    assert card["stability"].tolist() == [1, 1] and card["purity"].tolist() == [1, 0.5]
    assert (card["part_chance_point"] == 0).all()
    # Heads shuffled: part 1 in half of the photographs, as a rule the one hit most.
    assert card["part_chance"][0] == pytest.approx(0.55, abs=0.1)


def test_one_head_and_flat_descriptors_are_noted():
    rng = np.random.default_rng(0)
    one = head_card(["ant"], [np.arange(6)], views_of(rng.normal(size=(6, 1, 3))), None, 0)
    assert one["note"][0].startswith("one head") and math.isnan(one["consistency"][0])
    flat = head_card(["ant"], [np.arange(6)], views_of(np.ones((6, 2, 3))), None, 0)
    assert flat["note"].tolist() == ["no direction in 6 of 6 photographs"] * 2
    assert flat["consistent"].tolist() == [False, False]


# Sums


def card_of(**columns):
    table = pd.DataFrame(
        {
            "label": ["ant", "ant", "bee", "bee", "cat"],
            "head": [0, 1, 0, 1, 0],
            "consistency": [0.8, 0.4, 0.6, 0.2, math.nan],
            "consistent": [True, True, True, False, None],
            "distinctness": [0.5, 0.3, 0.1, 0.1, math.nan],
            "distinct": [True, True, False, False, None],
            "effective_area": [0.1, 0.1, 0.5, 0.5, 0.5],
            "concentrated": [True, True, False, False, False],
            "importance": [2.0, 1.0, 0.0, 0.0, math.nan],
            "important": [True, None, False, False, None],
            "part": ["tip", "spot", "tip", None, None],
            "part_share": [1.0, 0.95, 0.5, 0.0, math.nan],
            "part_n": [20, 20, 10, 0, 0],
            "part_chance": [0.5] * 5,
            "part_chance_point": [0.4, 0.4, 0.2, 0.2, math.nan],
            "part_focus": [1.0, 0.5, 0.0, math.nan, math.nan],
            "part_consistent": [True, True, False, False, None],
            "part_consistency_chance": [0.5] * 5,
            "stability": [0.5, 0.7, math.nan, math.nan, math.nan],
            "purity": [1.0, 0.8, 0.6, 0.4, math.nan],
            "note": ["", "", "", "", "n too small"],
        }
    )
    return table.assign(**columns)


PHOTOGRAPHS = pd.DataFrame(
    {"counted": [True, True, False], "head_similarity": [0.2, 0.4, 0.9], "right": True}
)
TOLD = {
    "n_right": 3, "n_wrong": 0, "auroc_agreement": math.nan, "auroc_concentration": math.nan
}  # fmt: skip


def summary_of(card):
    return summarise(card, PHOTOGRAPHS, np.full((2, 1, 2), 0.25), TOLD, 0)


def test_summary_by_hand():
    summary = summary_of(card_of())
    assert (summary["n"], summary["n_images"], summary["n_heads"]) == (2, 3, 4)
    assert (summary["n_classes"], summary["n_classes_scored"]) == (3, 2)
    assert summary["consistent_head_share"] == 0.75
    # Wilson for 3 of 4.
    assert summary["consistent_head_share_low"] == pytest.approx(0.3006, abs=1e-4)
    assert summary["consistent_head_share_high"] == pytest.approx(0.9544, abs=1e-4)
    assert summary["mean_consistency"] == pytest.approx(0.5)
    assert summary["mean_consistency_low"] == pytest.approx(0.4)  # twice the bees
    assert summary["mean_distinctness"] == pytest.approx(0.25)
    assert summary["important_head_share"] == pytest.approx(1 / 3)
    assert summary["n_importance_heads"] == 3
    # The ant's head 1 is all but known to be important, and does not count either way.
    assert summary["all_head_share"] == pytest.approx(1 / 3)
    assert summary["same_part_share"] == pytest.approx((1 + 0.95 + 0.5) / 3)
    assert summary["same_part_90"] == pytest.approx(2 / 3)
    assert summary["n_same_part_heads"] == 3
    assert summary["same_part_share_concentrated"] == pytest.approx(0.975)
    assert summary["same_part_90_concentrated"] == 1
    assert summary["same_part_chance_point"] == pytest.approx(1 / 3)
    assert summary["part_consistency"] == 0.5 and summary["n_part_heads"] == 4
    assert summary["stability"] == pytest.approx(0.6) and summary["n_stability_heads"] == 2
    assert summary["purity"] == pytest.approx(0.7)
    assert summary["head_similarity"] == pytest.approx(0.3)
    assert summary["class_distinctiveness"] == 0.25


def test_without_parts_nothing_is_said_of_them():
    columns = [name for name in card_of() if "part" in name or name in ("stability", "purity")]
    summary = summary_of(card_of().drop(columns=columns))
    assert summary["part_consistency"] is None and summary["n_part_heads"] == 0
    assert math.isnan(summary["same_part_share"]) and math.isnan(summary["purity"])
    assert summary["consistent_head_share"] == 0.75


def said_of(card, **changes):
    summary = summary_of(card) | changes
    return " ".join(findings(StudyResult("heads", card, summary)))


def test_findings_say_the_numbers():
    said = said_of(card_of())
    assert "75.0 % of 4 heads" in said and "2 classes, 2 photographs" in said
    assert (
        "mean of 3 heads" in said
        and "81.7 %" in said
        and "For the 2 of them that have a place" in said
    )
    assert "head 0 of ant (2.0 logits, tip in 20 of 20)" in said
    assert "1 of 3 classes have no score" in said
    assert "look alike" not in said and "rightly named" not in said


def test_findings_warn_of_heads_that_are_all_alike_and_of_telling_mistakes():
    said = said_of(
        card_of(), head_similarity=0.97, auroc_agreement=0.8, auroc_agreement_low=0.7,
        auroc_agreement_high=0.9, n_right=30, n_wrong=9,
    )  # fmt: skip
    assert "Warning: all heads look alike (mean correlation of their maps 0.97" in said
    assert "80.0 % of pairs (95 % interval 70.0 to 90.0 %; 30 right, 9 wrong" in said


def test_findings_of_a_single_head_and_photograph_do_without_intervals():
    summary = summarise(card_of().head(1), PHOTOGRAPHS.head(1), np.full((1, 1, 2), 0.25), TOLD, 0)
    said = " ".join(findings(StudyResult("heads", card_of().head(1), summary)))
    assert "in 100.0 % of its photographs (mean of 1 heads); for random points" in said
    assert "differ in 25.0 % of their attention (mean of 1 photographs; 0 %" in said


def test_where_nothing_has_a_score_that_is_said():
    card = card_of(consistency=math.nan, note="n too small")
    said = said_of(card)
    assert said.startswith("No head has a score (2 photographs of 3 classes count): n too small")


def test_parts_across_classes():
    table = part_table(card_of())
    assert table.to_dict("records") == [
        {"part": "tip", "head": 0, "classes": 2, "of": 2, "labels": "ant; bee"},
        {"part": "spot", "head": 1, "classes": 1, "of": 1, "labels": "ant"},
    ]
    assert part_table(card_of(consistent=False)).empty


def test_layers_by_hand():
    differences = np.array([[[0.0, 0.5], [1.0, 0.5]], [[0.2, 0.5], [0.6, 0.5]]])
    table = layer_table(differences, 0)
    assert table["layer"].tolist() == [1, 1, 2, 2] and table["head"].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(table["class_distinctiveness"], [0.1, 0.5, 0.8, 0.5])
    np.testing.assert_allclose(table["low"], [0, 0.5, 0.6, 0.5])
    assert layer_table(np.zeros((0, 1, 2)), 0)["class_distinctiveness"].isna().all()


# Which photographs


def test_all_or_a_share_of_each_class():
    labels = ["ant"] * 20 + ["bee"] * 20
    assert choose(labels, 50, 0).tolist() == list(range(40))
    some = choose(labels, 2 * ENOUGH, 0)
    assert len(some) == 2 * ENOUGH and (some < 20).sum() == ENOUGH


def test_too_few_for_all_classes_are_enough_for_some():
    labels = np.repeat([f"class {number}" for number in range(10)], 20)
    some = choose(labels.tolist(), 3 * ENOUGH + 2, 0)
    names, counts = np.unique(labels[some], return_counts=True)
    assert len(names) == 3 and (counts == ENOUGH).all()
    assert (some == choose(labels.tolist(), 3 * ENOUGH + 2, 0)).all()
    assert len({tuple(choose(labels.tolist(), ENOUGH, seed)) for seed in range(9)}) > 1


def test_small_classes_are_not_drawn_before_large_ones():
    labels = np.array(["small"] * 3 + ["large"] * 20 + ["larger"] * 30)
    for seed in range(5):
        assert "small" not in labels[choose(labels.tolist(), ENOUGH, seed)]
    assert len(choose(labels.tolist(), 2, 0)) == 5  # never fewer than give a score
    assert len(choose(["only"] * 3, 1, 0)) in (1, 3)
