"""INTR against INTR-FC: one small run from end to end, and how alignment adds up."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import ablation, variants
from benchmarks.ablation_page import signed, value_cell
from benchmarks.ablation_runs import Drawn, run_path
from benchmarks.variants_page import _SHOWN, as_markdown
from intr_discover import Specimens, load
from intr_discover.explain.decomposition import predicted_against_others
from intr_discover.studies.result import plain

TINY = Drawn(ring_count=2, train_per_class=10, test_per_class=5, size=64)
BASE = {
    **ablation.BASE, "image_size": 64, "epochs": 1, "width": 16, "feed_forward": 16, "heads": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("variants")


@pytest.fixture(scope="module")
def compared(folder):
    return variants.compare(BASE, [5], TINY, folder)


def test_both_kinds_are_trained_alike(compared, folder):
    models = [load(run_path(folder, name, 5), device="cpu").model for name in variants.SETTINGS]
    intr, other = (model.config for model in models)
    assert (intr.kind, other.kind) == ("intr", "intr-fc")
    assert {**vars(intr), "kind": 0} == {**vars(other), "kind": 0}
    assert [row["setting"] for row in compared["kinds"]] == ["INTR", "INTR-FC"]
    # Four vectors of 16 and a bias each, in place of one.
    assert compared["kinds"][1]["parameters"] - compared["kinds"][0]["parameters"] == 3 * 17


def test_alignment_is_the_mean_over_heads_trainings_and_photographs(compared, folder):
    test = Specimens.read(folder / "test" / "specimens.csv")
    models = [load(run_path(folder, name, 5), device="cpu") for name in variants.SETTINGS]
    tables = [predicted_against_others(model, test.paths) for model in models]
    found = variants.alignment(models, test)
    for name in ("correlation", "others", "difference"):
        assert found[name]["value"] == pytest.approx(
            np.mean([table[name].mean() for table in tables])
        )
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
        assert found[name]["n"] == 20
    assert found["difference"]["by_seed"][1] == pytest.approx(
        (tables[1]["correlation"] - tables[1]["others"]).mean()
    )
    assert 0 < found["p"] <= 1
    alone = variants.alignment(models[:1], test)
    assert alone["difference"] == compared["alignment"]["INTR"]["difference"]


def test_results_are_written(compared, tmp_path):
    record = {
        "command": "python -m x", "machine": {"processor": "a processor", "threads": 1}, **compared,
    }  # fmt: skip
    variants.write_results(record, tmp_path)
    stored = json.loads((tmp_path / "variants.json").read_text())
    assert stored["alignment"] == plain(compared["alignment"])
    page = (tmp_path / "variants.md").read_text()
    assert page == as_markdown(record)
    lines = page.splitlines()
    (line,) = [line for line in lines if line.startswith("| distinctness |")]
    value = compared["kinds"][1]["distinctness"]["value"]
    assert "4 classes" in line and f"| {value:.2f} (".replace("-", "−") in line
    assert [line for line in lines if line.startswith("| INTR-FC | 20 | ")]


ROOT = Path(__file__).parents[2]


def test_the_documentation_quotes_the_results():
    results = ROOT / "benchmarks" / "results"
    stored = json.loads((results / "variants.json").read_text(encoding="utf-8"))
    assert (results / "variants.md").read_text(encoding="utf-8") == as_markdown(stored)
    page = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
    assert f"`{stored['command']}`" in page
    intr, other = stored["kinds"]
    for measure in _SHOWN:
        cells = f"{value_cell(intr[measure], measure)} | {value_cell(other[measure], measure)}"
        assert f"| {cells} | " in page
        difference = other["differences"][measure]
        assert signed(difference["low"], measure) in page
    for name, found in stored["alignment"].items():
        cells = [value_cell(found[part], "consistency") for part in ("correlation", "others")]
        n = found["difference"]["n"]
        assert f"| {name} | {n} | {' | '.join(cells)} | " in page
