"""The layers against torch's own: ``MultiheadAttention`` and the transformer layers."""

from __future__ import annotations

import json

import pytest
import torch
from torch import nn

from intr_discover.errors import UserError
from intr_discover.model import INTRConfig, load_checkpoint, save_checkpoint, transformer
from intr_discover.model.transformer import (
    Attention,
    Decoder,
    DecoderLayer,
    EncoderLayer,
    Knockout,
    LayerShape,
    _drop_heads,
    attention_scores,
    uniform_attention,
)

WIDTH, HEADS, HIDDEN = 16, 4, 24
SHAPE = LayerShape(
    width=WIDTH, heads=HEADS, feed_forward=HIDDEN, dropout=0.1, attention_dropout=0.1
)
QUERIES, CELLS = 5, 12


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def padding() -> torch.Tensor:
    """Two pictures: the first fills the grid, the second lacks its last four cells."""
    padding = torch.zeros(2, CELLS, dtype=torch.bool)
    padding[1, -4:] = True
    return padding


def mask_of(padding: torch.Tensor) -> torch.Tensor:
    return ~padding[:, None, None]


def randomise(module: nn.Module) -> nn.Module:
    """Give all weights values away from those they start with."""
    for seed, parameter in enumerate(module.parameters()):
        parameter.data = random(*parameter.shape, seed=seed) * 0.3 + 0.1
    return module.eval()


def torch_attention(ours: Attention) -> nn.MultiheadAttention:
    theirs = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True)
    theirs.load_state_dict(ours.state_dict())
    return theirs.eval()


def torch_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    renamed = {}
    for name, value in state.items():
        name = name.replace("self_attention", "self_attn").replace("feed_forward.", "")
        renamed[name.replace("cross_attention", "multihead_attn")] = value
    return renamed


@pytest.mark.parametrize("masked", [False, True])
def test_attention_equals_torch(padding, masked):
    ours = randomise(Attention(WIDTH, HEADS, 0.1))
    query, cells = random(2, QUERIES, WIDTH), random(2, CELLS, WIDTH, seed=1)
    expected, weights = torch_attention(ours)(
        query, cells, cells, key_padding_mask=padding if masked else None,
        need_weights=True, average_attn_weights=False,
    )  # fmt: skip
    mask = mask_of(padding) if masked else None
    torch.testing.assert_close(ours(query, cells, cells, mask), expected, atol=1e-5, rtol=1e-5)
    heads_query, heads_key, _ = ours.project(query, cells, cells)
    scores = attention_scores(heads_query, heads_key, mask)
    torch.testing.assert_close(scores.softmax(-1), weights, atol=1e-6, rtol=1e-5)
    if masked:
        assert (scores[1, ..., -4:] == -torch.inf).all()


def test_attention_scores_by_hand():
    query = torch.tensor([[[[1.0, 2.0, 0.0, -1.0]]]])
    key = torch.tensor([[[[1.0, 1.0, 5.0, 1.0], [0.0, 0.0, 0.0, 4.0]]]])
    # q·k = 1 + 2 + 0 - 1 = 2 and -4; √4 = 2.
    assert attention_scores(query, key, None).flatten().tolist() == [1.0, -2.0]


def test_encoder_layer_equals_torch_without_positions(padding):
    ours = randomise(EncoderLayer(SHAPE))
    theirs = nn.TransformerEncoderLayer(
        WIDTH, HEADS, HIDDEN, dropout=0.1, activation="relu", batch_first=True, norm_first=False
    )
    theirs.load_state_dict(torch_names(ours.state_dict()))
    cells = random(2, CELLS, WIDTH)
    # With gradients torch takes its plain path, not the one for inference alone.
    expected = theirs.eval()(cells, src_key_padding_mask=padding)
    found = ours(cells, torch.zeros_like(cells), mask_of(padding))
    torch.testing.assert_close(found[~padding], expected[~padding], atol=1e-5, rtol=1e-5)


def test_encoder_layer_adds_positions_to_queries_and_keys_alone(padding):
    ours = randomise(EncoderLayer(SHAPE))
    cells, position = random(2, CELLS, WIDTH), random(2, CELLS, WIDTH, seed=1)
    placed = cells + position
    found, _ = torch_attention(ours.self_attention)(placed, placed, cells, key_padding_mask=padding)
    states = ours.norm1(cells + found)
    states = ours.norm2(states + ours.feed_forward(states))
    torch.testing.assert_close(
        ours(cells, position, mask_of(padding)), states, atol=1e-5, rtol=1e-5
    )


def one_layer(layer: DecoderLayer, states, queries, cells, mask):
    states = layer.exchange(states, queries)
    found = layer.cross_attention(states + queries, cells, cells, mask)
    return layer.finish(states, found)


def test_decoder_layer_equals_torch_without_queries(padding):
    ours = randomise(DecoderLayer(SHAPE))
    theirs = nn.TransformerDecoderLayer(
        WIDTH, HEADS, HIDDEN, dropout=0.1, activation="relu", batch_first=True, norm_first=False
    )
    theirs.load_state_dict(torch_names(ours.state_dict()))
    states, cells = random(2, QUERIES, WIDTH), random(2, CELLS, WIDTH, seed=1)
    expected = theirs.eval()(states, cells, memory_key_padding_mask=padding)
    found = one_layer(ours, states, torch.zeros_like(states), cells, mask_of(padding))
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_decoder_equals_torch_attention_layer_by_layer(padding):
    """Zeros go in; queries are added to queries and self-attention keys of every layer alone."""
    decoder = randomise(Decoder(2, SHAPE))
    queries, cells = random(2, QUERIES, WIDTH), random(2, CELLS, WIDTH, seed=1)
    states = torch.zeros_like(queries)
    weights = []
    for layer in decoder.layers:
        placed = states + queries
        found, _ = torch_attention(layer.self_attention)(placed, placed, states)
        states = layer.norm1(states + found)
        found, attention = torch_attention(layer.cross_attention)(
            states + queries, cells, cells, key_padding_mask=padding, average_attn_weights=False
        )
        weights.append(attention.transpose(1, 2))
        states = layer.norm2(states + found)
        states = layer.norm3(states + layer.feed_forward(states))
    for index in range(2):
        output, kept = decoder(queries, cells, mask_of(padding), keep_layer=index)
        torch.testing.assert_close(output, decoder.norm(states), atol=1e-5, rtol=1e-5)
        everyone = torch.arange(QUERIES).expand(2, -1)
        maps, peaks = kept.maps(everyone)
        torch.testing.assert_close(maps, weights[index], atol=1e-6, rtol=1e-5)
        scores = attention_scores(kept.query, kept.key, kept.mask)
        assert torch.equal(peaks, scores.amax(-1).transpose(1, 2))


def test_kept_attention_gives_chosen_queries_of_each_picture(padding):
    decoder = randomise(Decoder(1, SHAPE))
    _, kept = decoder(
        random(2, QUERIES, WIDTH), random(2, CELLS, WIDTH, seed=1), mask_of(padding), keep_layer=0
    )
    everyone, peaks = kept.maps(torch.arange(QUERIES).expand(2, -1))
    chosen, chosen_peaks = kept.maps(torch.tensor([[3, 1], [0, 0]]))
    assert chosen.shape == (2, 2, HEADS, CELLS)
    torch.testing.assert_close(chosen[0], everyone[0, [3, 1]])
    torch.testing.assert_close(chosen[1], everyone[1, [0, 0]])
    torch.testing.assert_close(chosen_peaks[0], peaks[0, [3, 1]])


def test_nothing_is_kept_unless_asked_for(padding):
    decoder = randomise(Decoder(1, SHAPE))
    _, kept = decoder(random(2, QUERIES, WIDTH), random(2, CELLS, WIDTH), mask_of(padding))
    assert kept is None


def test_uniform_attention_by_hand(padding):
    uniform = uniform_attention(mask_of(padding), CELLS, torch.zeros(1))
    assert torch.equal(uniform[0], torch.full((CELLS,), 1 / 12))
    assert torch.equal(uniform[1], torch.tensor([1 / 8] * 8 + [0.0] * 4))
    assert torch.equal(uniform_attention(None, 4, torch.zeros(1)), torch.full((1, 4), 0.25))


@pytest.mark.parametrize("query", [None, 2])
@pytest.mark.parametrize("overridden", [False, True])
def test_gradients_pass_through_knocked_out_heads(padding, query, overridden):
    """Knocked-out heads are put in place without breaking the gradient of the others."""
    decoder = randomise(Decoder(2, SHAPE))
    cells = random(2, CELLS, WIDTH, seed=1).requires_grad_()
    output, kept = decoder(
        random(2, QUERIES, WIDTH), cells, mask_of(padding), keep_layer=1,
        knockouts=[Knockout(1, 0, query)],
        override=(lambda layer, attention: attention) if overridden else None,
    )  # fmt: skip
    maps, _ = kept.maps(torch.arange(QUERIES).expand(2, -1))
    (output.square().sum() + maps.square().sum()).backward()
    assert cells.grad.isfinite().all()
    assert cells.grad.abs().sum() > 0


def test_maps_and_peaks_keep_full_precision_in_mixed_precision(padding):
    decoder = randomise(Decoder(1, SHAPE))
    everyone = torch.arange(QUERIES).expand(2, -1)
    with torch.autocast("cpu", torch.bfloat16):
        _, kept = decoder(
            random(2, QUERIES, WIDTH), random(2, CELLS, WIDTH), mask_of(padding), keep_layer=0
        )
        maps, peaks = kept.maps(everyone)
    assert maps.dtype == peaks.dtype == torch.float32
    torch.testing.assert_close(maps.sum(-1), torch.ones(2, QUERIES, HEADS), atol=1e-6, rtol=0)


def test_an_override_of_another_shape_is_refused(padding):
    decoder = randomise(Decoder(1, SHAPE))
    with pytest.raises(ValueError, match=r"\(2, 5, 4, 12\), got \(2, 5, 4, 11\)"):
        decoder(
            random(2, QUERIES, WIDTH), random(2, CELLS, WIDTH), mask_of(padding),
            override=lambda layer, attention: attention[..., 1:],
        )  # fmt: skip


# --- heads dropped in training --------------------------------------------------------------


def dropping(share: float, dropout: float = 0.0) -> Decoder:
    shape = LayerShape(WIDTH, HEADS, HIDDEN, dropout, dropout, share)
    return randomise(Decoder(2, shape))


EVERY_HEAD = [Knockout(layer, head) for layer in range(2) for head in range(HEADS)]
ALMOST_ALL = 1 - 1e-9


def test_no_head_is_dropped_outside_training(padding):
    given = random(2, QUERIES, WIDTH), random(2, CELLS, WIDTH, seed=1), mask_of(padding)
    expected, _ = dropping(0.0).eval()(*given)
    found, _ = dropping(ALMOST_ALL).eval()(*given)
    assert torch.equal(found, expected)


def test_no_head_is_dropped_unless_asked_for(padding):
    assert LayerShape(WIDTH, HEADS, HIDDEN, 0.1, 0.1).head_dropout == 0
    assert INTRConfig(num_classes=2).head_dropout == 0
    given = random(2, QUERIES, WIDTH), random(2, CELLS, WIDTH, seed=1), mask_of(padding)
    decoder = dropping(0.0)
    expected, _ = decoder.eval()(*given)
    before = torch.get_rng_state()
    found, _ = decoder.train()(*given)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)
    # Nothing is drawn either: a training without it goes as it did before there was one.
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("masked", [False, True])
def test_nearly_all_heads_dropped_equals_all_knocked_out(padding, masked):
    mask = mask_of(padding) if masked else None
    given = random(2, QUERIES, WIDTH), random(2, CELLS, WIDTH, seed=1), mask
    decoder = dropping(ALMOST_ALL)
    expected, _ = decoder.eval()(*given, knockouts=EVERY_HEAD)
    found, _ = decoder.train()(*given)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    natural, _ = decoder.eval()(*given)
    assert (natural - found).abs().max() > 1e-3


def test_heads_are_drawn_for_each_image_and_query(padding):
    value = torch.ones(2, HEADS, CELLS, 3)
    per_head = torch.zeros(2, HEADS, 500, 3)
    torch.manual_seed(0)
    dropped = _drop_heads(per_head, value, mask_of(padding), 0.25)
    whole = dropped.mean(-1)  # a head is dropped with all its channels, or kept
    torch.testing.assert_close(whole, whole.round(), atol=1e-6, rtol=0)
    whole = whole.round()
    # 4000 draws of 0.25: a standard deviation of 0.007.
    assert abs(whole.mean() - 0.25) < 0.03
    for one, other in ((whole[0], whole[1]), (whole[:, 0], whole[:, 1])):
        # Independent draws agree in 0.25² + 0.75² = 0.625.
        assert abs((one == other).float().mean() - 0.625) < 0.06
    assert (per_head == 0).all()


def test_gradients_pass_through_dropped_heads(padding):
    torch.manual_seed(0)
    cells = random(2, CELLS, WIDTH, seed=1).requires_grad_()
    output, _ = dropping(0.5).train()(random(2, QUERIES, WIDTH), cells, mask_of(padding))
    output.square().sum().backward()
    assert cells.grad.isfinite().all()
    assert (cells.grad[~padding].abs().sum(-1) > 0).all()
    assert (cells.grad[padding] == 0).all()


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_of_heads_out_of_range_is_refused(share):
    with pytest.raises(UserError, match=r"model: head_dropout must lie in \[0, 1\)"):
        INTRConfig(num_classes=2, head_dropout=share)


def test_a_run_older_than_head_dropout_is_read(tiny, tmp_path):
    model = tiny()
    save_checkpoint(tmp_path, model)
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["model"].pop("head_dropout") == 0
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert load_checkpoint(tmp_path).config == model.config


def test_head_dropout_stays_with_the_run(tiny, tmp_path):
    save_checkpoint(tmp_path, tiny(head_dropout=0.25))
    assert load_checkpoint(tmp_path).config.head_dropout == 0.25
    assert load_checkpoint(tmp_path).decoder.head_dropout == 0.25


def attention_with_dropout(share):
    torch.manual_seed(0)
    return Attention(16, 2, share).train()


def test_many_queries_with_dropout_are_attended_to_in_parts(monkeypatch):
    """With next to no dropout, result and gradient are those of the whole at once."""
    generator = torch.Generator().manual_seed(1)
    states = torch.randn(2, 70, 16, generator=generator, dtype=torch.float64)
    mask = torch.rand(2, 1, 1, 70, generator=generator) < 0.8
    attention = attention_with_dropout(1e-12).double()
    found = {}
    for rows in (1000, 32):
        monkeypatch.setattr(transformer, "MOST_ROWS", rows)
        given = states.clone().requires_grad_()
        result = attention(given, given, given, mask)
        result.square().sum().backward()
        found[rows] = (result.detach(), given.grad)
    for whole, parts in zip(found[1000], found[32], strict=True):
        torch.testing.assert_close(parts, whole, rtol=1e-9, atol=1e-9)


def test_parts_draw_the_same_dropout_again_for_the_gradient(monkeypatch):
    """Otherwise the gradient would be that of another function: compare with differences."""
    monkeypatch.setattr(transformer, "MOST_ROWS", 4)
    attention = attention_with_dropout(0.4).double()

    def result(states):
        torch.manual_seed(5)
        return attention(states, states, states, None)

    states = torch.randn(1, 10, 16, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(result, (states,))


def test_with_dropout_memory_is_in_proportion_to_the_queries():
    """What waits for the gradient: with all weights kept, twice the queries would be fourfold."""

    def kept(queries):
        sizes = []
        states = torch.randn(1, queries, 16, requires_grad=True)
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor: sizes.append(tensor.nbytes) or tensor, lambda tensor: tensor
        ):
            attention_with_dropout(0.1)(states, states, states, None)
        return sum(sizes)

    assert kept(4096) < 2.6 * kept(2048)
