"""The simplest classifier of aligned patterns: a logistic regression on their pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from intr_discover import Specimens

SIDE = 32
"""Pixels of the side to which pictures are reduced."""

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0, 10.0)
"""Inverse strengths C of the L2 penalty that compete."""


@dataclass(frozen=True)
class Baseline:
    """What the logistic regression of one fold answers.

    Attributes
    ----------
    logits
        ``[n, C]`` of the held-out pictures: log probabilities, classes in the order of their names.
    more_logits
        The same after fitting the validation pictures too.
    penalty
        The C that was chosen.
    validation_top1
        With it, on the validation pictures.
    """

    logits: NDArray[np.float64]
    more_logits: NDArray[np.float64]
    penalty: float
    validation_top1: float


def pixel_regression(split: Specimens) -> Baseline:
    """Fit one fold.

    Parameters
    ----------
    split
        With the splits train, val and test. It is fitted to the training pictures; the penalty is
        the one with the smallest log loss on the validation pictures. So it sees what INTR
        sees, for the same use.
    """
    pixels = {name: small_pixels(split.select(split=name).paths) for name in split.splits}
    labels = {
        name: split.select(split=name).table["label"].to_numpy(dtype=str) for name in split.splits
    }

    def fitted(penalty: float, names: Sequence[str]) -> Pipeline:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=5000))
        return model.fit(
            np.concatenate([pixels[name] for name in names]),
            np.concatenate([labels[name] for name in names]),
        )

    models = {penalty: fitted(penalty, ["train"]) for penalty in PENALTIES}
    chosen = min(
        PENALTIES,
        key=lambda penalty: log_loss(
            labels["val"], models[penalty].predict_proba(pixels["val"]), labels=split.classes
        ),
    )
    more = fitted(chosen, ["train", "val"])
    return Baseline(
        models[chosen].predict_log_proba(pixels["test"]),
        more.predict_log_proba(pixels["test"]),
        chosen,
        float(models[chosen].score(pixels["val"], labels["val"])),
    )


def small_pixels(paths: Sequence[Path]) -> NDArray[np.float64]:
    """Return ``[n, SIDE²]``: the share of pattern in each cell of a coarse grid, in [0, 1]."""
    rows = []
    for path in paths:
        with Image.open(path) as picture:
            reduced = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
        rows.append(np.asarray(reduced, dtype=np.float64).ravel() / 255)
    return np.stack(rows)
