"""The head report card: one row for each class and head, from arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.figures.head_names import HeadNames, UnitNames, head_label
from intr_discover.studies import parts as parting
from intr_discover.studies.consistency import FEWEST, consistency, distinctness, unit_descriptors
from intr_discover.studies.head_descriptors import HeadViews
from intr_discover.studies.part_hits import Parts
from intr_discover.studies.parts import CONSISTENT_FROM, MostHit
from intr_discover.studies.statistics import benjamini_hochberg, bootstrap_interval

CONSISTENT_Q = 0.05
CONSISTENT_SCORE = 0.2
"""A head is called consistent with q below the first and a consistency above the second."""

DISTINCT = 0.25
"""Silhouette from which a head is called distinct; below it clusters are no clusters (Kaufman and
Rousseeuw 1990)."""

CONCENTRATED = 0.25
"""Mean effective area below which a head is said to have a place."""

Rows = NDArray[np.int64]


def head_card(
    classes: Sequence[str],
    rows: Sequence[Rows],
    views: HeadViews,
    parts: Parts | None,
    seed: int,
) -> pd.DataFrame:
    """Return what is known of each head of each class.

    Parameters
    ----------
    classes
        Names of the classes that have photographs.
    rows
        The photographs of each class that count.
    views
        What the heads did.
    parts
        What they hit; None where no parts are known.
    seed
        Of permutations and bootstraps.

    Returns
    -------
    DataFrame
        ``label``, ``head`` (from 0), ``n`` (photographs); ``consistency`` with its interval
        (``consistency_low``, ``consistency_high``), ``same_head`` and ``chance`` whose difference
        it is, ``p``, ``q`` (over all heads and classes) and ``consistent``; ``distinctness``,
        ``distinct``; ``map_maximum``, ``peak`` and ``effective_area`` (means over photographs),
        ``concentrated``; ``importance`` with its interval and ``n_importance``, ``important``
        (the interval lies above 0); the columns of ``_part_columns``; ``note``. What is not known
        is empty.
    """
    table = pd.DataFrame(
        [
            row
            for number, (label, chosen) in enumerate(zip(classes, rows, strict=True))
            for row in _of_class(label, chosen, views, parts, np.random.default_rng([seed, number]))
        ]
    )
    q = benjamini_hochberg(table["p"])
    table.insert(list(table.columns).index("p") + 1, "q", q)
    consistent = (q < CONSISTENT_Q) & (table["consistency"] > CONSISTENT_SCORE)
    flags = {
        "consistent": _known(consistent, table["consistency"]),
        "distinct": _known(table["distinctness"] > DISTINCT, table["distinctness"]),
        "concentrated": _known(table["effective_area"] < CONCENTRATED, table["effective_area"]),
        "important": _known(table["importance_low"] > 0, table["importance_low"]),
    }
    after = {"consistent": "q", "distinct": "distinctness", "concentrated": "effective_area",
             "important": "importance_high"}  # fmt: skip
    for name, values in flags.items():
        table.insert(list(table.columns).index(after[name]) + 1, name, values)
    return table


def with_names(card: pd.DataFrame, names: HeadNames) -> pd.DataFrame:
    """Return the card with a column ``name`` after ``head``; empty where a head has none.

    The column of what another method calls its units is ``unit``.
    """
    heads = zip(card["label"], card["head"], strict=True)
    column = pd.Series([names.get(each) for each in heads], index=card.index, dtype=object)
    named = card.copy()
    what = "unit" if isinstance(names, UnitNames) else "name"
    named.insert(list(card.columns).index("head") + 1, what, column)
    return named


def called(row: Mapping[Any, Any]) -> str:
    """Return what a row of the head report card calls its head, or unit."""
    if isinstance(row.get("unit"), str):
        return str(row["unit"])
    name = row.get("name")
    names = {(row.get("label", ""), row["head"]): name} if isinstance(name, str) else {}
    return head_label(names, row.get("label", ""), row["head"])


def _of_class(
    label: str, rows: Rows, views: HeadViews, parts: Parts | None, generator: np.random.Generator
) -> list[dict[str, Any]]:
    n = len(rows)
    heads = int(views.counts[rows].max()) if n else views.map_maxima.shape[1]
    units = unit_descriptors(views.descriptors[rows, :heads])
    found = consistency(units, generator)
    apart = distinctness(units)
    missing = [math.nan] * heads
    means = {
        name: getattr(views, attribute)[rows, :heads].mean(axis=0) if n else missing
        for name, attribute in (
            ("map_maximum", "map_maxima"), ("peak", "peaks"), ("effective_area", "areas")
        )
    }  # fmt: skip
    of_parts = _part_columns(rows, heads, views, parts, generator)
    table = []
    for head in range(heads):
        importance = views.importance[rows, head]
        importance = importance[np.isfinite(importance)]
        low, high = bootstrap_interval(importance, generator)
        few = len(importance) < FEWEST
        table.append(
            {
                "label": label,
                "head": head,
                "n": n,
                "consistency": found.score[head],
                "consistency_low": found.low[head],
                "consistency_high": found.high[head],
                "same_head": found.same_head[head],
                "chance": found.chance,
                "p": found.p[head],
                "distinctness": apart[head],
                **{name: values[head] for name, values in means.items()},
                "importance": importance.mean() if len(importance) else math.nan,
                "importance_low": math.nan if few else low,
                "importance_high": math.nan if few else high,
                "n_importance": len(importance),
                **{name: values[head] for name, values in of_parts.items()},
                "note": _note(n, heads, units[:, head]),
            }
        )
    return table


def _part_columns(
    rows: Rows, heads: int, views: HeadViews, parts: Parts | None, generator: np.random.Generator
) -> dict[str, Any]:
    """Return for each head what concerns parts, by column.

    ``part`` (hit by most peaks), ``part_share`` and ``part_n`` (photographs that show it),
    ``part_chance`` (the share when heads are shuffled), ``part_chance_point`` (that of random
    points on the specimen), ``part_focus``; in the wide window ``window_part``,
    ``part_consistency``, ``part_consistency_n``, ``part_consistency_chance``,
    ``part_consistent``; ``stability``, ``stability_n``; ``purity``, ``purity_part``,
    ``purity_n``. No columns where no parts are known.
    """
    if parts is None:
        return {}
    hit, visible = parts.hit[rows, :heads], parts.named_visible[rows]
    named = parting.most_hit(hit, visible)
    wide, there = parts.wide[rows, :heads], parts.visible[rows]
    window = parting.part_consistency(wide, there)
    again = rows[np.isfinite(views.noisy_points[rows]).all(axis=(1, 2))]
    again = again[parts.visible[again].any(axis=1)]
    stable = parting.stability(parts.wide[again, :heads], parts.noisy[again, :heads])
    pure = parting.purity(
        parts.narrow[rows, :heads], parts.merged_visible[rows], views.map_maxima[rows, :heads]
    )
    return {
        "part": _part_names(named, parts.named),
        "part_share": named.share,
        "part_n": named.n,
        "part_chance": [parting.chance_of_heads(hit, visible, generator)] * heads,
        "part_chance_point": [parting.chance_of_points(parts.random[rows], visible)] * heads,
        "part_focus": parting.part_focus(hit, visible),
        "window_part": _part_names(window, parts.names),
        "part_consistency": window.share,
        "part_consistency_n": window.n,
        "part_consistency_chance": [_window_chance(wide, there, generator)] * heads,
        "part_consistent": _known(window.share >= CONSISTENT_FROM, window.share),
        "stability": stable if len(again) >= FEWEST else [math.nan] * heads,
        "stability_n": [len(again)] * heads,
        "purity": pure.share,
        "purity_part": _part_names(pure, parts.merged),
        "purity_n": pure.n,
    }


def _window_chance(
    hits: parting.Flags, visible: parting.Flags, generator: np.random.Generator
) -> float:
    """Return the mean part consistency when the heads' numbers are shuffled."""
    n, heads, _ = hits.shape
    drawn = generator.integers(heads, size=(n, 100))
    shares = parting.part_consistency(hits[np.arange(n)[:, None], drawn], visible).share
    return float(shares.mean())


def _part_names(found: MostHit, names: Sequence[str]) -> list[str | None]:
    return [names[place] if place >= 0 else None for place in found.part]


def _known(flags: Any, values: Any) -> list[bool | None]:
    """Return flags, None where the value behind them is missing."""
    return [
        None if missing else bool(flag)
        for flag, missing in zip(flags, pd.isna(np.asarray(values)), strict=True)
    ]


def _note(n: int, heads: int, units: NDArray[np.float64]) -> str:
    if n < FEWEST:
        return "n too small"
    if heads < 2:
        return "one head: nothing to compare with"
    flat = int((np.abs(units).sum(axis=-1) == 0).sum())
    return f"no direction in {flat} of {n} photographs" if flat else ""
