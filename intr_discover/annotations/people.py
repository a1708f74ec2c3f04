"""Raters by their names."""

from __future__ import annotations

from sqlalchemy import Connection, select

from intr_discover.annotations.schema import raters
from intr_discover.annotations.values import clean_name


def rater_id(connection: Connection, name: str) -> int:
    """Return the number of a rater; one who is new is written down.

    Raises
    ------
    UserError
        If the name is empty, too long, or of several lines.
    """
    name = clean_name(name, "the rater's name")
    found = connection.scalar(select(raters.c.id).where(raters.c.name == name))
    if found is not None:
        return int(found)
    connection.execute(raters.insert().values(name=name))
    return rater_id(connection, name)
