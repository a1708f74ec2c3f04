"""The order of training images: decided by (seed, epoch) alone, shared out over processes."""

from __future__ import annotations

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
