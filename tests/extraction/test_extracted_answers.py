"""Studies take extracted answers in the place of the model, and only those of the same things."""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
import pytest

from intr_discover.cli import main
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.extraction.extracted import answers_of
from intr_discover.extraction.run import extract
from intr_discover.studies.evaluation import evaluate_run
from intr_discover.studies.measurements import STUDY as MEASUREMENTS
from intr_discover.studies.registry import find_studies
from intr_discover.studies.study import StudyInputs
from tests.extraction.conftest import LABELS, draw, save_run, settings
from tests.studies.drawn import tiny_explainer


@pytest.fixture
def silent(model, monkeypatch):
    """The model, which fails when it is run."""

    def run(*words, **more):
        raise AssertionError("the model was run")

    quiet = Explainer(model.model, model.classes, model.preprocessing, source="tiny", device="cpu")
    monkeypatch.setattr(quiet.model, "forward", run)
    monkeypatch.setattr(quiet.model, "encode", run)
    return quiet


def test_logits_and_maps_without_the_model(model, specimens, whole, monkeypatch, silent):
    monkeypatch.undo()
    expected = model.logits(specimens.paths)
    said = model.explain(specimens.paths[4])
    monkeypatch.setattr(model.model, "encode", None)
    answers = answers_of(whole, silent, specimens)
    order = [7, 0, 4, 11, 0]
    found = answers.logits([specimens.paths[row] for row in order])
    np.testing.assert_allclose(found, expected[order], rtol=1e-4, atol=1e-5)
    read = answers.explain(specimens.paths[4])
    assert read.classes == said.classes and read.predicted == said.predicted
    np.testing.assert_allclose(read.maps, said.maps, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(read.heatmap(), said.heatmap(), rtol=1e-3, atol=1e-6)
    assert read.ranked_heads() == said.ranked_heads()
    assert read.provenance["image_fingerprint"] == said.provenance["image_fingerprint"]
    assert (read.layer, read.layers, read.stride) == (said.layer, said.layers, said.stride)


def test_accuracy_is_that_of_the_model(model, specimens, whole):
    chosen = specimens.select(split="test")
    expected = evaluate_run(model, chosen, split="test")
    found = evaluate_run(answers_of(whole, model, chosen), chosen, split="test")
    assert found.summary == expected.summary
    pd.testing.assert_frame_equal(found.table, expected.table, rtol=1e-4, atol=1e-5)
    assert found.provenance["data_fingerprint"] == expected.provenance["data_fingerprint"]
    assert found.provenance["machine"]["device"] == "cpu"


def test_measurements_are_those_of_the_model(model, specimens, tmp_path):
    extract(model, specimens, tmp_path / "true", settings(maps="true", maps_type="float32"))
    answers = answers_of(tmp_path / "true", model, specimens)
    results = [
        MEASUREMENTS.run(MEASUREMENTS.inputs(StudyInputs(each, specimens, "all")))
        for each in (model, answers)
    ]
    pd.testing.assert_frame_equal(results[0].table, results[1].table, rtol=1e-3, atol=1e-4)


def test_what_does_not_match_is_refused(model, own, whole, specimens, tmp_path):
    other = tiny_explainer(LABELS)
    next(iter(other.model.parameters())).data[0] += 1
    with pytest.raises(UserError, match="extracted from another model"):
        answers_of(whole, other, specimens)
    more = Specimens.read(draw(tmp_path / "more", 14))
    with pytest.raises(UserError, match=r"no answers to images/012\.png, images/013\.png"):
        answers_of(whole, model, more)
    changed = Specimens.read(own)
    answers = answers_of(whole, model, changed)  # the same photographs in another place
    answers.logits(changed.paths[:2])
    changed.paths[3].write_bytes(changed.paths[4].read_bytes())
    with pytest.raises(UserError, match=r"003\.png was changed since"):
        answers.logits(changed.paths)
    with pytest.raises(UserError, match="does not hold maps of"):
        predicted = answers.explain(changed.paths[0]).predicted
        answers.explain(changed.paths[0], [name for name in LABELS if name != predicted])
    for question in (
        lambda: answers.logits(changed.paths[:1], context=LABELS[:2]),
        lambda: answers.explain(changed.paths[0], layer=0),
        lambda: answers.encode(changed.paths[0]),
    ):
        with pytest.raises(UserError, match="leave --extracted out"):
            question()


def test_a_broken_photograph_has_no_answers(model, own, tmp_path):
    (own / "images" / "002.png").write_bytes(b"")
    collection = Specimens.read(own)
    extract(model, collection, tmp_path / "out", settings())
    with pytest.raises(UserError, match=r"no answers to images/002\.png.*defects\.csv"):
        answers_of(tmp_path / "out", model, collection)


def test_a_file_that_vanishes_while_it_is_read(model, specimens, tmp_path):
    out = tmp_path / "out"
    extract(model, specimens, out, settings())
    answers = answers_of(out, model, specimens)
    (out / "rows" / "shard-000002.parquet").unlink()
    with pytest.raises(UserError, match=r"shard-000002\.parquet is gone.*--verify"):
        answers.logits(specimens.paths)
    (out / "rows" / "shard-000001.parquet").write_bytes(b"no parquet")
    with pytest.raises(UserError, match=r"shard-000001\.parquet cannot be read"):
        answers.logits(specimens.paths[5:6])


@pytest.fixture
def run(monkeypatch, capsys):
    def command(*words):
        monkeypatch.setattr(sys, "argv", ["intr-discover", *map(str, words), "--device", "cpu"])
        status = 0
        try:
            main()
        except SystemExit as exit_:
            status = exit_.code or 0
        return status, capsys.readouterr()

    return command


@pytest.mark.slow
def test_the_commands(model, folder, whole, tmp_path, run):
    saved = save_run(model, tmp_path / "run")
    status, said = run(
        "evaluate", saved, folder, "--out", tmp_path / "e", "--extracted", whole, "--split", "all"
    )
    assert status == 0 and "n = 12 images" in said.out
    status, said = run(
        "study", "doubtful_labels", saved, folder, "--out", tmp_path / "d", "--extracted", whole
    )
    assert status == 0 and (tmp_path / "d" / "summary.json").is_file(), said.err


def test_the_commands_refuse(model, folder, whole, tmp_path, run):
    saved = save_run(model, tmp_path / "run")
    status, said = run("study", "heads", saved, folder, "--out", "h", "--extracted", whole)
    assert status == 2 and "--extracted" in said.err
    status, said = run("evaluate", saved, folder, "--out", tmp_path / "e", "--extracted", folder)
    assert status == 2 and "no extraction" in said.err and said.err.count("\n") == 1


def test_studies_that_take_extracted_answers():
    taking = {name for name, study in find_studies().items() if study.from_extraction}
    assert taking == {"evaluate", "doubtful_labels", "measurements"}
