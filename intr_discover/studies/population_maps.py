"""Where do the maps of two species differ? Mean maps in a common frame, and tests of every cell.

Both tests are of the largest statistic over all cells (Nichols and Holmes 2002): a cell is
significant where its difference is larger than the largest of the *whole map* is by chance, so that
all cells together raise a false alarm in at most one of twenty pairs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice

import numpy as np
from numpy.typing import ArrayLike, NDArray

PERMUTATIONS = 9999
LEVEL = 0.05

# Sums of the same numbers in another order may differ in the last digits.
_ROUNDING = 1e-9
BATCH_NUMBERS = 4_000_000  # numbers held at once

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class CellTest:
    """A difference in every cell, and what chance would give.

    Attributes
    ----------
    difference
        ``[cells]``: the mean difference; NaN without maps.
    p
        ``[cells]``: p of the largest statistic over all cells; NaN where it is untestable.
    smallest_p
        The smallest p that so few photographs can give.
    count
        How many relabellings were compared.
    exact
        Whether those were all there are.
    """

    difference: Numbers
    p: Numbers
    smallest_p: float
    count: int
    exact: bool

    @property
    def testable(self) -> bool:
        """Return whether any difference, however large, could be significant."""
        return self.smallest_p <= LEVEL

    @property
    def significant(self) -> NDArray[np.bool_]:
        """Return the cells whose p is at most 0.05; none where the test is untestable."""
        return np.nan_to_num(self.p, nan=1.0) <= LEVEL


def difference_test(
    first: ArrayLike,
    second: ArrayLike,
    seed: int | np.random.Generator,
    *,
    permutations: int = PERMUTATIONS,
) -> CellTest:
    """Test the difference of two populations' mean maps by shuffling the labels.

    Parameters
    ----------
    first, second
        ``[n, cells]`` and ``[m, cells]``: one map a photograph.
    seed
        Of the shuffling, or the generator to draw from.
    permutations
        How many; where all relabellings are no more than that plus one, every one is taken.

    Returns
    -------
    CellTest
        ``difference`` is mean of first − mean of second. Two-sided: the statistic is the largest
        absolute difference of means. Untestable where even the most extreme relabelling has
        p > 0.05, as with three photographs of each.
    """
    first, second = checked_maps(first), checked_maps(second)
    n, m = len(first), len(second)
    if n == 0 or m == 0:
        return untestable(np.full(first.shape[1], np.nan), 1.0)
    difference = first.mean(axis=0) - second.mean(axis=0)
    relabellings = math.comb(n + m, n)
    # With as many of each, exchanging the two names gives the same size of difference.
    alike = 2 if n == m else 1
    exact = relabellings <= permutations + 1
    smallest = alike / relabellings if exact else 1 / (permutations + 1)
    if smallest > LEVEL:
        return untestable(difference, smallest)
    pooled = np.concatenate([first, second])
    total = pooled.sum(axis=0)
    drawn = []
    for chosen in _relabellings(n + m, n, None if exact else permutations, seed, pooled.size):
        sums = chosen @ pooled
        drawn.append(np.abs(sums / n - (total - sums) / m).max(axis=1))
    return compare_with_chance(
        difference, np.abs(difference), np.concatenate(drawn), smallest, exact
    )


def compare_with_chance(
    difference: Numbers, statistic: Numbers, drawn: Numbers, smallest: float, exact: bool
) -> CellTest:
    """Return p-values: the observed labels are one of all, or stand beside those drawn."""
    drawn = np.sort(drawn)
    rounding = _ROUNDING * max(1.0, float(np.abs(statistic).max()))
    at_least = len(drawn) - np.searchsorted(drawn, statistic - rounding, side="left")
    p = at_least / len(drawn) if exact else (1 + at_least) / (1 + len(drawn))
    return CellTest(difference, np.asarray(p, dtype=np.float64), smallest, len(drawn), exact)


def untestable(difference: Numbers, smallest: float) -> CellTest:
    """Return a test that cannot be significant: so few photographs."""
    return CellTest(difference, np.full(difference.shape, np.nan), smallest, 0, False)


def checked_maps(maps: ArrayLike) -> Numbers:
    """Return maps ``[n, cells]`` as numbers, none of them missing."""
    maps = np.asarray(maps, dtype=np.float64)
    assert maps.ndim == 2 and maps.shape[1], maps.shape
    assert np.isfinite(maps).all(), "maps with missing values are refused before"
    return maps


def _relabellings(
    total: int, first: int, count: int | None, seed: int | np.random.Generator, size: int
) -> Iterator[Numbers]:
    """Yield ``[batch, total]``: 1 for the first label; all relabellings, or so many."""
    batch = max(1, BATCH_NUMBERS // size)
    if count is None:
        every = combinations(range(total), first)
        while listed := list(islice(every, batch)):
            chosen = np.zeros((len(listed), total))
            np.put_along_axis(chosen, np.array(listed, dtype=np.int64), 1.0, axis=1)
            yield chosen
        return
    generator = np.random.default_rng(seed)
    for start in range(0, count, batch):
        rows = np.zeros((min(batch, count - start), total))
        rows[:, :first] = 1.0
        yield generator.permuted(rows, axis=1)
