"""A plain timm classifier, trained by the same loop: the comparison for INTR's accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from timm.layers import freeze_batch_norm_2d
from torch import Tensor

from intr_discover.errors import UserError
from intr_discover.model.backbone import probe_timm, takes_argument
from intr_discover.model.backbone_weights import create_network
from intr_discover.model.frozen_blocks import quicken_blocks
from intr_discover.model.inference import HasNetwork, products_in
from intr_discover.model.intr import pad_batch


@dataclass(frozen=True)
class PlainConfig:
    """The shape of a plain classifier: a timm model with global pooling and a linear layer.

    Attributes
    ----------
    num_classes
        Number of classes C.
    backbone
        A timm model name.
    freeze_batch_norm
        Turn batch norm into a fixed scale and shift.

    Raises
    ------
    UserError
        If a value is outside its range.
    """

    num_classes: int
    kind: Literal["plain"] = "plain"
    backbone: str = "resnet50"
    freeze_batch_norm: bool = False

    def __post_init__(self) -> None:
        if self.num_classes < 1:
            raise UserError(f"model: num_classes must be at least 1, not {self.num_classes}")


@dataclass
class PlainOutput:
    """Logits ``[B, C]``."""

    logits: Tensor


class PlainClassifier(HasNetwork):
    """The whole timm model with its own classification head."""

    def __init__(
        self, config: PlainConfig, *, pretrained: bool = False, weights: str | None = None
    ) -> None:
        super().__init__()
        self.config = config
        probe = probe_timm(config.backbone)
        # Vision transformers shall read images of any size, as INTR does.
        any_size = ("dynamic_img_size", "dynamic_img_pad")
        options: dict[str, Any] = {name: True for name in any_size if takes_argument(probe, name)}
        network = create_network(
            config.backbone,
            pretrained=pretrained,
            weights=weights,
            num_classes=config.num_classes,
            **options,
        )
        self.network = freeze_batch_norm_2d(network) if config.freeze_batch_norm else network
        quicken_blocks(self.network)
        tokens = hasattr(probe, "num_prefix_tokens")
        self.convolves = not (tokens or getattr(probe, "output_fmt", "NCHW") != "NCHW")

    def forward(self, images: Tensor | Sequence[Tensor]) -> PlainOutput:
        """Classify ``[B, 3, H, W]``, or a list of ``[3, H, W]`` padded to one size."""
        batch, _ = pad_batch(images)
        weight = next(self.network.parameters())
        batch = batch.to(weight.device, non_blocking=True)
        if not torch.is_autocast_enabled(weight.device.type):
            batch = batch.to(weight.dtype)
        network, batch = self.ready(batch)
        with products_in(self.precision, weight.device):
            return PlainOutput(network(batch))

    def describe(self) -> dict[str, Any]:
        """Return the configuration as a flat dictionary for ``config.json``."""
        return asdict(self.config)
