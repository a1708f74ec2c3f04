"""A timm backbone as tokens: one for the whole photograph, one for each cell, and what is kept."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from intr_discover.errors import UserError
from intr_discover.model.backbone import Backbone, probe_timm, takes_argument
from intr_discover.model.backbone_weights import create_network
from intr_discover.model.intr import pad_batch


@dataclass
class Tokens:
    """A batch of photographs as tokens.

    Attributes
    ----------
    summary
        ``[B, D]``: the class token of a vision transformer, the mean over real cells of a
        convolutional network.
    cells
        ``[B, D, h, w]``.
    kept
        ``[B, h, w]`` bool: the cells taken for foreground. Never a cell of padding.
    """

    summary: Tensor
    cells: Tensor
    kept: Tensor


class ConvolutionalTokens(nn.Module):
    """The feature map of a convolutional network: each cell is a token, all real cells are kept."""

    def __init__(
        self,
        name: str,
        *,
        stride: int | None = None,
        freeze_batch_norm: bool = False,
        pretrained: bool = False,
        weights: str | None = None,
    ) -> None:
        super().__init__()
        self.network = Backbone(
            name,
            stride=stride,
            freeze_batch_norm=freeze_batch_norm,
            pretrained=pretrained,
            weights=weights,
        )
        self.channels, self.stride = self.network.channels, self.network.stride

    def forward(self, images: Tensor, padding: Tensor | None) -> Tokens:
        """Return the tokens of ``[B, 3, H, W]``; ``padding`` is ``[B, H, W]`` bool or None."""
        cells, padded = self.network(images, padding)
        if padded is None:
            kept = cells.new_ones((len(cells), *cells.shape[2:]), dtype=torch.bool)
        else:
            kept = ~padded
        weights = kept[:, None].to(cells.dtype)
        summary = (cells * weights).sum((2, 3)) / weights.sum((2, 3)).clamp(min=1)
        return Tokens(summary, cells, kept)


class TransformerTokens(nn.Module):
    """Class token and patch tokens of a vision transformer after its last block.

    Before the last block, attention rollout from the class token says which patches are foreground;
    in the last block no token attends to the others (ProtoPFormer's foreground preserving mask).

    Parameters
    ----------
    name
        A timm vision transformer with a class token, for example ``deit_tiny_patch16_224``.
    kept_share
        Share of the patches that are kept, in (0, 1]. 1: all, and no rollout is computed.
    pretrained, weights
        As for ``model.Backbone``.

    Raises
    ------
    UserError
        If the transformer has no class token, or blocks that take no mask.
    """

    network: Any  # a timm model; timm has no types

    def __init__(
        self,
        name: str,
        *,
        kept_share: float = 1.0,
        pretrained: bool = False,
        weights: str | None = None,
    ) -> None:
        super().__init__()
        self.network = create_network(
            name, pretrained=pretrained, weights=weights, num_classes=0, dynamic_img_size=True
        )
        blocks = getattr(self.network, "blocks", None)
        plain = blocks and all(
            hasattr(getattr(block, "attn", None), "qkv")
            and "attn_mask" in inspect.signature(block.forward).parameters
            for block in blocks
        )
        if getattr(self.network, "cls_token", None) is None or not plain:
            raise UserError(
                f"backbone '{name}' is no plain vision transformer with a class token; choose one, "
                "such as deit_tiny_patch16_224, or a convolutional network, such as resnet18"
            )
        self.channels = int(self.network.embed_dim)
        self.stride = int(self.network.feature_info[-1]["reduction"])
        self.kept_share = kept_share

    def forward(self, images: Tensor, padding: Tensor | None) -> Tokens:
        """Return the tokens of ``[B, 3, H, W]``; ``padding`` is ``[B, H, W]`` bool or None."""
        network, stride = self.network, self.stride
        below, right = -images.shape[2] % stride, -images.shape[3] % stride
        images = functional.pad(images, (0, right, 0, below))
        grid = (images.shape[2] // stride, images.shape[3] // stride)
        real = images.new_ones((len(images), *grid), dtype=torch.bool)
        if padding is not None:
            padding = functional.pad(padding, (0, right, 0, below), value=True)
            # Nearest neighbour, as in the backbone of INTR: a cell is padding where its corner is.
            real = ~padding[:, ::stride, ::stride]

        tokens = network.norm_pre(
            network.patch_drop(network._pos_embed(network.patch_embed(images)))
        )
        prefix = int(network.num_prefix_tokens)
        attentions: list[Tensor] = []
        for block in network.blocks[:-1]:
            if self.kept_share < 1:
                attentions.append(attention_weights(block, tokens))
            tokens = block(tokens)
        kept = real
        if self.kept_share < 1 and attentions:
            relevance = attention_rollout(attentions)[:, 0, prefix:]
            kept = largest_share(relevance, real.flatten(1), self.kept_share).unflatten(1, grid)
        seen = functional.pad(kept.flatten(1), (prefix, 0), value=True)
        mask = None
        if not bool(seen.all()):
            itself = torch.eye(seen.shape[1], dtype=torch.bool, device=seen.device)
            mask = (seen[:, None, :] | itself)[:, None]
        tokens = network.norm(network.blocks[-1](tokens, attn_mask=mask))
        cells = tokens[:, prefix:].transpose(1, 2).unflatten(2, grid)
        return Tokens(tokens[:, 0], cells, kept)


@torch.no_grad()
def attention_weights(block: Any, tokens: Tensor) -> Tensor:
    """Return the self-attention of a timm block, mean over its heads: ``[B, N, N]``, rows sum to 1.

    The block itself runs through fused attention, which never writes its weights down.
    """
    attention = block.attn
    count, length, _ = tokens.shape
    made = attention.qkv(block.norm1(tokens))
    made = made.reshape(count, length, 3, attention.num_heads, -1).permute(2, 0, 3, 1, 4)
    queries, keys = attention.q_norm(made[0]), attention.k_norm(made[1])
    weights: Tensor = (queries @ keys.transpose(-2, -1) * attention.scale).softmax(dim=-1)
    return weights.mean(dim=1)


def attention_rollout(attentions: Sequence[Tensor]) -> Tensor:
    """Follow attention through blocks back to the first one's input.

    Abnar and Zuidema, "Quantifying attention flow in transformers", ACL 2020: the product of
    ``(A + I) / 2`` over the blocks, the last on the left.

    Parameters
    ----------
    attentions
        ``[B, N, N]`` of each block from the first, rows sum to 1.

    Returns
    -------
    Tensor
        ``[B, N, N]``; rows sum to 1. Row i says how much of each input is in token i.
    """
    length = attentions[0].shape[-1]
    itself = torch.eye(length, dtype=attentions[0].dtype, device=attentions[0].device)
    flow = itself.expand_as(attentions[0])
    for attention in attentions:
        flow = (attention + itself) / 2 @ flow
    return flow


def largest_share(values: Tensor, real: Tensor, share: float) -> Tensor:
    """Mark the largest ``share`` of the real cells of each photograph, at least one: ``[B, N]``.

    Parameters
    ----------
    values
        ``[B, N]``.
    real
        ``[B, N]`` bool; other cells are never marked.
    share
        In (0, 1].
    """
    wanted = (real.sum(1, keepdim=True) * share).round().clamp(min=1)
    order = values.masked_fill(~real, -torch.inf).argsort(dim=1, descending=True, stable=True)
    places = torch.arange(values.shape[1], device=values.device).expand_as(order)
    return torch.zeros_like(real).scatter(1, order, places < wanted) & real


TokenBackbone = ConvolutionalTokens | TransformerTokens


def build_tokens(
    name: str,
    *,
    stride: int | None,
    freeze_batch_norm: bool,
    kept_share: float = 1.0,
    pretrained: bool = False,
    weights: str | None = None,
) -> TokenBackbone:
    """Return a timm model as tokens; ``stride`` is for convolutional networks only.

    Raises
    ------
    UserError
        If timm does not know the name, or it has neither a feature map nor a class token.
    """
    probe = probe_timm(name)
    if hasattr(probe, "num_prefix_tokens") and takes_argument(probe, "dynamic_img_size"):
        return TransformerTokens(
            name, kept_share=kept_share, pretrained=pretrained, weights=weights
        )
    return ConvolutionalTokens(
        name,
        stride=stride,
        freeze_batch_norm=freeze_batch_norm,
        pretrained=pretrained,
        weights=weights,
    )


def on_device_of(images: Tensor | Sequence[Tensor], weight: Tensor) -> tuple[Tensor, Tensor | None]:
    """Stack images as ``pad_batch`` does, on the device and in the type of a weight."""
    batch, padding = pad_batch(images)
    padding = None if padding is None else padding.to(weight.device)
    return batch.to(weight.device, weight.dtype), padding
