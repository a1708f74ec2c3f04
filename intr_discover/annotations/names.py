"""Names of heads: what each rater says a head shows, and what most of them agree on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from intr_discover.annotations.people import rater_id
from intr_discover.annotations.schema import head_names, raters
from intr_discover.annotations.values import (
    NONE,
    check_storable,
    clean_hash,
    clean_name,
    clean_text,
    now_after,
    read_time,
    same_words,
    write_time,
)
from intr_discover.errors import UserError

if TYPE_CHECKING:
    from intr_discover.annotations.database import Database


@dataclass(frozen=True)
class HeadName:
    """What one rater said of one head at one time.

    Attributes
    ----------
    rater
        Name.
    model
        Fingerprint of the model, ``Explainer.fingerprint``.
    label
        The class whose query it is.
    head
        Number from 0.
    name
        The attribute that it shows, in the rater's words; None where it shows none.
    time
        When, UTC.
    """

    rater: str
    model: str
    label: str
    head: int
    name: str | None
    time: datetime


@dataclass(frozen=True)
class AgreedName:
    """What the raters' latest answers say of one head together.

    Attributes
    ----------
    model, label, head
        As in ``HeadName``.
    name
        What more than half of the raters call it; None where there is no such name.
    shows_none
        Whether more than half of them say that it shows no attribute.
    votes
        How many raters gave the answer that most of them gave ("none" is an answer).
    raters
        How many raters said something of it.
    """

    model: str
    label: str
    head: int
    name: str | None
    shows_none: bool
    votes: int
    raters: int


class HeadNames:
    """The names of heads in a database: ``Database.names``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rater: str, model: str, label: str, head: int, name: str | None) -> HeadName:
        """Keep what a rater says of a head; earlier words of the same rater no longer count.

        Parameters
        ----------
        rater, model, label, head
            As in ``HeadName``.
        name
            Free text; None or the word "none" where the head shows no attribute.

        Returns
        -------
        HeadName
            As it is stored. It is safe on disk by then.

        Raises
        ------
        UserError
            If a text is empty or cannot be stored, or the head is below 0; or as
            ``Database.write``.
        """
        row = _checked(rater, model, label, head, name)

        def write(connection: Connection) -> HeadName:
            number = rater_id(connection, row["rater"])
            t = head_names
            same = (t.c.rater == number, t.c.model == row["model"], t.c.label == row["label"],
                    t.c.head == head)  # fmt: skip
            before = connection.scalar(select(func.max(t.c.time)).where(*same))
            time = now_after(before)
            connection.execute(t.insert().values(**{**row, "rater": number, "time": time}))
            return HeadName(**row, time=read_time(time))

        return self._database.write(write)

    def add_all(self, answers: Iterable[HeadName]) -> int:
        """Keep answers with their times, all or none; those that are there already are left out.

        Returns
        -------
        int
            How many were new.

        Raises
        ------
        UserError
            As ``add``.
        """
        rows = [row_of(each) for each in answers]
        return self._database.write(lambda connection: insert_names(connection, rows))

    def all(self, model: str | None = None) -> list[HeadName]:
        """Return every answer ever given, in the order of writing; of one model, or of all."""
        query = (
            select(head_names, raters.c.name.label("rater_name"))
            .join(raters, raters.c.id == head_names.c.rater)
            .order_by(head_names.c.id)
        )
        if model is not None:
            query = query.where(head_names.c.model == clean_hash(model, "the model's fingerprint"))
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return [
            HeadName(r.rater_name, r.model, r.label, r.head, r.name, read_time(r.time))
            for r in rows
        ]

    def suggestions(self, beginning: str = "", most: int = 20) -> list[str]:
        """Return names given before, of any model, for a rater who starts to type.

        Parameters
        ----------
        beginning
            Names that have a word with this beginning; empty for all.
        most
            How many.

        Returns
        -------
        list of str
            The name given most often first; of several spellings the most usual.
        """
        names = [each.name for each in latest(self.all()) if each.name is not None]
        wanted = same_words(beginning)
        grouped: dict[str, Counter[str]] = {}
        for name in names:
            grouped.setdefault(same_words(name), Counter())[name] += 1
        fitting = [
            (-counts.total(), key, counts.most_common(1)[0][0])
            for key, counts in grouped.items()
            if f" {wanted}" in f" {key}"
        ]
        return [name for _, _, name in sorted(fitting)[:most]]

    def consensus(self, model: str | None = None) -> list[AgreedName]:
        """Return what the raters agree on for every head that somebody spoke of."""
        return agree(self.all(model))

    def agreed(self, model: str) -> dict[tuple[str, int], str]:
        """Return the agreed names of one model's heads: (class, head) → name."""
        return named(self.consensus(model))


def latest(answers: Iterable[HeadName]) -> list[HeadName]:
    """Return of each rater and head the answer with the latest time; of equal times the last."""
    last: dict[tuple[str, str, str, int], HeadName] = {}
    for each in answers:
        key = (each.rater, each.model, each.label, each.head)
        if key not in last or each.time >= last[key].time:
            last[key] = each
    return list(last.values())


def agree(answers: Iterable[HeadName]) -> list[AgreedName]:
    """Return what raters agree on: the answer that more than half of their latest ones give.

    Names that differ in upper and lower case or in spaces only are one name, in its most usual
    spelling (of equally usual ones the first given). Heads come by model, class and number.
    """
    heads: dict[tuple[str, str, int], list[str | None]] = {}
    for each in sorted(latest(answers), key=lambda each: each.time):
        heads.setdefault((each.model, each.label, each.head), []).append(each.name)
    return [
        _most_usual(names, model, label, head)
        for (model, label, head), names in sorted(heads.items())
    ]


def named(agreed: Iterable[AgreedName]) -> dict[tuple[str, int], str]:
    """Return (class, head) → name, for the heads that have one."""
    return {(each.label, each.head): each.name for each in agreed if each.name is not None}


def _most_usual(names: list[str | None], model: str, label: str, head: int) -> AgreedName:
    """Return what is agreed on, from one answer of each rater."""
    keys = [None if name is None else same_words(name) for name in names]
    key, votes = Counter(keys).most_common(1)[0]
    won = 2 * votes > len(names)
    spellings = Counter(
        name for name, of in zip(names, keys, strict=True) if of == key and name is not None
    )
    name = spellings.most_common(1)[0][0] if won and spellings else None
    return AgreedName(model, label, head, name, won and key is None, votes, len(names))


def _checked(rater: str, model: str, label: str, head: int, name: str | None) -> dict[str, Any]:
    """Return the values of a row, cleaned; the rater by name."""
    if head < 0:
        raise UserError(f"there is no head {head}: heads are counted from 0")
    if name is not None:
        name = clean_text(name, "the name of a head")
        name = None if same_words(name) == NONE else name
    return {
        "rater": clean_name(rater, "the rater's name"),
        "model": clean_hash(model, "the model's fingerprint"),
        "label": check_storable(label, "the class"),
        "head": int(head),
        "name": name,
    }


def row_of(answer: HeadName) -> tuple[dict[str, Any], datetime]:
    """Return an answer as ``insert_names`` takes it.

    Raises
    ------
    UserError
        As ``HeadNames.add``.
    """
    values = _checked(answer.rater, answer.model, answer.label, answer.head, answer.name)
    return values, answer.time


def insert_names(connection: Connection, rows: Iterable[tuple[dict[str, Any], datetime]]) -> int:
    """Write rows of ``row_of`` that are not there yet; return how many were new."""
    columns = ("rater", "model", "label", "head", "name", "time")
    found = connection.execute(select(*(head_names.c[column] for column in columns)))
    there = {tuple(row) for row in found}
    new = []
    for row, time in rows:
        values = {**row, "rater": rater_id(connection, row["rater"]), "time": write_time(time)}
        key = tuple(values[column] for column in columns)
        if key not in there:
            there.add(key)
            new.append(values)
    if new:
        connection.execute(head_names.insert(), new)
    return len(new)
