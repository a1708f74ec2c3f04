"""The study as a whole, on small drawn photographs and little models with random weights."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import nn

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.model.checkpoint import save_checkpoint
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.studies.budget import Speed
from intr_discover.studies.faithfulness import STUDY
from intr_discover.studies.faithfulness_design import BatchedPlan, design
from intr_discover.studies.faithfulness_measure import choose_markers, choose_subjects, measure
from intr_discover.studies.judge import Judge
from intr_discover.studies.perturbation import passes
from intr_discover.studies.saliency_methods import METHODS, Markers
from intr_discover.studies.study import StudyInputs
from tests.studies.drawn import draw_specimens, tiny_explainer
from tests.studies.test_saliency_methods import plain_explainer

CLASSES = ["ant", "bee", "cat"]
QUICK = {"steps": 4, "rise_masks": 6, "rise_cells": 2, "images": "all", "rise_photographs": 2}


def inputs_of(folder, given=None, explainer=None, **changes):
    inputs = StudyInputs(
        explainer or tiny_explainer(CLASSES), Specimens.read(folder), "test", **changes
    )
    return STUDY.inputs(inputs, {**QUICK, **(given or {})})


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faithfulness") / "drawn"
    return draw_specimens(folder, CLASSES, per_label=2, pairs=[("ant", "bee")])


@pytest.fixture(scope="module")
def result(drawn):
    return STUDY.run(inputs_of(drawn))


@pytest.fixture(scope="module")
def plain_run(tmp_path_factory):
    return save_run(plain_explainer(CLASSES), tmp_path_factory.mktemp("runs") / "plain")


def save_run(explainer, folder):
    save_checkpoint(
        folder,
        explainer.model,
        {"classes": explainer.classes, "preprocessing": explainer.preprocessing.as_dict()},
    )
    return str(folder)


# Rows and tables


def test_one_row_for_each_photograph_and_method(result):
    table = result.table
    without_plain = [name for name in METHODS if not name.endswith("plain")]
    assert set(table["method"]) == set(without_plain)
    counts = table["method"].value_counts()
    assert counts["rise"] == 2 and counts["intr_mean"] == counts["random"] == 6
    assert table[["insertion", "deletion", "lerf"]].stack().between(0, 1).all()
    np.testing.assert_allclose(table["srg"], table["lerf"] - table["deletion"])
    assert result.summary["n"] == 6 and result.summary["n_rise"] == 2
    assert result.summary["judge"] == "intr" and result.summary["steps"] == 4


def test_a_row_agrees_with_the_definition(drawn, result):
    """The deletion of one map, done again picture by picture."""
    explainer, specimens = tiny_explainer(CLASSES), Specimens.read(drawn)
    row = result.table[result.table["method"] == "intr_mean"].iloc[0]
    explanation = explainer.explain(specimens.root / row["image"])
    assert row["asked"] == explanation.predicted
    assert row["probability"] == pytest.approx(explanation.probability, abs=1e-5)
    saliency = explanation.heatmap(shape=explanation.resized_shape)
    picture = explainer.preprocessing(explanation.photograph)
    order = np.argsort(-saliency.ravel(), kind="stable")
    scores = []
    for step in range(5):
        changed = picture.clone().flatten(1)
        changed[:, torch.from_numpy(order[: round(step * order.size / 4)].copy())] = 0
        with torch.inference_mode():
            logits = explainer.model(changed.view_as(picture)[None]).logits[0]
        scores.append(logits.softmax(0)[explainer.classes.index(row["asked"])].item())
    by_hand = (sum(scores) - scores[0] / 2 - scores[-1] / 2) / 4
    assert row["deletion"] == pytest.approx(by_hand, abs=2e-3)


def test_all_curves_share_their_ends(result):
    curves = result.tables["curves"]
    of_all = curves[curves["n"] == 6]
    for curve, group in of_all.groupby("curve"):
        ends = group[group["step"].isin([0, 4])].groupby("step")["probability"]
        assert (ends.max() - ends.min()).max() < 1e-9, curve
    assert len(curves) == 5 * 3 * 7


def test_pointing_is_on_the_attribute_that_separates(result):
    # Only ant and bee are look-alikes: four photographs have a region.
    assert result.summary["region"] == "attribute"
    assert result.summary["n_region_intr_mean"] == 4
    cats = result.table[result.table["label"] == "cat"]
    assert cats["pointing"].isna().all() and cats["energy"].isna().all()
    known = result.table[result.table["label"] != "cat"]
    assert known["region_share"].unique() == pytest.approx([36 / (40 * 56)])
    np.testing.assert_allclose(known["lift"], known["energy"] / known["region_share"])


def test_without_look_alikes_the_specimen_is_the_region(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=1)
    summary = STUDY.run(inputs_of(folder, {"rise_photographs": 0})).summary
    assert summary["region"] == "specimen" and summary["n_region_random"] == 3
    assert summary["n_rise"] == 0 and summary["insertion_rise"] is None


def test_the_batch_changes_nothing_and_the_seed_repeats(drawn, result):
    again = STUDY.run(inputs_of(drawn, batch_size=5)).table
    columns = ["insertion", "deletion", "lerf", "energy"]
    # RISE sums in another order; its nearly equal pixels may change places.
    firm, firm_again = (t[t["method"] != "rise"] for t in (result.table, again))
    np.testing.assert_allclose(firm[columns], firm_again[columns], atol=1e-5)
    np.testing.assert_allclose(result.table[columns], again[columns], atol=1e-2)
    same = STUDY.run(inputs_of(drawn))
    pd.testing.assert_frame_equal(same.table, result.table)
    other = STUDY.run(inputs_of(drawn, seed=1)).table
    random = other["method"] == "random"
    assert not np.allclose(other[random]["deletion"], result.table[random]["deletion"])


def test_what_is_written(result, tmp_path):
    result.save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {
        "faithfulness.csv", "faithfulness_methods.csv", "faithfulness_differences.csv",
        "faithfulness_curves.csv", "faithfulness_randomisation.csv", "curves.png", "scores.pdf",
        "side_by_side.png", "randomisation.pdf",
    } <= names  # fmt: skip
    settings = json.loads((tmp_path / "provenance.json").read_text())["settings"]
    assert settings["rise"] == {"masks": 6, "cells": 2, "share": 0.5}
    assert settings["judge"] == "intr" and settings["steps"] == 4
    assert set(result.captions) == set(result.drawings)


def test_findings_say_the_numbers(result):
    said = " ".join(STUDY.findings(result))
    assert "judge: the model itself; 6 photographs" in said
    assert f"{result.summary['insertion_intr_mean']:.2f}" in said
    assert "against Grad-CAM of INTR, paired over 6 photographs" in said
    assert "the attribute that separates the look-alikes" in said
    assert "When the decoder forgets" in said and "RISE was left out" not in said
    assert "nan" not in said and "None" not in said


# The judge and the plain model


def test_another_judge(drawn, plain_run):
    result = STUDY.run(inputs_of(drawn, {"judge": plain_run}))
    plain = plain_explainer(CLASSES)
    answers = plain.logits(Specimens.read(drawn).paths).argmax(axis=1)
    asked = result.table.drop_duplicates("image")["asked"]
    assert list(asked) == [CLASSES[number] for number in answers]
    assert result.summary["judge"] == plain_run
    assert result.summary["n_gradcam_plain"] == 6  # the judge is also the plain model
    assert f"the run {plain_run}" in " ".join(STUDY.findings(result))


def test_answers_that_the_model_does_not_know_are_left_out(drawn, tmp_path):
    judge = plain_explainer(["dog", "eel"])
    with torch.no_grad():
        judge.model.network.fc.bias.copy_(torch.tensor([9.0, -9.0]))
    run = save_run(judge, tmp_path / "dogs")
    with pytest.raises(UserError, match="whose answer by the judge is a class of the model"):
        STUDY.run(inputs_of(drawn, {"judge": run}))


def test_only_those_that_both_name_rightly(drawn):
    explainer = tiny_explainer(CLASSES)
    specimens = Specimens.read(drawn)
    answers = explainer.logits(specimens.paths).argmax(axis=1)
    right = [
        image
        for image, label, answer in zip(
            specimens.table["image"], specimens.table["label"], answers, strict=True
        )
        if CLASSES[answer] == label
    ]
    assert 0 < len(right) < 6  # the model is not trained
    result = STUDY.run(inputs_of(drawn, {"images": "both_right"}))
    assert set(result.table["image"]) == set(right)
    assert result.summary["n"] == len(right) and result.summary["n_looked_at"] == 6


def test_nothing_named_rightly_is_one_clear_line(tmp_path):
    explainer = tiny_explainer(CLASSES)
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=1)
    answers = explainer.logits(Specimens.read(folder).paths).argmax(axis=1)
    table = pd.read_csv(folder / "specimens.csv")
    table["label"] = [CLASSES[(answer + 1) % 3] for answer in answers]
    table.to_csv(folder / "specimens.csv", index=False)
    with pytest.raises(UserError, match="among 3 photographs there is none that the model and the"):
        STUDY.run(inputs_of(folder, {"images": "both_right"}, explainer))


# Choices, plan


def test_patches(drawn):
    result = STUDY.run(inputs_of(drawn, {"unit": "patches", "photographs": 2}))
    assert result.summary["unit"] == "patches" and result.summary["n"] == 2
    assert result.table["deletion"].between(0, 1).all()


def test_photographs_of_different_sizes(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=1, masks=False, attributes=False)
    path = folder / "images/01-00.png"
    Image.open(path).resize((40, 90)).save(path)
    result = STUDY.run(inputs_of(folder))
    assert result.summary["n"] == 3 and result.summary["region"] is None
    assert result.summary["pointing_intr_mean"] is None
    assert "strongest on" not in " ".join(STUDY.findings(result))


def test_one_photograph(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant"], per_label=1)
    result = STUDY.run(inputs_of(folder))
    assert result.summary["n"] == 1 and result.summary["insertion_intr_mean_low"] is None
    assert "nan" not in " ".join(STUDY.findings(result))
    result.save(tmp_path / "out")


def test_the_plan_counts_what_is_done(drawn):
    explainer = tiny_explainer(CLASSES)
    counted = {"backbone": 0, "decoder": 0}

    def count(name, images):
        def counting(module, given, output):
            counted[name] += len(given[images])

        return counting

    plan = STUDY.plan(inputs_of(drawn, explainer=explainer))
    # The model is copied to be forgotten, and the copy counts with it.
    for name, images in (("backbone", 0), ("decoder", 1)):  # the decoder is given queries first
        getattr(explainer.model, name).register_forward_hook(count(name, images))
    STUDY.run(inputs_of(drawn, explainer=explainer))
    assert plan.images == 6 and plan.of == 6
    assert counted["backbone"] == plan.encodes
    # A second question about a photograph that is encoded already is answered from memory.
    assert plan.decodes - 2 * plan.images <= counted["decoder"] <= plan.decodes


def test_passes_of_a_plan_by_hand(drawn):
    inputs = inputs_of(drawn, {"images": "both_right", "photographs": 3})
    chosen, plan = design(inputs)
    # Six methods (Grad-CAM twice), three curves, four steps: 3 + 6 · 3 · 3 pictures.
    assert passes(4, 6, 3) == 57
    # Six are classified to find three; RISE on two: 6 masks, 9 pictures. Six layers on three.
    assert plan.encodes == 6 + 3 * (57 + 1 + 2) + 2 * 15 + 2 * 7 * 3
    assert plan.decodes == 6 + 3 * (57 + 4 + 2) + 2 * 15 + 2 * 7 * 3
    assert (chosen.photographs, chosen.looked_at, chosen.with_rise) == (3, 6, 2)


def test_less_time_is_a_short_form_that_fits(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=10)
    given = {"steps": 28, "rise_masks": 500}
    speed = Speed(0.03, 0.005)
    for seconds in (20.0, 40.0, 80.0, 160.0):
        inputs = inputs_of(folder, given, seconds=seconds, speed=speed)
        chosen, plan = design(inputs)
        assert chosen.preview and chosen.steps == 10 and chosen.curves == ("insertion", "deletion")
        assert plan.seconds(speed) <= seconds
        assert "finercam_intr" not in chosen.methods
        more = replace(chosen, photographs=chosen.photographs + 1)
        assert more.photographs == 31 or plan.images == chosen.photographs
    assert design(inputs_of(folder, given, seconds=20.0, speed=speed))[0].with_rise == 0
    rich = design(inputs_of(folder, given, seconds=160.0, speed=speed))[0]
    assert rich.with_rise >= 2 and rich.photographs > 6 and rich.rise.masks == 250
    # All the time: everything.
    assert not design(inputs_of(folder, given, seconds=1e6, speed=speed))[0].preview
    full = design(inputs_of(folder, given, seconds=1.0, speed=speed, full=True))[0]
    assert full.photographs == full.with_rise == 30


def test_the_short_form_runs(drawn):
    inputs = inputs_of(drawn, {"steps": 28}, seconds=13.0, speed=Speed(0.01, 0.01))
    result = STUDY.run(inputs)
    assert result.summary["n"] == STUDY.plan(inputs).images < 6
    assert result.summary["srg_intr_mean"] is None
    assert "did not fit into the time" in " ".join(STUDY.findings(result))
    assert result.figures()


def test_large_photographs_are_not_cheaper_in_a_batch():
    plan = BatchedPlan(images=1, of=1, encodes=10, decodes=10, extra_seconds=1.0)
    assert plan.seconds(Speed(2.0, 1.0)) == pytest.approx(10 * (1.94 + 0.94) + 1)
    assert plan.seconds(Speed(0.05, 0.05)) == pytest.approx(10 * (0.0425 + 0.005) + 1)


def test_too_little_time_is_said_and_not_overrun(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=10)
    inputs = inputs_of(folder, seconds=20.0, speed=Speed(1.0, 0.1))
    with pytest.raises(UserError, match=r"a photograph takes \d+ passes .* too many for the time"):
        STUDY.plan(inputs)
    with pytest.raises(UserError, match="too many for the time"):
        STUDY.plan(replace(inputs, seconds=0.0, speed=Speed(1e-4, 1e-4)))


# Faults


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"unit": "cells"}, "--unit cells: there is no such choice; use pixels or patches"),
        ({"images": "right"}, "--images right: there is no such choice"),
        ({"steps": 1}, "--steps 1: it must be at least 2"),
        ({"photographs": 0}, "--photographs 0: it must be at least 1"),
        ({"rise_photographs": -1}, "--rise-photographs -1: it must be at least 0"),
        ({"rise_share": 1.5}, "share of visible cells"),
        ({"judge": "absent"}, "--judge absent: there is no such run"),
        ({"plain": "absent"}, "--plain absent: there is no such run"),
        ({"plain": "demo"}, "--plain demo: this run is no plain classifier"),
    ],
)
def test_wrong_choices_are_one_clear_line(drawn, given, words):
    with pytest.raises(UserError, match=words):
        STUDY.run(inputs_of(drawn, given))


def test_broken_weights_name_the_photograph(drawn):
    explainer = tiny_explainer(CLASSES)
    with torch.no_grad():
        explainer.model.projection.weight.fill_(math.nan)
    with pytest.raises(UserError, match=r"images/00-00\.png: the answer of tiny is no number"):
        STUDY.run(inputs_of(drawn, explainer=explainer))


class Contrast(nn.Module):
    """Divides by the contrast of a picture, which an empty one does not have."""

    def forward(self, images):
        means = images.mean(dim=(2, 3))
        return (
            means * 0 + means / (images.amax(dim=(1, 2, 3)) - images.amin(dim=(1, 2, 3)))[:, None]
        )


def test_a_judge_that_breaks_on_a_changed_picture_is_named(drawn):
    model = PlainClassifier(PlainConfig(num_classes=3, backbone="resnet18"))
    inputs = inputs_of(drawn)
    judge = Explainer(model, CLASSES, inputs.explainer.preprocessing, source="j", device="cpu")
    model.network.forward = Contrast().forward
    markers = Markers(inputs.explainer, Judge(judge, "j"))
    chosen = replace(design(inputs)[0], with_rise=0)
    subjects, _ = choose_subjects(inputs, chosen, markers)
    with pytest.raises(UserError, match=r"images/.*\.png: the judge's probability is no number"):
        measure(inputs, chosen, markers, subjects)


def test_who_is_refused(drawn):
    plain = plain_explainer(CLASSES)
    assert "no class queries" in STUDY.needs(
        STUDY.inputs(StudyInputs(plain, Specimens.read(drawn), "test"))
    )
    single = StudyInputs(tiny_explainer(["ant"]), Specimens.read(drawn), "test")
    assert "a single class" in STUDY.needs(STUDY.inputs(single))
    assert STUDY.needs(inputs_of(drawn)) is None


def test_one_run_is_loaded_once(drawn, plain_run):
    inputs = inputs_of(drawn, {"judge": plain_run, "plain": plain_run})
    markers = choose_markers(inputs, design(inputs)[0])
    assert markers.plain is markers.judge.explainer
