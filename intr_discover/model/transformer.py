"""Encoder and class-query decoder; cross-attention maps only for the queries asked for.

Post-norm layers as in DETR (Carion et al., ECCV 2020) with INTR's change (Paul et al., ICLR 2024):
the cross-attention keys of the decoder carry no position embedding, unless they are asked to.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from intr_discover.model.decoder_memory import Step, Trace
from intr_discover.model.dropout import Dropout, DroppedAttention, draws_here

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
        Position of the query in the decoder, ``[B]`` positions, one for each image, or None for all
        queries.
    """

    layer: int
    head: int
    query: int | Tensor | None = None

    def hits(self, positions: Tensor) -> Tensor:
        """Tell for query positions ``[B, K]`` which of them are meant: bool of that shape."""
        if self.query is None:
            return torch.ones_like(positions, dtype=torch.bool)
        if isinstance(self.query, Tensor):
            return positions == self.query[:, None]
        return positions == self.query


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
        return self.project_query(query), *self.project_cells(key, value)

    def project_query(self, query: Tensor) -> Tensor:
        """Project what asks ``[B, Q, D]`` to heads ``[B, R, Q, D / R]``."""
        return self._project(query, 0)

    def project_cells(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Project what is asked, two tensors ``[B, N, D]``, to heads ``[B, R, N, D / R]``."""
        return self._project(key, 1), self._project(value, 2)

    def _project(self, states: Tensor, part: int) -> Tensor:
        weight, bias = self.in_proj_weight.chunk(3)[part], self.in_proj_bias.chunk(3)[part]
        projected = functional.linear(states, weight, bias)
        return projected.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def of_equal_values(self) -> Tensor:
        """Return ``[D]``: what is found where all states are zero, whatever the attention is.

        Every value is the bias then, and so is a mean of values with weights that sum to 1.
        """
        return self.out_proj(self.in_proj_bias.chunk(3)[2])

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
            if draws_here(rows):
                dropped: Tensor = DroppedAttention.apply(rows, key, value, mask, self.dropout)
                return dropped
            return functional.scaled_dot_product_attention(
                rows, key, value, attn_mask=mask, dropout_p=self.dropout
            )

        if query.device.type == "cuda" or query.shape[2] <= MOST_ROWS:
            return attend(query)
        # On a CPU the fused kernel knows no dropout, and all weights [Q, N] would be kept for the
        # gradient: with thousands of classes, gigabytes. Some rows at a time, made again for
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
        self.dropout = Dropout(dropout)
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
        self.dropout = Dropout(dropout)

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
        self.dropout = Dropout(dropout)

    def exchange(self, states: Tensor, queries: Tensor, copies: int = 1) -> Tensor:
        """Let the class queries see each other: ``[B, Q, D]`` to ``[B, Q, D]``.

        The last query stands for so many copies of itself: they have equal scores, so together they
        weigh as much as one whose score is larger by log(copies).
        """
        placed = states + queries
        if copies == 1:
            mixed = self.self_attention(placed, placed, states, None)
            return self.norm1(states + self.dropout(mixed))
        weight = states.new_zeros(1, 1, 1, states.shape[1])
        weight[..., -1] = math.log(copies)
        with torch.autocast(states.device.type, enabled=False):  # 16 bits would round the logarithm
            mixed = self.self_attention(placed, placed, states, weight)
        return self.norm1(states + mixed)

    def first_exchange(self, queries: Tensor) -> Tensor:
        """Return what ``exchange`` makes of states that are zero, without looking at all pairs."""
        with torch.autocast(queries.device.type, enabled=False):  # one vector: it costs nothing
            states = self.norm1(self.self_attention.of_equal_values())
        return states.expand_as(queries)

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
                attention[:, :, knockout.head] = torch.where(
                    knockout.hits(positions)[:, :, None],
                    uniform[:, None],
                    attention[:, :, knockout.head],
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
        copies: int = 1,
        projected: dict[int, tuple[Tensor, Tensor]] | None = None,
        trace: Trace | None = None,
    ) -> tuple[Tensor, KeptAttention | None]:
        """Run all layers with fused attention.

        Parameters
        ----------
        queries
            ``[B, Q, D]`` or ``[1, Q, D]``: the class queries, added in every layer. The input
            tokens are zeros.
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
        copies
            How many equal queries the last one stands for; in evaluation only.
        projected
            Keys and values of the cells by layer: taken from here, and put here where they are not.
        trace
            An empty one, to be filled for ``again``; without knock-outs and override.

        Returns
        -------
        tuple
            Normalised decoder output ``[B, Q, D]`` and what was kept, or None.
        """
        keys = cells if key_position is None else cells + key_position
        states, kept = torch.zeros_like(queries), None
        for index, module in enumerate(self.layers):
            layer = cast(DecoderLayer, module)
            attention = layer.cross_attention
            if projected is None or index not in projected:
                key, value = attention.project_cells(keys, cells)
                if projected is not None:
                    projected[index] = key, value
            else:
                key, value = projected[index]
            states, query = self._ask(index, states, queries, len(cells), copies)
            here = [knockout for knockout in knockouts if knockout.layer == index]
            overridden = None
            if override is None:
                per_head = attention.fused(query, key, value, mask)
                if trace is not None:
                    trace.steps.append(Step(states, query, per_head))
                per_head = _knock_out(per_head, value, mask, here)
                if self.training and self.head_dropout:
                    per_head = _drop_heads(per_head, value, mask, self.head_dropout)
            else:
                natural = attention_scores(query, key, mask).softmax(-1).transpose(1, 2)
                natural = natural.clone() if here else natural
                everyone = torch.arange(natural.shape[1], device=natural.device)
                for knockout in here:
                    uniform = uniform_attention(mask, natural.shape[-1], natural)
                    natural[:, :, knockout.head] = torch.where(
                        knockout.hits(everyone.expand(len(natural), -1))[:, :, None],
                        uniform[:, None],
                        natural[:, :, knockout.head],
                    )
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
        output = self.norm(states)
        if trace is not None:
            trace.output = output
        return output, kept

    def again(
        self,
        trace: Trace,
        queries: Tensor,
        mask: Tensor | None,
        projected: Mapping[int, tuple[Tensor, Tensor]],
        *,
        keep_layer: int | None = None,
        knockouts: Sequence[Knockout] = (),
        copies: int = 1,
    ) -> tuple[Tensor, KeptAttention | None]:
        """Return what ``forward`` would, from the first layer with a knock-out on.

        Parameters
        ----------
        trace, projected
            As ``forward`` has filled them for these queries and cells.
        queries, mask, keep_layer, knockouts, copies
            See ``forward``.
        """
        assert trace.output is not None, "the trace was never filled"
        last = len(self.layers) - 1
        first = min((knockout.layer for knockout in knockouts), default=last + 1)
        kept = None
        if keep_layer is not None and keep_layer < first:
            kept = KeptAttention(
                trace.steps[keep_layer].query, projected[keep_layer][0], mask, (), None
            )
        if first > last:
            return trace.output, kept
        states = trace.output  # anything: the first layer here has its states from the trace
        for index in range(first, last + 1):
            layer = cast(DecoderLayer, self.layers[index])
            attention = layer.cross_attention
            key, value = projected[index]
            if index == first:
                step = trace.steps[first]
            else:
                states, query = self._ask(index, states, queries, len(value), copies)
                step = Step(states, query, attention.fused(query, key, value, mask))
            here = [knockout for knockout in knockouts if knockout.layer == index]
            if index == keep_layer:
                kept = KeptAttention(step.query, key, mask, here, None)
            per_head = _knock_out(step.found, value, mask, here)
            if index == first == last and all(each.query is not None for each in here):
                return self._few_again(trace.output, step.states, per_head, here), kept
            states = layer.finish(step.states, attention.combine(per_head))
        return self.norm(states), kept

    def _few_again(
        self, output: Tensor, states: Tensor, per_head: Tensor, knockouts: Sequence[Knockout]
    ) -> Tensor:
        """Finish the last layer for the queries of the knock-outs alone: no other has changed."""
        layer = cast(DecoderLayer, self.layers[-1])
        batch, heads, _, depth = per_head.shape
        columns: dict[int, Tensor] = {}
        for each in knockouts:
            query = each.query
            assert query is not None, "a knock-out of all queries changes all of them"
            if not isinstance(query, Tensor):
                query = torch.full((batch,), query, device=output.device)
            columns[id(each.query)] = query
        positions = torch.stack(list(columns.values()), dim=1)  # [B, K]
        of_states = positions[:, :, None].expand(-1, -1, states.shape[-1])
        of_heads = positions[:, None, :, None].expand(-1, heads, -1, depth)
        found = layer.cross_attention.combine(per_head.gather(2, of_heads))
        few = layer.finish(states.expand(batch, -1, -1).gather(1, of_states), found)
        return output.scatter(1, of_states, self.norm(few))

    def _ask(
        self, index: int, states: Tensor, queries: Tensor, batch: int, copies: int
    ) -> tuple[Tensor, Tensor]:
        """Let the queries see each other, and project them: ``[1 or B, Q, D]``, ``[B, R, Q, d]``.

        Before the first layer all states are zero, so that nobody has anything to tell.
        """
        layer = cast(DecoderLayer, self.layers[index])
        if index == 0 and not (self.training or torch.is_grad_enabled()):
            states = layer.first_exchange(queries)
        else:
            states = self._run(partial(layer.exchange, copies=copies), states, queries)
        query = layer.cross_attention.project_query(states + queries)
        return states, query.expand(batch, -1, -1, -1)

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


def _knock_out(
    per_head: Tensor, value: Tensor, mask: Tensor | None, knockouts: Sequence[Knockout]
) -> Tensor:
    """Put the mean of the values in place of what a head found: that is uniform attention."""
    per_head = per_head.clone() if knockouts else per_head
    for knockout in knockouts:
        uniform = uniform_attention(mask, value.shape[-2], value)
        mean = uniform[:, None] @ value[:, knockout.head]  # [B, 1, d]
        everyone = torch.arange(per_head.shape[2], device=per_head.device)
        hit = knockout.hits(everyone.expand(len(per_head), -1))
        per_head[:, knockout.head] = torch.where(hit[:, :, None], mean, per_head[:, knockout.head])
    return per_head
