"""How much each head matters: its attention is switched off and the decision taken again."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from intr_discover.model.intr import INTR, Encoded


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
    heads = range(model.config.heads)
    whole = margin(model.decode(encoded).logits, class_ids)
    without = [_margin_without(model, encoded, class_ids, layer, [head]) for head in heads]
    return whole[:, None] - torch.stack(without, dim=1)


def importance_of_all(
    model: INTR, encoded: Encoded, class_ids: Tensor, *, layer: int = -1
) -> Tensor:
    """Return ``[B]``: by how much the margin drops without all heads of the class together."""
    heads = list(range(model.config.heads))
    whole = margin(model.decode(encoded).logits, class_ids)
    return whole - _margin_without(model, encoded, class_ids, layer, heads)


def _margin_without(
    model: INTR, encoded: Encoded, class_ids: Tensor, layer: int, heads: Sequence[int]
) -> Tensor:
    """Return the margin ``[B]`` when heads are switched off for each image's own class."""
    result = torch.empty(len(class_ids), device=encoded.cells.device, dtype=encoded.cells.dtype)
    # A knock-out holds for a whole batch, so images of one class go together.
    for class_id in class_ids.unique().tolist():
        rows = torch.nonzero(class_ids == class_id).squeeze(1)
        knockout = [(layer, head, class_id) for head in heads]
        logits = model.decode(_rows(encoded, rows), knockout=knockout).logits
        result[rows] = margin(logits, class_ids[rows])
    return result


def _rows(encoded: Encoded, rows: Tensor) -> Encoded:
    padding = None if encoded.padding is None else encoded.padding[rows]
    return Encoded(encoded.cells[rows], encoded.grid, padding)
