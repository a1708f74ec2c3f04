"""What the head report card adds up to: the numbers of the study ``heads``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.studies.statistics import bootstrap_interval, wilson

SAME_PART_FROM = 0.9
"""Share of photographs with one part from which a head is said to keep to it."""


def summarise(
    card: pd.DataFrame,
    photographs: pd.DataFrame,
    layer_differences: NDArray[np.float64],
    told: dict[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Return the numbers of the study.

    Parameters
    ----------
    card
        See ``head_card``.
    photographs
        ``counted``, ``head_similarity``; one row a photograph.
    layer_differences
        ``[m, M, R]``, see ``HeadViews``.
    told
        What ``right_wrong.compare`` returned.
    seed
        Of the bootstraps.

    Returns
    -------
    dict
        ``n`` (photographs that count), ``n_images`` (all that were looked at), ``n_classes``,
        ``n_classes_scored``, ``n_heads`` (class × head with a score). Shares of heads with Wilson
        intervals: ``consistent_head_share``, ``distinct_head_share``, ``concentrated_head_share``,
        ``important_head_share``, ``all_head_share`` (consistent, distinct, important and
        concentrated), ``part_consistency``, ``same_part_90``. Means over heads with bootstrap
        intervals over classes: ``mean_consistency``, ``mean_distinctness``,
        ``mean_effective_area``, ``mean_importance``, ``stability``, ``purity``, ``part_focus``.
        ``same_part_share`` (over consistent heads; ``_concentrated`` of those that have a place)
        with a bootstrap interval over heads and two chances; ``head_similarity`` and
        ``class_distinctiveness`` (last layer) with bootstrap intervals over photographs; what
        ``compare`` gives. What is not known is NaN or None.
    """
    counted = photographs["counted"].astype(bool)
    scored = card[card["consistency"].notna()]
    last = layer_differences[:, -1].mean(axis=-1)
    similarity = photographs.loc[counted, "head_similarity"]
    summary: dict[str, Any] = {
        "n": int(counted.sum()),
        "n_images": len(photographs),
        "n_classes": card["label"].nunique(),
        "n_classes_scored": scored["label"].nunique(),
        "n_heads": len(scored),
        **_share(scored["consistent"], "consistent_head_share"),
        **_mean(scored, "consistency", "mean_consistency", seed),
        **_share(scored["distinct"], "distinct_head_share"),
        **_mean(scored, "distinctness", "mean_distinctness", seed),
        **_share(scored["concentrated"], "concentrated_head_share"),
        **_mean(scored, "effective_area", "mean_effective_area", seed),
        **_share(scored["important"], "important_head_share"),
        "n_importance_heads": int(scored["important"].notna().sum()),
        **_mean(scored, "importance", "mean_importance", seed),
        **_share(_all_four(scored), "all_head_share"),
        **_with_interval(similarity, "head_similarity", seed),
        **_with_interval(last, "class_distinctiveness", seed),
        "n_layers_images": len(layer_differences),
        **_of_parts(scored, seed),
    }
    return summary | told


def layer_table(differences: NDArray[np.float64], seed: int) -> pd.DataFrame:
    """Return how far the maps of class queries differ, one row for each layer and head.

    Parameters
    ----------
    differences
        ``[m, M, R]``.
    seed
        Of the bootstraps.

    Returns
    -------
    DataFrame
        ``layer`` (from 1, the last one is the one the other tables are about), ``head``,
        ``class_distinctiveness`` in [0, 1] with its interval ``low``, ``high`` over photographs,
        and ``n``.
    """
    count, layers, heads = differences.shape
    rows = []
    for layer in range(layers):
        for head in range(heads):
            values = differences[:, layer, head]
            low, high = bootstrap_interval(values, seed, n_resamples=499)
            rows.append(
                {
                    "layer": layer + 1,
                    "head": head,
                    "class_distinctiveness": values.mean() if count else math.nan,
                    "low": low,
                    "high": high,
                    "n": count,
                }
            )
    return pd.DataFrame(rows)


def part_table(card: pd.DataFrame) -> pd.DataFrame:
    """Return in how many classes each head looks at each part: consistent heads only.

    Returns
    -------
    DataFrame
        ``part``, ``head``, ``classes`` (how many), ``of`` (classes in which the head is consistent
        and a part is known), ``labels`` (which); the most frequent first.
    """
    named = card[(card["consistent"] == True) & card["part"].notna()]  # noqa: E712
    rows = [
        {
            "part": part,
            "head": head,
            "classes": len(group),
            "of": int((named["head"] == head).sum()),
            "labels": "; ".join(group["label"]),
        }
        for (part, head), group in named.groupby(["part", "head"], sort=True)
    ]
    table = pd.DataFrame(rows, columns=["part", "head", "classes", "of", "labels"])
    return table.sort_values("classes", ascending=False, kind="stable").reset_index(drop=True)


def _of_parts(scored: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return the numbers that need named parts; missing where there are none."""
    if "part" not in scored:
        scored = scored.assign(
            part_share=math.nan, part_chance=math.nan, part_chance_point=math.nan, part_n=0,
            part_focus=math.nan, part_consistent=None, part_consistency_chance=math.nan,
            stability=math.nan, purity=math.nan,
        )  # fmt: skip
    known = scored[(scored["consistent"] == True) & scored["part_share"].notna()]  # noqa: E712
    placed = known[known["concentrated"] == True]  # noqa: E712
    found: dict[str, Any] = {}
    for table, ending in ((known, ""), (placed, "_concentrated")):
        shares = table["part_share"]
        kept = (shares >= SAME_PART_FROM - 1e-9).astype(object)
        found |= {
            **_with_interval(shares, f"same_part_share{ending}", seed),
            **_share(kept, f"same_part_90{ending}"),
            f"same_part_chance_heads{ending}": table["part_chance"].mean(),
            f"same_part_chance_point{ending}": table["part_chance_point"].mean(),
            f"n_same_part_heads{ending}": len(table),
        }
    return found | {
        **_share(scored["part_consistent"], "part_consistency"),
        "part_consistency_chance": scored["part_consistency_chance"].mean(),
        "n_part_heads": int(scored["part_consistent"].notna().sum()),
        **_mean(scored, "stability", "stability", seed),
        "n_stability_heads": int(scored["stability"].notna().sum()),
        **_mean(scored, "purity", "purity", seed),
        "n_purity_heads": int(scored["purity"].notna().sum()),
        **_mean(scored, "part_focus", "part_focus", seed),
    }


def _all_four(card: pd.DataFrame) -> pd.Series:
    """Return whether a head is consistent, distinct, important and has a place; None if unknown."""
    four = card[["consistent", "distinct", "important", "concentrated"]]
    flags = (four == True).all(axis=1).astype(object)  # noqa: E712
    return flags.where(four.notna().all(axis=1), None)


def _share(flags: pd.Series, name: str) -> dict[str, Any]:
    known = flags.dropna().astype(bool)
    low, high = wilson(int(known.sum()), len(known))
    value = known.mean() if len(known) else None
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _mean(card: pd.DataFrame, column: str, name: str, seed: int) -> dict[str, Any]:
    """Return the mean over heads; heads of one class belong together, so classes are resampled."""
    classes = card.groupby("label")[column].mean().dropna()
    low, high = bootstrap_interval(classes.to_numpy(dtype=np.float64), seed)
    return {name: card[column].mean(), f"{name}_low": low, f"{name}_high": high}


def _with_interval(values: Any, name: str, seed: int) -> dict[str, Any]:
    values = np.asarray(values, dtype=np.float64)
    values = values[np.isfinite(values)]
    low, high = bootstrap_interval(values, seed)
    mean = float(values.mean()) if len(values) else math.nan
    return {name: mean, f"{name}_low": low, f"{name}_high": high}
