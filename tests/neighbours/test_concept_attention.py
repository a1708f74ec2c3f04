"""Attention to two concepts, and its losses, worked out by hand."""

import math

import pytest
import torch

from intr_discover.neighbours.token_models.concept_attention import (
    ConceptAttention,
    attention_entropy,
    explanation_loss,
)


@pytest.fixture
def toy():
    """Two concepts along two axes, three classes: the first, the second, both."""
    attention = ConceptAttention(width=2, concepts=2, classes=3, heads=1)
    with torch.no_grad():
        for weight in (
            attention.concepts,
            attention.queries.weight,
            attention.keys.weight,
            attention.values.weight,
        ):
            weight.copy_(torch.eye(2))
        attention.classes.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]))
        attention.classes.bias.copy_(torch.tensor([0.0, 0.0, 0.5]))
    return attention.eval()


# Scores are divided by √2: (log 3, 0) is attended to as (3, 1) / 4, (0, 0) as (1, 1) / 2.
TOKENS = torch.tensor([[[math.sqrt(2) * math.log(3), 0.0], [0.0, 0.0], [9.0, -9.0]]])
REAL = torch.tensor([[True, True, False]])


def test_attention_and_logits_of_two_concepts(toy):
    answer = toy(TOKENS, REAL)
    torch.testing.assert_close(
        answer.attention[0, :2], torch.tensor([[0.75, 0.25], [0.5, 0.5]]), atol=1e-6, rtol=0
    )
    # The mean over the two real tokens: 0.625 of the first concept, 0.375 of the second.
    expected = torch.tensor([[0.625, 0.375, 1.5]])
    torch.testing.assert_close(answer.logits, expected, atol=1e-6, rtol=0)
    gives = torch.tensor([[[0.625, 0.0, 0.625], [0.0, 0.375, 0.375]]])
    torch.testing.assert_close(answer.contributions, gives, atol=1e-6, rtol=0)


def test_contributions_and_bias_are_the_logits_with_many_heads():
    torch.manual_seed(0)
    attention = ConceptAttention(width=12, concepts=5, classes=4, heads=3).eval()
    torch.nn.init.normal_(attention.classes.bias)
    tokens = torch.randn(2, 7, 12)
    answer = attention(tokens, torch.ones(2, 7, dtype=torch.bool))
    torch.testing.assert_close(answer.contributions.sum(1) + attention.classes.bias, answer.logits)
    # Against torch's own attention, with the same matrices and the classes as its last layer.
    keys = attention.concepts.expand(2, -1, -1)
    per_token, weights = torch.nn.functional.multi_head_attention_forward(
        tokens.transpose(0, 1), keys.transpose(0, 1), keys.transpose(0, 1), 12, 3,
        None, None, None, None, False, 0.0, torch.eye(12), None,
        use_separate_proj_weight=True, q_proj_weight=attention.queries.weight,
        k_proj_weight=attention.keys.weight, v_proj_weight=attention.values.weight,
    )  # fmt: skip
    torch.testing.assert_close(answer.logits, attention.classes(per_token.mean(0)))
    torch.testing.assert_close(answer.attention, weights)


def test_explanation_loss_of_known_marks():
    attention = torch.tensor([[[0.75, 0.25], [0.5, 0.5], [0.9, 0.1]]])
    marked = torch.tensor([[[True, False], [True, True], [False, False]]])
    # The first token is off by a quarter twice; two marks share the second; the third has none.
    assert explanation_loss(attention, marked).item() == pytest.approx((2 * 0.25**2 + 0) / 2)


def test_explanation_loss_without_marks_is_zero():
    assert explanation_loss(torch.ones(1, 2, 1), torch.zeros(1, 2, 1).bool()).item() == 0


def test_entropy_of_real_tokens_only():
    attention = torch.tensor([[[0.5, 0.5], [1.0, 0.0], [0.3, 0.7]]], requires_grad=True)
    entropy = attention_entropy(attention, REAL)
    assert entropy.item() == pytest.approx(math.log(2) / 2)
    torch.autograd.backward(entropy)
    assert attention.grad is not None and bool(torch.isfinite(attention.grad).all())
