"""The demo's photographs: drawn once, whole or not at all, by one process at a time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from intr_discover.data import demo, rings
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError


@pytest.fixture
def small(monkeypatch, tmp_path):
    """One specimen of each class, in a cache of the test's own."""
    monkeypatch.setattr(demo, "PER_CLASS", 1)
    monkeypatch.setenv(demo.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_collection_is_drawn_once(small):
    steps = []
    folder = demo.demo_collection(lambda done, total: steps.append((done, total)))
    assert folder.parent == small and demo.is_drawn()
    assert steps[-1] == (16, 16)
    again = demo.demo_collection(lambda done, total: pytest.fail("it is there already"))
    assert again == folder
    specimens = Specimens.read("demo")
    assert specimens.root == folder and len(specimens) == len(specimens.classes) == 16
    assert specimens.splits == ["test"]
    assert specimens.attributes is not None and len(specimens.pairs) == 8
    individuals = rings.read_specimens(folder)
    assert {each.seed for each in individuals.values()} == {demo.DEMO_SEED}


def test_the_real_one_has_ten_of_each():
    assert demo.PER_CLASS == 10 and demo.DEMO_SEED == 20_000


def test_a_folder_called_demo_is_reached_as_a_path(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for label in ("ant", "bee"):
        (tmp_path / "demo" / label).mkdir(parents=True)
        (tmp_path / "demo" / label / "a.png").write_bytes(b"")
    assert Specimens.read("./demo").classes == ["ant", "bee"]
    assert Specimens.read(tmp_path / "demo").classes == ["ant", "bee"]
    assert not demo.is_drawn()


def test_another_generator_gives_another_name(monkeypatch):
    name = demo.collection_name()
    assert name == demo.collection_name()
    assert name.startswith(f"rings-{rings.GENERATOR_VERSION}-")
    monkeypatch.setattr(demo, "DEMO_SEED", 1)
    assert demo.collection_name() != name


def test_the_cache_is_the_users_unless_told_otherwise(monkeypatch, tmp_path):
    monkeypatch.setenv(demo.CACHE_VARIABLE, str(tmp_path))
    assert demo.cache_folder() == tmp_path
    monkeypatch.delenv(demo.CACHE_VARIABLE)
    assert demo.cache_folder().name.lower().startswith("intr-discover") or (
        "intr-discover" in demo.cache_folder().parts
    )


def test_a_cache_that_cannot_be_written_to_is_one_clear_line(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(demo.CACHE_VARIABLE, str(tmp_path / "file"))
    with pytest.raises(UserError, match=f"set {demo.CACHE_VARIABLE} to a folder"):
        demo.demo_collection()


DRAW = (
    "from intr_discover.data import demo; demo.PER_CLASS = 1; "
    "print(demo.demo_collection(lambda done, total: print(done, flush=True)))"
)


def start(cache):
    return subprocess.Popen(
        [sys.executable, "-c", DRAW],
        env={**os.environ, demo.CACHE_VARIABLE: str(cache)},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_processes_draw_one_collection(small):
    both = [start(small), start(small)]
    said = [process.communicate(timeout=100)[0].splitlines() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0][-1] == said[1][-1]
    assert sorted(len(lines) for lines in said) == [1, 17]  # one drew 16, the other waited
    folders = [path for path in small.iterdir() if path.is_dir()]
    assert [str(path) for path in folders] == [said[0][-1]]


def test_a_killed_process_leaves_nothing_half_made(small):
    process = start(small)
    assert process.stdout.readline()  # one specimen is drawn
    process.kill()
    process.wait()
    process.stdout.close()
    assert not demo.is_drawn()
    folder = demo.demo_collection()
    assert len(Specimens.read(folder)) == 16
    assert [path for path in small.iterdir() if path.is_dir()] == [folder]  # nothing left over
