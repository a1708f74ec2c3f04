"""Asks for which class a specimen is taken when half of the photograph is hidden.

A model that is always right says little about likeness by its logits: how far the wrong classes lie
behind is a matter of chance once none of them ever wins. Hidden behind a blur, the attribute that
separates two look-alikes is gone from some views, and what is left is what they share.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import scipy
import torch
from numpy.typing import NDArray

from intr_discover.data.loading import evaluation_batches
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.posthoc.rise import RiseSettings, random_masks
from intr_discover.studies.finite import require_finite_answers

VIEWS_A_CLASS = 120
"""Half-hidden views of each class, shared by its photographs."""

_BLUR = 0.05  # spread of the blur, as a share of the shorter side

Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]


def views_each(class_ids: NDArray[np.int64], views: int) -> NDArray[np.int64]:
    """Return how many views each photograph gets, so that each class has at least ``views``.

    Parameters
    ----------
    class_ids
        ``[n]``.
    views
        Of a class; 0 for none.

    Returns
    -------
    ndarray
        ``[n]``: ``ceil(views / photographs of the class)``.
    """
    if not len(class_ids):
        return np.zeros(0, dtype=np.int64)
    counts = np.bincount(class_ids)
    return np.array([math.ceil(views / counts[label]) for label in class_ids], dtype=np.int64)


def half_hidden(picture: Floats, views: int, seed: int | tuple[int, ...]) -> Iterator[Floats]:
    """Yield views of a picture, half of which is blurred beyond recognition of a detail.

    Parameters
    ----------
    picture
        ``[channels, H, W]``.
    views
        How many.
    seed
        Of the places that are hidden.

    Yields
    ------
    ndarray
        ``[channels, H, W]``. Places are drawn as by RISE (Petsiuk et al. 2018): 8 by 8 cells, each
        hidden with probability ½, with soft borders. What is hidden is not black, which no
        photograph shows, but the picture under a Gaussian blur with a spread of 5 % of the shorter
        side.
    """
    spread = max(0.5, _BLUR * min(picture.shape[1:]))
    blurred = np.stack([cv2.GaussianBlur(channel, (0, 0), spread) for channel in picture])
    for mask in random_masks((picture.shape[1], picture.shape[2]), RiseSettings(masks=views), seed):
        yield mask * picture + (1 - mask) * blurred


def half_hidden_answers(
    explainer: Explainer,
    paths: Sequence[Path],
    views: NDArray[np.int64],
    seed: int,
    *,
    batch_size: int = 32,
    progress: Callable[[int, int], None] | None = None,
) -> Numbers:
    """Return with which probability each photograph is taken for each class when half is hidden.

    Parameters
    ----------
    explainer
        Any classifier.
    paths
        n photographs.
    views
        ``[n]``: how many views of each, at least 1.
    seed
        Of the places that are hidden; each photograph has its own.
    batch_size
        Most pictures that go through the model at once.
    progress
        Called with (views done, views in all).

    Returns
    -------
    ndarray
        ``[n, C]``: softmax, mean over the views.

    Raises
    ------
    UserError
        If a photograph cannot be read, or the model's logits are no numbers.
    """
    means = np.zeros((len(paths), len(explainer.classes)))
    done, total = 0, int(views.sum())
    for rows, photographs in evaluation_batches(paths, explainer.preprocessing, batch_size):
        for row, photograph in zip(rows, photographs.numpy(), strict=True):
            count = int(views[row])
            waiting = half_hidden(photograph, count, (seed, row))
            while some := list(itertools.islice(waiting, batch_size)):
                pictures = torch.from_numpy(np.stack(some))
                with torch.inference_mode():
                    logits = explainer.model(pictures.to(explainer.device)).logits.float().cpu()
                require_finite_answers([logits], np.full(len(pictures), row), paths)
                means[row] += (
                    scipy.special.softmax(logits.numpy().astype(np.float64), axis=1).sum(axis=0)
                    / count
                )
                done += len(pictures)
                if progress is not None:
                    progress(done, total)
    return means


def mean_answers(answers: Numbers, class_ids: NDArray[np.int64], classes: Sequence[int]) -> Numbers:
    """Return the mean answers of the photographs of each class.

    Parameters
    ----------
    answers
        ``[n, C]``, probabilities.
    class_ids
        ``[n]``.
    classes
        K class ids that have photographs.

    Returns
    -------
    ndarray
        ``[K, K]``: in row i, column j the mean probability of class j over photographs of class i.
    """
    return np.array([answers[class_ids == label].mean(axis=0)[list(classes)] for label in classes])
