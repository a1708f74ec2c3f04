"""The plain classifier that INTR is compared with."""

from __future__ import annotations

import copy

import pytest
import timm
import torch

from intr_discover.errors import UserError
from intr_discover.model import PlainClassifier, PlainConfig


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return PlainClassifier(PlainConfig(num_classes=4, backbone="resnet18")).eval()


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


def test_it_is_the_timm_model_itself(model):
    theirs = timm.create_model("resnet18", num_classes=4).eval()
    theirs.load_state_dict(model.network.state_dict())
    batch = torch.randn(2, 3, 64, 48)
    assert torch.equal(model(batch).logits, theirs(batch))


def test_a_list_is_padded_to_one_size(model):
    images = [torch.randn(3, 40, 64), torch.randn(3, 64, 32)]
    canvas = torch.zeros(2, 3, 64, 64)
    canvas[0, :, :40, :], canvas[1, :, :, :32] = images
    assert torch.equal(model(images).logits, model(canvas).logits)


@pytest.mark.parametrize("backbone", ["deit_tiny_patch16_224", "vit_tiny_r_s16_p8_224"])
def test_vision_transformers_read_any_size(backbone):
    model = PlainClassifier(PlainConfig(num_classes=3, backbone=backbone)).eval()
    assert model(torch.randn(1, 3, 70, 90)).logits.shape == (1, 3)


def test_batch_norm_is_frozen_on_demand():
    config = PlainConfig(num_classes=2, backbone="resnet18", freeze_batch_norm=True)
    model = PlainClassifier(config).train()
    before = model.network.bn1.running_mean.clone()
    model(torch.randn(4, 3, 32, 32))
    assert torch.equal(model.network.bn1.running_mean, before)


def test_a_model_in_double_precision_takes_images_in_single(model):
    double = copy.deepcopy(model).double()
    assert double(torch.randn(1, 3, 32, 32)).logits.dtype == torch.float64


def test_a_description_builds_the_same_model(model):
    assert PlainConfig(**model.describe()) == model.config
    assert model.describe()["kind"] == "plain"


def test_what_there_is_not():
    with pytest.raises(UserError, match="'resnt18' is not a timm model; did you mean"):
        PlainClassifier(PlainConfig(num_classes=2, backbone="resnt18"))
    with pytest.raises(UserError, match="num_classes must be at least 1"):
        PlainConfig(num_classes=0)
