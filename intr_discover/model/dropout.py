"""Dropout whose random numbers cost little on a processor.

PyTorch draws one number for each activation, one after the other: in a training step of INTR that
takes as long as a fifth of all products. Here one drawn number of 64 bits decides on four, and
NumPy's generator draws, from a seed that PyTorch's has drawn. The share dropped is rounded to a
multiple of 1/65536, and what is kept is scaled by just that share.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

_STEPS = 2**16


class Dropout(nn.Dropout):
    """``torch.nn.Dropout``, quicker on a processor; the numbers drawn are others."""

    def forward(self, input: Tensor) -> Tensor:
        """Drop a share ``p`` of the activations while training."""
        if not (self.training and self.p) or not draws_here(input):
            return super().forward(input)
        dropped: Tensor = _Drop.apply(input, self.p)
        return dropped


def draws_here(states: Tensor) -> bool:
    """Tell whether dropping by ``kept_cells`` is quicker than the device's own way."""
    return states.device.type == "cpu" and not torch.compiler.is_compiling()


def kept_cells(shape: torch.Size, share: float) -> tuple[Tensor, float]:
    """Draw which cells are kept.

    Parameters
    ----------
    shape
        Of the states.
    share
        Of cells that are dropped, in [0, 1).

    Returns
    -------
    tuple
        A mask of that shape, int8: 1 where kept, else 0 (as bool, PyTorch is slow to multiply by
        it); and the number by which what is kept is multiplied.
    """
    dropped = min(round(share * _STEPS), _STEPS - 1)
    seed = int(torch.randint(2**63 - 1, ()))
    generator = np.random.Generator(np.random.SFC64(seed))
    drawn = generator.integers(2**64, size=-(-shape.numel() // 4), dtype=np.uint64)
    kept = drawn.view(np.uint16)[: shape.numel()] >= dropped
    return torch.from_numpy(kept.view(np.int8)).view(shape), _STEPS / (_STEPS - dropped)


class _Drop(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, share: float) -> Tensor:
        kept, ctx.scale = kept_cells(states.shape, share)
        ctx.save_for_backward(kept)
        return (states * kept).mul_(ctx.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (kept,) = ctx.saved_tensors
        return (grad * kept).mul_(ctx.scale), None


class DroppedAttention(torch.autograd.Function):
    """``dropout(softmax(q·k/√d))·v``: what the fused kernel, which knows no dropout here, lacks.

    Of the attention, the weights and which of them are kept stay for the gradient, five bytes each.
    """

    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, share: float
    ) -> Tensor:
        """Attend.

        Parameters
        ----------
        query, key, value
            ``[B, R, Q, d]``, ``[B, R, N, d]`` and ``[B, R, N, d]``.
        mask
            ``[B, 1, 1, N]`` bool, True on cells to look at, or None.
        share
            Of weights that are dropped.

        Returns
        -------
        Tensor
            ``[B, R, Q, d]``.
        """
        with torch.autocast("cpu", enabled=False):  # the inputs are in its 16 bits already
            scores = (query * query.shape[-1] ** -0.5) @ key.transpose(-1, -2)
            if mask is not None:
                scores.masked_fill_(~mask, -torch.inf)
            full = torch.float64 if scores.dtype == torch.float64 else torch.float32
            weights = scores.softmax(-1, dtype=full)
            kept, ctx.scale = kept_cells(weights.shape, share)
            ctx.save_for_backward(query, key, value, weights, kept)
            return (weights * kept).to(value.dtype) @ (value * ctx.scale)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of query, key and value."""
        query, key, value, weights, kept = ctx.saved_tensors
        grad = grad * ctx.scale
        of_value = (weights * kept).to(grad.dtype).transpose(-1, -2) @ grad
        of_weights = (grad @ value.transpose(-1, -2)).to(weights.dtype).mul_(kept)
        of_scores = torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype)
        of_scores = of_scores.mul_(query.shape[-1] ** -0.5).to(query.dtype)
        return of_scores @ key, of_scores.transpose(-1, -2) @ query, of_value, None, None
