"""What the study ``heads`` found, in sentences for a biologist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from intr_discover.studies.head_card import called
from intr_discover.studies.head_summary import SAME_PART_FROM
from intr_discover.studies.result import StudyResult
from intr_discover.studies.wording import interval, of_units, percent

ALIKE = 0.9
"""Mean correlation between the maps of different heads from which all heads are said to be
alike."""

_MOST_NAMED = 5


def findings(result: StudyResult) -> list[str]:
    """Say how far the heads look for one thing each, and which of them deserve a name."""
    said = _findings(result)
    return [of_units(sentence) for sentence in said] if "method" in result.summary else said


def _findings(result: StudyResult) -> list[str]:
    summary, card = result.summary, result.table
    if not summary["n_heads"]:
        return [_why_nothing(summary, card)]
    sure = interval(summary["consistent_head_share_low"], summary["consistent_head_share_high"])
    said = [
        f"{percent(summary['consistent_head_share'])} of {summary['n_heads']} heads ({sure}; "
        f"{summary['n_classes_scored']} classes, {summary['n']} photographs) pick up the same in "
        "different photographs of their class, more than heads resemble each other by chance."
    ]
    place = percent(summary["concentrated_head_share"])
    words = f"{place} of the heads have a place: they spread over less than a quarter of the cells"
    if summary["all_head_share"] is not None:
        four = interval(summary["all_head_share_low"], summary["all_head_share_high"])
        words += (
            f"; {percent(summary['all_head_share'])} ({four}) are consistent, distinct, important "
            "and have a place"
        )
    said.append(f"{words}.")
    said += _same_part(summary)
    said += _named(card)
    said += _differences(summary)
    said += _warning_sign(summary)
    there = summary.get("n_classes_available", summary["n_classes"])
    if there > summary["n_classes"]:
        said.append(
            f"Within the time, {summary['n_classes']} of {there} classes were looked at, so that "
            "each has enough photographs."
        )
    left = summary["n_classes"] - summary["n_classes_scored"]
    if left:
        said.append(
            f"{left} of {summary['n_classes']} classes have no score: fewer than 5 of their "
            "photographs count."
        )
    return said


def _why_nothing(summary: Mapping[str, Any], card: pd.DataFrame) -> str:
    note = card["note"].mode().iloc[0]
    return (
        f"No head has a score ({summary['n']} photographs of {summary['n_classes']} classes "
        f"count): {note}. At least 5 photographs of a class must count."
    )


def _same_part(summary: Mapping[str, Any]) -> list[str]:
    """Say whether consistent heads keep to one part, in all and where they have a place."""
    if summary["same_part_share"] is None:
        return []
    heads, placed = summary["n_same_part_heads"], summary["n_same_part_heads_concentrated"]
    words = (
        "A consistent head peaks on the same attribute or named region in "
        f"{percent(summary['same_part_share'])} of its photographs (mean of {heads} heads"
        f"{_sure(summary, 'same_part_share')})"
    )
    if summary["same_part_chance_point"] is not None:
        random = percent(summary["same_part_chance_point"])
        words += f"; for random points on the specimen it would be {random}"
    said = [
        f"{words}. {percent(summary['same_part_90'])} of these heads reach "
        f"{100 * SAME_PART_FROM:.0f} %."
    ]
    if 0 < placed < heads:
        said.append(
            f"For the {placed} of them that have a place it is "
            f"{percent(summary['same_part_share_concentrated'])}"
            f"{_sure(summary, 'same_part_share_concentrated')}, and "
            f"{percent(summary['same_part_90_concentrated'])} reach {100 * SAME_PART_FROM:.0f} %."
        )
    return said


def _sure(summary: Mapping[str, Any], name: str) -> str:
    """Return a comma and the interval of a share; nothing where it has none, for want of n."""
    low, high = summary[f"{name}_low"], summary[f"{name}_high"]
    return "" if low is None or high is None else f", {interval(low, high)}"


def _named(card: pd.DataFrame) -> list[str]:
    """Name the heads that deserve a name, the most important first."""
    four = (card[["consistent", "distinct", "important", "concentrated"]] == True).all(axis=1)  # noqa: E712
    best = card[four].sort_values("importance", ascending=False, kind="stable").head(_MOST_NAMED)
    if best.empty:
        return []
    named = []
    for row in best.to_dict("records"):
        words = f"{called(row)} of {row['label']} ({row['importance']:.1f} logits"
        if isinstance(row.get("part"), str):
            hit = round(row["part_share"] * row["part_n"])
            words += f", {row['part']} in {hit} of {row['part_n']}"
        named.append(words + ")")
    return [f"The most important of them: {'; '.join(named)}."]


def _differences(summary: Mapping[str, Any]) -> list[str]:
    said = []
    similar = summary["head_similarity"]
    if similar is not None and similar > ALIKE:
        said.append(
            f"Warning: all heads look alike (mean correlation of their maps {similar:.2f}, above "
            f"{ALIKE:g}; {summary['n']} photographs). Several heads are then no independent "
            "witnesses."
        )
    apart = summary["class_distinctiveness"]
    if apart is not None:
        said.append(
            f"The maps of two classes' queries on one photograph differ in {percent(apart)} of "
            f"their attention (mean of {summary['n_layers_images']} photographs"
            f"{_sure(summary, 'class_distinctiveness')}; 0 %: they look at the same)."
        )
    return said


def _warning_sign(summary: Mapping[str, Any]) -> list[str]:
    if summary["auroc_agreement"] is None:
        return []
    low, high = summary["auroc_agreement_low"], summary["auroc_agreement_high"]
    return [
        "A rightly named photograph agrees more with what the heads usually pick up than a wrongly "
        f"named one in {percent(summary['auroc_agreement'])} of pairs ({interval(low, high)}; "
        f"{summary['n_right']} right, {summary['n_wrong']} wrong; 50 % is chance)."
    ]
