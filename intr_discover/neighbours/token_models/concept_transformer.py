"""Concept Transformer: every cell is explained by concepts that people have marked.

After Rigotti et al., "Attention-based interpretability with concept transformers", ICLR 2022.

Where this small version departs from the paper and the authors' code: all concepts are spatial,
because every marked attribute has a place, so there is no second stream for the class token; no
dropout on the logits. The penalty on the attention's entropy is that of the authors' code. On a
convolutional network a projection, a position and transformer layers (``encoder_layers``) make the
tokens, as in the authors' version of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from torch import Tensor, nn

from intr_discover.errors import UserError
from intr_discover.model.position import sine_position
from intr_discover.model.transformer import EncoderLayer, LayerShape
from intr_discover.neighbours.token_models.concept_attention import (
    ConceptAnswer,
    ConceptAttention,
    attention_entropy,
    explanation_loss,
)
from intr_discover.neighbours.token_models.tokens import build_tokens, on_device_of


@dataclass(frozen=True)
class ConceptTransformerConfig:
    """The shape of a Concept Transformer, and the weights of its losses.

    Attributes
    ----------
    num_classes
        Number of classes.
    num_concepts
        Number of concepts.
    backbone, backbone_stride, freeze_batch_norm
        As for ``model.INTRConfig``; a vision transformer takes neither stride nor batch norm.
    width
        Numbers of a token and of a concept; divisible by 4 and by ``heads``.
    heads
        Attention heads.
    encoder_layers
        Transformer layers between the backbone and the concepts.
    attention_dropout
        Dropout of the attention to concepts.
    explanation_weight
        λ of the explanation loss; 1 for birds and 2 for digits in the paper.
    sparsity_weight
        Of the attention's entropy, mean over concepts; 0.5 for birds in the authors' code.

    Raises
    ------
    UserError
        If a value is outside its range.
    """

    num_classes: int
    num_concepts: int
    kind: Literal["concept-transformer"] = "concept-transformer"
    backbone: str = "deit_tiny_patch16_224"
    backbone_stride: int | None = None
    freeze_batch_norm: bool = False
    width: int = 192
    heads: int = 2
    encoder_layers: int = 0
    attention_dropout: float = 0.1
    explanation_weight: float = 1.0
    sparsity_weight: float = 0.5

    def __post_init__(self) -> None:
        for name in ("num_classes", "num_concepts", "width", "heads"):
            if getattr(self, name) < 1:
                raise UserError(f"model: {name} must be at least 1, not {getattr(self, name)}")
        for name in ("encoder_layers", "explanation_weight", "sparsity_weight"):
            if getattr(self, name) < 0:
                raise UserError(f"model: {name} must be 0 or more, not {getattr(self, name)}")
        if self.width % self.heads or self.width % 4:
            raise UserError(
                f"model: width {self.width} must be divisible by 4 and by heads {self.heads}"
            )
        if not 0 <= self.attention_dropout < 1:
            raise UserError(
                f"model: attention_dropout must lie in [0, 1), not {self.attention_dropout}"
            )


@dataclass
class ConceptTransformerOutput:
    """What the model says about a batch.

    Attributes
    ----------
    logits
        ``[B, K]``.
    attention
        ``[B, C, h, w]``: how much each cell is of each concept, in [0, 1]; the concepts of a cell
        sum to 1, and a cell of padding has 0.
    contributions
        ``[B, C, K]``: the part of each class's logit that comes from each concept.
    real
        ``[B, h, w]`` bool, False on padding.
    """

    logits: Tensor
    attention: Tensor
    contributions: Tensor
    real: Tensor

    @property
    def by_cell(self) -> Tensor:
        """Return the attention as ``[B, N, C]``."""
        return self.attention.flatten(2).transpose(1, 2)


class ConceptTransformer(nn.Module):
    """Logits as a sum over concepts of what each cell's attention to them gives."""

    def __init__(
        self,
        config: ConceptTransformerConfig,
        *,
        pretrained: bool = False,
        weights: str | None = None,
    ) -> None:
        super().__init__()
        self.config = config
        self.backbone = build_tokens(
            config.backbone,
            stride=config.backbone_stride,
            freeze_batch_norm=config.freeze_batch_norm,
            pretrained=pretrained,
            weights=weights,
        )
        width = config.width
        self.projection = nn.Linear(self.backbone.channels, width)
        shape = LayerShape(width, config.heads, 4 * width, 0.1, 0.0, 0.0)
        self.encoder = nn.ModuleList(EncoderLayer(shape) for _ in range(config.encoder_layers))
        self.norm = nn.LayerNorm(width)
        self.concept_attention = ConceptAttention(
            width, config.num_concepts, config.num_classes, config.heads, config.attention_dropout
        )

    @property
    def stride(self) -> int:
        """Pixels a cell of the maps."""
        return self.backbone.stride

    def forward(self, images: Tensor | Sequence[Tensor]) -> ConceptTransformerOutput:
        """Ask the concepts about ``[B, 3, H, W]``, or a list of ``[3, H, W]``."""
        batch, padding = on_device_of(images, self.projection.weight)
        tokens = self.backbone(batch, padding)
        count, _, height, width = tokens.cells.shape
        cells = self.projection(tokens.cells.flatten(2).transpose(1, 2))
        real = tokens.kept.flatten(1)
        if len(self.encoder):
            blank = None if bool(real.all()) else ~tokens.kept
            place = sine_position(blank, (count, height, width), cells.shape[-1], cells.device)
            for layer in self.encoder:
                cells = layer(cells, place.to(cells.dtype), real[:, None, None])
        answer: ConceptAnswer = self.concept_attention(self.norm(cells), real)
        attention = answer.attention * real[..., None]
        return ConceptTransformerOutput(
            answer.logits,
            attention.transpose(1, 2).unflatten(2, (height, width)),
            answer.contributions,
            tokens.kept,
        )

    def extra_loss(
        self,
        output: ConceptTransformerOutput,
        labels: Tensor,
        marked: Tensor | None,
        progress: float,
    ) -> Tensor:
        """Return the weighted explanation and sparsity losses.

        Parameters
        ----------
        output
            Of ``forward``.
        labels, progress
            Of no use here.
        marked
            ``[B, C, h, w]`` bool: the concepts in each cell; None where nobody has marked any.
        """
        config = self.config
        real = output.real.flatten(1)
        entropy = attention_entropy(output.by_cell, real) / config.num_concepts
        loss = config.sparsity_weight * entropy
        if marked is not None:
            wanted = marked.flatten(2).transpose(1, 2) & real[..., None]
            loss = loss + config.explanation_weight * explanation_loss(output.by_cell, wanted)
        return loss

    def describe(self) -> dict[str, Any]:
        """Return the configuration as a flat dictionary for ``config.json``."""
        return asdict(self.config)
