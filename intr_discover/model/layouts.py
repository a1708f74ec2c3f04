"""Weights under other people's names: the official INTR and the DETR checkpoints.

Sources: github.com/Imageomics/INTR (``main.py``, ``models/``, ``util/misc.py: load_model``) and
github.com/facebookresearch/detr (``models/detr.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from intr_discover.errors import UserError, shorten
from intr_discover.model.intr import INTR, INTRConfig

Layout = Literal["native", "official", "detr"]

# Our beginnings of names, theirs.
_BEGINNINGS = (
    ("backbone.network.", "backbone.0.body."),
    ("projection.", "input_proj."),
    ("encoder.", "transformer.encoder.layers."),
    ("decoder.", "transformer.decoder."),
    ("class_queries.", "query_embed."),
    ("presence.", "presence_vector."),
)
_PARTS = (
    (".self_attention.", ".self_attn."),
    (".cross_attention.", ".multihead_attn."),
    (".feed_forward.", "."),
)
_DETECTION_HEADS = ("class_embed.", "bbox_embed.")

# torchvision's ResNets: residual blocks of each stage; whether a block is a bottleneck.
_RESNETS = {
    "resnet18": ((2, 2, 2, 2), False),
    "resnet34": ((3, 4, 6, 3), False),
    "resnet50": ((3, 4, 6, 3), True),
    "resnet101": ((3, 4, 23, 3), True),
    "resnet152": ((3, 8, 36, 3), True),
}


def to_official(name: str) -> str:
    """Return the name that one of our INTR weights has in an official INTR checkpoint.

    Raises
    ------
    ValueError
        If an INTR has no such weight.

    Examples
    --------
    >>> to_official("encoder.0.self_attention.in_proj_weight")
    'transformer.encoder.layers.0.self_attn.in_proj_weight'
    """
    for ours, theirs in _BEGINNINGS:
        if name.startswith(ours):
            rest = name.removeprefix(ours)
            if ours in ("encoder.", "decoder."):
                for our_part, their_part in _PARTS:
                    rest = rest.replace(our_part, their_part)
            return theirs + rest
    raise ValueError(f"INTR has no weight named {name!r}")


def export_official(model: INTR) -> dict[str, Tensor]:
    """Return a model's weights under the names of the official INTR code.

    Save them with ``torch.save({"model": export_official(model)}, path)``. The official code reads
    them where the model is of kind ``intr`` and its backbone a whole ResNet.

    Raises
    ------
    UserError
        If the backbone is not a ResNet, or the keys of cross-attention carry a position: the
        official layout has neither.
    """
    if model.config.key_position:
        raise UserError(
            "a model with key_position has no place in the official layout: the official code adds "
            "no position to the keys, and would answer otherwise"
        )
    if model.config.backbone.split(".")[0] not in _RESNETS:
        raise UserError(
            f"backbone '{model.config.backbone}' has no place in the official layout, "
            f"which has {', '.join(_RESNETS)}"
        )
    return {
        to_official(name): weight
        for name, weight in model.state_dict().items()
        if not is_counter(name)
    }


def is_counter(name: str) -> bool:
    """Tell batch norm's count of batches from weights: it decides nothing in evaluation."""
    return name.endswith("num_batches_tracked")


def recognise(names: Collection[str], where: str) -> Layout:
    """Tell whose names these are.

    Parameters
    ----------
    names
        Names of weights.
    where
        The file, for the message.

    Raises
    ------
    UserError
        If they belong to nothing that we read.
    """

    def has(*beginnings: str) -> bool:
        return any(name.startswith(beginnings) for name in names)

    if has(*_DETECTION_HEADS):
        return "detr"
    if has(*(theirs for _, theirs in _BEGINNINGS)):
        return "official"
    if has("class_queries.", "presence.", "backbone.network.", "network."):
        return "native"
    raise UserError(
        f"{where}: weights of an unknown model ({shorten(sorted(names), most=3)}); give a run "
        "folder, an official INTR checkpoint or a DETR checkpoint"
    )


def without_detection_heads(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out DETR's heads for classes and boxes, which INTR does not have."""
    return {
        name: weight for name, weight in weights.items() if not name.startswith(_DETECTION_HEADS)
    }


def check_arguments(arguments: Mapping[str, Any], names: Collection[str], where: str) -> int:
    """Return the number of attention heads; refuse what our model cannot compute.

    Parameters
    ----------
    arguments
        The training arguments stored in the file; empty where it has none.
    names
        Names of the weights, official or DETR.
    where
        The file, for messages.

    Returns
    -------
    int
        ``arguments["nheads"]``, else 8 as in all published INTR and DETR checkpoints: the weights
        do not show it.

    Raises
    ------
    UserError
        For layers that normalise first, a dilated backbone, a learned position embedding, or a
        number of heads that is none.
    """
    refused = []
    if arguments.get("pre_norm") is True or "transformer.encoder.norm.weight" in names:
        refused.append("pre_norm=True")
    if arguments.get("dilation") is True:
        refused.append("dilation=True")
    learned = arguments.get("position_embedding") in ("learned", "v3")
    if learned or "backbone.1.row_embed.weight" in names:
        refused.append("position_embedding=learned")
    if refused:
        raise UserError(
            f"{where}: trained with {' and '.join(refused)}, which this model does not have; "
            "choose a checkpoint trained with the default architecture"
        )
    heads = arguments.get("nheads", 8)
    if not isinstance(heads, int) or heads < 1:
        raise UserError(f"{where}: its args.nheads is {heads!r}, not a number of attention heads")
    return heads


def infer_config(
    weights: Mapping[str, Tensor],
    arguments: Mapping[str, Any],
    where: str,
    num_classes: int | None = None,
) -> INTRConfig:
    """Work out the shape of a model from the shapes of its official or DETR weights.

    Parameters
    ----------
    weights
        Official or DETR weights.
    arguments
        The training arguments stored with them, see ``check_arguments``.
    where
        The file, for messages.
    num_classes
        Number of classes, else the number of queries in the file.

    Raises
    ------
    UserError
        If a weight that shows the shape is missing or odd, the backbone is not a ResNet, or the
        shape is impossible.
    """
    heads = check_arguments(arguments, weights, where)
    queries = "query_embed.weight"
    hidden = "transformer.decoder.layers.0.linear1.weight"
    missing = [name for name in (queries, hidden) if name not in weights]
    if missing:
        raise UserError(f"{where}: missing keys: {shorten(missing)}; the checkpoint is incomplete")
    odd = [
        name for name in (queries, hidden) if weights[name].ndim != 2 or not weights[name].numel()
    ]
    if odd:
        shape = tuple(weights[odd[0]].shape)
        raise UserError(f"{where}: wrong shape: {odd[0]} is {shape}, expected rows and columns")
    backbone, stride = _infer_backbone(weights, where)
    presence = weights.get("presence_vector.weight")
    shared = presence is None or presence.shape[:1] == (1,)
    dropout = arguments.get("dropout")
    dropout = dropout if isinstance(dropout, float) else 0.1
    try:
        return INTRConfig(
            num_classes=weights[queries].shape[0] if num_classes is None else num_classes,
            kind="intr" if shared else "intr-fc",
            backbone=backbone,
            backbone_stride=stride,
            width=weights[queries].shape[1],
            heads=heads,
            encoder_layers=_count(weights, "transformer.encoder.layers."),
            decoder_layers=_count(weights, "transformer.decoder.layers."),
            feed_forward=weights[hidden].shape[0],
            dropout=dropout,
            attention_dropout=dropout,
        )
    except UserError as error:
        raise UserError(f"{where}: {error}") from error


def _infer_backbone(names: Collection[str], where: str) -> tuple[str, int | None]:
    """Return the ResNet's name, and its stride where stages are cut off, else None."""
    body = "backbone.0.body."
    if f"{body}conv1.weight" not in names:
        raise UserError(
            f"{where}: missing keys: {body}conv1.weight; only ResNet backbones are read from "
            "official and DETR checkpoints"
        )
    blocks: list[int] = []
    while len(blocks) < 4 and (count := _count(names, f"{body}layer{len(blocks) + 1}.")):
        blocks.append(count)
    bottleneck = f"{body}layer1.0.conv3.weight" in names
    for name, (stages, has_bottlenecks) in _RESNETS.items():
        if has_bottlenecks == bottleneck and stages[: len(blocks)] == tuple(blocks):
            return name, None if len(blocks) == 4 else 2 ** (len(blocks) + 1)
    raise UserError(
        f"{where}: its backbone has {blocks} blocks, which is none of {', '.join(_RESNETS)}"
    )


def _count(names: Collection[str], beginning: str) -> int:
    """Count the different numbers that follow this beginning of names."""
    return len(
        {
            name.removeprefix(beginning).partition(".")[0]
            for name in names
            if name.startswith(beginning)
        }
    )


def fit_queries(queries: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Make ``count`` class queries out of those of another model.

    Parameters
    ----------
    queries
        ``[Q, D]``: DETR's object queries, or the class queries of an INTR.
    count
        Number of classes C.
    generator
        Source of the noise.

    Returns
    -------
    Tensor
        ``[C, D]``: the first C rows; or all, then copies of them from the first on with noise
        N(0, 0.1²) on the copies alone, so that no two classes start alike (official INTR,
        ``util/misc.py: load_model``).
    """
    known = queries.shape[0]
    if count <= known:
        return queries[:count]
    fitted = queries[torch.arange(count, device=queries.device) % known]
    noise = torch.randn((count - known, queries.shape[1]), generator=generator)
    fitted[known:] += 0.1 * noise.to(fitted)
    return fitted
