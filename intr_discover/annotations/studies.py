"""The blind human studies in a database: made, shown item by item, answered.

The design of Paul et al. (ICLR 2024, appendix G): raters see what one unit of one method (a head, a
prototype, a map) shows of one image, without being told which, and tick attributes of a closed
vocabulary. ``agreement`` works out what most of them saw.
"""

from __future__ import annotations

import json
import random
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from intr_discover.annotations import schema
from intr_discover.annotations.people import rater_id
from intr_discover.annotations.study_design import (
    Answer,
    HumanStudy,
    Item,
    Question,
    check_study,
    in_order,
)
from intr_discover.annotations.study_rows import (
    answered_by,
    find_study,
    insert_study,
    read_item,
    read_study,
    study_id,
)
from intr_discover.annotations.values import clean_name, now_after, read_time
from intr_discover.errors import UserError

if TYPE_CHECKING:
    from intr_discover.annotations.database import Database


class HumanStudies:
    """The blind studies in a database: ``Database.studies``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self, name: str, items: Iterable[Item], vocabulary: Sequence[str] = (), *, seed: int = 0
    ) -> HumanStudy:
        """Keep a new study.

        Parameters
        ----------
        name
            Another one than those of earlier studies.
        items
            What is to be shown, in any order: it is shuffled by the seed.
        vocabulary
            The attributes that may be ticked where an item has no vocabulary of its own.
        seed
            Of all orders.

        Raises
        ------
        UserError
            If the name is taken, there are no items or two of them are the same, an item has
            nothing to tick, or an attribute stands twice in a vocabulary; or as
            ``Database.write``.
        """
        shuffled = list(items)
        random.Random(seed).shuffle(shuffled)
        time = now_after(None)
        study = check_study(
            HumanStudy(
                clean_name(name, "the study's name"),
                seed,
                tuple(vocabulary),
                dict(enumerate(shuffled, 1)),
                read_time(time),
            )
        )

        def write(connection: Connection) -> HumanStudy:
            if find_study(connection, study.name) is not None:
                raise UserError(f"there is a study '{study.name}' already: choose another name")
            insert_study(connection, study)
            return study

        return self._database.write(write)

    def names(self) -> list[str]:
        """Return the names of all studies, the oldest first."""
        query = select(schema.studies.c.name).order_by(schema.studies.c.id)
        return self._database.read(lambda connection: list(connection.scalars(query)))

    def get(self, name: str) -> HumanStudy:
        """Return a study with all its items.

        Raises
        ------
        UserError
            If there is none of that name.
        """
        return self._database.read(lambda connection: read_study(connection, name))

    def item(self, study: str, number: int) -> Item:
        """Return what an item shows, for whoever draws it: nothing of it may be written beside it.

        Raises
        ------
        UserError
            If there is no such study or item.
        """
        return self._database.read(lambda connection: read_item(connection, study, number))[1]

    def next_item(self, study: str, rater: str) -> Question | None:
        """Return the next item for a rater, in an order of their own; None when all are answered.

        Asked again without an answer in between, it returns the same item.

        Raises
        ------
        UserError
            If there is no such study, or the rater has no name.
        """
        rater = clean_name(rater, "the rater's name")

        def read(connection: Connection) -> Question | None:
            whole = read_study(connection, study)
            answered = answered_by(connection, study, rater)
            for number in whole.order_of(rater):
                if number not in answered:
                    vocabulary = whole.vocabulary_of(number)
                    return Question(study, number, vocabulary, len(answered), len(whole.items))
            return None

        return self._database.read(read)

    def answer(self, study: str, rater: str, number: int, ticked: Collection[str]) -> Answer:
        """Keep what a rater ticked; an earlier answer of theirs to the item no longer counts.

        Parameters
        ----------
        study, rater, number
            Which study, who, and which item.
        ticked
            Attributes of the item's vocabulary; empty for "none of them".

        Returns
        -------
        Answer
            As it is stored. It is safe on disk by then.

        Raises
        ------
        UserError
            If there is no such study or item, or an attribute does not stand in its vocabulary; or
            as ``Database.write``.
        """
        rater = clean_name(rater, "the rater's name")
        assert not isinstance(ticked, str), "several attributes, each a text"

        def write(connection: Connection) -> Answer:
            item, _, vocabulary = read_item(connection, study, number)
            chosen = in_order(ticked, vocabulary)
            who, t = rater_id(connection, rater), schema.study_answers
            time = now_after(
                connection.scalar(
                    select(func.max(t.c.time)).where(t.c.item == item, t.c.rater == who)
                )
            )
            values = {"item": item, "rater": who, "ticked": json.dumps(chosen), "time": time}
            connection.execute(t.insert().values(**values))
            return Answer(study, number, rater, chosen, read_time(time))

        return self._database.write(write)

    def answers(self, study: str) -> list[Answer]:
        """Return every answer ever given in a study, in the order of writing.

        Raises
        ------
        UserError
            If there is no such study.
        """
        t, i = schema.study_answers, schema.study_items

        def read(connection: Connection) -> Sequence[Any]:
            query = (
                select(i.c.number, schema.raters.c.name, t.c.ticked, t.c.time)
                .join(i, i.c.id == t.c.item)
                .join(schema.raters, schema.raters.c.id == t.c.rater)
                .where(i.c.study == study_id(connection, study))
                .order_by(t.c.id)
            )
            return connection.execute(query).all()

        return [
            Answer(study, row.number, row.name, tuple(json.loads(row.ticked)), read_time(row.time))
            for row in self._database.read(read)
        ]

    def progress(self, study: str) -> dict[str, int]:
        """Return how many items each rater has answered, for those who have begun."""
        done: dict[str, set[int]] = {}
        for each in self.answers(study):
            done.setdefault(each.rater, set()).add(each.number)
        return {rater: len(numbers) for rater, numbers in done.items()}
