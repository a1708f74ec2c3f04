"""Blind studies as rows of the database, within a transaction of the caller's."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, select

from intr_discover.annotations.people import rater_id
from intr_discover.annotations.schema import raters, studies, study_answers, study_items
from intr_discover.annotations.study_design import Answer, HumanStudy, Item, in_order
from intr_discover.annotations.values import read_time, write_time
from intr_discover.errors import UserError, shorten


def insert_study(connection: Connection, study: HumanStudy) -> None:
    """Write a checked study whose name is new."""
    connection.execute(
        studies.insert().values(
            name=study.name,
            seed=study.seed,
            vocabulary=json.dumps(study.vocabulary),
            time=write_time(study.time),
        )
    )
    number_of_study = connection.scalar(select(studies.c.id).where(studies.c.name == study.name))
    connection.execute(
        study_items.insert(),
        [
            {
                "study": number_of_study,
                "number": number,
                "image": item.image,
                "method": item.method,
                "unit": item.unit,
                "label": item.label,
                "vocabulary": None if item.vocabulary is None else json.dumps(item.vocabulary),
            }
            for number, item in study.items.items()
        ],
    )


def insert_answers(connection: Connection, answers: Iterable[Answer]) -> int:
    """Write answers that are not there yet, with their times; return how many were new.

    Raises
    ------
    UserError
        As ``HumanStudies.answer``.
    """
    columns = ("item", "rater", "ticked", "time")
    found = connection.execute(select(*(study_answers.c[name] for name in columns)))
    there = {tuple(row) for row in found}
    items: dict[tuple[str, int], tuple[int, tuple[str, ...]]] = {}
    new = []
    for each in answers:
        key = (each.study, each.number)
        if key not in items:
            place, _, vocabulary = read_item(connection, *key)
            items[key] = place, vocabulary
        item, vocabulary = items[key]
        ticked = json.dumps(in_order(each.ticked, vocabulary))
        values = (item, rater_id(connection, each.rater), ticked, write_time(each.time))
        if values not in there:
            there.add(values)
            new.append(dict(zip(columns, values, strict=True)))
    if new:
        connection.execute(study_answers.insert(), new)
    return len(new)


def find_study(connection: Connection, name: str) -> HumanStudy | None:
    """Return a study, or None where there is none of that name."""
    return None if _found_id(connection, name) is None else read_study(connection, name)


def study_id(connection: Connection, name: str) -> int:
    """Return a study's place in the database.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    found = _found_id(connection, name)
    if found is None:
        there = list(connection.scalars(select(studies.c.name)))
        raise UserError(
            f"there is no study '{name}'; there are: {shorten(there) if there else 'none'}"
        )
    return found


def read_study(connection: Connection, name: str) -> HumanStudy:
    """Return a study with all its items.

    Raises
    ------
    UserError
        If there is none of that name.
    """
    number = study_id(connection, name)
    row = connection.execute(select(studies).where(studies.c.id == number)).one()
    items = connection.execute(_items_of(number).order_by(study_items.c.number))
    return HumanStudy(
        row.name,
        row.seed,
        tuple(json.loads(row.vocabulary)),
        {item.number: _item(item) for item in items},
        read_time(row.time),
    )


def read_item(connection: Connection, study: str, number: int) -> tuple[int, Item, tuple[str, ...]]:
    """Return an item: its place in the database, what it shows, and its vocabulary.

    Raises
    ------
    UserError
        If there is no such study or item.
    """
    known = study_id(connection, study)
    row = connection.execute(_items_of(known).where(study_items.c.number == number)).one_or_none()
    if row is None:
        raise UserError(f"study '{study}' has no item {number}")
    item, vocabulary = _item(row), row.vocabulary
    if vocabulary is None:
        vocabulary = connection.scalar(select(studies.c.vocabulary).where(studies.c.id == known))
    return row.id, item, tuple(json.loads(vocabulary))


def answered_by(connection: Connection, study: str, rater: str) -> set[int]:
    """Return the numbers of the items that a rater has answered.

    Raises
    ------
    UserError
        If there is no such study.
    """
    query = (
        select(study_items.c.number)
        .join(study_answers, study_items.c.id == study_answers.c.item)
        .join(raters, raters.c.id == study_answers.c.rater)
        .where(study_items.c.study == study_id(connection, study), raters.c.name == rater)
    )
    return set(connection.scalars(query))


def _found_id(connection: Connection, name: str) -> int | None:
    return connection.scalar(select(studies.c.id).where(studies.c.name == name))


def _items_of(study: int) -> Select[Any]:
    return select(study_items).where(study_items.c.study == study)


def _item(row: Any) -> Item:
    own = None if row.vocabulary is None else tuple(json.loads(row.vocabulary))
    return Item(row.image, row.method, row.unit, row.label, own)
