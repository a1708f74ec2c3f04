"""The shortcut audit: models that learned the ground are flagged, others are not; with or without
a model."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover.cli import main
from intr_discover.data import rings
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.studies.budget import Speed
from intr_discover.studies.shortcut_numbers import class_table, condition_table
from intr_discover.studies.shortcuts import STUDY
from intr_discover.studies.study import StudyInputs
from tests.studies.drawn import draw_specimens, tiny_explainer
from tests.studies.shortcut_collections import CLASSES, draw, fit


def inputs_of(explainer, folder, given=None, **changes):
    specimens = folder if isinstance(folder, Specimens) else Specimens.read(folder)
    return STUDY.inputs(StudyInputs(explainer, specimens, "test", **changes), given)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("shortcuts")


@pytest.fixture(scope="module")
def ground(place):
    return Specimens.read(draw(place / "ground", "ground"))


@pytest.fixture(scope="module")
def fitted(ground):
    return fit(ground)


@pytest.fixture(scope="module")
def on_ground(ground, fitted):
    return STUDY.run(inputs_of(fitted, ground))


@pytest.fixture(scope="module")
def on_specimen(place):
    specimens = Specimens.read(draw(place / "specimen", "specimen"))
    return STUDY.run(inputs_of(fit(specimens), specimens))


# Time for eight photographs: 8 · (6 + 7 + 0.03), and 33.5 for cues, tests and drawing.
EIGHT = {"seconds": 140.0, "speed": Speed(1.0, 1.0)}


# What is flagged


def test_a_model_that_learned_the_ground_is_flagged(on_ground):
    summary = on_ground.summary
    assert summary["flagged"] is True and summary["n_flagged_classes"] >= 3
    assert summary["data_flagged"] is True and summary["no_specimen_accuracy"] >= 0.95
    assert summary["background_flip_rate"] >= 0.7 and summary["flip_rate_same"] <= 0.2
    assert summary["to_donor_rate"] >= 0.5
    said = " ".join(STUDY.findings(on_ground))
    assert "Warning: the labels can be told without the specimen" in said
    assert "on the background" in said and f"of {summary['n_background']} photographs" in said


def test_a_model_that_learned_the_specimen_is_not(on_specimen):
    summary = on_specimen.summary
    assert summary["accuracy"] > 0.5  # or there would be nothing to flag
    assert summary["flagged"] is False and summary["n_flagged_classes"] == 0
    assert summary["data_flagged"] is False
    said = " ".join(STUDY.findings(on_specimen))
    assert "Warning" not in said and "No class was found to rest on the background" in said


def test_the_same_photographs_with_another_model(ground):
    """The photographs are flagged whatever the model."""
    result = STUDY.run(inputs_of(tiny_explainer(CLASSES), ground))
    assert result.summary["data_flagged"] is True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shortcut", "flagged"), [("none", False), ("background", True), ("ruler", True)]
)
def test_drawn_butterflies_without_a_model(tmp_path, shortcut, flagged):
    folder = rings.write_collection(
        tmp_path / "r", 14, size=96, seed=4, ring_count=2, shortcut=shortcut, split="test"
    )
    result = STUDY.run(inputs_of(None, folder))
    assert result.summary["data_flagged"] is flagged
    assert result.summary["flagged"] is None and result.summary["off_specimen_mass"] is None
    assert ("Warning: the labels" in STUDY.findings(result)[0]) is flagged
    if shortcut == "background":
        assert result.summary["n_pairs_told_by_cue"] == 2
        assert "Look-alikes that a cue tells apart" in " ".join(STUDY.findings(result))


def test_few_photographs_of_each_class_are_taken_together(ground, fitted):
    limited = inputs_of(fitted, ground, **EIGHT)
    result = STUDY.run(limited)
    assert result.summary["n"] == 8 and result.summary["n_flagged_classes"] == 0
    assert result.summary["flagged"] is True and result.summary["background_p"] <= 0.05
    assert "taken together, the classes rest on the background" in " ".join(STUDY.findings(result))


# Numbers


def test_the_tables_agree(on_ground):
    table, conditions = on_ground.table, on_ground.tables["conditions"].set_index("condition")
    assert len(table) == 32 and on_ground.summary["n"] == 32
    for name in ("grey", "shuffled", "same", "other", "removed"):
        assert conditions.loc[name, "flip_rate"] == pytest.approx(table[f"flip_{name}"].mean())
        changed = table[f"answer_{name}"] != table["predicted"]
        assert (changed == (table[f"flip_{name}"] == 1)).all()
    assert conditions.loc["original", "accuracy"] == table["correct"].mean()
    assert on_ground.summary["off_specimen_mass"] == pytest.approx(table["off_specimen"].mean())
    heads = table[[column for column in table if column.startswith("off_head_")]]
    np.testing.assert_allclose(heads.mean(axis=1), table["off_specimen"])
    # 14 of 32 rows and 16 of 32 columns, and cells of 8: rows 9 to 22, columns 8 to 23.
    assert on_ground.summary["even_share"] == pytest.approx(1 - 14 * 16 / 32**2)


def photographs(lost_other, lost_same, lead=4.0, label="ant", off=0.3, even=0.6):
    count = len(lost_other)
    rows = {"label": [label] * count, "correct": [True] * count, "lead": [lead] * count,
            "off_specimen": np.broadcast_to(off, count), "even_share": [even] * count}  # fmt: skip
    for name in ("grey", "shuffled", "same", "other", "removed"):
        lost = {"other": lost_other, "same": lost_same}.get(name, [0.0] * count)
        known = [math.nan if math.isnan(loss) else float(loss > lead) for loss in lost]
        rows |= {
            f"lead_lost_{name}": lost,
            f"flip_{name}": known,
            f"correct_{name}": [1 - flip for flip in known],
        }
    return pd.DataFrame(rows)


def test_classes_by_hand():
    table = pd.concat(
        [
            photographs([5.0] * 8, [1.0] * 8),  # all of the lead
            photographs([1.0] * 8, [0.2] * 8, label="bee"),  # a fifth: surely, but slightly
            photographs([3.0, -3.0] * 4, [0.0] * 8, label="cat"),
            photographs([2.0], [0.0], label="dog"),
            photographs([2.0] * 8, [math.nan] * 8, label="eel"),
            photographs([0.4] * 8, [0.0] * 8, label="fox", lead=0.1, off=0.9),
        ]
    )
    rows = class_table(table, 0).set_index("label")
    assert rows["rests_on_background"].tolist() == [True, False, False, False, False, False]
    assert rows.loc["ant", "background_lead"] == 4.0 and rows.loc["ant", "background_share"] == 1.0
    assert rows.loc["ant", "flip_other"] == 1.0 and rows.loc["ant", "flip_same"] == 0.0
    assert rows.loc["ant", "background_p"] == pytest.approx(2 / 2**8)
    assert rows.loc["bee", "background_share"] == pytest.approx(0.2)
    assert rows.loc["cat", "background_lead"] == 0.0
    assert math.isnan(rows.loc["dog", "background_q"])  # one photograph
    assert math.isnan(rows.loc["eel", "background_lead"])  # no other specimen of its class
    # The fox has hardly a lead; what it loses is measured by that of all 41 photographs.
    whole = (33 * 4.0 + 8 * 0.1) / 41
    assert rows.loc["fox", "background_share"] == pytest.approx(0.4 / whole)
    assert rows["looks_beside"].tolist() == [False] * 5 + [True]
    assert rows.loc["ant", "looks_beside_q"] < 0.05  # sure, but less than an even map


def test_a_class_that_is_not_recognised_rests_on_nothing():
    known, unknown = (
        photographs([5.0] * 8, [1.0] * 8),
        photographs([5.0] * 8, [1.0] * 8, -2.0, "bee"),
    )
    rows = class_table(pd.concat([known, unknown]), 0).set_index("label")
    assert rows["rests_on_background"].tolist() == [True, False]


def test_conditions_by_hand():
    table = condition_table(photographs([5.0, 5.0, 1.0, math.nan], [0.0] * 4), 0)
    other = table.set_index("condition").loc["other"]
    assert other["n"] == 3  # one was not possible
    assert other["flip_rate"] == pytest.approx(2 / 3) and other["accuracy"] == pytest.approx(1 / 3)
    assert other["lead_lost"] == pytest.approx(11 / 3)


def test_groups_of_columns(place):
    specimens = Specimens.read(
        draw(
            place / "groups",
            "specimen",
            camera=lambda place, number: f"camera {number % 2}",
            serial=lambda place, number: f"{place}-{number}",
        )
    )
    result = STUDY.run(inputs_of(tiny_explainer(CLASSES), specimens))
    groups = result.tables["groups"]
    assert groups["group"].tolist() == ["camera 0", "camera 1"] and groups["n"].tolist() == [16, 16]
    assert result.tables["columns"].to_dict("records") == [
        {"column": "serial", "why_no_cue": "nearly every photograph has its own value"}
    ]
    assert "camera" in result.tables["cues"]["cue"].tolist()
    left = STUDY.run(inputs_of(None, specimens, {"leave_out": "camera, serial"}))
    assert "camera" not in left.tables["cues"]["cue"].tolist()
    with pytest.raises(UserError, match="no column 'cam'; it has image, label"):
        STUDY.run(inputs_of(None, specimens, {"leave_out": "cam"}))


# Figures, plan, edges


def test_everything_is_drawn_and_written(on_ground, tmp_path):
    assert list(on_ground.drawings) == ["examples", "off_specimen", "heads", "backgrounds", "cues"]
    assert set(on_ground.captions) == set(on_ground.drawings)
    on_ground.save(tmp_path / "out")
    written = json.loads((tmp_path / "out" / "summary.json").read_text())
    for number in STUDY.key_numbers:
        assert written[number.key] is not None


def test_batches_change_nothing(ground, fitted, on_ground):
    other = STUDY.run(inputs_of(fitted, ground, batch_size=5))
    columns = [column for column in on_ground.table if column.startswith("answer_")]
    pd.testing.assert_frame_equal(other.table[columns], on_ground.table[columns])


def test_the_plan(ground):
    explainer = tiny_explainer(CLASSES)
    plan = STUDY.plan(inputs_of(explainer, ground))
    assert (plan.images, plan.of, plan.encodes, plan.decodes) == (32, 32, 6 * 32, 7 * 32)
    least = inputs_of(explainer, ground, seconds=0.0, speed=Speed(1.0, 1.0))
    assert STUDY.plan(least).images == 1
    limited = inputs_of(explainer, ground, **EIGHT)
    assert STUDY.plan(limited).images == 8
    assert STUDY.plan(limited).seconds(EIGHT["speed"]) <= EIGHT["seconds"]
    few = STUDY.run(limited)
    assert few.summary["n"] == 8 and few.summary["n_cue_photographs"] == 28
    # Two photographs of each class, but donors from the whole collection.
    assert few.summary["n_background"] == 8 and few.summary["flip_rate_same"] is not None
    assert few.table["image"].is_monotonic_increasing
    alone = STUDY.plan(inputs_of(None, ground))
    assert (alone.images, alone.encodes, alone.decodes) == (32, 0, 0)


def test_a_plain_classifier_has_no_attention(ground):
    tiny = tiny_explainer(CLASSES)
    config = PlainConfig(num_classes=4, backbone="resnet18")
    plain = Explainer(PlainClassifier(config), CLASSES, tiny.preprocessing, device="cpu")
    result = STUDY.run(inputs_of(plain, ground))
    assert result.summary["off_specimen_mass"] is None
    assert result.summary["background_flip_rate"] is not None
    assert "off_specimen" not in result.drawings and "backgrounds" in result.drawings
    assert "attention" not in " ".join(STUDY.findings(result))


@pytest.mark.parametrize("masks", [True, False])
def test_one_photograph_of_one_class(tmp_path, masks):
    folder = draw_specimens(tmp_path / "d", ["ant"], per_label=1, masks=masks)
    result = STUDY.run(inputs_of(tiny_explainer(["ant"]), folder))
    assert result.summary["n"] == 1 and result.summary["data_flagged"] is None
    assert result.summary["flagged"] is None and result.summary["background_flip_rate"] is None
    said = " ".join(STUDY.findings(result))
    assert "was not tested" in said and ("Caution" in said) is not masks
    result.save(tmp_path / "out")


def test_nothing_to_be_seen_of_any_specimen(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant", "bee"], per_label=3)
    Image.fromarray(np.zeros((40, 56), np.uint8)).save(folder / "specimen.png")
    result = STUDY.run(inputs_of(tiny_explainer(["ant", "bee"]), folder))
    assert result.summary["n_without_mask"] == 6 and result.summary["off_specimen_mass"] is None
    assert "in 6 photographs no specimen was found" in " ".join(STUDY.findings(result))
    result.save(tmp_path / "out")


# The command


def run(monkeypatch, capsys, *words):
    monkeypatch.setattr("sys.argv", ["intr-discover", *map(str, words)])
    try:
        main()
        status = 0
    except SystemExit as leaving:
        status = leaving.code or 0
    return (status, *capsys.readouterr())


def test_the_command_without_a_model(monkeypatch, capsys, ground, tmp_path):
    out = tmp_path / "out"
    words = ["study", "shortcuts", "--no-model", ground.root, "--out", out]
    status, printed, _ = run(monkeypatch, capsys, *words)
    assert status == 0 and "can be told without the specimen" in printed
    record = json.loads((out / "provenance.json").read_text())
    assert record["model_fingerprint"] is None and record["settings"]["split"] == "all"
    assert json.loads((out / "summary.json").read_text())["data_flagged"] is True


def test_wrong_places_are_explained(monkeypatch, capsys, ground, tmp_path):
    out = ["--out", tmp_path / "out"]
    status, _, err = run(monkeypatch, capsys, "study", "shortcuts", ground.root, *out)
    assert status == 2 and "give a run and photographs, or --no-model" in err
    two = ["study", "shortcuts", "demo", ground.root, "--no-model", *out]
    status, _, err = run(monkeypatch, capsys, *two)
    assert status == 2 and "give the photographs alone" in err
    status, _, err = run(
        monkeypatch, capsys, "study", "explanations", "demo", ground.root, "--no-model", *out
    )
    assert status == 2 and "--no-model" in err  # this study needs one
    assert not (tmp_path / "out").exists()
