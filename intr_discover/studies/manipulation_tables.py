"""Rows and numbers of the study ``manipulation``: what edits did, over many photographs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from intr_discover.studies.edit_tasks import Task
from intr_discover.studies.effect import STRENGTHS, Effect, Trial
from intr_discover.studies.guided_erasure import (
    FLIP_METHODS,
    METHODS,
    SHARES,
    UNIT_FLIP_METHODS,
    UNIT_METHODS,
    Guided,
)
from intr_discover.studies.statistics import bootstrap_interval, sign_flip_p, wilson

EDIT_COLUMNS = (
    "image", "label", "region", "operation", "fill", "state", "bearer", "target", "area",
    "answer_before", "answer_after", "flip", "to_target", "probability_before",
    "probability_after", "lead_before", "drop", "controls", "control_drop", "control_flip", "p",
    "second_fill", "second_flip", "second_drop", "second_p", "confirmed", "map_change",
    "mass_before", "mass_after",
)  # fmt: skip


def edit_row(task: Task, trial: Trial, effect: Effect) -> dict[str, Any]:
    """Return the row of one edit, with the columns ``EDIT_COLUMNS``."""
    before, after = (effect.classes[number] for number in (effect.answer, effect.after))
    probabilities = effect.probabilities[:, effect.answer]
    second = effect.outcomes[1] if len(effect.outcomes) > 1 else None
    controls = effect.control_drops()
    change, mass = effect.map_change, effect.mass_inside
    return {
        "image": task.image,
        "label": task.label,
        "region": task.region,
        "operation": trial.edit.operation,
        "fill": trial.edit.fill,
        "state": task.state,
        "bearer": task.bearer,
        "target": task.target,
        "area": float(trial.mask.mean()),
        "answer_before": before,
        "answer_after": after,
        "flip": effect.flipped,
        # What is answered already, an edit cannot bring about.
        "to_target": None if task.target in (None, before) else after == task.target,
        "probability_before": float(probabilities[0]),
        "probability_after": float(probabilities[1]),
        "lead_before": effect.lead,
        "drop": effect.drop(),
        "controls": len(controls),
        "control_drop": float(controls.mean()) if len(controls) else math.nan,
        "control_flip": float(effect.control_flips().mean()) if len(controls) else math.nan,
        "p": effect.p(),
        "second_fill": None if second is None else _fill_name(second),
        "second_flip": None if second is None else int(second.logits.argmax()) != effect.answer,
        "second_drop": math.nan if second is None else effect.drop(1),
        "second_p": math.nan if second is None else effect.p(1),
        "confirmed": effect.confirmed,
        "map_change": math.nan if change is None else float(change.mean()),
        "mass_before": math.nan if mass is None else float(mass[0].mean()),
        "mass_after": math.nan if mass is None else float(mass[1].mean()),
    }


def _fill_name(outcome: Any) -> str:
    lightness = outcome.edit.lightness
    return str(outcome.edit.fill) if lightness is None else f"lightness {lightness}"


def control_rows(task: Task, effect: Effect) -> list[dict[str, Any]]:
    """Return one row for each fill and control region."""
    return [
        {"image": task.image, "region": task.region, "fill": _fill_name(outcome),
         "control": number, "drop": float(drop), "flip": bool(flip)}
        for fill, outcome in enumerate(effect.outcomes)
        for number, (drop, flip) in enumerate(
            zip(effect.control_drops(fill), effect.control_flips(fill), strict=True), 1
        )
    ]  # fmt: skip


def dose_rows(task: Task, effect: Effect) -> list[dict[str, Any]]:
    """Return one row for each strength."""
    return [
        {"image": task.image, "region": task.region, "strength": strength, "drop": float(drop),
         "flip": int(logits.argmax()) != effect.answer}
        for strength, drop, logits in zip(STRENGTHS, effect.dose_drops, effect.doses, strict=True)
    ]  # fmt: skip


def head_rows(task: Task, effect: Effect) -> list[dict[str, Any]]:
    """Return one row for each head; nothing for a model without."""
    change, mass = effect.map_change, effect.mass_inside
    if change is None or mass is None:
        return []
    return [
        {"image": task.image, "region": task.region, "query": effect.classes[effect.answer],
         "head": head, "map_change": float(change[head]), "mass_before": float(mass[0, head]),
         "mass_after": float(mass[1, head])}
        for head in range(len(change))
    ]  # fmt: skip


def guided_rows(
    image: str, label: str, bearer: bool | None, classes: Sequence[str], guided: Guided
) -> list[dict[str, Any]]:
    """Return one row for each method and share, and one for each minimal flip (share missing)."""
    about = {"image": image, "label": label, "bearer": bearer}
    rows: list[dict[str, Any]] = [
        {**about, "method": method, "share": share, "answer_after": classes[guided.after[key]],
         "flip": flip, "minimal_flip": math.nan}
        for key, flip in guided.flips.items()
        for method, share in [key]
    ]  # fmt: skip
    rows += [
        {**about, "method": method, "share": math.nan, "answer_after": None, "flip": None,
         "minimal_flip": share}
        for method, share in guided.minimal.items()
    ]  # fmt: skip
    return rows


def by_group(edits: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row for each class and region, in the order of the photographs.

    Returns
    -------
    DataFrame
        ``label``, ``region``, ``target``, ``bearer``, ``n``; ``flip``, ``to_target`` and
        ``control_flip`` with Wilson intervals (the controls of one photograph count as one);
        ``drop`` and ``control_drop`` (logits) with bootstrap intervals over photographs, and
        ``median_p``.
    """
    rows = []
    for (label, region), group in edits.groupby(["label", "region"], sort=False):
        row: dict[str, Any] = {"label": label, "region": region, "target": group["target"].iloc[0]}
        row |= {"bearer": group["bearer"].iloc[0], "n": len(group)}
        for name in ("flip", "to_target", "control_flip"):
            row |= _share(name, group[name])
        for name in ("drop", "control_drop"):
            row |= _mean(name, group[name], seed)
        row["median_p"] = _median(group["p"])
        rows.append(row)
    return pd.DataFrame(rows)


def by_dose(doses: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Return one row for each strength: means over photographs with intervals."""
    rows = []
    for strength, group in doses.groupby("strength"):
        row = {"strength": strength, "n": len(group)}
        rows.append(row | _mean("drop", group["drop"], seed) | _share("flip", group["flip"]))
    return pd.DataFrame(rows)


def by_method(guided: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each group, method and share: the flip rate with Wilson's interval.

    ``group`` is ``all``, and ``bearers`` where it is known whose classes show the attribute.
    """
    if guided.empty:
        return pd.DataFrame()
    erased = guided[guided["share"].notna()]
    groups = {"all": erased, "bearers": erased[erased["bearer"].eq(True)]}
    rows = []
    for name, table in groups.items():
        for method in dict.fromkeys((*METHODS, *UNIT_METHODS)):
            of_method = table[table["method"] == method]
            for share in SHARES:
                flips = of_method.loc[of_method["share"] == share, "flip"]
                if len(flips):
                    row = {"group": name, "method": method, "share": share, "n": len(flips)}
                    rows.append(row | _share("flip", flips))
    return pd.DataFrame(rows)


def summarise(
    edits: pd.DataFrame, guided: pd.DataFrame, methods: pd.DataFrame, seed: int
) -> dict[str, Any]:
    """Return the numbers of the study.

    Parameters
    ----------
    edits
        One row an edit, ``EDIT_COLUMNS``.
    guided, methods
        As ``guided_rows`` and ``by_method`` make them; may be empty.
    seed
        Of bootstrap and sign flips.

    Returns
    -------
    dict
        ``n`` (edits), ``n_photographs``; ``flip_rate``, ``to_target_rate`` (of ``n_target``),
        ``control_flip_rate`` (of ``n_with_controls``) and ``confirmed_rate`` (of ``n_confirmed``
        in which it can be said), with intervals; ``median_p`` over the ``n_p`` edits that have
        one; ``drop``, ``control_drop`` and ``excess`` (edit minus the mean of its controls, in
        logits) with intervals and ``excess_p`` by sign flips; ``map_change``, ``mass_before``,
        ``mass_after``; the first four and ``median_p`` for bearers alone with ``bearer_`` in front
        and ``n_bearers``; ``guided_<method>_<percent>`` and ``guided_bearers_<method>_<percent>``
        with intervals, ``n_guided``, ``n_guided_bearers`` and the same for each method
        (``n_guided_<method>``: RISE is asked about few); ``minimal_flip_<method>`` (median share
        of cells; more than half counts as infinitely many, and such a median is None) and
        ``n_minimal``.
    """
    summary: dict[str, Any] = {"n": len(edits), "n_photographs": edits["image"].nunique()}
    summary |= _rates(edits, "")
    for name in ("drop", "control_drop"):
        summary |= _mean(name, edits[name], seed)
    excess = edits["drop"] - edits["control_drop"]
    summary |= _mean("excess", excess, seed)
    known = int(excess.notna().sum())
    summary["excess_p"] = sign_flip_p(excess, seed) if known > 1 else None
    for name in ("map_change", "mass_before", "mass_after"):
        summary[name] = edits[name].mean()
    bearers = edits[edits["bearer"].eq(True)]
    summary |= {"n_bearers": len(bearers), **_rates(bearers, "bearer_")}
    return summary | _guided_numbers(guided, methods)


def _rates(edits: pd.DataFrame, front: str) -> dict[str, Any]:
    known = {name: edits[name].dropna() for name in ("to_target", "control_flip", "confirmed")}
    return {
        **_share(f"{front}flip_rate", edits["flip"]),
        **_share(f"{front}to_target_rate", known["to_target"]),
        f"{front}n_target": len(known["to_target"]),
        **_share(f"{front}control_flip_rate", known["control_flip"]),
        f"{front}n_with_controls": len(known["control_flip"]),
        **_share(f"{front}confirmed_rate", known["confirmed"]),
        f"{front}n_confirmed": len(known["confirmed"]),
        f"{front}median_p": _median(edits["p"]),
        f"{front}n_p": int(edits["p"].notna().sum()),
    }


def _guided_numbers(guided: pd.DataFrame, methods: pd.DataFrame) -> dict[str, Any]:
    numbers: dict[str, Any] = {"n_guided": 0, "n_guided_bearers": 0}
    of_units = len(methods) > 0 and methods["method"].eq(UNIT_METHODS[0]).any()
    for front, group in (("guided", "all"), ("guided_bearers", "bearers")):
        there = methods[methods["group"] == group] if len(methods) else methods
        for method in UNIT_METHODS if of_units else METHODS:
            of_method = there[there["method"] == method] if len(there) else there
            numbers[f"n_{front}_{method}"] = int(of_method["n"].max()) if len(of_method) else 0
            for share in SHARES:
                key = f"{front}_{method}_{round(100 * share)}"
                row = of_method[of_method["share"] == share] if len(of_method) else of_method
                for end in ("", "_low", "_high"):
                    numbers[key + end] = float(row[f"flip{end}"].iloc[0]) if len(row) else None
        if len(there):
            numbers[f"n_{front}"] = int(there["n"].max())
    minimal = guided[guided["share"].isna()] if len(guided) else guided
    for method in UNIT_FLIP_METHODS if of_units else FLIP_METHODS:
        of_method = minimal[minimal["method"] == method] if len(minimal) else minimal
        found = math.nan
        if len(of_method):
            # Half and more of the cells without a flip: longer than any that was found.
            found = float(of_method["minimal_flip"].fillna(np.inf).median())
        numbers[f"minimal_flip_{method}"] = found if math.isfinite(found) else None
        numbers["n_minimal"] = len(of_method)
    return numbers


def _share(name: str, flags: pd.Series) -> dict[str, Any]:
    """Return a share with Wilson's interval; what is between 0 and 1 counts in part."""
    known = flags.dropna().astype(float)
    if known.empty:
        return {name: math.nan, f"{name}_low": math.nan, f"{name}_high": math.nan}
    low, high = wilson(round(float(known.sum())), len(known))
    mean = float(known.mean())
    return {name: mean, f"{name}_low": min(low, mean), f"{name}_high": max(high, mean)}


def _mean(name: str, values: pd.Series, seed: int) -> dict[str, Any]:
    low, high = bootstrap_interval(values, seed)
    return {name: float(values.mean()), f"{name}_low": low, f"{name}_high": high}


def _median(values: pd.Series) -> float:
    return float(values.median()) if values.notna().any() else math.nan
