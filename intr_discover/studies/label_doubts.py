"""Which labels a model doubts: from probabilities of photographs it was not trained on to doubts.

After Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels",
Journal of Artificial Intelligence Research 70, 2021: every class has its own threshold, the mean
probability that the model gives it in the photographs labelled so, and a photograph counts
confidently as a class when it reaches that class's threshold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

MISLABELLED = "looks like another"
BETWEEN = "between two"

TOGETHER = 0.75
"""Two classes share a photograph when they hold at least so much of the probability,"""

SECOND = 0.3
"""and the second of them at least so much of what both hold."""

_ROUNDING = 1e-9  # of a mean of equal numbers


@dataclass(frozen=True)
class Doubts:
    """What is doubted of n photographs.

    Attributes
    ----------
    other
        ``[n]``: class id of what it looks like instead: for ``MISLABELLED`` the class it
        confidently counts as, else the most probable class that is not its label.
    own_probability, other_probability
        ``[n]``, in [0, 1].
    margin
        ``[n]``, in [-1, 1]: the label's probability minus that of the best other class, after each
        class's probabilities are divided by its threshold and the classes of a photograph are
        brought back to a sum of 1. The lower, the more doubtful.
    kind
        ``[n]``: ``MISLABELLED``, ``BETWEEN`` or None.
    """

    other: NDArray[np.int64]
    own_probability: NDArray[np.float64]
    other_probability: NDArray[np.float64]
    margin: NDArray[np.float64]
    kind: NDArray[np.object_]


def class_thresholds(probabilities: ArrayLike, labels: ArrayLike) -> NDArray[np.float64]:
    """Return the mean probability of each class in the photographs labelled so.

    Parameters
    ----------
    probabilities
        ``[n, C]``, each row sums to 1.
    labels
        ``[n]`` class ids.

    Returns
    -------
    ndarray
        ``[C]``, in [0, 1]; a class without photographs has the mean of the others.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    labels = np.asarray(labels, dtype=np.int64)
    assert len(probabilities) == len(labels) > 0, (len(probabilities), len(labels))
    own = probabilities[np.arange(len(labels)), labels]
    count = np.bincount(labels, minlength=probabilities.shape[1])
    total = np.bincount(labels, weights=own, minlength=probabilities.shape[1])
    there = count > 0
    thresholds = np.full(len(count), np.nan)
    thresholds[there] = total[there] / count[there]
    thresholds[~there] = thresholds[there].mean()
    return thresholds


def find_doubts(probabilities: ArrayLike, labels: ArrayLike) -> Doubts:
    """Compare every label with what the model sees.

    Parameters
    ----------
    probabilities
        ``[n, C]``, each row sums to 1, of photographs that the model was not trained on; C ≥ 2.
    labels
        ``[n]`` class ids.

    Notes
    -----
    ``MISLABELLED``: of the classes whose threshold the photograph reaches, the most probable one is
    not its label (an off-diagonal entry of the paper's confident joint), and it is more probable
    than the label. ``BETWEEN``: else, and the label is one of the two most probable classes, which
    hold ``TOGETHER`` of the probability, the second of them ``SECOND`` of that. Equal probabilities
    count for the class that comes first.
    """
    probabilities = np.asarray(probabilities, dtype=np.float64)
    labels = np.asarray(labels, dtype=np.int64)
    assert probabilities.ndim == 2 and probabilities.shape[1] >= 2, probabilities.shape
    rows = np.arange(len(labels))
    thresholds = class_thresholds(probabilities, labels)
    reaches = probabilities >= thresholds - _ROUNDING
    counted = np.where(reaches, probabilities, -1.0).argmax(axis=1)
    own = probabilities[rows, labels]
    wrong = reaches.any(axis=1) & (probabilities[rows, counted] > own)
    best_other = _without(probabilities, labels).argmax(axis=1)
    other = np.where(wrong, counted, best_other)
    order = np.argsort(-probabilities, axis=1, kind="stable")
    first, second = probabilities[rows, order[:, 0]], probabilities[rows, order[:, 1]]
    both = first + second
    labelled = (order[:, :2] == labels[:, None]).any(axis=1)
    shared = labelled & (both >= TOGETHER) & (second >= SECOND * both)
    kind = np.full(len(labels), None, dtype=object)
    kind[shared] = BETWEEN
    kind[wrong] = MISLABELLED
    # A class that the model never gives anything has no say: its threshold is no divisor.
    weighed = probabilities / np.maximum(thresholds, 1 / probabilities.shape[1] ** 2)
    weighed /= weighed.sum(axis=1, keepdims=True)
    margin = weighed[rows, labels] - _without(weighed, labels).max(axis=1)
    return Doubts(other.astype(np.int64), own, probabilities[rows, other], margin, kind)


def _without(values: NDArray[np.float64], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the values with each row's own class out of the running."""
    others = values.copy()
    others[np.arange(len(labels)), labels] = -np.inf
    return others
