"""Whether the maps of two trainings are alike: correlations, matched heads, peaks. Arrays only.

Every number stands beside its chance: the same comparison with the other training's map of
*another* photograph of the class. Where all specimens lie in the middle of the picture, maps are
alike before anything was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Alike:
    """How alike two trainings are in n photographs.

    Attributes
    ----------
    mean_map, mean_map_chance
        ``[n]``: correlation of the mean maps; the mean correlation with those of other photographs
        of the class. NaN where a map is flat, or the class has no other photograph.
    heads, heads_chance
        ``[n]``: the same for matched heads, mean over them.
    matching
        ``[m, 2]``: heads of the first and the second training that are most alike, one to one.
    matched
        ``[m]``: their mean correlation.
    """

    mean_map: Numbers
    mean_map_chance: Numbers
    heads: Numbers
    heads_chance: Numbers
    matching: NDArray[np.int64]
    matched: Numbers


def compare_maps(first: ArrayLike, second: ArrayLike, labels: Sequence[str]) -> Alike:
    """Compare the maps of two trainings.

    Parameters
    ----------
    first, second
        ``[n, R, N]`` and ``[n, S, N]``: maps of the heads on one grid of N cells.
    labels
        ``[n]``: the class of each photograph.
    """
    first, second = np.asarray(first, np.float64), np.asarray(second, np.float64)
    assert first.shape[::2] == second.shape[::2] and len(first) == len(labels) > 0, first.shape
    mean, chance = _in_classes(
        standardised(first.mean(axis=1)), standardised(second.mean(axis=1)), labels
    )
    heads_a, heads_b = standardised(first), standardised(second)
    matching, matched = match_heads(heads_a, heads_b)
    pairs = [
        _in_classes(heads_a[:, one], heads_b[:, other], labels) for one, other in matching.tolist()
    ]
    return Alike(
        mean,
        chance,
        _mean_known(np.stack([own for own, _ in pairs])),
        _mean_known(np.stack([other for _, other in pairs])),
        matching,
        matched,
    )


def standardised(maps: ArrayLike) -> Numbers:
    """Return maps ``[..., N]`` with mean 0 and length 1, so that a product is a correlation.

    A map that is the same everywhere has no correlation with anything: it becomes NaN.
    """
    maps = np.asarray(maps, dtype=np.float64)
    centred = maps - maps.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(centred, axis=-1, keepdims=True)
    # Rounding leaves a flat map a length of about 1e-17 times its weights.
    flat = length <= 1e-9 * np.abs(maps).max(axis=-1, keepdims=True)
    return np.divide(centred, length, out=np.full_like(centred, np.nan), where=~flat)


def match_heads(first: Numbers, second: Numbers) -> tuple[NDArray[np.int64], Numbers]:
    """Return the heads of two trainings that look alike, one to one.

    Parameters
    ----------
    first, second
        ``[n, R, N]`` and ``[n, S, N]``, standardised. The number of a head means nothing in another
        training; the matching is one for all photographs.

    Returns
    -------
    tuple
        ``[min(R, S), 2]`` and the mean correlation of each match, the most alike first; NaN for
        heads that are flat in every photograph.
    """
    products = np.einsum("irk,isk->irs", first, second)
    mean = _mean_known(products)
    rows, columns = linear_sum_assignment(-np.nan_to_num(mean, nan=-2.0))
    alike = mean[rows, columns]
    order = np.argsort(-np.nan_to_num(alike, nan=-2.0), kind="stable")
    return np.stack([rows, columns], axis=1)[order].astype(np.int64), alike[order]


def near_each_other(
    first: Numbers,
    second: Numbers,
    shapes: NDArray[np.int64],
    tolerances: Numbers,
    labels: Sequence[str],
) -> tuple[Numbers, Numbers]:
    """Return whether the peaks of two trainings lie at one place, and how often by chance.

    Parameters
    ----------
    first, second
        ``[n, 2]``: x and y in pixels of the photographs.
    shapes
        ``[n, 2]``: their height and width.
    tolerances
        ``[n]``: the largest distance in pixels.
    labels
        ``[n]``: chance is the second training's peak in another photograph of the class, at the
        same shares of width and height.

    Returns
    -------
    tuple
        ``[n]`` 0 or 1, and ``[n]`` in [0, 1]; NaN where the class has no other photograph.
    """
    sizes = shapes[:, ::-1].astype(np.float64)
    near = (np.linalg.norm(first - second, axis=1) <= tolerances).astype(np.float64)
    shares = (second + 0.5) / sizes
    chance = np.full(len(first), np.nan)
    names = np.asarray(labels, dtype=object)
    for row in range(len(first)):
        others = np.flatnonzero(names == names[row])
        others = others[others != row]
        if len(others):
            there = shares[others] * sizes[row] - 0.5
            distance = np.linalg.norm(there - first[row], axis=1)
            chance[row] = (distance <= tolerances[row]).mean()
    return near, chance


def share_a_part(
    hit: NDArray[np.bool_], visible: NDArray[np.bool_], random: NDArray[np.bool_]
) -> tuple[Numbers, Numbers, Numbers]:
    """Return whether the peaks of K trainings lie on the same part.

    Parameters
    ----------
    hit
        ``[n, K, S]``: which parts each training's peak lies on; several may overlap.
    visible
        ``[n, S]``.
    random
        ``[n, T, S]``: what random points of the specimen lie on.

    Returns
    -------
    tuple
        ``[n]`` share of pairs of trainings whose peaks have a part in common; ``[n]`` 1 where all
        have one in common, else 0; ``[n]`` chance of the first: pairs of random points. NaN where
        no part is visible.
    """
    known = visible.any(axis=1)
    pairs = np.where(known, _pairs_in_common(hit), np.nan)
    together = np.where(known, _all_in_common(hit), np.nan)
    return pairs, together, np.where(known, _pairs_in_common(random), np.nan)


def _pairs_in_common(flags: NDArray[np.bool_]) -> Numbers:
    """Return for ``[n, K, S]`` the share of pairs among the K that have a flag in common."""
    count = flags.shape[1]
    assert count >= 2, "a pair takes two"
    numbers = flags.astype(np.float32)
    common = np.einsum("iks,ils->ikl", numbers, numbers) > 0
    above = np.triu_indices(count, k=1)
    return np.asarray(common[:, above[0], above[1]].mean(axis=1), dtype=np.float64)


def _all_in_common(flags: NDArray[np.bool_]) -> Numbers:
    """Return for ``[n, K, S]`` 1 where all K have a flag in common, else 0."""
    together = flags.sum(axis=1) == flags.shape[1]
    return np.asarray(together.any(axis=1), dtype=np.float64)


def _in_classes(first: Numbers, second: Numbers, labels: Sequence[str]) -> tuple[Numbers, Numbers]:
    """Return each photograph's own correlation ``[n]``, and the mean with others of its class."""
    own = (first * second).sum(axis=-1)
    chance = np.full(len(own), np.nan)
    names = np.asarray(labels, dtype=object)
    for name in dict.fromkeys(labels):
        rows = np.flatnonzero(names == name)
        if len(rows) > 1:
            between = first[rows] @ second[rows].T
            np.fill_diagonal(between, np.nan)
            # Both ways: the first training's map with others' of the second, and the reverse.
            chance[rows] = _mean_known(np.concatenate([between.T, between]))
    return own, chance


def _mean_known(values: Numbers) -> Numbers:
    """Return the mean over the first axis of what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
