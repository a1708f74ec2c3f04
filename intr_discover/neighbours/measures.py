"""From what a method did in single photographs to its row of numbers, each with n and interval."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from intr_discover.data.specimens import Specimens
from intr_discover.neighbours.examined import Examined, UnitsOfLabel, flip_column
from intr_discover.neighbours.wishes import TOP_UNITS
from intr_discover.studies.consistency import FEWEST, mean_cosines, unit_descriptors
from intr_discover.studies.head_descriptors import HeadViews, empty_views
from intr_discover.studies.part_hits import hit_parts
from intr_discover.studies.parts import purity
from intr_discover.studies.statistics import bootstrap_interval, wilson

SHARES = ("accuracy", "attribute_hit", "attribute_chance", "off_specimen", "part_purity",
          "insertion", "deletion")  # fmt: skip
"""Measures in [0, 1], and those that begin with ``flip_``."""


@dataclass(frozen=True)
class Measured:
    """One number of one method.

    Attributes
    ----------
    method, measure
        Their names.
    value, low, high
        The number and its 95 % interval; NaN where there is none.
    n
        On how many it rests; None where nothing is counted.
    note
        What is counted, or why there is no number.
    """

    method: str
    measure: str
    value: float
    low: float
    high: float
    n: int | None
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it as a row of the table."""
        return asdict(self)


def words_of(measure: str) -> str:
    """Return what people call a measure, and which way is good."""
    known = {
        "accuracy": "accuracy (higher is better)",
        "parameters": "parameters",
        "training_seconds": "training, seconds",
        "explanation_seconds": "one explanation, seconds (median)",
        "attribute_hit": f"separating attribute hit by one of the {TOP_UNITS} strongest units (↑)",
        "attribute_chance": "the same by as many random points on the specimen",
        "unit_consistency": "unit consistency (↑)",
        "part_purity": "unit purity (↑)",
        "insertion": "insertion (↑)",
        "deletion": "deletion (↓)",
        "off_specimen": "share of the map off the specimen (↓)",
    }
    if measure.startswith("flip_"):
        return f"answers changed by erasing the top {measure[5:]} % of the map (↑)"
    return known[measure]


def measures_of(
    name: str,
    examined: Examined,
    *,
    parameters: int,
    training_seconds: float | None,
    training_note: str,
    shares: tuple[float, ...],
    seed: int,
) -> list[Measured]:
    """Return all numbers of one method.

    Parameters
    ----------
    name
        Of the method.
    examined
        What it did.
    parameters
        Numbers that its model holds.
    training_seconds, training_note
        How long its training took, and what is to be said of that.
    shares
        Of the pixels, erased.
    seed
        Of intervals and chance.
    """
    photographs = examined.photographs
    right = examined.answers["right"]
    found = [
        _share(name, "accuracy", right, "photographs"),
        Measured(name, "parameters", float(parameters), math.nan, math.nan, None),
        Measured(
            name, "training_seconds", math.nan if training_seconds is None else training_seconds,
            math.nan, math.nan, None, training_note,
        ),
        _mean(name, "explanation_seconds", photographs["seconds"], seed, statistic=np.median),
    ]  # fmt: skip
    unknown = "NA: no attribute is known that separates look-alikes"
    found.append(
        _share(name, "attribute_hit", photographs["attribute_hit"], "photographs", unknown)
    )
    found.append(_mean(name, "attribute_chance", photographs["attribute_chance"], seed, unknown))
    found.append(unit_consistency(name, examined.units, seed))
    found.append(part_purity(name, examined, seed))
    for curve in ("insertion", "deletion"):
        found.append(_mean(name, curve, _column(photographs, curve), seed))
    for share in shares:
        flips = _column(photographs, flip_column(share))
        found.append(_share(name, flip_column(share), flips, "photographs"))
    unknown = "NA: no masks of specimens"
    found.append(_mean(name, "off_specimen", photographs["off_specimen"], seed, unknown))
    return found


def unit_consistency(name: str, units: dict[str, UnitsOfLabel], seed: int) -> Measured:
    """Return how alike a unit's descriptors are across photographs, above chance.

    The mean cosine of the same unit in two photographs of a class less that of different units (see
    ``studies.consistency``), mean over the units of a class and over classes; the interval is over
    classes. Descriptors are the judge's features, so that methods are compared in one space.
    """
    scores = []
    alone = True
    for each in units.values():
        if len(each.rows) < FEWEST:
            continue
        descriptors = np.stack(each.descriptors)
        if descriptors.shape[1] < 2:
            continue
        alone = False
        same, chance = mean_cosines(unit_descriptors(descriptors))
        scores.append(float(np.mean(same) - chance))
    if not scores:
        one = all(len(each.points[0]) < 2 for each in units.values())
        why = "NA: it has a single unit" if alone and one else f"NA: no class has {FEWEST} pictures"
        return Measured(name, "unit_consistency", math.nan, math.nan, math.nan, 0, why)
    low, high = bootstrap_interval(scores, seed)
    return Measured(name, "unit_consistency", float(np.mean(scores)), low, high, len(scores),
                    "classes")  # fmt: skip


def part_purity(name: str, examined: Examined, seed: int) -> Measured:
    """Return how purely a unit keeps to one part where it is strongest (Nauta et al. 2023).

    Mean over units and classes; the interval is over classes. See ``studies.parts.purity``.
    """
    means = []
    for each in examined.units.values():
        specimens = examined.looked_at.with_table(examined.looked_at.table.iloc[each.rows])
        share = _purity_of(specimens, each, seed)
        if share is not None and np.isfinite(share).any():
            means.append(float(np.nanmean(share)))
    if not means:
        return Measured(name, "part_purity", math.nan, math.nan, math.nan, 0,
                        "NA: no keypoints or attributes in enough photographs")  # fmt: skip
    low, high = bootstrap_interval(means, seed)
    return Measured(name, "part_purity", float(np.mean(means)), low, high, len(means), "classes")


def _purity_of(specimens: Specimens, units: UnitsOfLabel, seed: int) -> NDArray[np.float64] | None:
    """Return ``[U]``; None where no part is known."""
    views = _views(units)
    parts = hit_parts(specimens, views, seed=seed)
    if parts is None:
        return None
    return purity(parts.narrow, parts.merged_visible, views.map_maxima).share


def _views(units: UnitsOfLabel) -> HeadViews:
    """Return peaks as the study of heads has them; what has no meaning here is missing."""
    strengths, descriptors = np.stack(units.strengths), np.stack(units.descriptors)
    views = empty_views(*descriptors.shape)
    views.descriptors[:], views.map_maxima[:] = descriptors, strengths
    views.points[:], views.shapes[:], views.cells[:] = units.points, units.shapes, units.cells
    return views


def _column(photographs: pd.DataFrame, name: str) -> ArrayLike:
    return photographs[name] if name in photographs else np.full(len(photographs), np.nan)


def _known(values: ArrayLike) -> NDArray[np.float64]:
    numbers = np.asarray(values, dtype=np.float64)
    return numbers[~np.isnan(numbers)]


def _share(name: str, measure: str, values: ArrayLike, what: str, unknown: str = "NA") -> Measured:
    """Return a share with its Wilson interval."""
    known = _known(values)
    if not len(known):
        return Measured(name, measure, math.nan, math.nan, math.nan, 0, unknown)
    low, high = wilson(int(known.sum()), len(known))
    return Measured(name, measure, float(known.mean()), low, high, len(known), what)


def _mean(
    name: str, measure: str, values: ArrayLike, seed: int, unknown: str = "NA",
    statistic: Any = np.mean,
) -> Measured:  # fmt: skip
    """Return a mean (or another statistic) with its bootstrap interval over photographs."""
    known = _known(values)
    if not len(known):
        return Measured(name, measure, math.nan, math.nan, math.nan, 0, unknown)
    low, high = bootstrap_interval(known, seed, statistic=statistic)
    return Measured(name, measure, float(statistic(known)), low, high, len(known), "photographs")


def wide(table: pd.DataFrame, titles: dict[str, str]) -> pd.DataFrame:
    """Return one row a method and one column a measure, as text with interval and n.

    Parameters
    ----------
    table
        The tidy table: ``method``, ``measure``, ``value``, ``low``, ``high``, ``n``, ``note``.
    titles
        What methods are called, in the order of the rows.
    """
    order = list(dict.fromkeys(table["measure"]))
    rows = []
    for name, title in titles.items():
        of_method = table[table["method"] == name]
        cells: dict[str, str] = {"method": title}
        for measure in order:
            one = of_method[of_method["measure"] == measure]
            cells[words_of(measure)] = "" if one.empty else cell_text(measure, one.iloc[0])
        rows.append(cells)
    return pd.DataFrame(rows, columns=["method", *map(words_of, order)])


def cell_text(measure: str, row: pd.Series[Any]) -> str:
    """Return a number as people read it: ``0.93 [0.91, 0.95], n = 400``, or NA."""
    value = row["value"]
    if value is None or math.isnan(value):
        return "NA"
    if measure == "parameters":
        return f"{value / 1e6:.1f} M"
    if measure == "training_seconds":
        return f"{value:.0f}"
    digits = 2 if measure.startswith(("accuracy", "flip", "attribute")) else 3
    text = f"{value:.{digits}f}"
    if not math.isnan(row["low"]):
        text += f" [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"
    return f"{text}, n = {int(row['n'])}"


def rows_of(measured: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield rows that come back from JSON, in which a missing number is None."""
    for row in measured:
        yield {
            key: math.nan if row[key] is None and key in ("value", "low", "high") else row[key]
            for key in row
        }
