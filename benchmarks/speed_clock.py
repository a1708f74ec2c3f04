"""Times that can be compared: works take turns, and each round gives a ratio of its own.

A machine is never quiet for long. What slows one work slows the others of the same round, so the
median of the rounds' ratios says more than the ratio of two medians.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

Work = Callable[[], object]
Seconds = dict[str, list[float]]


def alternate(
    works: Mapping[str, Work],
    repeats: int,
    *,
    warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> Seconds:
    """Run the works in turn, A B A B, and time each run.

    Parameters
    ----------
    works
        By name. Their results are thrown away between the runs.
    repeats
        Timed rounds, at least 1.
    warm_up
        Rounds before them that are not timed.
    clock
        Returns seconds.

    Returns
    -------
    dict
        Seconds of every round, by name.
    """
    if repeats < 1:
        raise ValueError(f"at least one round must be timed, not {repeats}")
    seconds: Seconds = {name: [] for name in works}
    for round_number in range(warm_up + repeats):
        for name, work in works.items():
            began = clock()
            work()
            took = clock() - began
            if round_number >= warm_up:
                seconds[name].append(took)
    return seconds


def summary(values: Sequence[float]) -> dict[str, Any]:
    """Return median, range, median absolute deviation and n."""
    array = np.asarray(values, dtype=np.float64)
    middle = float(np.median(array))
    return {
        "median": middle,
        "low": float(array.min()),
        "high": float(array.max()),
        "mad": float(np.median(np.abs(array - middle))),
        "n": len(array),
    }


def ratio(slow: Sequence[float], fast: Sequence[float]) -> dict[str, Any]:
    """Return how many times as long ``slow`` took: the summary of the rounds' own ratios."""
    return summary([above / below for above, below in zip(slow, fast, strict=True)])
