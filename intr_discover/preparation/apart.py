"""Several specimens in one photograph: which pixels are whose, and in which order."""

from __future__ import annotations

from string import ascii_lowercase

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.preparation.boxes import mask_box

Mask = NDArray[np.bool_]

_FEWEST_OTHERS = 2
_TOO_LARGE = 1.6  # times the median of the other specimens of the photograph


def separate(mask: Mask, least_share: float) -> list[Mask]:
    """Return one mask for each specimen, in reading order: left to right, top to bottom.

    Parameters
    ----------
    mask
        ``bool [H, W]``: all specimens.
    least_share
        Of the largest connected part's area, 0 to 1; smaller parts are no specimens, and are in
        none of the masks.

    Returns
    -------
    list of ndarray
        ``bool [H, W]`` each, disjoint; empty where the mask is. Parts that touch stay one.
    """
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count < 2:  # the ground alone
        return []
    areas = boxes[1:, cv2.CC_STAT_AREA]
    large = 1 + np.flatnonzero(areas >= least_share * areas.max())
    parts = [np.asarray(labels == number, dtype=bool) for number in large]
    return [parts[place] for place in _reading_order(parts)]


def letters(count: int) -> list[str]:
    """Return a, b, … z, aa, ab, … for so many specimens."""
    named = []
    for number in range(count):
        name, rest = "", number + 1
        while rest:
            rest, place = divmod(rest - 1, len(ascii_lowercase))
            name = ascii_lowercase[place] + name
        named.append(name)
    return named


def nearest_part(parts: list[Mask]) -> NDArray[np.intp]:
    """Return for each pixel the place of the part that is nearest to it, ``int [H, W]``."""
    beside = np.logical_not(np.logical_or.reduce(parts))
    _, nearest = cv2.distanceTransformWithLabels(
        beside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5, labelType=cv2.DIST_LABEL_CCOMP
    )
    place_of = np.zeros(int(nearest.max()) + 1, dtype=np.intp)
    for place, part in enumerate(parts):
        place_of[nearest[part]] = place
    return np.asarray(place_of[nearest])


def may_touch(part: Mask, others: list[Mask]) -> bool:
    """Return whether one part may be two specimens that touch. A guess, said and never acted on.

    Parameters
    ----------
    part
        ``bool [H, W]``, not empty.
    others
        The other specimens of the photograph.

    Returns
    -------
    bool
        Whether the part is more than 1.6 times as large as the median of at least two others. With
        fewer there is nothing to tell from: one spread butterfly has as narrow a waist as two that
        touch.
    """
    if len(others) < _FEWEST_OTHERS:
        return False
    return bool(part.sum() > _TOO_LARGE * np.median([other.sum() for other in others]))


def _reading_order(parts: list[Mask]) -> list[int]:
    """Return the places of the parts, line by line; a line is what overlaps its first in height."""
    boxes = [mask_box(part) for part in parts]
    middle = [(top + bottom) / 2 for _, top, _, bottom in boxes]
    left = sorted(range(len(parts)), key=lambda place: (boxes[place][1], boxes[place][0]))
    ordered: list[int] = []
    while left:
        bottom = boxes[left[0]][3]
        line = [place for place in left if middle[place] < bottom]
        ordered += sorted(line, key=lambda place: boxes[place][0])
        left = [place for place in left if place not in line]
    return ordered
