"""The findings of the study ``faithfulness``, as sentences for people."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from intr_discover.studies.judge import INTR_ITSELF
from intr_discover.studies.result import StudyResult
from intr_discover.studies.saliency_methods import METHODS
from intr_discover.studies.wording import interval, percent

_RIVALS = ("gradcam_plain", "gradcam_intr", "rise", "random")


def findings(result: StudyResult) -> list[str]:
    """Say how well the maps do, against which others, and how far that can be believed."""
    summary = result.summary
    said = [*_areas(summary), *_differences(result.tables["differences"])]
    said += _region(summary)
    said += _forgotten(summary)
    if not summary["n_rise"]:
        said.append(
            "RISE was left out, for it did not fit into the time: ask for it with "
            "intr-discover study faithfulness."
        )
    if summary["n_causal_is_mean"]:
        said.append(
            f"In {summary['n_causal_is_mean']} of {summary['n']} photographs no head mattered when "
            "it was switched off alone; the map of the heads that matter is the mean map there."
        )
    return said


def _areas(summary: dict[str, Any]) -> list[str]:
    itself = summary["judge"] == INTR_ITSELF
    judge = "the model itself" if itself else f"the run {summary['judge']}"
    about = f"judge: {judge}; {_photographs(summary['n_intr_mean'])}"
    return [
        f"While a photograph is {doing} in the order of INTR's mean map, the probability of the "
        f"answer is {_number(summary, f'{measure}_intr_mean')} on average ({about}; {ideal} would "
        f"be best); in the order of a random map {_number(summary, f'{measure}_random')}."
        for measure, doing, ideal in (("insertion", "revealed", 1), ("deletion", "removed", 0))
    ]


def _number(summary: dict[str, Any], key: str) -> str:
    """Return a number with its interval."""
    value, low, high = (summary[f"{key}{end}"] for end in ("", "_low", "_high"))
    if value is None:
        return "unknown"
    if low is None:
        return f"{value:.2f}"
    return f"{value:.2f} (95 % interval {low:.2f} to {high:.2f})"


def _photographs(count: int) -> str:
    return "1 photograph" if count == 1 else f"{count} photographs"


def _differences(table: pd.DataFrame) -> list[str]:
    """Compare INTR's mean map with each rival that was measured on more than one photograph."""
    said = []
    for rival in _RIVALS:
        of_rival = table[(table["first"] == "intr_mean") & (table["second"] == rival)]
        paired = {str(row["measure"]): row for row in of_rival.to_dict("records") if row["n"] > 1}
        if not {"insertion", "deletion"} <= set(paired):
            continue
        parts = []
        for measure in ("insertion", "deletion"):
            row = paired[measure]
            better = row["difference"] > 0 if row["better"] == "higher" else row["difference"] < 0
            verdict = (
                ("better" if better else "worse") if row["p"] < 0.05 else "no clear difference"
            )
            parts.append(
                f"{measure} {row['difference']:+.2f} (95 % interval {row['low']:+.2f} to "
                f"{row['high']:+.2f}, {_p(row['p'])}: {verdict})"
            )
        count = paired["insertion"]["n"]
        said.append(
            f"INTR's mean map against {METHODS[rival]}, paired over "
            f"{_photographs(count)}: {', '.join(parts)}."
        )
    return said


def _p(p: float) -> str:
    if math.isnan(p):
        return "no test"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _region(summary: dict[str, Any]) -> list[str]:
    if summary["pointing_intr_mean"] is None:
        return []
    known = (
        "the attribute that separates the look-alikes"
        if summary["region"] == "attribute"
        else "the specimen"
    )
    sure = interval(summary["pointing_intr_mean_low"], summary["pointing_intr_mean_high"])
    words = (
        f"INTR's mean map is strongest on {known} in {percent(summary['pointing_intr_mean'])} of "
        f"{_photographs(summary['n_region_intr_mean'])} ({sure})"
    )
    others = [
        f"{METHODS[name]} {percent(summary[f'pointing_{name}'])}"
        for name in _RIVALS
        if summary[f"pointing_{name}"] is not None
    ]
    words += f"; {', '.join(others)}" if others else ""
    return [f"{words}. {_lift(summary)}"]


def _lift(summary: dict[str, Any]) -> str:
    return f"It holds {summary['lift_intr_mean']:.1f} times as much of that map as of an even one."


def _forgotten(summary: dict[str, Any]) -> list[str]:
    decoder = summary["randomised_decoder_intr_mean"]
    everything = summary["randomised_all_intr_mean"]
    if decoder is None or everything is None:
        return []
    verdict = (
        "the map depends on what the model learned"
        if abs(decoder) < 0.5
        else "part of the map is there whatever the model learned"
    )
    return [
        f"When the decoder forgets what it learned, the mean map's rank correlation with its "
        f"former self is {_number(summary, 'randomised_decoder_intr_mean')}, and "
        f"{_number(summary, 'randomised_all_intr_mean')} when all layers do "
        f"({_photographs(summary['n_randomised'])}; 1 would be no change): {verdict}."
    ]
