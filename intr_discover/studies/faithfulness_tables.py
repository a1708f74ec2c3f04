"""The numbers of the study ``faithfulness``, from one row for each photograph and method."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from intr_discover.studies.perturbation import CURVES
from intr_discover.studies.randomisation import CHECKED
from intr_discover.studies.saliency_methods import ALL_METHODS, METHODS, OF_INTR, OF_UNITS
from intr_discover.studies.statistics import (
    RESAMPLES,
    benjamini_hochberg,
    bootstrap_interval,
    sign_flip_p,
    wilson,
)

AREAS = ("insertion", "deletion", "lerf", "srg")
MEASURES = (*AREAS, "pointing", "energy", "lift")
LOWER_IS_BETTER = ("deletion",)

CurveSet = Mapping[tuple[str, str], Sequence[NDArray[np.float64]]]
"""By method and curve: the curves of single photographs, on one grid of steps."""


def methods_table(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row a method: the mean of every measure with its 95 % interval over photographs.

    Parameters
    ----------
    rows
        ``method`` and the columns of ``MEASURES``; missing where there is no score.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        ``method``, ``name``, ``n``; for each measure ``m``, ``m_low``, ``m_high``; ``morf``, which
        is the deletion curve by its other name; ``n_region``, the photographs that pointing, energy
        and lift rest on; ``flat``, how many of the maps were flat. Methods in their usual order.
    """
    table = []
    for method in (name for name in ALL_METHODS if (rows["method"] == name).any()):
        of_method = rows[rows["method"] == method]
        row: dict[str, Any] = {"method": method, "name": ALL_METHODS[method], "n": len(of_method)}
        for measure in MEASURES:
            values = of_method[measure].astype(float).to_numpy()
            known = values[~np.isnan(values)]
            row[measure] = known.mean() if len(known) else math.nan
            if measure == "pointing":
                row["pointing_low"], row["pointing_high"] = wilson(int(known.sum()), len(known))
                row["n_region"] = len(known)
            else:
                low, high = bootstrap_interval(known, seed)
                row[f"{measure}_low"], row[f"{measure}_high"] = low, high
            if measure == "deletion":
                row |= {f"morf{end}": row[f"deletion{end}"] for end in ("", "_low", "_high")}
        row["flat"] = int(of_method["flat"].sum())
        table.append(row)
    return pd.DataFrame(table)


def differences_table(rows: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the maps of what is studied minus the others, paired over photographs with both.

    Returns
    -------
    DataFrame
        ``measure``, ``first``, ``second``, ``n``, ``difference`` (first minus second) with its 95 %
        interval ``low``, ``high``, ``p`` (two-sided, sign flips), ``q`` (Benjamini and Hochberg
        over this table), and ``better``: whether higher or lower numbers are better.
    """
    wide = {
        measure: rows.pivot(index="image", columns="method", values=measure) for measure in AREAS
    }
    own = (*OF_UNITS, *OF_INTR)
    others = [name for name in METHODS if name not in own]
    table: list[dict[str, Any]] = []
    for measure, first, second in product(AREAS, own, others):
        columns = wide[measure]
        if first not in columns or second not in columns:
            continue
        difference = (columns[first].astype(float) - columns[second].astype(float)).dropna()
        if difference.empty:
            continue
        values = difference.to_numpy()
        low, high = bootstrap_interval(values, seed)
        table.append(
            {
                "measure": measure,
                "first": first,
                "second": second,
                "n": len(values),
                "difference": values.mean(),
                "low": low,
                "high": high,
                # One photograph has no test.
                "p": sign_flip_p(values, seed) if len(values) > 1 else math.nan,
                "better": "lower" if measure in LOWER_IS_BETTER else "higher",
            }
        )
    columns_ = ["measure", "first", "second", "n", "difference", "low", "high", "p", "better"]
    frame = pd.DataFrame(table, columns=columns_)
    frame.insert(8, "q", benjamini_hochberg(frame["p"]))
    return frame


def curves_table(curves: CurveSet, seed: int) -> pd.DataFrame:
    """Return the mean curve of each method with a 95 % band over photographs.

    Returns
    -------
    DataFrame
        ``curve``, ``method``, ``step``, ``share`` (of pixels changed, in [0, 1]), ``probability``
        (mean over photographs), ``low``, ``high`` (missing for a single photograph), ``n``.
    """
    rows = []
    for curve, method in product(CURVES, ALL_METHODS):
        if not curves.get((method, curve)):
            continue
        values = np.stack(curves[method, curve])
        low, high = mean_band(values, seed)
        steps = values.shape[1] - 1
        rows += [
            {
                "curve": curve,
                "method": method,
                "step": step,
                "share": step / steps,
                "probability": values[:, step].mean(),
                "low": low[step],
                "high": high[step],
                "n": len(values),
            }
            for step in range(steps + 1)
        ]
    return pd.DataFrame(rows)


def mean_band(values: ArrayLike, seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 95 % percentile bootstrap band of the mean of ``[n, k]``, low and high ``[k]``.

    Rows are drawn with replacement, the same for all columns; NaN for a single row.
    """
    values = np.asarray(values, dtype=np.float64)
    count = len(values)
    if count < 2:
        return np.full((2, values.shape[1]), np.nan)[0], np.full(values.shape[1], np.nan)
    generator = np.random.default_rng(seed)
    drawn = generator.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    low, high = np.quantile(drawn @ values / count, [0.025, 0.975], axis=0)
    return low, high


def randomisation_table(cascade: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return the mean rank correlation after each step and for each map, its interval, and n."""
    rows = []
    for (step, layer, method), group in cascade.groupby(["step", "layer", "method"], sort=True):
        known = group["correlation"].dropna().to_numpy()
        low, high = bootstrap_interval(known, seed)
        rows.append(
            {
                "step": step,
                "layer": layer,
                "method": method,
                "correlation": known.mean() if len(known) else math.nan,
                "low": low,
                "high": high,
                "n": len(known),
            }
        )
    return pd.DataFrame(rows)


def summarise(
    methods: pd.DataFrame, randomisation: pd.DataFrame, about: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the flat numbers of the study.

    Parameters
    ----------
    methods, randomisation
        See ``methods_table`` and ``randomisation_table``.
    about
        How the numbers were made: ``judge``, ``n``, ``steps`` …

    Returns
    -------
    dict
        ``about``; for every method m, done or not, ``insertion_m``, ``deletion_m``, ``lerf_m``,
        ``srg_m``, ``pointing_m``, ``energy_m``, ``lift_m`` with ``…_low`` and ``…_high``, and
        ``n_m``, ``n_region_m``; ``randomised_decoder_m`` and ``randomised_all_m``: rank correlation
        of the map with its former self after the decoder, and after all layers, were drawn anew.
        Of another method than INTR: its own maps in the place of INTR's.
    """
    summary = dict(about)
    by_method = {str(row["method"]): row for row in methods.to_dict("records")}
    of_units = next(iter(OF_UNITS)) in by_method
    rivals = [name for name in METHODS if not name.endswith("_intr") and name not in OF_INTR]
    for method in [*OF_UNITS, *rivals] if of_units else METHODS:
        row = by_method.get(method)
        for measure, end in product(MEASURES, ("", "_low", "_high")):
            key = f"{measure}_{method}{end}"
            summary[key] = None if row is None else row[f"{measure}{end}"]
        summary[f"n_{method}"] = 0 if row is None else row["n"]
        summary[f"n_region_{method}"] = 0 if row is None else row["n_region"]
    if randomisation.empty:  # only of INTR it is known which layers come after which
        return summary | {"n_randomised": 0}
    for method in CHECKED:
        steps = randomisation[randomisation["method"] == method].sort_values("step")
        for word, place in (("decoder", 0), ("all", -1)):
            for key, column in (("", "correlation"), ("_low", "low"), ("_high", "high")):
                name = f"randomised_{word}_{method}{key}"
                summary[name] = steps[column].iloc[place]
    summary["n_randomised"] = int(randomisation["n"].max())
    return summary
