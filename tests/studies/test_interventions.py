"""The study of attention interventions: rows against the model, numbers by hand, sentences."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.model.checkpoint import save_checkpoint
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.studies.budget import Speed
from intr_discover.studies.interventions import (
    DRAWS,
    STUDY,
    average,
    conditions,
    findings,
    summarise,
)
from intr_discover.studies.study import StudyInputs
from tests.explain.conftest import tiny_model
from tests.studies.drawn import draw_specimens, tiny_explainer

CLASSES = ["ant", "bee", "cat"]


def inputs_of(folder, explainer=None, given=None, **changes):
    explainer = tiny_explainer(CLASSES) if explainer is None else explainer
    return STUDY.inputs(StudyInputs(explainer, Specimens.read(folder), "test", **changes), given)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    return draw_specimens(tmp_path_factory.mktemp("interventions") / "drawn", CLASSES)


@pytest.fixture(scope="module")
def result(drawn):
    return STUDY.run(inputs_of(drawn))


def test_one_row_for_each_photograph_and_condition(result):
    table = result.table
    assert len(table) == 6 * 12 and set(table["model"]) == {"model"}
    assert table.groupby(["kind", "scope", "layers"]).size().tolist() == [6] * 12
    assert table["tv"].between(0, 1).all() and table["flip"].between(0, 1).all()
    drops = table["margin_before"] - table["margin_after"]
    np.testing.assert_allclose(table["margin_drop"], drops, atol=1e-6)
    assert (table["margin_before"] >= 0).all()  # of the class that was answered
    assert set(table["draws"]) == {1, DRAWS}
    kept = table["flip"] == 0
    assert (table["margin_after"][kept] >= 0).all()


def test_a_row_agrees_with_an_even_map_put_in_by_hand(drawn, result):
    explainer, specimens = tiny_explainer(CLASSES), Specimens.read(drawn)
    state = explainer.encode(specimens.paths[0])
    own = explainer.explain(state).logits.astype(float)
    changed = explainer.explain(state, knockout=[(1, 0), (1, 1)]).logits.astype(float)
    rows = result.table[result.table["image"] == specimens.table["image"][0]]
    row = rows.query("kind == 'uniform' and scope == 'all' and layers == 'last'").iloc[0]
    first, second = np.exp(own) / np.exp(own).sum(), np.exp(changed) / np.exp(changed).sum()
    assert row["tv"] == pytest.approx(np.abs(first - second).sum() / 2, abs=1e-5)
    answer = int(own.argmax())
    assert row["predicted"] == CLASSES[answer]
    assert row["flip"] == float(changed.argmax() != answer)
    lead = changed[answer] - np.delete(changed, answer).max()
    assert row["margin_after"] == pytest.approx(lead, abs=1e-4)


def test_batches_and_samples_change_nothing(drawn, result):
    other = STUDY.run(inputs_of(drawn, batch_size=2))
    columns = ["tv", "flip", "margin_after"]
    np.testing.assert_allclose(other.table[columns], result.table[columns], atol=1e-5)
    seed = STUDY.run(inputs_of(drawn, seed=1)).table
    permuted = seed["kind"] == "permuted"
    assert (seed["tv"] - result.table["tv"])[permuted].abs().max() > 1e-6
    even = seed["kind"] == "uniform"
    assert (seed["tv"] - result.table["tv"])[even].abs().max() < 1e-5


def test_one_layer_has_no_other():
    assert len(conditions(1)) == 6 and {each.layers for each in conditions(1)} == {"last"}
    assert len(conditions(3)) == 12


def rows(flips, kind="uniform", model="model", tv=0.5):
    return [
        {"model": model, "image": f"{number}.png", "kind": kind, "scope": scope, "layers": "last",
         "tv": tv, "flip": flip, "margin_before": 2.0, "margin_after": 2.0 - 3.0 * flip,
         "margin_drop": 3.0 * flip}
        for scope in ("class", "all")
        for number, flip in enumerate(flips)
    ]  # fmt: skip


def table_of(flips, **changes):
    kinds = ("uniform", "permuted", "swapped")
    return pd.DataFrame([row for kind in kinds for row in rows(flips, kind, **changes)])


def test_means_by_hand():
    means = average(table_of([1.0, 0.0, 1.0, 1 / 3]), seed=0)
    row = means.query("kind == 'permuted' and scope == 'all'").iloc[0]
    assert row["n"] == 4 and row["flip"] == pytest.approx(7 / 12)
    assert row["margin_drop"] == pytest.approx(1.75) and row["tv"] == 0.5
    # Wilson for 2 of 4 (7/3 rounded): centre 1/2, half-width z·sqrt(4 + z²) / (2·(4 + z²))...
    z = 1.959964
    half = z / (1 + z * z / 4) * math.sqrt(0.25 / 4 + z * z / 64)
    assert row["flip_low"] == pytest.approx(0.5 - half, abs=1e-4)
    assert row["flip_high"] == pytest.approx(0.5 + half, abs=1e-4)
    one = average(table_of([1.0]), seed=0).iloc[0]
    assert one["n"] == 1 and math.isnan(one["tv_low"])


@pytest.mark.parametrize(
    ("flips", "verdict"),
    [
        ([1.0] * 40, "decides the answer"),
        ([0.0] * 60, "hardly depends"),
        ([1.0, 0.0] * 20, "in part of the photographs"),
        ([1.0], "in part of the photographs"),
    ],
)
def test_the_verdict_follows_the_intervals(flips, verdict):
    table = table_of(flips)
    means = average(table, 0)

    class Outcome:
        summary = summarise(table, means, 0)

    said = findings(Outcome)
    assert verdict in " ".join(said) and f"of {len(flips)} photographs" in said[0]


def test_another_model_beside(drawn, tmp_path):
    torch.manual_seed(3)
    model = tiny_model(num_classes=3, kind="intr-fc")
    explainer = tiny_explainer(CLASSES)
    names = {"classes": CLASSES, "preprocessing": explainer.preprocessing.as_dict()}
    save_checkpoint(tmp_path / "fc", model, names)
    inputs = inputs_of(drawn, given={"beside": str(tmp_path / "fc")})
    assert STUDY.plan(inputs).encodes == 12
    result = STUDY.run(inputs)
    assert len(result.table) == 2 * 6 * 12
    wide = result.table.pivot_table("tv", "image", "model")
    expected = (wide["model"] - wide["beside"]).mean()
    assert result.summary["tv_difference"] == pytest.approx(expected)
    assert result.summary["beside_uniform_all_last_tv"] is not None
    assert "model beside it" in STUDY.findings(result)[-1]
    words = {text.get_text() for text in result.figures()["interventions"].axes[0].legend_.texts}
    assert words == {"INTR", "INTR-FC"}


def test_the_plan_counts_what_is_done(drawn, monkeypatch):
    inputs = inputs_of(drawn, batch_size=1)
    done = []
    model = inputs.explainer.model
    decode = model.decode
    monkeypatch.setattr(model, "decode", lambda *a, **k: done.append(1) or decode(*a, **k))
    STUDY.run(inputs)
    assert len(done) == STUDY.plan(inputs).decodes
    assert STUDY.plan(inputs_of(drawn, seconds=0.0, speed=Speed(1.0, 1.0))).images == 1
    limited = inputs_of(drawn, seconds=62.0, speed=Speed(1.0, 1.0))
    assert STUDY.plan(limited).images == 2 and STUDY.plan(limited).seconds(Speed(1.0, 1.0)) <= 62


def test_what_cannot_be_asked(drawn, tmp_path):
    config = PlainConfig(num_classes=3, backbone="resnet18")
    tiny = tiny_explainer(CLASSES)
    plain = Explainer(PlainClassifier(config), CLASSES, tiny.preprocessing, device="cpu")
    assert "no attention to change" in STUDY.needs(inputs_of(drawn, plain))
    folder = draw_specimens(tmp_path / "one", ["ant"])
    assert "single class" in STUDY.needs(inputs_of(folder, tiny_explainer(["ant"])))
    with torch.no_grad():
        tiny.model.presence.bias.fill_(math.nan)
    with pytest.raises(UserError, match=r"logits for images/.* are no numbers"):
        STUDY.run(inputs_of(drawn, tiny))


def test_a_folder_is_written(result, tmp_path):
    result.save(tmp_path / "out")
    assert (tmp_path / "out" / "interventions_conditions.csv").is_file()
    assert (tmp_path / "out" / "interventions.pdf").is_file()
    for number in STUDY.key_numbers:
        assert number.key in result.summary
