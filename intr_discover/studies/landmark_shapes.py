"""Landmarks of specimens: brought to one side, and their mean shape. Numbers in, numbers out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

Point = tuple[float, float]
Numbers = NDArray[np.float64]

FEWEST_LANDMARKS = 4
"""A view of a specimen with fewer visible landmarks has no place in the frame."""

_ROUNDS = 6  # of the mean shape; after three it moves by less than a thousandth
_ON_A_LINE = 1e-3  # width over length of the landmarks
_SIDES = re.compile(r"(?i)(?<![a-z])(left|right|l|r)(?![a-z])")


@dataclass(frozen=True)
class View:
    """Landmarks of one side of a specimen.

    Attributes
    ----------
    side
        ``"left"`` or ``"right"`` as the names say; ``""`` where they say nothing.
    points
        x and y in pixels by name, the name without the side.
    middle
        Names of those on the middle line, which both sides share.
    """

    side: str
    points: Mapping[str, Point]
    middle: frozenset[str] = frozenset()


def one_sided(keypoints: Mapping[str, Point]) -> list[View]:
    """Return the views of one side that a specimen's landmarks give.

    Parameters
    ----------
    keypoints
        Visible landmarks by name. The word *left* or *right* in a name (or the letter *l* or *r*
        standing alone) says its side; all others lie on the middle line, or have no side.

    Returns
    -------
    list of View
        One for each side that has landmarks, with those of the middle line; a single one where no
        name has a side. Views of fewer than ``FEWEST_LANDMARKS``, or of landmarks on one line,
        are left out: nothing can be placed by them.
    """
    middle: dict[str, Point] = {}
    sides: dict[str, dict[str, Point]] = {"left": {}, "right": {}}
    for name, point in keypoints.items():
        found = _SIDES.search(name)
        if found is None:
            middle[name] = point
        else:
            bare = re.sub(r"[_\-. ]{2,}", "_", _SIDES.sub("", name, count=1)).strip("_-. ")
            sides["left" if found[1][0] in "lL" else "right"][bare] = point
    shared = frozenset(middle)
    views = [View(side, {**middle, **points}, shared) for side, points in sides.items() if points]
    return [view for view in views or [View("", middle)] if _can_place(view)]


def mean_shape(configurations: ArrayLike) -> Numbers:
    """Return the mean of landmark configurations after moving, scaling, turning and mirroring.

    Parameters
    ----------
    configurations
        ``[n, L, 2]`` x and y; NaN where a landmark is not visible.

    Returns
    -------
    ndarray
        ``[L, 2]`` with the middle at 0 and a mean distance from it of 1; NaN for a landmark that
        is visible nowhere. It stands as most configurations do (generalised Procrustes analysis:
        Gower 1975), so that a map in the frame is upright where the photographs are.
    """
    shapes = np.array([_centred(shape) for shape in np.asarray(configurations, np.float64)])
    visible = ~np.isnan(shapes[:, :, 0])
    # The configuration of most landmarks is the first mean: it holds all or nearly all of them.
    mean = shapes[int(visible.sum(axis=1).argmax())]
    for _ in range(_ROUNDS):
        turned = np.array([_onto(shape, mean) for shape in shapes])
        mean = _centred(_mean(turned))
    turns = np.array([_turn(mean, shape) for shape in shapes])
    hands = np.linalg.det(turns)
    # Mirrored ones would cancel the others: the larger group says how the frame stands.
    usual = 1.0 if (hands > 0).sum() * 2 >= len(hands) else -1.0
    u, _, v = np.linalg.svd(turns[hands * usual > 0].mean(axis=0))
    return mean @ (u @ v)


def _can_place(view: View) -> bool:
    if len(view.points) < FEWEST_LANDMARKS:
        return False
    points = np.array(list(view.points.values()), dtype=np.float64)
    spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    return bool(spread[1] > _ON_A_LINE * spread[0])


def size_of(shape: Numbers) -> float:
    """Return the mean distance of visible landmarks from their middle."""
    middle = np.nanmean(shape, axis=0)
    return float(np.nanmean(np.linalg.norm(shape - middle, axis=1)))


def _centred(shape: Numbers) -> Numbers:
    return (shape - np.nanmean(shape, axis=0)) / size_of(shape)


def _turn(shape: Numbers, target: Numbers) -> Numbers:
    """Return the rotation, or rotation and mirroring, ``[2, 2]`` that takes one to the other."""
    both = ~(np.isnan(shape[:, 0]) | np.isnan(target[:, 0]))
    a, b = shape[both], target[both]
    turn, _ = scipy.linalg.orthogonal_procrustes(a - a.mean(axis=0), b - b.mean(axis=0))
    return np.asarray(turn)


def _onto(shape: Numbers, target: Numbers) -> Numbers:
    """Return a configuration moved, scaled, turned and mirrored onto another, by what both have."""
    both = ~(np.isnan(shape[:, 0]) | np.isnan(target[:, 0]))
    if both.sum() < 2:
        return np.full_like(shape, np.nan)
    middle, aim = shape[both].mean(axis=0), target[both].mean(axis=0)
    scale = size_of(target[both]) / size_of(shape[both])
    return (shape - middle) @ _turn(shape, target) * scale + aim


def _mean(shapes: Numbers) -> Numbers:
    """Return the mean ``[L, 2]`` of what is visible; NaN where nothing is."""
    visible = ~np.isnan(shapes)
    total, count = np.where(visible, shapes, 0.0).sum(axis=0), visible.sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
