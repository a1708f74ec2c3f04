"""Attention put in by force: what the decoder says when a class is made to look elsewhere.

After Jain and Wallace, "Attention is not Explanation", NAACL 2019 (maps permuted), and Serrano and
Smith, "Is Attention Interpretable?", ACL 2019 (maps made uniform).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from intr_discover.model.transformer import Override, uniform_attention

Kind = Literal["uniform", "permuted", "swapped"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def override_attention(
    kind: Kind,
    layers: Collection[int],
    *,
    entropy: Sequence[Sequence[int]],
    class_ids: Tensor | None = None,
    padding: Tensor | None = None,
) -> Override:
    """Return what ``INTR.decode(…, override=…)`` takes to change where classes look.

    Parameters
    ----------
    kind
        ``"uniform"``: equal weight on every real cell. ``"permuted"``: the weights of a map are
        dealt out to the real cells at random; one draw for each image, layer and head, the same
        for all class queries. ``"swapped"``: a class gets the map of another class, all heads of
        it; who gets whose is drawn for each image, and no class gets its own.
    layers
        Decoder layers, counted from 0.
    entropy
        For each of the B images numbers that decide its draws. They depend on nothing else, so
        that an image meets the same change in every batch.
    class_ids
        ``[B]``: change the map of this class alone; None changes those of all classes.
    padding
        ``[B, N]`` bool, True on padded cells (``Encoded.padding``), or None.

    Returns
    -------
    Override
        Maps ``[B, Q, R, N]`` to the same shape. All heads are changed. Rows keep their sum, and
        padded cells get nothing.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"an intervention is one of {', '.join(KINDS)}, not {kind!r}")

    def override(layer: int, attention: Tensor) -> Tensor:
        if layer not in layers:
            return attention
        if kind == "uniform":
            mask = None if padding is None else ~padding[:, None, None]
            changed = uniform_attention(mask, attention.shape[-1], attention)[:, None, None]
            changed = changed.expand_as(attention)
        elif kind == "permuted":
            changed = _permuted(attention, entropy, layer, padding)
        else:
            changed = _swapped(attention, entropy)
        if class_ids is None:
            return changed
        rows = torch.arange(len(attention), device=attention.device)
        result = attention.clone()
        result[rows, class_ids] = changed[rows, class_ids]
        return result

    return override


def partners(classes: int, entropy: Sequence[int]) -> NDArray[np.int64]:
    """Draw for each class another one; no class is its own partner, and each is taken once.

    Parameters
    ----------
    classes
        How many there are, at least two.
    entropy
        Decides the draw.

    Returns
    -------
    ndarray
        ``[classes]``: along these a walk visits every class before it is back.

    Raises
    ------
    ValueError
        For a single class.
    """
    if classes < 2:
        raise ValueError("a single class has no other to take its map from")
    order = np.random.default_rng([*entropy, 1]).permutation(classes)
    found = np.empty(classes, dtype=np.int64)
    found[order] = np.roll(order, 1)
    return found


def total_variation(first: Tensor, second: Tensor) -> Tensor:
    """Return the total variation distance of two softmax outputs, from their logits.

    Parameters
    ----------
    first, second
        ``[..., C]`` logits.

    Returns
    -------
    Tensor
        ``[...]`` in [0, 1]: half the sum of absolute differences of the probabilities, which is
        the probability that has moved from one class to another.
    """
    return (first.softmax(-1) - second.softmax(-1)).abs().sum(-1) / 2


def _permuted(
    attention: Tensor, entropy: Sequence[Sequence[int]], layer: int, padding: Tensor | None
) -> Tensor:
    """Deal out the weights of each head's maps to the real cells anew."""
    heads, cells = attention.shape[2:]
    order = np.empty((len(attention), heads, cells), dtype=np.int64)
    for row, numbers in enumerate(entropy):
        generator = np.random.default_rng([*numbers, 2, layer])
        real = np.arange(cells)
        if padding is not None:
            real = np.flatnonzero(~padding[row].cpu().numpy())
        order[row] = np.arange(cells)
        for head in range(heads):
            order[row, head, real] = generator.permutation(real)
    index = torch.from_numpy(order).to(attention.device)[:, None].expand_as(attention)
    return attention.gather(-1, index)


def _swapped(attention: Tensor, entropy: Sequence[Sequence[int]]) -> Tensor:
    """Give every class the maps of its partner."""
    classes = attention.shape[1]
    taken = np.stack([partners(classes, numbers) for numbers in entropy])
    index = torch.from_numpy(taken).to(attention.device)[:, :, None, None].expand_as(attention)
    return attention.gather(1, index)
