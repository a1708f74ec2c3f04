"""The database: opened and checked, read and written without losing an answer.

By default it is one SQLite file. Any other database that SQLAlchemy knows works by its URL
(``postgresql+psycopg://…``), with that database's own promises.

What makes an acknowledged answer safe in the SQLite file: a write-ahead log, flushed to disk
before a write returns (``synchronous=FULL``); a write takes its lock before it reads (``BEGIN
IMMEDIATE``), so that two writers never work from the same state; and a writer waits for the others.
A program that is killed leaves a log that the next one to open the file replays.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from platformdirs import user_data_dir
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from intr_discover.annotations import schema
from intr_discover.annotations.checks import check_file, check_schema, table_names
from intr_discover.annotations.edits import Edits
from intr_discover.annotations.names import HeadNames
from intr_discover.annotations.studies import HumanStudies
from intr_discover.errors import UserError

BUSY_SECONDS = 30
"""How long a writer waits for the others before it gives up, with a message."""

_TRIES = 20  # of a write that met another one's new rater or number
_PAUSE = 0.02  # seconds between two tries, on average

T = TypeVar("T")


class Database:
    """Names of heads, blind studies and edits in one database.

    Get one from ``open_database``. It may be used by many threads, and after a fork: every call
    opens a connection of its own in the file, and closes it.

    Attributes
    ----------
    names
        What raters say that heads show, see ``HeadNames``.
    studies
        Blind studies, see ``HumanStudies``.
    edits
        Edited photographs, see ``Edits``.
    place
        The file, or the URL without its password.
    read_only
        Whether every write is refused.
    """

    def __init__(self, engine: Engine, place: str, read_only: bool) -> None:
        self._engine = engine
        self._writer = engine.execution_options(writes=True)
        self.place = place
        self.read_only = read_only
        self.names = HeadNames(self)
        self.studies = HumanStudies(self)
        self.edits = Edits(self)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Return ``work(connection)``, all of it from one state of the database.

        Raises
        ------
        UserError
            If the database cannot be read.
        """
        with _told(self.place, "could not be read"):
            return _again(self._engine, work)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Return ``work(connection)`` after everything that it wrote is safe, or nothing of it.

        ``work`` may be called again where another writer was in its way.

        Raises
        ------
        UserError
            If the database is open for reading only or could not be written; nothing is then.
        """
        if self.read_only:
            raise UserError(f"{self.place} is open for reading only: nothing was saved")
        with _told(self.place, "could not be written, nothing was saved"):
            return _again(self._writer, work, (IntegrityError,))

    def raters(self) -> list[str]:
        """Return the names of all raters, in the order of their first word."""
        query = select(schema.raters.c.name).order_by(schema.raters.c.id)
        return self.read(lambda connection: list(connection.scalars(query)))

    def close(self) -> None:
        """Give the connections back; the database can be used again all the same."""
        self._engine.dispose()


def usual_file() -> Path:
    """Return the file that is used where none is named, in the folder of the user's own data."""
    return Path(user_data_dir("intr-discover", appauthor=False)) / "annotations.db"


def open_database(place: str | os.PathLike[str], *, read_only: bool = False) -> Database:
    """Return the database in a file or behind a URL; a new file gets its tables.

    Parameters
    ----------
    place
        A file (made if it is absent, with its folder), or a URL of SQLAlchemy's form.
    read_only
        Refuse every write, and make nothing. A file in a folder that cannot be written is
        readable this way.

    Raises
    ------
    UserError
        If the file is absent and only to be read, is no database or a damaged one, belongs to
        something else, was made by another version, or cannot be opened or written; or if the
        URL's driver is not installed.
    """
    url = _url(place)
    shown = url.render_as_string(hide_password=True)
    if url.get_backend_name() == "sqlite":
        path = _file_of(url)
        shown = str(path)
        check_file(path, read_only)
        engine = _file_engine(path, read_only)
    else:
        engine = _server_engine(url, shown)
    database = Database(engine, shown, read_only)
    with _told(shown, "could not be opened"):
        if not _again(database._engine, table_names) and not read_only:
            _again(database._writer, _make_tables, (DBAPIError,))
        _again(database._engine, lambda connection: check_schema(connection, shown))
    return database


class _BusyError(Exception):
    """Another process was opening or closing the file at this moment."""


def _again(
    engine: Engine, work: Callable[[Connection], T], rivals: tuple[type[DBAPIError], ...] = ()
) -> T:
    """Return ``work`` of a transaction, tried again after errors that pass by themselves.

    ``rivals`` are the errors by which a database tells that another writer was faster.
    """
    tries, deadline = 0, time.monotonic() + BUSY_SECONDS
    while True:
        try:
            with _noticing_busy(), engine.begin() as connection:
                return work(connection)
        except _BusyError:
            if time.monotonic() > deadline:
                raise
        except rivals:
            tries += 1
            if tries == _TRIES:
                raise
        time.sleep(_PAUSE * random.uniform(0.5, 1.5))


@contextmanager
def _noticing_busy() -> Iterator[None]:
    # SQLite waits for a writer by itself, but not while a log is being set up or cleared away.
    try:
        yield
    except DBAPIError as error:
        if getattr(error.orig, "sqlite_errorname", "").startswith("SQLITE_BUSY"):
            raise _BusyError from error
        raise


@contextmanager
def _told(place: str, failed: str) -> Iterator[None]:
    """Turn the database's own errors into one clear line."""
    try:
        yield
    except _BusyError:
        raise UserError(
            f"{place} {failed}: other programs kept it busy for {BUSY_SECONDS} seconds; try again"
        ) from None
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        raise UserError(f"{place} {failed}: {' '.join(str(reason).split())}") from error


def _make_tables(connection: Connection) -> None:
    if table_names(connection):
        return  # another process was faster
    schema.metadata.create_all(connection)
    connection.execute(
        schema.about.insert().values(application=schema.APPLICATION, version=schema.VERSION)
    )


def _url(place: str | os.PathLike[str]) -> URL:
    text = os.fspath(place)
    if not text:
        raise UserError("the database has no name: give a file or a URL")
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        return make_url(text)
    except (ArgumentError, ValueError) as error:
        raise UserError(f"the database's URL cannot be read: {error}") from None


def _file_of(url: URL) -> Path:
    if url.database in (None, "", ":memory:") or "mode=memory" in str(url):
        raise UserError("a database in memory would lose every answer: name a file")
    if url.drivername not in ("sqlite", "sqlite+pysqlite") or url.query:
        raise UserError("give an SQLite database as a file, without a driver and without options")
    return Path(str(url.database)).expanduser().absolute()


def _file_engine(path: Path, read_only: bool) -> Engine:
    query = {"uri": "true", "mode": "ro" if read_only else "rwc"}
    if read_only and not os.access(path.parent, os.W_OK) and not _log(path).exists():
        # A log cannot be set up there; nobody writes the file either, so none is needed.
        query["immutable"] = "1"
    engine = create_engine(
        URL.create("sqlite", database=path.as_uri(), query=query),
        # A connection must not be carried over a fork, and costs little to open.
        poolclass=NullPool,
        connect_args={"timeout": BUSY_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the transactions are begun below
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        if not read_only:
            cursor.execute("PRAGMA synchronous=FULL")
            if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                # Where a disk has no write-ahead log (some network folders), SQLite keeps its
                # older journal, which loses nothing either and is slower.
                cursor.execute("PRAGMA journal_mode=WAL")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _server_engine(url: URL, shown: str) -> Engine:
    try:
        return create_engine(url, pool_pre_ping=True)
    except ImportError as error:
        raise UserError(
            f"the database {shown} needs the Python package {error.name}: install it"
        ) from None
    except SQLAlchemyError as error:
        raise UserError(f"the database {shown} cannot be used: {error}") from None
