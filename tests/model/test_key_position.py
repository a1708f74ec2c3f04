"""Position in the keys of cross-attention: off as in INTR, on as in DETR."""

from __future__ import annotations

import json

import pytest
import torch

from intr_discover.errors import UserError
from intr_discover.model import (
    INTR,
    INTRConfig,
    export_official,
    fingerprint,
    load_checkpoint,
    save_checkpoint,
)
from intr_discover.model.intr import Encoded
from intr_discover.model.layouts import infer_config
from intr_discover.model.position import sine_position
from intr_discover.training.build import build_model
from intr_discover.training.config import PRESETS, TrainingConfig, as_dict, change

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def plain_decoder(tiny, key_position: bool) -> INTR:
    """Return a model with one head and one decoder layer whose projections change nothing."""
    model = tiny(
        num_classes=2, width=4, heads=1, encoder_layers=0, decoder_layers=1,
        key_position=key_position,
    )  # fmt: skip
    layer = model.decoder.layers[0]
    layer.self_attention.out_proj.weight.zero_()  # queries exchange nothing
    layer.self_attention.out_proj.bias.zero_()
    layer.norm1.bias.zero_()  # and the tokens stay zeros
    layer.cross_attention.in_proj_weight.copy_(torch.eye(4).repeat(3, 1))
    layer.cross_attention.in_proj_bias.zero_()
    model.class_queries.weight.copy_(torch.tensor([[0.0, 2, 0, 2], [0, 0, 0, 2]]))
    return model


def test_attention_to_position_alone_by_hand(tiny):
    # An image without content, 2 by 2 cells. Their positions, see test_position:
    # (0, −1, 0, −1), (0, −1, 0, 1), (0, 1, 0, −1), (0, 1, 0, 1).
    blank = Encoded(torch.zeros(1, 4, 4), (2, 2), None)
    output = plain_decoder(tiny, True).decode(blank, attend="all")
    # Class 0: (0, 2, 0, 2)·position / √4 = −2, 0, 0, 2. exp: 0.13534, 1, 1, 7.38906; sum 9.52439.
    expected = torch.tensor([[0.014210, 0.104994], [0.104994, 0.775803]])
    torch.testing.assert_close(output.attention[0, 0, 0], expected, atol=2e-6, rtol=0)
    # Class 1 reads columns only: −1, 1, −1, 1. 1 / (2 (1 + e²)) = 0.059601; the rest 0.440399.
    expected = torch.tensor([[0.059601, 0.440399], [0.059601, 0.440399]])
    torch.testing.assert_close(output.attention[0, 1, 0], expected, atol=2e-6, rtol=0)
    assert output.peaks[0, :, 0].tolist() == pytest.approx([2, 1], abs=1e-5)


def test_without_position_an_image_without_content_is_looked_at_evenly(tiny):
    blank = Encoded(torch.zeros(1, 4, 4), (2, 2), None)
    output = plain_decoder(tiny, False).decode(blank, attend="all")
    torch.testing.assert_close(output.attention, torch.full((1, 2, 1, 2, 2), 0.25))


def test_values_carry_no_position(tiny):
    # Where all cells are alike, it does not matter where a query looks.
    alike = Encoded(torch.tensor([0.3, -1, 2, 0.5]).expand(1, 4, 4), (2, 2), None)
    with_position = plain_decoder(tiny, True).decode(alike, attend="all")
    without = plain_decoder(tiny, False).decode(alike, attend="all")
    assert (with_position.attention - without.attention).abs().max() > 0.1
    torch.testing.assert_close(with_position.decoder_output, without.decoder_output)


@pytest.mark.parametrize("key_position", [False, True])
def test_the_same_content_elsewhere(tiny, key_position):
    model = tiny(encoder_layers=0, key_position=key_position)
    ground, mark = torch.randn(2, 16, generator=torch.Generator().manual_seed(3))
    cells = ground.repeat(2, 12, 1)
    cells[0, 1], cells[1, 10] = mark, mark  # row 0 column 1, and row 2 column 2
    output = model.decode(Encoded(cells, (3, 4), None), attend="all")
    here, there = output.attention[0, ..., 0, 1], output.attention[1, ..., 2, 2]
    if key_position:
        assert (here - there).abs().max() > 1e-3
        assert (output.logits[0] - output.logits[1]).abs().max() > 1e-4
    else:
        torch.testing.assert_close(here, there, atol=1e-6, rtol=1e-5)
        torch.testing.assert_close(output.logits[0], output.logits[1], atol=1e-5, rtol=1e-5)


def test_positions_count_real_cells_only(tiny, images):
    encoded = tiny(key_position=True).encode(images)
    assert encoded.padding.any()
    padding = encoded.padding.unflatten(1, encoded.grid)
    expected = sine_position(padding, tuple(padding.shape), 16, CPU)
    assert torch.equal(encoded.position, expected)


def test_padding_changes_nothing(tiny):
    model = tiny(encoder_layers=0, key_position=True)
    random = torch.Generator().manual_seed(4)
    small = torch.randn(1, 3, 4, 16, generator=random)
    large = torch.randn(1, 5, 6, 16, generator=random)  # padded cells hold anything
    large[:, :3, :4] = small
    padding = torch.ones(1, 5, 6, dtype=torch.bool)
    padding[:, :3, :4] = False
    alone = model.decode(Encoded(small.flatten(1, 2), (3, 4), None), attend="all")
    padded = model.decode(Encoded(large.flatten(1, 2), (5, 6), padding.flatten(1)), attend="all")
    torch.testing.assert_close(padded.logits, alone.logits, atol=1e-5, rtol=1e-5)
    within = padded.attention[..., :3, :4]
    torch.testing.assert_close(within, alone.attention, atol=1e-6, rtol=1e-5)


def test_it_has_no_weights_and_is_off_by_default(tiny):
    assert INTRConfig(num_classes=2).key_position is False
    assert TrainingConfig().key_position is PRESETS["paper"].key_position is False
    assert fingerprint(tiny(key_position=True)) == fingerprint(tiny())


def test_run_folders_remember_it(tiny, images, tmp_path):
    model = tiny(key_position=True)
    save_checkpoint(tmp_path / "with", model)
    again = load_checkpoint(tmp_path / "with")
    assert again.config == model.config and again.config.key_position
    assert torch.equal(again(images).logits, model(images).logits)
    assert not torch.equal(tiny()(images).logits, model(images).logits)


def test_run_folders_of_earlier_versions_are_without_it(tiny, images, tmp_path):
    model = tiny()
    save_checkpoint(tmp_path / "old", model)
    path = tmp_path / "old" / "config.json"
    config = json.loads(path.read_text())
    assert config["model"].pop("key_position") is False
    path.write_text(json.dumps(config))
    again = load_checkpoint(tmp_path / "old")
    assert again.config.key_position is False
    assert torch.equal(again(images).logits, model(images).logits)


def test_a_setting_that_is_no_yes_or_no_is_refused(tiny, tmp_path):
    save_checkpoint(tmp_path / "odd", tiny())
    path = tmp_path / "odd" / "config.json"
    config = json.loads(path.read_text())
    config["model"]["key_position"] = "sine"
    path.write_text(json.dumps(config))
    with pytest.raises(UserError, match="key_position cannot be 'sine'"):
        load_checkpoint(tmp_path / "odd")
    with pytest.raises(UserError, match="key_position must be true or false"):
        TrainingConfig(key_position=1)


def test_official_checkpoints_are_without_it(tiny):
    exported = export_official(tiny())
    assert infer_config(exported, {"nheads": 4}, "file").key_position is False
    with pytest.raises(UserError, match="key_position has no place in the official layout"):
        export_official(tiny(key_position=True))


def test_training_settings_reach_the_model():
    changes = {"key_position": True, "width": 8, "heads": 2, "feed_forward": 8}
    config = change(TrainingConfig(), changes)
    assert TrainingConfig(**as_dict(config)) == config
    assert build_model(config, 2).config.key_position is True
    assert build_model(change(config, {"key_position": False}), 2).config.key_position is False
