"""Layers are forgotten from the top down, and maps are compared by rank."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from intr_discover.studies.randomisation import (
    CHECKED,
    forget,
    layers_top_down,
    randomise_cascade,
    rank_correlation,
)
from tests.explain.conftest import tiny_model
from tests.studies.drawn import tiny_explainer

CLASSES = ["ant", "bee", "cat"]


def test_rank_correlation_by_hand():
    assert rank_correlation([[1, 2], [3, 4]], [[10, 20], [30, 400]]) == pytest.approx(1)
    assert rank_correlation([[1, 2], [3, 4]], [[4, 3], [2, 1]]) == pytest.approx(-1)
    # Ranks 1 2 3 4 and 2 1 4 3: 1 − 6 · 4 / (4 · 15)
    assert rank_correlation([1, 2, 3, 4], [2, 1, 4, 3]) == pytest.approx(0.6)
    assert math.isnan(rank_correlation([1, 1, 1], [1, 2, 3]))


def test_layers_from_the_answer_down():
    model = tiny_model()
    names = [name for name, _ in layers_top_down(model)]
    assert names == ["decoder", "encoder", "projection", "layer2", "layer1", "conv1"]
    listed = [p for _, modules in layers_top_down(model) for m in modules for p in m.parameters()]
    assert len(listed) == len({id(p) for p in listed}) == len(list(model.parameters()))
    names = [name for name, _ in layers_top_down(tiny_model(encoder_layers=0))]
    assert "encoder" not in names


def test_forgotten_weights_keep_their_mean_and_spread():
    layer = nn.Linear(200, 300)
    with torch.no_grad():
        layer.weight.copy_(3 + 0.5 * torch.rand(300, 200))
        layer.bias.fill_(7)
    before = layer.weight.detach().clone()
    forget([layer], torch.Generator().manual_seed(0))
    after = layer.weight.detach()
    assert after.mean().item() == pytest.approx(before.mean().item(), abs=0.01)
    assert after.std().item() == pytest.approx(before.std().item(), rel=0.02)
    assert abs(np.corrcoef(before.numpy().ravel(), after.numpy().ravel())[0, 1]) < 0.02
    assert (layer.bias == 7).all()  # equal numbers have no spread


@pytest.fixture(scope="module")
def asked():
    generator = torch.Generator().manual_seed(2)
    return [
        ("one.png", torch.randn(3, 32, 45, generator=generator), "bee"),
        ("two.png", torch.randn(3, 40, 32, generator=generator), "ant"),
    ]


def test_one_row_for_each_step_image_and_map(asked):
    explainer = tiny_explainer(CLASSES)
    before = explainer.fingerprint
    table = randomise_cascade(explainer, asked, seed=0)
    layers = len(layers_top_down(explainer.model))
    assert len(table) == layers * 2 * len(CHECKED)
    assert sorted(set(table["step"])) == list(range(1, layers + 1))
    assert table["correlation"].dropna().between(-1, 1).all()
    assert table["correlation"].min() < 0.9  # something has changed
    # The model itself is as it was.
    explainer._fingerprint = None
    assert explainer.fingerprint == before


def test_the_seed_decides(asked):
    explainer = tiny_explainer(CLASSES)
    first = randomise_cascade(explainer, asked, seed=3)
    same = randomise_cascade(explainer, asked, seed=3)
    other = randomise_cascade(explainer, asked, seed=4)
    np.testing.assert_allclose(first["correlation"], same["correlation"], equal_nan=True)
    assert not np.allclose(first["correlation"], other["correlation"], equal_nan=True)
