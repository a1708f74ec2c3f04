"""``intr-discover notebooks``: the notebooks that come with the package, copied."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from intr_discover.cli import main

ROOT = Path(__file__).resolve().parents[1]
NAMES = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def run(monkeypatch):
    """Return a function that calls the command and returns its exit status."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["intr-discover", "notebooks", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code or 0

    return call


def test_all_are_copied_and_nothing_of_the_user_is_lost(run, tmp_path, capsys):
    out = tmp_path / "my notebooks"
    assert run(out) == 0
    assert sorted(path.name for path in out.iterdir()) == NAMES and len(NAMES) == 6
    for name in NAMES:
        assert (out / name).read_bytes() == (ROOT / "notebooks" / name).read_bytes()
    assert "'" + str(out) + "'" in capsys.readouterr().out  # a command that can be pasted

    changed = out / NAMES[2]
    changed.write_text("mine", encoding="utf-8")
    assert run(out) == 2
    error = capsys.readouterr().err
    assert NAMES[0] in error and "--overwrite" in error and error.count("\n") == 1
    assert changed.read_text(encoding="utf-8") == "mine"
    assert run(out, "--overwrite") == 0
    assert changed.read_bytes() == (ROOT / "notebooks" / NAMES[2]).read_bytes()


def test_a_file_in_the_way_is_named(run, tmp_path, capsys):
    place = tmp_path / "file"
    place.write_text("")
    assert run(place) == 2
    assert str(place) in capsys.readouterr().err


@pytest.mark.parametrize("folder", ["notebooks", "apps"])
def test_the_wheel_carries_them(folder):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert folder in settings["packages"]["find"]["include"]
    assert settings["package-data"][folder]
