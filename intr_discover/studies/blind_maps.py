"""The maps that a rater of a blind study sees: those of one unit on one photograph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from intr_discover.errors import UserError
from intr_discover.explain.explainer import EncodedImage, Explainer
from intr_discover.explain.maps import place_on_photograph
from intr_discover.explain.posthoc.gradcam import gradcam
from intr_discover.studies.blind_units import GRADCAM, SINGLE_HEADS, Unit

Map = NDArray[np.float32]


def strongest_heads(
    explainer: Explainer, photograph: EncodedImage, label: str, most: int
) -> list[int]:
    """Return the heads with the largest weight on a photograph, for the query of a class."""
    return explainer.explain(photograph, [label]).ranked_heads()[:most]


def maps_of_unit(
    explainer: Explainer,
    photograph: EncodedImage | NDArray[np.uint8],
    label: str,
    unit: Unit,
    shape: tuple[int, int],
) -> list[Map]:
    """Return what one unit shows of a photograph, for one class.

    Parameters
    ----------
    explainer
        The model.
    photograph
        Encoded, or its pixels ``[H, W, 3]`` (enough for Grad-CAM).
    label
        The class whose query or logit it is.
    unit
        Which.
    shape
        (rows, columns) of the grid over the whole photograph.

    Returns
    -------
    list of ndarray
        One map ``[rows, columns]``, or one of each head in the order of their numbers; at least 0.

    Raises
    ------
    UserError
        If the model has no such class or head, or the map holds NaN.
    """
    if unit.method == GRADCAM:
        pixels = photograph.photograph if isinstance(photograph, EncodedImage) else photograph
        read = explainer.preprocessing(pixels)
        found = gradcam(
            explainer.model, read[None].to(explainer.device), explainer.class_ids([label])
        )
        resized = int(read.shape[1]), int(read.shape[2])
        maps = [place_on_photograph(found.maps[0], found.stride, resized, shape)]
    else:
        explanation = explainer.explain(photograph, [label])
        heads = range(explanation.heads) if unit.method != SINGLE_HEADS else [unit.head]
        maps = [explanation.heatmap(label, head, shape) for head in heads if head is not None]
    if not all(np.isfinite(each).all() for each in maps):
        raise UserError(
            "the map holds values that are no numbers (NaN): the weights of the model are damaged"
        )
    return maps
