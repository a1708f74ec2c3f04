"""A look at every photograph before it is reported on: how many can be used, and what is odd."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from intr_discover.data.defects import find_defects
from intr_discover.data.specimens import Specimens
from intr_discover.studies.budget import stratified_sample

SECONDS = 20.0
"""About so long may photographs be looked at where the time is limited."""

_TRIED = 16  # photographs from which the time is estimated


@dataclass(frozen=True)
class Checked:
    """What was found.

    Attributes
    ----------
    defects
        As ``find_defects`` returns them.
    n, of
        Photographs that were opened, and how many there are.
    """

    defects: pd.DataFrame
    n: int
    of: int


def check_photographs(
    specimens: Specimens,
    *,
    seed: int,
    full: bool,
    progress: Callable[[int, int], None] | None = None,
) -> Checked:
    """Open the photographs and masks, or as many as fit into the time, and list what is wrong.

    Parameters
    ----------
    specimens
        The whole collection: a photograph that is in two splits is found only where both are.
    seed
        Of the sample.
    full
        Take all, however long it takes.
    progress
        Called with (photographs done, photographs in all).

    Returns
    -------
    Checked
        Of a sample only what concerns single photographs: that a label has few of them, say, is
        no news of a sample.
    """
    count = len(specimens)
    fitting = count if full or count <= _TRIED else min(count, _fitting(specimens, seed))
    if fitting == count:
        return Checked(find_defects(specimens, progress), count, count)
    defects = find_defects(_sample(specimens, fitting, seed), progress)
    return Checked(defects[defects["image"] != ""].reset_index(drop=True), fitting, count)


def _fitting(specimens: Specimens, seed: int) -> int:
    """Return how many photographs can be opened in the time."""
    began = time.perf_counter()
    find_defects(_sample(specimens, _TRIED, seed))
    each = (time.perf_counter() - began) / _TRIED
    return max(_TRIED, int(SECONDS / each))


def _sample(specimens: Specimens, count: int, seed: int) -> Specimens:
    rows = stratified_sample(specimens.table["label"].tolist(), count, seed)
    return specimens.with_table(specimens.table.iloc[rows])
