"""Does a head find the same thing in every photograph? Numbers from arrays, no model.

A head's *descriptor* of a photograph is the attention-weighted mean of the encoder's cells: what
the head picked up there. A head that looks for one thing has descriptors that are alike across
photographs, and more alike than those of two different heads.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from intr_discover.studies.statistics import permutation_p

FEWEST = 5
"""Below so many photographs of a class there is no score: ``n too small``."""

PERMUTATIONS = 1999
BOOTSTRAPS = 999

_BATCH_NUMBERS = 4_000_000  # numbers held at once while resampling
_ZERO = 1e-9  # relative to the largest descriptor: rounding, no direction

Units = NDArray[np.float64]
"""``[n, R, D]``: descriptors of n photographs and R heads, centred, of unit length or zero."""


@dataclass(frozen=True)
class Consistency:
    """How alike the descriptors of each head of one class are across photographs.

    Attributes
    ----------
    score
        ``[R]``: ``same_head - chance``, in [-2, 2]; above 0 a head agrees with itself more than
        heads agree with each other.
    same_head
        ``[R]``: mean cosine between the head's descriptors in different photographs.
    chance
        The same for pairs of different photographs and different heads.
    low, high
        ``[R]``: 95 % bootstrap interval of ``score`` over photographs.
    p
        ``[R]``: one-sided p of ``score`` when the heads' numbers are shuffled in each photograph.
    """

    score: NDArray[np.float64]
    same_head: NDArray[np.float64]
    chance: float
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]


def unit_descriptors(descriptors: ArrayLike) -> Units:
    """Return descriptors of one class, centred over photographs and heads, of unit length.

    Parameters
    ----------
    descriptors
        ``[n, R, D]``, finite.

    Returns
    -------
    ndarray
        ``[n, R, D]``. A descriptor that lies in the centre has no direction and stays zero; its
        cosine with every other one counts as 0.
    """
    values = np.asarray(descriptors, dtype=np.float64)
    assert values.ndim == 3 and np.isfinite(values).all(), values.shape
    if not len(values):
        return values
    centred = values - values.mean(axis=(0, 1))
    lengths = np.linalg.norm(centred, axis=-1, keepdims=True)
    # What is left of equal descriptors after centring is rounding, compared with their own size.
    smallest = _ZERO * max(float(np.abs(values).max()), np.finfo(np.float64).tiny)
    return np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > smallest)


def consistency(
    units: Units,
    seed: int | np.random.Generator,
    *,
    permutations: int = PERMUTATIONS,
    bootstraps: int = BOOTSTRAPS,
) -> Consistency:
    """Return the consistency of each head of one class, with interval and p.

    Parameters
    ----------
    units
        ``[n, R, D]``, see ``unit_descriptors``.
    seed
        Of permutations and bootstrap, or the generator to draw from.
    permutations, bootstraps
        How many.

    Returns
    -------
    Consistency
        All of it missing (NaN) below ``FEWEST`` photographs, and with a single head, which there
        is no other one to compare with.

    Notes
    -----
    Mean cosines are taken over *all* pairs, not over a sample of them: the sum over pairs of
    different photographs is ``|Σ z_i|² − Σ |z_i|²``. That also makes a permutation cheap.
    """
    n, heads, _ = units.shape
    missing = np.full(heads, np.nan)
    if n < FEWEST or heads < 2:
        return Consistency(missing, missing, float("nan"), missing, missing, missing)
    generator = np.random.default_rng(seed)
    same, chance = mean_cosines(units)
    score = same - chance
    drawn = _bootstrap(units, generator, bootstraps)
    low, high = np.nanquantile(drawn, [0.025, 0.975], axis=0)
    shuffled = _shuffled(units, generator, permutations)
    p = [permutation_p(float(score[head]), shuffled[:, head]) for head in range(heads)]
    return Consistency(score, same, chance, low, high, np.array(p))


def mean_cosines(units: Units) -> tuple[NDArray[np.float64], float]:
    """Return the mean cosine of each head with itself ``[R]``, and of different heads (chance).

    Both over all pairs of different photographs; n and R are at least 2.
    """
    same, chance = _cosines(units.sum(axis=0)[None], (units**2).sum(axis=(0, 2))[None],
                            _of_all(units)[None], float(len(units)), float(len(units)))  # fmt: skip
    return same[0], float(chance[0])


def distinctness(units: Units) -> NDArray[np.float64]:
    """Return how well the descriptors of each head stand apart from those of the others.

    Parameters
    ----------
    units
        ``[n, R, D]``, see ``unit_descriptors``.

    Returns
    -------
    ndarray
        ``[R]``: mean silhouette (Rousseeuw 1987; cosine distance, the head as cluster) of the
        head's descriptors, in [-1, 1]; near 0 or below, another head picks up the same. NaN below
        ``FEWEST`` photographs and for a single head.
    """
    from sklearn.metrics import silhouette_samples  # takes long to import

    n, heads, depth = units.shape
    if n < FEWEST or heads < 2:
        return np.full(heads, np.nan)
    labels = np.tile(np.arange(heads), n)
    values = silhouette_samples(units.reshape(-1, depth), labels, metric="cosine")
    return np.asarray(values.reshape(n, heads).mean(axis=0))


def effective_area(maps: ArrayLike) -> NDArray[np.float64]:
    """Return the share of cells over which each map is spread: ``exp(entropy) / N``.

    Parameters
    ----------
    maps
        ``[..., N]``: not negative, each sums to 1.

    Returns
    -------
    ndarray
        ``[...]`` in [1/N, 1]: 1/N where all attention lies on one cell, 1 where it is even.
    """
    maps = np.asarray(maps, dtype=np.float64)
    logarithms = np.log(maps, out=np.zeros_like(maps), where=maps > 0)
    return np.asarray(np.exp(-(maps * logarithms).sum(axis=-1)) / maps.shape[-1])


def head_similarity(maps: ArrayLike) -> float:
    """Return the mean correlation between the maps of different heads on one photograph.

    Parameters
    ----------
    maps
        ``[R, N]``.

    Returns
    -------
    float
        Pearson's, the mean over pairs of heads, in [-1, 1]; 1 where all heads look alike. A map
        without any variation has no correlation and is left out; NaN where fewer than two are
        left.
    """
    maps = np.asarray(maps, dtype=np.float64)
    centred = maps - maps.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1)
    # Relative to the map itself: an even map is even up to rounding.
    varied = lengths > 1e-6 * np.linalg.norm(maps, axis=1)
    count = int(varied.sum())
    if count < 2:
        return float("nan")
    units = centred[varied] / lengths[varied, None]
    total = float((units.sum(axis=0) ** 2).sum())
    return (total - count) / (count * (count - 1))


def map_differences(maps: ArrayLike, pairs: ArrayLike) -> NDArray[np.float64]:
    """Return how far the maps of different class queries differ on one photograph, by head.

    Parameters
    ----------
    maps
        ``[K, R, N]``: maps of K queries, each sums to 1.
    pairs
        ``[P, 2]``: places of the queries to compare, P ≥ 1.

    Returns
    -------
    ndarray
        ``[R]``: total variation distance ``½ Σ |α − β|``, mean over the pairs, in [0, 1]: 0 where
        the queries see the same, 1 where their maps share no cell.
    """
    maps, pairs = np.asarray(maps), np.asarray(pairs)
    distances = [
        0.5 * np.abs(maps[first] - maps[second]).sum(axis=-1, dtype=np.float64)
        for first, second in pairs
    ]
    return np.asarray(np.mean(distances, axis=0))


def _of_all(units: Units) -> NDArray[np.float64]:
    """Return ``[n]``: ``|Σ_r z_r|²`` of each photograph."""
    return np.asarray((units.sum(axis=1) ** 2).sum(axis=-1))


def _cosines(
    sums: NDArray[np.float64],
    squares: NDArray[np.float64],
    of_all: NDArray[np.float64],
    total: float,
    total_squares: NDArray[np.float64] | float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean cosines of pairs of different photographs, from weighted sums over them.

    Parameters
    ----------
    sums
        ``[B, R, D]``: ``Σ_i w_i z_ir``.
    squares
        ``[B, R]``: ``Σ_i w_i² |z_ir|²``.
    of_all
        ``[n]``, or ``[B, n]`` with the weights: ``w_i² |Σ_r z_ir|²``.
    total, total_squares
        ``Σ w_i``, and ``Σ w_i²`` of each of the B.

    Returns
    -------
    tuple
        Of the same head ``[B, R]``, and of different heads ``[B]``. NaN where there is no pair.
    """
    heads = sums.shape[1]
    pairs = np.asarray(total**2 - total_squares, dtype=np.float64)
    pairs = np.where(pairs > 0, pairs, np.nan)
    of_same = (sums**2).sum(axis=-1) - squares
    everything = (sums.sum(axis=1) ** 2).sum(axis=-1) - of_all.sum(axis=-1)
    different = (everything - of_same.sum(axis=1)) / (heads * (heads - 1))
    return of_same / np.reshape(pairs, (-1, 1)), different / pairs


def _bootstrap(units: Units, generator: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Return the score ``[count, R]`` of photographs drawn with replacement.

    A photograph that is drawn twice is not paired with its own copy: its cosine with itself is 1
    and would pass for consistency.
    """
    n, heads, depth = units.shape
    flat = units.reshape(n, -1)
    squares, of_all = (units**2).sum(axis=-1), _of_all(units)
    drawn = generator.multinomial(n, np.full(n, 1 / n), size=count).astype(np.float64)
    scores = []
    for weights in np.array_split(drawn, -(-count * heads * depth // _BATCH_NUMBERS)):
        sums = (weights @ flat).reshape(-1, heads, depth)
        twice = weights**2
        same, chance = _cosines(sums, twice @ squares, twice * of_all, n, twice.sum(axis=1))
        scores.append(same - chance[:, None])
    return np.concatenate(scores)


def _shuffled(units: Units, generator: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Return the score ``[count, R]`` when the heads of each photograph change places."""
    n, heads, depth = units.shape
    places = np.arange(n * heads).reshape(n, heads)
    flat, lengths = units.reshape(-1, depth), (units**2).sum(axis=-1).reshape(-1)
    of_all = _of_all(units)[None]
    scores = []
    left = count
    while left:
        size = min(left, max(1, _BATCH_NUMBERS // (n * heads * heads)))
        left -= size
        orders = generator.permuted(np.broadcast_to(places, (size, n, heads)), axis=2)
        # Adding up rows is a product with zeros and ones, which is faster than picking them.
        chosen = np.zeros((size * heads, n * heads))
        rows = np.repeat(np.arange(size * heads), n)
        chosen[rows, orders.transpose(0, 2, 1).reshape(-1)] = 1.0
        sums = (chosen @ flat).reshape(size, heads, depth)
        squares = (chosen @ lengths).reshape(size, heads)
        same, chance = _cosines(sums, squares, of_all, float(n), float(n))
        scores.append(same - chance[:, None])
    return np.concatenate(scores)
