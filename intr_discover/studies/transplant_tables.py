"""Numbers of the transplants: by pair and direction, and over all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from intr_discover.data.tables import read_table
from intr_discover.studies.statistics import (
    benjamini_hochberg,
    bootstrap_interval,
    sign_flip_p,
    wilson,
)

KINDS = ("presence", "colour", "shape")
"""What look-alikes may differ in."""


def kinds_of_difference(root: Path) -> dict[frozenset[str], str]:
    """Return what the pairs of drawn mimicry rings differ in; nothing for other collections.

    Parameters
    ----------
    root
        The folder of the collection; its ``rings.csv`` is read where there is one.
    """
    path = root / "rings.csv"
    if not path.is_file():
        return {}
    table = read_table(path)
    if not {"label_a", "label_b", "difference"} <= set(table.columns):
        return {}  # somebody else's table of that name
    return {
        frozenset((row["label_a"], row["label_b"])): str(row["difference"])
        for row in table.to_dict("records")
    }


def by_direction(images: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row for each pair and direction.

    Parameters
    ----------
    images
        One row a photograph, with ``pair``, ``label``, ``mate``, ``region``, ``right_before``,
        ``to_mate``, ``flip``, ``controls``, ``control_flips``, ``shift`` and ``control_shift``.
    seed
        Of bootstrap and sign flips.

    Returns
    -------
    DataFrame
        ``pair``, ``label`` (the receivers), ``mate`` (the donors), ``region``, ``kind`` of
        difference (one of ``KINDS``, or missing where it is not known), ``n`` (photographs
        that the model names rightly before), ``n_wrong_before``; shares ``to_mate``, ``flip`` and
        ``control_flip`` (each with Wilson's 95 % interval; controls of one photograph count as
        one); ``shift`` and ``control_shift``, mean changes of the margin mate − own in logits;
        ``difference`` of the two with its bootstrap interval, ``p`` by sign flips over photographs,
        and ``q`` (Benjamini–Hochberg over all rows).
    """
    rows = []
    for (pair, label, mate, region), group in images.groupby(
        ["pair", "label", "mate", "region"], sort=False
    ):
        right = group[group["right_before"]]
        row: dict[str, Any] = {"pair": pair, "label": label, "mate": mate, "region": region}
        row["kind"] = group["kind"].iloc[0]
        row |= {"n": len(right), "n_wrong_before": len(group) - len(right)}
        row |= {
            **_share("to_mate", right["to_mate"].to_numpy(float)),
            **_share("flip", right["flip"].to_numpy(float)),
            **_share("control_flip", _control_shares(right)),
        }
        differences = (right["shift"] - right["control_shift"]).to_numpy(np.float64)
        known = differences[~np.isnan(differences)]
        low, high = bootstrap_interval(known, seed)
        row |= {
            "shift": right["shift"].mean(),
            "control_shift": right["control_shift"].mean(),
            "difference": known.mean() if len(known) else np.nan,
            "low": low,
            "high": high,
            "p": sign_flip_p(known, seed) if len(known) else np.nan,
        }
        rows.append(row)
    table = pd.DataFrame(rows)
    table["q"] = benjamini_hochberg(table["p"].to_numpy(np.float64))
    return table


def summarise(images: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return the numbers over all photographs that the model names rightly before.

    Returns
    -------
    dict
        ``n``, ``n_wrong_before``, ``to_mate_rate``, ``flip_rate`` and ``control_flip_rate`` with
        intervals, ``shift_beyond_controls`` (logits) with its interval, ``mean_area``; for each of
        ``KINDS`` ``n_<kind>``, ``to_mate_rate_<kind>`` and ``control_flip_rate_<kind>``.
    """
    right = images[images["right_before"]]
    differences = (right["shift"] - right["control_shift"]).to_numpy(np.float64)
    known = differences[~np.isnan(differences)]
    low, high = bootstrap_interval(known, seed)
    return {
        "n": len(right),
        "n_wrong_before": len(images) - len(right),
        **_share("to_mate_rate", right["to_mate"].to_numpy(float)),
        **_share("flip_rate", right["flip"].to_numpy(float)),
        **_share("control_flip_rate", _control_shares(right)),
        "shift_beyond_controls": float(known.mean()) if len(known) else None,
        "shift_beyond_controls_low": low,
        "shift_beyond_controls_high": high,
        "mean_area": float(images["area"].mean()),
        **_kind_numbers(right),
    }


def _kind_numbers(right: pd.DataFrame) -> dict[str, Any]:
    numbers: dict[str, Any] = {}
    for kind in KINDS:
        some = right[right["kind"] == kind]
        numbers |= {
            f"n_{kind}": len(some),
            **_share(f"to_mate_rate_{kind}", some["to_mate"].to_numpy(float)),
            **_share(f"control_flip_rate_{kind}", _control_shares(some)),
        }
    return numbers


def _control_shares(rows: pd.DataFrame) -> np.ndarray:
    """Return the share of each photograph's controls that change the answer."""
    with_controls = rows[rows["controls"] > 0]
    return (with_controls["control_flips"] / with_controls["controls"]).to_numpy(np.float64)


def _share(name: str, values: np.ndarray) -> dict[str, float]:
    """Return a mean of shares and its interval, each photograph being one trial."""
    if not len(values):
        return dict.fromkeys((name, f"{name}_low", f"{name}_high"), float("nan"))
    low, high = wilson(round(values.sum()), len(values))
    return {name: float(values.mean()), f"{name}_low": low, f"{name}_high": high}
