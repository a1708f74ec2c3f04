"""Backbones as feature maps: levels, strides, odd sizes, frozen batch norm, what timm refuses."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from intr_discover.errors import UserError
from intr_discover.model import Backbone


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.no_grad():
        yield


@pytest.mark.parametrize(("stride", "channels"), [(4, 64), (8, 128), (16, 256), (32, 512)])
def test_resnet18_at_every_stride(stride, channels):
    backbone = Backbone("resnet18", stride=stride).eval()
    assert (backbone.channels, backbone.stride) == (channels, stride)
    features, padding = backbone(torch.randn(2, 3, 70, 90), None)
    assert features.shape == (2, channels, math.ceil(70 / stride), math.ceil(90 / stride))
    assert padding is None


def test_layers_above_the_level_are_not_there():
    whole = sum(parameter.numel() for parameter in Backbone("resnet18").parameters())
    cut = sum(parameter.numel() for parameter in Backbone("resnet18", stride=8).parameters())
    assert cut < whole / 10


@pytest.mark.parametrize(("level", "stride"), [(0, 2), (-1, 32), (-2, 16), (4, 32)])
def test_resnet18_by_level(level, stride):
    assert Backbone("resnet18", level=level).stride == stride


def test_the_default_is_the_deepest_level():
    backbone = Backbone("resnet50")
    assert (backbone.channels, backbone.stride) == (2048, 32)


@pytest.mark.parametrize(
    ("name", "asked", "channels", "stride"),
    [
        ("deit_small_patch16_224", {}, 384, 16),
        ("deit_small_patch16_224", {"level": 3}, 384, 16),
        ("deit_tiny_distilled_patch16_224", {}, 192, 16),
        ("vit_small_patch14_dinov2", {}, 384, 14),
        ("vit_small_patch14_reg4_dinov2", {"level": 0}, 384, 14),
        ("swin_tiny_patch4_window7_224", {"stride": 16}, 384, 16),
        ("swin_tiny_patch4_window7_224", {"stride": 8}, 192, 8),
    ],
)
@pytest.mark.parametrize("size", [(70, 90), (64, 112)])
def test_transformers_read_any_size(name, asked, channels, stride, size):
    backbone = Backbone(name, **asked).eval()
    assert (backbone.channels, backbone.stride) == (channels, stride)
    grid = math.ceil(size[0] / stride), math.ceil(size[1] / stride)
    features, padding = backbone(torch.randn(1, 3, *size), None)
    assert features.shape == (1, channels, *grid)
    assert padding is None
    # The same with a mask: the right half is padding.
    mask = torch.zeros(1, *size, dtype=torch.bool)
    mask[..., stride * (grid[1] // 2) :] = True
    masked, padding = backbone(torch.randn(1, 3, *size), mask)
    assert masked.shape == features.shape
    assert padding.shape == (1, *grid)
    assert not padding[..., : grid[1] // 2].any()
    assert padding[..., grid[1] // 2 :].all()


def test_token_maps_lie_as_the_picture_does():
    """A change in one patch shows most in its own cell: rows and columns are not mixed up."""
    torch.manual_seed(0)
    backbone = Backbone("deit_tiny_patch16_224", level=0).eval()
    image = torch.randn(1, 3, 64, 96)
    changed = image.clone()
    changed[..., 16:32, 64:80] += 3.0  # row 1, column 4
    difference = (backbone(changed, None)[0] - backbone(image, None)[0]).norm(dim=1)[0]
    assert difference.flatten().argmax() == 1 * 6 + 4


def test_map_channels_that_come_last_are_put_first():
    torch.manual_seed(0)
    backbone = Backbone("swin_tiny_patch4_window7_224", stride=4).eval()
    image = torch.randn(1, 3, 64, 96)
    changed = image.clone()
    changed[..., 20:24, 60:64] += 3.0  # row 5, column 15
    difference = (backbone(changed, None)[0] - backbone(image, None)[0]).norm(dim=1)[0]
    assert difference.shape == (16, 24)
    assert difference.flatten().argmax() == 5 * 24 + 15


@pytest.mark.parametrize(("stride", "channels"), [(4, 40), (16, 160), (32, 320)])
def test_convnext_atto(stride, channels):
    backbone = Backbone("convnext_atto", stride=stride).eval()
    assert backbone.channels == channels
    features, _ = backbone(torch.randn(1, 3, 64, 96), None)
    assert features.shape == (1, channels, 64 // stride, 96 // stride)


@pytest.mark.parametrize("name", ["vit_huge_patch14_224", "vit_huge_patch14_clip_224"])
def test_vit_huge_without_memory_for_its_weights(name):
    with torch.device("meta"):
        backbone = Backbone(name)
    assert (backbone.channels, backbone.stride) == (1280, 14)
    assert {parameter.device.type for parameter in backbone.parameters()} == {"meta"}


def test_padding_follows_the_first_pixel_of_each_cell():
    backbone = Backbone("resnet18", stride=32).eval()
    padding = torch.ones(2, 96, 64, dtype=torch.bool)
    padding[0, :65, :32] = False  # one row of pixels in the third row of cells: real
    padding[1, :64, :33] = False
    _, cells = backbone(torch.randn(2, 3, 96, 64), padding)
    assert cells[0].tolist() == [[False, True], [False, True], [False, True]]
    assert cells[1].tolist() == [[False, False], [False, False], [True, True]]


def test_frozen_batch_norm_learns_nothing_and_stays_as_it_is():
    backbone = Backbone("resnet18", stride=8).train()
    assert not any(isinstance(module, nn.BatchNorm2d) for module in backbone.modules())
    assert not [name for name, _ in backbone.named_parameters() if ".bn" in name]
    before = {name: tensor.clone() for name, tensor in backbone.state_dict().items()}
    assert "network.bn1.running_mean" in before
    image = torch.randn(4, 3, 32, 32)
    alone, _ = backbone(image[:1], None)
    together, _ = backbone(image, None)
    torch.testing.assert_close(together[:1], alone, atol=1e-4, rtol=1e-4)
    for name, tensor in backbone.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def test_frozen_batch_norm_by_hand():
    """Scale and shift from the stored statistics: (x - mean) / √(variance + ε) · weight + bias."""
    norm = Backbone("resnet18", stride=4).train().network.bn1
    state = {"running_mean": 1.0, "running_var": 4.0, "weight": 3.0, "bias": -2.0}
    for name, value in state.items():
        getattr(norm, name).fill_(value)
    # (7 - 1) / 2 · 3 - 2 = 7
    assert norm(torch.full((2, 64, 2, 2), 7.0)).flatten()[0].item() == pytest.approx(7, abs=1e-4)


def test_batch_norm_learns_where_it_is_not_frozen():
    backbone = Backbone("resnet18", stride=8, freeze_batch_norm=False).train()
    assert "network.bn1.weight" in dict(backbone.named_parameters())
    before = backbone.network.bn1.running_mean.clone()
    backbone(torch.randn(4, 3, 32, 32), None)
    assert not torch.equal(backbone.network.bn1.running_mean, before)


def test_pictures_of_other_channels():
    features, _ = Backbone("resnet18", stride=8, in_channels=1)(torch.randn(1, 1, 32, 32), None)
    assert features.shape == (1, 128, 4, 4)


@pytest.mark.parametrize(
    ("name", "asked", "said"),
    [
        ("resnt50", {}, "'resnt50' is not a timm model; did you mean resnet50"),
        ("", {}, "'' is not a timm model"),
        ("hf-hub:timm/resnet50", {}, "is not a timm model"),
        ("resnet50.nonsense", {}, "'resnet50.nonsense' is not a timm model"),
        ("resnet18", {"stride": 5}, "'resnet18' has no stride 5; it offers 2, 4, 8, 16, 32"),
        ("resnet18", {"level": 5}, "levels 0 to 4, not 5"),
        ("resnet18", {"level": -6}, "levels 0 to 4, not -6"),
        ("resnet18", {"level": 0, "stride": 2}, "a stride or a level, not both"),
        ("deit_tiny_patch16_224", {"stride": 32}, "has no stride 32; it offers 16"),
        ("deit_tiny_patch16_224", {"level": 12}, "levels 0 to 11, not 12"),
        ("cait_xxs24_224", {}, "one size only"),
    ],
)
def test_what_there_is_not(name, asked, said):
    with pytest.raises(UserError) as caught:
        Backbone(name, **asked)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
