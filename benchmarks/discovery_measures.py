"""What the discovery benchmark measures on one specimen, and how it adds up.

Tables in, numbers out; ``benchmarks.discovery`` draws the specimens and asks the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import pearsonr, rankdata

from intr_discover.data.rings import Rendering
from intr_discover.edits.regions import control_regions
from intr_discover.studies.pointing import chance, distances
from intr_discover.studies.statistics import wilson

FRINGE = 1
"""Pixels by which a mask is widened before its region is erased: the camera's blur."""

CLEARANCE = 4
"""Pixels that a control region keeps away from the attribute."""

TARGETS = {
    "top1": (0.99, "at least"),
    "hit_top3": (0.97, "at least"),
    "same_head": (0.95, "at least"),
    "swap_to_mate": (0.98, "at least"),
    "erase_to_mate": (0.98, "at least"),
    "control_changed": (0.01, "at most"),
    "spearman": (0.6, "at least"),
}


def nearest_attribute(
    peaks: NDArray[np.float64], attributes: dict[str, NDArray[np.uint8]], tolerance: float
) -> list[str | None]:
    """Name the attribute that each peak ``[R, 2]`` hits; None where it hits none.

    Of several within the tolerance the nearest counts; of equally near ones the smallest.
    """
    names = sorted(attributes, key=lambda name: int((attributes[name] > 0).sum()))
    away = np.stack([distances(peaks, attributes[name]) for name in names])  # [attributes, R]
    nearest = away.argmin(axis=0)  # the first of equal ones: the smallest attribute
    return [
        names[place] if away[place, head] <= tolerance else None
        for head, place in enumerate(nearest)
    ]


def region_to_erase(picture: Rendering, attribute: str) -> NDArray[np.bool_]:
    """Return an attribute's pixels with a fringe for the camera's blur."""
    kernel = np.ones((2 * FRINGE + 1, 2 * FRINGE + 1), np.uint8)
    return cv2.dilate(picture.attributes[attribute], kernel) > 0


def control_region(
    picture: Rendering, attribute: str, generator: np.random.Generator
) -> NDArray[np.bool_] | None:
    """Return a region of the same shape elsewhere on the specimen, or None where none fits."""
    region = region_to_erase(picture, attribute)
    kernel = np.ones((2 * CLEARANCE + 1, 2 * CLEARANCE + 1), np.uint8)
    near = cv2.dilate(region.astype(np.uint8), kernel) > 0
    found = control_regions(region, (picture.mask > 0) & ~near, 1, generator)
    return found[0] if found else None


def chance_of_one(picture: Rendering, attribute: str, tolerance: float) -> float:
    """Return the share of the specimen from which a peak would hit the attribute."""
    return chance(picture.attributes[attribute], picture.mask, tolerance)


def share(values: Sequence[bool] | NDArray[np.bool_]) -> dict[str, Any]:
    """Return a share with its 95 % Wilson interval and n; None without a case."""
    flags = np.asarray(values, dtype=bool)
    n = len(flags)
    if n == 0:
        return {"value": None, "low": None, "high": None, "n": 0}
    low, high = wilson(int(flags.sum()), n)
    return {"value": float(flags.mean()), "low": low, "high": high, "n": n}


def same_head(hit: NDArray[np.bool_], labels: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """Return how constantly one head hits: for each class its best head's share of specimens.

    Parameters
    ----------
    hit
        ``[n, R]``: whether each head's peak hits the diagnostic attribute.
    labels
        ``[n]``: the class of each specimen.
    seed
        Of the bootstrap over specimens within classes.
    """
    names = np.asarray(labels)
    groups = [hit[names == name] for name in np.unique(names)]
    # The best head is chosen on all specimens; its share is what is resampled.
    best = [group.mean(axis=0).max() for group in groups]
    generator = np.random.default_rng(seed)
    # Hits among n specimens drawn with replacement are binomial.
    draws = [
        generator.binomial(len(group), share, 2000) / len(group)
        for group, share in zip(groups, best, strict=True)
    ]
    low, high = np.quantile(np.mean(draws, axis=0), [0.025, 0.975])
    return {"value": float(np.mean(best)), "low": float(low), "high": float(high), "n": len(hit)}


def chance_of_same_head(
    chances: NDArray[np.float64], heads: int, labels: Sequence[str], seed: int = 0
) -> float:
    """Return what ``same_head`` gives when every peak lies evenly at random on its specimen."""
    generator = np.random.default_rng(seed)
    draws = [
        same_head_value(generator.random((len(chances), heads)) < chances[:, None], labels)
        for _ in range(200)
    ]
    return float(np.mean(draws))


def same_head_value(hit: NDArray[np.bool_], labels: Sequence[str]) -> float:
    """Return the mean over classes of the best head's share."""
    names = np.asarray(labels)
    return float(np.mean([hit[names == n].mean(axis=0).max() for n in np.unique(names)]))


def spearman_by_class(heads: pd.DataFrame, seed: int = 0) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the rank correlation of importance and effect, the mean over classes.

    Parameters
    ----------
    heads
        One row an image and head: ``image``, ``label``, ``head``, ``importance``, ``effect``.
    seed
        Of the bootstrap over images within classes.

    Returns
    -------
    tuple
        The mean with its 95 % interval and the number of images it rests on, and one row a class
        (``label``, ``spearman``, ``n``). A class in which one of the two is constant has no
        correlation (NaN) and is left out of the mean, which is None when no class has one.
    """
    rows, draws = [], []
    generator = np.random.default_rng(seed)
    for label, group in heads.groupby("label", sort=True):
        importance = group.pivot(index="image", columns="head", values="importance").to_numpy()
        effect = group.pivot(index="image", columns="head", values="effect").to_numpy()
        n = len(importance)
        found = float(correlation(importance.ravel(), effect.ravel()))
        rows.append((label, found, n))
        if np.isnan(found):
            continue
        chosen = generator.integers(n, size=(300, n))
        draws.append(
            correlation(importance[chosen].reshape(300, -1), effect[chosen].reshape(300, -1))
        )
    table = pd.DataFrame(rows, columns=["label", "spearman", "n"])
    known = table.dropna()
    if known.empty:
        return {"value": None, "low": None, "high": None, "n": 0}, table
    # A draw of alike images may be constant: pandas leaves it out of the mean.
    low, high = pd.DataFrame(draws).mean().quantile([0.025, 0.975])
    mean = {
        "value": float(known["spearman"].mean()), "low": float(low), "high": float(high),
        "n": int(known["n"].sum()),
    }  # fmt: skip
    return mean, table


def correlation(
    importance: NDArray[np.float64], effect: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return Spearman's rank correlation over the last axis; NaN where one is constant."""
    varies = (np.ptp(importance, axis=-1) > 0) & (np.ptp(effect, axis=-1) > 0)
    found = np.full(varies.shape, np.nan)
    if not varies.any():
        return found
    ranks = [rankdata(values[varies], axis=-1) for values in (importance, effect)]
    found[varies] = pearsonr(*ranks, axis=-1).statistic
    return found


def met(name: str, value: float | None) -> bool | None:
    """Return whether a number reaches its target; None where there is no number."""
    if value is None:
        return None
    target, direction = TARGETS[name]
    return value >= target if direction == "at least" else value <= target
