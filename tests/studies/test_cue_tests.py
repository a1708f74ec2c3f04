"""Labels told by cues: votes counted by hand, chance, selection, and what is flagged."""

from __future__ import annotations

import math

import numpy as np
import pytest

from intr_discover.studies.cue_tests import neighbours, report_on_cues
from intr_discover.studies.cues import Cue


def numbers(values, name="size"):
    return Cue(name, "picture", np.asarray(values, float).reshape(len(values), -1))


def kinds(codes, name="camera"):
    return Cue(name, "metadata", np.asarray(codes, float)[:, None], True)


def alone(count):
    return [f"specimen {number}" for number in range(count)]


def report(cues, labels, specimens=None, **changes):
    settings = {"permutations": 199, **changes}
    return report_on_cues(cues, labels, specimens or alone(len(labels)), 0, **settings)


def test_who_votes_for_whom():
    individuals = np.array([0, 1, 2, 2])
    # Two votes each (√4): the nearest of other individuals, and all at the same distance.
    found = neighbours(numbers([0, 1, 3, 4]), individuals)
    assert found.tolist() == [
        [False, True, True, False],
        [True, False, True, False],
        [True, True, False, False],
        [True, True, False, False],
    ]
    ties = neighbours(numbers([0, 1, -1, 1]), np.arange(4))
    assert ties[0].tolist() == [False, True, True, True]
    # Categories: the others of the same one; where there is none, everybody.
    found = neighbours(kinds([5, 5, 7, 5]), np.arange(4))
    assert found[0].tolist() == [False, True, False, True]
    assert found[2].tolist() == [True, True, False, True]


def test_votes_by_hand():
    """Nine photographs on a line, three votes each, classes of four and five."""
    places = [0, 1, 2, 3, 10, 11, 12, 13, 2.4]
    labels = ["a"] * 4 + ["b"] * 5
    row = report([numbers(places)], labels).cues.iloc[0]
    # The last b lies among the a: it gets 3 votes for a. Photograph 2 (at 2): voters at 2.4, 1
    # and 3, so a has 2 of 4, b 1 of 5: right. Photograph 3 (at 3): voters 2.4, 2 and 1: right.
    # Photographs 0 and 1: a's three others, or two and the stray b: right. All b at 10 to 13 vote
    # for each other: right. So 4 of 4 and 4 of 5.
    assert row["balanced_accuracy"] == pytest.approx((1 + 4 / 5) / 2)
    assert row["n"] == 9 and row["classes"] == 2


def test_equal_votes_count_half():
    # Every photograph has the same value, so all vote alike: a and b get 3 of 4 and 4 of 4 of
    # their votes, or the other way round; the own class is always behind.
    labels = ["a"] * 4 + ["b"] * 4
    same = kinds([1] * 8 + [2, 2, 2, 2])
    found = report([same], [*labels, "a", "a", "b", "b"]).cues.iloc[0]
    # In the first group 3 of 6 against 4 of 6: wrong. In the second 1 of 6 against 2 of 6: wrong.
    assert found["balanced_accuracy"] == 0.0
    # Three classes, nobody of the own class near: the two others share, and neither is right.
    assert report([same], labels + ["c"] * 4).cues.iloc[0]["balanced_accuracy"] > 0


def test_a_perfect_cue_is_found_and_a_useless_one_is_not():
    generator = np.random.default_rng(0)
    labels = list(np.repeat(["a", "b", "c"], 12))
    cues = [
        numbers(generator.normal(size=(36, 3)), "noise"),
        numbers(np.repeat([0, 5, 9], 12) + generator.normal(0, 0.1, 36), "ground"),
        kinds(np.repeat([0, 0, 1], 12), "camera"),
    ]
    found = report(cues, labels, permutations=1999)
    assert found.cues["cue"].tolist()[:2] == ["ground", "camera"]
    best = found.best
    assert best["balanced_accuracy"] == pytest.approx(1) and best["high"] == 1.0
    assert best["p"] == best["p_best"] == pytest.approx(1 / 2000)
    assert found.flagged and found.best_is_sure
    assert set(found.flagged_classes["label"]) == {"a", "b", "c"}
    assert found.classes["told_from_rest"].tolist() == pytest.approx([1, 1, 1])
    noise = found.cues[found.cues["cue"] == "noise"].iloc[0]
    assert noise["q"] > 0.01 and noise["chance"] == pytest.approx(1 / 3, abs=0.08)


def test_one_class_of_each_pair_on_another_ground():
    """As in the drawn butterflies' shortcut: far from perfect over classes, perfect in pairs."""
    generator = np.random.default_rng(1)
    names = [f"{ring} {which}" for ring in "uvwxyz" for which in ("vera", "similis")]
    labels = [name for name in names for _ in range(8)]
    ground = [float(name.endswith("similis")) for name in labels]
    cue = numbers(np.array(ground) * 10 + generator.normal(size=len(labels)))
    pairs = [(f"{ring} vera", f"{ring} similis") for ring in "uvwxyz"]
    found = report([cue], labels, pairs=pairs, permutations=1999)
    assert found.best["balanced_accuracy"] < 0.4
    assert len(found.flagged_pairs) == 6 and found.flagged
    assert (
        found.pairs["told_apart"].tolist() == pytest.approx([1] * 6)
        and (found.pairs["n"] == 16).all()
    )
    shuffled = report([numbers(generator.normal(size=len(labels)))], labels, pairs=pairs)
    assert not shuffled.flagged


def test_false_alarms_are_rare():
    """Many cues without meaning: the best of them is compared with the best by chance."""
    alarms = 0
    for seed in range(30):
        generator = np.random.default_rng(seed)
        labels = list(np.repeat(["a", "b", "c", "d"], 8))
        cues = [numbers(generator.normal(size=(32, 2)), f"cue {place}") for place in range(6)]
        found = report(cues, labels, pairs=[("a", "b"), ("c", "d")])
        alarms += found.flagged
    assert alarms <= 3  # at 0.01 in each of three families fewer than one is expected


def test_photographs_of_one_specimen_do_not_vote_for_each_other():
    """Two photographs of each individual are alike; nothing else is."""
    generator = np.random.default_rng(0)
    values = np.repeat(generator.normal(size=(18, 4)) * 10, 2, axis=0)
    labels = list(np.repeat(["a", "b", "c"], 12))
    individuals = [f"specimen {number // 2}" for number in range(36)]
    honest = report([numbers(values)], labels, individuals).best["balanced_accuracy"]
    fooled = report([numbers(values)], labels).best["balanced_accuracy"]
    assert fooled > honest + 0.1
    assert report([numbers(values)], labels, individuals).best["p_best"] > 0.05


def test_small_classes_are_left_out():
    labels = ["a"] * 5 + ["b"] * 5 + ["rare"] * 2
    found = report([numbers(range(12))], labels)
    assert found.untested == ["rare"] and found.n == 10
    assert found.classes["label"].tolist() == ["a", "b"]


@pytest.mark.parametrize(
    ("labels", "cues"),
    [
        (["a"] * 6, [numbers(range(6))]),
        (["a", "b"], [numbers([1, 2])]),
        (["a"] * 3 + ["b"] * 3, [numbers([1] * 6)]),
        (["a"] * 3 + ["b"] * 3, []),
    ],
)
def test_where_nothing_can_be_tested(labels, cues):
    found = report(cues, labels, pairs=[("a", "b")])
    assert found.best is None and not found.flagged
    assert found.cues.empty and found.classes.empty and found.pairs.empty


def test_cues_of_a_kind_together():
    generator = np.random.default_rng(0)
    labels = list(np.repeat(["a", "b", "c", "d"], 10))
    left, top = np.repeat([0, 1, 0, 1], 10), np.repeat([0, 0, 1, 1], 10)
    cues = [numbers(side * 4 + generator.normal(0, 0.3, 40), name)
            for side, name in ((left, "left"), (top, "top"))]  # fmt: skip
    found = report([*cues, kinds(generator.integers(0, 2, 40))], labels)
    joint = found.cues[found.cues["kind"] == "joint"]
    assert joint["cue"].tolist() == ["all beside the specimen"]  # there is one column only
    assert joint["balanced_accuracy"].iloc[0] == pytest.approx(1) and math.isnan(
        joint["p_best"].iloc[0]
    )
    assert found.best["balanced_accuracy"] < 0.8
    assert found.cues["kind"].tolist()[-1] == "joint"


def test_the_interval_holds_the_accuracy():
    labels = ["a"] * 4 + ["b"] * 30
    row = report([numbers([*range(4), *range(100, 130)])], labels).cues.iloc[0]
    assert row["low"] <= row["balanced_accuracy"] <= row["high"] <= 1
    # Balanced over 4 and 30 specimens is as sure as 4 / (1/4 + 1/30) = 14.1 specimens.
    assert row["low"] == pytest.approx(14 / (14 + 1.959964**2), abs=1e-6)
