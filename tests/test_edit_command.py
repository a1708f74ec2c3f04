"""``intr-discover edit`` as a person types it, on a little model and a drawn photograph."""

from __future__ import annotations

import json
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover.cli import main
from intr_discover.edits.operation import Edit
from intr_discover.model.checkpoint import save_checkpoint
from tests.studies.drawn import HEIGHT, WIDTH, draw_specimens, tiny_explainer


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edit")
    draw_specimens(folder / "drawn", ["ant"], per_label=2)
    explainer = tiny_explainer(["ant", "bee", "cat"])
    record = {"classes": explainer.classes, "preprocessing": explainer.preprocessing.as_dict()}
    save_checkpoint(folder / "run", explainer.model, record)
    Image.new("L", (WIDTH, HEIGHT)).save(folder / "empty.png")
    Image.new("L", (9, 9), 255).save(folder / "small.png")
    return folder


def command(place, out, *words, image="drawn/images/00-00.png", mask="drawn/spot.png"):
    return ["edit", str(place / "run"), str(place / image), "--mask", str(place / mask),
            "--out", str(out), "--controls", "3", *words]  # fmt: skip


def run(monkeypatch, arguments):
    monkeypatch.setattr(sys, "argv", ["intr-discover", *arguments])
    try:
        main()
    except SystemExit as ended:
        return ended.code or 0
    return 0


@pytest.fixture
def succeed(monkeypatch, capsys):
    """Return what runs a command that must succeed, and returns what it printed."""

    def run_it(arguments):
        status = run(monkeypatch, arguments)
        captured = capsys.readouterr()
        assert status == 0, captured.err
        return captured.out

    return run_it


def test_a_photograph_is_edited(place, tmp_path, succeed):
    out = tmp_path / "out"
    words = ["--op", "erase", "--specimen", str(place / "drawn/specimen.png")]
    said = succeed(command(place, out, *words))
    assert "3 control regions on the specimen's mask" in said and f"wrote {out}" in said
    names = {path.name for path in out.iterdir()}
    assert names == {"edited.png", "edit.csv", "summary.json", "sheet.png", "sheet.pdf",
                     "provenance.json"}  # fmt: skip
    photograph = np.asarray(Image.open(place / "drawn/images/00-00.png"))
    mask = np.asarray(Image.open(place / "drawn/spot.png"))
    edited = np.asarray(Image.open(out / "edited.png"))
    np.testing.assert_array_equal(edited, Edit("erase").apply(photograph, mask))
    record = json.loads((out / "provenance.json").read_text())
    assert record["settings"]["edit"] == Edit("erase").as_dict()
    assert len(record["settings"]["fingerprints"]["mask"]) == 64
    # The photograph, the edit and its three weaker forms, the second fill, three controls each.
    table = pd.read_csv(out / "edit.csv")
    counts = table["picture"].value_counts().to_dict()
    assert counts == {"photograph": 1, "edit": 1, "weaker edit": 3, "second fill": 1, "control": 6}
    summary = json.loads((out / "summary.json").read_text())
    first = table[table["picture"] == "edit"].iloc[0]
    assert summary["drop"] == pytest.approx(first["drop"])
    assert summary["answer_after"] == first["answer"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--op", "recolour", "--colour", "#2040d0", "--feather", "1"], ("recolour", "colour")),
        (["--op", "recolour", "--degrees", "90"], ("recolour", "hue")),
        (["--op", "blur", "--strength", "0.5"], ("blur", "gaussian")),
        (["--op", "mirror"], ("mirror", "reflection")),
        (["--op", "erase", "--fill", "background"], ("erase", "background")),
    ],
)
def test_every_operation(place, tmp_path, succeed, words, expected):
    out = tmp_path / "out"
    succeed(command(place, out, *words, "--specimen", str(place / "drawn/specimen.png")))
    made = json.loads((out / "provenance.json").read_text())["settings"]["edit"]
    assert (made["operation"], made["fill"]) == expected


@pytest.mark.parametrize("operation", ["transplant", "recolour"])
def test_donors(place, tmp_path, succeed, operation):
    donor = ["--donor", str(place / "drawn/images/00-01.png"),
             "--donor-mask", str(place / "drawn/spot.png")]  # fmt: skip
    out = tmp_path / "out"
    said = succeed(command(place, out, "--op", operation, *donor))
    files = json.loads((out / "provenance.json").read_text())["settings"]["files"]
    assert files["donor"].endswith("00-01.png")
    second = "transplant (seamless)" if operation == "transplant" else "no second way"
    assert second in said


def test_without_controls_nothing_is_claimed(place, tmp_path, succeed):
    said = succeed(command(place, tmp_path / "out", "--op", "erase", "--controls", "0"))
    assert "No control regions were asked for" in said and "no effect is claimed" in said


@pytest.mark.parametrize(
    ("words", "changes", "message"),
    [
        (["--op", "erase"], {"image": "none.png"}, "none.png"),
        (["--op", "erase"], {"mask": "none.png"}, "none.png"),
        (["--op", "erase"], {"mask": "empty.png"}, "is empty"),
        (["--op", "erase"], {"mask": "small.png"}, "9 x 9 pixels"),
        (["--op", "erase", "--fill", "magic"], {}, "erase has no fill 'magic'"),
        (["--op", "erase", "--strength", "2"], {}, "the strength is 2"),
        (["--op", "erase", "--feather", "-1"], {}, "the feather is -1"),
        (["--op", "recolour"], {}, "recolour (colour) needs a value for 'colour'"),
        (["--op", "recolour", "--colour", "reddish"], {}, "reddish"),
        (["--op", "transplant"], {}, "needs --donor and --donor-mask"),
        (["--op", "erase", "--donor", "a.png"], {}, "takes no donor"),
        (["--op", "mirror", "--colour", "#102030"], {}, "takes no 'colour'"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(
    place, tmp_path, monkeypatch, capsys, words, changes, message
):
    out = tmp_path / "out"
    assert run(monkeypatch, command(place, out, *words, **changes)) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1 and "Traceback" not in said
    assert not out.exists()


def test_a_file_in_the_place_of_the_folder_is_left_alone(place, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    out.write_text("mine")
    assert run(monkeypatch, command(place, out, "--op", "erase")) == 2
    assert "name another folder" in capsys.readouterr().err and out.read_text() == "mine"
