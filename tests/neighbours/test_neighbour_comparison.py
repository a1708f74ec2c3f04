"""The study end to end on four classes of eight photographs, and what it does when asked again."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.neighbours import as_markdown, read_comparison
from intr_discover.cli import main
from intr_discover.cli_neighbours import own_settings
from intr_discover.errors import UserError
from intr_discover.neighbours import comparison
from intr_discover.neighbours.budget import training_config
from intr_discover.neighbours.comparison import (
    compare,
    findings,
    marked_fingerprint,
    split_sizes,
)
from intr_discover.neighbours.registry import choose_methods
from intr_discover.neighbours.wishes import Wishes
from tests.neighbours.drawn_splits import read_drawn, tiny_settings

NAMES = ["intr", "intr_fc", "cam", "gradcam", "rise", "dinov2", "protopnet"]
WISHES = Wishes(photographs=8, changed=2, slow=2, steps=3, shown=1)
NO_CABRNET = {"rise_masks": 8, "neighbours_python": "/nowhere/python"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("neighbours")
    specimens = read_drawn(folder / "data")
    settings = tiny_settings(options=NO_CABRNET)
    said = []
    result = compare(
        specimens, choose_methods(NAMES), settings, WISHES, folder / "out", say=said.append
    )
    return specimens, settings, folder / "out", result, said


def row(result, method, measure):
    table = result.table
    return table[(table["method"] == method) & (table["measure"] == measure)].iloc[0]


def test_every_method_is_measured_alike(made):
    *_, result, _ = made
    measured = set(result.table["measure"])
    expected = {"accuracy", "parameters", "training_seconds", "explanation_seconds",
                "attribute_hit", "attribute_chance", "unit_consistency", "part_purity",
                "insertion", "deletion", "flip_2", "flip_4", "flip_8", "off_specimen"}  # fmt: skip
    assert measured == expected
    for name in NAMES[:5]:
        assert set(result.table.loc[result.table["method"] == name, "measure"]) == expected
        for measure in ("accuracy", "attribute_hit", "insertion", "deletion", "off_specimen"):
            found = row(result, name, measure)
            assert found["low"] <= found["value"] <= found["high"], (name, measure)
        assert row(result, name, "accuracy")["n"] == 8
        assert row(result, name, "insertion")["n"] == 2
    assert row(result, "intr", "attribute_hit")["n"] == 8
    assert row(result, "rise", "attribute_hit")["n"] == 2  # it is asked for fewer
    # One model, three ways to explain it.
    assert len({row(result, name, "accuracy")["value"] for name in ("cam", "gradcam", "rise")}) == 1
    assert row(result, "cam", "unit_consistency")["note"] == "NA: it has a single unit"


def test_it_is_recorded_how_many_photographs_there_were(made):
    specimens, settings, _, result, _ = made
    sizes = {"train": 20, "val": 4, "measured": 8}
    assert result.provenance["settings"]["photographs"] == sizes
    assert split_sizes(specimens, settings, "all")["measured"] == 32
    table = specimens.table.assign(split=specimens.table["split"].replace({"val": "train"}))
    cut = split_sizes(specimens.with_table(table), settings, "test")
    assert cut["train"] + cut["val"] == 24 and cut["val"] > 0


def test_what_cannot_be_had_is_said_and_costs_the_others_nothing(made):
    *_, result, said = made
    assert "make neighbours" in row(result, "protopnet", "accuracy")["note"]
    assert np.isnan(row(result, "protopnet", "accuracy")["value"])
    assert "--weights dinov2=FILE" in row(result, "dinov2", "accuracy")["note"]
    assert any(line.startswith("ProtoPNet: left out") for line in said)
    assert any(line.startswith("Most often right: ") for line in findings(result))


def test_what_is_finished_is_neither_trained_nor_measured_again(made, monkeypatch):
    specimens, settings, out, first, _ = made
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    monkeypatch.setattr(comparison, "examine", lambda *_, **__: pytest.fail("measured again"))
    said = []
    again = compare(specimens, choose_methods(NAMES[:3]), settings, WISHES, out, say=said.append)
    assert said == [
        "INTR: measured before",
        "INTR-FC: measured before",
        "plain + CAM: measured before",
    ]
    kept = first.table[first.table["method"].isin(NAMES[:3])].reset_index(drop=True)
    pd.testing.assert_frame_equal(again.table, kept, check_dtype=False)
    weights = [path for path in before if path.suffix in (".safetensors", ".json", ".npz")]
    assert weights and all(path.stat().st_mtime_ns == before[path] for path in weights)


@pytest.mark.slow
def test_the_folder_holds_tables_and_figures(made, tmp_path):
    *_, result, _ = made
    result.save(tmp_path)
    written = {path.name for path in tmp_path.iterdir()}
    assert {"neighbours.csv", "neighbours_wide.csv", "summary.json", "provenance.json",
            "side_by_side.png", "side_by_side.pdf", "units_01.png"} <= written  # fmt: skip
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["accuracy_intr"] == row(result, "intr", "accuracy")["value"]
    assert summary["accuracy_protopnet"] is None
    wide = pd.read_csv(tmp_path / "neighbours_wide.csv", keep_default_na=False)
    assert wide["method"].tolist()[0] == "INTR" and "NA" in set(wide["unit purity (↑)"])
    record = read_comparison(tmp_path)
    assert record["methods"]["intr"]["accuracy"]["value"] == summary["accuracy_intr"]
    page = as_markdown(record, "drawn").splitlines()
    assert page[4].startswith("| | INTR | INTR-FC | plain + CAM |")
    assert len({line.count("|") for line in page[4:]}) == 1


def test_a_damaged_file_of_numbers_is_named(made):
    specimens, settings, out, *_ = made
    path = out / "measured" / "cam" / "numbers.json"
    whole = path.read_text()
    path.write_text(whole[:20])
    try:
        with pytest.raises(UserError, match=r"numbers.json cannot be read .*measured again"):
            compare(specimens, choose_methods(["cam"]), settings, WISHES, out, say=lambda _: None)
    finally:
        path.write_text(whole)


def test_without_attributes_the_rows_say_na(made, tmp_path):
    _, settings, out, *_ = made
    bare = read_drawn(tmp_path / "bare", masks=False, attributes=False)
    runs = {name: out / "trained" / name for name in ("intr", "plain")}
    wishes = Wishes(photographs=8, changed=2, slow=2, steps=3, shown=1, runs=runs)
    kinds = choose_methods(["intr", "concept_transformer"])
    result = compare(bare, kinds, settings, wishes, tmp_path / "out", say=lambda _: None)
    concepts = row(result, "concept_transformer", "accuracy")
    assert np.isnan(concepts["value"]) and "add attributes.csv" in concepts["note"]
    again = marked_fingerprint(bare), marked_fingerprint(bare)
    assert again[0] == again[1] != marked_fingerprint(made[0])
    assert not (tmp_path / "out" / "trained").exists()  # both were trained before
    for measure in ("attribute_hit", "attribute_chance", "part_purity", "off_specimen"):
        found = row(result, "intr", measure)
        assert np.isnan(found["value"]) and found["note"].startswith("NA: "), measure


def test_the_command_says_in_one_line_what_is_wrong(tmp_path, capsys, monkeypatch):
    read_drawn(tmp_path / "data")
    table = pd.read_csv(tmp_path / "data" / "specimens.csv").drop(columns="split")
    table.to_csv(tmp_path / "data" / "specimens.csv", index=False)
    asked = ["study", "neighbours", str(tmp_path / "data"), "--out", str(tmp_path / "out")]
    for more, words in (
        (["--methods", "camera"], "no method 'camera'"),
        (["--weights", "dino"], "write NAME=VALUE"),
        (["--own", "camera.epochs=3"], "write METHOD.NAME=VALUE with one of concept_transformer"),
        (["--own", "intr"], "such as --own protopnet.epochs=30"),
        (["--own", "intr.epochs"], "a setting is written NAME=VALUE"),
        ([], "trains on the split 'train'"),
    ):
        monkeypatch.setattr("sys.argv", ["intr-discover", *asked, *more])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        line = capsys.readouterr().err
        assert words in line and "Traceback" not in line and line.count("\n") == 1


def test_a_method_may_have_settings_of_its_own():
    assert own_settings(["plain.epochs=3", "plain.seed=7", "intr_fc.epochs=5"]) == {
        "plain": {"epochs": 3, "seed": 7},
        "intr_fc": {"epochs": 5},
    }
    settings = tiny_settings(options={"plain": {"epochs": 3, "learning_rate": 0.5}})
    own, more = settings.own("plain")
    assert (own.epochs, more) == (3, {"learning_rate": 0.5})
    assert settings.own("intr") == (settings, {})
    config = training_config("plain", None, settings, Path("nowhere"))
    assert (config.epochs, config.learning_rate) == (3, 0.5)
    for wrong, words in (({"epochs": 0}, "from 1 up, not 0"), ({"epochs": "x"}, "not 'x'"),
                         (["epochs"], "names with values")):  # fmt: skip
        with pytest.raises(UserError, match=words):
            tiny_settings(options={"plain": wrong}).own("plain")
