"""The study as a whole, on small drawn photographs and little models with random weights."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover.data.specimens import Specimens
from intr_discover.edits.operation import Edit
from intr_discover.errors import UserError
from intr_discover.studies.budget import Speed
from intr_discover.studies.manipulation import STUDY
from intr_discover.studies.study import StudyInputs
from tests.studies.drawn import HEIGHT, SPECIMEN, SPOT, WIDTH, draw_specimens, tiny_explainer
from tests.studies.test_saliency_methods import plain_explainer

CLASSES = ["ant", "bee", "cat"]
QUICK = {"controls": 3, "rise_photographs": 1, "rise_masks": 4}


def inputs_of(folder, given=None, explainer=None, **changes):
    specimens = Specimens.read(folder) if not isinstance(folder, Specimens) else folder
    inputs = StudyInputs(explainer or tiny_explainer(CLASSES), specimens, "test", **changes)
    return STUDY.inputs(inputs, {**QUICK, **(given or {})})


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("manipulation") / "drawn"
    return draw_specimens(folder, CLASSES, per_label=2, pairs=[("ant", "bee")])


@pytest.fixture(scope="module")
def result(drawn):
    return STUDY.run(inputs_of(drawn))


def with_states(folder, states):
    """Write the state of each image's spot: one for each label, in their order."""
    table = pd.read_csv(folder / "attributes.csv")
    table["state"] = [states[int(name.split("/")[1][:2])] for name in table["image"]]
    table.to_csv(folder / "attributes.csv", index=False)
    return folder


# What is edited


def test_only_the_attribute_of_look_alikes_is_edited(result):
    table = result.table
    assert table["label"].tolist() == ["ant", "ant", "bee", "bee"]  # a cat has no look-alike
    assert table["target"].tolist() == ["bee", "bee", "ant", "ant"]
    assert set(table["region"]) == {"spot"} and result.summary["region"] == "attribute"
    # 6 × 6 pixels and a fringe of one on each side: not the corners.
    assert table["area"].unique() == pytest.approx([(36 + 24) / (HEIGHT * WIDTH)])
    assert (table["controls"] == 3).all() and table["p"].between(0.25, 1).all()
    assert table["second_fill"].unique().tolist() == ["surround"]
    assert table["confirmed"].isna().all()  # three controls give no p of 0.05


def test_a_row_agrees_with_the_definition(drawn, result):
    explainer, specimens = tiny_explainer(CLASSES), Specimens.read(drawn)
    row = result.table.iloc[0]
    photograph = np.asarray(Image.open(specimens.root / row["image"]))
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    rows, columns = SPOT
    mask[rows.start - 1 : rows.stop + 1, columns] = True
    mask[rows, columns.start - 1 : columns.stop + 1] = True
    before, after = explainer.logits([photograph, Edit("erase").apply(photograph, mask)])
    answer = int(before.argmax())
    leads = [logits[answer] - np.delete(logits, answer).max() for logits in (before, after)]
    assert row["answer_before"] == CLASSES[answer]
    assert row["answer_after"] == CLASSES[int(after.argmax())]
    assert row["drop"] == pytest.approx(leads[0] - leads[1], abs=1e-4)
    assert row["lead_before"] == pytest.approx(leads[0], abs=1e-4)


def test_tables_belong_together(result):
    controls, doses = result.tables["controls"], result.tables["doses"]
    assert len(controls) == 4 * 2 * 3 and len(doses) == 4 * 5
    first = controls[(controls["fill"] == "telea")].groupby("image")["drop"].mean()
    np.testing.assert_allclose(
        result.table.set_index("image")["control_drop"].sort_index(), first.sort_index()
    )
    whole = doses[doses["strength"] == 1].set_index("image")["drop"]
    np.testing.assert_allclose(result.table.set_index("image")["drop"], whole, atol=1e-9)
    assert (doses[doses["strength"] == 0]["drop"] == 0).all()
    assert len(result.tables["heads"]) == 4 * 2
    guided = result.tables["guided"]
    counts = guided[guided["share"].notna()]["method"].value_counts()
    assert counts["rise"] == 5 and counts["intr_mean"] == counts["random"] == 20


def test_summary_and_findings(result):
    summary = result.summary
    for key in ("flip_rate", "to_target_rate", "control_flip_rate", "median_p", "n"):
        assert key in summary
    assert summary["n"] == summary["n_photographs"] == 4 and summary["n_guided"] == 4
    assert summary["n_guided_rise"] == 1 and summary["n_bearers"] == 0
    assert summary["excess"] == pytest.approx(summary["drop"] - summary["control_drop"])
    said = " ".join(STUDY.findings(result))
    assert "4 photographs" in said and "95 % interval" in said and "RISE" not in said
    assert "nan" not in said.lower() and "None" not in said


def test_absent_attributes_cannot_be_erased_and_bearers_are_known(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, pairs=[("ant", "bee")])
    with_states(folder, ["present", "absent", "absent"])
    result = STUDY.run(inputs_of(folder, {"guided": False}))
    assert result.table["label"].tolist() == ["ant", "ant"]
    assert result.table["bearer"].tolist() == [True, True]
    assert result.summary["n_bearers"] == 2 and "guided" not in result.tables
    # To transplant it into the other is another matter; there the donor is an ant.
    moved = STUDY.run(inputs_of(folder, {"operation": "transplant", "guided": False}))
    assert moved.table["label"].tolist() == ["ant", "ant", "bee", "bee"]
    assert moved.table["second_fill"].unique().tolist() == ["seamless"]


def test_recolouring_takes_colours_of_the_look_alike(drawn):
    result = STUDY.run(inputs_of(drawn, {"operation": "recolour", "guided": False}))
    assert result.table["fill"].unique().tolist() == ["donor"]
    # The mask itself, without a fringe.
    assert result.table["area"].unique() == pytest.approx([36 / (HEIGHT * WIDTH)])
    assert "recoloured" in STUDY.findings(result)[0]


def test_attention_says_where_without_any_annotation(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, masks=False, attributes=False)
    result = STUDY.run(inputs_of(folder, {"guided": False, "share": 0.05}))
    assert result.summary["region"] == "attention" and result.summary["n"] == 6
    assert result.table["area"].unique() == pytest.approx([round(0.05 * 2240) / 2240])
    assert result.summary["to_target_rate"] is None and result.summary["n_target"] == 0
    assert "look-alike" not in STUDY.findings(result)[0]


def test_keypoints_are_discs_on_both_sides(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, attributes=False)
    names = Specimens.read(folder).table["image"]
    pd.DataFrame(
        [(name, f"{side}_eye", x, 20.0) for name in names[:4] for side, x in (("left", 20.0),
                                                                             ("right", 36.0))],
        columns=["image", "keypoint", "x", "y"],
    ).to_csv(folder / "keypoints.csv", index=False)  # fmt: skip
    given = {"keypoint": "eye", "radius": 0.05, "guided": False}  # 2 pixels: 13 in a disc
    result = STUDY.run(inputs_of(folder, given))
    assert result.summary["n"] == 4  # two images show none
    assert result.table["area"].unique() == pytest.approx([26 / 2240])
    with pytest.raises(UserError, match="no keypoint of this name; there are eye"):
        STUDY.plan(inputs_of(folder, {"keypoint": "ear"}))


def test_the_plan_is_honest_and_the_sample_keeps_to_it(drawn):
    # Photograph, two fills with three controls each, three strengths; maps cost one decode more.
    one = (1 + 8 + 3) * 0.01 + 13 * 0.001
    for wanted in (2, 4):
        inputs = inputs_of(drawn, {"guided": False}, seconds=99.0, speed=Speed(0.01, 0.001))
        seconds = STUDY.plan(inputs).extra_seconds + (wanted + 0.5) * one
        inputs = inputs_of(drawn, {"guided": False}, seconds=seconds, speed=Speed(0.01, 0.001))
        plan = STUDY.plan(inputs)
        assert plan.of == 4 and plan.images == wanted
        assert plan.encodes == wanted * 12 and plan.decodes == wanted * 13
        assert plan.seconds(inputs.speed) <= seconds
    assert len(STUDY.run(inputs).table) == plan.images


def test_guided_erasure_gives_way_and_a_slow_machine_does_without(drawn):
    slow = Speed(1.0, 0.1)
    assert STUDY.needs(inputs_of(drawn, seconds=500.0, speed=slow)) is None
    whole = STUDY.plan(inputs_of(drawn, seconds=500.0, speed=slow))
    assert whole.encodes > 4 * 12
    few = inputs_of(drawn, seconds=70.0, speed=slow)
    assert STUDY.needs(few) is None and STUDY.plan(few).encodes == 4 * 12
    reason = STUDY.needs(inputs_of(drawn, seconds=30.0, speed=slow))
    assert "12 passes of the model, too many" in reason and "study manipulation" in reason


def test_a_plan_counts_the_pictures_of_guided_erasure(drawn):
    hasty = STUDY.plan(inputs_of(drawn, seconds=9.0, speed=Speed(0.01, 0.001)))
    whole = STUDY.plan(inputs_of(drawn, {"rise_photographs": 2, "rise_masks": 7}))
    without = STUDY.plan(inputs_of(drawn, {"rise_photographs": 0}))
    assert hasty.encodes < without.encodes == whole.encodes - 14


def test_the_same_seed_gives_the_same_tables(drawn, result):
    again = STUDY.run(inputs_of(drawn, batch_size=3))
    numbers = result.table.select_dtypes("number").columns
    np.testing.assert_allclose(
        again.table[numbers].to_numpy(float), result.table[numbers].to_numpy(float), atol=1e-5
    )
    assert again.table["answer_after"].tolist() == result.table["answer_after"].tolist()


def test_everything_is_written(result, tmp_path):
    result.save(tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["n"] == 4 and not any(isinstance(v, float) and math.isnan(v)
                                         for v in summary.values())  # fmt: skip
    assert set(result.drawings) == set(result.captions) >= {"edit_01", "effects", "responses"}
    for name in result.drawings:
        assert (tmp_path / f"{name}.png").stat().st_size > 5000


# A table of edits


def write_edits(folder, rows, name="edits.csv"):
    pd.DataFrame(rows).to_csv(folder / name, index=False)
    return {"edits": str(folder / name), "guided": False}


def test_a_table_of_edits(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES)
    image = Specimens.read(folder).table["image"][0]
    given = write_edits(folder, [
        {"image": image, "mask": "spot.png", "operation": "erase", "fill": "colour",
         "colour": "#112233", "target": "bee"},
        {"image": image, "mask": "spot.png", "operation": "mirror", "feather": 1},
        {"image": image, "mask": "spot.png", "operation": "transplant", "donor": image,
         "donor_mask": "spot.png", "mirrored": "yes"},
    ])  # fmt: skip
    result = STUDY.run(inputs_of(folder, given))
    assert result.table["operation"].tolist() == ["erase", "mirror", "transplant"]
    assert result.summary["operation"] == "several" and result.summary["n_photographs"] == 1
    assert result.table["second_drop"].isna().tolist() == [False, True, False]
    assert result.table["target"].iloc[0] == "bee" and "edited" in STUDY.findings(result)[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image": "nobody.png"}, "row 2: there is no photograph 'nobody.png'"),
        ({"mask": "none.png"}, "row 2: there is no file"),
        ({"mask": None, "strength": 1}, "row 2: column 'mask' is empty"),
        ({"operation": "burn"}, "row 2: there is no operation 'burn'"),
        ({"operation": "paint"}, "row 2: paint needs strokes"),
        ({"feather": "wide"}, "row 2: feather 'wide' is no number"),
        ({"strength": 2}, "row 2: the strength is 2"),
        ({"mirrored": "perhaps", "operation": "transplant"}, "row 2: mirrored is yes or no"),
        ({"operation": "transplant"}, "row 2: transplant .* name both"),
        ({"donor": "spot.png"}, "row 2: erase .* takes no donor"),
        ({"target": "dog"}, "row 2: the model does not know the target 'dog'"),
    ],
)
def test_mistakes_in_a_table_are_named_by_row(tmp_path, changes, message):
    folder = draw_specimens(tmp_path / "d", CLASSES)
    image = Specimens.read(folder).table["image"][0]
    row = {"image": image, "mask": "spot.png", "operation": "erase"} | changes
    with pytest.raises(UserError, match=message):
        STUDY.run(inputs_of(folder, write_edits(folder, [row])))


def test_an_empty_mask_in_a_table_and_a_mask_of_another_size_are_refused(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES)
    image = Specimens.read(folder).table["image"][0]
    for size, message in (((WIDTH, HEIGHT), "is empty"), ((9, 9), "9 x 9 pixels")):
        Image.new("L", size).save(folder / "other.png")
        row = {"image": image, "mask": "other.png", "operation": "erase"}
        with pytest.raises(UserError, match=message):
            STUDY.run(inputs_of(folder, write_edits(folder, [row])))
    with pytest.raises(UserError, match="no table of edits"):
        STUDY.plan(inputs_of(folder, {"edits": str(folder / "none.csv")}))


# What cannot be done


def test_needs(drawn):
    assert STUDY.needs(inputs_of(drawn)) is None
    plain = plain_explainer(CLASSES)
    assert STUDY.needs(inputs_of(drawn, explainer=plain)) is None
    assert "no maps" in STUDY.needs(inputs_of(drawn, {"region": "attention"}, explainer=plain))
    assert "single class" in STUDY.needs(inputs_of(drawn, explainer=tiny_explainer(["ant"])))


def test_a_plain_classifier_is_edited_without_maps(drawn):
    result = STUDY.run(inputs_of(drawn, explainer=plain_explainer(CLASSES)))
    assert result.table["map_change"].isna().all() and result.summary["mass_before"] is None
    assert "heads" not in result.tables and "guided" not in result.tables
    assert len(result.figures()) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"region": "somewhere"}, "--region is auto"),
        ({"operation": "paint"}, "--operation is erase"),
        ({"region": "keypoint"}, "name the keypoint"),
        ({"keypoint": "eye"}, "there are no keypoints"),
        ({"share": 0.0}, "--share lies above 0"),
        ({"radius": 0.7, "keypoint": "eye"}, "--radius lies above 0"),
        ({"controls": -1}, "--controls is 0 or more"),
        ({"rise_masks": 0}, "at least 1 mask"),
        ({"fill": "magic"}, "erase has no fill 'magic'"),
        ({"region": "attention", "operation": "transplant"}, "takes its donor"),
    ],
)
def test_wrong_options_are_one_line(drawn, given, message):
    with pytest.raises(UserError, match=message):
        STUDY.plan(inputs_of(drawn, given))


def test_empty_masks_are_left_out_and_counted(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, pairs=[("ant", "bee")])
    table = pd.read_csv(folder / "attributes.csv")
    Image.new("L", (WIDTH, HEIGHT)).save(folder / "empty.png")
    table.loc[0, "mask"] = "empty.png"
    table.to_csv(folder / "attributes.csv", index=False)
    result = STUDY.run(inputs_of(folder, {"guided": False}))
    assert result.summary["n"] == 3 and result.summary["n_without_region"] == 1
    assert "mask is empty: 1 photograph." in STUDY.findings(result)[-1]
    table["mask"] = "empty.png"
    table.to_csv(folder / "attributes.csv", index=False)
    with pytest.raises(UserError, match="masks of all regions are empty"):
        STUDY.run(inputs_of(folder, {"guided": False}))


def test_no_room_for_controls(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant", "bee"], per_label=1, pairs=[("ant", "bee")])
    whole = np.zeros((HEIGHT, WIDTH), np.uint8)
    whole[SPECIMEN] = 255
    Image.fromarray(whole).save(folder / "spot.png")  # the attribute is the whole specimen
    result = STUDY.run(inputs_of(folder, explainer=tiny_explainer(["ant", "bee"])))
    assert result.summary["n"] == 2 and result.summary["median_p"] is None
    assert result.summary["control_flip_rate"] is None and result.summary["excess"] is None
    assert "No control region fits" in STUDY.findings(result)[0]
    assert len(result.figures()) == 3


def test_one_photograph(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant"], per_label=1, attributes=False)
    result = STUDY.run(inputs_of(folder, explainer=tiny_explainer(["ant", "bee"])))
    assert result.summary["n"] == 1 and result.summary["excess_p"] is None
    said = " ".join(STUDY.findings(result))
    assert "1 photograph" in said and "nan" not in said.lower() and "None" not in said
    assert len(result.figures()) == 3
