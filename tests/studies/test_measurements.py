"""The study on drawn specimens, and its tables worked out by hand."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from intr_discover import Specimens
from intr_discover.errors import UserError
from intr_discover.studies.measurement_tables import MEASURES, between, by_head
from intr_discover.studies.measurements import STUDY
from intr_discover.studies.study import StudyInputs
from tests.studies.drawn import HEIGHT, WIDTH, draw_specimens, tiny_explainer


def inputs_of(specimens, classes, **options):
    inputs = StudyInputs(tiny_explainer(classes), specimens, "test")
    return STUDY.inputs(inputs, options)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measured") / "drawn"
    return Specimens.read(draw_specimens(folder, ["ant", "bee"], 6, pairs=[("ant", "bee")]))


@pytest.fixture(scope="module")
def result(drawn):
    return STUDY.run(inputs_of(drawn, ["ant", "bee", "cat"]))


def test_every_photograph_is_searched_by_its_own_query_and_its_look_alikes(result):
    table = result.table
    heads = table["head"].nunique()
    assert len(table) == 12 * 2 * heads
    assert not table.duplicated(["image", "query", "head"]).any()
    assert set(table["query"]) == {"ant", "bee"}
    own = table[table["label"] == table["query"]]
    for _, group in own.groupby(["query", "image"]):
        assert sorted(group["rank"]) == list(range(1, heads + 1))
    assert table.groupby(["query", "head"])["rank"].nunique().eq(1).all()


def test_numbers_lie_where_they_can(result):
    table = result.table
    assert table["area"].between(0, 1, inclusive="right").all()
    for column in ("frame_x", "frame_y", "on_specimen", "area_of_specimen", "attribute_overlap"):
        assert table[column].between(0, 1).all(), column
    assert table["lightness"].between(0, 100).all()
    assert table["x"].between(0, WIDTH - 1).all() and table["y"].between(0, HEIGHT - 1).all()
    assert set(table["attribute"].dropna()) <= {"spot"}


def test_the_whole_map_is_the_whole_photograph(drawn):
    table = STUDY.run(inputs_of(drawn, ["ant", "bee"], share=1.0)).table
    assert np.allclose(table["area"], 1) and np.allclose(table["area_of_specimen"], 1)
    assert np.allclose(table["x"], (WIDTH - 1) / 2) and np.allclose(table["y"], (HEIGHT - 1) / 2)
    # Colours are those of the specimen, whose greys the drawing sets: 60 and 90.
    lightness = table.groupby("label")["lightness"].mean()
    assert lightness["bee"] - lightness["ant"] > 8


def test_what_is_written_and_said(result, tmp_path):
    result.save(tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert {"measurements.csv", "measurements_heads.csv", "measurements_pairs.csv",
            "pair_01.png", "pair_01.pdf"} <= names  # fmt: skip
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["n"] == 12 and summary["n_pairs"] == 1
    assert STUDY.findings(result)[0].startswith("12 photographs were measured")
    assert "colour card" in STUDY.findings(result)[-1]


def test_without_masks_pairs_and_attributes_there_are_still_colours(tmp_path):
    folder = draw_specimens(tmp_path / "bare", ["ant"], 2, masks=False, attributes=False)
    result = STUDY.run(inputs_of(Specimens.read(folder), ["ant", "bee"]))
    assert result.table["on_specimen"].isna().all() and result.table["a"].notna().all()
    assert result.summary["pairs_that_differ"] is None and result.drawings == {}
    assert set(result.table["query"]) == {"ant"}
    assert len(STUDY.findings(result)) == 2


@pytest.mark.parametrize("share", [0.0, -1.0, 1.5])
def test_a_share_that_cannot_be(drawn, share):
    with pytest.raises(UserError, match="--share"):
        STUDY.plan(inputs_of(drawn, ["ant", "bee"], share=share))


@pytest.mark.parametrize("heads", ["", "top0", "top", "three", "top-1", "top3.5", "TOP3"])
def test_heads_that_cannot_be(drawn, heads):
    with pytest.raises(UserError, match="--heads must be all, or top and a number"):
        STUDY.plan(inputs_of(drawn, ["ant", "bee"], heads=heads))


@pytest.mark.parametrize(("heads", "compared"), [("top1", 1), ("all", 2), ("top9", 2)])
def test_so_many_heads_of_each_query_are_compared_and_all_are_in_the_table(drawn, heads, compared):
    result = STUDY.run(inputs_of(drawn, ["ant", "bee"], heads=heads))
    pairs, table = result.tables["pairs"], result.table
    there = table["head"].nunique()
    assert there == 2 and len(table) == 12 * 2 * there
    assert pairs.groupby("query")["head"].nunique().tolist() == [compared, compared]
    assert len(pairs) == 2 * compared * len(MEASURES)
    own = table[(table["label"] == table["query"]) & (table["rank"] <= compared)]
    assert result.summary["mean_area"] == pytest.approx(own["area"].mean())


def test_the_plan_counts_what_is_compared(drawn):
    extra = {
        heads: STUDY.plan(inputs_of(drawn, ["ant", "bee"], heads=heads)).extra_seconds
        for heads in ("top1", "all", "top9")
    }
    assert 0 < extra["top1"] < extra["all"] == extra["top9"]


def test_without_landmarks_no_part_is_named(result):
    assert result.table["part"].isna().all() and result.table["part_share"].isna().all()


def test_the_part_is_that_of_the_nearest_landmarks_left_and_right_together(drawn):
    collection = drawn.with_table(drawn.table)
    places = {"wing_left": (0, 20), "wing_right": (WIDTH - 1, 20), "head": (WIDTH / 2 - 0.5, 0)}
    collection.keypoints = pd.DataFrame(
        [(image, *each) for image in drawn.table["image"] for each in places.items()],
        columns=["image", "keypoint", "place"],
    )
    collection.keypoints[["x", "y"]] = collection.keypoints.pop("place").tolist()
    hidden = collection.keypoints["image"] == drawn.table["image"][0]
    collection.keypoints.loc[hidden & (collection.keypoints["keypoint"] != "head"), "x"] = np.nan
    table = STUDY.run(inputs_of(collection, ["ant", "bee"], share=1.0)).table
    assert set(table["part"]) <= {"wing", "head"}
    assert table["part_share"].between(1 / 2, 1).all()  # of two parts the larger
    alone = table[table["image"] == drawn.table["image"][0]]
    assert (alone["part"] == "head").all() and np.allclose(alone["part_share"], 1)


def test_a_landmark_off_its_photograph_is_said(drawn):
    collection = drawn.with_table(drawn.table)
    image = drawn.table["image"][0]
    collection.keypoints = pd.DataFrame(
        [(image, "tip", WIDTH + 9.0, 3.0)], columns=["image", "keypoint", "x", "y"]
    )
    with pytest.raises(UserError, match=f"keypoint 'tip' of {image} lies off the photograph"):
        STUDY.run(inputs_of(collection, ["ant", "bee"]))


def rows(label, query, head, rank, values):
    return [
        {"label": label, "query": query, "head": head, "rank": rank, **dict.fromkeys(MEASURES, v)}
        for v in values
    ]


def test_means_and_differences_by_hand():
    table = pd.DataFrame(
        rows("ant", "ant", 0, 1, [1, 2, 3, 4, 5])
        + rows("bee", "ant", 0, 1, [11, 12, 13, 14, 15])
        + rows("ant", "ant", 1, 2, [1, 1, 1, 1, 1])
        + rows("bee", "bee", 0, 1, [7.0, 7.0])
    )
    means = by_head(table, 0).set_index(["label", "head", "measure"])
    row = means.loc[("ant", 0, "area")]
    assert (row["n"], row["mean"]) == (5, 3) and row["sd"] == pytest.approx(np.sqrt(2.5))
    assert row["low"] < 3 < row["high"]
    assert ("bee", 0, "area") in means.index and means.loc[("bee", 0, "area"), "mean"] == 7
    found = between(table, [("ant", "bee")], 1, 0)
    assert set(found["head"]) == {0} and set(found["query"]) == {"ant", "bee"}
    row = found[(found["query"] == "ant") & (found["measure"] == "area")].iloc[0]
    assert row["difference"] == -10 and row["delta"] == -1
    assert row["standardised"] == pytest.approx(-10 / np.sqrt(2.5))
    # 2 of the 252 ways to deal the labels are as extreme.
    assert row["p"] == pytest.approx(2 / 252, abs=0.006)
    assert row["low"] < -10 < row["high"] < 0
    few = found[found["query"] == "bee"].iloc[0]
    assert (few["n_a"], few["n_b"]) == (0, 2) and np.isnan(few["p"]) and np.isnan(few["q"])


def test_alike_specimens_do_not_differ():
    generator = np.random.default_rng(4)
    table = pd.DataFrame(
        rows("ant", "ant", 0, 1, generator.normal(size=12))
        + rows("bee", "ant", 0, 1, generator.normal(size=12))
    )
    assert between(table, [("ant", "bee")], 3, 0)["q"].min() > 0.05
