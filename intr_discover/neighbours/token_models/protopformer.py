"""ProtoPFormer: prototypes of whole specimens and of parts, over the tokens of a backbone.

After Xue et al., "ProtoPFormer: Concentrating on Prototypical Parts in Vision Transformers for
Interpretable Image Recognition", arXiv 2208.10431, 2022.

Where this small version departs from the paper and the authors' code: plain attention rollout,
where theirs sets the weakest nine tenths of the weights to 0; the two terms of the concentration
loss are means over prototypes and pairs, and the variance has no correction for small samples; no
stochastic depth and no moving average of the weights. On a convolutional network, which the paper
does not use, the mean over cells stands for the class token and every cell is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from intr_discover.errors import UserError
from intr_discover.neighbours.token_models.prototypes import (
    concentration_losses,
    similarity,
    squared_distances,
)
from intr_discover.neighbours.token_models.tokens import build_tokens, on_device_of


@dataclass(frozen=True)
class ProtoPFormerConfig:
    """The shape of a ProtoPFormer, and the weights of its losses.

    Attributes
    ----------
    num_classes
        Number of classes C.
    backbone, backbone_stride, freeze_batch_norm
        As for ``model.INTRConfig``; a vision transformer takes neither stride nor batch norm.
    width
        Numbers of a prototype.
    global_prototypes, local_prototypes
        How many of each kind a class has.
    global_share
        Weight of the global branch in the logits, in [0, 1]; the local one has the rest.
    kept_share
        Share of the patches that are foreground; 81 of 196 in the paper. All on a convolutional
        network.
    variance_weight, distance_weight
        Of the two terms of the concentration loss, λ_σ and λ_μ.
    largest_variance, smallest_distance
        Their thresholds, see ``concentration_losses``.
    concentration_start
        Share of the epochs before the concentration loss begins; 20 of 200 in the authors' code.

    Raises
    ------
    UserError
        If a value is outside its range.
    """

    num_classes: int
    kind: Literal["protopformer"] = "protopformer"
    backbone: str = "deit_tiny_patch16_224"
    backbone_stride: int | None = None
    freeze_batch_norm: bool = False
    width: int = 192
    global_prototypes: int = 10
    local_prototypes: int = 10
    global_share: float = 0.5
    kept_share: float = 81 / 196
    variance_weight: float = 0.1
    distance_weight: float = 0.5
    largest_variance: float = 1.0
    smallest_distance: float = 2.0
    concentration_start: float = 0.1

    def __post_init__(self) -> None:
        for name in ("num_classes", "width", "global_prototypes", "local_prototypes"):
            if getattr(self, name) < 1:
                raise UserError(f"model: {name} must be at least 1, not {getattr(self, name)}")
        for name in ("global_share", "concentration_start"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"model: {name} must lie in [0, 1], not {getattr(self, name)}")
        if not 0 < self.kept_share <= 1:
            raise UserError(f"model: kept_share must lie in (0, 1], not {self.kept_share}")
        for name in ("variance_weight", "distance_weight", "largest_variance", "smallest_distance"):
            if getattr(self, name) < 0:
                raise UserError(f"model: {name} must be 0 or more, not {getattr(self, name)}")


@dataclass
class ProtoPFormerOutput:
    """What the model says about a batch.

    Attributes
    ----------
    logits
        ``[B, C]``.
    global_similarities
        ``[B, C, m]``: similarity of each global prototype to the summary token.
    similarities
        ``[B, C, m, h, w]``: similarity of each local prototype to each cell; 0 where a cell is not
        kept.
    """

    logits: Tensor
    global_similarities: Tensor
    similarities: Tensor

    @property
    def local_similarities(self) -> Tensor:
        """Return ``[B, C, m]``: the largest similarity of each local prototype."""
        return self.similarities.amax((-2, -1))


class ProtoPFormer(nn.Module):
    """Logits as weighted similarities to global and local prototypes of every class.

    The last layers are fixed, as in the authors' code: a prototype counts 1 for its own class and
    -0.5 for every other.
    """

    def __init__(
        self, config: ProtoPFormerConfig, *, pretrained: bool = False, weights: str | None = None
    ) -> None:
        super().__init__()
        self.config = config
        self.backbone = build_tokens(
            config.backbone,
            stride=config.backbone_stride,
            freeze_batch_norm=config.freeze_batch_norm,
            kept_share=config.kept_share,
            pretrained=pretrained,
            weights=weights,
        )
        self.projection = nn.Linear(self.backbone.channels, config.width)
        nn.init.kaiming_normal_(self.projection.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.projection.bias)
        classes, width = config.num_classes, config.width
        self.global_prototypes = nn.Parameter(torch.rand(classes, config.global_prototypes, width))
        self.local_prototypes = nn.Parameter(torch.rand(classes, config.local_prototypes, width))

    @property
    def stride(self) -> int:
        """Pixels a cell of the maps."""
        return self.backbone.stride

    def forward(self, images: Tensor | Sequence[Tensor]) -> ProtoPFormerOutput:
        """Compare ``[B, 3, H, W]``, or a list of ``[3, H, W]``, with all prototypes."""
        batch, padding = on_device_of(images, self.projection.weight)
        tokens = self.backbone(batch, padding)
        # A sigmoid, so that the tokens lie where the prototypes are drawn: in [0, 1].
        summary = self.projection(tokens.summary).sigmoid()
        cells = self.projection(tokens.cells.flatten(2).transpose(1, 2)).sigmoid().transpose(1, 2)
        whole = similarity(
            squared_distances(summary[..., None], self.global_prototypes.flatten(0, 1))
        )
        parts = similarity(squared_distances(cells, self.local_prototypes.flatten(0, 1)))
        parts = parts * tokens.kept.flatten(1)[:, None]
        classes = self.config.num_classes
        output = ProtoPFormerOutput(
            logits=summary,
            global_similarities=whole.squeeze(-1).unflatten(1, (classes, -1)),
            similarities=parts.unflatten(2, tokens.cells.shape[2:]).unflatten(1, (classes, -1)),
        )
        share = self.config.global_share
        output.logits = share * class_logits(output.global_similarities) + (
            1 - share
        ) * class_logits(output.local_similarities)
        return output

    def extra_loss(
        self, output: ProtoPFormerOutput, labels: Tensor, marked: Tensor | None, progress: float
    ) -> Tensor:
        """Return the weighted concentration loss of the prototypes of the true classes.

        Parameters
        ----------
        output
            Of ``forward``.
        labels
            Class ids ``[B]``.
        marked
            Of no use here.
        progress
            Share of the epochs that are done, in [0, 1).
        """
        config = self.config
        if progress < config.concentration_start:
            return output.logits.new_zeros(())
        own = output.similarities[torch.arange(len(labels), device=labels.device), labels]
        sigma, mu = concentration_losses(own, config.largest_variance, config.smallest_distance)
        return config.variance_weight * sigma + config.distance_weight * mu

    def describe(self) -> dict[str, Any]:
        """Return the configuration as a flat dictionary for ``config.json``."""
        return asdict(self.config)


def class_logits(similarities: Tensor) -> Tensor:
    """Return logits ``[B, C]`` of similarities ``[B, C, m]`` to the prototypes of each class.

    A prototype counts 1 for its own class and -0.5 for every other.
    """
    own = similarities.sum(-1)
    return 1.5 * own - 0.5 * own.sum(-1, keepdim=True)
