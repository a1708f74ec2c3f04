"""The published numbers of a comparison: what they leave out of the folder they are read from."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.neighbours import read_comparison


def test_a_note_names_files_as_seen_from_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    note = f"left out: {Path.cwd()}/data/specimens.csv: nothing is marked"
    Path("neighbours.csv").write_text(
        "method,measure,value,low,high,n,note\n"
        f"concepts,accuracy,,,,,{note}\nintr,accuracy,0.9,0.8,1.0,10,\n"
    )
    Path("neighbours_wide.csv").write_text("method,accuracy\nINTR,0.90\n")
    kept = dict.fromkeys(("seed", "data_fingerprint", "versions", "machine"), 0)
    sizes = {"train": 5, "val": 1, "measured": 2}
    made = {**kept, "settings": {"photographs": sizes}, "command": ["a b"]}
    Path("provenance.json").write_text(json.dumps(made))
    found = read_comparison(Path())
    concepts = found["methods"]["concepts"]["accuracy"]
    assert concepts["note"] == "left out: data/specimens.csv: nothing is marked"
    assert concepts["value"] is None and found["methods"]["intr"]["accuracy"]["note"] is None
    assert found["command"] == "'a b'" and found["photographs"] == sizes
