"""The result object: plain numbers, lazy figures, a folder that is complete or says so."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import intr_discover
from intr_discover.errors import UserError
from intr_discover.figures import style
from intr_discover.studies.result import StudyResult, plain, provenance


def draw_line():
    with style.journal_style():
        figure = style.new_figure(style.SINGLE_COLUMN_MM, 40)
        style.add_axes(figure, 15, 5, 60, 25).plot([1, 2], [2, 1])
    return figure


def result(**changes):
    arguments = {
        "name": "heads",
        "table": pd.DataFrame({"image": ["a,b.jpg", "ü.jpg"], "score": [0.1, np.nan]}),
        "summary": {"n": np.int64(2), "score": np.float32(0.5), "unknown": np.nan},
        "provenance": provenance(["intr-discover", "study", "heads"], 3, "weights", "specimens"),
        "tables": {
            "pairs": pd.DataFrame({"p": [1.0]}, index=pd.Index(["first"], name="pair")),
        },
        "drawings": {"line": draw_line},
        **changes,
    }
    return StudyResult(**arguments)


# Numbers


def test_summary_becomes_plain_and_unknown_becomes_none():
    summary = result(
        summary={
            "n": np.int64(3),
            "share": np.float32(0.5),
            "flag": np.bool_(True),
            "nan": float("nan"),
            "missing": pd.NA,
            "none": None,
            "judge": "plain",
        }
    ).summary
    assert summary == {
        "n": 3,
        "share": 0.5,
        "flag": True,
        "nan": None,
        "missing": None,
        "none": None,
        "judge": "plain",
    }
    assert [type(summary[key]) for key in ("n", "share", "flag")] == [int, float, bool]


@pytest.mark.parametrize("value", [float("inf"), -np.inf])
def test_infinite_numbers_are_refused(value):
    with pytest.raises(ValueError, match="infinite"):
        result(summary={"n": 1, "ratio": value})


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, np.array([1.0])])
def test_a_summary_is_flat(value):
    with pytest.raises(ValueError, match="'nested' is not a single number"):
        result(summary={"nested": value})


def test_plain_goes_all_the_way_down():
    value = {
        "path": Path("a") / "b",
        1: (np.int8(1), np.array([[1.5, np.nan]])),
        "when": pd.NaT,
    }
    assert plain(value) == {
        "path": str(Path("a") / "b"),
        "1": [1, [[1.5, None]]],
        "when": None,
    }
    with pytest.raises(TypeError, match="set has no plain form"):
        plain({1, 2})


@pytest.mark.parametrize("name", ["", "../up", "a b", "Heads", "a/b", "a.b"])
def test_names_that_cannot_be_files_are_refused(name):
    with pytest.raises(ValueError, match="file name"):
        result(name=name)
    with pytest.raises(ValueError, match="file name"):
        result(tables={name: pd.DataFrame()})
    with pytest.raises(ValueError, match="file name"):
        result(drawings={name: draw_line})


def test_a_result_introduces_itself_on_one_line():
    assert repr(result()) == "StudyResult(heads: 2 rows; n=2, score=0.5, unknown=None)"


# Provenance


def test_provenance_holds_what_was_said_and_the_versions():
    record = provenance(
        ["intr-discover", "evaluate", "run"], np.int64(7), "w", None, split="test", top=np.int64(5)
    )
    assert record["command"] == ["intr-discover", "evaluate", "run"]
    assert record["seed"] == 7
    assert record["model_fingerprint"] == "w" and record["data_fingerprint"] is None
    assert record["settings"] == {"split": "test", "top": 5}
    assert record["versions"]["python"] == platform.python_version()
    assert record["versions"]["intr_discover"] == intr_discover.__version__
    assert record["versions"]["numpy"] == np.__version__
    assert {"torch", "timm", "pandas", "matplotlib"} <= set(record["versions"])
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record == provenance(
        ["intr-discover", "evaluate", "run"], 7, "w", None, split="test", top=5
    )


def test_provenance_from_python_has_no_command():
    assert provenance(None, None, None, None)["command"] is None


def test_versions_are_known_without_importing_torch():
    script = (
        "import sys\n"
        "from intr_discover.studies.result import provenance\n"
        "print(provenance(None, 0, None, None)['versions']['torch'])\n"
        "assert 'torch' not in sys.modules and 'matplotlib.pyplot' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout[0].isdigit()


# Figures


def test_figures_are_drawn_when_asked_for_and_not_before():
    drawn = []

    def draw():
        drawn.append(1)
        return draw_line()

    study = result(drawings={"line": draw})
    assert drawn == []
    figures = study.figures()
    assert list(figures) == ["line"] and drawn == [1]
    assert len(figures["line"].axes) == 1


# Saving


def test_save_writes_everything_and_lists_it(tmp_path):
    folder = tmp_path / "new" / "out"
    written = result().save(folder)
    names = [path.name for path in written]
    assert names == [
        "heads.csv",
        "heads_pairs.csv",
        "summary.json",
        "line.png",
        "line.pdf",
        "provenance.json",
    ]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    assert (folder / "heads.csv").read_bytes() == 'image,score\n"a,b.jpg",0.1\nü.jpg,\n'.encode()
    assert (folder / "heads_pairs.csv").read_text() == "pair,p\nfirst,1.0\n"
    summary = json.loads((folder / "summary.json").read_text())
    assert summary == {"n": 2, "score": 0.5, "unknown": None}
    record = json.loads((folder / "provenance.json").read_text())
    assert record["study"] == "heads" and record["n"] == 2
    assert record["seed"] == 3 and record["model_fingerprint"] == "weights"


def test_figures_carry_their_provenance(tmp_path):
    result().save(tmp_path)
    with Image.open(tmp_path / "line.png") as image:
        assert image.text["Title"] == "heads: line"
        assert image.text["command"] == "intr-discover study heads"
        assert image.text["seed"] == "3" and image.text["n"] == "2"
        assert image.text["data_fingerprint"] == "specimens"
        assert image.text["Software"] == f"intr_discover {intr_discover.__version__}"
    assert b"/Title (heads: line)" in (tmp_path / "line.pdf").read_bytes()


def test_saving_twice_gives_the_same_bytes(tmp_path):
    for name in "ab":
        result().save(tmp_path / name)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_saving_again_replaces_its_files_and_leaves_others(tmp_path):
    result().save(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    result(summary={"n": 9}).save(tmp_path)
    assert json.loads((tmp_path / "summary.json").read_text()) == {"n": 9}
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_provenance_is_written_last_so_that_it_vouches_for_the_rest(tmp_path):
    result().save(tmp_path)

    def fail():
        raise RuntimeError("cannot draw")

    with pytest.raises(RuntimeError, match="cannot draw"):
        result(drawings={"line": fail}).save(tmp_path)
    assert not (tmp_path / "provenance.json").exists()
    assert not [path for path in tmp_path.iterdir() if "tmp" in path.name]


@pytest.mark.parametrize("below", [".", "deeper", "deeper/still"])
def test_a_file_in_place_of_the_folder_is_one_clear_line(tmp_path, below):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UserError, match="results need a folder, but a file stands there") as error:
        result().save(tmp_path / "out" / below)
    assert "\n" not in str(error.value)
    assert (tmp_path / "out").read_text() == "mine"


def test_no_permission_is_one_clear_line(tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK):
        pytest.skip("this user may write everywhere")
    with pytest.raises(UserError, match="no permission"):
        result().save(folder)
