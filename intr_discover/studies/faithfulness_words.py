"""The findings of the study ``faithfulness``, as sentences for people."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from intr_discover.studies.judge import INTR_ITSELF
from intr_discover.studies.result import StudyResult
from intr_discover.studies.saliency_methods import METHODS, OF_UNITS
from intr_discover.studies.wording import interval, percent

_Own = tuple[str, str]
_INTRS = "INTR's mean map"
_RIVALS = ("gradcam_plain", "gradcam_intr", "rise", "random")


def findings(result: StudyResult) -> list[str]:
    """Say how well the maps do, against which others, and how far that can be believed."""
    summary = result.summary
    own = _own(summary)
    said = [*_areas(summary, own), *_differences(result.tables["differences"], own)]
    said += _region(summary, own)
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


def _own(summary: dict[str, Any]) -> _Own:
    """Return which map is in question, and what it is called."""
    first = next(iter(OF_UNITS))
    return (first, "the map of all units") if "method" in summary else ("intr_mean", _INTRS)


def _areas(summary: dict[str, Any], own: _Own) -> list[str]:
    name, words = own
    itself = summary["judge"] == INTR_ITSELF
    judge = "the model itself" if itself else f"the run {summary['judge']}"
    about = f"judge: {judge}; {_photographs(summary[f'n_{name}'])}"
    return [
        f"While a photograph is {doing} in the order of {words}, the probability of the "
        f"answer is {_number(summary, f'{measure}_{name}')} on average ({about}; {ideal} would "
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


def _differences(table: pd.DataFrame, own: _Own) -> list[str]:
    """Compare the map in question with each rival that was measured on several photographs."""
    name, words = own
    said = []
    for rival in _RIVALS:
        of_rival = table[(table["first"] == name) & (table["second"] == rival)]
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
            f"{_capital(words)} against {METHODS[rival]}, paired over "
            f"{_photographs(count)}: {', '.join(parts)}."
        )
    return said


def _p(p: float) -> str:
    if math.isnan(p):
        return "no test"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _region(summary: dict[str, Any], own: _Own) -> list[str]:
    own_map, called = own
    if summary[f"pointing_{own_map}"] is None:
        return []
    known = (
        "the attribute that separates the look-alikes"
        if summary["region"] == "attribute"
        else "the specimen"
    )
    pointing = f"pointing_{own_map}"
    sure = interval(summary[f"{pointing}_low"], summary[f"{pointing}_high"])
    words = (
        f"{_capital(called)} is strongest on {known} in {percent(summary[pointing])} of "
        f"{_photographs(summary[f'n_region_{own_map}'])} ({sure})"
    )
    others = [
        f"{METHODS[name]} {percent(summary[f'pointing_{name}'])}"
        for name in _RIVALS
        if summary.get(f"pointing_{name}") is not None
    ]
    words += f"; {', '.join(others)}" if others else ""
    lift = summary[f"lift_{own_map}"]
    return [f"{words}. It holds {lift:.1f} times as much of that map as of an even one."]


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _forgotten(summary: dict[str, Any]) -> list[str]:
    decoder = summary.get("randomised_decoder_intr_mean")
    everything = summary.get("randomised_all_intr_mean")
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
