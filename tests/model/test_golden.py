"""The published architecture: `../shared/golden` holds what it computes on two pictures."""

from __future__ import annotations

import argparse
import importlib.util
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from intr_discover.model import INTR, INTRConfig, load_checkpoint
from intr_discover.model.inference import for_inference
from intr_discover.model.layouts import to_official

LOGITS = {"atol": 1e-4, "rtol": 0}
ATTENTION = {"atol": 1e-5, "rtol": 0}


@pytest.fixture(scope="module")
def golden(shared):
    folder = shared / "golden"
    spec = importlib.util.spec_from_file_location("reference", folder / "reference_weights.py")
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    with np.load(folder / "intr_reference_r50.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    images = [torch.from_numpy(arrays[f"image_{index}"].astype("float32")) for index in (0, 1)]
    expected = {
        name: torch.from_numpy(arrays[name])
        for name in ("logits", "decoder_last", "encoder_output")
    }
    grid = tuple(int(cells) for cells in arrays["grid"])
    for name in ("attention_first", "attention_last"):  # (image, head, class, cell), ours differs
        maps = torch.from_numpy(arrays[name]).transpose(1, 2).unflatten(-1, grid)
        expected[name] = maps.contiguous()
    names = [str(name) for name in arrays["keys"]]
    return SimpleNamespace(images=images, names=names, fill=reference.fill, grid=grid, **expected)


@pytest.fixture(scope="module")
def official(golden):
    """Return the reference weights under the names of the official code."""
    with torch.device("meta"):
        shapes = INTR(INTRConfig(num_classes=7)).state_dict()
    shapes = {to_official(name): tuple(tensor.shape) for name, tensor in shapes.items()}
    assert set(shapes) == set(golden.names)
    return {name: torch.from_numpy(golden.fill(name, shapes[name])) for name in golden.names}


@pytest.fixture(scope="module", params=["plain", "for inference"])
def model(request, official, tmp_path_factory):
    """Return the model as imported from a file such as the official code writes."""
    path = tmp_path_factory.mktemp("official") / "checkpoint.pth"
    arguments = argparse.Namespace(
        nheads=8, hidden_dim=256, enc_layers=6, dec_layers=6, dim_feedforward=2048, dropout=0.1,
        num_queries=7, pre_norm=False, dilation=False, position_embedding="sine",
        backbone="resnet50", lr=5e-5, dataset_name="cub", output_dir="output", distributed=False,
    )  # fmt: skip
    step = {"step": torch.tensor(3.0), "exp_avg": torch.zeros(2)}
    optimizer = {"state": {0: step}, "param_groups": [{"lr": 5e-5, "betas": (0.9, 0.999)}]}
    scheduler = {"step_size": 80, "gamma": 0.1, "base_lrs": [5e-5], "last_epoch": 3}
    torch.save(
        {
            "model": official, "optimizer": optimizer, "lr_scheduler": scheduler, "epoch": 3,
            "args": arguments,
        },
        path,
    )  # fmt: skip
    model = load_checkpoint(path)
    path.unlink()
    return model if request.param == "plain" else for_inference(model)


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def together(model, golden):
    with torch.no_grad():
        return model(golden.images, attend="all")


def test_the_architecture_is_read_from_the_file(model):
    assert model.config == INTRConfig(
        num_classes=7, kind="intr", backbone="resnet50", width=256, heads=8, encoder_layers=6,
        decoder_layers=6, feed_forward=2048, dropout=0.1, attention_dropout=0.1,
    )  # fmt: skip
    assert not model.training
    assert model.stride == 32


def test_batched_with_padding(together, golden):
    assert together.encoded.grid == golden.grid
    torch.testing.assert_close(together.logits, golden.logits, **LOGITS)
    torch.testing.assert_close(together.decoder_output, golden.decoder_last, **LOGITS)
    torch.testing.assert_close(together.attention, golden.attention_last, **ATTENTION)
    found = together.encoded.feature_map[:, : golden.encoder_output.shape[1]]
    torch.testing.assert_close(found, golden.encoder_output, **LOGITS)


def test_first_layer(model, together, golden):
    first = model.decode(together.encoded, attend="all", layer=0)
    torch.testing.assert_close(first.attention, golden.attention_first, **ATTENTION)


@pytest.mark.parametrize("index", [0, 1])
def test_one_by_one_on_the_padded_canvas(model, golden, index):
    image = golden.images[index]
    canvas = torch.zeros(1, 3, 352, 416)
    canvas[0, :, : image.shape[1], : image.shape[2]] = image
    padding = torch.ones(1, 352, 416, dtype=torch.bool)
    padding[0, : image.shape[1], : image.shape[2]] = False
    output = model(canvas, padding=padding, attend="all")
    torch.testing.assert_close(output.logits[0], golden.logits[index], **LOGITS)
    torch.testing.assert_close(output.decoder_output[0], golden.decoder_last[index], **LOGITS)
    torch.testing.assert_close(output.attention[0], golden.attention_last[index], **ATTENTION)
    first = model.decode(output.encoded, attend="all", layer=0)
    torch.testing.assert_close(first.attention[0], golden.attention_first[index], **ATTENTION)


def test_alone_and_unpadded_equals_a_mask_that_pads_nothing(model, golden):
    image = golden.images[1][None]
    nothing = torch.zeros(1, *image.shape[2:], dtype=torch.bool)
    plain, masked = model(image, attend="all"), model(image, padding=nothing, attend="all")
    torch.testing.assert_close(plain.logits, masked.logits, **LOGITS)
    torch.testing.assert_close(plain.attention, masked.attention, **ATTENTION)
