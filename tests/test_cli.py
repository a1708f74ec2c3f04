"""The command line as a person types it: every command, and every mistake in one line."""

import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover.cli import main
from intr_discover.data import demo
from intr_discover.explain import explainer
from intr_discover.report import discover as report_discover
from tests.studies.test_registry import added  # noqa: F401  (a fixture)
from tests.training.conftest import draw_collection

# Trainings of some seconds, which take many times longer on a busy machine.
pytestmark = pytest.mark.timeout(400)

TINY = [
    "--set", "width=32", "--set", "heads=4", "--set", "feed_forward=32", "--set", "image_size=32",
    "--set", "learning_rate=1e-3", "--set", "warmup_epochs=0.5", "--epochs", "4",
    "--batch-size", "8", "--device", "cpu",
]  # fmt: skip


def run(monkeypatch, capsys, *words):
    """Run ``intr-discover WORDS`` in this process: status, stdout, stderr."""
    monkeypatch.setattr(sys, "argv", ["intr-discover", *map(str, words)])
    status = 0
    try:
        main()
    except SystemExit as exit_:
        status = exit_.code or 0
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return draw_collection(tmp_path_factory.mktemp("drawn"), {"train": 10, "test": 3})


@pytest.fixture(scope="module")
def trained(drawn, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "run"
    subprocess.run(
        [sys.executable, "-m", "intr_discover", "train", str(drawn), "--out", str(folder), *TINY],
        check=True,
        capture_output=True,
    )
    return folder


def test_help_names_every_command(monkeypatch, capsys):
    status, out, _ = run(monkeypatch, capsys, "--help")
    assert status == 0
    for command in (
        "specimens",
        "train",
        "evaluate",
        "predict",
        "explain",
        "discover",
        "study",
        "import",
    ):
        assert f"  {command} " in out
        assert run(monkeypatch, capsys, command, "--help")[0] == 0


def test_help_answers_in_under_a_second():
    """The fastest of several, so that a busy machine does not decide."""
    fastest = min(_seconds_of_help() for _ in range(5))
    assert fastest < 1


def _seconds_of_help():
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "intr_discover", "--help"], check=True, capture_output=True
    )
    return time.perf_counter() - began


def test_specimens(monkeypatch, capsys, drawn, tmp_path):
    status, out, _ = run(
        monkeypatch, capsys, "specimens", drawn, "--out", tmp_path / "t.csv",
        "--defects", tmp_path / "defects.csv",
    )  # fmt: skip
    assert status == 0
    assert "39" in out and "train 30" in out and "test 9" in out
    table = pd.read_csv(tmp_path / "t.csv")
    assert (tmp_path / table["image"][0]).resolve().is_file()
    assert pd.read_csv(tmp_path / "defects.csv").columns.tolist() == [
        "image", "defect", "severity", "detail",
    ]  # fmt: skip


def test_evaluate(monkeypatch, capsys, drawn, trained, tmp_path):
    status, out, _ = run(
        monkeypatch, capsys, "evaluate", trained, drawn, "--out", tmp_path / "e", "--device", "cpu"
    )
    assert status == 0
    assert "n = 9 images of split test" in out
    summary = json.loads((tmp_path / "e" / "summary.json").read_text())
    assert summary["n"] == 9
    assert 0 <= summary["top1"] <= summary["top5"] <= 1
    provenance = json.loads((tmp_path / "e" / "provenance.json").read_text())
    assert provenance["command"][:2] == ["intr-discover", "evaluate"]
    table = pd.read_csv(tmp_path / "e" / "evaluate.csv")
    assert table["correct"].mean() == pytest.approx(summary["top1"])

    status, out, _ = run(
        monkeypatch, capsys, "evaluate", trained, drawn, "--out", tmp_path / "all", "--split", "all"
    )
    assert "n = 39 images" in out
    status, _, err = run(
        monkeypatch, capsys, "evaluate", trained, drawn, "--out", tmp_path / "x", "--split", "val"
    )
    assert status == 2 and "no split 'val'" in err


def test_predict_prints_and_writes(monkeypatch, capsys, drawn, trained, tmp_path):
    pictures = drawn / "test" / "red"
    status, out, _ = run(monkeypatch, capsys, "predict", trained, pictures)
    assert status == 0
    lines = [line for line in out.splitlines() if line]
    assert len(lines) == 3
    assert all("%" in line and "red" in line for line in lines)
    status, _, _ = run(
        monkeypatch, capsys, "predict", trained, pictures, "--csv", tmp_path / "p.csv", "--top", 2,
        "--context", "red,blue",
    )  # fmt: skip
    table = pd.read_csv(tmp_path / "p.csv")
    assert len(table) == 6
    assert set(table["label"]) == {"red", "blue"}
    np.testing.assert_allclose(table.groupby("image")["probability"].sum(), 1, atol=1e-5)


def test_explain(monkeypatch, capsys, drawn, trained, tmp_path):
    picture = drawn / "test" / "red" / "01.png"
    status, out, _ = run(
        monkeypatch, capsys, "explain", trained, picture, "--out", tmp_path / "f",
        "--class", "red", "--class", "blue", "--context", "blue,red", "--context-mode", "subset",
        "--layer", "0", "--heads", "top3", "--ranking", "peak",
    )  # fmt: skip
    assert status == 0 and "1 figure" in out
    stored = np.load(tmp_path / "f" / "01.npz")
    assert stored["classes"].tolist() == ["red", "blue"]
    assert stored["competing"].tolist() == ["blue", "red"]
    # 32 × 40 pixels, evaluated at 1.2 times 32 on the shorter side: 38 × 48 in cells of 8.
    assert stored["maps"].shape == (2, 4, 5, 6)
    np.testing.assert_allclose(stored["maps"].sum((-1, -2)), 1, atol=1e-5)
    provenance = json.loads(str(stored["provenance"]))
    assert "--context-mode subset" in provenance["command"]
    with Image.open(tmp_path / "f" / "01.png") as figure:
        assert figure.width > 1000


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train", "absent", "--out", "r"], "absent"),
        (["train", "{drawn}", "--out", "r", "--set", "epoch=3"], "epoch"),
        (["train", "{drawn}", "--out", "r", "--backbone", "resnet81"], "resnet81"),
        (["train", "{drawn}", "--out", "r", "--config", "absent.yaml"], "absent.yaml"),
        (["train", "{drawn}", "--out", "r", "--init", "absent.pth"], "absent.pth"),
        (["train", "{drawn}", "--out", "r", "--device", "abacus"], "abacus"),
        (["train", "{drawn}", "--out", "{trained}"], "already holds a run"),
        (["train", "{drawn}", "--out", "{trained}", "--resume", "--epochs", "9"], "epochs 4 → 9"),
        (["predict", "{trained}", "absent.jpg"], "absent.jpg"),
        (["predict", "absent", "{drawn}"], "absent"),
        (["predict", "{trained}", "{drawn}", "--context", "rde"], "did you mean 'red'"),
        (["predict", "{trained}", "{drawn}", "--context", ","], "--context"),
        (["explain", "{trained}", "{drawn}/test", "--out", "f", "--heads", "best"], "--heads"),
        (["explain", "{trained}", "{drawn}/test", "--out", "f", "--layer", "7"], "layers 0 to 1"),
        (["explain", "{trained}", "{drawn}/test", "--out", "f", "--class", "pink"], "pink"),
        (["explain", "{trained}", "{drawn}/test", "--out", "f", "--device", "cuda:99"], "cuda:99"),
        (["evaluate", "{trained}", "{drawn}/train/red", "--out", "e"], "photographs"),
        (["evaluate", "demo", "{drawn}", "--out", "e"], "make demo-model"),
        (["discover", "demo", "{drawn}"], "make demo-model"),
        (["discover"], "make demo-model"),
        (["discover", "{trained}"], "discover {trained} DATA"),
        (["discover", "absent"], "absent"),
        (["discover", "a", "b", "c"], "RUN and DATA, not 3 words"),
        (["discover", "{trained}", "{drawn}", "--folds", "5"], "discover DATA --folds 5"),
        (["discover", "--folds", "5"], "photographs alone"),
        (["discover", "{trained}", "{drawn}", "--replicates", "3"], "study replicates RUN"),
        (["discover", "{drawn}", "--replicates", "1"], "--replicates 1 compares nothing"),
        (["discover", "{drawn}", "--folds", "1"], "1 folds are too few"),
        (["discover", "{drawn}", "--folds", "14"], "14 folds need 14 specimens"),
        (["discover", "{drawn}", "--set", "epoch=3"], "epoch"),
        (["study", "replicates", "{trained}", "{drawn}", "--out", "s"], "--with RUN2"),
        (
            ["study", "replicates", "{trained}", "{drawn}", "--out", "s", "--with", "{trained}"],
            "its weights are those of",
        ),
        (
            ["study", "doubtful_labels", "{trained}", "{drawn}", "--out", "s", "--split", "train"],
            "not trained on them",
        ),
        (["discover", "{trained}", "{drawn}", "--out", "."], "--overwrite"),
        (["discover", "{trained}", "{drawn}", "--out", ".", "--overwrite"], "else than a report"),
        (["discover", "{trained}", "{drawn}", "--out", "names.txt"], "names.txt is a file"),
        (["discover", "{trained}", "{drawn}", "--split", "val"], "no split 'val'"),
        (["study", "headz", "{trained}", "{drawn}", "--out", "s"], "evaluate, explanations"),
        (["study", "explanations", "{trained}", "{drawn}", "--out", "s", "--pairs", "no"], "no"),
        (["study", "evaluate", "absent", "{drawn}", "--out", "s"], "absent"),
        (["import", "absent.pth", "--classes", "{names}", "--out", "r"], "absent.pth"),
        (["import", "{names}", "--classes", "{names}", "--out", "r"], "names.txt"),
    ],
)
def test_mistakes_cost_one_line_and_status_2(
    monkeypatch, capsys, drawn, trained, tmp_path, words, expected
):
    monkeypatch.chdir(tmp_path)
    names = tmp_path / "names.txt"
    names.write_text("red\nblue\n")
    places = {"drawn": drawn, "trained": trained, "names": names}
    monkeypatch.setattr(explainer, "DEMO_MODEL", tmp_path / "no demo model")
    monkeypatch.setenv("INTR_DISCOVER_CACHE", str(tmp_path / "cache"))
    status, _, err = run(monkeypatch, capsys, *[word.format(**places) for word in words])
    last = err.strip().splitlines()[-1]
    assert status == 2, err
    assert last.startswith("intr-discover: ")
    assert expected.format(**places) in last
    assert "Traceback" not in err
    # Nothing half-made is left behind.
    assert {path.name for path in tmp_path.iterdir()} == {"names.txt"}


# Discover and study


@pytest.mark.slow
@pytest.mark.timeout(400)  # a whole report
def test_discover_writes_a_report(monkeypatch, capsys, drawn, trained, tmp_path):
    out = tmp_path / "r"
    words = ["discover", trained, drawn, "--out", out, "--device", "cpu", "--seed", "3"]
    status, printed, _ = run(monkeypatch, capsys, *words)
    assert status == 0
    assert "How often is it right?" in printed and "of 9 photographs" in printed
    assert printed.splitlines()[-1] == f"open {out / 'index.html'}"
    record = json.loads((out / "explanations" / "provenance.json").read_text())
    assert record["command"][:2] == ["intr-discover", "discover"] and record["seed"] == 3
    before = (out / "index.html").read_text()
    status, _, err = run(monkeypatch, capsys, *words)
    assert status == 2 and "--overwrite" in err
    assert (out / "index.html").read_text() == before
    status, printed, _ = run(monkeypatch, capsys, *words, "--overwrite", "--split", "all")
    assert status == 0 and "of 39 photographs" in printed


@pytest.mark.slow
@pytest.mark.timeout(400)  # a whole report
def test_discover_trains_where_there_is_no_model(monkeypatch, capsys, drawn, tmp_path):
    monkeypatch.setattr(report_discover, "TOTAL_SECONDS", 10.0)
    out = tmp_path / "r"
    words = ["discover", drawn, "--out", out, "--device", "cpu", "--epochs", "1"]
    status, printed, _ = run(monkeypatch, capsys, *words)
    assert status == 0
    assert (
        "epoch 1/1" in printed
        and "a model trained for this report" in (out / "index.html").read_text()
    )
    weights = (out / "run" / "model.safetensors").stat().st_mtime_ns
    status, printed, _ = run(monkeypatch, capsys, *words, "--overwrite")
    assert status == 0 and "is finished already" in printed
    assert (out / "run" / "model.safetensors").stat().st_mtime_ns == weights
    other = draw_collection(tmp_path / "other", {"train": 6, "test": 1})
    words[1] = other
    status, _, err = run(monkeypatch, capsys, *words, "--overwrite")
    assert status == 2 and "trained on other photographs" in err


def test_study_runs_one_question(monkeypatch, capsys, drawn, trained, tmp_path):
    out = tmp_path / "s"
    status, printed, err = run(
        monkeypatch, capsys, "study", "explanations", trained, drawn, "--out", out,
        "--per-class", "1", "--split", "test",
    )  # fmt: skip
    assert status == 0 and f"wrote {out}" in printed
    assert "planned: 9 of 9 photographs, at most 9 passes of the model and 18 of" in err
    record = json.loads((out / "provenance.json").read_text())
    assert record["settings"]["options"]["per_class"] == 1 and record["n"] == 9


def test_the_help_of_studies(monkeypatch, capsys):
    status, printed, _ = run(monkeypatch, capsys, "study", "--help")
    assert status == 0 and "evaluate  " in printed and "How often is it right?" in printed
    status, printed, _ = run(monkeypatch, capsys, "study", "explanations", "--help")
    assert status == 0 and "--per-class" in printed and "--pairs" in printed
    code = (
        "import sys; sys.argv = ['intr-discover', 'study', '--help']\n"
        "from intr_discover.cli import main\n"
        "try: main()\n"
        "except SystemExit: print(sorted({'torch', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_the_study_of_one_added_file_is_a_command(
    added,  # noqa: F811
    monkeypatch,
    capsys,
    drawn,
    trained,
    tmp_path,
):
    words = ["study", "added", trained, drawn, "--out", tmp_path / "s", "--answer", "7"]
    status, printed, _ = run(monkeypatch, capsys, *words)
    assert status == 0 and "The answer is 7." in printed
    assert json.loads((tmp_path / "s" / "summary.json").read_text()) == {"n": 9, "answer": 7}


def test_the_word_demo_stands_for_photographs(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(demo, "PER_CLASS", 1)
    monkeypatch.setenv("INTR_DISCOVER_CACHE", str(tmp_path / "cache"))
    status, printed, err = run(monkeypatch, capsys, "specimens", "demo")
    assert status == 0 and "drawing the demo's specimens" in err and "16" in printed


def test_the_demo_by_one_word(monkeypatch, capsys, tmp_path):
    """With the model that comes with the package; its report is made by ``make demo``."""
    if not explainer.DEMO_MODEL.is_dir():
        pytest.skip("the demo model is not in this installation")
    monkeypatch.setattr(demo, "PER_CLASS", 1)
    monkeypatch.setenv("INTR_DISCOVER_CACHE", str(tmp_path / "cache"))
    status, printed, _ = run(monkeypatch, capsys, "predict", "demo", "demo", "--device", "cpu")
    assert status == 0 and len(printed.splitlines()) == 16


def test_wrong_words_are_explained(monkeypatch, capsys):
    for words in (["discover-all"], ["train"], ["predict", "run", "a.jpg", "--tpo", "3"]):
        status, _, err = run(monkeypatch, capsys, *words)
        assert status == 2
        assert "Traceback" not in err and err.strip()
