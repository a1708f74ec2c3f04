"""The photographs and their defects, what simple rules reach, and pictures that fit the page."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
from PIL import Image

from intr_discover.data.specimens import Specimens
from intr_discover.report import data_check
from intr_discover.report.baseline import baseline_rows
from intr_discover.report.data_check import check_photographs
from intr_discover.report.data_section import data_on_page, defect_rows, photograph_table
from intr_discover.report.pictures import inline_picture, inline_pictures
from intr_discover.studies.result import StudyResult
from tests.studies.drawn import draw_specimens


def collection_of(folder, per_label=6):
    """Return specimens in two splits: two thirds for training."""
    draw_specimens(folder, ["ant", "bee"], per_label, pairs=[("ant", "bee")])
    table = pd.read_csv(folder / "specimens.csv")
    table["split"] = ["train", "train", "test"] * (len(table) // 3)
    table.to_csv(folder / "specimens.csv", index=False)
    return Specimens.read(folder)


def test_photographs_of_each_species(tmp_path):
    collection = collection_of(tmp_path / "d")
    table = photograph_table(collection, collection.select(split="test"))
    assert table.to_dict("list") == {
        "label": ["ant", "bee"], "train": [4, 4], "test": [2, 2], "in this report": [2, 2],
    }  # fmt: skip
    said = dict(data_on_page(collection, collection.select(split="test"), {}, None).facts)
    assert said["Photographs"] == "12 of 2 species: 6 of each"
    assert said["Splits"] == "train 8, test 4"
    assert said["In this report"] == "4 photographs of 2 species"
    assert said["Masks of attributes"] == "1 attribute in 12 photographs"
    assert said["Landmarks"] == "none" and said["Look-alikes"] == "1 pair named"


def test_a_duplicate_across_splits_and_a_broken_file_are_found(tmp_path):
    collection_of(tmp_path / "d")
    images = tmp_path / "d" / "images"
    shutil.copy(images / "00-00.png", images / "00-02.png")  # of train, and of test
    whole = (images / "01-03.png").read_bytes()
    (images / "01-03.png").write_bytes(whole[: len(whole) // 2])
    collection = Specimens.read(tmp_path / "d")
    checked = check_photographs(collection, seed=0, full=False)
    assert (checked.n, checked.of) == (12, 12)
    rows = defect_rows(checked.defects)
    assert rows[0].severity == "error" and "images/01-03.png" in rows[0].where
    assert any("images/00-02.png" in row.where for row in rows if row.severity == "warning")
    page = data_on_page(collection, collection, {}, checked)
    assert page.checked == "All 12 photographs were opened, with their masks. What was found:"


def test_where_time_is_short_a_sample_is_opened(tmp_path, monkeypatch):
    collection = collection_of(tmp_path / "d", per_label=12)
    monkeypatch.setattr(data_check, "SECONDS", 1e-9)
    checked = check_photographs(collection, seed=0, full=False)
    assert (checked.n, checked.of) == (16, 24)
    assert (checked.defects["image"] != "").all()  # of a sample nothing is said of the whole
    assert "16 of 24 photographs" in data_on_page(collection, collection, {}, checked).checked
    assert check_photographs(collection, seed=0, full=True).n == 24


def test_accuracy_beside_simple_rules():
    table = pd.DataFrame({"label": ["ant"] * 6 + ["bee"] * 4})
    summary = {"top1": 0.9, "top1_low": 0.6, "top1_high": 0.98, "chance": 0.5, "n_classes": 2}
    shortcuts = {
        "no_specimen_accuracy": 0.7, "no_specimen_accuracy_low": 0.5,
        "no_specimen_accuracy_high": 0.8, "best_cue": "image_size", "n_cues": 5,
        "n_cue_photographs": 10, "background_only_accuracy": 0.2,
        "background_only_accuracy_low": 0.1, "background_only_accuracy_high": 0.5, "n_masked": 10,
    }  # fmt: skip
    results = {"evaluate": StudyResult("evaluate", table, summary)}
    rows = [(row.words, row.value, row.n) for row in baseline_rows(results)]
    assert rows == [
        ("the model", "90.0 %", "10"),
        ("always the commonest class (ant)", "60.0 %", "10"),
        ("a guess among 2 classes", "50.0 %", ""),
    ]
    # Wilson's interval of 6 in 10, from a table of it.
    assert baseline_rows(results)[1].interval == "31.3 % to 83.2 %"
    results["shortcuts"] = StudyResult("shortcuts", pd.DataFrame(), shortcuts)
    more = baseline_rows(results)[3:]
    assert [row.value for row in more] == ["70.0 %", "20.0 %"]
    assert "best of 5 cues" in more[0].words and "specimen taken out" in more[1].words
    assert baseline_rows({}) == []


def test_pictures_that_do_not_fit_are_compressed_and_then_left_out(tmp_path):
    paths = []
    for number in range(4):
        noise = np.random.default_rng(number).integers(0, 256, (200, 300, 3), dtype=np.uint8)
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(noise).save(paths[-1])
    fine = [len(inline_picture(path).data) for path in paths]
    compact = [len(inline_picture(path, compact=True).data) for path in paths]
    assert sum(compact) < sum(fine)

    def sizes(most):
        return [len(picture.data) for picture in inline_pictures(paths, most).values()]

    assert sizes(sum(fine)) == fine
    assert sizes(sum(fine) - 1) == compact
    assert sizes(sum(compact) - 1) == compact[:3]  # the last lies beside the page
    assert sizes(0) == []
    assert list(inline_pictures([paths[0], paths[0]])) == [paths[0]]  # each once
