"""The tab of mimicry pairs without its page: the table, the sentences, single pairs, the maps."""

from __future__ import annotations

import zipfile

import numpy as np
import pandas as pd
import pytest

from apps import pair_listing
from apps.pair_files import zip_of
from apps.pair_listing import COLUMNS, listed_sentence, listing, row_of_pair
from apps.pair_maps import OTHER, OWN, View, ask_side, head_pictures, look, scale_of
from apps.pair_results import HEADS, SHEET, PairResults
from apps.pair_words import pair_sentences, photograph_sentences, ranking_sentences
from apps.service import Service
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.figures.style import new_figure
from intr_discover.studies.class_distances import pair_matrix
from intr_discover.studies.result import StudyResult
from tests.studies.drawn import draw_specimens, tiny_explainer

CLASSES = ["ant", "bee", "cat"]
MARGINS = np.array([[0.0, -1.0, -5.0], [-2.0, 0.0, -3.0], [-7.0, 1.0, 0.0]])
CONFUSED = np.array([[0.75, 0.25, 0.0], [0.0, 1.0, 0.0], [0.0, 0.5, 0.5]])
DISTANCES = np.array([[0.0, 0.9, 0.2], [0.9, 0.0, 0.4], [0.2, 0.4, 0.0]])


@pytest.fixture
def matrix():
    """By hand: ant and bee −1.5, bee and cat −1, ant and cat −6."""
    return pair_matrix(CLASSES, [4, 5, 2], MARGINS, CONFUSED, DISTANCES, [("cat", "ant")])


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pairs")
    draw_specimens(folder / "drawn", CLASSES, per_label=4, pairs=[("bee", "ant")])
    specimens = Specimens.read(folder / "drawn")
    # One cat alone is left to the test.
    table = specimens.table.copy()
    table.loc[table.index[-3:], "split"] = "train"
    served = Service(tiny_explainer(CLASSES), specimens.with_table(table), folder / "work",
                     database=str(folder / "annotations.db"))  # fmt: skip
    return served


@pytest.fixture(scope="module")
def pairs(service):
    return PairResults(service)


def test_known_pairs_come_first_in_their_own_order_then_the_most_confusable(matrix):
    table = listing([("cat", "ant", None)], matrix, {})
    assert list(table.columns) == list(COLUMNS)
    assert table[["species 1", "species 2"]].to_numpy().tolist() == [
        ["cat", "ant"], ["bee", "cat"], ["ant", "bee"]
    ]  # fmt: skip
    assert table["known"].tolist() == ["look-alikes", "", ""]
    assert table["rank"].tolist() == [3, 1, 2]
    assert table["margin"].tolist() == [-6.0, -1.0, -1.5]
    assert table["1 taken for 2 in %"].tolist() == [0.0, 0.0, 25.0]
    assert table["2 taken for 1 in %"].tolist() == [0.0, 50.0, 0.0]
    assert table["photographs of 1"].tolist() == [2, 5, 4]
    assert table["rank by answers"].tolist() == [1, 2, 3]


def test_before_ranking_the_known_pairs_stand_alone():
    table = listing([("cat", "ant", "spot")], None, {"cat": 2, "ant": 4})
    assert len(table) == 1 and table["known"].tolist() == ["spot"]
    assert table["photographs of 1"].tolist() == [2] and table["margin"].isna().all()
    assert listing([], None, {}).empty


def test_of_very_many_pairs_the_first_are_listed(matrix, monkeypatch):
    monkeypatch.setattr(pair_listing, "MOST", 2)
    assert len(listing([("cat", "ant", None)], matrix, {})) == 2
    assert "2 of them are listed" in listed_sentence(2, 1, 3)
    assert "listed" not in listed_sentence(3, 0, 3) and "known" not in listed_sentence(3, 0, 3)
    assert listed_sentence(0, 0, None).startswith("No pairs are known")


def test_a_row_is_turned_to_the_wanted_order(matrix):
    row = row_of_pair(matrix, "cat", "bee")
    assert (row["label_a"], row["n_a"], row["taken_a"], row["margin_a"]) == ("cat", 2, 0.5, 1.0)
    assert (row["label_b"], row["n_b"], row["taken_b"], row["margin_b"]) == ("bee", 5, 0.0, -3.0)
    assert row["confusability"] == -1.0
    assert row_of_pair(matrix, "cat", "dog") is None


def test_both_directions_are_said(matrix):
    first, second = ranking_sentences(row_of_pair(matrix, "cat", "bee"), 3)
    assert first == (
        "Of 2 photographs of cat, 1 (50.0 %) is named bee; of 5 of bee, none is named cat."
    )
    assert "1.0 logits ahead of the other" in second and "number 1 of 3 pairs" in second
    assert "By that they are number 1" in second
    hidden = dict(row_of_pair(matrix, "cat", "bee"), hidden_confusability=0.25)
    assert "hidden, 25.0 % of the probability goes" in ranking_sentences(hidden, 3)[1]
    worse = dict(row_of_pair(matrix, "cat", "bee"), confusability=0.5)
    assert "other species lies 0.5 logits ahead of the true" in ranking_sentences(worse, 3)[1]


def test_a_pair_is_asked_alone_and_kept(service, pairs):
    done = []
    result = pairs.get("ant", "bee", {}, lambda count, of: done.append((count, of)))
    assert done[-1] == (8, 8)
    assert set(result.drawings) == {SHEET, HEADS} == set(result.captions)
    assert "matrix" not in result.tables and "rank" not in result.table
    assert pairs.get("ant", "bee", {}) is result
    assert pairs.get("ant", "bee", {("ant", 0): "spot"}) is not result
    row = result.table.iloc[0].to_dict()
    assert row["diagnostic"] == "spot"
    said = " ".join(pair_sentences(row, 2, (4, 4)))
    assert "Of 4 photographs of ant" in said and "attention moves" in said
    assert "attention moves" not in " ".join(pair_sentences(row, 1, (4, 4)))
    assert "nan" not in said.lower() and "None" not in said


def test_a_pair_with_too_few_photographs_says_so_in_one_line(pairs):
    result = pairs.get("ant", "cat", {})
    said = pair_sentences(result.table.iloc[0].to_dict(), 2, (4, 1))
    assert [line for line in said if "cannot be tested" in line] == [
        "Whether the mean maps differ cannot be tested: there are 4 and 1 photographs; 4 of each "
        "are the least, 10 and more are better."
    ]
    assert "nan" not in " ".join(said).lower()
    for name in (SHEET, HEADS):
        assert result.drawings[name]().get_axes()


def test_nothing_significant_and_a_place_are_said(pairs):
    row = pairs.get("ant", "bee", {}).table.iloc[0].to_dict()
    row |= {"difference_cells": 0, "difference_p": 0.31, "precision": float("nan")}
    said = pair_sentences(row, 1, (4, 4))
    assert "No place of the mean maps differs" in said[-1] and "p = 0.31" in said[-1]
    row |= {"difference_cells": 1, "peak_row": 4, "peak_column": 0, "peak_difference": -3.2,
            "peak_near": "wing_tip", "precision": 0.5, "recall": 0.25, "region_chance": 0.1,
            "region_cells": 8}  # fmt: skip
    place, attribute = pair_sentences(row, 1, (4, 4))[-2:]
    assert "differ in 1 cell by" in place and "row 5, column 1" in place
    assert "near the landmark wing_tip: the query of bee looks there" in place
    assert "50.0 % lie on spot" in attribute


def test_mistakes_are_one_line(service, pairs):
    with pytest.raises(UserError, match="not ant twice"):
        pairs.get("ant", "ant", {})
    with pytest.raises(UserError, match="no photograph of dog in the split 'test'"):
        pairs.get("ant", "dog", {})
    view = View(OWN, "zero", False)
    with pytest.raises(UserError, match="choose a specimen of bee first"):
        look(service, ("ant", "bee"), (0, None), view)
    with pytest.raises(UserError, match="no bee"):
        look(service, ("ant", "bee"), (0, 1), view)


def test_only_photographs_of_the_split_count(service, pairs):
    assert pairs.split == "test" and pairs.labels == CLASSES
    assert len(pairs.rows("cat")) == 1 and len(pairs.rows("ant")) == 4
    assert list(pairs.known()) == [("bee", "ant", "spot")]


def test_both_specimens_share_one_scale(service):
    sides = [ask_side(service, row, label, ("ant", "bee"), "subset")
             for row, label in ((0, "ant"), (4, "bee"))]  # fmt: skip
    scale, uniform = scale_of(sides)
    largest = max(float(each.maps.max()) for side in sides
                  for each in (side.asked.among_all, side.asked.among_two))  # fmt: skip
    assert scale == pytest.approx(max(largest, uniform))
    pictures = head_pictures(sides[0], scale, {("ant", 1): "spot"})
    assert len(pictures) == 3 and pictures[0][1] == "mean of all heads"
    assert any("head 1 (spot)" in caption for _, caption in pictures)
    assert all(caption.endswith("moved") for _, caption in pictures[1:])
    height, width = pictures[0][0].shape[:2]
    assert height > 2 * width * 40 / 56 * 0.99  # two maps, one over the other
    assert len(head_pictures(sides[0], scale, {}, 1)) == 2
    assert "between the two alone" in photograph_sentences(sides[0].asked)[0]


def test_the_other_species_query_gives_other_maps(service):
    own, other = (look(service, ("ant", "bee"), (0, 4), View(whose, "zero", True))
                  for whose in (OWN, OTHER))  # fmt: skip
    assert len(own) == 7 and len(own[2]) == len(other[2]) == 3
    assert not np.array_equal(own[2][0][0], other[2][0][0])
    assert own[1] != "" and "<table" in own[1]


def test_the_zip_holds_tables_figures_and_their_origin(tmp_path):
    drawings = {SHEET: lambda: new_figure(30.0, 20.0)}
    pair = pd.DataFrame({"label_a": ["ant"], "label_b": ["cat"]})
    zip_of(
        StudyResult("mimicry", pair.head(0), {}, drawings={"earlier": drawings[SHEET]}), tmp_path
    )
    made = zip_of(StudyResult("mimicry", pair, {}, drawings=drawings), tmp_path)
    with zipfile.ZipFile(made) as archive:
        assert {name for name in archive.namelist() if not name.endswith("/")} == {
            f"mimicry/{name}" for name in ("mimicry.csv", "summary.json", "provenance.json",
                                           f"{SHEET}.png", f"{SHEET}.pdf")
        }  # fmt: skip
        with archive.open("mimicry/mimicry.csv") as table:
            assert pd.read_csv(table)["label_b"].tolist() == ["cat"]
