"""Opening: a new file, another version, a foreign file, a damaged one, one that is not writable."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from intr_discover.annotations import Item, open_database
from intr_discover.annotations.schema import VERSION
from intr_discover.errors import UserError

MODEL = "a" * 64


@pytest.fixture
def path(tmp_path):
    """A database with one name in it."""
    path = tmp_path / "annotations.db"
    open_database(path).names.add("Ann", MODEL, "Ember vera", 3, "red patch")
    return path


def refused(place, **options):
    """Return the one line with which a database is refused."""
    with pytest.raises(UserError) as error:
        open_database(place, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def alter(path, sql):
    connection = sqlite3.connect(path)
    connection.execute(sql)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    "name", ["a.db", "new/folder/a.db", "with space %20 ?mode=ro#x é 🦋.db", "no_ending"]
)
def test_a_new_file_is_made_where_it_is_named(tmp_path, name):
    database = open_database(tmp_path / name)
    database.names.add("Ann", MODEL, "a", 0, "red")
    assert (tmp_path / name).is_file()
    assert open_database(str(tmp_path / name)).names.agreed(MODEL) == {("a", 0): "red"}


def test_a_url_of_sqlite_is_the_same_file(path):
    assert open_database(f"sqlite:///{path}").raters() == ["Ann"]


def test_answers_are_flushed_and_logged_ahead(path):
    database = open_database(path)

    def pragma(connection, name):
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

    found = database.write(
        lambda c: [pragma(c, n) for n in ("journal_mode", "synchronous", "foreign_keys")]
    )
    assert found == ["wal", 2, 1]  # 2 is FULL


def test_a_write_that_fails_leaves_nothing(path):
    database = open_database(path)

    def half(connection):
        connection.exec_driver_sql("INSERT INTO raters (name) VALUES ('Bo')")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(half)
    assert database.raters() == ["Ann"]


@pytest.mark.parametrize(
    ("version", "words"),
    [
        (VERSION + 1, "a newer version of intr-discover .*: update intr-discover"),
        (VERSION - 1, "an older version of intr-discover .*: export it as CSV with that version"),
    ],
)
def test_another_version_is_refused(path, version, words):
    alter(path, f"UPDATE annotations_about SET version = {version}")
    message = refused(path)
    assert re.search(words, message), message
    assert f"schema {version}, this one has {VERSION}" in message and str(path) in message
    assert refused(path, read_only=True) == message


def test_a_database_of_something_else_is_refused_and_left_alone(tmp_path):
    path = tmp_path / "other.db"
    alter(path, "CREATE TABLE butterflies (name TEXT)")
    before = path.read_bytes()
    assert "holds other tables (butterflies), no annotations" in refused(path)
    connection = sqlite3.connect(path)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master")]
    connection.close()
    assert tables == ["butterflies"] and len(path.read_bytes()) == len(before)


def test_our_tables_without_our_name_are_refused(path):
    alter(path, "UPDATE annotations_about SET application = 'something else'")
    assert "does not say which version of intr-discover made it" in refused(path)


def test_a_missing_table_is_damage(path):
    alter(path, "DROP TABLE edits")
    assert "is damaged: the table edits is missing" in refused(path)


def test_a_file_of_another_kind_is_refused(tmp_path):
    page = tmp_path / "page.db"
    page.write_text("<html>" + "x" * 5000)
    assert "is no SQLite database" in refused(page)
    assert "is a folder: name a file" in refused(tmp_path)


def test_an_empty_file_becomes_a_database(tmp_path):
    (tmp_path / "a.db").touch()
    assert open_database(tmp_path / "a.db").raters() == []


@pytest.mark.parametrize("where", [0.3, 0.6])
def test_damage_in_the_middle_is_noticed(path, where):
    database = open_database(path)
    for head in range(4):
        database.names.add("Ann", MODEL, "x" * 3000, head, "red")
    content = bytearray(path.read_bytes())
    begin = int(len(content) * where) // 4096 * 4096
    content[begin : begin + 4096] = os.urandom(4096)
    path.write_bytes(content)
    assert str(path) in refused(path)


def test_a_cut_file_is_noticed(path):
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    assert str(path) in refused(path)


def test_places_that_cannot_hold_a_database(tmp_path):
    (tmp_path / "file").touch()
    assert "cannot be made" in refused(tmp_path / "file" / "a.db")
    assert "the database has no name" in refused("")
    for place in ("sqlite://", "sqlite:///:memory:"):
        assert "in memory would lose every answer" in refused(place)
    assert "the database foo://x cannot be used" in refused("foo://x")
    assert "there is no database" in refused(tmp_path / "absent.db", read_only=True)
    assert not (tmp_path / "absent.db").exists()


def test_a_missing_driver_is_named_and_the_password_is_not():
    try:
        import psycopg  # noqa: F401
    except ImportError:
        message = refused("postgresql+psycopg://ann:secret@localhost/x")
        assert "needs the Python package psycopg" in message and "secret" not in message
    else:
        pytest.skip("psycopg is installed here")


@pytest.mark.skipif(
    not Path("/proc/self").is_dir(), reason="needs a folder nobody can write: /proc"
)
def test_a_folder_that_nobody_can_write():
    assert "/proc/annotations.db could not be opened" in refused("/proc/annotations.db")


@pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() == 0, reason="the superuser may write everywhere"
)
def test_a_folder_without_permission(path):
    path.parent.chmod(0o500)
    try:
        assert "cannot be written" in refused(path.parent / "new.db")
        assert "cannot be written" in refused(path)
        assert open_database(path, read_only=True).raters() == ["Ann"]
    finally:
        path.parent.chmod(0o700)


def test_read_only_reads_and_refuses_every_write(path):
    database = open_database(path, read_only=True)
    assert database.names.agreed(MODEL) == {("Ember vera", 3): "red patch"}
    for write in (
        lambda: database.names.add("Bo", MODEL, "a", 0, "red"),
        lambda: database.studies.create("wings", [Item("a", "m", "u")], ["red"]),
    ):
        with pytest.raises(UserError, match="is open for reading only: nothing was saved"):
            write()
    assert open_database(path).raters() == ["Ann"]


def test_read_only_reads_while_others_write(path):
    reader, writer = open_database(path, read_only=True), open_database(path)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(
            lambda: [writer.names.add("Bo", MODEL, "a", n, "red") for n in range(20)]
        )
        seen = [len(reader.names.all()) for _ in range(20)]
        writing.result()
    assert seen == sorted(seen) and len(reader.names.all()) == 21


def test_a_full_disk_is_told_and_nothing_is_half_written(path):
    database = open_database(path)

    def fill(connection):
        connection.exec_driver_sql("PRAGMA max_page_count = 40")
        for head in range(100):
            connection.exec_driver_sql(
                "INSERT INTO raters (name) VALUES (?)", (f"{head}" + "x" * 9000,)
            )

    with pytest.raises(UserError, match="nothing was saved: database or disk is full"):
        database.write(fill)
    assert database.raters() == ["Ann"]
