"""A convolution, what is added to it, and ReLU in one pass over memory, on a processor.

In a ResNet each convolution is followed by passes over the whole feature map that add the shortcut
and cut off what is negative. oneDNN does both while it writes the convolution's output. PyTorch's
compiler uses these operators of oneDNN and hands them to nobody else, so they are tried first:
where they are missing, or answer otherwise, the network stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from timm.models.resnet import BasicBlock, Bottleneck
from torch import Tensor, nn

from intr_discover.model.folding import alike, flat


class ConvolutionReLU(nn.Module):
    """``relu(conv(x))``."""

    def __init__(self, convolution: Any) -> None:
        super().__init__()
        self.convolution = convolution

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, channels, H, W]`` to the convolution's output, nothing below 0."""
        conv = self.convolution
        output: Tensor = torch.ops.mkldnn._convolution_pointwise(
            x.to(conv.weight.dtype), conv.weight, conv.bias, *_sizes(conv), "relu", [], ""
        )
        return output


class FusedBlock(nn.Module):
    """A residual block of timm whose norms are folded: ``relu(conv(… relu(conv(x))) + shortcut)``.

    Parameters
    ----------
    block
        See ``is_fusible``.
    """

    def __init__(self, block: Any) -> None:
        super().__init__()
        convolutions = _convolutions(block)
        self.first = nn.Sequential(*(ConvolutionReLU(each) for each in convolutions[:-1]))
        self.last, self.shortcut = convolutions[-1], block.downsample

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[B, channels, H, W]`` to the block's output."""
        x = x.to(self.last.weight.dtype)
        added = x if self.shortcut is None else self.shortcut(x)
        conv = self.last
        output: Tensor = torch.ops.mkldnn._convolution_pointwise.binary(
            self.first(x), added, conv.weight, conv.bias, *_sizes(conv), "add", 1.0, "relu", [], ""
        )
        return output


def fuse(network: nn.Module, image: Tensor) -> bool:
    """Make additions and ReLU part of the convolutions of a ResNet, in place.

    Parameters
    ----------
    network
        In evaluation mode, its norms folded (``folding.fold``).
    image
        ``[1, 3, H, W]`` that it can read; values do not matter.

    Returns
    -------
    bool
        Whether that was done. A network stays as it is on a GPU, where it is no ResNet, where this
        PyTorch lacks the operators, and where a trial shows another answer.
    """
    if image.device.type != "cpu" or not torch.backends.mkldnn.is_available():
        return False
    modules = dict(network.named_modules())
    fused: dict[str, nn.Module] = {
        name: FusedBlock(module) for name, module in modules.items() if is_fusible(module)
    }
    if not fused:
        return False
    if _is_stem(network):
        fused |= {"conv1": ConvolutionReLU(modules["conv1"]), "act1": nn.Identity()}
    with torch.no_grad():
        expected = flat(network(image))
        try:
            _put(network, fused)
            answers = flat(network(image))
        except (AttributeError, RuntimeError, TypeError):  # other operators than those of today
            answers = []
    close = alike(expected, answers)
    if not close:
        _put(network, {name: modules[name] for name in fused})
    return close


def _put(network: nn.Module, modules: Mapping[str, nn.Module]) -> None:
    for name, module in modules.items():
        network.set_submodule(name, module)


def is_fusible(block: nn.Module) -> bool:
    """Tell whether a module is a block of a ResNet with convolutions, ReLU and nothing else."""
    if not isinstance(block, BasicBlock | Bottleneck):
        return False
    any_block: Any = block
    deep = isinstance(block, Bottleneck)
    norms = [any_block.bn1, any_block.bn2, *([any_block.bn3] if deep else [])]
    between = [any_block.aa, any_block.drop_block, *norms]
    acts = [any_block.act1, any_block.act2, *([any_block.act3] if deep else [])]
    return (
        any_block.se is None
        and any_block.drop_path is None
        and all(type(each) is nn.Identity for each in between)
        and all(type(each) is nn.ReLU for each in acts)
        and all(_is_simple(each) for each in _convolutions(any_block))
    )


def _convolutions(block: Any) -> list[Any]:
    deep = isinstance(block, Bottleneck)
    return [block.conv1, block.conv2, *([block.conv3] if deep else [])]


def _is_stem(network: Any) -> bool:
    names = ("conv1", "bn1", "act1")
    return (
        all(isinstance(getattr(network, name, None), nn.Module) for name in names)
        and _is_simple(network.conv1)
        and type(network.bn1) is nn.Identity
        and type(network.act1) is nn.ReLU
    )


def _is_simple(convolution: nn.Module) -> bool:
    return (
        type(convolution) is nn.Conv2d
        and convolution.padding_mode == "zeros"
        and not isinstance(convolution.padding, str)
    )


def _sizes(conv: nn.Conv2d) -> tuple[Any, Any, Any, int]:
    return conv.padding, conv.stride, conv.dilation, conv.groups
