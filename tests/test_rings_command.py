"""``intr-discover rings`` as a person types it: what it writes, says, and refuses."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from intr_discover.cli import main

SMALL = ["--per-class", "1", "--size", "64", "--rings", "1"]


def run(monkeypatch, capsys, *words):
    """Run ``intr-discover rings WORDS`` in this process: status, stdout, stderr."""
    monkeypatch.setattr(sys, "argv", ["intr-discover", "rings", *map(str, words)])
    status = 0
    try:
        main()
    except SystemExit as exit_:
        status = exit_.code or 0
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def start(out: Path, *options: str) -> subprocess.Popen[str]:
    """Start a long drawing; return when it has begun."""
    command = [sys.executable, "-m", "intr_discover", "rings", str(out), "--size", "64", *options]
    # Where the tests run in the background of a shell, Ctrl-C is ignored by all children.
    ours = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    finally:
        signal.signal(signal.SIGINT, ours)
    assert process.stderr is not None
    assert "drawing specimens:" in process.stderr.readline()
    return process


def test_it_draws_and_says_what_comes_next(monkeypatch, capsys, tmp_path):
    out = tmp_path / "my rings"
    status, said, _ = run(monkeypatch, capsys, out, *SMALL, "--seed", 3, "--hard", 0.25,
                          "--shortcut", "ruler")  # fmt: skip
    assert status == 0
    assert said.splitlines() == [
        f"drew 2 specimens of 2 species in 1 ring: {out}",
        f"next: intr-discover train '{out}' --out RUN",
    ]
    assert len(pd.read_csv(out / "specimens.csv")) == 2
    settings = json.loads((out / "rings.json").read_text())
    del settings["generator"]
    assert settings == {
        "per_class": 1, "size": 64, "seed": 3, "ring_count": 1, "hard": 0.25, "shortcut": "ruler",
    }  # fmt: skip
    assert run(monkeypatch, capsys, out, *SMALL)[0] == 2
    two_rings = ["--per-class", 1, "--size", 64, "--rings", 2, "--overwrite"]
    status, said, _ = run(monkeypatch, capsys, out, *two_rings)
    assert (status, said.splitlines()[0]) == (0, f"drew 4 specimens of 4 species in 2 rings: {out}")
    assert json.loads((out / "rings.json").read_text())["seed"] == 0


def test_help_names_the_options_and_what_they_are_by_default(monkeypatch, capsys):
    status, said, _ = run(monkeypatch, capsys, "--help")
    words = " ".join(said.split())
    assert status == 0
    for option in ("--per-class", "--size", "--seed", "--rings", "--hard", "--overwrite"):
        assert option in words
    assert "none|background|ruler" in words.replace("[", "").replace("]", "")
    for default in ("100", "160", "0.5"):
        assert f"default: {default}" in words


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--size", "63"], "--size must be from 64 to 2048, not 63"),
        (["--size", "1000000"], "--size must be from 64 to 2048, not 1000000"),
        (["--per-class", "0"], "--per-class must be from 1 to 100000, not 0"),
        (["--per-class", "1000000000"], "--per-class must be from 1 to 100000, not 1000000000"),
        (["--seed", "-1"], "--seed must be 0 or more, not -1"),
        (["--rings", "0"], "--rings must be from 1 to 8, not 0"),
        (["--rings", "9"], "--rings must be from 1 to 8, not 9"),
        (["--hard", "-0.1"], "--hard must be from 0 to 1, not -0.1"),
        (["--hard", "1.1"], "--hard must be from 0 to 1, not 1.1"),
        (["--hard", "nan"], "--hard must be from 0 to 1, not nan"),
    ],
)
def test_numbers_out_of_range_cost_one_line_and_nothing_is_written(
    monkeypatch, capsys, tmp_path, words, expected
):
    status, said, error = run(monkeypatch, capsys, tmp_path / "out", *words)
    assert (status, said) == (2, "")
    assert error.startswith(f"intr-discover: {expected}") and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("options", [[], ["--overwrite"]])
def test_places_that_are_taken_cost_one_line_and_stay_as_they_are(
    monkeypatch, capsys, tmp_path, options
):
    (tmp_path / "work").mkdir()
    thesis = tmp_path / "work" / "thesis.txt"
    thesis.write_text("years of work")
    for out in (thesis, thesis.parent, Path("/proc/nothing"), tmp_path / ("long" * 80)):
        status, said, error = run(monkeypatch, capsys, out, *SMALL, *options)
        assert (status, said) == (2, "")
        assert error.startswith("intr-discover: ") and error.count("\n") == 1
        assert str(out) in error
    assert thesis.read_text() == "years of work"
    assert list(tmp_path.rglob("*")) == [thesis.parent, thesis]


def test_words_that_are_no_choice_are_explained(monkeypatch, capsys, tmp_path):
    for words in (["--shortcut", "label"], ["--hard", "very"], ["--sise", "64"]):
        status, said, error = run(monkeypatch, capsys, tmp_path / "out", *words)
        assert (status, said) == (2, "")
        assert words[0] in error and "Traceback" not in error
    assert not list(tmp_path.iterdir())


def test_an_interrupted_drawing_leaves_nothing_behind(tmp_path):
    process = start(tmp_path / "out", "--rings", "1", "--per-class", "40")
    process.send_signal(signal.SIGINT)
    said, error = process.communicate(timeout=60)
    assert (process.returncode, said) == (2, "")
    last = error.strip().splitlines()[-1]
    assert last == f"intr-discover: interrupted; nothing was written to {tmp_path / 'out'}"
    assert "Traceback" not in error
    assert not list(tmp_path.iterdir())


def test_a_killed_drawing_leaves_no_folder_that_looks_finished(monkeypatch, capsys, tmp_path):
    process = start(tmp_path / "out", "--rings", "1", "--per-class", "40")
    process.kill()
    process.communicate(timeout=60)
    assert not (tmp_path / "out").exists()
    assert all(path.name.startswith(".out.") for path in tmp_path.iterdir())
    assert run(monkeypatch, capsys, tmp_path / "out", *SMALL)[0] == 0
