"""Where the specimen probably is, found without a mask: what differs from the picture's border.

An automatic mask is a guess. Whoever uses one says so beside every number that rests on it.
"""

from __future__ import annotations

import cv2
import numpy as np
import scipy
from numpy.typing import NDArray

SIDE = 160
"""Pixels of the longer side on which the guess is made."""

_FRAME = 0.04  # of the shorter side: where a specimen is least likely
_RINGS = 3.0  # how many spreads of the border's colour still count as background
_LEAST_DISTANCE = 12.0  # CIELAB; shading of an even backdrop stays below
_ROUNDS = 5  # of GrabCut
_SMALLEST, _LARGEST = 0.005, 0.95  # share of the picture that a specimen may have
_SMALLEST_PART = 0.05  # of the largest part; less is dust


def automatic_foreground(photograph: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """Guess which pixels show the specimen.

    Parameters
    ----------
    photograph
        ``uint8 [H, W, 3]``, sRGB.

    Returns
    -------
    ndarray or None
        ``bool [H, W]``; None where nothing in the picture can be told from its border.

    Notes
    -----
    The picture is reduced to 160 pixels. GrabCut (Rother, Kolmogorov and Blake 2004) holds the
    outermost 4 % as background, begins with all the rest as specimen, and moves the outline to
    where colours change. Holes are closed, and parts below a twentieth of the largest go. Where
    less than 0.5 % or more than 95 % of the picture is left, the specimen is what differs in
    CIELAB from the median colour of the frame, by more than 12 and by more than three times the
    spread there. The same picture always gives the same mask.
    """
    height, width = photograph.shape[:2]
    shrink = min(1.0, SIDE / max(height, width))
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    small = np.asarray(cv2.resize(photograph, size, interpolation=cv2.INTER_AREA), np.uint8)
    frame = border(small.shape[:2])
    if frame.all():
        return None
    found = _cleaned(_grab_cut(small, frame))
    if not _SMALLEST <= found.mean() <= _LARGEST:
        found = _cleaned(_differs_from_border(small, frame) & ~frame)
        if not _SMALLEST <= found.mean() <= _LARGEST:
            return None
    back = cv2.resize(found.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    mask: NDArray[np.bool_] = back >= 0.5
    return mask


def border(shape: tuple[int, ...], share: float = _FRAME) -> NDArray[np.bool_]:
    """Return the outermost pixels of a picture, ``bool [H, W]``.

    Parameters
    ----------
    shape
        (height, width).
    share
        Of the shorter side, on each edge; at least one pixel.
    """
    width = max(1, round(share * min(shape)))
    frame = np.ones(shape, dtype=bool)
    frame[width:-width, width:-width] = False
    return frame


def _differs_from_border(small: NDArray[np.uint8], frame: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what has another colour than the frame, whose colour may spread."""
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    distance = np.linalg.norm(lab - np.median(lab[frame], axis=0), axis=2)
    limit = max(_LEAST_DISTANCE, _RINGS * float(np.median(distance[frame])))
    differs: NDArray[np.bool_] = distance > limit
    return differs


def _grab_cut(small: NDArray[np.uint8], frame: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what GrabCut takes for the specimen, the frame being background."""
    state = np.where(frame, cv2.GC_BGD, cv2.GC_PR_FGD).astype(np.uint8)
    cv2.setRNGSeed(0)  # GrabCut begins with clusters drawn at random
    models = np.zeros((2, 1, 65), dtype=np.float64)
    cv2.grabCut(
        np.ascontiguousarray(small[..., ::-1]),
        state,
        (0, 0, 0, 0),  # not looked at: the state says where to begin
        models[0],
        models[1],
        _ROUNDS,
        cv2.GC_INIT_WITH_MASK,
    )
    return np.isin(state, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _cleaned(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Close holes and leave out small parts."""
    filled = scipy.ndimage.binary_fill_holes(mask)
    parts, count = scipy.ndimage.label(filled)
    if count < 2:
        return np.asarray(filled, dtype=bool)
    sizes = scipy.ndimage.sum_labels(filled, parts, np.arange(1, count + 1))
    kept = 1 + np.flatnonzero(sizes >= _SMALLEST_PART * sizes.max())
    return np.asarray(np.isin(parts, kept), dtype=bool)
