"""The study of heads on small drawn photographs: what it writes, its plan, and awkward inputs."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.studies.budget import Speed
from intr_discover.studies.head_sampling import ENOUGH
from intr_discover.studies.heads import STUDY
from intr_discover.studies.study import StudyInputs
from tests.explain.conftest import tiny_model
from tests.studies.drawn import draw_specimens, tiny_explainer

CLASSES = ["ant", "bee", "cat"]


def inputs_of(folder, explainer=None, given=None, **changes):
    given = {"images": "all", **(given or {})}  # the model is not trained
    explainer = explainer or tiny_explainer(CLASSES)
    return STUDY.inputs(StudyInputs(explainer, Specimens.read(folder), "test", **changes), given)


def add_keypoints(folder):
    images = pd.read_csv(folder / "specimens.csv")["image"]
    points = (("left_wing", 15, 20), ("right_wing", 40, 20), ("head", 28, 9))
    rows = [(image, *point) for image in images for point in points]
    table = pd.DataFrame(rows, columns=["image", "keypoint", "x", "y"])
    table.to_csv(folder / "keypoints.csv", index=False)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("heads") / "drawn"
    draw_specimens(folder, CLASSES, per_label=6, pairs=[("bee", "cat")])
    add_keypoints(folder)
    return folder


@pytest.fixture(scope="module")
def result(drawn):
    return STUDY.run(inputs_of(drawn))


def test_a_card_with_a_row_for_each_class_and_head(result):
    card = result.table
    assert list(zip(card["label"], card["head"], strict=True)) == [
        (label, head) for label in CLASSES for head in (0, 1)
    ]
    assert (card["n"] == 6).all() and card["consistency"].notna().all()
    assert (card["consistency"] == card["same_head"] - card["chance"]).all()
    assert (card["consistency_low"] <= card["consistency_high"]).all()
    assert card["q"].between(0, 1).all() and (card["q"] >= card["p"] - 1e-12).all()
    assert card["part_share"].between(0, 1).all() and card["stability"].between(0, 1).all()
    peaks = result.tables["peaks"]
    assert len(peaks) == 18 * 2 and set(peaks["head"]) == {0, 1}
    one = peaks[(peaks["label"] == "bee") & (peaks["head"] == 1)]
    row = card[(card["label"] == "bee") & (card["head"] == 1)].iloc[0]
    assert one["map_maximum"].mean() == pytest.approx(row["map_maximum"])
    assert one["importance"].mean() == pytest.approx(row["importance"])
    hit = one["parts"].str.split("; ").apply(lambda names: row["part"] in names).mean()
    assert hit == pytest.approx(row["part_share"])


def test_the_summary_has_what_others_read(result):
    for key in ("consistent_head_share", "mean_consistency", "mean_distinctness",
                "part_consistency", "n"):  # fmt: skip
        assert result.summary[key] is not None, key
    for number in STUDY.key_numbers:
        assert number.key in result.summary
        assert number.n is None or number.n in result.summary
    assert result.summary["n"] == result.summary["n_images"] == 18
    assert len(result.tables["layers"]) == 2 * 2  # two layers, two heads
    assert STUDY.findings(result)[0].endswith("by chance.")


def test_figures_are_drawn_with_captions(result, tmp_path):
    assert {"matrix", "layers", "atlas_01", "atlas_02", "atlas_03"} <= set(result.drawings)
    assert set(result.captions) == set(result.drawings)
    assert "bee" in result.captions["atlas_01"]  # classes of pairs come first
    result.save(tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary == result.summary
    assert (tmp_path / "out" / "heads_right_wrong.csv").is_file()


def test_only_right_photographs_count_by_default(drawn):
    inputs = inputs_of(drawn, given={"images": "right"})
    result = STUDY.run(inputs)
    photographs = result.tables["photographs"]
    assert (photographs["counted"] == photographs["right"]).all()
    assert 0 < photographs["right"].sum() < 18  # the model is not trained: some classes never
    for label, group in photographs.groupby("label"):
        rows = result.table[result.table["label"] == label]
        assert (rows["n"] == group["right"].sum()).all()
        assert (rows["consistency"].isna() == (group["right"].sum() < 5)).all()
    assert any("have no score" in sentence or "No head" in sentence
               for sentence in STUDY.findings(result))  # fmt: skip
    assert all(figure.axes for figure in result.figures().values())


def test_a_seed_decides_everything_and_the_batch_size_nothing(drawn, result):
    again = STUDY.run(inputs_of(drawn, batch_size=5))
    for name, value in result.summary.items():
        assert again.summary[name] == pytest.approx(value, abs=1e-4), name
    other = STUDY.run(inputs_of(drawn, seed=1))
    assert (other.table["consistency_low"] != result.table["consistency_low"]).any()
    assert other.summary["mean_consistency"] == pytest.approx(result.summary["mean_consistency"])


# The plan


def test_the_plan_counts_the_passes(drawn):
    plan = STUDY.plan(inputs_of(drawn))
    # Each photograph twice, the second time with noise. Own query and answer, noise, three passes
    # for two heads, and two layers.
    assert (plan.images, plan.of, plan.encodes) == (18, 18, 36)
    assert plan.decodes == 18 * (2 + 1 + 3 + 2)


def test_no_more_passes_than_planned(drawn):
    explainer = tiny_explainer(CLASSES)
    counted = {"encode": 0, "decode": 0}
    for name in counted:
        original = getattr(explainer.model, name)

        def counting(images, *args, _name=name, _original=original, **settings):
            counted[_name] += len(images)
            return _original(images, *args, **settings)

        setattr(explainer.model, name, counting)
    inputs = inputs_of(drawn, explainer)
    plan = STUDY.plan(inputs)
    STUDY.run(inputs)
    wrong = 18 - round(18 * STUDY.run(inputs).tables["photographs"]["right"].mean())
    assert counted["encode"] == 2 * plan.encodes  # it ran twice
    assert counted["decode"] == 2 * (plan.decodes - (18 - wrong))


def test_less_time_means_enough_photographs_of_fewer_classes(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=10)
    drawing = STUDY.plan(inputs_of(folder)).extra_seconds
    inputs = inputs_of(folder, seconds=drawing + 20, speed=Speed(1.0, 0.0))
    plan = STUDY.plan(inputs)
    assert plan.images == ENOUGH  # 55 % of 20 s for looking: 11 photographs, one class
    result = STUDY.run(inputs)
    assert result.summary["n_images"] == plan.images and result.summary["n_classes"] == 1
    assert result.summary["n_classes_scored"] == 1
    assert any("1 of 3 classes were looked at" in said for said in STUDY.findings(result))
    assert plan.seconds(Speed(1.0, 0.0)) <= drawing + 20


@pytest.mark.parametrize(("encode", "decode"), [(0.03, 0.01), (0.5, 0.1), (0.1, 0.5)])
def test_the_plan_keeps_to_the_time(tmp_path, encode, decode):
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=20, pairs=[("ant", "bee")])
    speed = Speed(encode, decode)
    plan = STUDY.plan(inputs_of(folder, seconds=24.0, speed=speed))
    assert plan.seconds(speed) <= 24.0
    assert plan.images >= ENOUGH


def test_no_time_at_all_is_a_small_plan(drawn):
    plan = STUDY.plan(inputs_of(drawn, seconds=0.0, speed=Speed(1.0, 1.0)))
    assert plan.images <= 8 and plan.encodes <= 16


# Edges


def test_one_photograph_of_one_class_with_nothing_known(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant"], per_label=1, masks=False, attributes=False)
    result = STUDY.run(inputs_of(folder, tiny_explainer(["ant"])))
    assert (result.table["note"] == "n too small").all()
    assert result.summary["n"] == 1 and result.summary["n_heads"] == 0
    assert result.summary["mean_consistency"] is None
    assert result.summary["part_consistency"] is None
    assert "parts" not in result.tables and "part" not in result.table
    assert STUDY.findings(result)[0].startswith("No head has a score")
    result.save(tmp_path / "out")


def test_one_head_has_nothing_to_compare_with(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=5)
    explainer = Explainer(
        tiny_model(num_classes=3, heads=1, decoder_layers=1), CLASSES,
        Preprocessing(32, "square"), device="cpu",
    )  # fmt: skip
    result = STUDY.run(inputs_of(folder, explainer))
    assert result.table["note"].str.startswith("one head").all()
    assert result.summary["head_similarity"] is None
    result.save(tmp_path / "out")


def test_parts_without_masks_and_attributes(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=5, masks=False, attributes=False)
    add_keypoints(folder)
    result = STUDY.run(inputs_of(folder))
    assert set(result.table["part"].dropna()) <= {"wing", "head"}
    assert result.summary["part_consistency"] is not None


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"images": "wrong"}, "--images wrong is unknown: use right or all"),
        ({"keypoint_radius": -0.1}, "--keypoint-radius -0.1 must lie between 0 and 0.5"),
        ({"per_head": 0}, "--per-head 0 must be 1 to 6"),
    ],
)
def test_options_out_of_range(drawn, given, message):
    with pytest.raises(UserError, match=message):
        STUDY.plan(inputs_of(drawn, given=given))
    with pytest.raises(UserError, match=message):
        STUDY.run(inputs_of(drawn, given=given))


def test_a_keypoint_off_the_photograph_is_one_line(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant"], per_label=1)
    (folder / "keypoints.csv").write_text("image,keypoint,x,y\nimages/00-00.png,head,99,5\n")
    with pytest.raises(UserError, match="lies off the photograph of 56 x 40 pixels"):
        STUDY.run(inputs_of(folder, tiny_explainer(["ant"])))


def test_a_mask_of_the_wrong_size_is_one_line(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant"], per_label=1)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(folder / "specimen.png")
    with pytest.raises(UserError, match=r"specimen\.png has 9 x 9 pixels"):
        STUDY.run(inputs_of(folder, tiny_explainer(["ant"])))


def test_a_plain_classifier_has_no_heads(drawn):
    model = PlainClassifier(PlainConfig(num_classes=3, backbone="resnet18"))
    plain = Explainer(model, CLASSES, Preprocessing(32, "shorter", 64), device="cpu")
    assert "no attention heads" in STUDY.needs(inputs_of(drawn, plain))
    assert STUDY.needs(inputs_of(drawn)) is None


def test_nan_is_nowhere_in_the_summary(result):
    assert not any(isinstance(value, float) and math.isnan(value)
                   for value in result.summary.values())  # fmt: skip
