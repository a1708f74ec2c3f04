"""The arithmetic of time: shares, numbers of photographs, samples, and how times are said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intr_discover.studies.budget import (
    FEWEST_IMAGES,
    Speed,
    StudyPlan,
    duration,
    images_that_fit,
    plan_table,
    share_out,
    stratified_sample,
)

SPEED = Speed(encode=0.5, decode=0.25)


# How many photographs


def test_photographs_that_fit_by_hand():
    # 20 s less 5 s for drawing; one photograph takes 0.5 + 2 · 0.25 = 1 s.
    assert images_that_fit(100, 20.0, SPEED, decodes=2, extra_seconds=5.0) == 15
    assert images_that_fit(12, 20.0, SPEED, decodes=2, extra_seconds=5.0) == 12


def test_without_a_limit_all_are_taken():
    assert images_that_fit(12_345, None, SPEED) == 12_345
    assert images_that_fit(12_345, 1.0, None) == 12_345
    assert images_that_fit(12_345, 1.0, Speed(0.0, 0.0)) == 12_345


@pytest.mark.parametrize("available", [0, 1, FEWEST_IMAGES, 100])
def test_a_few_are_taken_even_without_time(available):
    expected = min(available, FEWEST_IMAGES)
    assert images_that_fit(available, 0.0, SPEED) == expected
    assert images_that_fit(available, 1.0, SPEED, extra_seconds=60.0) == expected


def test_seconds_of_a_plan_by_hand():
    plan = StudyPlan(images=4, of=9, encodes=4, decodes=8, extra_seconds=3.0)
    assert plan.seconds(SPEED) == 4 * 0.5 + 8 * 0.25 + 3.0
    assert plan.sampled and not StudyPlan(9, 9, 9, 9).sampled


# Shares


def test_shares_by_hand():
    # Equal weights: a needs 10 of its 30, so b and c get 40 each.
    shares = share_out(90, {"a": 1, "b": 1, "c": 1}, {"a": 10, "b": 500, "c": 60})
    assert shares == {"a": 10, "b": 40, "c": 40}
    # Weights 1 and 3, nobody satisfied.
    assert share_out(80, {"a": 1, "b": 3}, {"a": 999, "b": 999}) == {"a": 20, "b": 60}
    assert share_out(80, {"a": 1, "b": 3}, {"a": 1, "b": 2}) == {"a": 1, "b": 2}
    assert share_out(80, {}, {}) == {}


@given(
    st.floats(0, 1e4),
    st.lists(st.tuples(st.floats(0.1, 10), st.floats(0, 1e4)), min_size=1, max_size=8),
)
def test_no_time_is_given_twice_or_left_while_it_is_wanted(total, studies):
    weights = {str(number): weight for number, (weight, _) in enumerate(studies)}
    wishes = {str(number): wish for number, (_, wish) in enumerate(studies)}
    shares = share_out(total, weights, wishes)
    assert all(0 <= shares[name] <= wishes[name] for name in wishes)
    assert sum(shares.values()) == pytest.approx(min(total, sum(wishes.values())), abs=1e-6)
    # Of those that want more, a unit of weight is worth the same seconds.
    rates = [shares[name] / weights[name] for name in wishes if shares[name] < wishes[name] - 1e-6]
    assert not rates or max(rates) == pytest.approx(min(rates), abs=1e-6)


# Samples


def test_every_label_keeps_its_share():
    labels = ["a"] * 6 + ["b"] * 3 + ["c"] * 3
    chosen = stratified_sample(labels, 4, seed=0)
    assert sorted(labels[row] for row in chosen) == ["a", "a", "b", "c"]


@given(
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=60),
    st.integers(0, 70),
    st.integers(0, 5),
)
def test_a_sample_is_exact_ordered_and_repeatable(labels, count, seed):
    chosen = stratified_sample(labels, count, seed)
    assert len(chosen) == min(count, len(labels)) == len(set(chosen.tolist()))
    assert (np.diff(chosen) > 0).all()
    assert chosen.tolist() == stratified_sample(labels, count, seed).tolist()
    for label in set(labels):
        quota = labels.count(label) * min(1, count / len(labels))
        taken = sum(labels[row] == label for row in chosen)
        assert quota - 1 < taken < quota + 1


def test_another_seed_draws_others():
    labels = ["a"] * 50
    assert stratified_sample(labels, 5, 0).tolist() != stratified_sample(labels, 5, 1).tolist()


# Words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (125, "2 min 5 s"), (4200, "1 h 10 min")],
)
def test_durations(seconds, words):
    assert duration(seconds) == words


def test_the_plan_as_a_table():
    plans = {"evaluate": StudyPlan(40, 40, 40, 40), "heads": StudyPlan(8, 40, 8, 160, 5.0)}
    lines = plan_table(plans, SPEED)
    assert [line.split() for line in lines] == [
        ["study", "photographs", "encoder", "decoder", "expected"],
        ["evaluate", "40", "of", "40", "40", "40", "30", "s"],
        ["heads", "8", "of", "40", "8", "160", "49", "s"],
        ["together", "1", "min", "19", "s"],
    ]
    assert len({len(line) for line in lines}) == 1  # the columns are level
