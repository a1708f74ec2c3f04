"""What the shortcut audit says, in sentences."""

from __future__ import annotations

from typing import Any

import pandas as pd

from intr_discover.errors import shorten
from intr_discover.studies.cue_tests import LEVEL as CUE_LEVEL
from intr_discover.studies.cues import PICTURE_CUES
from intr_discover.studies.result import StudyResult
from intr_discover.studies.wording import interval, percent

_UNRELATED = 0.05  # changed answers by a background of the same class; more is a warning


def findings(result: StudyResult) -> list[str]:
    """Say whether the labels can be told without the specimen, and whether the model does it."""
    summary = result.summary
    said = _about_the_photographs(result)
    if "conditions" in result.tables:
        said += _about_the_model(result)
    said += _cautions(summary)
    return said


def cue_words(name: str) -> str:
    """Return what people call a cue: its words, or the column that it is."""
    return f"the {PICTURE_CUES[name]}" if name in PICTURE_CUES else f"the column '{name}'"


def _about_the_photographs(result: StudyResult) -> list[str]:
    summary, tables = result.summary, result.tables
    if summary["data_flagged"] is None:
        return [
            "Whether the labels can be told without the specimen was not tested: that needs at "
            "least two classes of three specimens each, and something in which they could differ."
        ]
    sure = interval(summary["no_specimen_accuracy_low"], summary["no_specimen_accuracy_high"])
    best = (
        f"Without a look at the specimen, {cue_words(summary['best_cue'])} alone tells the labels "
        f"with a balanced accuracy of {percent(summary['no_specimen_accuracy'])} ({sure}, "
        f"n = {summary['n_cue_photographs']}); by chance {percent(summary['no_specimen_chance'])} "
        f"(p = {summary['no_specimen_p']:.2g}, best of {summary['n_cues']} cues)."
    )
    if not summary["data_flagged"]:
        return [f"{best} So no cue beside the specimen was found to give the labels away."]
    said = [
        f"Warning: the labels can be told without the specimen. {best} Whatever is trained on "
        "these photographs may learn that instead of the specimen."
    ]
    pairs = tables["cue_pairs"]
    if summary["n_pairs_told_by_cue"]:
        told = pairs[(pairs["q"] <= CUE_LEVEL)].sort_values("told_apart", ascending=False)
        worst = told.iloc[0]
        names = [f"{row.label_a} and {row.label_b}" for row in told.itertuples()]
        said.append(
            f"Look-alikes that a cue tells apart: {summary['n_pairs_told_by_cue']} of {len(pairs)} "
            f"pairs ({shorten(names)}). The clearest, {worst['label_a']} and {worst['label_b']}: "
            f"{percent(worst['told_apart'])} by {cue_words(worst['cue'])} "
            f"(n = {worst['n']}, chance 50 %, q = {worst['q']:.2g})."
        )
    classes = tables["cue_classes"]
    if summary["n_classes_told_by_cue"]:
        told = classes[classes["q"] <= CUE_LEVEL].sort_values("told_from_rest", ascending=False)
        said.append(
            f"Classes that a cue tells from all others: {summary['n_classes_told_by_cue']} of "
            f"{len(classes)} ({_with_cues(told)})."
        )
    return said


def _with_cues(told: pd.DataFrame, most: int = 4) -> str:
    """Name classes with the cue that gives each away."""
    named = [
        f"{row['label']} by {cue_words(row['cue'])}, {percent(row['told_from_rest'])}"
        for row in told.head(most).to_dict("records")
    ]
    more = len(told) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "")


def _about_the_model(result: StudyResult) -> list[str]:
    summary, classes = result.summary, result.tables["classes"]
    said = []
    if summary["background_flip_rate"] is not None:
        said.append(_background(summary))
    if summary["n_flagged_classes"]:
        resting = classes[classes["rests_on_background"]].sort_values(
            "background_share", ascending=False
        )
        named = [
            f"{row['label']} ({percent(min(1.0, row['background_share']))} of its lead, "
            f"q = {row['background_q']:.2g})"
            for row in resting.to_dict("records")
        ]
        said.append(
            f"Warning: {summary['n_flagged_classes']} of {_classes(summary['n_classes'])} on the "
            f"background: {shorten(named)}. For these classes the model recognises the "
            "photograph, not only the specimen."
        )
    elif summary["flagged"]:
        said.append(
            "Warning: taken together, the classes rest on the background: "
            f"{percent(min(1.0, summary['background_share']))} of their lead goes with it "
            f"(n = {summary['n_background']}, p = {summary['background_p']:.2g}). Which of them "
            "do, so few photographs of each cannot say."
        )
    elif summary["flagged"] is False:
        said.append(
            "No class was found to rest on the background: "
            f"{percent(max(0.0, summary['background_share'] or 0.0))} of their lead goes with it "
            f"(n = {summary['n_background']})."
        )
    if summary["off_specimen_mass"] is not None:
        said.append(_looking(summary, classes))
    if summary["background_only_accuracy"] is not None and summary["n_masked"]:
        sure = interval(
            summary["background_only_accuracy_low"], summary["background_only_accuracy_high"]
        )
        said.append(
            f"With the specimen taken away the model still names the label of "
            f"{percent(summary['background_only_accuracy'])} of {summary['n_masked']} photographs "
            f"({sure}); one of {summary['n_classes']} classes would be "
            f"{percent(1 / summary['n_classes'])} by chance."
        )
    return said + _groups(result.tables.get("group_columns"))


def _background(summary: dict[str, Any]) -> str:
    sure = interval(summary["background_flip_rate_low"], summary["background_flip_rate_high"])
    words = (
        f"On the background of another class the model changes its answer in "
        f"{percent(summary['background_flip_rate'])} of {summary['n_background']} photographs "
        f"({sure})"
    )
    if summary["flip_rate_same"] is not None:
        words += (
            "; on that of another specimen of the same class, which should not matter, in "
            f"{percent(summary['flip_rate_same'])}"
        )
    words += f". On plain grey it is {percent(summary['flip_rate_grey'])}."
    if (summary["flip_rate_same_low"] or 0.0) > _UNRELATED:
        words += (
            " So the background matters to this model even where it says nothing of the class: "
            "audit it again on photographs like those that it was trained on."
        )
    return words


def _looking(summary: dict[str, Any], classes: pd.DataFrame) -> str:
    sure = f"n = {summary['n_masked']}"
    if summary["off_specimen_mass_low"] is not None:
        low, high = summary["off_specimen_mass_low"], summary["off_specimen_mass_high"]
        sure = f"{interval(low, high)}, {sure}"
    words = (
        f"{percent(summary['off_specimen_mass'])} of the attention lies off the specimen ({sure}"
        f"); an even map would put {percent(summary['even_share'])} there."
    )
    beside = classes[classes["looks_beside"]]
    if len(beside):
        words += (
            f" More than an even map look beside it: {shorten(beside['label'].tolist())}. That is "
            "a hint; whether it counts, the replaced backgrounds say."
        )
    return words


def _groups(columns: pd.DataFrame | None) -> list[str]:
    """Say in which groups the accuracy differs surely."""
    if columns is None:
        return []
    sure = columns[columns["q"] <= 0.05].sort_values("spread", ascending=False)
    return [
        f"The accuracy depends on the column '{row['column']}': from {row['worst']} to "
        f"{row['best']} it differs by {100 * row['spread']:.1f} points (n = {row['n']}, "
        f"q = {row['q']:.2g})."
        for row in sure.head(3).to_dict("records")
    ]


def _classes(count: int) -> str:
    return "1 class rests" if count == 1 else f"{count} classes rest"


def _cautions(summary: dict[str, Any]) -> list[str]:
    said = []
    if summary["mask_source"] in ("automatic", "mixed"):
        some = "the masks" if summary["mask_source"] == "automatic" else "some of the masks"
        said.append(
            f"Caution: {some} were guessed, not given: what differs "
            "from the picture's border. Where the ground is not even they are often wrong, and "
            "parts of the specimen then count as background."
        )
    if summary["n_without_mask"]:
        said.append(
            f"Caution: in {summary['n_without_mask']} photographs no specimen was found; they "
            "count neither for the attention nor for the backgrounds."
        )
    return said
