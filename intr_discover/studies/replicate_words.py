"""The findings of the study ``replicates``, as sentences for people."""

from __future__ import annotations

from typing import Any

from intr_discover.studies.replicate_tables import ENOUGH, FEWEST, UNLIKE
from intr_discover.studies.result import StudyResult
from intr_discover.studies.wording import interval, percent

_NAMED = 3
_ERASED = {
    "own": "Erasing the region that each training rests on most, each its own,",
    "first": "Erasing the region that the first training rests on",
    "control": "The same done to a region of that shape elsewhere",
    "attribute": "Erasing the attribute that separates the look-alikes",
}


def findings(result: StudyResult) -> list[str]:
    """Say whether the trainings look at the same places, parts and cues."""
    summary = result.summary
    said = [*_species(result), _maps(summary), *_places(summary), _answers(summary)]
    said += [_edit(summary, name) for name in _ERASED if summary[f"n_{name}"]]
    others = result.provenance.get("settings", {}).get("other_photographs") or []
    if others:
        said.append(
            f"Caution: {', '.join(others)} was trained on other photographs than the first "
            "training. If the photographs here are among them, it remembers what it agrees on."
        )
    return said


def _species(result: StudyResult) -> list[str]:
    summary = result.summary
    k, known = summary["trainings"], summary["n_species_known"]
    if not known:
        return [
            f"Of no species are there {FEWEST} photographs, so nothing is said of single species."
        ]
    words = (
        f"The {k} trainings agree on where to look in {summary['n_species_agree']} of {known} "
        f"species (mean correlation of their maps at least {ENOUGH}, and beyond that with other "
        "photographs of the species)"
    )
    left = summary["n_species"] - known
    if left:
        words += f"; {left} more have fewer than {FEWEST} photographs"
    said = [f"{words}."]
    unlike = result.tables["classes"]
    unlike = unlike[unlike["verdict"] == UNLIKE].sort_values("map_correlation", kind="stable")
    if len(unlike):
        named = "; ".join(
            f"{row['label']} ({row['map_correlation']:.2f}, n = {row['n']})"
            for row in unlike.head(_NAMED).to_dict("records")
        )
        said.append(f"They agree least in {named}. Give no name to what one of them shows there.")
    return said


def _maps(summary: dict[str, Any]) -> str:
    if summary["map_correlation"] is None:
        return "The maps are even everywhere, so nothing can be said of their likeness."
    words = (
        f"The mean maps of two trainings correlate by {_number(summary, 'map_correlation')}"
        f"{_chance(summary, 'map_correlation')}"
    )
    if summary["head_correlation"] is not None:
        words += (
            f"; their best matched heads by {_number(summary, 'head_correlation')}"
            f"{_chance(summary, 'head_correlation')}"
        )
    return f"{words} (n = {summary['n_map_correlation']} photographs)."


def _places(summary: dict[str, Any]) -> list[str]:
    said = []
    if summary["same_place"] is not None:
        said.append(
            f"The peaks of two trainings lie at one place in {percent(summary['same_place'])} of "
            f"{summary['n_same_place']} photographs{_share_interval(summary, 'same_place')}"
            f"{_share_chance(summary, 'same_place', 'for the peak in another photograph of it')}."
        )
    if summary["n_same_part"]:
        said.append(
            f"They lie on the same part in {percent(summary['same_part'])} of "
            f"{summary['n_same_part']} photographs{_share_interval(summary, 'same_part')}"
            f"{_share_chance(summary, 'same_part', 'for two random points on the specimen')}; "
            f"those of all {summary['trainings']} share a part in "
            f"{percent(summary['all_same_part'])}."
        )
    return said


def _answers(summary: dict[str, Any]) -> str:
    sure = interval(summary["same_answer_low"], summary["same_answer_high"])
    return (
        f"All {summary['trainings']} give the same answer in {percent(summary['same_answer'])} of "
        f"{summary['n']} photographs ({sure}), and the right one in "
        f"{percent(summary['all_right'])}."
    )


def _edit(summary: dict[str, Any], name: str) -> str:
    return (
        f"{_ERASED[name]} changes the answers of all in {percent(summary[f'{name}_all'])}, of some "
        f"in {percent(summary[f'{name}_some'])}, of none in {percent(summary[f'{name}_none'])} of "
        f"{summary[f'n_{name}']} photographs that all name rightly."
    )


def _number(summary: dict[str, Any], key: str) -> str:
    low, high = summary[f"{key}_low"], summary[f"{key}_high"]
    sure = "" if low is None else f" (95 % interval {low:.2f} to {high:.2f})"
    return f"{summary[key]:.2f}{sure}"


def _chance(summary: dict[str, Any], key: str) -> str:
    chance = summary[f"{key}_chance"]
    if chance is None:
        return ""
    return f", with those of other photographs of the species by {chance:.2f}"


def _share_interval(summary: dict[str, Any], key: str) -> str:
    low, high = summary[f"{key}_low"], summary[f"{key}_high"]
    return "" if low is None else f" ({interval(low, high)})"


def _share_chance(summary: dict[str, Any], key: str, what: str) -> str:
    chance = summary[f"{key}_chance"]
    return "" if chance is None else f"; by chance, {what}, in {percent(chance)}"
