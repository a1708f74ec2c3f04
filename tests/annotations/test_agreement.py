"""What counts as identified, and Fleiss' kappa: numbers worked out by hand or from the sources."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from statsmodels.stats.inter_rater import fleiss_kappa as published_kappa

from intr_discover.annotations import Answer, HumanStudy, Item
from intr_discover.annotations.agreement import (
    ALL,
    agreement,
    fleiss_kappa,
    in_words,
    is_identified,
)
from intr_discover.errors import UserError

BEGIN = datetime(2026, 1, 31, 12, tzinfo=UTC)

# Fleiss (1971), table 1: 30 patients, 6 psychiatrists, 5 diagnoses.
FLEISS_1971 = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""


def made(items, vocabulary=("red", "band")):
    return HumanStudy("s", 0, tuple(vocabulary), dict(enumerate(items, 1)), BEGIN)


def answers(ticked_by_rater):
    """Return answers from {rater: {item: ticked}}."""
    return [
        Answer("s", number, rater, tuple(ticked), BEGIN)
        for rater, items in ticked_by_rater.items()
        for number, ticked in items.items()
    ]


def row(rows, method, attribute=ALL):
    (found,) = [each for each in rows if (each.method, each.attribute) == (method, attribute)]
    return found


def test_kappa_of_the_source():
    counts = np.array([[int(digit) for digit in each] for each in FLEISS_1971.split()])
    assert counts.shape == (30, 5) and (counts.sum(axis=1) == 6).all()
    assert round(fleiss_kappa(counts), 3) == 0.430


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([[3, 0], [0, 3]], 1.0),
        # Every pair of raters disagrees where two of two differ: P = 0, P_e = 1/2.
        ([[1, 1], [1, 1]], -1.0),
        # P = (1 + 1/3) / 2, p = (5, 1) / 6, P_e = 26/36.
        ([[3, 0], [2, 1]], (2 / 3 - 26 / 36) / (10 / 36)),
        # Three raters, then two: P = (1/3 + 1) / 2, p = (2, 3) / 5, P_e = 13/25.
        ([[2, 1], [0, 2]], (2 / 3 - 13 / 25) / (12 / 25)),
        # One rater says nothing of agreement: the row counts for nothing.
        ([[3, 0], [0, 3], [1, 0]], 1.0),
    ],
)
def test_kappa_by_hand(counts, expected):
    assert fleiss_kappa(np.array(counts)) == pytest.approx(expected)


@pytest.mark.parametrize("counts", [np.zeros((0, 2), int), [[1, 0]], [[3, 0], [3, 0]]])
def test_kappa_is_undefined_where_nobody_could_disagree(counts):
    assert math.isnan(fleiss_kappa(np.array(counts)))


@settings(max_examples=50, deadline=None)
@given(arrays(np.int64, (7, 4), elements=st.integers(0, 2)))
def test_kappa_is_that_of_statsmodels_where_it_has_one(ratings):
    """Rows are subjects, columns four raters, values the categories."""
    counts = np.stack([(ratings == category).sum(axis=1) for category in range(3)], axis=1)
    if len(np.unique(ratings)) > 1:
        assert fleiss_kappa(counts) == pytest.approx(published_kappa(counts))


def test_half_of_the_raters_are_not_more_than_half():
    ticked, raters = np.array([0, 1, 2, 3, 4, 1]), np.array([4, 4, 4, 4, 4, 1])
    assert is_identified(ticked, raters).tolist() == [False, False, False, True, True, True]


def test_rates_by_hand():
    """Two images with two heads each, three raters, two attributes."""
    study = made(
        [Item(image, "intr", unit) for image in ("a", "b") for unit in ("head 0", "head 1")]
    )
    rows = agreement(
        study,
        answers(
            {
                "Ann": {1: ["red"], 2: ["red", "band"], 3: [], 4: []},
                "Bo": {1: ["red"], 2: ["band"], 3: ["red"], 4: []},
                "Cy": {1: [], 2: [], 3: [], 4: ["band"]},
            }
        ),
    )
    # Items 1 (red: 2 of 3) and 2 (band: 2 of 3) show something, 3 and 4 do not. Of the pairs of
    # image and attribute: a red, a band are identified; b red (1 of 3), b band (1 of 3) are not.
    whole = row(rows, "intr")
    assert (whole.identified, whole.pairs, whole.rate) == (2, 4, 0.5)
    assert (whole.named_items, whole.items, whole.named_share) == (2, 4, 0.5)
    assert (whole.images, whole.raters, whole.fewest_raters, whole.kappa_items) == (2, 3, 3, 4)
    # Two images, one of rate 1 and one of rate 0: a resample has 0, 1/2 or 1, each in 1/4 or 1/2.
    assert (whole.rate_low, whole.rate_high) == (0.0, 1.0)
    red = row(rows, "intr", "red")
    assert (red.identified, red.pairs, red.named_items, red.items) == (1, 2, 1, 4)
    # Ticks of red: 2, 1, 1, 0 of 3. P = (1/3 + 1/3 + 1/3 + 1) / 4 = 1/2, p = 4/12, P_e = 5/9.
    assert red.kappa == pytest.approx((1 / 2 - 5 / 9) / (4 / 9))
    # Ticks of band: 0, 2, 0, 1: P = (1 + 1/3 + 1 + 1/3) / 4 = 2/3, p = 3/12, P_e = 10/16.
    assert row(rows, "intr", "band").kappa == pytest.approx((2 / 3 - 10 / 16) / (6 / 16))
    # All eight decisions: P = (4 · 1/2 + 4 · 2/3) / 8 = 7/12, p = (4 + 3) / 24.
    chance = (7 / 24) ** 2 + (17 / 24) ** 2
    assert whole.kappa == pytest.approx((7 / 12 - chance) / (1 - chance))
    assert whole.kappa_low <= whole.kappa <= whole.kappa_high


def test_an_attribute_seen_by_different_raters_in_different_heads_is_not_identified():
    study = made([Item("a", "intr", "head 0"), Item("a", "intr", "head 1")], ["red"])
    rows = agreement(study, answers({"Ann": {1: ["red"], 2: []}, "Bo": {1: [], 2: ["red"]}}))
    assert row(rows, "intr").identified == 0


def test_methods_are_told_apart_and_put_together():
    study = made([Item(i, m, "all") for i in "ab" for m in ("intr", "gradcam")], ["red"])
    rows = agreement(study, answers({"Ann": {1: ["red"], 2: [], 3: ["red"], 4: []}}))
    assert [each.method for each in rows if each.attribute == ALL] == [ALL, "gradcam", "intr"]
    assert row(rows, "intr").rate == 1.0 and row(rows, "gradcam").rate == 0.0
    assert (row(rows, ALL).identified, row(rows, ALL).pairs) == (2, 4)
    # Images that are all alike: Wilson's interval with two images, (z² / (2 + z²), 1).
    assert row(rows, "intr").rate_high == 1.0
    assert row(rows, "intr").rate_low == pytest.approx(2 / (2 + 1.959964**2), abs=1e-4)
    assert math.isnan(row(rows, "intr").kappa)  # one rater


def test_a_vocabulary_of_its_own_decides_what_could_be_ticked():
    study = made([Item("a", "intr", "all", vocabulary=("spots",)), Item("b", "intr", "all")])
    rows = agreement(study, answers({"Ann": {1: ["spots"], 2: ["red"]}}))
    assert (row(rows, "intr").identified, row(rows, "intr").pairs) == (2, 3)
    assert row(rows, "intr", "spots").images == 1


def test_the_latest_answer_counts():
    study = made([Item("a", "intr", "all")], ["red"])
    first = Answer("s", 1, "Ann", ("red",), BEGIN)
    later = Answer("s", 1, "Ann", (), BEGIN + timedelta(seconds=1))
    assert row(agreement(study, [later, first]), "intr").identified == 0
    assert row(agreement(study, [first]), "intr").identified == 1


def test_items_that_nobody_answered_are_left_out():
    study = made([Item("a", "intr", "all"), Item("b", "intr", "all")], ["red"])
    (whole, _) = agreement(study, answers({"Ann": {1: ["red"]}}))
    assert (whole.images, whole.items, whole.pairs, whole.rate) == (1, 1, 1, 1.0)
    assert math.isnan(whole.rate_low) and math.isnan(whole.kappa_low)  # one image
    with pytest.raises(UserError, match="study 's' has no answers yet"):
        agreement(study, [])


def test_the_same_seed_gives_the_same_intervals():
    study = made([Item(f"{i}", "intr", "all") for i in range(12)], ["red"])
    draws = np.random.default_rng(1).random((3, 12)) < 0.6
    given_answers = answers(
        {f"r{r}": {i + 1: ["red"] * bool(draws[r, i]) for i in range(12)} for r in range(3)}
    )
    first, again, other = (agreement(study, given_answers, seed=seed)[0] for seed in (0, 0, 5))
    assert first == again and first.rate == other.rate
    assert 0 <= first.rate_low < first.rate < first.rate_high <= 1
    assert first.kappa_low < first.kappa < first.kappa_high


def test_words_name_numbers_and_what_they_rest_on():
    study = made([Item("a", "intr", "all"), Item("b", "intr", "all")], ["red"])
    rows = agreement(study, answers({"Ann": {1: ["red"], 2: []}, "Bo": {1: ["red"], 2: ["red"]}}))
    whole, red = in_words(rows)
    assert whole.startswith("intr: 1 of 2 attributes of 2 images identified by more than half")
    assert "2 raters, at least 2 an item" in whole and "2 items" in whole
    assert red.strip().startswith("red: identified in 1 of 2 images, 50.0 %")
