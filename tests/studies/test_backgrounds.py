"""Photographs on other backgrounds, and attention beside the specimen, by hand."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.studies.backgrounds import Scenes, ask, background_share, individuals, lead
from tests.studies.drawn import draw_specimens, tiny_explainer
from tests.studies.shortcut_collections import CLASSES, SPECIMEN, draw


def test_share_of_background_in_cells_by_hand():
    mask = np.zeros((5, 6), bool)
    mask[0:2, 0:3] = True
    # Cells of 2 × 2; the last row of cells has one row of pixels, a fourth column none at all.
    found = background_share(mask, (3, 4), 2)
    assert found.tolist() == [[0, 0.5, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    assert background_share(np.ones((4, 4), bool), (2, 2), 2).sum() == 0


def test_lead_by_hand():
    assert lead(np.array([1.0, 4.0, 2.5], np.float32), 1) == 1.5
    assert lead(np.array([1.0, 4.0, 2.5], np.float32), 0) == -3.0
    assert math.isnan(lead(np.array([1.0], np.float32), 0))


@pytest.fixture(scope="module")
def ground(tmp_path_factory):
    folder = tmp_path_factory.mktemp("backgrounds") / "ground"
    return Specimens.read(draw(folder, "ground", per_label=3))


def test_edits_leave_the_specimen_and_donors_are_who_they_should_be(ground):
    scenes = Scenes(ground, tiny_explainer(CLASSES), 0, {"ant": ["cat"]})
    for place in range(len(ground)):
        scene = scenes.scene(place)
        made, donors = scenes.edited(place)
        assert set(made) == {"grey", "shuffled", "same", "other", "removed"}
        for name in ("grey", "shuffled", "same", "other"):
            assert np.array_equal(made[name][SPECIMEN], scene.photograph[SPECIMEN])
            assert not np.array_equal(made[name], scene.photograph)
        label = scenes.labels[place]
        assert scenes.labels[donors["same"]] == label and donors["same"] != place
        if label == "ant":
            assert scenes.labels[donors["other"]] == "cat"  # its look-alike
        else:
            assert scenes.labels[donors["other"]] != label
        # Away from the specimen the donor's ground is seen.
        behind = scenes.background(donors["other"])
        assert np.array_equal(made["other"][:5], behind[:5])
        assert np.array_equal(made["removed"][:3], scene.photograph[:3])


def test_what_a_photograph_meets_depends_on_the_seed_alone(ground):
    first = Scenes(ground, tiny_explainer(CLASSES), 0, {})
    again = Scenes(ground, tiny_explainer(CLASSES), 0, {})
    for _ in range(2):
        again.edited(5)
    made, donors = first.edited(7)
    other, others = again.edited(7)
    assert donors == others and all(np.array_equal(made[name], other[name]) for name in made)
    drawn = [Scenes(ground, None, seed, {}).edited(7)[1]["other"] for seed in range(8)]
    assert len(set(drawn)) > 1


def test_individuals(tmp_path):
    specimens = Specimens.read(draw_specimens(tmp_path / "d", ["ant"], per_label=3))
    assert len(set(individuals(specimens))) == 3
    table = specimens.table.assign(specimen_id=["x", "x", None])
    names = individuals(specimens.with_table(table))
    assert names[0] == names[1] != names[2]


def test_what_is_missing_is_left_out(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant", "bee"], per_label=2)
    table = pd.read_csv(folder / "specimens.csv")
    table["specimen_id"] = ["one", "one", "two", "three"]
    Image.fromarray(np.zeros((40, 56), np.uint8)).save(folder / "empty.png")
    table.loc[3, "mask"] = "empty.png"
    table.to_csv(folder / "specimens.csv", index=False)
    scenes = Scenes(Specimens.read(folder), tiny_explainer(["ant", "bee"]), 0, {})
    made, donors = scenes.edited(0)  # no other ant, and one bee has no specimen
    assert "same" not in made and scenes.labels[donors["other"]] == "bee" and donors["other"] == 2
    assert scenes.edited(3) == ({}, {}) and scenes.scene(3).mask_source == "none"
    assert "same" not in scenes.edited(2)[0]


def test_without_a_mask_it_is_guessed(tmp_path):
    folder = draw_specimens(tmp_path / "d", ["ant"], per_label=1, masks=False)
    scene = Scenes(Specimens.read(folder), None, 0, {}).scene(0)
    assert scene.mask_source == "automatic"
    expected = np.zeros((40, 56), bool)
    expected[8:32, 10:46] = True
    assert (scene.mask & expected).sum() / (scene.mask | expected).sum() > 0.9


def test_answers_agree_with_the_explainer(ground):
    explainer = tiny_explainer(CLASSES)
    scenes = Scenes(ground, explainer, 0, {})
    ids = ground.label_ids(CLASSES)
    said = dict(ask(explainer, scenes, range(12), ids, 5))
    assert sorted(said) == list(range(12))
    logits = explainer.logits(ground.paths)
    for place, row in said.items():
        assert row["predicted"] == int(logits[place].argmax())
        assert row["lead"] == pytest.approx(lead(logits[place], ids[place]), abs=1e-5)
        grey = explainer.logits([scenes.edited(place)[0]["grey"]])[0]
        assert row["answers"]["grey"] == int(grey.argmax())
        assert row["leads"]["grey"] == pytest.approx(lead(grey, ids[place]), abs=1e-5)
    explanation = explainer.explain(ground.paths[4], [ground.table["label"][4]])
    off = background_share(scenes.scene(4).mask, explanation.maps.shape[-2:], explanation.stride)
    assert said[4]["even"] == pytest.approx(off.mean())
    np.testing.assert_allclose(said[4]["off"], (explanation.maps[0] * off).sum((1, 2)), atol=1e-5)
    some = dict(ask(explainer, scenes, [9, 2], ids, 32))
    assert list(some) == [9, 2] and some[9]["donors"] == said[9]["donors"]
    np.testing.assert_allclose(some[2]["off"], said[2]["off"], atol=1e-5)
    again = dict(ask(explainer, scenes, range(12), ids, 32))
    np.testing.assert_allclose([again[p]["lead"] for p in range(12)],
                               [said[p]["lead"] for p in range(12)], atol=1e-5)  # fmt: skip


def test_a_plain_classifier_answers_without_maps(ground):
    config = PlainConfig(num_classes=4, backbone="resnet18")
    tiny = tiny_explainer(CLASSES)
    plain = Explainer(PlainClassifier(config), CLASSES, tiny.preprocessing, device="cpu")
    said = dict(ask(plain, Scenes(ground, plain, 0, {}), [0, 7], ground.label_ids(CLASSES), 8))
    assert "off" not in said[0] and set(said[0]["answers"]) == set(
        ["grey", "shuffled", "same", "other", "removed"]
    )


def test_faults_are_explained(tmp_path, ground):
    folder = draw_specimens(tmp_path / "d", ["ant"], per_label=1)
    Image.fromarray(np.ones((5, 5), np.uint8)).save(folder / "specimen.png")
    with pytest.raises(UserError, match="5 x 5 pixels, its photograph 56 x 40"):
        Scenes(Specimens.read(folder), None, 0, {}).scene(0)
    explainer = tiny_explainer(CLASSES)
    with torch.no_grad():
        explainer.model.presence.bias.fill_(math.nan)
    with pytest.raises(UserError, match="no numbers"):
        dict(ask(explainer, Scenes(ground, explainer, 0, {}), [3], ground.label_ids(CLASSES), 8))
