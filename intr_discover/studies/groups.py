"""Accuracy of a model in each group of photographs: camera by camera, place by place."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from intr_discover.studies.statistics import RESAMPLES, benjamini_hochberg, permutation_p, wilson

FEWEST_IN_A_GROUP = 5
"""Smaller groups are listed, but do not count for the spread."""


def accuracy_by_group(correct: ArrayLike, groups: Mapping[str, pd.Series]) -> pd.DataFrame:
    """Return one row for each column and group.

    Parameters
    ----------
    correct
        ``[n]``: whether each photograph is recognised.
    groups
        For each column the group of each photograph.

    Returns
    -------
    DataFrame
        ``column``, ``group``, ``n``, ``accuracy``, its 95 % interval ``low``, ``high`` (Wilson),
        and ``elsewhere``, the accuracy of all photographs outside the group.
    """
    right = np.asarray(correct, dtype=bool)
    rows = []
    for column, values in groups.items():
        names = values.to_numpy()
        for group in sorted(set(names)):
            inside = names == group
            hits, count = int(right[inside].sum()), int(inside.sum())
            low, high = wilson(hits, count)
            rows.append(
                {
                    "column": column,
                    "group": group,
                    "n": count,
                    "accuracy": hits / count,
                    "low": low,
                    "high": high,
                    "elsewhere": right[~inside].mean() if count < len(right) else math.nan,
                }
            )
    columns = ["column", "group", "n", "accuracy", "low", "high", "elsewhere"]
    return pd.DataFrame(rows, columns=columns)


def spread_of_groups(
    correct: ArrayLike, groups: Mapping[str, pd.Series], seed: int
) -> pd.DataFrame:
    """Return one row a column: how far its groups' accuracies lie apart, and whether by chance.

    Parameters
    ----------
    correct, groups
        See :func:`accuracy_by_group`.
    seed
        Of the permutations.

    Returns
    -------
    DataFrame
        ``column``, ``groups`` (of at least five photographs), ``n`` (in them), ``worst``, ``best``
        (their names), ``spread`` (best minus worst accuracy), ``p`` (permutation of right and wrong
        over the photographs), ``q`` (over columns). Missing where fewer than two groups are large
        enough.
    """
    right = np.asarray(correct, dtype=np.float64)
    rows = []
    for column, values in groups.items():
        counts = values.value_counts()
        names = sorted(counts[counts >= FEWEST_IN_A_GROUP].index)
        row = {"column": column, "groups": len(names), "n": 0, "worst": None, "best": None,
               "spread": math.nan, "p": math.nan}  # fmt: skip
        if len(names) > 1:
            inside = values.isin(names).to_numpy()
            codes = np.searchsorted(names, values[inside].to_numpy().astype(str))
            found = _accuracies(right[inside], codes, len(names))
            generator = np.random.default_rng([seed, 5])
            drawn = [
                float(np.ptp(_accuracies(generator.permutation(right[inside]), codes, len(names))))
                for _ in range(RESAMPLES)
            ]
            spread = float(np.ptp(found))
            row |= {"n": int(inside.sum()), "worst": names[int(found.argmin())],
                    "best": names[int(found.argmax())], "spread": spread,
                    "p": permutation_p(spread, drawn)}  # fmt: skip
        rows.append(row)
    columns = ["column", "groups", "n", "worst", "best", "spread", "p"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(q=benjamini_hochberg(table["p"].to_numpy(np.float64)))


def _accuracies(
    right: NDArray[np.float64], codes: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    return np.bincount(codes, weights=right, minlength=count) / np.bincount(codes, minlength=count)
