"""Tables and numbers of the study ``replicates``, from what the trainings see and answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from intr_discover.studies.replicate_edits import EDITS
from intr_discover.studies.replicate_maps import Alike
from intr_discover.studies.statistics import bootstrap_interval, wilson

FEWEST = 3
"""With fewer photographs nothing is said of a species."""

ENOUGH = 0.5
"""Maps of one species are alike from this mean correlation on."""

ALIKE, UNLIKE, UNKNOWN = "agree", "do not agree", "cannot be said"

_MEASURES = ("map_correlation", "head_correlation", "same_place", "same_part")


def class_table(photographs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row a species: whether the trainings agree on where to look.

    Parameters
    ----------
    photographs
        One row a photograph: ``label``, ``map_correlation``, ``map_correlation_chance``,
        ``head_correlation``, ``same_place``, ``same_answer``.
    seed
        Of the bootstrap.

    Returns
    -------
    DataFrame
        ``label``, ``n`` (photographs with a correlation), ``map_correlation`` with its 95 %
        interval ``low``, ``high``, ``chance``, ``above_chance`` (mean difference) with
        ``above_low``, ``above_high``, ``head_correlation``, ``same_place``, ``same_answer``, and
        ``verdict``: ``ALIKE`` where the mean correlation is ``ENOUGH`` and the interval of the
        difference to chance lies above 0, ``UNLIKE`` otherwise, and ``UNKNOWN`` with fewer than
        ``FEWEST`` photographs.
    """
    rows = []
    for label, group in photographs.groupby("label", sort=True):
        known = group[group["map_correlation"].notna()]
        beyond = known["map_correlation"] - known["map_correlation_chance"]
        low, high = bootstrap_interval(known["map_correlation"], seed)
        above_low, above_high = bootstrap_interval(beyond, seed)
        mean = known["map_correlation"].mean()
        verdict = ALIKE if mean >= ENOUGH and above_low > 0 else UNLIKE
        rows.append(
            {
                "label": label,
                "n": len(known),
                "map_correlation": mean,
                "low": low,
                "high": high,
                "chance": known["map_correlation_chance"].mean(),
                "above_chance": beyond.mean(),
                "above_low": above_low,
                "above_high": above_high,
                "head_correlation": group["head_correlation"].mean(),
                "same_place": group["same_place"].mean(),
                "same_answer": group["same_answer"].mean(),
                "verdict": verdict if len(known) >= FEWEST else UNKNOWN,
            }
        )
    return pd.DataFrame(rows)


def pair_table(
    names: Sequence[str], pairs: Sequence[tuple[int, int]], alike: Sequence[Alike]
) -> pd.DataFrame:
    """Return one row for each two trainings: the means of what is compared."""
    return pd.DataFrame(
        [
            {
                "training_a": names[a],
                "training_b": names[b],
                "map_correlation": _mean(each.mean_map),
                "map_correlation_chance": _mean(each.mean_map_chance),
                "head_correlation": _mean(each.heads),
                "head_correlation_chance": _mean(each.heads_chance),
            }
            for (a, b), each in zip(pairs, alike, strict=True)
        ]
    )


def matching_table(
    names: Sequence[str], pairs: Sequence[tuple[int, int]], alike: Sequence[Alike]
) -> pd.DataFrame:
    """Return one row for each two heads that are matched between two trainings."""
    return pd.DataFrame(
        [
            {
                "training_a": names[a],
                "head_a": int(one),
                "training_b": names[b],
                "head_b": int(other),
                "correlation": float(correlation),
            }
            for (a, b), each in zip(pairs, alike, strict=True)
            for (one, other), correlation in zip(each.matching, each.matched, strict=True)
        ]
    )


def edit_table(photographs: pd.DataFrame, trainings: int) -> pd.DataFrame:
    """Return one row an edit: in how many photographs all, some or none of the answers change.

    Parameters
    ----------
    photographs
        ``all_right`` and for each edit and training ``flip_<edit>_<k>``, from 1.
    trainings
        How many there are.

    Returns
    -------
    DataFrame
        ``edit``, ``n`` (photographs that all trainings name rightly and in which it could be done),
        ``all``, ``some``, ``none`` as shares, ``agreement`` (all or none) with Wilson's interval
        ``low``, ``high``, ``chance`` (the same if each training changed its answers as often as it
        does, and independently), and ``flip_rate``, the mean over trainings.
    """
    rows = []
    right = photographs[photographs["all_right"]]
    for name in EDITS:
        columns = [f"flip_{name}_{number}" for number in range(1, trainings + 1)]
        if columns[0] not in right:
            continue
        flips = right[columns].dropna().to_numpy(dtype=np.float64)
        if not len(flips):
            continue
        changed = flips.sum(axis=1)
        every, nobody = int((changed == trainings).sum()), int((changed == 0).sum())
        low, high = wilson(every + nobody, len(flips))
        rates = flips.mean(axis=0)
        rows.append(
            {
                "edit": name,
                "n": len(flips),
                "all": every / len(flips),
                "some": 1 - (every + nobody) / len(flips),
                "none": nobody / len(flips),
                "agreement": (every + nobody) / len(flips),
                "low": low,
                "high": high,
                "chance": float(rates.prod() + (1 - rates).prod()),
                "flip_rate": float(rates.mean()),
            }
        )
    columns = [
        "edit", "n", "all", "some", "none", "agreement", "low", "high", "chance", "flip_rate",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)


def summarise(
    photographs: pd.DataFrame, classes: pd.DataFrame, edits: pd.DataFrame, trainings: int, seed: int
) -> dict[str, Any]:
    """Return the numbers of the study.

    Returns
    -------
    dict
        ``n``, ``trainings``; ``same_answer`` and ``all_right`` with Wilson intervals;
        ``map_correlation``, ``head_correlation``, ``same_place`` and ``same_part``, means over
        photographs with bootstrap intervals, each with ``n_…`` and ``…_chance``;
        ``all_same_part``; for each edit ``<edit>_all``, ``…_some``, ``…_none``, ``…_agreement``
        with its interval, ``…_chance``, ``…_flip_rate`` and ``n_<edit>``; ``n_species``,
        ``n_species_known``, ``n_species_agree``, ``species_agree``. None where nothing is known.
    """
    summary: dict[str, Any] = {"n": len(photographs), "trainings": trainings}
    for name in ("same_answer", "all_right"):
        count = int(photographs[name].sum())
        low, high = wilson(count, len(photographs))
        share = count / len(photographs)
        summary |= {name: share, f"{name}_low": low, f"{name}_high": high}
    for name in _MEASURES:
        values = photographs[name].astype(float)
        low, high = bootstrap_interval(values, seed)
        summary |= {
            name: values.mean(),
            f"{name}_low": low,
            f"{name}_high": high,
            f"{name}_chance": photographs[f"{name}_chance"].astype(float).mean(),
            f"n_{name}": int(values.notna().sum()),
        }
    summary["all_same_part"] = photographs["all_same_part"].astype(float).mean()
    of = {row["edit"]: row for row in edits.to_dict("records")}
    for name in EDITS:
        row = of.get(name, {})
        for key in ("all", "some", "none", "agreement", "chance", "flip_rate"):
            summary[f"{name}_{key}"] = row.get(key, math.nan)
        summary[f"{name}_agreement_low"] = row.get("low", math.nan)
        summary[f"{name}_agreement_high"] = row.get("high", math.nan)
        summary[f"n_{name}"] = int(row.get("n", 0))
    known = classes[classes["verdict"] != UNKNOWN]
    agree = int((known["verdict"] == ALIKE).sum())
    low, high = wilson(agree, len(known))
    return summary | {
        "n_species": len(classes),
        "n_species_known": len(known),
        "n_species_agree": agree,
        "species_agree": agree / len(known) if len(known) else math.nan,
        "species_agree_low": low,
        "species_agree_high": high,
    }


def _mean(values: np.ndarray) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else math.nan
