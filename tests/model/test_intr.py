"""What the model promises: contexts, maps, knock-outs, overrides, padding, gradients."""

from __future__ import annotations

import copy
import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from intr_discover.errors import UserError
from intr_discover.model import INTR, INTRConfig, pad_batch
from intr_discover.model.intr import Encoded

CLOSE = {"atol": 1e-5, "rtol": 1e-5}


@pytest.fixture(scope="module")
def model(tiny):
    return tiny()


@pytest.fixture(scope="module")
def encoded(model, images):
    with torch.no_grad():
        return model.encode(images)


@pytest.fixture(autouse=True)
def no_gradients(request):
    with torch.set_grad_enabled("gradient" in request.node.name):
        yield


# --- shapes and maps ------------------------------------------------------------------------


def test_shapes_of_everything(model, images):
    output = model(images, attend="all")
    assert output.logits.shape == (3, 5)
    assert output.decoder_output.shape == (3, 5, 16)
    assert output.attention.shape == (3, 5, 4, 6, 7)  # 48 x 56 pixels in cells of 8
    assert output.peaks.shape == output.map_maxima.shape == (3, 5, 4)
    assert output.attended.tolist() == [[0, 1, 2, 3, 4]] * 3
    assert output.encoded.grid == (6, 7)
    assert output.encoded.feature_map.shape == (3, 16, 6, 7)
    assert len(output.encoded) == 3
    assert model.stride == 8


def test_maps_sum_to_one_over_real_cells_and_are_zero_on_padding(model, images, encoded):
    attention = model.decode(encoded, attend="all").attention
    torch.testing.assert_close(attention.sum((-1, -2)), torch.ones(3, 5, 4), atol=1e-6, rtol=0)
    for image, maps in zip(images, attention, strict=True):
        rows, columns = image.shape[1] // 8, image.shape[2] // 8
        assert (maps[..., :rows, :columns] > 0).all()
        assert (maps[..., rows:, :] == 0).all()
        assert (maps[..., columns:] == 0).all()


def test_feature_map_lies_row_by_row():
    cells = torch.arange(6.0).reshape(1, 6, 1)
    found = Encoded(cells, (2, 3), None).feature_map
    assert found.tolist() == [[[[0, 1, 2], [3, 4, 5]]]]


def test_map_maxima_and_peaks_are_those_of_the_maps(model, encoded):
    output = model.decode(encoded, attend="all")
    assert torch.equal(output.map_maxima, output.attention.flatten(-2).amax(-1))
    # softmax: log(largest weight) = largest score - log(sum of exp of scores), for each head
    assert (output.peaks > output.map_maxima.log()).all()


def test_attend_none_keeps_nothing_and_changes_no_logit(model, encoded):
    without, with_maps = model.decode(encoded), model.decode(encoded, attend="all")
    assert without.attention is without.peaks is without.map_maxima is without.attended is None
    assert torch.equal(without.logits, with_maps.logits)


def test_attend_predicted_is_one_map_of_the_winner(model, encoded):
    everything = model.decode(encoded, attend="all")
    predicted = model.decode(encoded, attend="predicted")
    assert predicted.attention.shape == (3, 1, 4, 6, 7)
    winners = everything.logits.argmax(-1)
    assert predicted.attended.tolist() == winners[:, None].tolist()
    for index, winner in enumerate(winners):
        expected = everything.attention[index, winner]
        torch.testing.assert_close(predicted.attention[index, 0], expected)
        torch.testing.assert_close(predicted.peaks[index, 0], everything.peaks[index, winner])


def test_attend_class_ids_for_each_picture_or_for_all(model, encoded):
    everything = model.decode(encoded, attend="all").attention
    each = torch.tensor([[4, 0], [1, 1], [2, 3]])
    output = model.decode(encoded, attend=each)
    assert torch.equal(output.attended, each)
    for index, classes in enumerate(each):
        torch.testing.assert_close(output.attention[index], everything[index, classes])
    same = model.decode(encoded, attend=torch.tensor([3, 1]))
    assert same.attended.tolist() == [[3, 1]] * 3
    torch.testing.assert_close(same.attention, everything[:, [3, 1]])


def test_every_decoder_layer_can_be_looked_at(model, encoded):
    first = model.decode(encoded, attend="all", layer=0)
    last = model.decode(encoded, attend="all", layer=1)
    assert torch.equal(last.attention, model.decode(encoded, attend="all").attention)
    assert torch.equal(first.attention, model.decode(encoded, attend="all", layer=-2).attention)
    assert torch.equal(first.logits, last.logits)
    assert (first.attention - last.attention).abs().max() > 1e-3


def test_encode_once_decode_many_equals_forward(model, images, encoded):
    for asked in ({"attend": "all"}, {"context": [1, 3]}, {"knockout": [(0, 2)]}):
        once, whole = model.decode(encoded, **asked), model(images, **asked)
        assert torch.equal(once.logits, whole.logits)
        assert torch.equal(once.encoded.cells, whole.encoded.cells)
        if "attend" in asked:
            assert torch.equal(once.attention, whole.attention)


def test_decoding_leaves_the_encoded_batch_as_it_was(model, encoded):
    before = encoded.cells.clone()
    model.decode(encoded, knockout=[(1, 0)], override=lambda layer, attention: attention.neg_())
    assert torch.equal(encoded.cells, before)


# --- batches and padding --------------------------------------------------------------------


def test_a_list_of_one_size_equals_a_tensor(model, images):
    batch = torch.stack([images[0], images[0].flip(-1)])
    listed = model(list(batch), attend="all")
    stacked = model(batch, attend="all")
    assert listed.encoded.padding is stacked.encoded.padding is None
    assert torch.equal(listed.logits, stacked.logits)
    assert torch.equal(listed.attention, stacked.attention)


def test_unpadded_equals_a_mask_that_pads_nothing(model, images):
    image = images[0][None]
    nothing = torch.zeros(1, *image.shape[2:], dtype=torch.bool)
    plain, masked = model(image, attend="all"), model(image, padding=nothing, attend="all")
    torch.testing.assert_close(plain.logits, masked.logits, **CLOSE)
    torch.testing.assert_close(plain.attention, masked.attention, **CLOSE)


def test_a_picture_does_not_see_its_neighbours_in_the_batch(model, images):
    batch, padding = pad_batch(images)
    together = model(images, attend="all")
    for index in range(3):
        one = slice(index, index + 1)
        alone = model(batch[one], padding=padding[one], attend="all")
        torch.testing.assert_close(alone.logits[0], together.logits[index], **CLOSE)
        torch.testing.assert_close(alone.attention[0], together.attention[index], **CLOSE)


def test_what_cells_hold_on_padding_changes_nothing(model, encoded):
    """Whatever the encoder writes on padded cells, the decoder does not look at it."""
    cells = encoded.cells.clone()
    cells[encoded.padding] = 1e3
    other = Encoded(cells, encoded.grid, encoded.padding)
    expected, found = model.decode(encoded, attend="all"), model.decode(other, attend="all")
    torch.testing.assert_close(found.logits, expected.logits, **CLOSE)
    torch.testing.assert_close(found.attention, expected.attention, **CLOSE)


def test_pad_batch_by_hand():
    batch, padding = pad_batch([torch.ones(3, 2, 1), 2 * torch.ones(3, 1, 3)])
    assert batch[0, 0].tolist() == [[1, 0, 0], [1, 0, 0]]
    assert batch[1, 2].tolist() == [[2, 2, 2], [0, 0, 0]]
    assert padding[0].tolist() == [[False, True, True], [False, True, True]]
    assert padding[1].tolist() == [[False, False, False], [True, True, True]]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [([], "no images"), ([torch.ones(4, 4)], r"\[3, H, W\]"), (torch.ones(3, 8, 8), "B, 3, H, W")],
)
def test_batches_that_are_none(model, wrong, said):
    with pytest.raises(ValueError, match=said):
        model(wrong)


def test_padding_of_another_size_is_refused(model):
    with pytest.raises(ValueError, match="padding must be"):
        model(torch.zeros(1, 3, 16, 16), padding=torch.zeros(1, 2, 2, dtype=torch.bool))


# --- contexts -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["intr", "intr-fc"])
@pytest.mark.parametrize("context", [[3, 1], [0], [4, 2, 0, 1, 3]])
def test_context_zero_equals_zeroing_the_other_queries_by_hand(tiny, images, kind, context):
    model = tiny(kind=kind)
    by_hand = copy.deepcopy(model)
    others = [index for index in range(5) if index not in context]
    by_hand.class_queries.weight[others] = 0
    found = model(images, context=context, context_mode="zero", attend="all")
    expected = by_hand(images, attend=torch.tensor(context))
    torch.testing.assert_close(found.logits, expected.logits[:, context], **CLOSE)
    torch.testing.assert_close(found.attention, expected.attention, **CLOSE)
    torch.testing.assert_close(found.decoder_output, expected.decoder_output[:, context], **CLOSE)
    assert found.attended.tolist() == [context] * 3


@pytest.mark.parametrize("kind", ["intr", "intr-fc"])
@pytest.mark.parametrize("context", [[3, 1], [0], [4, 2, 0, 1, 3]])
def test_context_subset_equals_a_model_with_fewer_classes(tiny, images, kind, context):
    model = tiny(kind=kind)
    state = model.state_dict()
    state["class_queries.weight"] = state["class_queries.weight"][context]
    if kind == "intr-fc":
        state["presence.weight"] = state["presence.weight"][context]
        state["presence.bias"] = state["presence.bias"][context]
    fewer = tiny(kind=kind, num_classes=len(context))
    fewer.load_state_dict(state)
    found = model(images, context=context, context_mode="subset", attend="all")
    expected = fewer(images, attend="all")
    torch.testing.assert_close(found.logits, expected.logits, **CLOSE)
    torch.testing.assert_close(found.attention, expected.attention, **CLOSE)
    assert found.attended.tolist() == [context] * 3


def test_the_two_modes_and_masked_logits_are_three_experiments(model, encoded):
    zero = model.decode(encoded, context=[0, 1], context_mode="zero").logits
    subset = model.decode(encoded, context=[0, 1], context_mode="subset").logits
    masked = model.decode(encoded).logits[:, :2]
    for one, other in itertools.combinations((zero, subset, masked), 2):
        assert (one - other).abs().max() > 1e-4


@pytest.mark.parametrize("mode", ["zero", "subset"])
@pytest.mark.parametrize("kind", ["intr", "intr-fc"])
def test_answers_come_in_the_order_of_the_context(tiny, images, mode, kind):
    model = tiny(kind=kind)
    one = model(images, context=[4, 0, 2], context_mode=mode, attend="all")
    other = model(images, context=torch.tensor([2, 4, 0]), context_mode=mode, attend="all")
    torch.testing.assert_close(one.logits[:, [2, 0, 1]], other.logits, **CLOSE)
    torch.testing.assert_close(one.attention[:, [2, 0, 1]], other.attention, **CLOSE)


@pytest.mark.parametrize("mode", ["zero", "subset"])
def test_class_ids_under_a_context_are_those_of_the_full_list(model, encoded, mode):
    asked = {"context": [4, 0, 2], "context_mode": mode}
    everything = model.decode(encoded, attend="all", **asked)
    chosen = model.decode(encoded, attend=torch.tensor([2, 4]), **asked)
    assert chosen.attended.tolist() == [[2, 4]] * 3
    torch.testing.assert_close(chosen.attention, everything.attention[:, [2, 0]], **CLOSE)
    predicted = model.decode(encoded, attend="predicted", **asked)
    expected = torch.tensor([4, 0, 2])[everything.logits.argmax(-1)]
    assert predicted.attended[:, 0].tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"context": []}, "at least one class"),
        ({"context": [0, 5]}, "outside 0 to 4"),
        ({"context": [-1]}, "outside 0 to 4"),
        ({"context": [1, 1]}, "twice"),
        ({"context": [[0, 1]]}, "list of at least one"),
        ({"context": [0.5]}, "at least one class id"),
        ({"context": [0], "context_mode": "mask"}, "'zero' or 'subset'"),
        ({"context": [0, 1], "attend": torch.tensor([2])}, r"do not compete: \[2\]"),
        ({"attend": torch.tensor([5])}, r"do not compete: \[5\]"),
        ({"attend": torch.tensor([[0], [1]])}, r"class ids \[3, K\]"),
        ({"attend": torch.tensor([0.0])}, "int64"),
        ({"attend": "best"}, "'best'"),
        ({"attend": "all", "layer": 2}, "layers 0 to 1"),
        ({"attend": "all", "layer": -3}, "layers 0 to 1"),
        ({"knockout": [(2, 0)]}, "layers 0 to 1"),
        ({"knockout": [(0, 4)]}, "heads are 0 to 3"),
        ({"knockout": [(0, -1)]}, "heads are 0 to 3"),
        ({"knockout": [(0, 0, 5)]}, "does not compete"),
        ({"knockout": [(0, 0, 1)], "context": [0], "context_mode": "subset"}, "not compete"),
    ],
)
def test_questions_without_an_answer(model, encoded, asked, said):
    with pytest.raises(ValueError, match=said):
        model.decode(encoded, **asked)


# --- knock-outs and overrides ---------------------------------------------------------------


def test_an_override_that_changes_nothing_changes_nothing(model, encoded):
    seen = []

    def watch(layer, attention):
        seen.append((layer, tuple(attention.shape)))
        return attention

    fused = model.decode(encoded, attend="all")
    explicit = model.decode(encoded, attend="all", override=watch)
    assert seen == [(0, (3, 5, 4, 42)), (1, (3, 5, 4, 42))]
    torch.testing.assert_close(explicit.logits, fused.logits, **CLOSE)
    torch.testing.assert_close(explicit.attention, fused.attention, **CLOSE)
    torch.testing.assert_close(explicit.peaks, fused.peaks, **CLOSE)


def uniform_in(layer, head, encoded, classes=slice(None)):
    """Return an override that spreads one head over the real cells."""
    real = (~encoded.padding).float()
    uniform = real / real.sum(-1, keepdim=True)

    def override(index, attention):
        attention = attention.clone()
        if index == layer:
            attention[:, classes, head] = uniform[:, None]
        return attention

    return override


@pytest.mark.parametrize(("layer", "head"), [(1, 0), (0, 3), (-1, 2)])
def test_a_knockout_equals_an_override_with_the_uniform_map(model, encoded, layer, head):
    knocked = model.decode(encoded, attend="all", knockout=[(layer, head)])
    override = uniform_in(layer % 2, head, encoded)
    expected = model.decode(encoded, attend="all", override=override)
    torch.testing.assert_close(knocked.logits, expected.logits, **CLOSE)
    torch.testing.assert_close(knocked.attention, expected.attention, **CLOSE)
    assert (knocked.logits - model.decode(encoded).logits).abs().max() > 1e-5


def test_a_knockout_without_padding(model, images):
    encoded = model.encode(images[0][None])
    knocked = model.decode(encoded, attend="all", knockout=[(1, 2)])
    assert torch.equal(knocked.attention[:, :, 2], torch.full((1, 5, 5, 6), 1 / 30))


def test_a_knocked_out_head_shows_the_uniform_map(model, images, encoded):
    natural = model.decode(encoded, attend="all").attention
    knocked = model.decode(encoded, attend="all", knockout=[(1, 2)]).attention
    for image, maps in zip(images, knocked[:, :, 2], strict=True):
        rows, columns = image.shape[1] // 8, image.shape[2] // 8
        expected = torch.zeros(5, 6, 7)
        expected[:, :rows, :columns] = 1 / (rows * columns)
        torch.testing.assert_close(maps, expected)
    others = [0, 1, 3]
    torch.testing.assert_close(knocked[:, :, others], natural[:, :, others], **CLOSE)


def test_a_knockout_of_one_class_touches_that_class_alone(model, encoded):
    natural = model.decode(encoded, attend="all")
    knocked = model.decode(encoded, attend="all", knockout=[(-1, 1, 3)])
    others = [0, 1, 2, 4]
    torch.testing.assert_close(knocked.logits[:, others], natural.logits[:, others], **CLOSE)
    assert (knocked.logits[:, 3] - natural.logits[:, 3]).abs().min() > 1e-6
    torch.testing.assert_close(knocked.attention[:, others], natural.attention[:, others], **CLOSE)
    expected = model.decode(encoded, override=uniform_in(1, 1, encoded, slice(3, 4)))
    torch.testing.assert_close(knocked.logits, expected.logits, **CLOSE)


def test_the_class_of_a_knockout_under_a_subset_is_one_of_the_full_list(model, encoded):
    asked = {"context": [4, 2], "context_mode": "subset"}
    natural = model.decode(encoded, **asked).logits
    knocked = model.decode(encoded, knockout=[(-1, 0, 2)], **asked).logits
    torch.testing.assert_close(knocked[:, 0], natural[:, 0], **CLOSE)
    assert (knocked[:, 1] - natural[:, 1]).abs().min() > 1e-6


def test_all_heads_knocked_out_leave_no_class_a_map_of_its_own(model, encoded):
    everything = [(layer, head) for layer in range(2) for head in range(4)]
    attention = model.decode(encoded, attend="all", knockout=everything).attention
    torch.testing.assert_close(attention, attention[:, :1, :1].expand_as(attention))


def test_a_knockout_and_an_override_add_up(model, encoded):
    """The override sees the uniform map that the knock-out put in."""
    both = model.decode(
        encoded, knockout=[(1, 0)], override=uniform_in(1, 2, encoded), attend="all"
    )
    expected = model.decode(encoded, knockout=[(1, 0), (1, 2)], attend="all")
    torch.testing.assert_close(both.logits, expected.logits, **CLOSE)
    torch.testing.assert_close(both.attention, expected.attention, **CLOSE)


# --- peaks ----------------------------------------------------------------------------------


def test_the_key_bias_moves_peaks_and_nothing_else(model, images):
    """METHODS 2: a constant on all scores of a head changes its peak, not its attention."""
    other = copy.deepcopy(model)
    attention = other.decoder.layers[-1].cross_attention
    change = torch.randn(16, generator=torch.Generator().manual_seed(3))
    attention.in_proj_bias[16:32] += change
    before, after = model(images, attend="all"), other(images, attend="all")
    torch.testing.assert_close(after.attention, before.attention, **CLOSE)
    torch.testing.assert_close(after.map_maxima, before.map_maxima, **CLOSE)
    torch.testing.assert_close(after.logits, before.logits, **CLOSE)
    moved = after.peaks - before.peaks
    assert moved.abs().max() > 0.1
    # By how much: q·(change of the head) / √4, worked out from the queries of the last layer.
    _, kept = model.decoder(
        model.class_queries.weight.expand(3, -1, -1), before.encoded.cells, before.encoded.mask,
        keep_layer=1,
    )  # fmt: skip
    expected = torch.einsum("brqd,rd->bqr", kept.query, change.unflatten(0, (4, 4))) / 2
    torch.testing.assert_close(moved, expected, atol=1e-4, rtol=1e-4)


# --- classes --------------------------------------------------------------------------------


@settings(max_examples=8, deadline=None)
@given(order=st.permutations(range(5)), kind=st.sampled_from(["intr", "intr-fc"]))
def test_reordering_the_classes_reorders_the_answers(tiny, images, order, kind):
    with torch.no_grad():
        model = tiny(kind=kind)
        other = copy.deepcopy(model)
        other.class_queries.weight.data = model.class_queries.weight[order]
        if kind == "intr-fc":
            other.presence.weight.data = model.presence.weight[order]
            other.presence.bias.data = model.presence.bias[order]
        before, after = model(images[:1], attend="all"), other(images[:1], attend="all")
    torch.testing.assert_close(after.logits, before.logits[:, order], **CLOSE)
    torch.testing.assert_close(after.attention, before.attention[:, order], **CLOSE)


def test_one_presence_vector_or_one_for_each_class(tiny, images):
    shared, each = tiny(), tiny(kind="intr-fc")
    assert shared.presence.weight.shape == (1, 16)
    assert each.presence.weight.shape == (5, 16)
    output = each(images)
    for index in range(5):
        vector, bias = each.presence.weight[index], each.presence.bias[index]
        expected = output.decoder_output[:, index] @ vector + bias
        torch.testing.assert_close(output.logits[:, index], expected, **CLOSE)


def test_a_model_of_one_class(tiny, images):
    output = tiny(num_classes=1)(images, attend="predicted")
    assert output.logits.shape == (3, 1)
    assert output.attended.tolist() == [[0]] * 3


# --- training -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["intr", "intr-fc"])
@pytest.mark.parametrize(("backbone", "stride"), [("resnet18", 8), ("deit_tiny_patch16_224", None)])
def test_the_gradient_reaches_every_weight_that_learns(tiny, images, kind, backbone, stride):
    shape = {"kind": kind, "backbone": backbone, "backbone_stride": stride}
    model = tiny(dropout=0.0, attention_dropout=0.0, **shape).train()
    logits = model(images).logits
    torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2])).backward()
    without = {
        name
        for name, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().max() > 1e-5
    }
    # Zeros go into the first decoder layer: its queries exchange a constant, however they weigh
    # each other. These weights learn from attention dropout alone, in the published model too.
    expected = {"decoder.layers.0.self_attention.in_proj_weight"}
    if kind == "intr":
        # With one presence vector for all these add the same to all logits: softmax ignores it.
        expected |= {"decoder.norm.bias", "presence.bias"}
    assert without == expected


def test_dropout_works_in_training_and_not_in_evaluation(tiny, images):
    model = tiny()
    assert torch.equal(model(images).logits, model(images).logits)
    model.train()
    assert not torch.equal(model(images).logits, model(images).logits)
    still = tiny(dropout=0.0, attention_dropout=0.0).train()
    assert torch.equal(still(images).logits, still(images).logits)


def test_a_model_in_double_precision_takes_images_in_single(tiny, images):
    model = tiny().double()
    assert model(images).logits.dtype == torch.float64


def test_mixed_precision_gives_maps_in_single(model, images):
    with torch.autocast("cpu", torch.bfloat16):
        output = model(images, attend="all")
    assert output.attention.dtype == torch.float32
    torch.testing.assert_close(output.attention.sum((-1, -2)), torch.ones(3, 5, 4))
    expected = model(images).logits
    torch.testing.assert_close(output.logits.float(), expected, atol=0.3, rtol=0)


# --- configuration --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings_", "said"),
    [
        ({"num_classes": 0}, "num_classes must be at least 1, not 0"),
        ({"kind": "inter"}, "kind 'inter' is unknown"),
        ({"width": 18}, "width 18 must be divisible"),
        ({"width": 36}, "by heads 8"),
        ({"heads": 0}, "heads must be at least 1"),
        ({"decoder_layers": 0}, "decoder_layers"),
        ({"encoder_layers": -1}, "must not be negative"),
        ({"dropout": 1.0}, "dropout must lie in"),
        ({"attention_dropout": -0.1}, "attention_dropout must lie in"),
    ],
)
def test_configurations_that_are_none(settings_, said):
    with pytest.raises(UserError, match=said):
        INTRConfig(**({"num_classes": 5} | settings_))


def test_a_description_builds_the_same_model(tiny):
    model = tiny(kind="intr-fc")
    again = INTR(INTRConfig(**model.describe()))
    assert again.config == model.config
    again.load_state_dict(model.state_dict())


def test_without_encoder_layers_cells_are_the_projected_features(tiny, images):
    model = tiny(encoder_layers=0)
    features, _ = model.backbone(images[0][None], None)
    found = model.encode(images[:1]).feature_map
    torch.testing.assert_close(found, model.projection(features))
