"""What makes a logit, cell by cell: image-specific saliency times class-specific attention.

Paul et al., "A Simple Interpretable Transformer for Fine-Grained Image Classification and
Analysis", ICLR 2024, equations 9 and 11: without residuals, normalisation and feed-forward network
the logit of class c is ``Σ_n s_n α_n^(c)`` with ``s_n = w·W_o·W_v x_n``. The saliency ``s_n`` is a
matter of the image alone; the class's query decides by ``α^(c)`` how much of it is counted. With
several heads each has its own ``W_o`` and ``W_v``. In the full model that is an approximation:
``head_importance`` measures what a head really does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import pandas as pd
import scipy
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from intr_discover.data.loading import ImageSource
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.model.intr import INTR, Encoded
from intr_discover.model.transformer import DecoderLayer

Floats = NDArray[np.float64]


def head_saliency(
    model: INTR, encoded: Encoded, class_ids: Tensor | None = None, *, layer: int = -1
) -> Tensor:
    """Return ``s_n^(r) = w·W_o^(r)·W_v^(r) x_n`` of each head and cell.

    Parameters
    ----------
    model
        INTR. Of INTR-FC every class has a saliency of its own, for ``w_c`` is one of each class.
    encoded
        The encoded images, B of them.
    class_ids
        ``[B]``: of which class, for INTR-FC; not used for INTR.
    layer
        Decoder layer whose cross-attention is meant; ``w`` reads the last one directly, earlier
        ones only through those that follow.

    Returns
    -------
    Tensor
        ``[B, R, h, w]`` float32, in logits; NaN on padded cells. Biases are left out, as in the
        equation: attention sums to 1, so they add the same to every class.

    Raises
    ------
    ValueError
        If there is no such layer, or INTR-FC is asked without a class.
    """
    total = model.config.decoder_layers
    if not -total <= layer < total:
        raise ValueError(f"the decoder has layers 0 to {total - 1} (or -1), not {layer}")
    attention = cast(DecoderLayer, model.decoder.layers[layer]).cross_attention
    weights = model.presence.weight.float()
    if model.config.kind == "intr":
        presence = weights.expand(len(encoded), -1)
    elif class_ids is None:
        raise ValueError("INTR-FC has one vector a class: say which class")
    else:
        presence = weights[class_ids]
    with torch.autocast(encoded.cells.device.type, enabled=False):
        # w·W_o, cut into what falls to each head: [B, R, d].
        through = (presence @ attention.out_proj.weight.float()).unflatten(
            -1, (attention.heads, -1)
        )
        values = attention.in_proj_weight.chunk(3)[2].float().unflatten(0, (attention.heads, -1))
        # First the vectors, then the cells: no value of a cell is ever written down.
        directions = torch.einsum("brd,rdx->brx", through, values)
        saliency = torch.einsum("brx,bnx->brn", directions, encoded.cells.float())
    if encoded.padding is not None:
        saliency = saliency.masked_fill(encoded.padding[:, None], torch.nan)
    return saliency.unflatten(-1, encoded.grid)


def contributions(attention: ArrayLike, saliency: ArrayLike) -> Floats:
    """Return ``s_n α_n^(c)``: what each cell adds to the logit of a class through each head.

    Parameters
    ----------
    attention
        ``[..., K, R, h, w]`` of K classes.
    saliency
        ``[..., R, h, w]``; NaN on padded cells, which add nothing.

    Returns
    -------
    ndarray
        ``[..., K, R, h, w]`` in logits; may be negative.
    """
    salient = np.nan_to_num(np.asarray(saliency, dtype=np.float64), nan=0.0)
    return np.asarray(attention, dtype=np.float64) * salient[..., None, :, :, :]


def alignment(attention: ArrayLike, saliency: ArrayLike) -> Floats:
    """Return Spearman's correlation of attention and saliency over the cells (eq. 11).

    The paper argues that the class that is answered lays its attention on cells of high saliency.

    Parameters
    ----------
    attention
        ``[K, R, ...]``: maps of K classes and R heads over the cells of one image.
    saliency
        ``[R, ...]`` over the same cells; NaN on padded ones, which are left out.

    Returns
    -------
    ndarray
        ``[K, R]`` in [−1, 1]; ties get their mean rank. NaN where one of the two is flat, or fewer
        than two cells are real.
    """
    maps = np.asarray(attention, dtype=np.float64)
    maps = maps.reshape(*maps.shape[:2], -1)
    salient = np.asarray(saliency, dtype=np.float64)
    salient = salient.reshape(len(salient), -1)
    if salient.shape != maps.shape[1:]:
        raise ValueError(f"maps {maps.shape} and saliency {salient.shape} have other cells")
    found = np.full(maps.shape[:2], np.nan)
    for head, values in enumerate(salient):
        real = np.isfinite(values)
        if real.sum() < 2:
            continue
        ranks = _standardised_ranks(values[real])
        for label in range(len(maps)):
            found[label, head] = float(_standardised_ranks(maps[label, head][real]) @ ranks)
    return np.clip(found, -1.0, 1.0)


def query_similarity(model: INTR) -> Floats:
    """Return the cosines ``[C, C]`` between the class queries; a query of zeros gives NaN.

    Queries that are alike ask alike questions. It says nothing of what they find in an image.
    """
    queries = model.class_queries.weight.detach().double().cpu().numpy()
    lengths = np.linalg.norm(queries, axis=1, keepdims=True)
    unit = np.divide(queries, lengths, out=np.full_like(queries, np.nan), where=lengths > 0)
    cosines = np.clip(unit @ unit.T, -1.0, 1.0)
    # A vector is like itself, whatever rounding says; one of zeros is like nothing.
    np.fill_diagonal(cosines, np.where(lengths[:, 0] > 0, 1.0, np.nan))
    return np.asarray(cosines, dtype=np.float64)


def predicted_against_others(
    explainer: Explainer,
    images: Sequence[ImageSource],
    *,
    layer: int = -1,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Return how well attention and saliency go together: the predicted class, and all others.

    Parameters
    ----------
    explainer
        With an INTR that knows at least two classes. For INTR-FC every class is compared with its
        own saliency.
    images
        Photographs.
    layer
        Decoder layer.
    progress
        Called with (photographs done, photographs in all).

    Returns
    -------
    DataFrame
        One row for each photograph and head: ``image`` (its place, from 0), ``predicted``,
        ``head``, ``correlation`` (Spearman, of the predicted class), ``others`` (mean over the
        other classes) and ``difference``. NaN where a map is flat.

    Raises
    ------
    UserError
        If the model is a plain classifier, knows one class alone, has no such layer, or answers
        with values that are no numbers.
    """
    model = explainer.model
    if not isinstance(model, INTR):
        raise UserError(
            f"{explainer.source or 'this model'} is a plain classifier without class queries: it "
            "has no attention to take apart. Use a run trained with --model intr"
        )
    layers = model.config.decoder_layers
    if not -layers <= layer < layers:
        raise UserError(f"the decoder has layers 0 to {layers - 1} (or -1), not {layer}")
    if len(explainer.classes) < 2:
        raise UserError("the model knows a single class: there are no others to compare with")
    rows = []
    for number, image in enumerate(images):
        state = explainer.encode(image)
        with torch.inference_mode():
            output = model.decode(state.encoded, attend="all", layer=layer)
        assert output.attention is not None
        if not bool(output.logits.isfinite().all() and output.attention.isfinite().all()):
            raise UserError(
                f"{state.image}: the model answers with values that are no numbers (NaN or "
                "infinite); its training failed or its weights are damaged: train it anew"
            )
        found = _of_all_classes(model, state.encoded, output.attention[0], layer)
        answer = int(output.logits[0].argmax())
        rest = np.delete(found, answer, axis=0)
        known = np.isfinite(rest).sum(axis=0)
        sums = np.nansum(rest, axis=0)
        others = np.divide(sums, known, out=np.full_like(sums, np.nan), where=known > 0)
        for head in range(found.shape[1]):
            own = float(found[answer, head])
            rows.append(
                {
                    "image": number,
                    "predicted": explainer.classes[answer],
                    "head": head,
                    "correlation": own,
                    "others": float(others[head]),
                    "difference": own - float(others[head]),
                }
            )
        if progress is not None:
            progress(number + 1, len(images))
    columns = ["image", "predicted", "head", "correlation", "others", "difference"]
    return pd.DataFrame(rows, columns=columns)


def _of_all_classes(model: INTR, encoded: Encoded, attention: Tensor, layer: int) -> Floats:
    """Return the alignment ``[C, R]`` of one image, from the maps ``[C, R, h, w]``."""
    maps = attention.float().cpu().numpy()
    if model.config.kind == "intr":
        with torch.inference_mode():
            saliency = head_saliency(model, encoded, layer=layer)[0]
        return alignment(maps, saliency.cpu().numpy())
    found = []
    for class_id in range(len(maps)):
        with torch.inference_mode():
            ids = torch.tensor([class_id], device=attention.device)
            saliency = head_saliency(model, encoded, ids, layer=layer)[0]
        found.append(alignment(maps[class_id : class_id + 1], saliency.cpu().numpy())[0])
    return np.stack(found)


def _standardised_ranks(values: Floats) -> Floats:
    """Return ranks with mean 0 and length 1, of two values or more; NaN where all are alike."""
    ranks = scipy.stats.rankdata(values) - (len(values) + 1) / 2
    length = float(np.linalg.norm(ranks))
    return np.asarray(ranks / length if length > 0 else np.full(len(ranks), np.nan))
