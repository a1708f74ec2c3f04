"""ResNet blocks with frozen norms: quicker in training, and the same to whoever asks."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from timm.layers import freeze_batch_norm_2d
from torch.utils.checkpoint import checkpoint

from intr_discover.model.frozen_blocks import (
    FrozenBasicBlock,
    FrozenBottleneck,
    quicken_blocks,
)


def networks(name, dtype=torch.float64):
    """Return a network whose norms do something, and the same with quicker blocks."""
    torch.manual_seed(0)
    plain = freeze_batch_norm_2d(timm.create_model(name, features_only=True, out_indices=(2, 3)))
    for key, weight in plain.state_dict().items():
        if weight.ndim == 1:
            low, high = (0.5, 1.5) if key.endswith(("weight", "running_var")) else (-0.2, 0.2)
            weight.uniform_(low, high)
    plain = plain.to(dtype).train()
    quick = copy.deepcopy(plain)
    quicken_blocks(quick)
    return plain, quick


def learned(network, image):
    outputs = network(image)
    generator = torch.Generator().manual_seed(1)
    sum((y * torch.randn(y.shape, generator=generator)).sum() for y in outputs).backward()
    gradients = {name: each.grad for name, each in network.named_parameters()}
    return outputs, gradients


def assert_alike(one, other, share):
    assert one.keys() == other.keys()
    for name, expected in one.items():
        assert (expected is None) == (other[name] is None), name
        if expected is not None:
            largest = expected.abs().max()
            assert (expected - other[name]).abs().max() <= share * largest, name


@pytest.mark.parametrize(
    ("name", "kind", "blocks"),
    [("resnet18", FrozenBasicBlock, 8), ("resnet50", FrozenBottleneck, 16)],
)
@pytest.mark.parametrize(("dtype", "share"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_answers_and_gradients_are_those_of_timm(name, kind, blocks, dtype, share):
    plain, quick = networks(name, dtype)
    of_kind = [module for module in quick.modules() if type(module) is kind]
    assert len(of_kind) == sum(type(m) is kind.__mro__[2] for m in plain.modules()) <= blocks
    assert of_kind
    # An odd side: the last pixel of a row is seen by one stride and not by the other.
    image = torch.randn(2, 3, 49, 64, dtype=dtype)
    images = [image.clone().requires_grad_() for _ in range(2)]
    expected, of_plain = learned(plain, images[0])
    found, of_quick = learned(quick, images[1])
    for one, other in zip(expected, found, strict=True):
        assert (one - other).abs().max() <= share * one.abs().max()
    assert_alike(of_plain, of_quick, share)
    assert_alike({"image": images[0].grad}, {"image": images[1].grad}, share)


def test_what_does_not_learn_gets_no_gradient():
    plain, quick = networks("resnet50")
    for network in (plain, quick):
        network.conv1.requires_grad_(False)
        network.layer1.requires_grad_(False)
        network.layer2[1].conv2.weight.requires_grad_(False)
    image = torch.randn(1, 3, 32, 32, dtype=torch.float64)
    (_, of_plain), (_, of_quick) = learned(plain, image), learned(quick, image)
    assert of_quick["layer1.0.conv1.weight"] is None
    assert of_quick["layer2.1.conv2.weight"] is None
    assert_alike(of_plain, of_quick, 1e-12)


def test_the_incoming_gradient_is_left_as_it_is():
    _, quick = networks("resnet18")
    states = torch.randn(1, 64, 8, 8, dtype=torch.float64, requires_grad=True)
    output = quick.layer1(states)
    given = torch.randn_like(output)
    kept = given.clone()
    torch.autograd.backward(output, given)
    assert torch.equal(given, kept)


def test_computing_again_gives_the_same_gradient():
    _, quick = networks("resnet18")
    again = copy.deepcopy(quick)
    states = torch.randn(2, 64, 8, 8, dtype=torch.float64)
    quick.layer2(states).square().sum().backward()
    checkpoint(again.layer2, states, use_reentrant=False).square().sum().backward()
    for one, other in zip(quick.layer2.parameters(), again.layer2.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def test_evaluation_and_names_are_untouched():
    plain, quick = networks("resnet18")
    assert quick.state_dict().keys() == plain.state_dict().keys()
    image = torch.randn(1, 3, 40, 40, dtype=torch.float64)
    with torch.no_grad():
        for one, other in zip(plain.eval()(image), quick.eval()(image), strict=True):
            assert torch.equal(one, other)


@pytest.mark.parametrize("name", ["seresnet18", "resnest14d"])
def test_blocks_with_more_in_them_are_left_alone(name):
    network = freeze_batch_norm_2d(timm.create_model(name, features_only=True, out_indices=(1,)))
    quicken_blocks(network)
    assert not any(
        isinstance(module, FrozenBasicBlock | FrozenBottleneck) for module in network.modules()
    )


def test_batch_norm_that_learns_is_left_alone():
    network = timm.create_model("resnet18", features_only=True, out_indices=(1,))
    quicken_blocks(network)
    assert not any(isinstance(module, FrozenBasicBlock) for module in network.modules())
