"""Where a class looks more than its look-alike does on the same photographs, cell by cell.

Two maps of one photograph, that of the true class's query and that of the look-alike's, differ
only in the query. Cells in which the difference is above 0 over the photographs of a species are
its diagnostic cells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from intr_discover.studies.population_maps import (
    BATCH_NUMBERS,
    LEVEL,
    PERMUTATIONS,
    CellTest,
    Numbers,
    checked_maps,
    compare_with_chance,
    untestable,
)

MOSTLY = 0.5
"""A cell belongs to an attribute's average region where it touches it in half of the photographs"""


@dataclass(frozen=True)
class Agreement:
    """How well cells agree with the average region of an attribute that is known.

    Attributes
    ----------
    region_cells
        How many cells the region has.
    precision
        Share of the cells found that lie in the region or next to it; NaN where none was found.
    recall
        Share of the region's cells that a cell found lies in or next to.
    chance
        Share of all cells of the frame that lie in the region or next to it: the precision of cells
        drawn at random.
    """

    region_cells: int
    precision: float
    recall: float
    chance: float


def excess_test(
    differences: ArrayLike, seed: int | np.random.Generator, *, flips: int = PERMUTATIONS
) -> CellTest:
    """Test whether paired differences of maps are above 0, by flipping the signs of photographs.

    Parameters
    ----------
    differences
        ``[n, cells]``: one map minus the other, of the same photograph.
    seed
        Of the flips, or the generator to draw from.
    flips
        How many; where all ``2^n`` are no more than that plus one, every one is taken.

    Returns
    -------
    CellTest
        One-sided: the statistic is the largest mean difference. Untestable below five photographs.
    """
    values = checked_maps(differences)
    n = len(values)
    if n == 0:
        return untestable(np.full(values.shape[1], np.nan), 1.0)
    difference = values.mean(axis=0)
    exact = 2 ** min(n, 63) <= flips + 1
    smallest = 2.0**-n if exact else 1 / (flips + 1)
    if smallest > LEVEL:
        return untestable(difference, smallest)
    drawn = [
        (signs @ values / n).max(axis=1)
        for signs in _signs(n, None if exact else flips, seed, values.size)
    ]
    return compare_with_chance(difference, difference, np.concatenate(drawn), smallest, exact)


def average_region(touched: ArrayLike) -> NDArray[np.bool_]:
    """Return the cells that an attribute touches in at least half of the photographs.

    Parameters
    ----------
    touched
        ``[n, cells]``: whether its mask touches the cell. Photographs without any are left out.

    Returns
    -------
    ndarray
        ``[cells]``: nothing where no photograph shows it. An attribute that lies nowhere in half of
        the photographs has its most frequent cells as its region.
    """
    touched = np.asarray(touched, dtype=np.bool_)
    shown = touched[touched.any(axis=1)]
    if not len(shown):
        return np.zeros(touched.shape[1], dtype=np.bool_)
    share = shown.mean(axis=0)
    return np.asarray(share >= min(MOSTLY, float(share.max())))


def agreement(
    found: NDArray[np.bool_], region: NDArray[np.bool_], inside: NDArray[np.bool_]
) -> Agreement:
    """Compare the cells found with a known region, with a tolerance of one cell.

    Parameters
    ----------
    found, region
        ``[cells]``, those inside the frame in reading order.
    inside
        ``[rows, columns]``: which cells of the grid these are. Of a cell's neighbours the diagonal
        ones count too.
    """
    near_region, near_found = near(region, inside), near(found, inside)
    return Agreement(
        int(region.sum()),
        float(near_region[found].mean()) if found.any() and region.any() else float("nan"),
        float(near_found[region].mean()) if region.any() else float("nan"),
        float(near_region.mean()) if region.any() else float("nan"),
    )


def near(cells: NDArray[np.bool_], inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return ``[cells]``: the cells given and all their neighbours within the frame."""
    grid = np.zeros(inside.shape, dtype=np.bool_)
    grid[inside] = cells
    return np.asarray(scipy.ndimage.binary_dilation(grid, np.ones((3, 3)))[inside])


def _signs(
    n: int, count: int | None, seed: int | np.random.Generator, size: int
) -> Iterator[Numbers]:
    """Yield ``[batch, n]`` of 1 and -1: all combinations, or some."""
    batch = max(1, BATCH_NUMBERS // size)
    generator = np.random.default_rng(seed)
    for start in range(0, 2**n if count is None else count, batch):
        if count is None:
            numbers = np.arange(start, min(start + batch, 2**n))[:, None] >> np.arange(n)
            yield np.asarray(1.0 - 2.0 * (numbers & 1))
        else:
            yield generator.choice((-1.0, 1.0), size=(min(batch, count - start), n))
