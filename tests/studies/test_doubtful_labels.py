"""Doubtful labels: planted ones are found, folds are judged together, training rows never."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from intr_discover.data.rings import write_collection
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain import explainer as explaining
from intr_discover.explain.explainer import load
from intr_discover.studies.doubtful_labels import STUDY
from intr_discover.studies.pooling import pool_study
from intr_discover.studies.study import StudyInputs
from tests.studies.drawn import draw_specimens, tiny_explainer

LABELS = ["ant", "bee", "cat"]


class Scripted:
    """An explainer whose answers are known: by the number in the name of the photograph."""

    def __init__(self, rows):
        self.real = tiny_explainer(LABELS)
        self.classes, self.rows, self.source = LABELS, rows, "scripted"
        self.fingerprint, self.model = "0" * 64, self.real.model
        self.device_name, self.precision = self.real.device_name, self.real.precision

    def logits(self, paths, *, batch_size=32, progress=None):
        return np.log(np.array([self.rows[path.name] for path in paths]))


def answers(specimens, **special):
    """Return probabilities by file: 0.9 for the label, other ones where they are given."""
    rows = {}
    for image, label in zip(specimens.table["image"], specimens.table["label"], strict=True):
        name = image.rpartition("/")[2]
        own = [0.05, 0.05, 0.05]
        own[LABELS.index(label)] = 0.9
        rows[name] = special.get(name.removesuffix(".png").replace("-", "_").lstrip("0"), own)
    return rows


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return Specimens.read(draw_specimens(tmp_path_factory.mktemp("doubts") / "d", LABELS, 4))


def inputs_of(specimens, model, split="test", **given):
    return STUDY.inputs(StudyInputs(model, specimens, split), given)


@pytest.fixture(scope="module")
def judged(drawn):
    rows = answers(drawn)
    rows["00-01.png"] = [0.02, 0.96, 0.02]  # labelled ant, a bee
    rows["01-02.png"] = [0.02, 0.5, 0.48]  # between bee and cat
    return rows


def test_both_kinds_are_listed_the_worst_first(drawn, judged):
    result = STUDY.run(inputs_of(drawn, Scripted(judged)))
    assert result.table["image"].tolist() == ["images/00-01.png", "images/01-02.png"]
    assert result.table["rank"].tolist() == [1, 2]
    assert result.table["kind"].tolist() == ["looks like another", "between two"]
    assert result.table["looks_like"].tolist() == ["bee", "cat"]
    assert result.summary["n_mislabelled"] == 1 and result.summary["n_between"] == 1
    assert result.summary["n"] == 12 and result.summary["mislabelled_share_low"] > 0
    assert len(result.tables["all"]) == 12
    classes = result.tables["classes"].set_index("label")
    assert classes.loc["ant", "threshold"] == pytest.approx((3 * 0.9 + 0.02) / 4)
    first, second, *_, last = STUDY.findings(result)
    assert "1 photograph of 12" in first and "images/00-01.png (label ant, 2.0 %; bee" in first
    assert "between two classes" in second and last.startswith("A doubt is no verdict")


def test_files_and_figure(drawn, judged, tmp_path):
    result = STUDY.run(inputs_of(drawn, Scripted(judged)))
    result.save(tmp_path)
    assert pd.read_csv(tmp_path / "doubtful_labels.csv")["image"][0] == "images/00-01.png"
    probabilities = pd.read_csv(tmp_path / "doubtful_labels_probabilities.csv")
    np.testing.assert_allclose(probabilities.filter(like="probability of").sum(axis=1), 1)
    assert (tmp_path / "doubtful.png").is_file()


def test_no_doubt_is_said_so(drawn, tmp_path):
    result = STUDY.run(inputs_of(drawn, Scripted(answers(drawn))))
    assert len(result.table) == 0 and not result.drawings
    assert STUDY.findings(result)[0].startswith("None of the 12 labels is doubted")
    result.save(tmp_path)
    assert (tmp_path / "doubtful_labels.csv").read_text().startswith("rank,image,label")


def test_photographs_of_one_specimen_are_counted(drawn, judged):
    ids = ["s1", "s1"] + [f"s{row}" for row in range(2, 12)]
    specimens = drawn.with_table(drawn.table.assign(specimen_id=ids))
    row = STUDY.run(inputs_of(specimens, Scripted(judged))).table.iloc[0]
    assert (row["specimen_id"], row["specimen_photographs"], row["specimen_doubted"]) == (
        "s1", 2, 1,
    )  # fmt: skip


def test_folds_are_judged_together(drawn, judged):
    whole = STUDY.run(inputs_of(drawn, Scripted(judged)))
    rows = np.arange(len(drawn))
    parts = {
        fold: STUDY.run(
            inputs_of(drawn.with_table(drawn.table.iloc[rows % 2 == fold - 1]), Scripted(judged))
        )
        for fold in (1, 2)
    }
    pooled = pool_study(STUDY, parts, replace(inputs_of(drawn, None), split="out of fold"))
    assert pooled.summary == whole.summary
    assert pooled.table["image"].tolist() == whole.table["image"].tolist()
    assert pooled.table["fold"].tolist() == [2, 1]
    np.testing.assert_allclose(pooled.table["margin"], whole.table["margin"])
    assert "doubtful" in pooled.drawings and pooled.tables["folds"]["fold"].tolist() == [1, 2]


def test_training_rows_are_never_judged(drawn):
    model = Scripted(answers(drawn))
    for split in ("train", "val", "all"):
        assert "not trained on them" in STUDY.needs(inputs_of(drawn, model, split))
    assert STUDY.needs(inputs_of(drawn, model, "all", unseen=True)) is None
    assert STUDY.needs(inputs_of(drawn, model)) is None
    one = Scripted(answers(drawn))
    one.classes = ["ant"]
    assert "single class" in STUDY.needs(inputs_of(drawn, one))


def test_answers_that_are_no_numbers_are_refused(drawn):
    rows = answers(drawn)
    rows["00-02.png"] = [np.nan, 0.5, 0.5]
    with pytest.raises(UserError, match=r"00-02.png.*no numbers"):
        STUDY.run(inputs_of(drawn, Scripted(rows)))


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_planted_labels_are_found_by_the_demo_model(tmp_path):
    """On 64 fresh specimens, 3 with a wrong label: all that is found was planted."""
    if not explaining.DEMO_MODEL.is_dir():
        pytest.skip("the demo model is not in this installation")
    write_collection(tmp_path / "rings", 4, seed=4711)
    specimens = Specimens.read(tmp_path / "rings")
    labels = specimens.table["label"].to_numpy(dtype=object).copy()
    planted = [5, 23, 50]
    for row in planted:
        place = specimens.classes.index(labels[row])
        labels[row] = specimens.classes[(place + 3) % len(specimens.classes)]
    swapped = specimens.with_table(specimens.table.assign(label=labels, split="test"))
    result = STUDY.run(inputs_of(swapped, load("demo", device="cpu")))
    found = set(result.table.loc[result.table["kind"] == "looks like another", "image"])
    wanted = set(specimens.table["image"].iloc[planted])
    assert len(found & wanted) >= 2 and len(found - wanted) <= 1
    assert set(result.tables["all"]["image"].head(3)) == wanted
