"""Look-alikes as rows of tables, and the numbers of the study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from intr_discover.studies.class_distances import ranked_first
from intr_discover.studies.common_frame import Frame
from intr_discover.studies.pair_contexts import QUERIES, PairAnswers
from intr_discover.studies.pair_maps import PairMaps
from intr_discover.studies.pairs import Pair
from intr_discover.studies.population_maps import CellTest
from intr_discover.studies.statistics import (
    RESAMPLES,
    benjamini_hochberg,
    bootstrap_interval,
    wilson,
)

ON_REGION = 0.8
"""Precision from which the significant cells of a pair are said to lie on the known attribute."""

RANKED = ("hidden_confusability", "rank", "margin_rank", "feature_rank", "feature_distance")
"""What the table of all pairs of classes adds to a pair."""


def pair_row(
    pair: Pair,
    answers: PairAnswers,
    is_first: NDArray[np.bool_],
    maps: PairMaps,
    frame: Frame,
    seed: int,
) -> dict[str, Any]:
    """Return one row of ``mimicry.csv``; see the page on methods for its columns."""
    row: dict[str, Any] = dict(zip(("label_a", "label_b", "diagnostic"), pair, strict=True))
    row |= {"n_a": int(is_first.sum()), "n_b": int((~is_first).sum())}
    sides = (("a", is_first), ("b", ~is_first))
    for place, queries in enumerate(QUERIES):
        for side, chosen in sides:
            name = f"taken_{side}_{queries}"
            row |= share(name, answers.taken[chosen, place])
    for side, chosen in sides:
        row |= mean(f"margin_{side}", answers.margins[chosen, 0], seed)
    row |= _both_ways(answers.margins[is_first, 0], answers.margins[~is_first, 0], seed)
    for place, queries in enumerate(QUERIES[1:], 1):
        for side, chosen in sides:
            row |= mean(f"margin_{side}_{queries}", answers.margins[chosen, place], seed)
        row |= mean(f"context_shift_{queries}", answers.shifts[:, place - 1].mean(axis=1), seed)
    row |= {"n_maps_a": maps.counts[0], "n_maps_b": maps.counts[1]}
    row |= _tested("difference", maps.difference) | _peak(maps, frame)
    on = maps.agreement(maps.difference.significant, frame)
    row |= {
        "region_cells": on.region_cells,
        "region_chance": on.chance,
        "precision": on.precision,
        "recall": on.recall,
        "peak_on_region": _peak_hits(maps, frame),
    }
    for side, test in zip("ab", maps.excess, strict=True):
        row |= _tested(f"diagnostic_{side}", test)
        row[f"diagnostic_{side}_precision"] = maps.agreement(test.significant, frame).precision
    return row


def share(name: str, flags: NDArray[np.bool_]) -> dict[str, float]:
    """Return a share with its Wilson interval; NaN without photographs."""
    n = len(flags)
    low, high = wilson(int(flags.sum()), n)
    return {name: flags.sum() / n if n else math.nan, f"{name}_low": low, f"{name}_high": high}


def mean(name: str, values: NDArray[np.float64], seed: int) -> dict[str, float]:
    """Return a mean with its bootstrap interval over photographs; NaN without any."""
    low, high = bootstrap_interval(values, seed)
    known = values[~np.isnan(values)]
    middle = float(known.mean()) if len(known) else math.nan
    return {name: middle, f"{name}_low": low, f"{name}_high": high}


def image_rows(
    pair: Pair,
    answers: PairAnswers,
    table: pd.DataFrame,
    predicted: Sequence[str],
) -> pd.DataFrame:
    """Return one row for each photograph of a pair.

    Parameters
    ----------
    pair
        The look-alikes.
    answers
        What they answer.
    table
        All photographs: ``image``, ``label``.
    predicted
        The answer of each of them among all classes.
    """
    of_pair = table.iloc[answers.rows]
    mates = {pair[0]: pair[1], pair[1]: pair[0]}
    columns: dict[str, Any] = {
        "image": of_pair["image"].to_numpy(),
        "label": of_pair["label"].to_numpy(),
        "look_alike": [mates[label] for label in of_pair["label"]],
        "predicted": [predicted[row] for row in answers.rows],
    }
    for place, queries in enumerate(QUERIES):
        columns[f"margin_{queries}"] = answers.margins[:, place]
        columns[f"taken_{queries}"] = answers.taken[:, place]
    for place, queries in enumerate(QUERIES[1:]):
        columns[f"context_shift_{queries}"] = answers.shifts[:, place].mean(axis=1)
    return pd.DataFrame(columns)


def cell_rows(pair: Pair, maps: PairMaps, frame: Frame) -> pd.DataFrame:
    """Return one row for each cell of the frame: both means, differences and their p."""
    rows, columns = np.nonzero(frame.inside)
    first, second = maps.excess
    table = {
        "label_a": pair[0],
        "label_b": pair[1],
        "row": rows,
        "column": columns,
        "mean_a": maps.means[0],
        "mean_b": maps.means[1],
        "difference": maps.difference.difference,
        "p": maps.difference.p,
        "diagnostic_a": first.difference,
        "p_a": first.p,
        "diagnostic_b": second.difference,
        "p_b": second.p,
    }
    if maps.region is not None:
        table["known_region"] = maps.region
    return pd.DataFrame(table)


def with_ranks(table: pd.DataFrame, matrix: pd.DataFrame) -> pd.DataFrame:
    """Add ``q`` and the places of the pairs among all pairs of classes."""
    table = table.assign(q=benjamini_hochberg(table["difference_p"]))
    places = {
        frozenset((row.label_a, row.label_b)): tuple(getattr(row, name) for name in RANKED)
        for row in matrix.itertuples()
    }
    found = [
        places[frozenset(pair)] for pair in zip(table["label_a"], table["label_b"], strict=True)
    ]
    return table.assign(**dict(zip(RANKED, map(list, zip(*found, strict=True)), strict=True)))


def summarise(
    table: pd.DataFrame, images: pd.DataFrame, matrix: pd.DataFrame, n: int, seed: int
) -> dict[str, Any]:
    """Return the numbers of the study.

    Parameters
    ----------
    table, images, matrix
        One row a pair, a photograph of a pair, and two classes.
    n
        Photographs looked at.
    seed
        Of the bootstrap.

    Returns
    -------
    dict
        See the page on methods; None where the truth is not known.
    """
    known = int(matrix["known"].sum())
    summary: dict[str, Any] = {
        "n": n,
        "n_pairs": len(table),
        "n_all_pairs": len(matrix),
        "n_known_pairs": known,
    }
    for name, rank in (("true_pairs_ranked_first", "rank"),
                       ("true_pairs_ranked_first_margin", "margin_rank"),
                       ("true_pairs_ranked_first_features", "feature_rank")):  # fmt: skip
        first = ranked_first(matrix[rank], matrix["known"])
        low, high = (
            (math.nan, math.nan) if math.isnan(first) else wilson(round(first * known), known)
        )
        summary |= {name: first, f"{name}_low": low, f"{name}_high": high}
    once = images.drop_duplicates(["image", "look_alike"])
    summary["n_pair_photographs"] = len(once)
    for queries in QUERIES:
        summary |= share(f"taken_for_mate_{queries}", once[f"taken_{queries}"].to_numpy(dtype=bool))
    for queries in QUERIES[1:]:
        values = once[f"context_shift_{queries}"].to_numpy(dtype=np.float64)
        summary |= mean(f"context_shift_{queries}", values, seed)
    testable = table["difference_p"].notna()
    differing = (table["difference_cells"] > 0).to_numpy()[testable]
    summary["n_testable_pairs"] = int(testable.sum())
    summary |= share("pairs_that_differ", differing)
    return summary | _on_known_regions(table[testable & (table["region_cells"] > 0)], seed)


def _on_known_regions(table: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return how well significant cells lie on the attributes that are known."""
    precision = table["precision"].dropna().to_numpy(dtype=np.float64)
    low, high = bootstrap_interval(precision, seed, statistic=np.median)
    peaks = table["peak_on_region"].dropna().to_numpy(dtype=bool)
    return {
        "region_precision": float(np.median(precision)) if len(precision) else math.nan,
        "region_precision_low": low,
        "region_precision_high": high,
        "n_region_precision": len(precision),
        "n_region_pairs": len(table),
        "region_pairs_precise": int((precision >= ON_REGION).sum()) if len(table) else None,
        "region_recall": table["recall"].median() if len(table) else None,
        "region_chance": table["region_chance"].median() if len(table) else None,
        **share("peak_on_region", peaks),
    }


def _tested(name: str, test: CellTest) -> dict[str, Any]:
    """Return how many cells are significant, and the p of the whole map: the smallest of a cell."""
    unknown = np.isnan(test.p).all()
    return {
        f"{name}_cells": int(test.significant.sum()) if test.testable else None,
        f"{name}_p": math.nan if unknown else float(np.nanmin(test.p)),
        f"{name}_smallest_p": test.smallest_p,
        f"{name}_note": "" if test.testable else "untestable: too few photographs",
    }


def _peak(maps: PairMaps, frame: Frame) -> dict[str, Any]:
    """Return where the difference is largest, as a cell and as the nearest landmark."""
    cell = maps.peak
    if cell is None:
        return {"peak_row": None, "peak_column": None, "peak_difference": math.nan,
                "peak_near": None}  # fmt: skip
    row, column = (int(each[cell]) for each in np.nonzero(frame.inside))
    nearest = min(
        frame.landmarks,
        key=lambda name: math.dist(frame.landmarks[name], (column, row)),
        default=None,
    )
    return {
        "peak_row": row,
        "peak_column": column,
        "peak_difference": float(maps.difference.difference[cell]),
        "peak_near": nearest,
    }


def _peak_hits(maps: PairMaps, frame: Frame) -> bool | None:
    cell = maps.peak
    if cell is None or maps.region is None:
        return None
    alone = np.zeros(len(maps.region), dtype=np.bool_)
    alone[cell] = True
    return maps.agreement(alone, frame).precision == 1.0


def _both_ways(
    first: NDArray[np.float64], second: NDArray[np.float64], seed: int
) -> dict[str, Any]:
    """Return the mean of two classes' mean margins, each resampled by itself."""
    middle, low, high = math.nan, math.nan, math.nan
    if len(first) and len(second):
        middle = float(first.mean() + second.mean()) / 2
    if min(len(first), len(second)) > 1:
        found = scipy.stats.bootstrap(
            (first, second),
            lambda a, b, axis: (a.mean(axis=axis) + b.mean(axis=axis)) / 2,
            n_resamples=RESAMPLES,
            method="percentile",
            rng=np.random.default_rng(seed),
        ).confidence_interval
        low, high = float(found.low), float(found.high)
    return {"confusability": middle, "confusability_low": low, "confusability_high": high}
