"""Prototypes as arrays: distance, similarity, and how concentrated they lie on a photograph."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-4
"""Keeps the similarity of a perfect match finite (Chen et al., ProtoPNet, NeurIPS 2019)."""


def squared_distances(vectors: Tensor, prototypes: Tensor) -> Tensor:
    """Return the squared Euclidean distance of every prototype to every vector.

    Parameters
    ----------
    vectors
        ``[B, D, N]``.
    prototypes
        ``[P, D]``.

    Returns
    -------
    Tensor
        ``[B, P, N]``, at least 0.
    """
    products = prototypes @ vectors
    squares = vectors.square().sum(1, keepdim=True) + prototypes.square().sum(1)[:, None]
    # Not below 0, where rounding would take a perfect match.
    return (squares - 2 * products).clamp(min=0)


def similarity(distances: Tensor, epsilon: float = EPSILON) -> Tensor:
    """Return ``log((d + 1) / (d + ε))`` of squared distances: above 0, ``log(1/ε)`` at a match."""
    return torch.log((distances + 1) / (distances + epsilon))


def spread(activations: Tensor) -> tuple[Tensor, Tensor]:
    """Return where activations lie on the grid, and how far apart.

    Parameters
    ----------
    activations
        ``[..., h, w]``, at least 0, not all 0.

    Returns
    -------
    tuple
        Weighted mean place ``[..., 2]`` (row, column) in cells, and the weighted variance
        ``[...]`` in squared cells, the mean of that of rows and that of columns.
    """
    height, width = activations.shape[-2:]
    weights = activations / activations.sum((-2, -1), keepdim=True)
    rows = torch.arange(height, dtype=weights.dtype, device=weights.device)
    columns = torch.arange(width, dtype=weights.dtype, device=weights.device)
    by_row, by_column = weights.sum(-1), weights.sum(-2)
    row, column = (by_row * rows).sum(-1), (by_column * columns).sum(-1)
    row_variance = (by_row * (rows - row[..., None]).square()).sum(-1)
    column_variance = (by_column * (columns - column[..., None]).square()).sum(-1)
    return torch.stack([row, column], -1), (row_variance + column_variance) / 2


def concentration_losses(
    activations: Tensor, largest_variance: float, smallest_distance: float
) -> tuple[Tensor, Tensor]:
    """Return the two terms of the prototypical part concentration loss (ProtoPFormer, PPC).

    Parameters
    ----------
    activations
        ``[B, m, h, w]`` of the m local prototypes of each photograph's own class, at least 0, and 0
        where a cell was not kept.
    largest_variance
        t_σ in squared cells: a prototype whose activations vary more is penalised.
    smallest_distance
        t_μ in cells: two prototypes of a class whose mean places are closer are penalised.

    Returns
    -------
    tuple
        ``L_σ``, the mean of ``max(0, variance - t_σ)`` over photographs and prototypes, and
        ``L_μ``, the mean of ``max(0, t_μ - distance)`` over photographs and pairs of prototypes,
        0 for m = 1.
    """
    places, variances = spread(activations)
    sigma = functional.relu(variances - largest_variance).mean()
    count = activations.shape[1]
    first, second = torch.triu_indices(count, count, offset=1, device=activations.device)
    if not len(first):
        return sigma, sigma.new_zeros(())
    # The root of 0 has no gradient: prototypes at exactly one place are left to chance.
    gaps = (places[:, first] - places[:, second]).square().sum(-1)
    distances = gaps.clamp(min=1e-12).sqrt()
    return sigma, functional.relu(smallest_distance - distances).mean()
