"""Which photographs are looked at, so that the classes looked at have enough of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from intr_discover.studies.budget import stratified_sample
from intr_discover.studies.consistency import FEWEST

ENOUGH = 8
"""Photographs of a class that leave ``FEWEST`` even when some are wrongly named."""


def choose(labels: Sequence[str], count: int, seed: int) -> NDArray[np.int64]:
    """Draw photographs: some of every class, or enough of some classes.

    Parameters
    ----------
    labels
        ``[n]``: the label of each photograph.
    count
        How many; all when there are no more.
    seed
        Of the draw.

    Returns
    -------
    ndarray
        Places of the drawn photographs, ascending. Where ``count`` gives every class ``ENOUGH``,
        each gets its share of it. Where it does not, some classes are drawn, those with at least
        ``FEWEST`` photographs first, and each gets ``ENOUGH``, or all it has: two photographs of
        every class would give no score at all.
    """
    names, group = np.unique(np.asarray(labels, dtype=object), return_inverse=True)
    sizes = np.bincount(group, minlength=len(names))
    if count >= min(len(labels), int(np.minimum(sizes, ENOUGH).sum())):
        return stratified_sample(labels, count, seed)
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(names))
    order = order[np.argsort(sizes[order] < FEWEST, kind="stable")]
    chosen: list[int] = []
    for name in order:
        rows = generator.permutation(np.flatnonzero(group == name))[:ENOUGH]
        if len(chosen) + len(rows) > max(count, FEWEST):
            if chosen:
                break
            rows = rows[: max(count, FEWEST)]
        chosen += rows.tolist()
    return np.sort(np.array(chosen, dtype=np.int64))
