"""Species pages and pair sheets, from tables small enough to read."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from intr_discover.report.head_verdicts import verdict
from intr_discover.report.page_figures import FigureOnPage, what_it_is_about
from intr_discover.report.pair_pages import pair_pages, pairs_of
from intr_discover.report.species_heads import heads_to_show
from intr_discover.report.species_pages import species_pages, species_table
from intr_discover.studies.result import StudyResult

ANT, BEE, CAT = "Ant a", "Ant a b", "Cat"
HOLDS = {"consistent": True, "distinct": True, "important": True, "concentrated": True}


def result(name, table, summary=None, **tables):
    frames = {key: pd.DataFrame(rows) for key, rows in tables.items()}
    return StudyResult(name, pd.DataFrame(table), summary or {}, tables=frames)


def head(label, number, importance, **changes):
    return {
        "label": label, "head": number, "n": 7, "consistency": 0.8, "consistency_low": 0.7,
        "consistency_high": 0.9, "distinctness": 0.5, "importance": importance,
        "importance_low": None, "importance_high": None, "part": "spot", "part_share": 0.6,
        "part_n": 5, "name": None, **HOLDS, **changes,
    }  # fmt: skip


def figure(name, *about):
    return FigureOnPage(f"figure-{name}", "heads", Path(f"{name}.png"), "alt", "", [], about)


# Heads


@pytest.mark.parametrize(
    "changes, worth, words",
    [
        ({}, True, "worth a name"),
        ({"consistent": False}, False, "something else"),
        ({"concentrated": False}, False, "whole picture"),
        ({"distinct": False}, False, "other heads"),
        ({"important": False}, False, "does not need it"),
        ({"important": None, "importance": 0.3}, None, "perhaps worth a name"),
        ({"important": None, "importance": -0.3}, False, "no sign"),
        ({"distinct": None}, None, "not all of the rest"),
        ({"consistent": None, "note": "4 photographs"}, False, "no score: 4 photographs"),
        ({"consistent": float("nan"), "note": None}, False, "no score"),
    ],
)
def test_what_a_head_probably_is(changes, worth, words):
    said = verdict({"importance": 1.0, **HOLDS, **changes})
    assert said.worth_a_name is worth and words in said.words


def test_heads_worth_knowing_are_shown_and_at_least_three():
    dull = {"important": False}
    card = [head(ANT, number, 9 - number, **dull) for number in range(9)]
    assert [row["head"] for row in heads_to_show(card)] == [0, 1, 2]
    card[7] = head(ANT, 7, 2)  # worth a name
    card[8] = head(ANT, 8, 1, **dull, name="eyespot")  # somebody has named it
    assert [row["head"] for row in heads_to_show(card)] == [0, 7, 8]
    assert len(heads_to_show([head(ANT, number, 1) for number in range(20)])) == 8


# Species


def species_of(**results):
    return species_pages([ANT, BEE], results, [figure("atlas", ANT)], {(ANT, BEE): "pair-1"})


def test_a_species_with_all_that_is_known():
    evaluate = result(
        "evaluate",
        {"label": [ANT] * 10, "predicted": [ANT] * 7 + [BEE] * 2 + [CAT]},
        per_class=[
            {"label": ANT, "n": 10, "correct": 7, "n_predicted": 8, "top1": 0.7, "low": 0.4,
             "high": 0.9, "mistaken_for": BEE},
        ],
    )  # fmt: skip
    heads = result("heads", [head(ANT, 0, 0.5), head(ANT, 3, 2.0), head(BEE, 0, 1.0)])
    manipulation = result(
        "manipulation", {}, {"operation": "erase"},
        classes=[{"label": ANT, "region": "spot", "n": 6, "flip": 0.5, "flip_low": 0.2,
                  "flip_high": 0.8, "control_flip": None, "control_flip_low": None,
                  "control_flip_high": None}],
    )  # fmt: skip
    page, other = species_of(evaluate=evaluate, heads=heads, manipulation=manipulation)
    facts = dict(page.facts)
    assert facts["Recognised"] == "7 of 10 photographs (70.0 %, 95 % interval 40.0 % to 90.0 %)."
    assert facts["Most often taken for"] == f"{BEE}: 2 of 10."
    assert facts["When this is the answer"].startswith("it is right in 7 of 8 photographs (87.5 %")
    assert [row.called for row in page.heads] == ["head 3", "head 0"]  # by importance
    assert page.heads[0].consistency == "0.80 (0.70 to 0.90)"
    assert (page.heads[0].importance, page.heads[0].part) == ("2.00", "spot (3 of 5)")
    assert page.brief == f"7 of 10 recognised · 2 heads worth a name · like {BEE}"
    (edit,) = page.edits
    assert edit.done == "spot erased" and edit.share_words == "50.0 % (20.0 % to 80.0 %)"
    assert edit.control_words == "" and edit.n == "6"
    assert page.mates == [(BEE, "pair-1")] and [it.id for it in page.figures] == ["figure-atlas"]
    assert page.missing == ""
    # The other was not among the photographs that were looked at, and the page says so.
    assert other.facts == [] and "edits (not among the photographs looked at)" in other.missing
    table = species_table([page, other]).set_index("label")
    assert table.loc[ANT, "heads_worth_a_name"] == "head 3; head 0"
    assert table.loc[BEE, "heads_scored"] == 1 and pd.isna(table.loc[BEE, "n"])


def test_a_species_of_which_nothing_is_known():
    page, _ = species_of()
    assert page.facts == [] and page.heads == [] and page.edits == []
    assert page.missing == "Not here: accuracy (not asked), heads (not asked), edits (not asked)."


# Pairs


def test_pairs_are_counted_once_whichever_comes_first():
    named = pd.DataFrame({"label_a": [ANT, CAT, ANT], "label_b": [BEE, "absent", ANT]})
    mimicry = result("mimicry", {"label_a": [BEE, BEE], "label_b": [ANT, CAT]})
    found = pairs_of(named, [ANT, BEE, CAT], {"mimicry": mimicry})
    assert found == {(ANT, BEE): "pair-1", (BEE, CAT): "pair-2"}
    assert pairs_of(None, [ANT], {}) == {}


def test_a_pair_sheet():
    named = pd.DataFrame({"label_a": [ANT], "label_b": [BEE], "diagnostic": ["spot"]})
    explanations = result(
        "explanations", {},
        pairs=[{"label_a": BEE, "label_b": ANT, "n_diagnostic": 12, "share": 0.75, "low": 0.5,
                "high": 0.9, "chance_top_heads": 0.4}],
    )  # fmt: skip
    transplants = result(
        "transplants",
        [{"label": ANT, "mate": BEE, "region": "spot", "n": 5, "to_mate": 1.0, "to_mate_low": 0.57,
          "to_mate_high": 1.0, "control_flip": 0.0, "control_flip_low": 0.0,
          "control_flip_high": 0.43}],
    )  # fmt: skip
    results = {"explanations": explanations, "transplants": transplants}
    figures = [figure("sheet", ANT, BEE), figure("other", ANT, CAT)]
    (page,) = pair_pages({(ANT, BEE): "pair-1"}, named, results, figures, {ANT: "species-1"})
    assert page.brief == "differ in spot" and page.species == [(ANT, "species-1")]
    assert [(row.words, row.value, row.n) for row in page.numbers] == [
        ("a strong head points at the known attribute (random points: 40.0 %)", "75.0 %", "12"),
        (f"{ANT} taken for {BEE} with its spot (controls change: 0.0 %)", "100.0 %", "5"),
    ]
    assert [it.id for it in page.figures] == ["figure-sheet"]


@pytest.mark.parametrize(
    "name, caption, about",
    [
        ("atlas_01", f"Head atlas of {BEE}: a row a head.", (BEE,)),
        ("edit_02", f"{ANT}: spot.", (ANT,)),
        ("pair_01", f"{BEE} and {ANT}. They differ.", (ANT, BEE)),
        ("pair_01_head", f"What head 3 of the query {ANT} attends to in {ANT} and in {BEE}: x.",
         (ANT, BEE)),
        ("pair_02", f"{CAT} and {ANT}. No sheet of theirs.", ()),
        ("gallery_01", f"{ANT}: looks like one, but is of many.", ()),
        ("atlas_02", "No caption that names one.", ()),
    ],
)  # fmt: skip
def test_which_species_a_figure_is_about(name, caption, about):
    """One name begins another here: the longer one is meant where it stands."""
    assert what_it_is_about(name, caption, [ANT, BEE, CAT], [(ANT, BEE)]) == about
