"""Attention put elsewhere, against maps made by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from intr_discover.explain.interventions import (
    KINDS,
    override_attention,
    partners,
    total_variation,
)
from tests.explain.conftest import tiny_model


def maps(batch=2, classes=3, heads=2, cells=6, padding=None):
    scores = torch.randn(batch, classes, heads, cells, generator=torch.Generator().manual_seed(1))
    if padding is not None:
        scores = scores.masked_fill(padding[:, None, None], -torch.inf)
    return scores.softmax(-1)


def entropy(batch=2):
    return [[7, row] for row in range(batch)]


def test_uniform_by_hand_with_padding():
    padding = torch.tensor([[False] * 6, [False, False, True, False, True, True]])
    attention = maps(padding=padding)
    changed = override_attention("uniform", [0], entropy=entropy(), padding=padding)(0, attention)
    torch.testing.assert_close(changed[0], torch.full((3, 2, 6), 1 / 6))
    expected = torch.tensor([1, 1, 0, 1, 0, 0]) / 3
    torch.testing.assert_close(changed[1], expected.expand(3, 2, 6))


def test_permuted_keeps_the_weights_and_the_padding():
    padding = torch.tensor([[False] * 6, [False, False, True, False, False, True]])
    attention = maps(padding=padding)
    changed = override_attention("permuted", [0], entropy=entropy(), padding=padding)(0, attention)
    torch.testing.assert_close(changed.sort(-1).values, attention.sort(-1).values)
    assert not torch.equal(changed[0], attention[0])
    assert (changed[1][..., [2, 5]] == 0).all()
    # One draw for each head, the same for all queries: where a weight of query 0 went, that of
    # query 1 went too.
    for head in range(2):
        place = [
            (changed[0, 0, head] == weight).nonzero().item() for weight in attention[0, 0, head]
        ]
        torch.testing.assert_close(changed[0, 1, head, place], attention[0, 1, head])


def test_swapped_gives_a_class_the_map_of_its_partner():
    attention = maps()
    changed = override_attention("swapped", [0], entropy=entropy())(0, attention)
    for row, numbers in enumerate(entropy()):
        for own, other in enumerate(partners(3, numbers)):
            assert own != other
            assert torch.equal(changed[row, own], attention[row, other])


@pytest.mark.parametrize("kind", KINDS)
def test_one_class_alone_and_other_layers_untouched(kind):
    attention = maps()
    override = override_attention(kind, [1], entropy=entropy(), class_ids=torch.tensor([2, 0]))
    assert override(0, attention) is attention
    before = attention.clone()
    changed = override(1, attention)
    assert torch.equal(attention, before)  # the model's own maps stay as they were
    assert torch.equal(changed[0, :2], attention[0, :2])
    assert torch.equal(changed[1, 1:], attention[1, 1:])
    assert not torch.equal(changed[0, 2], attention[0, 2])
    assert not torch.equal(changed[1, 0], attention[1, 0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_draw_does_not_depend_on_the_batch(kind):
    attention = maps(batch=3)
    whole = override_attention(kind, [0], entropy=entropy(3))(0, attention)
    alone = override_attention(kind, [0], entropy=entropy(3)[1:2])(0, attention[1:2])
    torch.testing.assert_close(whole[1:2], alone)


@given(classes=st.integers(2, 30), seed=st.integers(0, 1000))
@settings(max_examples=50, deadline=None)
def test_partners_are_one_round_through_all_classes(classes, seed):
    found = partners(classes, [seed])
    walk, here = [], 0
    for _ in range(classes):
        walk.append(here)
        here = int(found[here])
    assert sorted(walk) == list(range(classes)) and here == 0


def test_wrong_words_are_refused():
    with pytest.raises(ValueError, match="uniform, permuted, swapped"):
        override_attention("sharpened", [0], entropy=entropy())
    with pytest.raises(ValueError, match="no other"):
        partners(1, [0])


def test_total_variation_by_hand():
    first = torch.log(torch.tensor([[0.5, 0.3, 0.2], [1.0, 1.0, 2.0]]))
    second = torch.log(torch.tensor([[0.2, 0.3, 0.5], [1.0, 1.0, 2.0]]))
    torch.testing.assert_close(total_variation(first, second), torch.tensor([0.3, 0.0]))


def test_uniform_equals_all_heads_knocked_out():
    model = tiny_model()
    images = torch.randn(2, 3, 32, 40, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        encoded = model.encode(images)
        last = override_attention("uniform", [1], entropy=entropy())
        known = model.decode(encoded, knockout=[(1, 0), (1, 1)]).logits
        torch.testing.assert_close(
            model.decode(encoded, override=last).logits, known, atol=1e-5, rtol=1e-4
        )
        assert np.abs((known - model.decode(encoded).logits).numpy()).max() > 1e-4
