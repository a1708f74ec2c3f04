"""Measurements of many specimens brought together: by class and head, and between look-alikes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.studies.statistics import (
    benjamini_hochberg,
    bootstrap_interval,
    cliffs_delta,
    permutation_p,
)

MEASURES = ("lightness", "a", "b", "chroma", "area", "frame_x", "frame_y")
"""What is compared. Hue is left out: it runs in a circle, and a* and b* hold it."""

FEWEST = 5
"""Specimens of each species below which nothing is tested."""

PERMUTATIONS = 1999
_RESAMPLES = 999

Numbers = NDArray[np.float64]


def by_head(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row for each class, head and measure; each class searched by its own query.

    Parameters
    ----------
    table
        One row for each photograph, query and head: ``label``, ``query``, ``head``, ``rank`` and
        the measures.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        ``label``, ``head``, ``rank``, ``measure``, ``n``, ``mean``, ``sd`` (between specimens),
        ``low`` and ``high`` (95 % bootstrap interval of the mean).
    """
    rows = []
    own = table[table["label"] == table["query"]]
    for (label, head), group in own.groupby(["label", "head"], sort=True):
        for measure in MEASURES:
            values = group[measure].dropna().to_numpy(np.float64)
            low, high = bootstrap_interval(values, seed, n_resamples=_RESAMPLES)
            rows.append(
                {
                    "label": label,
                    "head": head,
                    "rank": group["rank"].iloc[0],
                    "measure": measure,
                    "n": len(values),
                    "mean": values.mean() if len(values) else np.nan,
                    "sd": values.std(ddof=1) if len(values) > 1 else np.nan,
                    "low": low,
                    "high": high,
                }
            )
    return pd.DataFrame(rows)


def between(
    table: pd.DataFrame, pairs: Sequence[tuple[str, str]], top: int, seed: int
) -> pd.DataFrame:
    """Compare look-alikes: one query and head search the specimens of both.

    Parameters
    ----------
    table
        As for ``by_head``.
    pairs
        Labels of look-alikes.
    top
        Heads of each of the two queries that are compared: the first so many.
    seed
        Of bootstrap and permutations.

    Returns
    -------
    DataFrame
        One row for each pair, query (of either), head and measure: ``label_a``, ``label_b``,
        ``query``, ``head``, ``measure``,
        ``n_a``, ``n_b``, ``mean_a``, ``mean_b``, ``difference`` (a − b, in the measure's own unit)
        with ``low`` and ``high``, ``standardised`` (over the pooled standard deviation; Cohen's d),
        ``delta`` (Cliff's, −1 to 1), ``p`` (two-sided, by permuting the labels) and ``q``
        (Benjamini–Hochberg over all rows). p and q are missing with fewer than five specimens of
        either species.
    """
    rows: list[dict[str, Any]] = []
    for a, b in pairs:
        first, second = table[table["label"] == a], table[table["label"] == b]
        for query, head in product((a, b), range(int(table["head"].max()) + 1)):
            parts = [
                part[(part["query"] == query) & (part["head"] == head)] for part in (first, second)
            ]
            if not (parts[0]["rank"].le(top).any() or parts[1]["rank"].le(top).any()):
                continue
            for measure in MEASURES:
                x, y = (part[measure].dropna().to_numpy(np.float64) for part in parts)
                names = {"label_a": a, "label_b": b, "query": query, "head": head}
                rows.append({**names, "measure": measure, **_compared(x, y, seed)})
    columns = ["label_a", "label_b", "query", "head", "measure", "n_a", "n_b", "mean_a", "mean_b",
               "difference", "low", "high", "standardised", "delta", "p"]  # fmt: skip
    found = pd.DataFrame(rows, columns=columns)
    found["q"] = benjamini_hochberg(found["p"].to_numpy(np.float64))
    return found


def _compared(x: Numbers, y: Numbers, seed: int) -> dict[str, Any]:
    row: dict[str, Any] = {"n_a": len(x), "n_b": len(y)}
    row |= {"mean_a": x.mean() if len(x) else np.nan, "mean_b": y.mean() if len(y) else np.nan}
    row["difference"] = row["mean_a"] - row["mean_b"]
    row["delta"] = cliffs_delta(x, y)
    if min(len(x), len(y)) < FEWEST:
        return row
    freedom = len(x) + len(y) - 2
    pooled = np.sqrt(((len(x) - 1) * x.var(ddof=1) + (len(y) - 1) * y.var(ddof=1)) / freedom)
    row["standardised"] = row["difference"] / pooled if pooled > 0 else np.nan
    generator = np.random.default_rng(seed)
    drawn = _resampled_mean(x, generator) - _resampled_mean(y, generator)
    row["low"], row["high"] = np.quantile(drawn, [0.025, 0.975])
    row["p"] = permutation_p(abs(row["difference"]), _permuted(x, y, generator))
    return row


def _resampled_mean(values: Numbers, generator: np.random.Generator) -> Numbers:
    return values[generator.integers(0, len(values), (_RESAMPLES, len(values)))].mean(axis=1)


def _permuted(x: Numbers, y: Numbers, generator: np.random.Generator) -> Numbers:
    """Return absolute differences of means when the labels are shuffled."""
    both = np.tile(np.concatenate([x, y]), (PERMUTATIONS, 1))
    shuffled = generator.permuted(both, axis=1)
    return np.abs(shuffled[:, : len(x)].mean(axis=1) - shuffled[:, len(x) :].mean(axis=1))
