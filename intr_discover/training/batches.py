"""The order of training images: decided by (seed, epoch) alone, shared out over processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


def epoch_batches(
    count: int, batch_size: int, seed: int, epoch: int, process: int, processes: int
) -> list[list[int]]:
    """Return this process's batches of one epoch.

    Parameters
    ----------
    count
        Number of training images n.
    batch_size
        Images of one process's batch.
    seed, epoch
        Decide the order.
    process, processes
        Index of this process, and how many there are.

    Returns
    -------
    list of list of int
        Positions in [0, n). All processes together make batches of ``processes * batch_size``;
        images that do not fill a last batch wait for another epoch. If there are fewer images
        than one such batch, they are shared out evenly as one smaller batch.

    Raises
    ------
    ValueError
        If there are fewer images than processes.
    """
    if count < processes:
        raise ValueError(f"{count} training images cannot be shared by {processes} processes")
    order = np.random.default_rng([seed, epoch]).permutation(count)
    share = min(batch_size, count // processes)
    together = share * processes
    batches = []
    for start in range(0, count - together + 1, together):
        first = start + process * share
        batches.append(order[first : first + share].tolist())
    return batches


@dataclass(frozen=True)
class Place:
    """Where a batch stands among those whose gradients make one update.

    Attributes
    ----------
    update
        Index of the update within the epoch.
    share
        The share of the update's images that are in this batch, in (0, 1]. The mean loss of the
        batch counts with it, so that every image of the update counts the same.
    first, last
        Whether the batch begins the update, and whether it ends it.
    """

    update: int
    share: float
    first: bool
    last: bool


def place_in_update(batches: Sequence[Sequence[int]], step: int, accumulate: int) -> Place:
    """Return the place of batch ``step`` of an epoch when ``accumulate`` batches make one update.

    The last batches of an epoch make an update of their own, also where they are fewer.
    """
    update = step // accumulate
    start = update * accumulate
    together = batches[start : start + accumulate]
    images = sum(len(batch) for batch in together)
    return Place(
        update, len(batches[step]) / images, step == start, step == start + len(together) - 1
    )


def updates_in(batches: int, accumulate: int) -> int:
    """Return the number of updates that an epoch's batches make."""
    return -(-batches // accumulate)
