"""Dropout by fewer random numbers: the share, the scale, the gradient, the seed."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from intr_discover.model.dropout import Dropout, DroppedAttention, kept_cells


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_share_and_mean(share):
    torch.manual_seed(0)
    kept, scale = kept_cells(torch.Size([500, 801]), share)
    assert kept.unique().tolist() == [0, 1]
    # 400 500 draws: five standard deviations of a share are at most 0.004.
    assert float(kept.float().mean()) == pytest.approx(1 - share, abs=0.004)
    assert scale == pytest.approx(1 / (1 - share), rel=1e-3)
    # Neighbours, which come from one drawn number, know nothing of each other.
    pairs = (kept[:, :-1] * kept[:, 1:]).float().mean()
    assert float(pairs) == pytest.approx((1 - share) ** 2, abs=0.005)


@pytest.mark.parametrize("share", [0.0, 0.99999999])
def test_ends_of_the_range(share):
    kept, scale = kept_cells(torch.Size([9]), share)
    assert scale > 0 and kept.shape == (9,)
    if share == 0:
        assert kept.all() and scale == 1


def test_the_gradient_goes_where_the_states_went():
    torch.manual_seed(3)
    states = torch.randn(7, 13, requires_grad=True)
    layer = Dropout(0.3).train()
    dropped = layer(states)
    dropped.sum().backward()
    factor = states.grad
    assert factor.unique().tolist() == [0.0, pytest.approx(1 / 0.7, rel=1e-4)]
    torch.testing.assert_close(dropped, states * factor)


def test_the_seed_decides_and_evaluation_drops_nothing():
    layer, states = Dropout(0.4).train(), torch.ones(1000)
    found = []
    for seed in (5, 5, 6):
        torch.manual_seed(seed)
        found.append(layer(states))
    assert torch.equal(found[0], found[1]) and not torch.equal(found[0], found[2])
    assert torch.equal(layer.eval()(states), states)


@pytest.mark.parametrize("masked", [False, True])
def test_attention_against_its_definition(masked):
    torch.manual_seed(0)
    query, key, value = (
        torch.randn(2, 3, cells, 4, dtype=torch.float64, requires_grad=True) for cells in (5, 6, 6)
    )
    mask = None
    if masked:
        mask = torch.ones(2, 1, 1, 6, dtype=torch.bool)
        mask[1, ..., 4:] = False
    torch.manual_seed(9)
    found = DroppedAttention.apply(query, key, value, mask, 0.25)
    torch.manual_seed(9)
    kept, scale = kept_cells(torch.Size([2, 3, 5, 6]), 0.25)
    scores = query @ key.transpose(-1, -2) / 2
    scores = scores if mask is None else scores.masked_fill(~mask, -torch.inf)
    expected = (scores.softmax(-1) * kept * scale) @ value
    torch.testing.assert_close(found, expected)
    weights = torch.randn_like(found)
    ours = torch.autograd.grad((found * weights).sum(), (query, key, value))
    theirs = torch.autograd.grad((expected * weights).sum(), (query, key, value))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


def test_attention_without_drops_is_the_fused_kernel():
    torch.manual_seed(0)
    query, key, value = (torch.randn(1, 2, cells, 8) for cells in (4, 7, 7))
    found = DroppedAttention.apply(query, key, value, None, 0.0)
    expected = functional.scaled_dot_product_attention(query, key, value)
    torch.testing.assert_close(found, expected)


def test_sixteen_bits():
    torch.manual_seed(0)
    query, key, value = (
        torch.randn(1, 2, 6, 8, dtype=torch.bfloat16, requires_grad=True) for _ in range(3)
    )
    with torch.autocast("cpu", torch.bfloat16):
        found = DroppedAttention.apply(query, key, value, None, 0.1)
    found.float().sum().backward()
    assert found.dtype == query.grad.dtype == torch.bfloat16
    assert all(torch.isfinite(each.grad).all() for each in (query, key, value))
