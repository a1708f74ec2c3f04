"""Batch norm folded into the convolution before it, for a network that is not trained any more."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from timm.layers import BatchNormAct2d, Conv2dSame, FrozenBatchNormAct2d
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torchvision.ops import FrozenBatchNorm2d

# Exactly these: a subclass may scale its weights anew on every call (weight standardisation).
_CONVOLUTIONS = (nn.Conv2d, Conv2dSame)
_NORMS = (nn.BatchNorm2d, BatchNormAct2d, FrozenBatchNorm2d, FrozenBatchNormAct2d)

_CLOSE = 1e-3
"""Share of the largest output by which a rebuilt network may differ. A wrong pair moves it far
more, rounding by about 1e-6."""

Pairs = Sequence[tuple[str, str]]


def conv_norm_pairs(network: nn.Module, image: Tensor) -> list[tuple[str, str]]:
    """Find the convolutions whose output goes straight into a batch norm.

    Parameters
    ----------
    network
        Any network in evaluation mode.
    image
        ``[1, 3, H, W]`` that it can read; values do not matter.

    Returns
    -------
    list of tuple
        Names of a convolution and of its norm, each called once. Empty where none is, where a trial
        shows that a convolution's output is needed elsewhere too, or where the network does not
        read a picture of this size.
    """
    if not any(type(module) in _NORMS for module in network.modules()):
        return []
    made: dict[int, str] = {}
    kept: list[Tensor] = []  # an id is unique only as long as its tensor lives
    called: dict[str, int] = {}
    pairs: list[tuple[str, str]] = []

    def after(name: str, output: Tensor) -> None:
        called[name] = called.get(name, 0) + 1
        made[id(output)] = name
        kept.append(output)

    def before(name: str, given: Tensor) -> None:
        called[name] = called.get(name, 0) + 1
        if id(given) in made:
            pairs.append((made[id(given)], name))

    try:
        with _watched(network, after, before), torch.no_grad():
            expected = flat(network(image))
    except (RuntimeError, AssertionError, ValueError):  # a picture of another size is wanted
        return []
    found = [pair for pair in pairs if all(called[name] == 1 for name in pair)]
    with torch.no_grad():
        answers = flat(fold(network, found)(image))
    return found if alike(expected, answers) else []


def fold(network: nn.Module, pairs: Pairs) -> nn.Module:
    """Return a copy of a network in which these norms are part of their convolutions.

    Parameters
    ----------
    network
        It is not changed.
    pairs
        See ``conv_norm_pairs``.

    Returns
    -------
    Module
        Of a norm that carries an activation, the activation is left.
    """
    # Without autograd the weights of a copy are plain tensors, in whatever mode they are asked for.
    with torch.inference_mode(False), torch.no_grad():
        folded = copy.deepcopy(network)
        for conv_name, norm_name in pairs:
            conv: Any = folded.get_submodule(conv_name)
            norm: Any = folded.get_submodule(norm_name)
            weight, bias = fuse_conv_bn_weights(
                conv.weight, conv.bias, norm.running_mean, norm.running_var, norm.eps,
                norm.weight, norm.bias,
            )  # fmt: skip
            conv.weight, conv.bias = nn.Parameter(weight, False), nn.Parameter(bias, False)
            # What drops activations drops none in evaluation mode.
            folded.set_submodule(norm_name, getattr(norm, "act", nn.Identity()))
    return folded


@contextmanager
def _watched(network: nn.Module, after: Any, before: Any) -> Iterator[None]:
    """Tell what convolutions make and what norms are given, while the context lasts."""
    hooks = []
    for name, module in network.named_modules():
        if type(module) in _CONVOLUTIONS:
            hooks.append(
                module.register_forward_hook(
                    lambda _, given, output, name=name: after(name, output)
                )
            )
        elif type(module) in _NORMS and getattr(module, "running_var", None) is not None:
            hooks.append(
                module.register_forward_pre_hook(lambda _, given, name=name: before(name, given[0]))
            )
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def flat(output: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """Return what a network gave, one tensor or several, as a list."""
    return [output] if isinstance(output, Tensor) else list(output)


def alike(expected: Sequence[Tensor], answers: Sequence[Tensor]) -> bool:
    """Tell whether a rebuilt network gave the answers of the first one, but for rounding."""
    return len(expected) == len(answers) and all(
        bool((one - other).abs().max() <= _CLOSE * one.abs().max())
        for one, other in zip(expected, answers, strict=True)
    )
