"""How alike are the classes to the model? Every pair: confusion, margin, distance of features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import scipy
from numpy.typing import ArrayLike, NDArray

Numbers = NDArray[np.float64]


def mean_margins(logits: ArrayLike, class_ids: ArrayLike, classes: Sequence[int]) -> Numbers:
    """Return how near each class comes to each other one.

    Parameters
    ----------
    logits
        ``[n, C]``.
    class_ids
        ``[n]``: true classes.
    classes
        K class ids that have photographs.

    Returns
    -------
    ndarray
        ``[K, K]``: mean of ``logit_j - logit_i`` over the photographs of class i; 0 on the
        diagonal, above 0 where j is preferred.
    """
    logits, class_ids = np.asarray(logits, dtype=np.float64), np.asarray(class_ids)
    means = np.array([logits[class_ids == label].mean(axis=0)[list(classes)] for label in classes])
    return np.asarray(means - np.diag(means)[:, None])


def confusions(predicted: ArrayLike, class_ids: ArrayLike, classes: Sequence[int]) -> Numbers:
    """Return ``[K, K]``: the share of the photographs of class i that are answered as class j.

    A row sums to less than 1 where classes without photographs were answered.
    """
    predicted, class_ids = np.asarray(predicted), np.asarray(class_ids)
    return np.array(
        [
            [(predicted[class_ids == label] == other).mean() for other in classes]
            for label in classes
        ]
    )


def feature_distances(
    features: Mapping[int, NDArray[np.float32]], classes: Sequence[int]
) -> Numbers:
    """Return how differently the decoder answers the photographs of two classes.

    Parameters
    ----------
    features
        Class id → ``[C, D]``: the decoder's output for all queries, mean over the class's
        photographs.
    classes
        K class ids.

    Returns
    -------
    ndarray
        ``[K, K]``: cosine distance in [0, 2] of the means, after the mean over all K classes was
        taken off: what all photographs have in common would otherwise make all of them alike.
    """
    means = np.stack([features[label].ravel() for label in classes]).astype(np.float64)
    means -= means.mean(axis=0)
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    units = np.divide(means, lengths, out=np.zeros_like(means), where=lengths > 0)
    distances = np.clip(1 - units @ units.T, 0.0, 2.0)
    np.fill_diagonal(distances, 0.0)
    return np.asarray((distances + distances.T) / 2)


def pair_matrix(
    names: Sequence[str],
    counts: Sequence[int],
    margins: Numbers,
    confused: Numbers,
    distances: Numbers,
    known: Sequence[tuple[str, str]],
    hidden: Numbers | None = None,
) -> pd.DataFrame:
    """Return one row for every two classes, the most confusable first.

    Parameters
    ----------
    names, counts
        K class names, and how many photographs each has.
    margins, confused, distances
        ``[K, K]``, see above.
    known
        The pairs that are known to be look-alikes.
    hidden
        ``[K, K]``: see ``half_hidden.mean_answers``; None where no half-hidden views were asked.

    Returns
    -------
    DataFrame
        ``label_a``, ``label_b``, ``n_a``, ``n_b``, ``taken_a`` (share of the photographs of a that
        are answered as b), ``taken_b``, ``margin_a``, ``margin_b`` (mean logit of the look-alike
        minus the true class's), ``confusability`` (mean of the two), ``margin_rank`` (1 has the
        largest; equal ones share the worst rank), ``feature_distance``, ``feature_rank`` (1 has the
        smallest), ``hidden_a``, ``hidden_b`` (mean probability of the look-alike when half of the
        photograph is hidden), ``hidden_confusability`` (mean of the two; all three NaN without
        views), ``rank`` (1 has the largest; that by margins without views), ``known``.
    """
    first, second = (each.tolist() for each in np.triu_indices(len(names), k=1))
    listed = {frozenset(pair) for pair in known}
    table = pd.DataFrame(
        {
            "label_a": [names[a] for a in first],
            "label_b": [names[b] for b in second],
            "n_a": [counts[a] for a in first],
            "n_b": [counts[b] for b in second],
            "taken_a": confused[first, second],
            "taken_b": confused[second, first],
            "margin_a": margins[first, second],
            "margin_b": margins[second, first],
            "confusability": (margins[first, second] + margins[second, first]) / 2,
            "feature_distance": distances[first, second],
        }
    )
    if hidden is None:
        hidden = np.full_like(margins, np.nan, dtype=np.float64)
    table["hidden_a"] = hidden[first, second]
    table["hidden_b"] = hidden[second, first]
    table["hidden_confusability"] = (table["hidden_a"] + table["hidden_b"]) / 2
    table["margin_rank"] = scipy.stats.rankdata(-table["confusability"], method="max").astype(
        np.int64
    )
    by_views = scipy.stats.rankdata(-table["hidden_confusability"], method="max", nan_policy="omit")
    table["rank"] = np.where(np.isnan(by_views), table["margin_rank"], by_views).astype(np.int64)
    table["feature_rank"] = scipy.stats.rankdata(table["feature_distance"], method="max").astype(
        np.int64
    )
    table["known"] = [
        frozenset(pair) in listed for pair in zip(table["label_a"], table["label_b"], strict=True)
    ]
    return table.sort_values("rank", kind="stable", ignore_index=True)


def ranked_first(ranks: ArrayLike, known: ArrayLike) -> float:
    """Return the share of known pairs that rank before every other pair.

    Parameters
    ----------
    ranks
        ``[pairs]``: 1 is the first; of equal pairs none comes before the other.
    known
        ``[pairs]``.

    Returns
    -------
    float
        NaN where no pair is known, or all are.
    """
    ranks, known = np.asarray(ranks), np.asarray(known, dtype=np.bool_)
    if not known.any() or known.all():
        return float("nan")
    return float((ranks[known] < ranks[~known].min()).mean())
