"""Blind studies: what a rater sees says nothing, and they can stop and go on."""

from __future__ import annotations

from dataclasses import fields

import pytest

from intr_discover.annotations import Item, Question, open_database
from intr_discover.errors import UserError

VOCABULARY = ("red patch", "white band")
ITEMS = [
    Item(f"image {n}.png", method, f"head {head}", "Ember vera")
    for n in range(4)
    for method in ("intr", "prototypes")
    for head in range(3)
]


@pytest.fixture
def database(tmp_path):
    return open_database(tmp_path / "annotations.db")


def walk(database, rater, most=None):
    """Answer one item after the other; return the numbers in the order shown."""
    shown = []
    while (question := database.studies.next_item("wings", rater)) is not None:
        if most is not None and len(shown) == most:
            break
        assert (question.done, question.of) == (len(database.studies.answers("wings")), 24)
        database.studies.answer("wings", rater, question.number, [])
        shown.append(question.number)
    return shown


def test_every_rater_sees_every_item_once_in_an_order_of_their_own(database):
    study = database.studies.create("wings", ITEMS, VOCABULARY, seed=3)
    assert database.studies.get("wings") == study
    assert sorted(study.items.values(), key=ITEMS.index) == ITEMS
    shown = walk(database, "Ann")
    assert sorted(shown) == list(range(1, 25)) and shown != sorted(shown)
    assert shown == study.order_of("Ann") != study.order_of("Bo")
    assert database.studies.next_item("wings", "Ann") is None
    assert database.studies.progress("wings") == {"Ann": 24}


def test_numbers_of_items_tell_nothing_of_the_method(database):
    study = database.studies.create("wings", ITEMS, VOCABULARY)
    methods = [study.items[number].method for number in range(1, 25)]
    assert methods not in ([item.method for item in ITEMS], sorted(methods))
    again = open_database(database.place).studies.get("wings")
    assert list(again.items) == list(range(1, 25))


def test_a_question_holds_nothing_that_could_tell():
    assert {field.name for field in fields(Question)} == {
        "study", "number", "vocabulary", "done", "of"
    }  # fmt: skip


def test_who_comes_back_goes_on_where_they_stopped(database):
    study = database.studies.create("wings", ITEMS, VOCABULARY, seed=3)
    first = walk(database, "Ann", most=5)
    # Looking is no answer: the same item comes again, also from another program.
    again = open_database(database.place)
    waiting = again.studies.next_item("wings", " Ann ")
    assert waiting == database.studies.next_item("wings", "Ann")
    assert first + walk(again, "Ann") == study.order_of("Ann")


def test_several_attributes_or_none(database):
    database.studies.create("wings", ITEMS, VOCABULARY)
    both = database.studies.answer("wings", "Ann", 1, {"white band", "red patch"})
    assert both.ticked == VOCABULARY  # in the order of the vocabulary
    none = database.studies.answer("wings", "Ann", 1, [])
    assert none.ticked == () and none.time > both.time
    assert database.studies.answers("wings") == [both, none]
    assert database.studies.progress("wings") == {"Ann": 1}


def test_an_item_may_have_a_vocabulary_of_its_own(database):
    items = [Item("a", "intr", "all"), Item("b", "intr", "all", vocabulary=("dots",))]
    study = database.studies.create("wings", items, VOCABULARY)
    (own,) = [number for number, item in study.items.items() if item.image == "b"]
    assert study.vocabulary_of(own) == ("dots",) and study.vocabulary_of(3 - own) == VOCABULARY
    database.studies.answer("wings", "Ann", own, ["dots"])
    with pytest.raises(UserError, match="'dots' is not in the vocabulary of this item"):
        database.studies.answer("wings", "Ann", 3 - own, ["dots"])
    assert len(database.studies.answers("wings")) == 1
    assert database.studies.item("wings", own) == items[1]


@pytest.mark.parametrize(
    ("items", "vocabulary", "message"),
    [
        ([], VOCABULARY, "study 'wings' has no items"),
        ([ITEMS[0], ITEMS[0]], VOCABULARY, "stands twice among the items"),
        (ITEMS, (), "has no attributes to tick"),
        ([Item("a", "m", "u", vocabulary=())], VOCABULARY, "has no attributes to tick"),
        (ITEMS, ("red", "red"), "the attribute 'red' stands twice"),
        (ITEMS, ("red", " "), "an attribute is empty"),
        ([Item("", "m", "u")], VOCABULARY, "an image is empty"),
    ],
)
def test_what_cannot_be_a_study_is_refused(database, items, vocabulary, message):
    with pytest.raises(UserError, match=message):
        database.studies.create("wings", items, vocabulary)
    assert database.studies.names() == []


def test_names_of_studies(database):
    hostile = "'); DROP TABLE studies; -- <b>"
    database.studies.create(hostile, ITEMS, VOCABULARY)
    with pytest.raises(UserError, match=r"there is a study .* already: choose another name"):
        database.studies.create(hostile, ITEMS[:1], VOCABULARY)
    assert database.studies.names() == [hostile]
    with pytest.raises(UserError, match="there is no study 'legs'; there are: '"):
        database.studies.next_item("legs", "Ann")
    with pytest.raises(UserError, match="has no item 99"):
        database.studies.answer(hostile, "Ann", 99, [])
    with pytest.raises(UserError, match="has no item 0"):
        database.studies.item(hostile, 0)
    with pytest.raises(UserError, match="the rater's name is empty"):
        database.studies.next_item(hostile, " ")
