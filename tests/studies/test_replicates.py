"""The study of replicates on real little models: a twin agrees, a stranger is measured."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.model.checkpoint import save_checkpoint
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.studies.replicate_tables import class_table, edit_table
from intr_discover.studies.replicates import STUDY
from intr_discover.studies.study import StudyInputs
from tests.explain.conftest import tiny_model
from tests.studies.drawn import draw_specimens, tiny_explainer

LABELS = ["ant", "bee", "cat"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("replicates") / "d"
    return Specimens.read(draw_specimens(folder, LABELS, 3, pairs=[("ant", "bee")]))


def another(folder, change=0.0, classes=tuple(LABELS), data="same", **config):
    """Write a run folder with the tiny model, its weights moved by some noise."""
    model = tiny_model(num_classes=len(classes), **config)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += change * torch.randn(parameter.shape, generator=generator)
    names = {
        "classes": list(classes),
        "preprocessing": tiny_explainer(LABELS).preprocessing.as_dict(),
        "data": {"fingerprint": data},
    }
    save_checkpoint(folder, model, names)
    return str(folder)


def inputs_of(specimens, *others, model=None, **changes):
    model = tiny_explainer(LABELS) if model is None else model
    return STUDY.inputs(
        StudyInputs(model, specimens, "test", **changes), {"others": list(others) or None}
    )


@pytest.fixture(scope="module")
def done(drawn, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    twin = another(folder / "twin", 1e-5)
    stranger = another(folder / "stranger", 0.1)
    return STUDY.run(inputs_of(drawn, twin, stranger))


def test_a_twin_agrees_with_the_first_in_everything(done):
    pairs = done.tables["pairs"].set_index(["training_a", "training_b"])
    assert pairs.loc[("tiny", "twin"), "map_correlation"] > 0.99
    assert pairs.loc[("tiny", "stranger"), "map_correlation"] < 0.9
    heads = done.tables["heads"]
    twins = heads[(heads["training_a"] == "tiny") & (heads["training_b"] == "twin")]
    assert (twins["head_a"] == twins["head_b"]).all()
    assert (done.table["answer_1"] == done.table["answer_2"]).all()
    for name in ("first", "control", "attribute"):
        known = done.table[f"flip_{name}_1"].notna()
        same = done.table[f"flip_{name}_1"] == done.table[f"flip_{name}_2"]
        assert same[known].all()


def test_the_table_and_the_numbers_fit(done):
    table, summary = done.table, done.summary
    assert len(table) == summary["n"] == 9 and summary["trainings"] == 3
    assert summary["map_correlation"] == pytest.approx(table["map_correlation"].mean())
    assert summary["map_correlation_low"] <= summary["map_correlation"]
    expected = [len(set(row)) == 1 for row in table[[f"answer_{k}" for k in (1, 2, 3)]].to_numpy()]
    assert table["same_answer"].tolist() == expected
    assert summary["same_answer"] == pytest.approx(np.mean(expected))
    assert set(done.tables["trainings"]["training"]) == {1, 2, 3}
    assert summary["n_same_part"] == 9  # every photograph has a known spot
    assert STUDY.findings(done)[0].startswith("The 3 trainings agree on where to look in ")


def test_everything_is_written(done, tmp_path):
    done.save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"replicates.csv", "agreement.png", "examples.pdf", "replicates_heads.csv"} <= names
    record = json.loads((tmp_path / "provenance.json").read_text())
    assert len(record["settings"]["other_fingerprints"]) == 2


def test_without_attributes_masks_and_pairs(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant", "bee", "cat"], 1, masks=False, attributes=False)
    other = another(tmp_path / "other", 0.1)
    result = STUDY.run(inputs_of(Specimens.read(folder), other))
    summary = result.summary
    assert summary["same_part"] is None and summary["n_same_part"] == 0
    assert summary["n_attribute"] == 0 and summary["attribute_agreement"] is None
    assert summary["map_correlation_chance"] is None  # one photograph a class
    assert summary["n_species_known"] == 0 and summary["species_agree"] is None
    assert "nothing is said of single species" in STUDY.findings(result)[0]
    result.save(tmp_path / "out")


def test_trainings_with_other_cells_and_other_classes_compare(drawn, tmp_path):
    other = another(
        tmp_path / "other", 0.01, ("cat", "dog", "bee", "ant"), backbone_stride=16, heads=4
    )
    result = STUDY.run(inputs_of(drawn, other))
    assert result.provenance["settings"]["grid"] == [2, 3]  # 32 × 45 pixels in cells of 16
    assert len(result.tables["heads"]) == 2  # as many as the training with fewer has
    assert np.isfinite(result.table["map_correlation"]).all()
    assert result.drawings["examples"]() is not None


def test_numbers_do_not_depend_on_the_batch_size(drawn, tmp_path):
    other = another(tmp_path / "other", 0.05)
    one = STUDY.run(inputs_of(drawn, other, batch_size=1))
    many = STUDY.run(inputs_of(drawn, other, batch_size=32))
    pd.testing.assert_frame_equal(one.table, many.table, rtol=1e-4)


def test_the_plan_counts_what_is_done(drawn, tmp_path):
    plan = STUDY.plan(inputs_of(drawn, "a", "b"))
    # Three trainings: each photograph, and four edited copies of it.
    assert (plan.images, plan.of, plan.encodes) == (9, 9, 9 * 3 * 5)


def test_progress_comes_to_its_end(drawn, tmp_path):
    steps = []
    given = inputs_of(
        drawn, another(tmp_path / "o", 0.1), progress=lambda *step: steps.append(step)
    )
    STUDY.run(given)
    assert steps[-1] == (27, 27) and steps == sorted(steps)


def test_trainings_of_other_photographs_are_pointed_out(drawn, tmp_path):
    first = another(tmp_path / "first", 0.0)
    other = another(tmp_path / "other", 0.05, data="different")
    from intr_discover.explain.explainer import load

    result = STUDY.run(inputs_of(drawn, other, model=load(first, device="cpu")))
    assert "other was trained on other photographs" in STUDY.findings(result)[-1]


def test_what_cannot_be_compared_is_said(drawn, tmp_path):
    assert "--with RUN2" in STUDY.needs(inputs_of(drawn))
    with pytest.raises(UserError, match=r"--with .*its weights are those of"):
        STUDY.run(inputs_of(drawn, another(tmp_path / "same")))
    with pytest.raises(UserError, match="does not know"):
        STUDY.run(inputs_of(drawn, another(tmp_path / "few", 0.1, ("ant", "dog", "cat"))))
    names = {
        "classes": LABELS, "preprocessing": tiny_explainer(LABELS).preprocessing.as_dict(),
    }  # fmt: skip
    save_checkpoint(tmp_path / "plain", PlainClassifier(PlainConfig(3, backbone="resnet18")), names)
    with pytest.raises(UserError, match="plain classifier has no maps"):
        STUDY.run(inputs_of(drawn, str(tmp_path / "plain")))
    with pytest.raises(UserError, match="absent"):
        STUDY.run(inputs_of(drawn, "absent"))


def test_answers_that_are_no_numbers_are_refused(drawn, tmp_path):
    with pytest.raises(UserError, match="NaN or infinite numbers"):
        STUDY.run(inputs_of(drawn, another(tmp_path / "nan", float("nan"))))


# Tables by hand


def test_verdicts_of_edits_by_hand():
    photographs = pd.DataFrame(
        {
            "all_right": [True, True, True, True, False],
            "flip_own_1": [1.0, 1, 0, 0, 1],
            "flip_own_2": [1.0, 0, 0, 0, 1],
            "flip_control_1": [0.0, np.nan, 0, 0, 0],
            "flip_control_2": [0.0, np.nan, 0, 0, 0],
            "flip_attribute_1": [np.nan] * 5,
            "flip_attribute_2": [np.nan] * 5,
        }
    )
    table = edit_table(photographs, 2).set_index("edit")
    assert table.index.tolist() == ["own", "control"]
    own = table.loc["own"]
    assert (own["n"], own["all"], own["some"], own["none"]) == (4, 0.25, 0.25, 0.5)
    assert own["agreement"] == 0.75 and own["chance"] == pytest.approx(0.5 * 0.25 + 0.5 * 0.75)
    assert table.loc["control", "n"] == 3 and table.loc["control", "none"] == 1
    assert len(edit_table(photographs.assign(all_right=False), 2)) == 0


def test_species_that_agree_by_hand():
    rows = [("alike", 0.9, 0.2)] * 4 + [("by chance", 0.9, 0.9)] * 4 + [("unlike", 0.1, 0.0)] * 4
    rows += [("few", 0.9, 0.1)] * 2
    table = pd.DataFrame(rows, columns=["label", "map_correlation", "map_correlation_chance"])
    table[["head_correlation", "same_place", "same_answer"]] = 1.0
    verdicts = class_table(table, 0).set_index("label")["verdict"].to_dict()
    assert verdicts == {
        "alike": "agree", "by chance": "do not agree", "unlike": "do not agree",
        "few": "cannot be said",
    }  # fmt: skip


def test_an_attribute_known_to_be_absent_is_not_erased(tmp_path):
    folder = draw_specimens(tmp_path / "d", LABELS, 2, pairs=[("ant", "bee")])
    spots = pd.read_csv(folder / "attributes.csv")
    spots["state"] = ["present" if "/00-" in image else "absent" for image in spots["image"]]
    spots.to_csv(folder / "attributes.csv", index=False)
    result = STUDY.run(inputs_of(Specimens.read(folder), another(tmp_path / "other", 0.1)))
    erased = result.table.set_index("image")["flip_attribute_1"].notna()
    assert set(erased[erased].index) == {"images/00-00.png", "images/00-01.png"}
