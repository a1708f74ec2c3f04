"""Every kind of result, made by its command, repeated by its record, and compared."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import pytest
from PIL import Image

from intr_discover.cli import main
from intr_discover.report import discover as report_discover
from intr_discover.studies.budget import Speed
from intr_discover.studies.registry import find_studies
from tests.exhibits.material import LABELS, collection, save_run
from tests.studies.drawn import tiny_explainer
from tests.training.conftest import draw_collection

TINY = ("image_size=32", "epochs=2", "width=16", "heads=2", "feed_forward=16", "workers=0")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rerun")
    collection(folder / "drawn")
    save_run(folder / "run", tiny_explainer(LABELS))
    return folder


@pytest.fixture
def call(monkeypatch, capfd, place):
    """Return what runs a command in the place, and returns its status and all that it said."""
    monkeypatch.chdir(place)

    def run_it(*words):
        monkeypatch.setattr(sys, "argv", ["intr-discover", *map(str, words)])
        status = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
        captured = capfd.readouterr()
        return status, captured.out + captured.err

    return run_it


def made(call, *words):
    status, said = call(*words)
    assert status == 0, said


def test_evaluate_is_the_same_until_a_number_is_changed(call, place):
    made(call, "evaluate", "run", "drawn", "--out", "ev", "--split", "test", "--device", "cpu")
    status, said = call("rerun", "ev")
    assert status == 0, said
    assert "the same, bit for bit" in said and "evaluate.csv" in said
    summary = place / "ev" / "summary.json"
    numbers = json.loads(summary.read_text(encoding="utf-8"))
    numbers["top1"] += 1e-9
    summary.write_text(json.dumps(numbers), encoding="utf-8")
    status, said = call("rerun", "ev/provenance.json", "--out", "ev-strict")
    assert status == 1 and "differs  summary.json: top1" in said, said


@pytest.mark.slow
def test_other_weights_are_told(call, place):
    made(call, "evaluate", "run", "drawn", "--out", "ev2", "--split", "test", "--device", "cpu")
    path = place / "ev2" / "provenance.json"
    record = json.loads(path.read_text(encoding="utf-8"))
    record["model_fingerprint"] = "0" * 64
    path.write_text(json.dumps(record), encoding="utf-8")
    status, said = call("rerun", "ev2")
    assert status == 0, said  # its numbers are those of the record all the same
    assert "not as it was: the weights of the model: not those of the recorded result" in said


@pytest.mark.slow
def test_missing_photographs_stop_it(call, place):
    shutil.copytree(place / "drawn", place / "lent")
    made(call, "evaluate", "run", "lent", "--out", "ev3", "--split", "test", "--device", "cpu")
    shutil.rmtree(place / "lent")
    status, said = call("rerun", "ev3")
    assert status == 2 and "could not be repeated" in said, said


def test_explain(call):
    made(call, "explain", "run", "drawn/images/01-00.png", "--out", "maps", "--device", "cpu")
    status, said = call("rerun", "maps")
    assert status == 0 and ".npz" in said, said


@pytest.mark.slow
def test_figure(call):
    made(call, "figure", "layers", "run", "drawn/images/00-00.png", "--out", "figs/a.pdf",
         "--format", "pdf,png,svg")  # fmt: skip
    status, said = call("rerun", "figs/a.provenance.json")
    assert status == 0 and "a.pdf" in said and "a.svg" in said, said


@pytest.mark.slow
def test_edit(call):
    made(call, "edit", "run", "drawn/images/00-00.png", "--mask", "drawn/spot.png", "--out", "ed",
         "--op", "erase", "--controls", "3", "--device", "cpu")  # fmt: skip
    status, said = call("rerun", "ed")
    assert status == 0 and ".csv" in said, said


@pytest.mark.slow
def test_study(call):
    made(call, "study", "heads", "run", "drawn", "--out", "heads", "--device", "cpu",
         "--split", "test")  # fmt: skip
    status, said = call("rerun", "heads")
    assert status == 0, said


@pytest.mark.slow
def test_training_twice_gives_the_same_weights(call, place):
    draw_collection(place / "squares", {"train": 4})
    settings = [word for setting in TINY for word in ("--set", setting)]
    made(call, "train", "squares", "--out", "trained", "--device", "cpu", "--seed", "3",
         "--backbone", "resnet10t", *settings)  # fmt: skip
    status, said = call("rerun", "trained")
    assert status == 0, said
    assert "same     model.safetensors" in said and "same     metrics.csv" in said


@pytest.mark.slow
def test_extract(call, place):
    made(call, "extract", "run", "drawn", "--out", "out", "--device", "cpu", "--maps", "all")
    status, said = call("rerun", "out")
    assert status == 0 and "the same, bit for bit" in said, said
    assert "rows/shard-000000.parquet (6 rows" in said and "not as it was" not in said


def test_trait_and_its_masks(call, place):
    # In a process of its own: it loads no torch, and its record says so.
    words = ["trait", "drawn", "--image", "images/00-00.png", "--mask", "drawn/spot.png",
             "--name", "spots", "--out", "trait"]  # fmt: skip
    subprocess.run([sys.executable, "-m", "intr_discover", *words], cwd=place, check=True)
    status, said = call("rerun", "trait")
    assert status == 0 and "the same, bit for bit" in said, said
    masks = sorted((place / "trait" / "masks").iterdir())
    assert said.count("(a mask)") == len(masks) == 6
    Image.new("L", Image.open(masks[0]).size).save(masks[0])
    status, said = call("rerun", "trait", "--out", "trait-other")
    assert status == 1 and f"differs  masks/{masks[0].name}: another region" in said, said


SPEED = Speed(encode=4.0, decode=1.0)


@pytest.fixture(scope="module")
def report(place):
    """A report of one study, at a speed that no machine has: it takes some of the photographs."""
    known = {"interventions": find_studies()["interventions"]}
    words = ["intr-discover", "discover", "run", "drawn", "--out", "report", "--device", "cpu"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        patch.setattr(report_discover, "measure_speed", lambda *_, **__: SPEED)
        patch.setattr(report_discover, "find_studies", lambda: known)
        patch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
    return place / "report"


@pytest.mark.slow
def test_a_report_takes_the_photographs_of_then(call, report):
    record = json.loads((report / "interventions" / "provenance.json").read_text(encoding="utf-8"))
    assert record["limit"]["encode"] == SPEED.encode
    status, said = call("rerun", report, "--out", "report-again")
    assert status == 0 and "the same: 1 of 1 studies of the report" in said, said
    assert "the same, bit for bit" in said and "--planned-as" in said
    assert [path.name for path in (report.parent / "report-again").iterdir()] == ["interventions"]
    status, said = call("rerun", report, "--out", "report-again")
    assert status == 2 and "is there already" in said
