"""Transplants: on drawn specimens, on rings with the demo's model, and tables by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover import Specimens, load
from intr_discover.data.rings import write_collection
from intr_discover.edits.transfer import transfer
from intr_discover.edits.warping import Places, places_by_landmarks
from intr_discover.errors import UserError
from intr_discover.studies.budget import Speed
from intr_discover.studies.pooling import pool_study
from intr_discover.studies.result import StudyResult
from intr_discover.studies.study import StudyInputs
from intr_discover.studies.transplant_tables import by_direction, kinds_of_difference, summarise
from intr_discover.studies.transplant_trials import Exchange
from intr_discover.studies.transplants import STUDY
from tests.studies.drawn import HEIGHT, SPOT, WIDTH, draw_specimens, tiny_explainer

CLASSES = ["ant", "bee", "cat"]


def inputs_of(specimens, explainer=None, **options):
    explainer = explainer or tiny_explainer(CLASSES)
    return STUDY.inputs(StudyInputs(explainer, specimens, "test"), options)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("transplants") / "drawn"
    return Specimens.read(draw_specimens(folder, ["ant", "bee"], 4, pairs=[("ant", "bee")]))


@pytest.fixture(scope="module")
def result(drawn):
    return STUDY.run(inputs_of(drawn))


def same_place(shape):
    rows, columns = np.indices(shape).astype(np.float64)
    return Places(columns, rows)


def test_the_region_shows_the_donor_and_nothing_else_changes():
    generator = np.random.default_rng(0)
    photograph, donor = generator.integers(0, 256, (2, 20, 30, 3), dtype=np.uint8)
    region = np.zeros((20, 30), dtype=bool)
    region[5:9, 10:20] = True
    changed = transfer(photograph, region, donor, same_place((20, 30)))
    assert np.array_equal(changed[region], donor[region])
    assert np.array_equal(changed[~region], photograph[~region])
    assert np.array_equal(
        transfer(photograph, region, donor, same_place((20, 30)), strength=0), photograph
    )
    assert np.array_equal(
        transfer(photograph, region & False, donor, same_place((20, 30))), photograph
    )


def test_the_donor_may_lie_elsewhere_and_be_larger():
    donor = np.zeros((60, 80, 3), dtype=np.uint8)
    donor[10:20, 12:24] = (255, 0, 0)
    corners = {"a": (0.0, 0.0), "b": (20.0, 0.0), "c": (0.0, 20.0)}
    twice = {name: (2 * x + 2, 2 * y) for name, (x, y) in corners.items()}
    places = places_by_landmarks(twice, corners, (30, 30))
    changed = transfer(np.full((30, 30, 3), 7, np.uint8), np.ones((30, 30)), donor, places)
    rows, columns = np.nonzero(changed[..., 0] > 127)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (5, 9, 5, 10)


def test_both_directions_are_tried_with_controls_of_the_own_kind(result, drawn):
    assert result.table[["label", "mate"]].to_numpy().tolist() == [["ant", "bee"], ["bee", "ant"]]
    images = result.tables["images"]
    labels = dict(zip(drawn.table["image"], drawn.table["label"], strict=True))
    assert len(images) == 8 and set(images["controls"]) == {2}
    assert all(labels[row["donor"]] == row["mate"] for _, row in images.iterrows())
    assert set(images["region"]) == {"spot"} and set(images["aligned_by"]) == {"mask"}
    n = result.summary["n"]
    assert n + result.summary["n_wrong_before"] == 8
    assert result.table["n"].sum() == n


def test_a_control_is_never_the_same_specimen(drawn):
    table = drawn.table.assign(specimen_id=["s1", "s1", "s2", "s3"] * 2)
    exchange = Exchange(tiny_explainer(CLASSES), drawn.with_table(table), 0.04, 0)
    for row in range(4):
        trial = exchange.trial(row, "bee", "spot", 3)
        assert row not in trial.controls
        ids = {table["specimen_id"].iloc[control] for control in trial.controls}
        assert table["specimen_id"].iloc[row] not in ids
        assert len(trial.controls) == (2 if row < 2 else 3)
        assert trial.donor >= 4


def test_only_the_region_is_exchanged(drawn):
    trial = Exchange(tiny_explainer(CLASSES), drawn, 0.04, 0).trial(0, "bee", "spot", 1)
    assert trial.region[SPOT].all() and trial.region.sum() == 60  # with a round fringe of a pixel
    moved = (trial.changed != trial.photograph).any(axis=2)
    rows, columns = np.nonzero(moved)
    assert rows.min() >= 10 and rows.max() <= 19 and columns.min() >= 12 and columns.max() <= 21


def with_larger_spots_of(folder, place):
    """Give the specimens of one class, by its number, a spot of two pixels more on each side."""
    larger = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    larger[10:20, 12:22] = 255
    Image.fromarray(larger).save(folder / "larger.png")
    table = pd.read_csv(folder / "attributes.csv")
    table.loc[table["image"].str.startswith(f"images/{place:02d}"), "mask"] = "larger.png"
    table.to_csv(folder / "attributes.csv", index=False)
    return larger > 0


def test_the_control_exchanges_the_same_pixels(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant", "bee"], 3, [("ant", "bee")])
    larger = with_larger_spots_of(folder, 0)
    specimens = Specimens.read(folder)
    generator = np.random.default_rng(0)
    for path in specimens.paths:  # no two have the same colour anywhere, or nearly so
        noise = generator.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path)
    exchange = Exchange(tiny_explainer(CLASSES), specimens, 0.04, 0)
    trial = exchange.trial(3, "ant", "spot", 2)  # a bee, whose own spot is small
    assert trial.region[larger].all() and trial.donor_region[larger].all()
    assert len(trial.control_pictures) == 2
    for picture in (trial.changed, *trial.control_pictures):
        differs = (picture != trial.photograph).any(axis=2)
        assert np.array_equal(differs[trial.region], np.ones(trial.region.sum(), dtype=bool))
        assert not differs[~trial.region].any()


@pytest.mark.parametrize("bearers", ["images/00", "images/01"])
def test_the_mask_of_a_mark_that_one_species_has_is_enough(tmp_path, bearers):
    folder = draw_specimens(tmp_path / "d", ["ant", "bee"], 3, [("ant", "bee")])
    table = pd.read_csv(folder / "attributes.csv")
    table[table["image"].str.startswith(bearers)].to_csv(folder / "attributes.csv", index=False)
    images = STUDY.run(inputs_of(Specimens.read(folder))).tables["images"]
    assert len(images) == 6 and set(images["region"]) == {"spot"}
    assert images["area"].unique() == pytest.approx([60 / (HEIGHT * WIDTH)])  # spot and fringe


def test_the_mask_of_another_pair_does_not_count(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, 2, [("ant", "bee")])
    table = pd.read_csv(folder / "attributes.csv")
    table[table["image"].str.startswith("images/02")].to_csv(folder / "attributes.csv", index=False)
    images = STUDY.run(inputs_of(Specimens.read(folder))).tables["images"]
    assert set(images["region"]) == {"attention"}


@pytest.mark.parametrize("region", ["attribute", "attention"])
def test_the_plan_counts_what_is_done(tmp_path, monkeypatch, region):
    pairs = [("ant", "bee"), ("ant", "cat")]  # an ant has two look-alikes
    specimens = Specimens.read(draw_specimens(tmp_path / "d", CLASSES, 3, pairs))
    inputs = inputs_of(specimens, region=region)
    plan, model = STUDY.plan(inputs), type(inputs.explainer.model)
    counts = {"encode": 0, "decode": 0}
    for name, asked in (("encode", model.encode), ("decode", model.decode)):

        def counted(self, given, *rest, name=name, asked=asked, **more):
            counts[name] += len(given.cells if name == "decode" else given)
            return asked(self, given, *rest, **more)

        monkeypatch.setattr(model, name, counted)
    STUDY.run(inputs)
    assert plan.images == 9 and counts == {"encode": plan.encodes, "decode": plan.decodes}


def test_a_limited_time_is_kept_and_said(drawn):
    speed = Speed(0.01, 0.0)
    whole = STUDY.plan(replace(inputs_of(drawn), seconds=99.0, speed=speed))
    assert whole.images == 8 and whole.encodes == 8 * 4
    seconds = whole.extra_seconds + 4.5 * 4 * 0.01
    few = replace(inputs_of(drawn), seconds=seconds, speed=speed)
    assert STUDY.plan(few).images == 8  # no fewer than eight, however little time there is
    assert len(STUDY.run(few).tables["images"]) == 8


def test_a_single_specimen_of_each_has_no_control(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant", "bee"], 1, [("ant", "bee")])
    result = STUDY.run(inputs_of(Specimens.read(folder), tiny_explainer(["ant", "bee"])))
    assert result.summary["control_flip_rate"] is None
    said = " ".join(STUDY.findings(result))
    assert "no other specimen" in said or "misnames all" in said
    assert "nan" not in said.lower() and "None" not in said


def test_nothing_is_said_of_photographs_that_are_all_misnamed():
    images = pd.DataFrame(rows("ant", "bee", [1, 2], [0, 0], [True, True], right=False))
    result = StudyResult("transplants", by_direction(images, 0), summarise(images, 0))
    assert STUDY.findings(result) == [
        "The model misnames all 2 photographs that were tried: there is no right answer that a "
        "transplant could change."
    ]


def test_kinds_of_difference_stand_side_by_side():
    images = pd.DataFrame(
        rows("ant", "bee", [5, 6], [1, 1], [True, False], kind="shape")
        + rows("cat", "dog", [5, 6], [1, 1], [True, True], kind="colour")
    )
    summary = summarise(images, 0)
    assert (summary["n_shape"], summary["n_colour"], summary["n_presence"]) == (2, 2, 0)
    assert (summary["to_mate_rate_shape"], summary["to_mate_rate_colour"]) == (0.5, 1.0)
    result = StudyResult("transplants", by_direction(images, 0), summary)
    assert result.summary["to_mate_rate_presence"] is None
    said = STUDY.findings(result)[1]
    assert "colour 100.0 % of 2" in said and "shape 50.0 % of 2" in said and "presence" not in said


def test_a_foreign_table_called_rings_is_left_alone(tmp_path):
    assert kinds_of_difference(tmp_path) == {}
    (tmp_path / "rings.csv").write_text("tree,ring\noak,3\n")
    assert kinds_of_difference(tmp_path) == {}
    (tmp_path / "rings.csv").write_text("label_a,label_b,difference\nant,bee,shape\n")
    assert kinds_of_difference(tmp_path) == {frozenset(("ant", "bee")): "shape"}


def test_without_attributes_the_heads_say_what_is_exchanged(tmp_path):
    folder = draw_specimens(tmp_path / "bare", ["ant", "bee"], 2, [("ant", "bee")], True, False)
    result = STUDY.run(inputs_of(Specimens.read(folder), share=0.1))
    images = result.tables["images"]
    assert set(images["region"]) == {"attention"}
    assert images["area"].between(0.1, 0.2).all()  # of receiver and donor together


def test_what_is_written(result, tmp_path):
    result.save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"transplants.csv", "transplants_images.csv", "directions.png"} <= names
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["n_pairs"] == 1 and 0 <= (summary["to_mate_rate"] or 0) <= 1
    assert set(result.captions) == set(result.drawings)
    assert "%" in STUDY.findings(result)[0]


def test_on_rings_the_look_alike_is_recognised_and_the_own_kind_stays(tmp_path):
    write_collection(tmp_path / "rings", 3, ring_count=2, seed=808, split="test")
    specimens = Specimens.read(tmp_path / "rings")
    result = STUDY.run(inputs_of(specimens, load("demo", device="cpu"), controls=1))
    assert result.summary["n"] >= 11
    assert result.summary["to_mate_rate"] > 0.8
    assert result.summary["control_flip_rate"] < 0.2
    assert result.summary["shift_beyond_controls"] > 3
    assert result.summary["n_presence"] == result.summary["n_shape"] == 6  # ember and tigris
    assert set(result.table["kind"]) == {"presence", "shape"}


def test_folds_are_one_table_of_photographs(drawn, result):
    pooled = pool_study(STUDY, {0: result, 1: result}, inputs_of(drawn))
    assert pooled.summary["n"] == 2 * result.summary["n"]
    assert pooled.summary["to_mate_rate"] == result.summary["to_mate_rate"]
    assert pooled.tables["images"]["fold"].tolist() == [0] * 8 + [1] * 8
    assert set(pooled.drawings) == set(pooled.captions) == {"directions"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"region": "wing"}, "--region wing is unknown"),
        ({"controls": 0}, "--controls 0"),
        ({"share": 1.0}, "--share 1.0"),
    ],
)
def test_options_that_cannot_be(drawn, options, message):
    with pytest.raises(UserError, match=message):
        STUDY.plan(inputs_of(drawn, **options))


def test_an_attribute_that_is_not_known_is_said(tmp_path):
    folder = draw_specimens(tmp_path / "bare", ["ant", "bee"], 2, [("ant", "bee")], True, False)
    with pytest.raises(UserError, match="no attribute is known that separates ant from bee"):
        STUDY.run(inputs_of(Specimens.read(folder), region="attribute"))


def test_without_pairs_it_says_why_it_cannot_run(tmp_path):
    folder = draw_specimens(tmp_path / "alone", ["ant", "bee"], 2)
    assert "no look-alikes are named" in STUDY.needs(inputs_of(Specimens.read(folder)))


def test_specimens_that_cannot_be_laid_over_each_other_are_said(tmp_path):
    folder = draw_specimens(tmp_path / "flat", ["ant", "bee"], 2, [("ant", "bee")], masks=False)
    specimens = Specimens.read(folder)
    for path in specimens.paths:
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)).save(path)
    with pytest.raises(UserError, match="no specimen can be laid over another"):
        STUDY.run(inputs_of(specimens))


def test_a_model_that_is_always_wrong_has_no_answer_to_change(drawn, tmp_path):
    swapped = drawn.table.assign(label=["cat"] * 4 + ["bee"] * 4)
    for names in (CLASSES, CLASSES[::-1], ["bee", "cat", "ant"]):
        specimens = drawn.with_table(swapped)
        specimens.pairs = pd.DataFrame({"label_a": ["cat"], "label_b": ["bee"]})
        found = STUDY.run(inputs_of(specimens, tiny_explainer(names), region="attention"))
        found.save(tmp_path / names[0])
        assert STUDY.findings(found)
        if found.summary["n"] == 0:
            return
    pytest.fail("the tiny model is right somewhere under every order of names")


def rows(label, mate, shifts, control_shifts, to_mate, right=True, kind=None):
    return [
        {"pair": "ant / bee", "label": label, "mate": mate, "region": "spot", "right_before": right,
         "to_mate": hit, "flip": hit, "controls": 2, "control_flips": 0, "shift": shift,
         "control_shift": control, "area": 0.1, "kind": kind}
        for shift, control, hit in zip(shifts, control_shifts, to_mate, strict=True)
    ]  # fmt: skip


def test_numbers_by_hand():
    images = pd.DataFrame(
        rows("ant", "bee", [5, 6, 7], [1, 1, 1], [True, True, False])
        + rows("bee", "ant", [0, 0, 0], [0, 0, 0], [False] * 3)
        + rows("bee", "ant", [99], [0], [True], right=False)
    )
    table = by_direction(images, 0).set_index("label")
    assert (table.loc["ant", "n"], table.loc["bee", "n"]) == (3, 3)
    assert table.loc["bee", "n_wrong_before"] == 1
    assert table.loc["ant", "to_mate"] == pytest.approx(2 / 3)
    assert table.loc["ant", "difference"] == 5
    assert table.loc["ant", "p"] == pytest.approx(2 / 8)  # all signs alike, both ways
    assert table.loc["bee", "p"] == 1 and table.loc["ant", "q"] == pytest.approx(0.5)
    summary = summarise(images, 0)
    assert summary["n"] == 6 and summary["to_mate_rate"] == pytest.approx(1 / 3)
    assert summary["control_flip_rate"] == 0 and summary["shift_beyond_controls"] == 2.5
