"""How much each head matters: its attention is switched off and the decision taken again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from intr_discover.model.decoder_memory import DecoderMemory
from intr_discover.model.intr import INTR, Encoded, Knocked


def margin(logits: Tensor, class_ids: Tensor) -> Tensor:
    """Return ``logit_c − max_{c'≠c} logit_{c'}`` for each image.

    Parameters
    ----------
    logits
        ``[B, C]`` with at least two classes.
    class_ids
        ``[B]``: the class c of each image.

    Returns
    -------
    Tensor
        ``[B]``; above 0 when c wins.
    """
    own = logits.gather(1, class_ids[:, None])
    others = logits.scatter(1, class_ids[:, None], -torch.inf)
    return own.squeeze(1) - others.amax(dim=1)


def head_importance(model: INTR, encoded: Encoded, class_ids: Tensor, *, layer: int = -1) -> Tensor:
    """Return by how much the margin of a class drops without one of its heads.

    The attention of one head, for this class's query only, is replaced by the uniform map over the
    real cells (causal head importance). Only the decoder runs again.

    Parameters
    ----------
    model
        INTR.
    encoded
        The encoded images, B of them.
    class_ids
        ``[B]``: the class in question for each image.
    layer
        Decoder layer of the head; negative counts from the last.

    Returns
    -------
    Tensor
        ``[B, R]``: margin with all heads minus margin without head r, in logits.

    Raises
    ------
    ValueError
        If there is no such layer.
    """
    encoded = _remembering(encoded)
    whole = margin(model.decode(encoded).logits, class_ids)
    heads = range(model.config.heads)
    without = [_margin_without(model, encoded, class_ids, layer, [head]) for head in heads]
    return whole[:, None] - torch.stack(without, dim=1)


def importance_of_all(
    model: INTR, encoded: Encoded, class_ids: Tensor, *, layer: int = -1
) -> Tensor:
    """Return ``[B]``: by how much the margin drops without all heads of the class together."""
    encoded = _remembering(encoded)
    heads = list(range(model.config.heads))
    whole = margin(model.decode(encoded).logits, class_ids)
    return whole - _margin_without(model, encoded, class_ids, layer, heads)


def _margin_without(
    model: INTR, encoded: Encoded, class_ids: Tensor, layer: int, heads: Sequence[int]
) -> Tensor:
    """Return the margin ``[B]`` when heads are switched off for each image's own class."""
    knockout: list[Knocked] = [(layer, head, class_ids) for head in heads]
    return margin(model.decode(encoded, knockout=knockout).logits, class_ids)


def _remembering(encoded: Encoded) -> Encoded:
    """Return the same batch with a memory: only the layers behind a head run again then."""
    return encoded if encoded.memory is not None else replace(encoded, memory=DecoderMemory())
