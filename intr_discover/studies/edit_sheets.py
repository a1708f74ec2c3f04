"""What the sheet of one edit shows, from its trial and its effect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from intr_discover.explain.maps import place_on_photograph
from intr_discover.figures.edit_sheet import EditSheet, FillBeside, HeadBeside
from intr_discover.figures.head_names import NO_NAMES, HeadNames, UnitNames
from intr_discover.studies.effect import STRENGTHS, Effect, MapsBeside, Trial
from intr_discover.studies.looking import TOP_HEADS, reduced

_CLASSES = 4


def sheet_of(trial: Trial, effect: Effect, title: str, names: HeadNames = NO_NAMES) -> EditSheet:
    """Return what is drawn of one edit; photographs are reduced to what a figure can show.

    Parameters
    ----------
    trial, effect
        What was done, and what became of it.
    title
        Of the sheet.
    names
        What people call the heads; the units of another method have names of their own.
    """
    beside = effect.beside
    if beside is not None and beside.names:
        label = effect.classes[effect.answer]
        names = UnitNames({(label, unit): name for unit, name in enumerate(beside.names)})
    probabilities = effect.probabilities
    order = np.argsort(-probabilities.max(axis=0), kind="stable")
    first = dict.fromkeys([effect.answer, effect.after, *order.tolist()])
    shown = [
        (effect.classes[c], float(probabilities[0, c]), float(probabilities[1, c]))
        for c in list(first)[:_CLASSES]
    ]
    edited = [
        (outcome.edit.name, reduced(trial.apply(outcome.edit, trial.mask)))
        for outcome in effect.outcomes
    ]
    fills = [
        FillBeside(str(outcome.edit.fill), effect.drop(fill), effect.control_drops(fill),
                   effect.p(fill))
        for fill, outcome in enumerate(effect.outcomes)
    ]  # fmt: skip
    lightness = [outcome.edit.lightness for outcome in effect.outcomes]
    if len(set(lightness)) > 1:  # two ways with lightness are told apart by it, not by the fill
        words = [f"lightness {each or 'match'}" for each in lightness]
        fills = [replace(fill, name=name) for fill, name in zip(fills, words, strict=True)]
        edited = [
            (f"{name}, {word}", picture)
            for (name, picture), word in zip(edited, words, strict=True)
        ]
    return EditSheet(
        title=title,
        photograph=reduced(trial.photograph),
        mask=trial.mask,
        edited=edited,
        answers=(effect.classes[effect.answer], effect.classes[effect.after]),
        probabilities=shown,
        lead=effect.lead,
        fills=fills,
        strengths=STRENGTHS,
        dose_drops=effect.dose_drops.tolist(),
        heads=[] if beside is None else _heads(trial, beside),
        uniform=1.0 if beside is None else 1 / beside.maps[0, 0].size,
        wanted=effect.wanted,
        names=names,
    )


def _heads(trial: Trial, beside: MapsBeside) -> list[HeadBeside]:
    """Return the strongest heads before the edit."""
    small = reduced(trial.photograph).shape
    maxima = beside.maps.max(axis=(2, 3))

    def placed(when: int, head: int) -> NDArray[np.float32]:
        return place_on_photograph(
            beside.maps[when, head], beside.stride, beside.resized_shape, (small[0], small[1])
        )

    return [
        HeadBeside(
            head, placed(0, head), placed(1, head), (float(maxima[0, head]), float(maxima[1, head]))
        )
        for head in beside.ranked[:TOP_HEADS]
    ]
