"""What the sheet of one edit shows, from its trial and its effect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from intr_discover.explain.explainer import Explainer
from intr_discover.explain.maps import place_on_photograph
from intr_discover.figures.edit_sheet import EditSheet, FillBeside, HeadBeside
from intr_discover.figures.head_names import NO_NAMES, HeadNames
from intr_discover.model.intr import INTR
from intr_discover.studies.effect import STRENGTHS, Effect, Trial
from intr_discover.studies.looking import TOP_HEADS, reduced

_CLASSES = 4


def sheet_of(
    explainer: Explainer, trial: Trial, effect: Effect, title: str, names: HeadNames = NO_NAMES
) -> EditSheet:
    """Return what is drawn of one edit; photographs are reduced to what a figure can show.

    Parameters
    ----------
    explainer
        The model that was asked.
    trial, effect
        What was done, and what became of it.
    title
        Of the sheet.
    names
        What people call the heads.
    """
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
        heads=_heads(explainer, trial, effect),
        uniform=1.0 if effect.maps is None else 1 / effect.maps[0, 0].size,
        wanted=effect.wanted,
        names=names,
    )


def _heads(explainer: Explainer, trial: Trial, effect: Effect) -> list[HeadBeside]:
    """Return the heads with the largest map maxima before the edit."""
    if effect.maps is None:
        return []
    assert isinstance(explainer.model, INTR)
    read = explainer.preprocessing(trial.photograph)
    resized = (read.shape[1], read.shape[2])
    small = reduced(trial.photograph).shape
    maxima = effect.maps.max(axis=(2, 3))
    stride = explainer.model.stride

    def placed(when: int, head: int) -> NDArray[np.float32]:
        assert effect.maps is not None
        return place_on_photograph(effect.maps[when, head], stride, resized, (small[0], small[1]))

    return [
        HeadBeside(
            head, placed(0, head), placed(1, head), (float(maxima[0, head]), float(maxima[1, head]))
        )
        for head in np.argsort(-maxima[0], kind="stable")[:TOP_HEADS].tolist()
    ]
