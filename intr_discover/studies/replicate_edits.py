"""Whether several trainings give the same verdict of an edit: what each answers when a region goes.

Four regions are erased, each in a copy of the photograph: that on which the training itself rests
its answer, that on which the first training does, a control of the same shape elsewhere on the
specimen, and the attribute that is known to separate the look-alikes.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from intr_discover.edits.masks import mask_of_map
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.maps import place_on_photograph
from intr_discover.model.intr import INTR
from intr_discover.studies.edit_regions import Mask, controls_beside
from intr_discover.studies.guided_erasure import erased
from intr_discover.studies.replicate_views import View
from intr_discover.studies.studied import Picture

SHARE = 0.04
"""Of the photograph's pixels, erased where a training looks most."""

EDITS = {
    "own": "the region that each training rests on itself",
    "first": "the region that the first training rests on",
    "control": "a region of that shape elsewhere",
    "attribute": "the attribute that separates the look-alikes",
}
"""What is erased, in words; the order is that of tables and figures."""

PASSES = len(EDITS)


def top_region(
    explainer: Explainer, view: View, row: int, shape: tuple[int, int], entropy: Sequence[int]
) -> Mask:
    """Return where a training looks most, ``[H, W]``: the top ``SHARE`` of its deciding map.

    Parameters
    ----------
    explainer
        The training.
    view
        What it sees.
    row
        Of the photograph.
    shape
        (height, width) of the original photograph.
    entropy
        Decides between equal pixels.
    """
    assert isinstance(explainer.model, INTR)
    size = int(view.resized[row, 0]), int(view.resized[row, 1])
    placed = place_on_photograph(view.deciding[row], explainer.model.stride, size, shape)
    return mask_of_map(placed, SHARE, np.random.default_rng(list(entropy)))


def changed_answers(
    explainers: Sequence[Explainer],
    views: Sequence[View],
    row: int,
    image: str,
    photograph: Picture,
    specimen: Mask | None,
    attribute: Mask | None,
    seed: int,
) -> dict[str, NDArray[np.bool_]]:
    """Return which trainings answer something else when a region is erased.

    Parameters
    ----------
    explainers, views
        The K trainings and what they see.
    row, image
        The photograph's place among the views, and its name, which with ``seed`` decides what is
        random.
    photograph
        uint8 RGB ``[H, W, 3]``.
    specimen
        ``[H, W]``: where a control may lie; None for anywhere.
    attribute
        ``[H, W]``: the attribute that is known to separate its class from a look-alike; None or
        empty where none is known.
    seed
        Of controls and ties.

    Returns
    -------
    dict
        By the names of ``EDITS``, ``[K]``; without those that could not be done: a control that
        fits nowhere, an attribute that is not known.

    Raises
    ------
    UserError
        If a training answers with NaN.
    """
    entropy = [seed, zlib.crc32(image.encode())]
    shape = photograph.shape[0], photograph.shape[1]
    regions = [
        top_region(explainer, view, row, shape, [*entropy, 1])
        for explainer, view in zip(explainers, views, strict=True)
    ]
    shared: dict[str, Picture] = {"first": erased(photograph, regions[0])}
    controls = controls_beside(
        regions[0],
        specimen,
        None,
        feather=0.0,
        count=1,
        generator=np.random.default_rng([*entropy, 2]),
    )
    if controls:
        shared["control"] = erased(photograph, controls[0])
    if attribute is not None and attribute.any():
        shared["attribute"] = erased(photograph, attribute)
    changed: dict[str, list[bool]] = {name: [] for name in ("own", *shared)}
    for explainer, view, region in zip(explainers, views, regions, strict=True):
        pictures = [erased(photograph, region), *shared.values()]
        logits = explainer.logits(pictures)
        if not np.isfinite(logits).all():
            raise UserError(
                f"{image}: {explainer.source or 'a training'} answers with values that are no "
                "numbers (NaN or infinite); its weights are damaged or its training diverged"
            )
        for name, answer in zip(changed, logits.argmax(axis=1), strict=True):
            changed[name].append(explainer.classes[answer] != view.answers[row])
    return {name: np.array(flags) for name, flags in changed.items()}
