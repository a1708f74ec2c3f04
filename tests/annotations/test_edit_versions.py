"""Edits: numbered for each photograph, each from the photograph or an earlier edit."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from intr_discover.annotations import Edit, open_database
from intr_discover.errors import UserError

IMAGE, OTHER, RESULT = "a" * 64, "b" * 64, "c" * 64
EDIT = Edit(
    image="../<b>vera</b>.png",
    image_hash=IMAGE,
    operation={"name": "recolour", "colour": [214, 39, 40], "strength": 0.5, "fill": None},
    mask=b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    result_hash=RESULT,
    before={"Ember vera": 0.93, "Ember 'similis'": 0.07},
    after={"Ember vera": 0.1, "Ember 'similis'": 0.9},
    rater="Ann",
)


@pytest.fixture
def database(tmp_path):
    return open_database(tmp_path / "annotations.db")


def test_edits_come_back_as_they_were_with_a_number(database):
    stored = database.edits.add(EDIT)
    assert stored == replace(EDIT, number=1, time=stored.time)
    assert database.edits.all() == [stored] and database.edits.get(IMAGE, 1) == stored


def test_each_photograph_counts_for_itself(database):
    numbers = [
        database.edits.add(replace(EDIT, image_hash=image)).number
        for image in (IMAGE, OTHER, IMAGE)
    ]
    assert numbers == [1, 1, 2]
    assert [each.number for each in database.edits.all(IMAGE)] == [1, 2]
    assert len(database.edits.all()) == 3


def test_an_edit_may_start_from_an_earlier_one_of_its_photograph(database):
    database.edits.add(EDIT)
    assert database.edits.add(replace(EDIT, parent=1)).parent == 1
    with pytest.raises(UserError, match="has no edit 7 to start from"):
        database.edits.add(replace(EDIT, parent=7))
    with pytest.raises(UserError, match="has no edit 1 to start from"):
        database.edits.add(replace(EDIT, image_hash=OTHER, parent=1))
    assert len(database.edits.all()) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mask": b"GIF89a"}, "the mask of an edit of .* is no PNG file"),
        ({"image_hash": "../../etc/passwd"}, "is no SHA-256"),
        ({"result_hash": ""}, "the result's hash '' is no SHA-256"),
        ({"after": {"a": math.nan}}, "the answer after an edit|the answer after of an edit"),
        ({"operation": {"a": object()}}, "the operation of an edit of .* cannot be written"),
        ({"rater": ""}, "the rater's name is empty"),
        ({"image": ""}, "the photograph's name is empty"),
    ],
)
def test_what_cannot_be_stored_is_refused(database, change, message):
    with pytest.raises(UserError, match=message):
        database.edits.add(replace(EDIT, **change))
    assert database.edits.all() == []


def test_an_edit_that_is_not_there(database):
    with pytest.raises(UserError, match="the photograph aaaaaaaaaaaa has no edit 1"):
        database.edits.get(IMAGE, 1)
