"""Equations 9 and 11: saliency, contributions, and how attention follows saliency."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from intr_discover.errors import UserError
from intr_discover.explain.decomposition import (
    alignment,
    contributions,
    head_saliency,
    predicted_against_others,
    query_similarity,
)
from intr_discover.explain.explainer import Explainer
from intr_discover.model.intr import Encoded
from intr_discover.model.plain import PlainClassifier, PlainConfig
from tests.explain.conftest import CLASSES, tiny_model

NAN = float("nan")


def photographs(count, height=40, width=56):
    generator = np.random.default_rng(1)
    return list(generator.integers(0, 255, (count, height, width, 3), dtype=np.uint8))


def by_hand():
    """Return a model of width 4 with two heads whose products are known, and two cells."""
    model = tiny_model(width=4, heads=2, num_classes=3, decoder_layers=1, encoder_layers=0)
    attention = model.decoder.layers[0].cross_attention
    with torch.no_grad():
        attention.in_proj_weight[8:] = torch.diag(torch.tensor([1.0, 2.0, 3.0, 4.0]))
        attention.out_proj.weight.copy_(torch.eye(4))
        model.presence.weight.copy_(torch.tensor([[1.0, 10.0, 100.0, -1.0]]))
    cells = torch.tensor([[[1.0, 1.0, 0.0, 0.0], [0.0, 2.0, 1.0, 5.0]]])
    return model, Encoded(cells, (1, 2), None)


def test_saliency_by_hand():
    model, encoded = by_hand()
    saliency = head_saliency(model, encoded)
    # Head 0 reads channels 0 and 1: 1·1·x0 + 10·2·x1. Head 1: 100·3·x2 − 1·4·x3.
    assert saliency.shape == (1, 2, 1, 2)
    torch.testing.assert_close(saliency[0, 0, 0], torch.tensor([21.0, 40.0]))
    torch.testing.assert_close(saliency[0, 1, 0], torch.tensor([0.0, 280.0]))


def test_padded_cells_have_no_saliency():
    model, encoded = by_hand()
    encoded.padding = torch.tensor([[False, True]])
    saliency = head_saliency(model, encoded)
    assert saliency[0, 0, 0, 0] == 21 and saliency[0, :, 0, 1].isnan().all()


@pytest.mark.parametrize("layer", [0, -1])
def test_products_add_up_to_what_cross_attention_gives_the_logit(explainer, layer):
    """The sum over heads and cells is w times the layer's output, but for the biases."""
    model = explainer.model
    encoded = explainer.encode(photographs(1)[0]).encoded
    module = model.decoder.layers[layer].cross_attention
    with torch.inference_mode():
        attention = model.decode(encoded, attend="all", layer=layer).attention[0]
        saliency = head_saliency(model, encoded, layer=layer)[0]
        _, _, value = module.project(encoded.cells, encoded.cells, encoded.cells)
        found = module.combine(attention.flatten(2).transpose(0, 1)[None] @ value)[0]
        expected = found @ model.presence.weight[0]
        assert module.in_proj_bias.abs().sum() == 0 and module.out_proj.bias.abs().sum() == 0
    summed = contributions(attention.numpy(), saliency.numpy()).sum(axis=(1, 2, 3))
    np.testing.assert_allclose(summed, expected.numpy(), rtol=1e-4, atol=1e-6)


def test_one_vector_a_class():
    model = tiny_model(kind="intr-fc", num_classes=3)
    with torch.no_grad():
        model.presence.weight[1] = 2 * model.presence.weight[0]
    cells = torch.randn(1, 6, 16, generator=torch.Generator().manual_seed(0))
    encoded = Encoded(cells, (2, 3), None)
    first, second = (head_saliency(model, encoded, torch.tensor([c])) for c in (0, 1))
    torch.testing.assert_close(second, 2 * first)
    with pytest.raises(ValueError, match="say which class"):
        head_saliency(model, encoded)


@pytest.mark.parametrize("layer", [2, -3])
def test_a_layer_that_is_not_there(explainer, layer):
    encoded = explainer.encode(photographs(1)[0]).encoded
    with pytest.raises(ValueError, match="layers 0 to 1"):
        head_saliency(explainer.model, encoded, layer=layer)
    with pytest.raises(UserError, match="layers 0 to 1"):
        predicted_against_others(explainer, photographs(1), layer=layer)


def test_contributions_by_hand():
    attention = np.array([[[[0.5, 0.25], [0.25, 0.0]]], [[[0.0, 0.0], [0.0, 1.0]]]])
    saliency = np.array([[[2.0, -4.0], [NAN, 8.0]]])
    found = contributions(attention, saliency)
    np.testing.assert_allclose(found[0, 0], [[1.0, -1.0], [0.0, 0.0]])
    np.testing.assert_allclose(found[1, 0], [[0.0, 0.0], [0.0, 8.0]])


def test_alignment_by_hand():
    # Three heads: the same order, the opposite order, and ties (ranks 1.5 1.5 3 against 1 2 3).
    saliency = np.array([[1.0, 2.0, 9.0], [1.0, 2.0, 9.0], [1.0, 2.0, 9.0]])
    maps = np.array([[[0.1, 0.2, 0.7], [0.7, 0.2, 0.1], [0.1, 0.1, 0.8]]])
    found = alignment(maps, saliency)
    np.testing.assert_allclose(found, [[1.0, -1.0, np.sqrt(0.75)]])


def test_padded_cells_are_left_out_and_flat_maps_say_nothing():
    saliency = np.array([[1.0, NAN, 3.0], [5.0, 5.0, 5.0], [1.0, NAN, NAN], [NAN] * 3])
    maps = np.array([[[0.2, 0.0, 0.8], [0.1, 0.2, 0.7], [0.5, 0.3, 0.2], [0.5, 0.3, 0.2]]])
    found = alignment(maps, saliency)
    assert found[0, 0] == pytest.approx(1.0)
    assert np.isnan(found[0, 1:]).all()
    flat = np.full((1, 4, 3), 1 / 3)
    assert np.isnan(alignment(flat, saliency)).all()


def test_other_cells_are_our_own_mistake():
    with pytest.raises(ValueError, match="other cells"):
        alignment(np.zeros((1, 2, 3)), np.zeros((2, 4)))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 12))
def test_alignment_is_spearmans(seed, cells):
    generator = np.random.default_rng(seed)
    maps = generator.integers(0, 4, (2, 1, cells)).astype(float)
    saliency = generator.normal(size=(1, cells))
    found = alignment(maps, saliency)
    for label in range(2):
        if np.ptp(maps[label, 0]) > 0:
            expected = spearmanr(maps[label, 0], saliency[0]).statistic
            assert found[label, 0] == pytest.approx(expected)
    # Neither a larger unit nor a constant changes an order.
    np.testing.assert_allclose(alignment(3 * maps + 1, saliency * 5 - 2), found)


def test_queries_by_hand():
    model = tiny_model(width=4, num_classes=4)
    with torch.no_grad():
        model.class_queries.weight.copy_(
            torch.tensor([[1.0, 0, 0, 0], [3.0, 0, 0, 0], [0, -2.0, 0, 0], [-1.0, 1.0, 0, 0]])
        )
    half = np.sqrt(0.5)
    expected = [[1, 1, 0, -half], [1, 1, 0, -half], [0, 0, 1, -half], [-half, -half, -half, 1]]
    np.testing.assert_allclose(query_similarity(model), expected, atol=1e-12)
    with torch.no_grad():
        model.class_queries.weight[2] = 0
    found = query_similarity(model)
    assert np.isnan(found[2]).all() and np.isnan(found[:, 2]).all()


def test_rows_are_photographs_and_heads(explainer):
    seen = []
    table = predicted_against_others(
        explainer, photographs(2), progress=lambda done, of: seen.append((done, of))
    )
    assert seen == [(1, 2), (2, 2)]
    assert table[["image", "head"]].to_numpy().tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    # The same numbers, step by step, for the first photograph.
    encoded = explainer.encode(photographs(2)[0]).encoded
    with torch.inference_mode():
        output = explainer.model.decode(encoded, attend="all")
        saliency = head_saliency(explainer.model, encoded)[0].numpy()
    found = alignment(output.attention[0].numpy(), saliency)
    answer = int(output.logits[0].argmax())
    assert set(table["predicted"][:2]) == {CLASSES[answer]}
    np.testing.assert_allclose(table["correlation"][:2], found[answer], atol=1e-6)
    rest = np.delete(found, answer, axis=0).mean(axis=0)
    np.testing.assert_allclose(table["others"][:2], rest, atol=1e-6)
    np.testing.assert_allclose(table["difference"], table["correlation"] - table["others"])


def test_every_class_of_intr_fc_has_its_own_saliency(explainer):
    model = tiny_model(kind="intr-fc")
    made = Explainer(model, CLASSES, explainer.preprocessing, device="cpu")
    table = predicted_against_others(made, photographs(1))
    encoded = made.encode(photographs(1)[0]).encoded
    with torch.inference_mode():
        output = model.decode(encoded, attend="all")
        answer = output.logits[0].argmax(keepdim=True)
        saliency = head_saliency(model, encoded, answer)[0].numpy()
    expected = alignment(output.attention[0, answer].numpy(), saliency)[0]
    np.testing.assert_allclose(table["correlation"], expected, atol=1e-6)


def test_no_photographs_give_an_empty_table(explainer):
    table = predicted_against_others(explainer, [])
    assert table.empty and "difference" in table


def test_mistakes(explainer):
    plain = Explainer(PlainClassifier(PlainConfig(4, backbone="resnet18")), CLASSES,
                      explainer.preprocessing, source="runs/plain", device="cpu")  # fmt: skip
    with pytest.raises(UserError, match="runs/plain is a plain classifier"):
        predicted_against_others(plain, photographs(1))
    alone = Explainer(tiny_model(num_classes=1), ["ant"], explainer.preprocessing, device="cpu")
    with pytest.raises(UserError, match="single class"):
        predicted_against_others(alone, photographs(1))
    with torch.no_grad():
        explainer.model.presence.weight[0, 0] = NAN
    with pytest.raises(UserError, match="no numbers"):
        predicted_against_others(explainer, photographs(1))
