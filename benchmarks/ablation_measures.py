"""From the records of trainings to a row for each setting, with intervals, and what differs.

Records in, numbers out; ``benchmarks.ablation_runs`` makes the records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsmodels.stats.proportion import proportion_confint

from intr_discover.studies.statistics import benjamini_hochberg, bootstrap_interval, sign_flip_p

Record = Mapping[str, Any]
Floats = NDArray[np.float64]

SHARES = ("right", "hit")
BY_SPECIMEN = (*SHARES, "hit_chance", "effective_area", "head_similarity", "class_distinctiveness")
BY_CLASS = ("consistency", "distinctness")


def values_of(record: Record, measure: str) -> Floats:
    """Return the values of a measure, one a specimen or one a class; unknown ones are NaN."""
    table = record["by_class" if measure in BY_CLASS else "by_specimen"]
    return np.array(table[measure], dtype=np.float64)


def mean_of_seeds(records: Sequence[Record], measure: str) -> Floats:
    """Return the mean over trainings of a measure, one number a specimen or class.

    Trainings answer the same specimens, so the specimens are what is resampled afterwards. NaN
    where a training has no value.
    """
    return np.asarray(np.mean([values_of(record, measure) for record in records], axis=0))


def estimate(records: Sequence[Record], measure: str, resampling: int = 0) -> dict[str, Any]:
    """Return one number of a setting: the mean over its trainings and the specimens or classes.

    Parameters
    ----------
    records
        Of one setting, one a seed.
    measure
        One of ``BY_SPECIMEN`` or ``BY_CLASS``.
    resampling
        Seed of the bootstrap.

    Returns
    -------
    dict
        ``value``, ``low``, ``high``, ``n`` and ``by_seed``, the value of each training. Of shares
        the interval is Wilson's for n specimens, however many trainings: their answers to one
        specimen are not independent. Of the rest it is a bootstrap over specimens or classes. It
        does not hold what another training seed would change; ``by_seed`` shows that.
    """
    values = mean_of_seeds(records, measure)
    known = values[~np.isnan(values)]
    value = float(known.mean()) if len(known) else None
    if measure in SHARES and value is not None:
        low, high = proportion_confint(value * len(known), len(known), method="wilson")
        low, high = min(float(low), value), max(float(high), value)
    else:
        low, high = bootstrap_interval(known, resampling)
    by_seed = [_mean(values_of(record, measure)) for record in records]
    return {"value": value, "low": low, "high": high, "n": len(known), "by_seed": by_seed}


def difference(
    records: Sequence[Record], baseline: Sequence[Record], measure: str, resampling: int = 0
) -> dict[str, Any]:
    """Return setting minus baseline, paired over specimens or classes.

    Parameters
    ----------
    records, baseline
        Of the setting and of the baseline; only seeds that both have count.
    measure, resampling
        As for ``estimate``.

    Returns
    -------
    dict
        ``value``, ``low``, ``high`` (bootstrap), ``p`` (sign flips), ``n``, ``seeds``. All unknown
        where no seed is in both.
    """
    seeds = sorted({r["seed"] for r in records} & {r["seed"] for r in baseline})
    if not seeds:
        return {"value": None, "low": None, "high": None, "p": None, "n": 0, "seeds": []}
    chosen = [[_of_seed(side, seed) for seed in seeds] for side in (records, baseline)]
    _check_alike([*chosen[0], *chosen[1]], measure)
    sides = [mean_of_seeds(side, measure) for side in chosen]
    paired = sides[0] - sides[1]
    paired = paired[~np.isnan(paired)]
    low, high = bootstrap_interval(paired, resampling)
    return {
        "value": _mean(paired),
        "low": low,
        "high": high,
        "p": sign_flip_p(paired, resampling) if len(paired) else None,
        "n": len(paired),
        "seeds": seeds,
    }


def summarise(records: Sequence[Record], baseline: str) -> list[dict[str, Any]]:
    """Return one row a setting, in the order in which settings come first.

    Parameters
    ----------
    records
        Of all settings and seeds, on the same specimens.
    baseline
        The setting that the others are compared with.

    Returns
    -------
    list of dict
        ``setting``, ``parameters``, ``seeds``, ``seconds`` (of each training), ``chance`` of a hit,
        a number for each measure (see ``estimate``), and ``differences`` from the baseline by
        measure (see ``difference``) with ``q``: p adjusted for the number of settings compared
        (Benjamini and Hochberg).
    """
    settings: dict[str, list[Record]] = {}
    for record in records:
        settings.setdefault(record["setting"], []).append(record)
    measures = [m for m in (*BY_SPECIMEN, *BY_CLASS) if m != "hit_chance"]
    rows: list[dict[str, Any]] = []
    for name, own in settings.items():
        row: dict[str, Any] = {
            "setting": name,
            "parameters": own[0]["parameters"],
            "seeds": [record["seed"] for record in own],
            "seconds": [record["seconds"] for record in own],
            "chance": _mean(mean_of_seeds(own, "hit_chance")),
            **{measure: estimate(own, measure) for measure in measures},
        }
        if name != baseline:
            row["differences"] = {
                measure: difference(own, settings.get(baseline, []), measure)
                for measure in measures
            }
        rows.append(row)
    for measure in measures:
        compared = [row["differences"][measure] for row in rows if "differences" in row]
        adjusted = benjamini_hochberg(
            [np.nan if each["p"] is None else each["p"] for each in compared]
        )
        for each, q in zip(compared, adjusted, strict=True):
            each["q"] = None if np.isnan(q) else float(q)
    return rows


def _of_seed(records: Sequence[Record], seed: int) -> Record:
    return next(record for record in records if record["seed"] == seed)


def _check_alike(records: Sequence[Record], measure: str) -> None:
    """Refuse records of other specimens: pairs of different things say nothing."""
    units = ("by_class", "label") if measure in BY_CLASS else ("by_specimen", "image")
    first = records[0][units[0]][units[1]]
    assert all(record[units[0]][units[1]] == first for record in records), "other specimens"


def _mean(values: Floats) -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
