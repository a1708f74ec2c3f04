"""Blind studies made from the collection, their pictures, results and files; names of heads."""

from __future__ import annotations

import math
import zipfile

import numpy as np
import pandas as pd
import pytest

from apps.blind_design import (
    Wanted,
    make_items,
    read_own_vocabularies,
    read_vocabulary,
)
from apps.blind_pictures import draw_item
from apps.blind_results import agreement_table, count_answers, pack_answers
from apps.head_listing import COLUMNS, listing
from apps.head_naming import agreed_in_words, answers_of, answers_table
from apps.service import Service
from intr_discover import Specimens
from intr_discover.annotations import Item, open_database
from intr_discover.errors import UserError
from intr_discover.studies.blind_units import ALL_HEADS, GRADCAM, SINGLE_HEADS
from tests.studies.drawn import draw_specimens, tiny_explainer

LABELS = ["ant", "bee"]
HOSTILE = "<script>alert(1)</script>'; DROP TABLE studies; --"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blind")
    drawn = draw_specimens(folder / "drawn", LABELS, per_label=4)
    return Service(tiny_explainer(LABELS), Specimens.read(drawn), folder / "service")


@pytest.fixture
def database(tmp_path):
    return open_database(tmp_path / "annotations.db")


def wanted(methods, **changes):
    return Wanted(methods, **{"each": 2, "top": 1, "vocabulary": ["spot"], **changes})


def test_photographs_are_drawn_and_each_is_shown_by_every_method(service):
    items = make_items(service, wanted([SINGLE_HEADS, ALL_HEADS, GRADCAM]))
    assert len(items) == 2 * 2 * 3
    images = {item.image for item in items}
    assert len(images) == 4 and {item.label for item in items} == set(LABELS)
    for image in images:
        methods = {item.method for item in items if item.image == image}
        assert methods == {SINGLE_HEADS, ALL_HEADS, GRADCAM}
    assert items == make_items(service, wanted([SINGLE_HEADS, ALL_HEADS, GRADCAM]))
    others = [make_items(service, wanted([ALL_HEADS], each=1, seed=seed)) for seed in range(8)]
    assert len({item.image for found in others for item in found}) > 2


def test_the_strongest_heads_are_asked_for(service):
    for item in make_items(service, wanted([SINGLE_HEADS], each=1)):
        row = [service.name(r) for r in range(8)].index(item.image)
        explanation = service.explainer.explain(service.photograph(row).path, [item.label])
        assert item.unit.startswith(f"head {int(explanation.map_maxima[0].argmax())} (model ")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"methods": []}, "choose what"),
        ({"methods": ["crystal ball"]}, "cannot be shown"),
        ({"each": 0}, "1 or more"),
        ({"top": 0}, "1 or more"),
        ({"seed": -1}, "seed"),
        ({"vocabulary": []}, "write attributes"),
        ({"methods": [SINGLE_HEADS], "each": 4, "top": 1000}, "at most 2000"),
    ],
)
def test_what_cannot_be_made_is_said(service, change, said):
    with pytest.raises(UserError, match=said):
        make_items(service, wanted(**{"methods": [ALL_HEADS], **change}))


def test_lists_of_single_photographs(service, tmp_path):
    sheet = tmp_path / "lists.csv"
    first, second = service.name(0), service.name(5)
    sheet.write_text(f"image,attribute\n{first},spot\n{first},{HOSTILE!r}\n{second},dots\n")
    own = read_own_vocabularies(service, sheet)
    assert own == {first: ("spot", HOSTILE), second: ("dots",)}
    alone = make_items(service, wanted([ALL_HEADS], each=4, vocabulary=[], own=own))
    assert {item.image: item.vocabulary for item in alone} == own
    both = make_items(service, wanted([ALL_HEADS], each=4, own=own))
    assert len(both) == 8 and sum(item.vocabulary is None for item in both) == 6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image,tag\na,b\n", "lists.csv lacks the column 'attribute'"),
        ("image,attribute\n../../etc/passwd,b\n", "row 2: the collection has no photograph"),
        ("image,attribute\nNAME,\n", "row 2: the attribute is empty"),
        ("image,attribute\nNAME,a\nNAME,a\n", "row 3: 'a' stands twice"),
        ("image,attribute\n", "has no rows"),
    ],
)
def test_sheets_that_are_none(service, tmp_path, text, said):
    sheet = tmp_path / "lists.csv"
    sheet.write_text(text.replace("NAME", service.name(0)))
    with pytest.raises(UserError, match=said) as found:
        read_own_vocabularies(service, sheet)
    assert str(tmp_path) not in str(found.value)


def test_one_attribute_a_line():
    assert read_vocabulary(" red spots \n\n<b>dots</b>\r\n") == ["red spots", "<b>dots</b>"]


@pytest.mark.parametrize("method", [SINGLE_HEADS, ALL_HEADS, GRADCAM])
def test_a_picture_of_every_method(service, method):
    (item, *_) = make_items(service, wanted([method], each=1))
    picture = draw_item(service, item)
    assert picture.dtype == np.uint8 and picture.shape[1] > picture.shape[0] * 1.2


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (Item("elsewhere.png", ALL_HEADS, "all heads"), "not in this collection"),
        (Item("NAME", ALL_HEADS, "all heads", "wasp"), "species that the model does not know"),
        (Item("NAME", ALL_HEADS, "all heads (model ffffffffffff)", "ant"), "another model"),
    ],
)
def test_an_item_that_cannot_be_drawn_tells_its_rater_nothing(service, item, said):
    name = service.name(0) if item.image == "NAME" else item.image
    with pytest.raises(UserError, match=said) as found:
        draw_item(service, Item(name, item.method, item.unit, item.label))
    assert name not in str(found.value) and "wasp" not in str(found.value)


def test_results_by_hand_and_as_a_zip(database, tmp_path):
    items = [Item(f"{number}.png", "intr", "all heads") for number in range(2)]
    database.studies.create(HOSTILE, items, ["spot", "=1+1"])
    with zipfile.ZipFile(pack_answers(database, HOSTILE, tmp_path / "first")) as archive:
        assert "agreement.csv" not in archive.namelist()
    with pytest.raises(UserError, match="no answers"):
        count_answers(database, HOSTILE)
    for rater in ("Ann", "Bo"):
        for number in (1, 2):
            database.studies.answer(HOSTILE, rater, number, ["spot"])
    table = agreement_table(count_answers(database, HOSTILE))
    assert table["identified"].tolist() == [2, 2, 0] and table["of"].tolist() == [4, 2, 2]
    assert table["rate in %"].tolist() == [50.0, 100.0, 0.0]
    assert table["kappa"][0] == 1.0  # full agreement: spot always, the other never
    assert table["kappa"][1] is None and table["interval of kappa"][1] == ""
    places = [pack_answers(database, HOSTILE, tmp_path / "zips") for _ in range(2)]
    assert places[0] != places[1]
    with zipfile.ZipFile(places[0]) as archive:
        text = archive.read("agreement.csv").decode("utf-8-sig")
        assert '"\'=1+1"' in text  # no spreadsheet runs it
        assert len(archive.read("study_answers.csv").splitlines()) == 5


def card(**changes):
    row = {
        "label": "ant", "head": 0, "name": None, "n": 6, "consistency": 0.5,
        "consistency_low": 0.4, "consistency_high": 0.6, "distinctness": -0.001,
        "importance": 1.0, "importance_low": -0.5, "importance_high": 1.5, "effective_area": 0.1,
        "consistent": True, "distinct": False, "important": True, "concentrated": True,
    }  # fmt: skip
    return {**row, **changes}


def test_the_report_card_for_people():
    bounds = [f"{name}{end}" for name in ("consistency", "importance")
              for end in ("", "_low", "_high")]  # fmt: skip
    missing = dict.fromkeys([*bounds, "distinctness"], math.nan)
    table = listing(pd.DataFrame([
        card(label="bee", n=1, **missing, consistent=None, distinct=None, important=None),
        card(), card(head=1, name=HOSTILE, importance=2.0),
    ]))  # fmt: skip
    assert table["head"].tolist() == [1, 0, 0] and table["passes"].tolist() == [3, 3, 1]
    assert table["name"].tolist() == [HOSTILE, "", ""]
    assert table["is"][0] == "consistent, important, has a place"
    assert str(table["distinctness"][0]) == "0.0"  # not −0.0
    assert table["interval of importance"][0] == "−0.50 to 1.50"
    assert table["consistency"][2] is None and table["its interval"][2] == ""
    assert "part hit most" not in table and set(table) <= set(COLUMNS)
    assert listing(pd.DataFrame([card()]), "bee").empty


def test_what_people_said_of_a_head(database):
    model = "0" * 64
    assert "Nobody" in agreed_in_words([])
    for rater, name in (("Ann", "spots"), ("Bo", None), ("Bo", "Spots")):
        database.names.add(rater, model, "ant", 2, name)
    database.names.add("Ann", model, "ant", 3, None)
    said = answers_of(database.names.all(model), "ant", 2)
    assert answers_table(said)["calls it"].tolist() == ["Spots", "none", "spots"]
    assert agreed_in_words(said) == "Agreed name: spots (2 of 2 raters)."
    other = answers_of(database.names.all(model), "ant", 3)
    assert agreed_in_words(other) == "Agreed: it shows no attribute (1 of 1 rater)."
    database.names.add("Bo", model, "ant", 3, "dots")
    assert "No agreed name" in agreed_in_words(answers_of(database.names.all(model), "ant", 3))
