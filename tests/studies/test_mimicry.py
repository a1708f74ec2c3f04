"""The study of look-alikes: numbers agree with the model's own, and faults are said in one line."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.studies.budget import Speed
from intr_discover.studies.mimicry import STUDY
from intr_discover.studies.mimicry_plan import choose_effort
from intr_discover.studies.pair_contexts import ask, passes
from intr_discover.studies.pair_table import mean, share
from intr_discover.studies.study import StudyInputs
from tests.explain.conftest import tiny_model
from tests.studies.drawn import draw_specimens, tiny_explainer

CLASSES = ["ant", "bee", "cat"]


def inputs_of(folder, classes=CLASSES, given=None, **changes):
    return STUDY.inputs(
        StudyInputs(tiny_explainer(classes), Specimens.read(folder), "test", **changes), given
    )


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mimicry") / "drawn"
    return draw_specimens(folder, CLASSES, per_label=4, pairs=[("ant", "bee")])


@pytest.fixture(scope="module")
def result(drawn):
    return STUDY.run(inputs_of(drawn))


def test_answers_are_those_of_the_explainer(drawn):
    specimens, explainer = Specimens.read(drawn), tiny_explainer(CLASSES)
    ids = specimens.label_ids(CLASSES)
    kept = {}

    def keep(row, maps):
        kept[row] = maps
        return np.array([[maps[0].sum()], [maps[1].max()]])

    answers = ask(explainer, specimens.paths, ids, [(0, 1), (1, 2)], keep, 1)
    row, label, mate = 5, CLASSES[ids[5]], "cat"
    assert label == "bee"  # it is of both pairs
    encoded = explainer.encode(specimens.paths[row])
    whole = explainer.explain(encoded, ["bee", mate])
    assert np.allclose(answers.logits[row], whole.logits, atol=1e-4)
    pair = answers.pairs[1]
    place = list(pair.rows).index(row)
    assert pair.margins[place, 0] == pytest.approx(whole.logits[2] - whole.logits[1], abs=1e-4)
    assert pair.taken[place, 0] == (whole.predicted == mate)
    for number, mode in enumerate(("zero", "subset"), 1):
        two = explainer.explain(encoded, ["bee"], context=["bee", mate], context_mode=mode)
        margin = two.logits[1] - two.logits[0]
        assert pair.margins[place, number] == pytest.approx(margin, abs=1e-4)
        assert pair.taken[place, number] == (two.predicted == mate)
        shift = np.abs(two.maps[0] - whole.maps[0]).sum(axis=(1, 2)) / 2
        assert np.allclose(pair.shifts[place, number - 1], shift, atol=1e-5)
    assert np.allclose(kept[row], whole.maps.mean(axis=1), atol=1e-5)
    assert pair.maps[place].ravel() == pytest.approx([1.0, whole.maps[1].mean(axis=0).max()], 1e-4)
    with torch.inference_mode():
        of_ants = [
            explainer.model.decode(explainer.encode(path).encoded).decoder_output[0].numpy()
            for path, label in zip(specimens.paths, ids, strict=True)
            if label == 0
        ]
    assert np.allclose(answers.features[0], np.mean(of_ants, axis=0), atol=1e-4)


def test_passes_by_hand():
    ids = np.array([0, 0, 1, 2, 3])
    assert passes(ids, []) == 5
    # Class 1 is in both pairs: six passes; classes 0 and 2 three; class 3 one.
    assert passes(ids, [(0, 1), (1, 2)]) == 3 + 3 + 6 + 3 + 1


def test_numbers_do_not_depend_on_the_batch(drawn, result):
    other = STUDY.run(inputs_of(drawn, batch_size=3))
    numbers = result.table.select_dtypes("number").columns
    assert np.allclose(result.table[numbers], other.table[numbers], atol=1e-4, equal_nan=True)


def test_one_context_more_moves_attention_only_where_queries_meet(drawn):
    # In the first decoder layer there is nothing to exchange yet, see the page on methods.
    model = tiny_model(num_classes=3, decoder_layers=1)
    explainer = Explainer(model, CLASSES, Preprocessing(32, "shorter", 64), device="cpu")
    inputs = STUDY.inputs(StudyInputs(explainer, Specimens.read(drawn), "test"))
    shallow = STUDY.run(inputs)
    assert shallow.summary["context_shift_zero"] < 1e-5
    assert "one decoder layer" in " ".join(STUDY.findings(shallow))


def test_the_row_of_a_pair(result):
    (row,) = result.table.to_dict("records")
    images = result.tables["images"]
    assert (row["label_a"], row["label_b"], row["diagnostic"]) == ("ant", "bee", "spot")
    assert row["n_a"] == row["n_b"] == row["n_maps_a"] == 4 and len(images) == 8
    of_ants = images[images["label"] == "ant"]
    assert row["margin_a"] == pytest.approx(of_ants["margin_all"].mean())
    assert row["taken_a_zero"] == of_ants["taken_zero"].mean()
    assert row["confusability"] == pytest.approx((row["margin_a"] + row["margin_b"]) / 2)
    assert row["confusability_low"] <= row["confusability"] <= row["confusability_high"]
    assert 0 < row["context_shift_zero"] <= 1
    matrix = result.tables["matrix"]
    assert len(matrix) == 3 and matrix["known"].sum() == 1
    assert matrix[matrix["known"]].iloc[0]["confusability"] == pytest.approx(
        row["confusability"], abs=1e-6
    )
    assert row["rank"] == matrix[matrix["known"]].iloc[0]["rank"]
    cells = result.tables["cells"]
    assert len(cells) == result.summary["frame_cells"]
    largest = cells.iloc[cells["difference"].abs().argmax()]
    assert (row["peak_row"], row["peak_column"]) == (largest["row"], largest["column"])
    assert row["difference_p"] == pytest.approx(cells["p"].min()) == pytest.approx(row["q"])
    assert row["region_cells"] == cells["known_region"].sum() > 0
    assert np.allclose(cells["mean_a"] - cells["mean_b"], cells["difference"])


def test_the_summary_has_what_others_read(result):
    summary = result.summary
    assert summary["n"] == 12 and summary["n_pairs"] == 1 and summary["n_all_pairs"] == 3
    for key in ("true_pairs_ranked_first", "region_precision"):
        assert {key, f"{key}_low", f"{key}_high"} <= set(summary)
    assert summary["true_pairs_ranked_first"] in (0.0, 1.0)
    assert summary["frame"] == "specimen" and summary["n_in_frame"] == 12
    assert all(number.key in summary for number in STUDY.key_numbers)


def test_findings_and_figures(result, tmp_path):
    said = STUDY.findings(result)
    assert "8 photographs of 1 pair of known look-alikes" in said[0]
    assert any("specimens' boxes" in sentence for sentence in said)
    assert list(result.drawings) == ["pair_01_sheet", "pair_01_queries", "class_matrix"]
    assert set(result.captions) == set(result.drawings)
    result.save(tmp_path / "out")
    assert (tmp_path / "out" / "mimicry_matrix.csv").is_file()


def test_without_known_pairs_the_most_confusable_are_looked_at(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=3, masks=False, attributes=False)
    result = STUDY.run(inputs_of(folder, given={"most": 2}))
    matrix = result.tables["matrix"]
    pairs = list(zip(result.table["label_a"], result.table["label_b"], strict=True))
    assert pairs == list(zip(matrix["label_a"], matrix["label_b"], strict=True))[:2]
    assert list(result.table["rank"]) == [1, 2]
    summary = result.summary
    assert summary["n_known_pairs"] == 0 and summary["true_pairs_ranked_first"] is None
    assert summary["region_precision"] is None and summary["frame"] == "photograph"
    # Three of each are too few for the test of the difference, and for that of the excess.
    assert summary["n_testable_pairs"] == 0 and result.table["q"].isna().all()
    assert "cannot be tested" in " ".join(STUDY.findings(result))
    for figure in result.figures().values():
        assert figure.axes
    features = STUDY.run(inputs_of(folder, given={"most": 1, "rank_by": "features"}))
    assert list(features.table["feature_rank"]) == [1]


def test_the_plan_is_kept(drawn):
    plan = STUDY.plan(inputs_of(drawn))
    # One sheet of heads asks one photograph of each twice more; 3 classes have 120 views each.
    assert (plan.images, plan.of, plan.encodes) == (12, 12, 12 + 2 + 360)
    assert plan.decodes == 3 * 8 + 4 + 4 + 360
    unknown = STUDY.plan(inputs_of(drawn, given={"pair": "bee,cat", "views": 2}))
    assert unknown.decodes == 3 * 8 + 4 + 4 + 12  # each of 4 photographs of a class has one


def test_views_take_at_most_half_of_the_time(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=4, pairs=[("bee", "cat")])
    speed = Speed(0.08, 0.02)
    # 20 s are 200 views; 12 may be lost to rounding up; a third of the rest for each class: 62.
    effort = choose_effort(inputs_of(folder, seconds=40.0, speed=speed))
    assert effort.views == 62
    assert STUDY.plan(inputs_of(folder, seconds=40.0, speed=speed)).seconds(speed) <= 40.0
    assert choose_effort(inputs_of(folder, seconds=14.3, speed=speed)).views == 0  # 19 of each
    assert choose_effort(inputs_of(folder, seconds=14.4, speed=speed)).views == 20


def test_without_views_pairs_rank_by_margin(drawn, result):
    plain = STUDY.run(inputs_of(drawn, given={"views": 0}))
    matrix = plain.tables["matrix"]
    assert (matrix["rank"] == matrix["margin_rank"]).all()
    assert matrix["hidden_confusability"].isna().all()
    assert "By margin" in " ".join(STUDY.findings(plain))
    assert "half of each photograph hidden" in " ".join(STUDY.findings(result)).lower()
    hidden = result.tables["matrix"]
    assert hidden["hidden_confusability"].between(0, 1).all() and set(hidden["rank"]) == {1, 2, 3}


def test_less_time_takes_fewer_photographs(tmp_path):
    folder = draw_specimens(tmp_path / "d", CLASSES, per_label=12, pairs=[("bee", "cat")])
    inputs = inputs_of(folder, seconds=1.0, speed=Speed(0.5, 0.1))
    plan = STUDY.plan(inputs)
    assert plan.images == 8 and plan.of == 36  # four of either: the least for a pair
    result = STUDY.run(inputs)
    assert "pair_01_queries" not in result.drawings  # no time for heads
    assert result.summary["n"] == 8 and set(result.tables["images"]["label"]) == {"bee", "cat"}
    assert result.summary["true_pairs_ranked_first"] is None  # there is no other pair


def test_pairs_that_there_is_no_time_for_are_left_out(tmp_path):
    classes = [*CLASSES, "dog", "eel", "fox"]
    pairs = [("dog", "eel"), ("ant", "bee"), ("cat", "fox")]
    folder = draw_specimens(tmp_path / "d", classes, per_label=12, pairs=pairs)
    # 3 s for figures and tests of two pairs, 16 photographs of either at 0.1 s each, and a little.
    inputs = inputs_of(folder, classes, seconds=10.5, speed=Speed(0.04, 0.02))
    plan = STUDY.plan(inputs)
    assert plan.images == 32 and plan.seconds(Speed(0.04, 0.02)) <= 10.5
    result = STUDY.run(inputs)
    assert list(result.table["label_a"]) == ["dog", "ant"]
    assert result.summary["n"] == 32 and result.summary["n_known_pairs"] == 2


def test_one_photograph_of_each(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant", "bee"], per_label=1, pairs=[("ant", "bee")])
    result = STUDY.run(inputs_of(folder, ["ant", "bee"]))
    (row,) = result.table.to_dict("records")
    assert math.isnan(row["margin_a_low"]) and math.isnan(row["confusability_low"])
    assert row["difference_note"] == "untestable: too few photographs"
    assert STUDY.findings(result)
    for figure in result.figures().values():
        assert figure.axes


def test_what_cannot_be_asked(tmp_path, drawn):
    folder = draw_specimens(tmp_path / "d", ["ant"], per_label=2)
    assert "at least two classes" in STUDY.needs(inputs_of(folder))
    plain = Explainer(
        PlainClassifier(PlainConfig(num_classes=3, backbone="resnet18")).eval(), CLASSES,
        Preprocessing(32, "shorter", 64), device="cpu",
    )  # fmt: skip
    inputs = STUDY.inputs(StudyInputs(plain, Specimens.read(drawn), "test"))
    assert "no class queries" in STUDY.needs(inputs)
    assert STUDY.needs(inputs_of(drawn)) is None
    with pytest.raises(UserError, match="--most 0 must be at least 1"):
        STUDY.plan(inputs_of(drawn, given={"most": 0}))
    with pytest.raises(UserError, match="--rank-by size is unknown"):
        STUDY.plan(inputs_of(drawn, given={"rank_by": "size"}))
    with pytest.raises(UserError, match="--views -1 must be at least 0"):
        STUDY.plan(inputs_of(drawn, given={"views": -1}))


def test_nan_is_refused(drawn):
    inputs = inputs_of(drawn)
    with torch.no_grad():
        inputs.explainer.model.presence.weight.fill_(math.nan)
    with pytest.raises(UserError, match=r"images.*no numbers \(NaN"):
        STUDY.run(inputs)


def test_shares_and_means_by_hand():
    assert share("x", np.array([True, False]))["x"] == 0.5
    assert math.isnan(share("x", np.zeros(0, dtype=bool))["x"])
    assert mean("m", np.array([1.0, 3.0, math.nan]), 0)["m"] == 2.0
    assert math.isnan(mean("m", np.array([]), 0)["m"])


def test_pairs_that_differ_is_read_from_the_table(result):
    table: pd.DataFrame = result.table
    expected = (table["difference_cells"] > 0).mean()
    assert result.summary["pairs_that_differ"] == expected
