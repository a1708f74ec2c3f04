"""One model that judges the maps of all methods: how its probability follows them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from intr_discover.errors import UserError
from intr_discover.studies.judge import Judge
from intr_discover.studies.perturbation import (
    STEPS,
    area_under,
    changed_shares,
    curve_of,
    pictures_of,
    rank_pixels,
    score_pictures,
)

CURVES = ("insertion", "deletion")


def areas(
    judge: Judge,
    photograph: NDArray[np.uint8],
    saliency: NDArray[np.float32],
    class_id: int,
    *,
    seed: Sequence[int],
    steps: int = STEPS,
    batch_size: int = 32,
) -> dict[str, float]:
    """Return the areas under the insertion and the deletion curve, each in [0, 1].

    Parameters
    ----------
    judge
        Whose probability is followed.
    photograph
        uint8 RGB ``[H, W, 3]``.
    saliency
        ``[h, w]``: the map on the judge's picture.
    class_id
        The judge's class whose probability is followed.
    seed
        Decides between equal pixels.
    steps, batch_size
        As for the study ``faithfulness``.
    """
    ranking = rank_pixels(saliency, seed)
    pictures = pictures_of(judge.picture(photograph), {"map": ranking}, steps, CURVES)
    scores = {
        state: float(row[class_id])
        for state, row in score_pictures(pictures, judge.probabilities, batch_size)
    }
    if not np.isfinite(list(scores.values())).all():
        raise UserError(f"the judge {judge.name} answers with values that are no numbers (NaN)")
    shares = changed_shares(ranking, steps)
    return {
        curve: area_under(curve_of(scores, "map", curve, len(shares)), shares) for curve in CURVES
    }
