"""What the class token of a vision transformer attends to, head by head.

Caron et al., "Emerging Properties in Self-Supervised Vision Transformers" (DINO), ICCV 2021: the
heads of the last block, trained without labels, lie on objects and their parts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from intr_discover.errors import UserError


@dataclass(frozen=True)
class ClassToken:
    """The class token after the last block, and where it looked.

    Attributes
    ----------
    features
        ``[B, D]``: the token, normalised as the model does it.
    maps
        ``[B, R, h, w]``: attention of each head to the patches. What goes to the class token and
        to registers is left out, so a map sums to at most 1.
    stride
        Pixels of a patch.
    """

    features: Tensor
    maps: Tensor
    stride: int


def class_token(network: Any, images: Tensor) -> ClassToken:
    """Run a vision transformer of timm once.

    Parameters
    ----------
    network
        With a class token, in evaluation mode.
    images
        ``[B, 3, H, W]``, normalised; padded by the network to whole patches.

    Raises
    ------
    UserError
        If it has no class token or no attention of the usual kind.
    """
    last: Any = getattr(network, "blocks", [None])[-1]
    attention: Any = getattr(last, "attn", None)
    if getattr(network, "cls_token", None) is None or not hasattr(attention, "qkv"):
        raise UserError("DINO's heads are those of a vision transformer with a class token (vit_…)")
    seen: list[Tensor] = []
    handle = attention.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    try:
        with torch.inference_mode():
            tokens = network.forward_features(images)
            maps = _attention_of_first(attention, seen[0])
    finally:
        handle.remove()
    stride = int(network.patch_embed.patch_size[0])
    rows, columns = (-(-side // stride) for side in images.shape[-2:])
    patches = maps[..., int(network.num_prefix_tokens) :]
    return ClassToken(tokens[:, 0], patches.unflatten(-1, (rows, columns)), stride)


def _attention_of_first(attention: nn.Module, tokens: Tensor) -> Tensor:
    """Return ``[B, R, N]``: ``softmax(q·k/√d)`` of the first token, as the block computes it."""
    block: Any = attention
    heads = int(block.num_heads)
    # [3, B, R, N, d]
    parts = block.qkv(tokens).unflatten(-1, (3, heads, -1)).permute(2, 0, 3, 1, 4)
    query, key = block.q_norm(parts[0][:, :, :1]), block.k_norm(parts[1])
    scores = (query * block.scale) @ key.transpose(-2, -1)
    return torch.softmax(scores[:, :, 0].float(), dim=-1)
