"""Do the heads give a mistake away? What they did in right and in wrong photographs.

For each photograph the query of the class that was *answered* is taken, right or wrong: of a new
photograph nothing else is known.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from intr_discover.studies.consistency import FEWEST
from intr_discover.studies.statistics import Interval, auroc

_BOOTSTRAPS = 999


def agreement_with_class(
    descriptors: ArrayLike,
    predicted: ArrayLike,
    right: ArrayLike,
    counts: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Return how much the heads picked up what they usually pick up for the class answered.

    Parameters
    ----------
    descriptors
        ``[n, R, D]``: of the query of the class that was answered.
    predicted
        ``[n]``: that class.
    right
        ``[n]``: whether it is the true one.
    counts
        ``[n]``: how many of the R that class has; the others are passed over. Default all.

    Returns
    -------
    ndarray
        ``[n]`` in [-1, 1]: cosine of a head's descriptor with its mean over the right photographs
        of the class, both centred by the mean over those photographs and heads; mean over heads.
        A right photograph is left out of what it is compared with. NaN where fewer than
        ``FEWEST`` right photographs are left; heads in the centre count as 0.
    """
    values = np.asarray(descriptors, dtype=np.float64)
    predicted, right = np.asarray(predicted), np.asarray(right, dtype=bool)
    counts = np.full(len(values), values.shape[1]) if counts is None else np.asarray(counts)
    result = np.full(len(values), np.nan)
    for answer in np.unique(predicted):
        of_answer = predicted == answer
        model, heads = of_answer & right, int(counts[of_answer].max())
        total, count = values[model, :heads].sum(axis=0), int(model.sum())
        for row in np.flatnonzero(of_answer):
            left = count - int(model[row])
            if left < FEWEST:
                continue
            own = values[row, :heads]
            usual = (total - own * model[row]) / left  # [R, D]
            centre = usual.mean(axis=0)
            result[row] = _cosine(own - centre, usual - centre).mean()
    return result


def compare(photographs: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return how well two scores tell right photographs from wrong ones.

    Parameters
    ----------
    photographs
        ``right``, ``effective_area``, ``agreement``; one row a photograph.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        ``n_right``, ``n_wrong``, and for ``concentration`` (a small effective area) and
        ``agreement``: ``auroc_<score>`` (how often a right photograph has more of it than a wrong
        one) with its 95 % interval, and the means of both groups. None with fewer than ``FEWEST``
        photographs of a group.
    """
    right = photographs["right"].astype(bool)
    found: dict[str, Any] = {"n_right": int(right.sum()), "n_wrong": int((~right).sum())}
    scores = {
        "concentration": -photographs["effective_area"],
        "agreement": photographs["agreement"],
    }
    for name, values in scores.items():
        better, worse = (
            values[flags].dropna().to_numpy(dtype=np.float64) for flags in (right, ~right)
        )
        enough = min(len(better), len(worse)) >= FEWEST
        value = auroc(better, worse) if enough else math.nan
        low, high = auroc_interval(better, worse, seed) if enough else (math.nan, math.nan)
        found |= {
            f"auroc_{name}": value,
            f"auroc_{name}_low": low,
            f"auroc_{name}_high": high,
        }
    for name, group in (("right", right), ("wrong", ~right)):
        found[f"effective_area_{name}"] = photographs.loc[group, "effective_area"].mean()
        found[f"agreement_{name}"] = photographs.loc[group, "agreement"].mean()
    return found


def auroc_interval(positive: ArrayLike, negative: ArrayLike, seed: int) -> Interval:
    """Return the 95 % bootstrap interval of an AUROC; both groups are drawn with replacement.

    Parameters
    ----------
    positive, negative
        Scores without missing ones, at least one each.
    seed
        Of the draws.
    """
    positive, negative = np.asarray(positive), np.asarray(negative)
    generator = np.random.default_rng(seed)
    drawn = [
        auroc(generator.choice(positive, len(positive)), generator.choice(negative, len(negative)))
        for _ in range(_BOOTSTRAPS)
    ]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def _cosine(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the cosine of rows ``[R, D]``; 0 where one of them has no direction."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    products = (first * second).sum(axis=1)
    return np.divide(products, lengths, out=np.zeros_like(products), where=lengths > 0)
