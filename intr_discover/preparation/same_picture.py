"""Whether two photographs are one picture: laid over each other and compared in fine detail.

A hash sees shapes of an eighth of the picture. Two specimens mounted in one pose before one ground
share those, and are told apart by what a hash leaves out.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.preparation.hashes import turned

Small = NDArray[np.uint8]
Floats = NDArray[np.float32]

SAME_PICTURE = 0.85
"""Correlation of fine detail from which two photographs count as one picture."""

SIDE = 128
"""Pixels of the grey square on which detail is compared."""

_FINE = 2.0  # pixels, standard deviation: what is smoother is no detail
_STEPS = 40  # of the alignment
_FINEST_STEP = 1e-4
_SMOOTHED = 3  # pixels of the filter before the alignment
_LEAST_OVERLAP = 0.6  # of the square that both pictures show
_LEAST_SCALE, _LARGEST_SCALE = 0.7, 1.4
_RIM = 9  # pixels along the edge of the overlap, where a blur would look beyond it
_NO_DETAIL = 1e-3  # levels, standard deviation


def small_grey(photograph: NDArray[np.uint8]) -> Small:
    """Return a photograph ``uint8 [H, W, 3]`` as a grey square ``[128, 128]``."""
    grey = cv2.cvtColor(photograph, cv2.COLOR_RGB2GRAY)
    return np.asarray(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


def detail_correlation(first: Small, second: Small, way: int = 0) -> float:
    """Return how alike two pictures are in fine detail, −1 to 1; 0 where one has none.

    Parameters
    ----------
    first, second
        ``uint8 [128, 128]``, as :func:`small_grey`.
    way
        How the second lies over the first: a place in ``WAYS``.

    Notes
    -----
    Correlation of what is left when a Gaussian blur of 2 pixels is taken away. Where it is below
    ``SAME_PICTURE``, the second picture is first laid over the first by an affine map (ECC,
    Evangelidis and Psarakis 2008, by OpenCV), so that a copy that was cropped a little is still
    one; the larger of the two correlations counts. Where the pictures share less than 60 % of the
    square, or differ in scale by more than 1.4, the map is not believed.
    """
    one = first.astype(np.float32)
    other = np.ascontiguousarray(turned(second, way)).astype(np.float32)
    everywhere = np.ones(one.shape, dtype=bool)
    plain = _correlation(one, other, everywhere)
    if plain >= SAME_PICTURE or not (one.std() > _NO_DETAIL and other.std() > _NO_DETAIL):
        return plain
    laid = _laid_over(one, other)
    return plain if laid is None else max(plain, _correlation(one, *laid))


def _laid_over(one: Floats, other: Floats) -> tuple[Floats, NDArray[np.bool_]] | None:
    """Return the other picture over the one, and where both are seen; None where that fails."""
    rule = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _STEPS, _FINEST_STEP)
    start = np.eye(2, 3, dtype=np.float32)
    everywhere = np.ones(one.shape, np.uint8)
    try:
        _, found = cv2.findTransformECC(
            one, other, start, cv2.MOTION_AFFINE, rule, everywhere, _SMOOTHED
        )
    except cv2.error:  # it did not come to an end: the pictures have nothing in common
        return None
    scale = float(np.sqrt(abs(np.linalg.det(found[:, :2]))))
    if not _LEAST_SCALE <= scale <= _LARGEST_SCALE:
        return None
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (one.shape[1], one.shape[0])
    moved = cv2.warpAffine(other, found, size, flags=how)
    shown = cv2.warpAffine(np.ones_like(other), found, size, flags=how) > 0.99
    kernel = np.ones((_RIM, _RIM), np.uint8)
    both = cv2.erode(shown.astype(np.uint8), kernel) > 0
    if both.mean() < _LEAST_OVERLAP:
        return None
    return np.asarray(moved, np.float32), both


def _correlation(one: Floats, other: Floats, where: NDArray[np.bool_]) -> float:
    first, second = (
        (each - cv2.GaussianBlur(each, (0, 0), _FINE))[where].astype(np.float64)
        for each in (one, other)
    )
    first, second = first - first.mean(), second - second.mean()
    spread = first.std() * second.std()
    return float((first * second).mean() / spread) if spread > _NO_DETAIL**2 else 0.0
