"""What a model, or another method, looks at in specimens whose attributes are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from intr_discover import Explainer
from intr_discover.explain.importance import head_importance, margin
from intr_discover.explain.method import Method
from intr_discover.model.intr import INTR
from intr_discover.studies.pointing import peak_positions, peaks_of

Picture = NDArray[np.uint8]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Looked:
    """What is seen in one specimen.

    Attributes
    ----------
    answer
        The class that is answered.
    margin
        Of the true class, in logits.
    peaks
        ``[U, 2]`` for the true class, and for the class that is answered: x and y of each unit's
        peak in pixels.
    ranked
        The units of both, from the strongest to the weakest.
    strengths
        ``[U]``: of the true class's units; of a head, its largest weight.
    importance
        ``[U]``: drop of the margin without the head; NaN where nothing can be switched off.
    cell
        Height of a cell in pixels.
    """

    answer: str
    margin: float
    peaks: tuple[Numbers, Numbers]
    ranked: tuple[Sequence[int], Sequence[int]]
    strengths: Numbers
    importance: Numbers
    cell: float


def look(
    studied: Explainer | Method, pictures: Sequence[Picture], labels: Sequence[str]
) -> list[Looked]:
    """Return what is seen in pictures of one size, whose true classes are known."""
    if isinstance(studied, Method):
        return _with_units(studied, pictures, labels)
    return _with_heads(studied, pictures, labels)


def _with_heads(
    explainer: Explainer, pictures: Sequence[Picture], labels: Sequence[str]
) -> list[Looked]:
    model = explainer.model
    assert isinstance(model, INTR)
    own = torch.tensor([explainer.classes.index(label) for label in labels])
    batch = torch.stack([explainer.preprocessing(picture) for picture in pictures])
    with torch.inference_mode():
        encoded = model.encode(batch)
        answers = model.decode(encoded).logits.argmax(dim=1)
        output = model.decode(encoded, attend=torch.stack([own, answers], dim=1))
        margins = margin(output.logits, own)
        importance = head_importance(model, encoded, own).double().numpy()
    assert output.attention is not None and output.map_maxima is not None
    resized = (batch.shape[2], batch.shape[3])
    size = (pictures[0].shape[0], pictures[0].shape[1])
    # Of the true class's query and of the answer's: [B, 2, R, 2].
    peaks = peak_positions(output.attention.numpy(), model.stride, resized, size)
    maxima = output.map_maxima.double().numpy()
    strongest = np.argsort(-maxima, axis=2, kind="stable")
    return [
        Looked(
            explainer.classes[int(answers[row])],
            float(margins[row]),
            (peaks[row, 0], peaks[row, 1]),
            (strongest[row, 0].tolist(), strongest[row, 1].tolist()),
            maxima[row, 0],
            importance[row],
            model.stride * size[0] / resized[0],
        )
        for row in range(len(pictures))
    ]


def _with_units(method: Method, pictures: Sequence[Picture], labels: Sequence[str]) -> list[Looked]:
    logits = torch.from_numpy(method.logits(pictures, batch_size=len(pictures)))
    own = torch.tensor([method.classes.index(label) for label in labels])
    margins, answers = margin(logits, own), logits.argmax(dim=1).tolist()
    found = []
    for row, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        answer = method.classes[answers[row]]
        units = method.checked_units(picture, label, f"specimen {row}")
        other = units
        if answer != label:
            other = method.checked_units(picture, answer, f"specimen {row}")
        found.append(
            Looked(
                answer,
                float(margins[row]),
                (peaks_of(units), peaks_of(other)),
                (units.ranked(), other.ranked()),
                units.strengths,
                np.full(len(units), np.nan),
                units.cell[0],
            )
        )
    return found
