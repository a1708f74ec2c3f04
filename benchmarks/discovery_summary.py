"""From the specimens of the discovery benchmark to its figures, for all of them and for groups."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmarks import discovery_measures as measures
from intr_discover.studies.looking import TOP_HEADS

# Figures that are shares of specimens, and the column that holds each; an empty entry of a column
# is a specimen without a case.
SHARES = {
    "top1": "right",
    "hit_top3": "hit_top3",
    "hit_top3_of_answer": "hit_top3_of_answer",
    "swap_to_mate": "swap_to_mate",
    "erase_to_mate": "erase_to_mate",
    "control_changed": "control_changed",
}


def summarise(specimens: pd.DataFrame, heads: pd.DataFrame) -> dict[str, Any]:
    """Return the table of the benchmark, and the same figures by ring, difference, state, class.

    Parameters
    ----------
    specimens, heads
        One row a specimen, and one row a specimen and head, as ``discovery.measure`` returns them.

    Returns
    -------
    dict
        ``table``: the figures that have a target; ``also``: the others; ``chance``: what peaks
        that lie evenly at random on the specimens give; ``by_ring``, ``by_difference``,
        ``by_state`` (of rings whose mates differ in presence) and ``by_class``: see ``figures``.
    """
    found = figures(specimens, heads)
    table = {
        name: {**found[name], "target": target, "met": measures.met(name, found[name]["value"])}
        for name, (target, _) in measures.TARGETS.items()
    }
    presence = specimens[specimens["difference"] == "presence"]
    return {
        "table": table,
        "also": {name: found[name] for name in SHARES if name not in table},
        "chance": found["chance"],
        "by_ring": {
            ring: {
                "diagnostic": group["diagnostic"].iloc[0],
                "difference": group["difference"].iloc[0],
                "share_of_image": float(group["share_of_image"].mean()),
                **figures(group, heads),
            }
            for ring, group in specimens.groupby("ring", sort=False)
        },
        "by_difference": _by("difference", specimens, heads),
        "by_state": _by("state", presence, heads),
        "by_class": {
            label: {"state": group["state"].iloc[0], **figures(group, heads)}
            for label, group in specimens.groupby("label", sort=False)
        },
    }


def figures(specimens: pd.DataFrame, heads: pd.DataFrame) -> dict[str, Any]:
    """Return all figures of some specimens.

    Parameters
    ----------
    specimens
        One row a specimen.
    heads
        One row a specimen and head; those of other specimens are left out.

    Returns
    -------
    dict
        For each figure ``value``, ``low``, ``high`` (95 % interval) and ``n``; ``chance`` holds
        what chance gives for the figures that rest on places.
    """
    heads = heads[heads["image"].isin(specimens["image"])]
    labels = specimens["label"].tolist()
    hit = heads.pivot(index="image", columns="head", values="on_diagnostic")
    # A class may have fewer units than another: what it lacks hits nothing.
    hits = hit.loc[specimens["image"]].fillna(False).to_numpy(dtype=bool)
    chances = specimens["chance"].to_numpy()
    top_heads = min(TOP_HEADS, hits.shape[1])
    spearman, by_class = measures.spearman_by_class(heads)
    return {
        **{
            name: measures.share(specimens[column].dropna().astype(bool).tolist())
            for name, column in SHARES.items()
        },
        "same_head": measures.same_head(hits, labels),
        # A class in which no head hits anything has no correlation: say on how many it rests.
        "spearman": {**spearman, "classes": int(by_class["spearman"].notna().sum())},
        "chance": {
            "hit_top3": float((1 - (1 - chances) ** top_heads).mean()),
            "same_head": measures.chance_of_same_head(chances, hits.shape[1], labels),
        },
    }


def _by(column: str, specimens: pd.DataFrame, heads: pd.DataFrame) -> dict[str, Any]:
    return {str(value): figures(group, heads) for value, group in specimens.groupby(column)}
