"""Apply a function to many files in threads: reading and decoding leave Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Result]:
    """Return ``[function(item) for item in items]``, computed by several threads.

    Parameters
    ----------
    function, items
        What to compute; the first exception stops the rest and is raised.
    workers
        Number of threads; by default one a processor, at most 8.
    progress
        Called with (done, total) in the calling thread.
    """
    results: list[Result] = []
    # When the body raises (an error, Ctrl-C), map's generator cancels all that has not begun.
    with ThreadPoolExecutor(max_workers=workers or min(8, os.cpu_count() or 1)) as pool:
        for result in pool.map(function, items):
            results.append(result)
            if progress is not None:
                progress(len(results), len(items))
    return results
