"""Names of heads: kept as given, agreed on by more than half, suggested to the next rater."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from intr_discover.annotations import HeadName, open_database
from intr_discover.annotations.names import agree, named
from intr_discover.errors import UserError

MODEL, OTHER = "a" * 64, "b" * 64
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOSTILE = [
    "<script>alert('x')</script>",
    "'; DROP TABLE head_names; --",
    '" OR ""="',
    "%s %(name)s {name} :name ? \\ $1",
    '=HYPERLINK("http://example.org")',
    "two\nlines\r\nof three\rkinds",
    "Ωμέγα 🦋 \u202e right to left",
    "NULL",
    "nan",
]


@pytest.fixture
def database(tmp_path):
    return open_database(tmp_path / "annotations.db")


def said(rater, name, head=0, seconds=0, model=MODEL, label="Ember vera"):
    return HeadName(rater, model, label, head, name, NOON + timedelta(seconds=seconds))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_come_back_as_they_were(database, text):
    stored = database.names.add(text.splitlines()[0], MODEL, text, 3, text)
    assert (stored.label, stored.head, stored.name) == (text, 3, text)
    assert database.names.all() == [stored]
    assert database.names.agreed(MODEL) == {(text, 3): text}


# Whatever can be stored: no NUL and no half of a surrogate pair. White space round it is dropped.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=texts.filter(lambda text: text.strip() and text.strip().casefold() != "none"))
def test_any_text_comes_back(database, name):
    stored = database.names.add("Ann", MODEL, name, 0, name)
    assert stored.name == name.strip() and stored.label == name
    assert database.names.all()[-1] == stored


@pytest.mark.parametrize("name", [None, "none", " None "])
def test_none_is_an_answer(database, name):
    assert database.names.add("Ann", MODEL, "Ember vera", 0, name).name is None
    (agreed,) = database.names.consensus(MODEL)
    assert agreed.name is None and agreed.shows_none and (agreed.votes, agreed.raters) == (1, 1)
    assert database.names.agreed(MODEL) == {}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "  "}, "the name of a head is empty"),
        ({"name": "a\0b"}, "holds a sign that is no text"),
        ({"name": "\ud800"}, "holds a sign that is no text"),
        ({"rater": ""}, "the rater's name is empty"),
        ({"rater": "two\nlines"}, "the rater's name has several lines"),
        ({"rater": "x" * 201}, "has 201 signs: use at most 200"),
        ({"model": "demo"}, "the model's fingerprint 'demo' is no SHA-256"),
        ({"label": ""}, "the class is empty"),
        ({"head": -1}, "there is no head -1"),
    ],
)
def test_what_cannot_be_stored_is_refused(database, change, message):
    values = {"rater": "Ann", "model": MODEL, "label": "a", "head": 0, "name": "red", **change}
    with pytest.raises(UserError, match=message) as refused:
        database.names.add(**values)
    assert "\n" not in str(refused.value)
    assert database.names.all() == [] and database.raters() == []


@pytest.mark.parametrize(
    ("names", "agreed"),
    [
        (["red patch"], "red patch"),
        (["red patch", "band"], None),  # a tie
        (["red patch", "red patch", "band"], "red patch"),
        (["red patch", "red patch", "band", None], None),  # half is not more than half
        (["Red patch", "red patch", "RED  patch", "red patch"], "red patch"),  # one name
        (["Red patch", "red patch"], "Red patch"),  # equally usual: the first given
        ([None, None, "band"], None),
        (["STRASSE", "straße"], "STRASSE"),
    ],
)
def test_more_than_half_of_the_raters_decide(names, agreed):
    answers = [said(f"rater {n}", name, seconds=n) for n, name in enumerate(names)]
    (found,) = agree(answers)
    assert found.name == agreed
    assert found.raters == len(names)
    assert named([found]) == ({} if agreed is None else {("Ember vera", 0): agreed})


def test_the_latest_answer_of_a_rater_counts_whatever_the_order():
    answers = [said("Ann", "band", seconds=9), said("Ann", "red", seconds=1), said("Bo", "band")]
    (found,) = agree(answers)
    assert (found.name, found.votes, found.raters) == ("band", 2, 2)


def test_heads_of_other_classes_and_models_are_apart(database):
    database.names.add("Ann", MODEL, "Ember vera", 0, "red")
    database.names.add("Ann", MODEL, "Ember similis", 0, "band")
    database.names.add("Ann", OTHER, "Ember vera", 0, "dots")
    assert database.names.agreed(MODEL) == {("Ember vera", 0): "red", ("Ember similis", 0): "band"}
    assert database.names.agreed(OTHER) == {("Ember vera", 0): "dots"}
    assert len(database.names.all()) == 3 and len(database.names.all(OTHER)) == 1


def test_a_change_is_later_even_if_the_clock_was_put_back(database):
    future = datetime.now(UTC) + timedelta(days=1)
    database.names.add_all([HeadName("Ann", MODEL, "a", 0, "red", future)])
    assert database.names.add("Ann", MODEL, "a", 0, "band").time > future
    assert database.names.agreed(MODEL) == {("a", 0): "band"}


def test_suggestions_are_earlier_names_by_how_often_they_are_used(database):
    for rater, head, name in [
        ("Ann", 0, "red patch"),
        ("Bo", 0, "Red patch"),
        ("Ann", 1, "red patch"),
        ("Ann", 2, "white band"),
        ("Ann", 3, None),
        ("Ann", 4, "Patchwork"),
    ]:
        database.names.add(rater, MODEL, "a", head, name)
    assert database.names.suggestions() == ["red patch", "Patchwork", "white band"]
    assert database.names.suggestions("PATCH") == ["red patch", "Patchwork"]
    assert database.names.suggestions("red p") == ["red patch"]
    assert database.names.suggestions("atch") == []
    assert database.names.suggestions(most=1) == ["red patch"]
    database.names.add("Ann", MODEL, "a", 2, "apical band")  # what was taken back is not suggested
    assert "white band" not in database.names.suggestions()
