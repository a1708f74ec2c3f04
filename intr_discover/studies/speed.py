"""How fast a model is here: measured on a few photographs before the time is shared out."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TypeVar

from intr_discover.explain.explainer import Explainer
from intr_discover.model.intr import INTR
from intr_discover.studies.budget import Speed, stratified_sample
from intr_discover.studies.study import StudyInputs

Answer = TypeVar("Answer")

_IMAGES = 5
_LONGEST = 8.0  # seconds; after that, what was measured so far must do


def measure_speed(inputs: StudyInputs) -> Speed:
    """Return the seconds that one photograph and one question about it take.

    Notes
    -----
    The first photograph warms up and does not count, unless it alone takes too long. Of the
    others the median counts. A plain classifier answers no questions: its ``decode`` is 0.
    """
    rows = stratified_sample(inputs.specimens.table["label"].tolist(), _IMAGES + 1, inputs.seed)
    paths = [inputs.specimens.paths[row] for row in rows]
    one = _explain_one if isinstance(inputs.explainer.model, INTR) else _classify_one
    began = time.monotonic()
    measured = []
    for path in paths:
        measured.append(one(inputs.explainer, path))
        if time.monotonic() - began > _LONGEST:
            break
    counted = measured[1:] or measured
    return Speed(
        encode=median([encode for encode, _ in counted]),
        decode=median([decode for _, decode in counted]),
    )


def _explain_one(explainer: Explainer, path: Path) -> tuple[float, float]:
    encoded, encode = _timed(lambda: explainer.encode(path))
    _, decode = _timed(lambda: explainer.explain(encoded))
    return encode, decode


def _classify_one(explainer: Explainer, path: Path) -> tuple[float, float]:
    _, seconds = _timed(lambda: explainer.logits([path]))
    return seconds, 0.0


def _timed(question: Callable[[], Answer]) -> tuple[Answer, float]:
    began = time.monotonic()
    answer = question()
    return answer, time.monotonic() - began
