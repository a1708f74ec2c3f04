"""Many writers at once, and writers that are killed: what was acknowledged is there."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from intr_discover.annotations import Edit, Item, open_database
from intr_discover.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
MODEL, IMAGE = "a" * 64, "b" * 64
EDIT = Edit("a.png", IMAGE, {"name": "erase"}, b"\x89PNG\r\n\x1a\n", "c" * 64, {}, {}, "Ann")

# A rater in a process of their own: prints every number once its answer is acknowledged.
RATER = """
import sys
from intr_discover.annotations import Edit, open_database
path, rater, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
database = open_database(path)
for n in range(count):
    database.names.add(rater, "a" * 64, f"class {n}", 0, f"name {n}")
    if "study" in sys.argv:
        question = database.studies.next_item("wings", rater)
        database.studies.answer("wings", rater, question.number, ["red"])
        mask = bytes([137]) + b"PNG\\r\\n\\x1a\\n"
        database.edits.add(Edit("a.png", "b" * 64, {}, mask, "c" * 64, {}, {}, rater))
    print(n, flush=True)
"""


def start(path, rater, count, *more):
    return subprocess.Popen(
        [sys.executable, "-c", RATER, str(path), rater, str(count), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def is_whole(path):
    connection = sqlite3.connect(path)
    found = connection.execute("PRAGMA integrity_check").fetchall()
    connection.close()
    return found == [("ok",)]


def test_eight_processes_at_once_lose_nothing(tmp_path):
    """They also make the file together: none is there when they start."""
    path, count = tmp_path / "annotations.db", 10
    raters = [f"rater {n}" for n in range(8)]
    first = [start(path, rater, count) for rater in raters]
    for process in first:
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors
    database = open_database(path)
    assert {(each.rater, each.label) for each in database.names.all()} == {
        (rater, f"class {n}") for rater in raters for n in range(count)
    }
    assert len(database.names.all()) == 8 * count and len(set(database.raters())) == 8
    assert is_whole(path)


def test_eight_processes_answer_one_study_and_edit_one_photograph(tmp_path):
    path, count = tmp_path / "annotations.db", 6
    database = open_database(path)
    database.studies.create("wings", [Item(f"{n}", "intr", "all") for n in range(count)], ["red"])
    processes = [start(path, f"rater {n}", count, "study") for n in range(8)]
    for process in processes:
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors
    assert database.studies.progress("wings") == {f"rater {n}": count for n in range(8)}
    assert len(database.studies.answers("wings")) == 8 * count
    # Every edit has a number of its own, and none is left out.
    assert [each.number for each in database.edits.all()] == list(range(1, 8 * count + 1))


def test_eight_threads_at_once_lose_nothing(tmp_path):
    database = open_database(tmp_path / "annotations.db")

    def work(rater):
        for n in range(15):
            database.names.add(rater, MODEL, f"class {n}", 0, "red")
            database.edits.add(replace(EDIT, rater=rater))
        return rater

    with ThreadPoolExecutor(8) as pool:
        assert len(list(pool.map(work, [f"rater {n}" for n in range(8)]))) == 8
    assert len(database.names.all()) == 120
    assert [each.number for each in database.edits.all()] == list(range(1, 121))


def kill_while_writing(path, rater, after):
    """Start a rater, kill it after so many answers, and return those that were acknowledged."""
    process = start(path, rater, 100_000)
    acknowledged = [process.stdout.readline() for _ in range(after)]
    time.sleep(random.Random(rater).uniform(0.0, 0.03))  # somewhere within the next write
    process.kill()
    # communicate() would pass over lines that readline() has read ahead.
    rest, errors = process.stdout.read(), process.stderr.read()
    assert process.wait(timeout=60) == -9, errors
    # The last line may be half written: that answer was not acknowledged.
    whole = "".join(acknowledged) + rest
    return [int(line) for line in whole[: whole.rfind("\n") + 1].split()]


def check_kills(path, kills, after):
    for kill in range(kills):
        rater = f"rater {kill}"
        acknowledged = kill_while_writing(path, rater, after)
        assert len(acknowledged) >= after and acknowledged == list(range(len(acknowledged)))
        kept = [each for each in open_database(path).names.all() if each.rater == rater]
        # At most the one answer more that was written but not yet acknowledged.
        assert [each.label for each in kept][: len(acknowledged)] == [
            f"class {n}" for n in acknowledged
        ]
        assert len(kept) - len(acknowledged) in (0, 1)
        assert is_whole(path)


def test_a_killed_writer_loses_no_acknowledged_answer(tmp_path):
    check_kills(tmp_path / "annotations.db", kills=3, after=5)


@pytest.mark.slow
def test_twenty_killed_writers_lose_no_acknowledged_answer(tmp_path):
    check_kills(tmp_path / "annotations.db", kills=20, after=8)


def test_a_killed_writer_does_not_lock_the_others_out(tmp_path):
    """Eight write; half of them are killed; the other half loses nothing."""
    path = tmp_path / "annotations.db"
    processes = [start(path, f"rater {n}", 12) for n in range(8)]
    for process in processes[:4]:
        process.stdout.readline()
        process.kill()
    for process in processes[4:]:
        _, errors = process.communicate(timeout=100)
        assert process.returncode == 0, errors
    for process in processes[:4]:
        process.communicate(timeout=10)
    counts = [
        len([e for e in open_database(path).names.all() if e.rater == f"rater {n}"])
        for n in range(8)
    ]
    assert counts[4:] == [12] * 4 and all(count >= 1 for count in counts[:4])
    assert is_whole(path)


@pytest.mark.slow
def test_killed_while_the_file_is_made(tmp_path):
    """Whatever moment it was: the next program opens the file and writes."""
    begun = 0
    for kill in range(12):
        path = tmp_path / f"{kill}.db"
        process = start(path, "Ann", 1)
        deadline = time.monotonic() + 30
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.004 * kill)
        process.kill()
        output, _ = process.communicate(timeout=60)
        begun += not output
        kept = len(open_database(path).names.all())
        assert kept >= len(output.split())
        open_database(path).names.add("Bo", MODEL, "a", 0, "red")
        assert is_whole(path)
    assert begun, "every one was done before it was killed"


def hold(path, seconds):
    """Keep the file locked for writing for a while, as another program might."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    time.sleep(seconds)
    connection.execute("COMMIT")
    connection.close()


def test_a_writer_waits_for_another_one(tmp_path):
    database = open_database(tmp_path / "annotations.db")
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold, tmp_path / "annotations.db", 0.6)
        time.sleep(0.2)
        database.names.add("Ann", MODEL, "a", 0, "red")
        held.result()
    assert database.names.agreed(MODEL) == {("a", 0): "red"}


def test_who_waited_too_long_is_told_that_nothing_was_saved(tmp_path, monkeypatch):
    monkeypatch.setattr("intr_discover.annotations.database.BUSY_SECONDS", 0.2)
    database = open_database(tmp_path / "annotations.db")
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(hold, tmp_path / "annotations.db", 1.5)
        time.sleep(0.2)
        with pytest.raises(UserError, match=r"nothing was saved: other programs kept it busy"):
            database.names.add("Ann", MODEL, "a", 0, "red")
        assert database.names.all() == []  # reading needs no lock
        held.result()
    database.names.add("Ann", MODEL, "a", 0, "red")
    assert len(database.names.all()) == 1
