"""From what a model said of edited photographs to the tables and numbers of the shortcut audit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from intr_discover.studies.backgrounds import CONDITIONS, Scenes
from intr_discover.studies.cue_tests import CueReport
from intr_discover.studies.statistics import (
    benjamini_hochberg,
    bootstrap_interval,
    sign_flip_p,
    wilson,
)

LEVEL = 0.05
"""q-values up to this make a class one whose evidence lies off the specimen."""

FEWEST = 6
"""Fewer photographs cannot be sure: the smallest p of their sign flips is above 0.05."""

SHARE_OF_LEAD = 0.25
"""A class rests on the background when at least this share of its lead is lost with it."""

HEAD = "off_head_"


def photograph_row(
    place: int, said: Mapping[str, Any], scenes: Scenes, classes: Sequence[str]
) -> dict[str, Any]:
    """Return the row of one photograph.

    Parameters
    ----------
    place
        Of the photograph among the scenes.
    said
        What ``backgrounds.ask`` yields of it.
    scenes
        The photographs.
    classes
        Names of the class ids.

    Returns
    -------
    dict
        ``image``, ``label``, ``predicted``, ``correct``, ``mask_source``, ``lead``,
        ``even_share``, ``off_specimen`` (mean map, query of the true class),
        ``off_specimen_predicted``, ``off_head_<r>``; for each condition ``answer_<c>``,
        ``flip_<c>``, ``correct_<c>`` and ``lead_lost_<c>``; ``donor_same``, ``donor_other`` (the
        images whose background was taken) and ``to_donor`` (whether the answer became the
        class of the ``other`` donor). Missing where it could not be done.
    """
    label, predicted = scenes.labels[place], classes[said["predicted"]]
    row: dict[str, Any] = {
        "image": scenes.images[place],
        "label": label,
        "predicted": predicted,
        "correct": predicted == label,
        "mask_source": scenes.scene(place).mask_source,
        "lead": said["lead"],
        "even_share": said.get("even", math.nan),
        "off_specimen": said["off"].mean() if "off" in said else math.nan,
        "off_specimen_predicted": said.get("off_predicted", math.nan),
    }
    row |= {f"{HEAD}{head}": mass for head, mass in enumerate(said.get("off", ()))}
    for name in CONDITIONS:
        there = name in said["answers"]
        answer = classes[said["answers"][name]] if there else None
        row[f"answer_{name}"] = answer
        row[f"flip_{name}"] = float(answer != predicted) if there else math.nan
        row[f"correct_{name}"] = float(answer == label) if there else math.nan
        row[f"lead_lost_{name}"] = said["lead"] - said["leads"][name] if there else math.nan
    for name in ("same", "other"):
        donor = said["donors"].get(name)
        row[f"donor_{name}"] = None if donor is None else scenes.images[donor]
    other = said["donors"].get("other")
    row["to_donor"] = (
        math.nan if other is None else float(row["answer_other"] == scenes.labels[other])
    )
    return row


def condition_table(photographs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row for the photographs as they are, and one for each condition.

    Returns
    -------
    DataFrame
        ``condition``, ``n``, and with 95 % intervals ``accuracy`` (top-1), ``flip_rate`` (share of
        changed answers) and ``lead_lost`` (mean loss of the true class's lead, in logits).
    """
    hits = int(photographs["correct"].sum())
    rows = [
        {
            "condition": "original",
            "n": len(photographs),
            **_with_interval("accuracy", hits, len(photographs)),
        }
    ]
    for name in CONDITIONS:
        known = photographs[photographs[f"flip_{name}"].notna()]
        low, high = bootstrap_interval(known[f"lead_lost_{name}"], seed)
        rows.append(
            {
                "condition": name,
                "n": len(known),
                **_with_interval("accuracy", int(known[f"correct_{name}"].sum()), len(known)),
                **_with_interval("flip_rate", int(known[f"flip_{name}"].sum()), len(known)),
                "lead_lost": known[f"lead_lost_{name}"].mean(),
                "lead_lost_low": low,
                "lead_lost_high": high,
            }
        )
    return pd.DataFrame(rows)


def class_table(photographs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row a class: where its query looks, and what of its lead the background holds.

    Returns
    -------
    DataFrame
        ``label``, ``n``, ``accuracy``; ``off_specimen`` with its interval beside ``even_share``,
        ``looks_beside_q`` and ``looks_beside`` (more than an even map would); ``flip_other``,
        ``flip_same``; ``lead`` (mean, logits), ``background_lead`` (mean of the lead lost with
        another class's background beyond that with its own class's) with its interval,
        ``background_share`` (the same over the lead, or over the mean lead of all photographs
        where the class's is smaller: what is hardly recognised has no lead of its own to lose),
        ``background_q`` (sign flips, Benjamini–Hochberg over
        classes) and ``rests_on_background``; ``accuracy_removed``.
    """
    rows = []
    usual = photographs["lead"].mean()
    for label, group in photographs.groupby("label", sort=True):
        beyond = group["lead_lost_other"] - group["lead_lost_same"]
        looking = group["off_specimen"] - group["even_share"]
        low, high = bootstrap_interval(group["off_specimen"], seed)
        lost_low, lost_high = bootstrap_interval(beyond, seed)
        lead = group["lead"].mean()
        gained = beyond.mean()
        rows.append(
            {
                "label": label,
                "n": len(group),
                "accuracy": group["correct"].mean(),
                "off_specimen": group["off_specimen"].mean(),
                "off_specimen_low": low,
                "off_specimen_high": high,
                "even_share": group["even_share"].mean(),
                "looks_beside_p": _p(looking, seed),
                "flip_other": group["flip_other"].mean(),
                "flip_same": group["flip_same"].mean(),
                "lead": lead,
                "background_lead": gained,
                "background_lead_low": lost_low,
                "background_lead_high": lost_high,
                "background_share": gained / max(lead, usual) if max(lead, usual) > 0 else math.nan,
                "background_p": _p(beyond, seed),
                "accuracy_removed": group["correct_removed"].mean(),
            }
        )
    table = pd.DataFrame(rows)
    for name in ("looks_beside", "background"):
        q = benjamini_hochberg(table[f"{name}_p"])
        table.insert(list(table).index(f"{name}_p") + 1, f"{name}_q", q)
    table["looks_beside"] = (table["looks_beside_q"] <= LEVEL) & (
        table["off_specimen"] > table["even_share"]
    )
    table["rests_on_background"] = (
        (table["background_q"] <= LEVEL)
        & (table["background_share"] >= SHARE_OF_LEAD)
        & (table["lead"] > 0)  # a class that is not recognised has no evidence to rest on
    )
    return table


def head_table(photographs: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row a head: ``head, n, off_specimen, low, high, even_share``."""
    rows = []
    known = photographs[photographs["off_specimen"].notna()]
    for column in [name for name in map(str, photographs) if name.startswith(HEAD)]:
        low, high = bootstrap_interval(known[column], seed)
        rows.append(
            {
                "head": int(column.removeprefix(HEAD)),
                "n": len(known),
                "off_specimen": known[column].mean(),
                "low": low,
                "high": high,
                "even_share": known["even_share"].mean(),
            }
        )
    columns = ["head", "n", "off_specimen", "low", "high", "even_share"]
    return pd.DataFrame(rows, columns=columns)


def model_summary(
    photographs: pd.DataFrame, conditions: pd.DataFrame, classes: pd.DataFrame, seed: int
) -> dict[str, Any]:
    """Return the numbers about the model; see ``shortcuts.run``."""
    low, high = bootstrap_interval(photographs["off_specimen"], seed)
    of = {row["condition"]: row for row in conditions.to_dict("records")}
    summary: dict[str, Any] = {
        "off_specimen_mass": photographs["off_specimen"].mean(),
        "off_specimen_mass_low": low,
        "off_specimen_mass_high": high,
        "off_specimen_mass_predicted": photographs["off_specimen_predicted"].mean(),
        "even_share": photographs["even_share"].mean(),
        "n_masked": int((photographs["mask_source"] != "none").sum()),
    }
    names = {"original": "accuracy", "removed": "background_only_accuracy"}
    for name, row in of.items():
        key = names.get(name, f"accuracy_{name}")
        summary |= {key: row["accuracy"], f"{key}_low": row["accuracy_low"],
                    f"{key}_high": row["accuracy_high"]}  # fmt: skip
    for name in CONDITIONS:
        key = "background_flip_rate" if name == "other" else f"flip_rate_{name}"
        row = of[name]
        for end in ("", "_low", "_high"):
            summary[f"{key}{end}"] = row[f"flip_rate{end}"]
            summary[f"lead_lost_{name}{end}"] = row[f"lead_lost{end}"]
    beyond = photographs["lead_lost_other"] - photographs["lead_lost_same"]
    lost_low, lost_high = bootstrap_interval(beyond, seed)
    flagged = int(classes["rests_on_background"].sum())
    tested = beyond.notna().sum() >= FEWEST
    lead, p = photographs["lead"].mean(), _p(beyond, seed)
    share = beyond.mean() / lead if lead > 0 else math.nan
    together = p <= LEVEL and share >= SHARE_OF_LEAD
    return {
        **summary,
        "n_background": of["other"]["n"],
        "to_donor_rate": photographs["to_donor"].mean(),
        "background_lead": beyond.mean(),
        "background_lead_low": lost_low,
        "background_lead_high": lost_high,
        "background_share": share,
        "background_p": p,
        "flagged": bool(flagged > 0 or together) if tested else None,
        "n_flagged_classes": flagged if tested else None,
        "n_classes_looking_beside": int(classes["looks_beside"].sum()),
    }


def cue_summary(report: CueReport) -> dict[str, Any]:
    """Return the numbers about the photographs alone."""
    best = report.best or {}
    tested = report.best is not None
    return {
        "no_specimen_accuracy": best.get("balanced_accuracy"),
        "no_specimen_accuracy_low": best.get("low"),
        "no_specimen_accuracy_high": best.get("high"),
        "no_specimen_chance": best.get("chance"),
        "no_specimen_p": best.get("p_best"),
        "best_cue": best.get("cue"),
        "n_cues": int((report.cues["kind"] != "joint").sum()),
        "n_cue_photographs": report.n if tested else 0,
        "n_classes_told_by_cue": len(report.flagged_classes) if tested else None,
        "n_pairs_told_by_cue": len(report.flagged_pairs) if tested else None,
        "data_flagged": report.flagged if tested else None,
    }


def _with_interval(name: str, hits: int, count: int) -> dict[str, float]:
    low, high = wilson(hits, count)
    share = hits / count if count else math.nan
    return {name: share, f"{name}_low": low, f"{name}_high": high}


def _p(differences: pd.Series, seed: int) -> float:
    """Return the sign-flip p of paired differences; missing where there are fewer than two."""
    known = differences.dropna().to_numpy(np.float64)
    return sign_flip_p(known, seed) if len(known) > 1 else math.nan
