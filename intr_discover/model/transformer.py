"""Encoder and class-query decoder; cross-attention maps only for the queries asked for.

Post-norm layers as in DETR (Carion et al., ECCV 2020) with INTR's change (Paul et al., ICLR 2024):
the cross-attention keys of the decoder carry no position embedding, unless they are asked to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

Override = Callable[[int, Tensor], Tensor]
"""``override(layer, attention [B, Q, R, N]) -> attention`` of the same shape, rows summing to 1."""


MOST_ROWS = 512
"""Queries whose attention weights are in memory at once where no fused kernel has dropout."""


@dataclass(frozen=True)
class Knockout:
    """One head whose attention is replaced by the uniform map over real cells.

    Attributes
    ----------
    layer, head
        Indices from 0.
    query
        Position of the query in the decoder, or None for all queries.
    """

    layer: int
    head: int
    query: int | None = None


@dataclass(frozen=True)
class LayerShape:
    """Sizes shared by encoder and decoder layers; see ``INTRConfig``."""

    width: int
    heads: int
    feed_forward: int
    dropout: float
    attention_dropout: float
    head_dropout: float = 0.0


class Attention(nn.Module):
    """Multi-head attention with the parameter names of ``torch.nn.MultiheadAttention``."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.dropout = dropout
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * width))
        self.out_proj = nn.Linear(width, width)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.xavier_uniform_(self.out_proj.weight)
        nn.init.zeros_(self.out_proj.bias)

    def project(self, query: Tensor, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Project to heads: three tensors ``[B, R, Q or N, D / R]``."""
        weights = self.in_proj_weight.chunk(3)
        biases = self.in_proj_bias.chunk(3)
        query, key, value = (
            functional.linear(states, weight, bias).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for states, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )
        return query, key, value

    def combine(self, per_head: Tensor) -> Tensor:
        """Join the heads ``[B, R, Q, D / R]`` to ``[B, Q, D]``."""
        return self.out_proj(per_head.transpose(1, 2).flatten(2))

    def forward(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Attend with the fused kernel; ``mask`` ``[B, 1, 1, N]`` is True on cells to look at."""
        query, key, value = self.project(query, key, value)
        return self.combine(self.fused(query, key, value, mask))

    def fused(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """Return ``softmax(q·k/√d)·v`` per head without keeping the attention."""
        if not (self.training and self.dropout):
            return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)

        def attend(rows: Tensor) -> Tensor:
            return functional.scaled_dot_product_attention(
                rows, key, value, attn_mask=mask, dropout_p=self.dropout
            )

        if query.device.type == "cuda" or query.shape[2] <= MOST_ROWS:
            return attend(query)
        # On a CPU the fused kernel knows no dropout, and PyTorch would keep all weights [Q, N] for
        # the gradient: with thousands of classes, gigabytes. Some rows at a time, made again for
        # the gradient, need memory in proportion to Q.
        parts = [
            checkpoint(attend, rows, use_reentrant=False) for rows in query.split(MOST_ROWS, 2)
        ]
        return torch.cat(parts, dim=2)


def attention_scores(query: Tensor, key: Tensor, mask: Tensor | None) -> Tensor:
    """Return the un-normalised scores ``q·k/√d``, float32, minus infinity on padded cells.

    Parameters
    ----------
    query, key
        ``[B, R, Q, d]`` and ``[B, R, N, d]``.
    mask
        ``[B, 1, 1, N]`` bool, True on real cells, or None.

    Returns
    -------
    Tensor
        ``[B, R, Q, N]``.
    """
    # Mixed precision would round the product to 16 bits: maps and peaks are for people to compare.
    with torch.autocast(query.device.type, enabled=False):
        scores = query.float() @ key.float().transpose(-1, -2) / query.shape[-1] ** 0.5
    return scores if mask is None else scores.masked_fill(~mask, -torch.inf)


class FeedForward(nn.Module):
    """Two linear layers with ReLU; a residual and a post-norm are added by the layers below."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.linear1 = nn.Linear(width, hidden)
        self.linear2 = nn.Linear(hidden, width)
        self.dropout = nn.Dropout(dropout)
        nn.init.xavier_uniform_(self.linear1.weight)
        nn.init.xavier_uniform_(self.linear2.weight)

    def forward(self, states: Tensor) -> Tensor:
        """Map ``[B, Q, D]`` to ``[B, Q, D]``."""
        return self.linear2(self.dropout(functional.relu(self.linear1(states))))


class EncoderLayer(nn.Module):
    """Self-attention over cells; the position is added to queries and keys."""

    def __init__(self, shape: LayerShape) -> None:
        super().__init__()
        width, dropout = shape.width, shape.dropout
        self.self_attention = Attention(width, shape.heads, shape.attention_dropout)
        self.feed_forward = FeedForward(width, shape.feed_forward, dropout)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, cells: Tensor, position: Tensor, mask: Tensor | None) -> Tensor:
        """Map cells ``[B, N, D]`` to cells ``[B, N, D]``."""
        placed = cells + position
        cells = self.norm1(cells + self.dropout(self.self_attention(placed, placed, cells, mask)))
        return self.norm2(cells + self.dropout(self.feed_forward(cells)))


class DecoderLayer(nn.Module):
    """Self-attention among class queries, then cross-attention to the cells."""

    def __init__(self, shape: LayerShape) -> None:
        super().__init__()
        width, dropout = shape.width, shape.dropout
        self.self_attention = Attention(width, shape.heads, shape.attention_dropout)
        self.cross_attention = Attention(width, shape.heads, shape.attention_dropout)
        self.feed_forward = FeedForward(width, shape.feed_forward, dropout)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.norm3 = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def exchange(self, states: Tensor, queries: Tensor) -> Tensor:
        """Let the class queries see each other: ``[B, Q, D]`` to ``[B, Q, D]``."""
        placed = states + queries
        mixed = self.self_attention(placed, placed, states, None)
        return self.norm1(states + self.dropout(mixed))

    def finish(self, states: Tensor, found: Tensor) -> Tensor:
        """Add what cross-attention found and run the feed-forward network."""
        states = self.norm2(states + self.dropout(found))
        return self.norm3(states + self.dropout(self.feed_forward(states)))


@dataclass
class KeptAttention:
    """What is needed to make attention maps of one layer afterwards, for chosen queries only.

    Attributes
    ----------
    query, key
        ``[B, R, Q, d]`` and ``[B, R, N, d]``: the projected queries and keys.
    mask
        ``[B, 1, 1, N]`` bool, True on real cells, or None.
    knockouts
        The knock-outs of this layer.
    overridden
        ``[B, Q, R, N]`` attention put in by an override, or None.
    """

    query: Tensor
    key: Tensor
    mask: Tensor | None
    knockouts: Sequence[Knockout]
    overridden: Tensor | None

    def maps(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return attention and peaks of the queries at ``positions`` ``[B, K]``.

        Returns
        -------
        tuple
            Attention in effect ``[B, K, R, N]`` float32, rows summing to 1, zero on padding; and
            peaks ``[B, K, R]``, the largest un-normalised score of each head.
        """
        batch, heads, _, depth = self.query.shape
        index = positions[:, None, :, None].expand(batch, heads, -1, depth)
        scores = attention_scores(self.query.gather(2, index), self.key, self.mask).transpose(1, 2)
        peaks = scores.amax(-1)
        if self.overridden is not None:
            cells = self.overridden.shape[-1]
            chosen = positions[:, :, None, None].expand(-1, -1, heads, cells)
            return self.overridden.gather(1, chosen).float(), peaks
        attention = scores.softmax(-1)
        if self.knockouts:
            uniform = uniform_attention(self.mask, attention.shape[-1], attention)
            attention = attention.clone()  # the softmax keeps its own for the gradient
            for knockout in self.knockouts:
                hit = torch.ones_like(positions, dtype=torch.bool)
                if knockout.query is not None:
                    hit = positions == knockout.query
                attention[:, :, knockout.head] = torch.where(
                    hit[:, :, None], uniform[:, None], attention[:, :, knockout.head]
                )
        return attention, peaks


class Decoder(nn.Module):
    """Layers in which every class query searches the image for itself.

    Attributes
    ----------
    checkpointing : bool
        While training, keep the states between the parts of a layer alone for the gradient.
    """

    def __init__(self, layers: int, shape: LayerShape) -> None:
        super().__init__()
        self.checkpointing = False
        self.layers = nn.ModuleList(DecoderLayer(shape) for _ in range(layers))
        self.norm = nn.LayerNorm(shape.width)
        self.head_dropout = shape.head_dropout

    def forward(
        self,
        queries: Tensor,
        cells: Tensor,
        mask: Tensor | None,
        *,
        key_position: Tensor | None = None,
        keep_layer: int | None = None,
        knockouts: Sequence[Knockout] = (),
        override: Override | None = None,
    ) -> tuple[Tensor, KeptAttention | None]:
        """Run all layers with fused attention.

        Parameters
        ----------
        queries
            ``[B, Q, D]``: the class queries, added in every layer. The input tokens are zeros.
        cells
            ``[B, N, D]``: encoded image.
        mask
            ``[B, 1, 1, N]`` bool, True on real cells, or None.
        key_position
            ``[B, N, D]``: added to the cells where they are keys, not where they are values.
        keep_layer
            Index of the layer whose queries and keys are kept for maps, or None.
        knockouts
            Heads to replace by the uniform map.
        override
            Changes the cross-attention of every layer; see ``Override``. Costs the full attention
            of all queries.

        Returns
        -------
        tuple
            Normalised decoder output ``[B, Q, D]`` and what was kept, or None.
        """
        states = torch.zeros_like(queries)
        keys = cells if key_position is None else cells + key_position
        kept = None
        for index, module in enumerate(self.layers):
            layer = cast(DecoderLayer, module)
            states = self._run(layer.exchange, states, queries)
            attention = layer.cross_attention
            query, key, value = attention.project(states + queries, keys, cells)
            here = [knockout for knockout in knockouts if knockout.layer == index]
            overridden = None
            if override is None:
                per_head = attention.fused(query, key, value, mask)
                per_head = _knock_out(per_head, value, mask, here)
                if self.training and self.head_dropout:
                    per_head = _drop_heads(per_head, value, mask, self.head_dropout)
            else:
                natural = attention_scores(query, key, mask).softmax(-1).transpose(1, 2)
                natural = natural.clone() if here else natural
                for knockout in here:
                    uniform = uniform_attention(mask, natural.shape[-1], natural)
                    natural[:, _rows(knockout), knockout.head] = uniform[:, None]
                overridden = override(index, natural)
                if overridden.shape != natural.shape:
                    raise ValueError(
                        f"override must return attention of shape {tuple(natural.shape)}, "
                        f"got {tuple(overridden.shape)}"
                    )
                per_head = overridden.transpose(1, 2).to(value.dtype) @ value
            if index == keep_layer:
                kept = KeptAttention(query, key, mask, here, overridden)
            states = self._run(layer.finish, states, attention.combine(per_head))
        return self.norm(states), kept

    def _run(self, part: Callable[..., Tensor], *states: Tensor) -> Tensor:
        if self.checkpointing and self.training:
            return checkpoint(part, *states, use_reentrant=False)
        return part(*states)


def uniform_attention(mask: Tensor | None, cells: int, like: Tensor) -> Tensor:
    """Return ``[B or 1, N]``: equal weight on every real cell, zero on padding."""
    if mask is None:
        return like.new_full((1, cells), 1.0 / cells)
    real = mask[:, 0, 0].to(like.dtype)
    return real / real.sum(-1, keepdim=True)


def _drop_heads(per_head: Tensor, value: Tensor, mask: Tensor | None, share: float) -> Tensor:
    """Put uniform attention in place of a random share of heads, for each image and query anew."""
    uniform = uniform_attention(mask, value.shape[-2], value)
    mean = uniform[:, None, None] @ value  # [B, R, 1, d]
    dropped = torch.rand(per_head.shape[:-1], device=per_head.device) < share
    return torch.where(dropped[..., None], mean, per_head)


def _rows(knockout: Knockout) -> slice:
    return slice(None) if knockout.query is None else slice(knockout.query, knockout.query + 1)


def _knock_out(
    per_head: Tensor, value: Tensor, mask: Tensor | None, knockouts: Sequence[Knockout]
) -> Tensor:
    """Put the mean of the values in place of what a head found: that is uniform attention."""
    per_head = per_head.clone() if knockouts else per_head
    for knockout in knockouts:
        uniform = uniform_attention(mask, value.shape[-2], value)
        mean = (uniform[:, None] @ value[:, knockout.head]).squeeze(1)
        per_head[:, knockout.head, _rows(knockout)] = mean[:, None]
    return per_head
