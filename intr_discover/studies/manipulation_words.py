"""The findings of the study ``manipulation``, as sentences for people."""

from __future__ import annotations

from typing import Any

from intr_discover.studies.guided_erasure import METHODS, UNIT_METHODS
from intr_discover.studies.result import StudyResult
from intr_discover.studies.saliency_methods import ALL_METHODS
from intr_discover.studies.wording import interval, percent

DONE = {
    "erase": "erased",
    "recolour": "recoloured",
    "transplant": "exchanged for the look-alike's",
    "blur": "blurred",
    "mirror": "exchanged for its mirror image",
}
_PERCENT = 4  # of the pixels: the share that sentences speak of


def findings(result: StudyResult) -> list[str]:
    """Say what the edits did, beside their controls, and whether maps find what decides."""
    summary = result.summary
    said = [_flips(summary), *_bearers(summary), *_leads(summary), *_confirmed(summary)]
    said += _guided(summary)
    if summary["n_without_region"]:
        said.append(
            f"Left out, for their mask is empty: {_photographs(summary['n_without_region'])}."
        )
    return said


def region_words(region: str, units: bool = False) -> str:
    """Return what is edited, for sentences; ``units``: those of another method than INTR."""
    return {
        "attribute": "the attribute that separates the look-alikes",
        "keypoint": "the place of the keypoint",
        "attention": "what its units mark" if units else "what the heads that matter look at",
    }.get(region, "the marked region")


def _flips(summary: dict[str, Any]) -> str:
    done = DONE.get(summary["operation"], "edited")
    sure = interval(summary["flip_rate_low"], summary["flip_rate_high"])
    region = region_words(summary["region"], "method" in summary)
    words = (
        f"With {region} {done}, the answer changes in "
        f"{percent(summary['flip_rate'])} of {_photographs(summary['n'])} ({sure})"
    )
    if summary["to_target_rate"] is not None:
        words += f", to the look-alike in {percent(summary['to_target_rate'])}"
        words += "" if summary["n_target"] == summary["n"] else f" of {summary['n_target']}"
    if summary["control_flip_rate"] is None:
        return f"{words}. No control region fits beside it, so nobody can say what any edit does."
    beside = interval(summary["control_flip_rate_low"], summary["control_flip_rate_high"])
    return (
        f"{words}. The same done to regions of the same shape elsewhere changes it in "
        f"{percent(summary['control_flip_rate'])} ({beside})."
    )


def _bearers(summary: dict[str, Any]) -> list[str]:
    if not summary["n_bearers"] or summary["n_bearers"] == summary["n"]:
        return []
    sure = interval(summary["bearer_flip_rate_low"], summary["bearer_flip_rate_high"])
    words = (
        "Where one class has the attribute and its look-alike does not, taking it away changes the "
        f"answer in {percent(summary['bearer_flip_rate'])} of "
        f"{_photographs(summary['n_bearers'])} ({sure})"
    )
    if summary["bearer_to_target_rate"] is not None:
        words += f", to the look-alike in {percent(summary['bearer_to_target_rate'])}"
    if summary["bearer_control_flip_rate"] is not None:
        words += f"; the controls in {percent(summary['bearer_control_flip_rate'])}"
    return [f"{words}."]


def _leads(summary: dict[str, Any]) -> list[str]:
    if summary["excess"] is None:
        return []
    words = (
        f"The lead of the answer drops by {summary['drop']:.2f} logits on average, with a control "
        f"by {summary['control_drop']:.2f}"
    )
    if summary["excess_low"] is not None:
        words += (
            f"; difference, 95 % interval {summary['excess_low']:.2f} to "
            f"{summary['excess_high']:.2f}, {_p(summary['excess_p'])} (n = "
            f"{summary['n_with_controls']})"
        )
    if summary["median_p"] is not None:
        words += f". Median p of a single photograph: {summary['median_p']:.3f}"
    return [f"{words}."]


def _confirmed(summary: dict[str, Any]) -> list[str]:
    if summary["confirmed_rate"] is None:
        return [
            "No edit is called an effect here: that takes a second fill that agrees, and 20 "
            "controls of either."
        ]
    sure = interval(summary["confirmed_rate_low"], summary["confirmed_rate_high"])
    return [
        f"An effect by the strict rule, two fills that agree and both beyond their controls, is "
        f"found in {percent(summary['confirmed_rate'])} of {_photographs(summary['n_confirmed'])} "
        f"({sure})."
    ]


def _guided(summary: dict[str, Any]) -> list[str]:
    front, count = "guided_bearers", summary["n_guided_bearers"]
    of_whom = f"{_photographs(count)} of classes that bear their attribute"
    if not count:
        front, count = "guided", summary["n_guided"]
        of_whom = _photographs(count)
    if not count:
        return []
    units = "method" in summary
    first, *rivals = UNIT_METHODS if units else METHODS
    own = f"{front}_{first}_{_PERCENT}"
    sure = interval(summary[f"{own}_low"], summary[f"{own}_high"])
    # RISE has been asked about few photographs as a rule; its number would not compare.
    others = [
        f"{ALL_METHODS[method]} {percent(summary[f'{front}_{method}_{_PERCENT}'])}"
        for method in rivals
        if summary[f"n_{front}_{method}"] == count
    ]
    where = "that its units mark" if units else "on which the heads that matter look"
    words = (
        f"Without being told where: erasing the {_PERCENT} % of the pixels {where} most "
        f"changes the answer in {percent(summary[own])} of {of_whom} ({sure}); "
        f"{', '.join(others)}."
    )
    said = [words]
    found = summary[f"minimal_flip_{first}"]
    if summary["n_minimal"] and found is not None:
        words = (
            f"The fewest cells that must go to change the answer, in the order of that map: "
            f"{percent(found)} of all (median of {_photographs(summary['n_minimal'])})"
        )
        if not units:
            mean = summary["minimal_flip_intr_mean"]
            beside = "more than half" if mean is None else percent(mean)
            words += f"; in the order of the mean map {beside}"
        said.append(f"{words}.")
    return said


def _photographs(count: int) -> str:
    return "1 photograph" if count == 1 else f"{count} photographs"


def _p(p: float | None) -> str:
    if p is None:
        return "no test"
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
