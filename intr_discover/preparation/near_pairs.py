"""Which photographs are near each other by their hashes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from intr_discover.preparation.hashes import WAYS, Hashes

MOST_DISTANCE = 12
"""Bits, of 64, in which either hash of one picture may differ; unlike pictures differ in 32."""

MOST_PAIRS = 20_000
"""Pairs that are kept, the nearest ones. Specimens mounted alike are near by the million."""

_AT_ONCE = 1 << 16  # comparisons: half a megabyte of hashes stays in the processor's cache


class NearPairs(NamedTuple):
    """Pairs of photographs, the nearest first.

    Attributes
    ----------
    pairs
        ``int64 [P, 5]``: first and second photograph (first < second), the way in which the second
        lies over the first (a place in ``WAYS``), and the distances of pHash and dHash in that way.
    found
        How many pairs are near; more than P where only the nearest are kept.
    """

    pairs: NDArray[np.int64]
    found: int


def near_pairs(
    hashes: Hashes,
    most: int = MOST_DISTANCE,
    *,
    keep: int = MOST_PAIRS,
    progress: Callable[[int, int], None] | None = None,
) -> NearPairs:
    """Return pairs of photographs of which both hashes are near, in one of the eight ways.

    Parameters
    ----------
    hashes
        ``uint64 [N, 2, 8]``, as :func:`intr_discover.preparation.hashes.hashes_of`.
    most
        The largest Hamming distance, 0 to 64, of pHash and of dHash.
    keep
        How many pairs to keep: those with the least sum of both distances.
    progress
        Called with (photographs done, photographs in all).

    Notes
    -----
    All pairs are compared, 16 N² popcounts in blocks: quadratic, but cheap
    (``benchmarks.duplicates`` times 20,000 photographs). A tree or a table of bands must visit most
    of itself at 12 of 64 bits, and gains nothing before N is far larger. Memory is linear in N.
    """
    count = len(hashes)
    kept = np.zeros((0, 5), np.int64)
    waiting: list[NDArray[np.int64]] = []
    found = start = 0
    while start < count:
        rows = max(1, _AT_ONCE // (len(WAYS) * max(1, count - start)))
        end = min(count, start + rows)
        distances = [
            np.bitwise_count(hashes[start:end, None, which, :1] ^ hashes[None, start:, which])
            for which in (0, 1)
        ]
        larger = np.maximum(*distances)
        first, second = np.nonzero(larger.min(axis=2) <= most)
        later = second > first  # both count from the start of the block
        first, second = first[later], second[later]
        way = larger[first, second].argmin(axis=1)
        both = [each[first, second, way].astype(np.int64) for each in distances]
        waiting.append(np.column_stack([first + start, second + start, way, *both]))
        found += len(way)
        start = end
        if start == count or sum(map(len, waiting)) > keep:
            together = np.concatenate([kept, *waiting])
            order = np.argsort(together[:, 3] + together[:, 4], kind="stable")
            kept, waiting = together[order[:keep]], []
        if progress is not None:
            progress(end, count)
    return NearPairs(kept, found)
