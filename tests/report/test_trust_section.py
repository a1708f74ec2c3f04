"""What the section on trust answers, from summaries whose answer is plain."""

from __future__ import annotations

import pandas as pd
import pytest

from intr_discover.report.outcome import Outcome
from intr_discover.report.trust import tally, trust_rows
from intr_discover.report.trust_numbers import NO, NOT_ASKED, NOT_KNOWN, UNCLEAR, YES, Measured
from intr_discover.studies.registry import find_studies
from intr_discover.studies.result import StudyResult

STUDIES = find_studies()


def asked(study, summary, table=None, **tables):
    """Return the checks of one study."""
    frames = {name: pd.DataFrame(rows) for name, rows in tables.items()}
    result = StudyResult(study, pd.DataFrame(table or []), summary, tables=frames)
    return trust_rows([Outcome(STUDIES[study], result=result)])


def spread(key, value, low, high):
    return {key: value, f"{key}_low": low, f"{key}_high": high}


@pytest.mark.parametrize(
    "low, high, answer",
    [(0.6, 0.9, YES), (0.1, 0.4, NO), (0.4, 0.6, UNCLEAR), (None, None, UNCLEAR)],
)
def test_an_interval_against_a_threshold(low, high, answer):
    assert Measured(0.5, low, high).compared(0.5) == answer


def test_what_is_unknown_is_not_compared():
    assert Measured().compared(0.5) == Measured(0.5, 0.4, 0.6).compared(None) == NOT_KNOWN


@pytest.mark.parametrize(
    "low, high, answer", [(0.7, 0.95, YES), (0.5, 0.9, UNCLEAR), (0.2, 0.55, NO)]
)
def test_accuracy_beside_the_commonest_class(low, high, answer):
    # 6 of 10 photographs are of one class: who always answers it is right in 60 %.
    summary = {**spread("top1", 0.9, low, high), "n": 10, "n_classes": 4, "chance": 0.25}
    (row,) = asked("evaluate", summary, [{"label": "a"}] * 6 + [{"label": "b"}] * 4)
    assert (row.answer, row.number, row.n) == (answer, "90.0 %", "10")
    assert "60.0 %" in row.sentence


@pytest.mark.parametrize(
    "low, high, answer", [(0.1, 0.2, YES), (0.8, 0.9, NO), (0.6, 0.8, UNCLEAR)]
)
def test_attention_beside_the_specimen(low, high, answer):
    """Less beside it than an even map puts there is what one hopes for."""
    summary = {
        **spread("off_specimen_mass", 0.5, low, high), "even_share": 0.7, "n_masked": 9,
        "data_flagged": None,
    }  # fmt: skip
    rows = {row.question: row.answer for row in asked("shortcuts", summary)}
    assert rows == {
        "Does it take the specimen to tell the labels?": NOT_KNOWN,
        "Does it look at the specimen?": answer,
        "Does the answer stay on another background?": NOT_KNOWN,
    }


@pytest.mark.parametrize(
    "insertion, deletion, p, answers",
    [
        (0.2, -0.3, 0.001, [YES, YES]),
        (-0.2, 0.3, 0.001, [NO, NO]),
        (0.2, -0.3, 0.3, [UNCLEAR, UNCLEAR]),
        (0.2, 0.3, 0.04, [YES, NO]),
    ],
)
def test_the_order_of_the_maps(insertion, deletion, p, answers):
    """More is better while a photograph is revealed, less while it is removed."""
    differences = [
        {"measure": measure, "first": first, "second": "random", "n": 12, "difference": value,
         "low": value - 0.1, "high": value + 0.1, "p": p}
        for measure, value in (("insertion", insertion), ("deletion", deletion))
        for first in ("intr_mean", "intr_best")
    ]  # fmt: skip
    rows = asked("faithfulness", {"n": 12}, differences=differences)
    assert [row.answer for row in rows] == [*answers, NOT_KNOWN]
    said = "p = 0.001" if p == 0.001 else f"p = {p}"
    assert f"above 0 is better ({said})." in rows[0].sentence
    assert "below 0 is better" in rows[1].sentence
    assert rows[0].number == f"{insertion:.2f}".replace("-", "−") and rows[0].n == "12"


def test_folds_have_a_range_and_no_interval():
    differences = [
        {"fold": fold, "measure": "insertion", "first": "intr_mean", "second": "random", "n": 5,
         "difference": difference, "low": 0.0, "high": 1.0, "p": p}
        for fold, difference, p in ((1, 0.1, 0.01), (2, 0.3, 0.2))
    ]  # fmt: skip
    row = asked("faithfulness", {"n": 10}, differences=differences)[0]
    assert (row.answer, row.number, row.interval, row.n) == (
        UNCLEAR, "0.20", "0.10 to 0.30 (folds)", "10",
    )  # fmt: skip
    assert "p < 0.05 in 1 of 2 folds" in row.sentence


@pytest.mark.parametrize(
    "rates, answer",
    [((0.9, 0.8), YES), ((0.05, 0.02), NO), ((0.9, 0.05), UNCLEAR)],
)
def test_the_answer_follows_the_attention(rates, answer):
    """Every way of making it look elsewhere must change most answers; the least is shown."""
    summary = {"n": 20}
    for kind, rate in zip(("uniform", "permuted"), rates, strict=True):
        summary |= spread(f"{kind}_all_last_flip_rate", rate, rate - 0.02, rate + 0.02)
    (row,) = asked("interventions", summary)
    assert row.answer == answer and row.number == f"{100 * min(rates):.1f} %"
    assert "the least of 2 ways" in row.sentence


@pytest.mark.parametrize(
    "flips, controls, answer",
    [
        ((0.8, 0.6, 0.9), (0.1, 0.0, 0.3), YES),
        ((0.4, 0.2, 0.6), (0.1, 0.0, 0.3), UNCLEAR),
        ((0.1, 0.0, 0.3), (0.1, 0.0, 0.3), NO),
        ((0.8, 0.6, 0.9), (None, None, None), NOT_KNOWN),
    ],
)
def test_edits_beside_their_controls(flips, controls, answer):
    edited = {"n": 30, **spread("control_flip_rate", *controls)}
    (row,) = asked("manipulation", {**edited, **spread("flip_rate", *flips)})
    assert row.answer == answer
    (row,) = asked("transplants", {**edited, **spread("to_mate_rate", *flips)})
    assert row.answer == answer


def test_heads_on_the_attribute_beside_random_points():
    summary = {**spread("diagnostic_hit", 0.8, 0.7, 0.9), "n_diagnostic": 40}
    assert asked("explanations", {**summary, "chance_top_heads": 0.4})[0].answer == YES
    assert asked("explanations", {**summary, "chance_top_heads": 0.8})[0].answer == UNCLEAR
    assert asked("explanations", {"diagnostic_hit": None})[0].answer == NOT_KNOWN


def test_a_study_left_out_is_named_and_one_that_nobody_asked_for_is_not():
    rows = trust_rows([Outcome(STUDIES["transplants"], reason="it needs pairs.csv")])
    assert [(row.study, row.answer, row.sentence) for row in rows] == [
        ("transplants", NOT_ASKED, "Left out: it needs pairs.csv")
    ]
    assert tally(rows) == {NOT_ASKED: 1} and tally([]) == {}
