"""One head out of the result of the study of heads."""

from __future__ import annotations

import pandas as pd
import pytest

from intr_discover.errors import UserError
from intr_discover.studies.one_head import named_card, row_of_head, strongest_photographs
from intr_discover.studies.result import StudyResult


@pytest.fixture
def result():
    card = pd.DataFrame({"label": ["ant", "ant", "bee", "bee"], "head": [0, 1, 0, 1]})
    photographs = pd.DataFrame(
        {"image": ["a", "b", "c", "d"], "label": ["ant", "ant", "ant", "bee"],
         "counted": [True, True, False, False]}
    )  # fmt: skip
    peaks = pd.DataFrame(
        [(image, label, head, weight)
         for image, label, weights in (("a", "ant", (0.1, 0.3)), ("b", "ant", (0.2, 0.3)),
                                       ("c", "ant", (0.9, 0.9)), ("d", "bee", (0.5, 0.5)))
         for head, weight in enumerate(weights)],
        columns=["image", "label", "head", "map_maximum"],
    )  # fmt: skip
    return StudyResult("heads", card, {}, {}, tables={"photographs": photographs, "peaks": peaks})


def test_the_strongest_of_those_that_count_come_first(result):
    assert strongest_photographs(result, "ant", 0)["image"].tolist() == ["b", "a"]
    assert strongest_photographs(result, "ant", 1)["image"].tolist() == ["a", "b"]  # a tie
    assert strongest_photographs(result, "ant", 0, most=1)["image"].tolist() == ["b"]


def test_a_class_of_which_no_photograph_counts(result):
    assert strongest_photographs(result, "bee", 0).empty
    assert strongest_photographs(result, "wasp", 0).empty


def test_names_of_today_take_the_place_of_earlier_ones(result):
    first = named_card(result, {("ant", 1): "band"})
    assert first["name"].tolist() == [None, "band", None, None]
    result.table = first
    assert named_card(result, {("bee", 0): "dots"})["name"].tolist() == [None, None, "dots", None]
    assert named_card(result, {})["name"].isna().all()


def test_a_row_of_the_card(result):
    assert row_of_head(result.table, "bee", 1)["label"] == "bee"
    for label, head in (("wasp", 0), ("ant", 2)):
        with pytest.raises(UserError, match="no head"):
            row_of_head(result.table, label, head)
