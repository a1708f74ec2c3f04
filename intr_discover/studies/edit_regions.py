"""Which region of a photograph is edited, and where its control regions may lie."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from intr_discover.edits.regions import control_regions
from intr_discover.edits.symmetry import axis_from_mask, mirrored_mask
from intr_discover.errors import UserError

Mask = NDArray[np.bool_]

CLEARANCE = 4 / 160
"""Of the photograph's shorter side: how far control regions keep away from what is edited."""

FRINGE = 1 / 160
"""The same, by which an attribute's mask is widened before it is erased: the camera's blur."""


def widened(mask: Mask, pixels: float) -> Mask:
    """Return a mask and all pixels within a distance of it, rounded up to whole pixels."""
    reach = math.ceil(pixels)
    if reach <= 0 or not mask.any():
        return mask.copy()
    distance = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance <= reach + 1e-4)


def fringed(mask: Mask) -> Mask:
    """Return an attribute's mask widened by ``FRINGE``, at least one pixel."""
    return widened(mask, max(1.0, FRINGE * min(mask.shape)))


def controls_beside(
    mask: Mask,
    specimen: Mask | None,
    keep_off: Mask | None,
    *,
    feather: float,
    count: int,
    generator: np.random.Generator,
) -> list[Mask]:
    """Return control regions of an edit.

    Parameters
    ----------
    mask
        ``[H, W]``: what is edited.
    specimen
        ``[H, W]``: where they may lie; None for anywhere.
    keep_off
        ``[H, W]``: the whole attribute, on both wings; None where nothing more is known.
    feather
        Of the edit: controls keep so much farther away.
    count
        How many are wanted.
    generator
        Of the draw.
    """
    if count == 0:
        return []
    near = mask if keep_off is None else mask | keep_off
    near = widened(near, max(1.0, CLEARANCE * min(mask.shape)) + feather)
    free = ~near if specimen is None else specimen & ~near
    return control_regions(mask, free, count, generator)


def with_other_wing(mask: Mask, specimen: Mask | None) -> Mask:
    """Return a region together with its mirror image on the specimen, where that is known."""
    if specimen is None or not specimen.any():
        return mask
    return mask | mirrored_mask(mask, axis_from_mask(specimen))


def disc(points: ArrayLike, radius: float, shape: tuple[int, int], where: str) -> Mask:
    """Return discs round points.

    Parameters
    ----------
    points
        ``[n, 2]``: x and y in pixels; NaN where a point is not visible.
    radius
        In pixels.
    shape
        (height, width) of the photograph.
    where
        What to call the points in the message.

    Returns
    -------
    ndarray
        ``[H, W]``: pixels whose centres lie within the radius; empty without a visible point.

    Raises
    ------
    UserError
        If a point lies off the photograph.
    """
    found = np.zeros(shape, dtype=bool)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    for x, y in np.asarray(points, dtype=np.float64).reshape(-1, 2):
        if math.isnan(x) or math.isnan(y):
            continue
        if not (-0.5 <= x <= shape[1] - 0.5 and -0.5 <= y <= shape[0] - 0.5):
            raise UserError(
                f"{where}: the keypoint at x = {x:g}, y = {y:g} lies off the photograph "
                f"({shape[1]} × {shape[0]} pixels): correct keypoints.csv"
            )
        found |= (rows - y) ** 2 + (columns - x) ** 2 <= radius**2
    return found
