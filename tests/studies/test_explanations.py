"""Where heads look: rows worked out by hand, the choice of what is shown, and the figures."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.studies.budget import Speed
from intr_discover.studies.exhibits import Best, gallery_pages, kinds_of_mistake
from intr_discover.studies.explanations import STUDY, summarise, summarise_pairs
from intr_discover.studies.looking import TOP_HEADS, Regions, look
from intr_discover.studies.study import StudyInputs
from tests.studies.drawn import HEIGHT, SPECIMEN, WIDTH, draw_specimens, tiny_explainer

CLASSES = ["ant", "bee", "cat"]


def inputs_of(folder, classes=CLASSES, given=None, **changes):
    specimens = Specimens.read(folder)
    return STUDY.inputs(StudyInputs(tiny_explainer(classes), specimens, "test", **changes), given)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explanations") / "drawn"
    return draw_specimens(folder, CLASSES, per_label=2, pairs=[("ant", "bee")])


@pytest.fixture(scope="module")
def result(drawn):
    return STUDY.run(inputs_of(drawn))


# Rows


def test_one_row_for_each_photograph_query_and_head(result):
    table, photographs = result.table, result.tables["photographs"]
    assert len(photographs) == 6
    for row in photographs.itertuples():
        of_image = table[table["image"] == row.image]
        queries = {row.label} if row.correct else {row.label, row.predicted}
        assert set(of_image["query"]) == queries
        for _, of_query in of_image.groupby("query"):
            assert sorted(of_query["head"]) == [0, 1]
            assert list(of_query.sort_values("rank")["rank"]) == [1, 2]
            assert of_query.sort_values("rank")["map_maximum"].is_monotonic_decreasing
    assert table["x"].between(0, WIDTH - 1).all() and table["y"].between(0, HEIGHT - 1).all()


def test_a_row_agrees_with_the_explanation(drawn, result):
    specimens, explainer = Specimens.read(drawn), tiny_explainer(CLASSES)
    label = specimens.table["label"][0]
    explanation = explainer.explain(specimens.paths[0], [label])
    row = result.table[result.table["image"] == specimens.table["image"][0]]
    row = row[(row["query"] == label) & (row["rank"] == 1)].iloc[0]
    head = int(explanation.map_maxima[0].argmax())
    assert row["head"] == head
    assert row["map_maximum"] == pytest.approx(explanation.maps[0, head].max(), rel=1e-5)
    assert row["peak"] == pytest.approx(explanation.peaks[0, head], rel=1e-5)
    assert row["probability"] == pytest.approx(explanation.probability, rel=1e-5)
    # 40 × 56 pixels are read as 32 × 45, in cells of 8: a cell is 10 pixels high, 9.96 wide.
    cell_row, cell_column = np.unravel_index(explanation.maps[0, head].argmax(), (4, 6))
    assert row["y"] == pytest.approx(10 * (cell_row + 0.5) - 0.5)
    expected = min(8 * 56 / 45 * (cell_column + 0.5) - 0.5, WIDTH - 1)
    assert row["x"] == pytest.approx(expected)


def test_masks_everywhere_nowhere_and_at_one_peak(tmp_path):
    folder = draw_specimens(tmp_path / "drawn", ["ant", "bee"], per_label=1)
    specimens, explainer = Specimens.read(folder), tiny_explainer(["ant", "bee"])
    image, label = specimens.table["image"][0], specimens.table["label"][0]
    plain = look(explainer, specimens.paths[0], image, label, Regions(specimens, {}))
    peak = next(row for row in plain.rows if row["query"] == label and row["rank"] == 1)
    masks = {
        "everywhere": np.full((HEIGHT, WIDTH), 255, np.uint8),
        "nowhere": np.zeros((HEIGHT, WIDTH), np.uint8),
        "at the peak": np.zeros((HEIGHT, WIDTH), np.uint8),
    }
    masks["at the peak"][round(peak["y"]), round(peak["x"])] = 255
    rows = []
    for name, mask in masks.items():
        Image.fromarray(mask).save(folder / f"{name}.png")
        rows.append({"image": image, "attribute": name, "mask": f"{name}.png"})
    pd.DataFrame(rows).to_csv(folder / "attributes.csv", index=False)
    specimens = Specimens.read(folder)

    def seen(*diagnostic):
        regions = Regions(specimens, {label: set(diagnostic)})
        return look(explainer, specimens.paths[0], image, label, regions)

    for row in seen().rows:
        assert "everywhere" in row["attributes"] and "nowhere" not in row["attributes"]
    assert seen().row["diagnostic_hit"] is None  # nothing is said to separate it
    everywhere = seen("everywhere").row
    assert everywhere["diagnostic_hit"] is True
    assert everywhere["chance_one_point"] == everywhere["chance_top_heads"] == 1.0
    assert seen("nowhere").row["diagnostic_hit"] is None  # an empty mask has no score
    at_peak = seen("at the peak").row
    assert at_peak["diagnostic_hit"] is True
    # Tolerance: half a cell is 5 pixels, more than 8/160 of 40. Count the pixels of the specimen,
    # or of the region itself, within 5 of the peak.
    y, x = np.indices((HEIGHT, WIDTH))
    near = np.hypot(y - round(peak["y"]), x - round(peak["x"])) <= 5
    within = masks["at the peak"] > 0
    within[SPECIMEN] = True
    one = (near & within).sum() / within.sum()
    assert at_peak["chance_one_point"] == pytest.approx(one)
    # The tiny model has two heads, fewer than the usual three.
    assert at_peak["chance_top_heads"] == pytest.approx(1 - (1 - one) ** min(TOP_HEADS, 2))


# Numbers


def photographs(**columns):
    table = pd.DataFrame(
        {
            "label": ["ant", "ant", "bee", "cat"],
            "predicted": ["ant", "bee", "bee", "bee"],
            "correct": [True, False, True, False],
            "strongest_weight": [0.1, 0.2, 0.3, 0.4],
            "uniform": [0.01, 0.01, 0.01, 0.1],
            "on_specimen": [True, False, True, None],
            "specimen_share": [0.2, 0.3, 0.4, math.nan],
            "diagnostic_hit": [True, False, None, None],
            "chance_one_point": [0.1, 0.2, math.nan, math.nan],
            "chance_top_heads": [0.3, 0.5, math.nan, math.nan],
        }
    )
    return table.assign(**columns)


def test_summary_by_hand():
    summary = summarise(photographs())
    assert summary["n"] == 4 and summary["top1"] == 0.5 and summary["n_mistakes"] == 2
    assert summary["strongest_weight"] == pytest.approx(0.25)
    assert summary["times_uniform"] == pytest.approx((10 + 20) / 2)  # 10, 20, 30 and 4
    assert summary["n_with_mask"] == 3 and summary["on_specimen"] == pytest.approx(2 / 3)
    assert summary["specimen_share"] == pytest.approx(0.3)
    assert summary["n_diagnostic"] == 2 and summary["diagnostic_hit"] == 0.5
    assert summary["chance_one_point"] == pytest.approx(0.15)
    assert summary["chance_top_heads"] == pytest.approx(0.4)
    # Wilson for 1 of 2: centre 1/2, half-width z/2 · sqrt(2 + z²) / (2 + z²) with z = 1.96.
    assert summary["diagnostic_hit_low"] == pytest.approx(0.0945, abs=1e-4)
    assert summary["diagnostic_hit_high"] == pytest.approx(0.9055, abs=1e-4)


def test_without_masks_and_attributes_nothing_is_claimed():
    unknown, number = [None] * 4, [math.nan] * 4
    summary = summarise(
        photographs(
            on_specimen=unknown,
            specimen_share=number,
            diagnostic_hit=unknown,
            chance_one_point=number,
            chance_top_heads=number,
        )
    )
    assert summary["on_specimen"] is None and summary["diagnostic_hit"] is None
    assert summary["n_with_mask"] == summary["n_diagnostic"] == 0
    assert math.isnan(summary["chance_top_heads"])


def test_pairs_by_hand():
    attributes = pd.DataFrame(
        {
            "label": ["ant", "ant", "ant", "bee"],
            "attribute": ["spot", "spot", "rays", "spot"],
            "hit": [True, False, True, True],
            "chance_top_heads": [0.3, 0.5, 0.9, 0.1],
        }
    )
    pairs = [("ant", "bee", "spot"), ("ant", "cat", "rays"), ("bee", "cat", None)]
    table = summarise_pairs(photographs(), attributes, pairs)
    first, second, third = table.to_dict("records")
    assert first["n"] == 3 and first["taken_for_mate"] == 1  # one ant taken for a bee
    assert first["hits"] == 2 and first["n_diagnostic"] == 3
    assert first["share"] == pytest.approx(2 / 3)
    assert first["chance_top_heads"] == pytest.approx(0.3)
    assert second["hits"] == second["n_diagnostic"] == 1 and second["taken_for_mate"] == 0
    assert third["taken_for_mate"] == 1  # the cat taken for a bee
    assert third["n_diagnostic"] == 0 and math.isnan(third["share"])
    empty = summarise_pairs(photographs(), pd.DataFrame(), pairs)
    assert list(empty["n_diagnostic"]) == [0, 0, 0]


def test_findings_say_the_numbers(result):
    said = " ".join(STUDY.findings(result))
    assert f"of {result.summary['n_diagnostic']} photographs" in said
    assert "points at the attribute" in said and "points at the specimen" in said
    assert "the sheets of 1 pair" in said


# What is shown


def test_kinds_of_mistake_by_hand():
    table = pd.DataFrame(
        [("ant", "ant"), ("cat", "bee"), ("ant", "bee"), ("cat", "bee"), ("bee", "ant")],
        columns=["label", "predicted"],
    )
    table["correct"] = table["label"] == table["predicted"]
    assert kinds_of_mistake(table) == [("cat", "bee", 2), ("ant", "bee", 1), ("bee", "ant", 1)]


def test_the_surest_are_kept(drawn):
    specimens, explainer = Specimens.read(drawn), tiny_explainer(CLASSES)
    best, everything = Best(1), []
    for path, image, label in zip(
        specimens.paths, specimens.table["image"], specimens.table["label"], strict=True
    ):
        seen = look(explainer, path, image, label, Regions(specimens, {}))
        everything.append(seen)
        best.offer(seen)
    for label in CLASSES:
        right = [seen for seen in everything if seen.label == label and seen.right]
        wrong = [seen for seen in everything if seen.label == label and not seen.right]
        shown = best.of_label(label)
        assert len(best.right(label)) == min(1, len(right))
        surest = max(right or wrong, key=lambda seen: seen.explanation.probability)
        assert shown is surest
    assert best.of_label("dog") is None and best.right("dog") == []


def test_figures_are_drawn_with_captions(result):
    names = list(result.drawings)
    assert names[0] == "pair_01" and "gallery_01" in names
    assert set(result.captions) == set(names)
    assert any(name.startswith("mistakes") for name in names)  # the model is not trained
    for figure in result.figures().values():
        assert len(figure.axes) >= 3


def test_a_gallery_without_right_answers_has_no_page():
    assert gallery_pages(Best(2), [], 0.1) == []


# Edges


def test_one_photograph_without_anything_known(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant"], per_label=1, masks=False, attributes=False)
    result = STUDY.run(inputs_of(folder))
    assert result.summary["n"] == 1
    assert result.summary["on_specimen"] is None and result.summary["diagnostic_hit"] is None
    assert "attributes" not in result.table and "pairs" not in result.tables
    assert "specimen" not in " ".join(STUDY.findings(result))
    result.save(tmp_path / "out")


def test_the_plan_is_kept(drawn):
    inputs = inputs_of(drawn)
    plan = STUDY.plan(inputs)
    assert (plan.images, plan.of, plan.encodes, plan.decodes) == (6, 6, 6, 12)
    # No time at all: the fewest, which are all six here.
    assert STUDY.plan(inputs_of(drawn, seconds=0.0, speed=Speed(1.0, 1.0))).images == 6


def test_less_time_means_fewer_photographs(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=4)
    drawing = STUDY.plan(inputs_of(folder)).extra_seconds
    inputs = inputs_of(folder, seconds=drawing + 9.5, speed=Speed(0.5, 0.25))
    assert STUDY.plan(inputs).images == 9
    result = STUDY.run(inputs)
    assert result.summary["n"] == 9
    assert result.tables["photographs"]["label"].value_counts().to_dict() == dict.fromkeys(
        CLASSES, 3
    )


def test_pairs_of_another_table(drawn, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("label_a,label_b\nbee,cat\ncat,dog\n")  # no photographs of dogs
    result = STUDY.run(inputs_of(drawn, given={"pairs": str(path), "per_class": 1}))
    assert list(result.tables["pairs"]["label_b"]) == ["cat"]
    assert result.summary["diagnostic_hit"] is None
    with pytest.raises(UserError, match=r"no table of pairs .*absent\.csv"):
        STUDY.plan(inputs_of(drawn, given={"pairs": str(tmp_path / "absent.csv")}))


def test_a_plain_classifier_has_no_maps(drawn):
    explainer = tiny_explainer(CLASSES)
    plain = Explainer(
        PlainClassifier(PlainConfig(num_classes=3, backbone="resnet18")).eval(),
        CLASSES,
        explainer.preprocessing,
        device="cpu",
    )
    inputs = STUDY.inputs(StudyInputs(plain, Specimens.read(drawn), "test"))
    assert "no class queries" in STUDY.needs(inputs)
    assert STUDY.needs(inputs_of(drawn)) is None
