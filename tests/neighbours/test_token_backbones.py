"""Backbones as tokens: attention rollout, which cells are kept, and padding."""

import pytest
import torch

from intr_discover.errors import UserError
from intr_discover.neighbours.token_models.tokens import (
    ConvolutionalTokens,
    TransformerTokens,
    attention_rollout,
    attention_weights,
    build_tokens,
    largest_share,
)


def build(name, **options):
    torch.manual_seed(0)
    options = {"stride": None, "freeze_batch_norm": False, **options}
    return build_tokens(name, **options).eval()


def test_rollout_of_two_known_blocks():
    first = torch.tensor([[[0.5, 0.5], [0.0, 1.0]]])
    second = torch.tensor([[[1.0, 0.0], [0.5, 0.5]]])
    # (A + I) / 2: [[.75, .25], [0, 1]] and [[1, 0], [.25, .75]]; the second times the first.
    expected = torch.tensor([[[0.75, 0.25], [0.1875, 0.8125]]])
    torch.testing.assert_close(attention_rollout([first, second]), expected)


def test_the_largest_share_of_real_cells_is_marked():
    values = torch.tensor([[0.1, 0.9, 0.5, 0.7], [0.4, 0.3, 0.2, 0.1]])
    real = torch.tensor([[True, False, True, True], [True, True, True, True]])
    marked = largest_share(values, real, 0.5)
    assert marked.tolist() == [[False, False, True, True], [True, True, False, False]]
    assert largest_share(values, real, 0.01).sum(1).tolist() == [1, 1]


def test_our_weights_are_those_of_the_block():
    tokens = build("test_vit")
    block = tokens.network.blocks[0]
    seen = []
    block.attn.fused_attn = False
    block.attn.attn_drop.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    states = torch.randn(2, 5, tokens.channels)
    block(states)
    torch.testing.assert_close(attention_weights(block, states), seen[0].mean(1))


def test_in_the_last_block_kept_tokens_see_only_each_other():
    tokens = build("test_vit", kept_share=0.3)
    assert isinstance(tokens, TransformerTokens)
    before = []
    tokens.network.blocks[-1].register_forward_pre_hook(lambda _, given: before.append(given[0]))
    images = torch.randn(1, 3, 64, 80)
    out = tokens(images, None)
    assert out.cells.shape == (1, tokens.channels, 4, 5)
    assert int(out.kept.sum()) == 6  # 0.3 · 20
    places = [0, *(1 + out.kept.flatten().nonzero()[:, 0]).tolist()]
    alone = tokens.network.norm(tokens.network.blocks[-1](before[0][:, places]))
    torch.testing.assert_close(out.summary, alone[:, 0], atol=1e-5, rtol=1e-4)
    kept = out.cells.flatten(2)[0][:, out.kept.flatten()].T
    torch.testing.assert_close(kept, alone[0, 1:], atol=1e-5, rtol=1e-4)


def test_all_kept_is_the_network_as_it_is():
    tokens = build("test_vit")
    images = torch.randn(2, 3, 48, 48)
    out = tokens(images, None)
    states = tokens.network.forward_features(images)
    torch.testing.assert_close(out.summary, states[:, 0], atol=1e-5, rtol=1e-4)
    assert bool(out.kept.all())


@pytest.mark.parametrize(("name", "stride"), [("test_vit", None), ("test_resnet", 8)])
def test_padding_is_never_kept_and_sizes_need_not_fit(name, stride):
    tokens = build(name, stride=stride, kept_share=0.5)
    images = torch.randn(2, 3, 50, 66)
    padding = torch.zeros(2, 50, 66, dtype=torch.bool)
    padding[1, :, 32:] = True
    out = tokens(images, padding)
    cells = (-(-50 // tokens.stride), -(-66 // tokens.stride))
    assert out.cells.shape[2:] == out.kept.shape[1:] == cells
    # A cell on the edge of the padding may be either, as in the backbone of INTR.
    assert not out.kept[1, :, 32 // tokens.stride + 1 :].any()
    assert out.kept[0].any() and out.kept[1].any()


def test_the_summary_of_a_feature_map_is_the_mean_over_real_cells():
    tokens = build("test_resnet", stride=8)
    assert isinstance(tokens, ConvolutionalTokens)
    padding = torch.zeros(1, 32, 32, dtype=torch.bool)
    padding[:, 16:] = True
    out = tokens(torch.randn(1, 3, 32, 32), padding)
    torch.testing.assert_close(out.summary, out.cells[:, :, :2].mean((2, 3)))


def test_a_transformer_without_class_token_is_refused_in_words():
    with pytest.raises(UserError, match="no plain vision transformer with a class token"):
        build("test_vit2")
