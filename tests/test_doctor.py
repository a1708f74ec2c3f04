"""``intr-discover doctor``: what it says of this machine is so, and its warnings say what to do."""

from __future__ import annotations

import json
import os
import sys

import pytest
import torch

from intr_discover.cli import main
from intr_discover.doctor import LEAST_MEMORY, cores, examine, memory, warnings


@pytest.fixture
def healthy(tmp_path):
    return {
        "memory_free_gb": 30.0, "disk_free_gb": 100.0, "cache": str(tmp_path),
        "cache_trouble": None, "threads": 4, "cores": 4, "versions": {"torch": "2.6"},
    }  # fmt: skip


def call(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["intr-discover", "doctor", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0


def test_it_says_what_the_machine_has(tmp_path):
    found = examine(tmp_path / "new" / "cache")
    assert found["device"] == ("cuda" if torch.cuda.is_available() else "cpu")
    assert found["threads"] == torch.get_num_threads()
    assert found["cores"] == cores() <= (os.cpu_count() or 1)
    assert str(found["versions"]["torch"]).split("+")[0] == torch.__version__.split("+")[0]
    assert found["cache_trouble"] is None and found["disk_free_gb"] > 0
    assert list((tmp_path / "new" / "cache").iterdir()) == []  # nothing is left behind
    json.dumps(found)


@pytest.mark.skipif(sys.platform != "linux", reason="reads what Linux says of its memory")
def test_memory_is_that_of_the_system():
    whole, free = memory()
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    assert whole == pytest.approx(pages, rel=0.05) and 0 < free <= whole


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("in the way")
    found = examine(tmp_path / "file" / "cache")
    assert found["cache_trouble"] and found["disk_free_gb"] is None
    assert any("INTR_DISCOVER_CACHE" in line for line in found["warnings"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"memory_free_gb": LEAST_MEMORY - 1}, "3 GB of memory are free"),
        ({"memory_free_gb": None}, None),
        ({"disk_free_gb": 0.5}, "0.5 GB of disk are free"),
        ({"threads": 1}, "torch uses 1 of 4 cores: unset OMP_NUM_THREADS"),
        ({"versions": {"torch": None, "timm": "1"}}, "not installed: torch;"),
        ({}, None),
    ],
)
def test_each_warning_stands_for_one_thing(healthy, change, says):
    said = warnings(healthy | change)
    assert len(said) == (says is not None)
    assert says is None or says in said[0]


def test_the_command(monkeypatch, capsys):
    assert call(monkeypatch, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert call(monkeypatch) == 0
    said = capsys.readouterr().out
    assert said.startswith("device") and found["processor"] in said
    assert f"torch {found['versions']['torch']}" in said
    assert ("warning:" in said) == bool(found["warnings"])
    assert max(map(len, said.splitlines())) < 200 and len(said.splitlines()) < 24  # one screen
