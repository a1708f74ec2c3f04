"""The maps of two look-alikes in the common frame: means, tests, and what is known there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intr_discover.studies.common_frame import Frame
from intr_discover.studies.diagnostic_regions import (
    Agreement,
    agreement,
    average_region,
    excess_test,
)
from intr_discover.studies.framing import Framing
from intr_discover.studies.looking import Regions
from intr_discover.studies.population_maps import CellTest, Numbers, difference_test


@dataclass(frozen=True)
class PairMaps:
    """Two populations of maps, F cells.

    Attributes
    ----------
    means
        ``[2, F]``: mean map of each class's own query on its own photographs, in units of even
        attention; NaN without photographs in the frame.
    counts
        Photographs of each that have a place in the frame.
    difference
        First population minus second.
    excess
        For each class: own query minus the look-alike's, on the photographs of the class.
    region
        ``[F]``: the average region of the attribute that is known to separate them, or None.
    """

    means: Numbers
    counts: tuple[int, int]
    difference: CellTest
    excess: tuple[CellTest, CellTest]
    region: NDArray[np.bool_] | None

    def agreement(self, cells: NDArray[np.bool_], frame: Frame) -> Agreement:
        """Compare cells with the known region; all NaN where none is known."""
        if self.region is None:
            nothing = float("nan")
            return Agreement(0, nothing, nothing, nothing)
        return agreement(cells, self.region, frame.inside)

    @property
    def peak(self) -> int | None:
        """Return the cell of the largest difference, in either direction."""
        if np.isnan(self.difference.difference).all():
            return None
        return int(np.nanargmax(np.abs(self.difference.difference)))


def compare_maps(
    maps: Numbers,
    is_first: NDArray[np.bool_],
    region: NDArray[np.bool_] | None,
    seed: int,
    *,
    permutations: int,
) -> PairMaps:
    """Compare the maps of two look-alikes.

    Parameters
    ----------
    maps
        ``[n, 2, F]``: of the true class's query and of the look-alike's; NaN for a photograph that
        has no place in the frame.
    is_first
        ``[n]``: photographs of the first class.
    region
        Where the known attribute is.
    seed
        Of permutations and sign flips.
    permutations
        How many of either.
    """
    there = ~np.isnan(maps).any(axis=(1, 2))
    groups = [maps[there & is_first], maps[there & ~is_first]]
    means = np.array(
        [g[:, 0].mean(axis=0) if len(g) else np.full(maps.shape[2], np.nan) for g in groups]
    )
    difference = difference_test(
        groups[0][:, 0],
        groups[1][:, 0],
        np.random.default_rng([seed, 0]),
        permutations=permutations,
    )
    first, second = (
        excess_test(g[:, 0] - g[:, 1], np.random.default_rng([seed, 1 + k]), flips=permutations)
        for k, g in enumerate(groups)
    )
    counts = len(groups[0]), len(groups[1])
    return PairMaps(means, counts, difference, (first, second), region)


def known_region(
    diagnostic: str | None,
    rows: NDArray[np.int64],
    images: Sequence[str],
    framing: Framing,
    regions: Regions,
) -> NDArray[np.bool_] | None:
    """Return the average region of an attribute over photographs, in the frame.

    Parameters
    ----------
    diagnostic
        The attribute; None where nothing is known.
    rows
        Places of the photographs.
    images
        Names of all photographs.
    framing, regions
        Where the frame lies, and the attributes.

    Returns
    -------
    ndarray or None
        ``[F]``; None where no photograph has a mask of the attribute that reaches into the frame.

    Raises
    ------
    UserError
        If a mask has another size than its photograph.
    """
    if diagnostic is None:
        return None
    touched = []
    for row in rows:
        if framing.has(int(row)):
            masks = regions.attributes(images[row], framing.shapes[row])
            if diagnostic in masks:
                touched.append(framing.region(int(row), masks[diagnostic]))
    if not touched:
        return None
    region = average_region(np.array(touched))
    return region if region.any() else None
