"""How often a classifier is right: accuracy, by class, confusion, and two models compared."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy
from sklearn.metrics import confusion_matrix
from statsmodels.stats.contingency_tables import mcnemar

from intr_discover.errors import UserError
from intr_discover.figures.evaluation import confusion_matrix_figure, per_class_accuracy_figure
from intr_discover.studies.result import StudyResult
from intr_discover.studies.result import provenance as describe_run
from intr_discover.studies.statistics import bootstrap_interval, sign_flip_p, wilson

if TYPE_CHECKING:  # the study itself computes with arrays; only evaluate_run is handed these
    from intr_discover.data.specimens import Specimens
    from intr_discover.explain.explainer import Explainer


class PairedDifference(TypedDict):
    """Accuracy of model a minus that of model b, on the same images."""

    difference: float  # in [-1, 1]; above 0: a is better
    low: float  # of the 95 % interval
    high: float
    n: int  # images
    runs_a: int
    runs_b: int
    accuracy_a: float
    accuracy_b: float
    p: float  # two-sided
    test: str  # "McNemar exact" (one run each) or "sign flip" (several)


def evaluate_predictions(
    logits: npt.ArrayLike,
    true_ids: npt.ArrayLike,
    classes: Sequence[str],
    images: Sequence[str],
    *,
    provenance: dict[str, Any] | None = None,
) -> StudyResult:
    """Compare predictions with the truth.

    Parameters
    ----------
    logits
        ``[n, C]``, one row an image.
    true_ids
        ``[n]``, the true class of each image, in [0, C).
    classes
        The C class names in the order of the logits.
    images
        The n images, for the table.
    provenance
        Goes to the result unchanged.

    Returns
    -------
    StudyResult
        Named ``evaluate``. ``table``: one row an image with ``image``, ``label``, ``predicted``,
        ``probability`` (softmax, of the predicted class), ``correct``, ``rank_of_true`` (1 is
        right), ``margin`` (logit of the true class minus the largest other; above 0 is right),
        ``probability_of_true``, and ``top_1`` … ``top_k``, the k most probable classes.
        ``summary``: ``n``; ``top1``, ``top5`` and their 95 % Wilson intervals ``…_low``,
        ``…_high``; ``top5_counts``, the k that "top 5" means here (5, or C when there are fewer
        classes); ``mean_per_class_top1``, the mean over the ``n_classes_seen`` classes that have
        images (balanced accuracy); ``n_classes``; ``chance`` (1/C); ``n_tied``, the images whose
        largest logit belongs to several classes. ``tables``: ``per_class`` (``label``, ``n``,
        ``correct``, ``top1``, ``low``, ``high``, ``n_predicted``, ``precision``,
        ``mistaken_for``, the most frequent wrong answer) and ``confusion`` (counts, row = true).

    Raises
    ------
    UserError
        When there is no image, or when a logit is not finite.

    Notes
    -----
    Ties: classes with equal logits rank in the order of ``classes``, as ``argmax`` takes them.
    So ``predicted``, ``correct`` and ``rank_of_true == 1`` always agree; ``n_tied`` tells when a
    constant model profits from it. The intervals take images as independent: several photographs
    of one specimen make them too narrow.
    """
    logits = np.asarray(logits, dtype=np.float64)
    true_ids = np.asarray(true_ids, dtype=np.int64)
    count = len(true_ids)
    if count == 0:
        raise UserError("there is no image to evaluate; check the split and the table")
    assert logits.shape == (count, len(classes)), (logits.shape, count, len(classes))
    assert len(images) == count, (len(images), count)
    assert len(classes) >= 2, "a comparison needs at least two classes"
    assert true_ids.min() >= 0 and true_ids.max() < len(classes), "a true class without a name"
    broken = np.flatnonzero(~np.isfinite(logits).all(axis=1))
    if len(broken):
        raise UserError(
            f"the model's answer to {images[broken[0]]} is not a finite number "
            f"({len(broken)} of {count} images); its weights are damaged or its training diverged"
        )
    names = np.array([str(name) for name in classes], dtype=object)
    rows = np.arange(count)
    # A stable sort of the negated logits keeps equal ones in the order of the classes.
    order = np.argsort(-logits, axis=1, kind="stable")
    predicted = order[:, 0]
    rank_of_true = 1 + np.argmax(order == true_ids[:, None], axis=1)
    probabilities = scipy.special.softmax(logits, axis=1)
    logits_of_others = logits.copy()
    logits_of_others[rows, true_ids] = -np.inf
    top = min(5, len(classes))
    table = pd.DataFrame(
        {
            "image": [str(image) for image in images],
            "label": names[true_ids],
            "predicted": names[predicted],
            "probability": probabilities[rows, predicted],
            "correct": predicted == true_ids,
            "rank_of_true": rank_of_true,
            "margin": logits[rows, true_ids] - logits_of_others.max(axis=1),
            "probability_of_true": probabilities[rows, true_ids],
            **{f"top_{place + 1}": names[order[:, place]] for place in range(top)},
        }
    )
    counts = confusion_matrix(true_ids, predicted, labels=range(len(classes)))
    confusion = pd.DataFrame(
        counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted")
    )
    tied = (logits == logits.max(axis=1, keepdims=True)).sum(axis=1) > 1
    return evaluation_of(table, confusion, int(tied.sum()), dict(provenance or {}))


def evaluation_of(
    table: pd.DataFrame, confusion: pd.DataFrame, n_tied: int, provenance: dict[str, Any]
) -> StudyResult:
    """Return numbers and figures of answers that are known: of one model, or of several folds.

    Parameters
    ----------
    table
        One row an image, as ``evaluate_predictions`` makes it.
    confusion
        Counts ``[C, C]``, row = true, with the class names as index and columns.
    n_tied
        Images whose largest logit belongs to several classes.
    provenance
        Goes to the result unchanged.
    """
    names = confusion.index.to_numpy(dtype=object)
    count, top = len(table), min(5, len(names))
    per_class = _per_class(confusion.to_numpy(dtype=np.int64), names)
    ranks = table["rank_of_true"]
    right, among_top = int((ranks == 1).sum()), int((ranks <= top).sum())
    top1_low, top1_high = wilson(right, count)
    top5_low, top5_high = wilson(among_top, count)
    summary = {
        "top1": right / count,
        "top1_low": top1_low,
        "top1_high": top1_high,
        "top5": among_top / count,
        "top5_low": top5_low,
        "top5_high": top5_high,
        "top5_counts": top,
        "mean_per_class_top1": per_class["top1"].mean(),
        "n": count,
        "n_classes": len(names),
        "n_classes_seen": int((per_class["n"] > 0).sum()),
        "n_tied": n_tied,
        "chance": 1 / len(names),
    }
    return StudyResult(
        name="evaluate",
        table=table,
        summary=summary,
        provenance=provenance,
        tables={"per_class": per_class, "confusion": confusion},
        drawings={
            "confusion": partial(confusion_matrix_figure, confusion),
            "per_class_accuracy": partial(per_class_accuracy_figure, per_class),
        },
    )


def evaluate_run(
    explainer: Explainer,
    specimens: Specimens,
    *,
    split: str,
    command: Sequence[str] | None = None,
    batch_size: int = 32,
    progress: Callable[[int, int], None] | None = None,
) -> StudyResult:
    """Let a trained model classify photographs and compare with their labels.

    Parameters
    ----------
    explainer
        The model.
    specimens
        The photographs to classify; their labels must be known to the model.
    split
        Which split they are, for the record.
    command
        The command line, word by word, for the record.
    batch_size
        Most images that go through the model at once.
    progress
        Called with (images done, images in all).

    Returns
    -------
    StudyResult
        See ``evaluate_predictions``.

    Raises
    ------
    UserError
        If a label is unknown to the model or a photograph cannot be read.
    """
    true_ids = specimens.label_ids(explainer.classes)
    logits = explainer.logits(specimens.paths, batch_size=batch_size, progress=progress)
    record = describe_run(
        command,
        None,
        explainer.fingerprint,
        specimens.fingerprint(),
        device=explainer.device_name,
        precision=explainer.precision,
        split=split,
    )
    return evaluate_predictions(
        logits,
        true_ids,
        explainer.classes,
        specimens.table["image"].tolist(),
        provenance=record,
    )


def paired_difference(
    correct_a: npt.ArrayLike,
    correct_b: npt.ArrayLike,
    seed: int,
    n_resamples: int = 9999,
) -> PairedDifference:
    """Compare two models on the same images.

    Parameters
    ----------
    correct_a, correct_b
        ``[n]`` or ``[runs, n]``: whether each image was recognised, by one training run or by
        several (other seeds). The images are the same, in the same order; the number of runs may
        differ.
    seed
        Of the resampling.
    n_resamples
        How many bootstrap samples, and how many sign flips.

    Returns
    -------
    PairedDifference
        The mean accuracy of a minus that of b; its 95 % percentile bootstrap interval over
        images; a two-sided p-value: McNemar's exact test for one run each, else a sign-flip test
        of the images' differences (``statistics.sign_flip_p``).

    Notes
    -----
    The resampling unit is the image: interval and p-value say what other images would do to these
    runs. What other seeds would do is seen in the spread between runs.
    """
    a = np.atleast_2d(np.asarray(correct_a)).astype(np.float64)
    b = np.atleast_2d(np.asarray(correct_b)).astype(np.float64)
    assert a.ndim == b.ndim == 2 and a.shape[1] == b.shape[1], (a.shape, b.shape)
    assert np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all(), "right or wrong, 1 or 0"
    assert n_resamples >= 1, n_resamples
    count = a.shape[1]
    if count < 2:
        raise UserError(f"two models cannot be compared on {count} image(s); give at least 2")
    differences = a.mean(axis=0) - b.mean(axis=0)
    generator = np.random.default_rng(seed)
    low, high = bootstrap_interval(differences, generator, n_resamples=n_resamples)
    if len(a) == len(b) == 1:
        test, p = "McNemar exact", _mcnemar(a[0], b[0])
    else:
        test, p = "sign flip", sign_flip_p(differences, generator, n_resamples)
    return PairedDifference(
        difference=float(differences.mean()),
        low=low,
        high=high,
        n=count,
        runs_a=len(a),
        runs_b=len(b),
        accuracy_a=float(a.mean()),
        accuracy_b=float(b.mean()),
        p=p,
        test=test,
    )


def _per_class(counts: npt.NDArray[np.int64], names: npt.NDArray[np.object_]) -> pd.DataFrame:
    """Return one row a class from the confusion counts ``[C, C]`` (row = true)."""
    images, right, answers = counts.sum(axis=1), np.diag(counts), counts.sum(axis=0)
    intervals = [wilson(int(k), int(n)) for k, n in zip(right, images, strict=True)]
    wrong = counts - np.diag(right)
    return pd.DataFrame(
        {
            "label": names,
            "n": images,
            "correct": right,
            "top1": _share(right, images),
            "low": [low for low, _ in intervals],
            "high": [high for _, high in intervals],
            "n_predicted": answers,
            "precision": _share(right, answers),
            # The first of equally frequent ones; None where every answer was right.
            "mistaken_for": np.where(wrong.any(axis=1), names[wrong.argmax(axis=1)], None),
        }
    )


def _share(part: npt.NDArray[np.int64], whole: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return part / whole, NaN where the whole is empty."""
    shares = np.full(len(whole), np.nan)
    np.divide(part, whole, out=shares, where=whole > 0)
    return shares


def _mcnemar(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    """Return McNemar's exact two-sided p-value for two rows of 0 and 1."""
    return float(mcnemar(confusion_matrix(a, b, labels=[0, 1]), exact=True).pvalue)
