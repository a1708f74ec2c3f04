"""Edited photographs, as numbered versions: what was done, where, and how the answer changed.

The pictures themselves stay files; the mask and the hashes are kept here, so that an edit can be
made again and the result be recognised.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, func, select

from intr_discover.annotations import schema
from intr_discover.annotations.people import rater_id
from intr_discover.annotations.values import (
    check_storable,
    clean_hash,
    clean_name,
    now_after,
    read_time,
    write_time,
)
from intr_discover.errors import UserError

if TYPE_CHECKING:
    from intr_discover.annotations.database import Database

_PNG = b"\x89PNG\r\n\x1a\n"
_NEVER = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Edit:
    """One edit of one photograph.

    Attributes
    ----------
    image
        The photograph's file, or its name.
    image_hash
        SHA-256 of that file.
    operation
        The operation with its settings, anything that JSON can hold.
    mask
        PNG of the changed region.
    result_hash
        SHA-256 of the file that came out.
    before, after
        The model's answer: probability by class, or whatever JSON can hold.
    rater
        Who made it.
    parent
        Number of the edit of the same photograph that it starts from; None for the photograph
        itself.
    number
        From 1 for each photograph, in the order of making; 0 before it is stored.
    time
        When it was stored, UTC.
    """

    image: str
    image_hash: str
    operation: Mapping[str, Any]
    mask: bytes
    result_hash: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    rater: str
    parent: int | None = None
    number: int = 0
    time: datetime = _NEVER


class Edits:
    """The edits in a database: ``Database.edits``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, edit: Edit) -> Edit:
        """Keep an edit under the next number of its photograph.

        Parameters
        ----------
        edit
            Its ``number`` and ``time`` are given here, whatever they were.

        Returns
        -------
        Edit
            As it is stored. It is safe on disk by then.

        Raises
        ------
        UserError
            If a text is empty, a hash is none, the mask is no PNG, a number is not finite, or
            there is no such parent; or as ``Database.write``.
        """
        checked = check_edit(edit)

        def write(connection: Connection) -> Edit:
            t = schema.edits
            of_image = t.c.image_hash == checked.image_hash
            numbers = set(connection.scalars(select(t.c.number).where(of_image)))
            if checked.parent is not None and checked.parent not in numbers:
                raise UserError(f"{checked.image} has no edit {checked.parent} to start from")
            last = connection.scalar(select(func.max(t.c.time)).where(of_image))
            stored = replace(
                checked, number=max(numbers, default=0) + 1, time=read_time(now_after(last))
            )
            connection.execute(t.insert().values(**_values(connection, stored)))
            return stored

        return self._database.write(write)

    def get(self, image_hash: str, number: int) -> Edit:
        """Return one edit of a photograph.

        Raises
        ------
        UserError
            If there is none of that number.
        """
        for edit in self.all(image_hash):
            if edit.number == number:
                return edit
        raise UserError(f"the photograph {image_hash[:12]} has no edit {number}")

    def all(self, image_hash: str | None = None) -> list[Edit]:
        """Return the edits of one photograph, or of all, in the order of making."""
        query = (
            select(schema.edits, schema.raters.c.name.label("rater_name"))
            .join(schema.raters, schema.raters.c.id == schema.edits.c.rater)
            .order_by(schema.edits.c.id)
        )
        if image_hash is not None:
            known = clean_hash(image_hash, "the photograph's hash")
            query = query.where(schema.edits.c.image_hash == known)
        rows = self._database.read(lambda connection: connection.execute(query).all())
        return [_edit(row) for row in rows]


def check_edit(edit: Edit) -> Edit:
    """Return an edit whose texts and values can be stored.

    Raises
    ------
    UserError
        See ``Edits.add``.
    """
    if not edit.mask.startswith(_PNG):
        raise UserError(f"the mask of an edit of {edit.image} is no PNG file")
    for values, what in ((edit.operation, "operation"), (edit.before, "answer before"),
                         (edit.after, "answer after")):  # fmt: skip
        _to_json(values, f"the {what} of an edit of {edit.image}")
    return replace(
        edit,
        image=check_storable(edit.image, "the photograph's name"),
        image_hash=clean_hash(edit.image_hash, "the photograph's hash"),
        result_hash=clean_hash(edit.result_hash, "the result's hash"),
        rater=clean_name(edit.rater, "the rater's name"),
    )


def insert_edits(connection: Connection, edits: Iterable[Edit]) -> int:
    """Write checked edits with their numbers and times; those already there are left out.

    Returns
    -------
    int
        How many were new.

    Raises
    ------
    UserError
        If another edit has the number of one of them.
    """
    new = 0
    for edit in edits:
        values = _values(connection, edit)
        t = schema.edits
        there = connection.execute(
            select(*(t.c[name] for name in values)).where(
                t.c.image_hash == edit.image_hash, t.c.number == edit.number
            )
        ).one_or_none()
        if there is None:
            connection.execute(t.insert().values(**values))
            new += 1
        elif dict(there._mapping) != values:
            raise UserError(
                f"{edit.image} has another edit {edit.number} already: import into a new database"
            )
    return new


def _values(connection: Connection, edit: Edit) -> dict[str, Any]:
    return {
        "image_hash": edit.image_hash,
        "number": edit.number,
        "image": edit.image,
        "parent": edit.parent,
        "operation": _to_json(edit.operation, "the operation"),
        "mask": edit.mask,
        "result_hash": edit.result_hash,
        "before": _to_json(edit.before, "the answer before"),
        "after": _to_json(edit.after, "the answer after"),
        "rater": rater_id(connection, edit.rater),
        "time": write_time(edit.time),
    }


def _edit(row: Any) -> Edit:
    return Edit(
        row.image,
        row.image_hash,
        json.loads(row.operation),
        row.mask,
        row.result_hash,
        json.loads(row.before),
        json.loads(row.after),
        row.rater_name,
        row.parent,
        row.number,
        read_time(row.time),
    )


def _to_json(values: Mapping[str, Any], what: str) -> str:
    try:
        # ASCII only: what no database can store, such as NUL, is written as an escape.
        return json.dumps(dict(values), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise UserError(f"{what} cannot be written as JSON: {error}") from None
