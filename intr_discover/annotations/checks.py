"""Whether a database is ours, of this version, whole, and may be written."""

from __future__ import annotations

import os
from pathlib import Path

from sqlalchemy import Connection, inspect, select

from intr_discover.annotations import schema
from intr_discover.errors import UserError, shorten

_FIRST_BYTES = b"SQLite format 3\0"


def check_file(path: Path, read_only: bool) -> None:
    """Refuse a file that cannot be an SQLite database, and make the folder of a new one.

    Raises
    ------
    UserError
        If it is a folder or another kind of file, is absent and only to be read, or cannot be
        opened, read or written.
    """
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder: name a file for the database")
        if not path.exists():
            if read_only:
                raise UserError(f"there is no database {path}")
            _make_folder(path)
            return
        with path.open("rb") as file:
            first = file.read(len(_FIRST_BYTES))
    except OSError as error:
        raise UserError(f"the database {path} cannot be read: {error.strerror}") from None
    # An empty file is what a program leaves that was killed before its first write.
    if first and first != _FIRST_BYTES:
        raise UserError(f"{path} is no SQLite database: name another file")
    if not read_only:
        if not os.access(path, os.W_OK):
            raise UserError(f"the database {path} cannot be written: ask for permission")
        _check_folder(path.parent)  # the log lies beside the file


def table_names(connection: Connection) -> list[str]:
    """Return the names of all tables."""
    return inspect(connection).get_table_names()


def check_schema(connection: Connection, place: str) -> None:
    """Refuse a database of something else, of another version, or with damage.

    Raises
    ------
    UserError
        With what it is instead.
    """
    tables = table_names(connection)
    if connection.dialect.name == "sqlite":
        damage = list(connection.exec_driver_sql("PRAGMA quick_check(1)").scalars())
        if damage != ["ok"]:
            words = " ".join(str(damage[0]).split())
            raise UserError(f"{place} is damaged ({words}): go back to a copy of it")
    if schema.about.name not in tables:
        what = f"holds other tables ({shorten(tables)})" if tables else "is empty"
        raise UserError(f"{place} {what}, no annotations: name another database")
    _check_version(connection, place)
    missing = [name for name in schema.metadata.tables if name not in tables]
    if missing:
        raise UserError(f"{place} is damaged: the table {missing[0]} is missing; go back to a copy")


def _check_version(connection: Connection, place: str) -> None:
    rows = connection.execute(select(schema.about.c.application, schema.about.c.version)).all()
    if len(rows) != 1 or rows[0].application != schema.APPLICATION:
        raise UserError(f"{place} does not say which version of intr-discover made it: is it ours?")
    version = rows[0].version
    if version != schema.VERSION:
        age, remedy = (
            ("a newer", "update intr-discover")
            if isinstance(version, int) and version > schema.VERSION
            else ("an older", "export it as CSV with that version and import it into a new one")
        )
        raise UserError(
            f"{place} was made by {age} version of intr-discover (schema {version}, this one has "
            f"{schema.VERSION}): {remedy}"
        )


def _make_folder(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"the folder {path.parent} cannot be made: {error.strerror}; put the database elsewhere"
        ) from None
    _check_folder(path.parent)


def _check_folder(folder: Path) -> None:
    if not os.access(folder, os.W_OK):
        raise UserError(f"the folder {folder} cannot be written: put the database elsewhere")
