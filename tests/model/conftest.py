"""Small models, quick to build, with no weight at a value that would hide a fault."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from intr_discover.model import INTR, INTRConfig


def scramble(module: nn.Module, seed: int = 0) -> nn.Module:
    """Move every weight off its start, for biases of 0 and norms of 1 would hide a fault."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if tensor.is_floating_point():
                change = 0.1 * torch.randn(tensor.shape, generator=generator)
                tensor.add_(change.abs() if name.endswith("running_var") else change)
    return module


@pytest.fixture(scope="session")
def tiny() -> Callable[..., INTR]:
    """Return a builder: ResNet-18 cut at stride 8, 16 channels, 4 heads, evaluation mode."""

    @functools.cache  # most of the time goes into the whole ResNet that is cut afterwards
    def build_once(config: INTRConfig, seed: int) -> INTR:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return scramble(INTR(config), seed).eval()

    def build(seed: int = 0, **changes: Any) -> INTR:
        settings = {
            "num_classes": 5,
            "backbone": "resnet18",
            "backbone_stride": 8,
            "width": 16,
            "heads": 4,
            "encoder_layers": 1,
            "decoder_layers": 2,
            "feed_forward": 24,
        } | changes
        return copy.deepcopy(build_once(INTRConfig(**settings), seed))

    return build


@pytest.fixture(scope="session")
def images() -> list[torch.Tensor]:
    """Three pictures of different sizes, so that a batch of them has padding."""
    generator = torch.Generator().manual_seed(7)
    sizes = [(40, 48), (32, 56), (48, 24)]
    return [torch.randn(3, height, width, generator=generator) for height, width in sizes]
