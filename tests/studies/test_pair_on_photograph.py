"""One photograph asked among all classes and among two."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.studies.pair_on_photograph import AskedTwice, ask_twice, require_two
from tests.explain.conftest import tiny_model

CLASSES = ["ant", "bee", "cat"]
PIXELS = np.random.default_rng(1).integers(0, 256, (40, 56, 3), dtype=np.uint8)


def explainer_of(model):
    return Explainer(model, CLASSES, Preprocessing(32, "shorter", 64), source="tiny", device="cpu")


@pytest.mark.parametrize("mode", ["zero", "subset"])
def test_both_answers_are_those_of_the_explainer(mode):
    explainer = explainer_of(tiny_model(num_classes=3))
    asked = ask_twice(explainer, PIXELS, "bee", ("cat", "bee"), mode)
    whole = explainer.explain(PIXELS, ["bee"])
    two = explainer.explain(PIXELS, ["bee"], context=["cat", "bee"], context_mode=mode)
    assert asked.label == "bee"
    assert np.array_equal(asked.among_all.maps, whole.maps)
    assert np.array_equal(asked.among_two.maps, two.maps)
    assert asked.among_two.competing == ["cat", "bee"]
    assert asked.among_two.probabilities.sum() == pytest.approx(1)
    by_hand = [np.abs(two.maps[0, r] - whole.maps[0, r]).sum() / 2 for r in range(whole.heads)]
    assert asked.moved == pytest.approx(by_hand, abs=1e-6)
    assert asked.moved.max() > 0  # two decoder layers: queries exchange something
    assert asked.largest == max(whole.maps.max(), two.maps.max())
    assert asked.uniform == pytest.approx(1 / (whole.maps.shape[2] * whole.maps.shape[3]))


def test_what_moved_is_the_share_of_attention_that_lies_elsewhere():
    explainer = explainer_of(tiny_model(num_classes=3))
    asked = ask_twice(explainer, PIXELS, "ant", ("ant", "bee"))
    assert asked.moved.shape == (asked.among_all.heads,)
    assert (asked.moved >= 0).all() and (asked.moved <= 1).all()


def test_a_class_that_is_none_of_the_two_is_refused():
    explainer = explainer_of(tiny_model(num_classes=3))
    with pytest.raises(UserError, match="ant"):
        ask_twice(explainer, PIXELS, "ant", ("cat", "bee"))


def test_one_class_is_not_its_own_look_alike():
    with pytest.raises(UserError, match="not bee twice"):
        require_two("bee", "bee")
    with pytest.raises(UserError, match="not bee twice"):
        ask_twice(explainer_of(tiny_model(num_classes=3)), PIXELS, "bee", ("bee", "bee"))


def test_answers_that_are_no_numbers_are_refused():
    model = tiny_model(num_classes=3)
    with torch.no_grad():
        for weights in model.parameters():
            weights.fill_(float("nan"))
    with pytest.raises(UserError, match="no numbers"):
        ask_twice(explainer_of(model), PIXELS, "bee", ("cat", "bee"))


def test_a_plain_classifier_has_no_queries_to_ask():
    model = PlainClassifier(PlainConfig(num_classes=3, backbone="resnet18"))
    with pytest.raises(UserError, match="plain classifier"):
        ask_twice(explainer_of(model), PIXELS, "bee", ("cat", "bee"))


def test_with_one_decoder_layer_nothing_moves():
    model = tiny_model(num_classes=3, decoder_layers=1)
    asked = ask_twice(explainer_of(model), PIXELS, "bee", ("cat", "bee"))
    assert isinstance(asked, AskedTwice)
    assert asked.moved == pytest.approx(0, abs=1e-5)
