"""Moving a region from one photograph to another."""

from __future__ import annotations

import math
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.edits.blending import Area, area_around, as_rgb, blend
from intr_discover.edits.checks import Mask, check_amounts, check_mask, check_photograph
from intr_discover.edits.registration import Similarity, register
from intr_discover.errors import UserError

Seam = Literal["plain", "seamless"]
Rest = Literal["donor", "keep"]
SEAMS: tuple[str, ...] = get_args(Seam)
RESTS: tuple[str, ...] = get_args(Rest)

_ERODED = 3  # pixels that OpenCV's seamless clone takes off a mask before it begins
_SHARP = 0.2  # pixels: a Gaussian narrower than this changes nothing
_ROOM = 8  # pixels round the area in which the seamless clone is solved


def transplant(
    photograph: NDArray[np.uint8],
    mask: NDArray[np.generic],
    donor: NDArray[np.uint8],
    donor_mask: NDArray[np.generic],
    *,
    seam: Seam = "plain",
    rest: Rest = "donor",
    mirrored: bool = False,
    feather: float = 0.0,
    strength: float = 1.0,
) -> NDArray[np.uint8]:
    """Put a donor's region in the place of a region.

    The donor's region is moved, turned and scaled onto the mask
    (:func:`~intr_discover.edits.registration.register`). It shows within the mask only.

    Parameters
    ----------
    photograph
        uint8, grey, RGB or RGBA ``[H, W, …]``; it is not changed.
    mask
        ``[H, W]``: the region is where it is above 0.
    donor
        uint8, grey, RGB or RGBA, of any size.
    donor_mask
        ``[h, w]`` of the donor's size.
    seam
        ``"plain"``: the donor's pixels; ``"seamless"``: their differences, fitted to the
        photograph's colours along the edge (Pérez et al. 2003). That changes the colour of the
        whole region, and where colour is the attribute, it changes the attribute.
    rest
        What happens in the part of the mask that the donor's region does not reach (shapes are
        seldom alike): ``"donor"``: what surrounds the region in the donor; ``"keep"``: nothing.
    mirrored
        Mirror the donor first: for a left wing's region on a right wing.
    feather, strength
        As in :func:`intr_discover.edits.erase.erase`. The soft edge shows the donor's
        surroundings.

    Returns
    -------
    ndarray
        uint8, of the photograph's shape; nothing outside the mask and its soft edge differs.

    Raises
    ------
    UserError
        If the arrays do not fit each other, the donor's mask is empty, or there is no such seam or
        rest.
    """
    if seam not in SEAMS:
        raise UserError(f"there is no seam '{seam}': use {' or '.join(SEAMS)}")
    if rest not in RESTS:
        raise UserError(f"there is no rest '{rest}': use {' or '.join(RESTS)}")
    check_photograph(photograph)
    check_photograph(donor, "donor")
    check_amounts(feather, strength)
    target = check_mask(mask, photograph)
    source = check_mask(donor_mask, donor, what="donor mask", picture="donor")
    if not source.any():
        raise UserError("the donor mask is empty: mark the region that is to be transplanted")
    if not target.any() or strength == 0:
        return photograph.copy()
    fit = register(source, target, mirrored=mirrored)
    area = area_around(target, feather, _ROOM)
    moved, there, known = _lay_over(as_rgb(donor), source, fit, area)
    region = area.region & (there if rest == "keep" else known)
    if not region.any():
        raise UserError(
            "the donor's region, laid over the mask, does not meet it: their shapes are too "
            "different; use the rest 'donor', or another region"
        )
    whole = np.zeros(target.shape, dtype=bool)
    whole[area.box] = region
    within = area_around(whole, feather, _ROOM)
    # The region may have become smaller, and its box with it.
    part = tuple(
        slice(inner.start - outer.start, inner.stop - outer.start)
        for inner, outer in zip(within.box, area.box, strict=True)
    )
    moved, known = moved[part], known[part]
    within.weight[~known] = 0
    if seam == "seamless":
        moved = _seamless(moved, known, as_rgb(photograph[within.box]), within.support)
    return blend(photograph, within, moved, strength)


def _lay_over(
    donor: NDArray[np.uint8], source: Mask, fit: Similarity, area: Area
) -> tuple[NDArray[np.uint8], Mask, Mask]:
    """Return donor, its region and its frame as they lie over the area's box."""
    rows, columns = area.box
    height, width = area.region.shape
    matrix = fit.matrix.copy()
    matrix[:, 2] -= (columns.start, rows.start)
    # The frame by arithmetic: interpolation would fade along it.
    back = cv2.invertAffineTransform(matrix)
    y, x = np.indices((height, width), dtype=np.float64)
    origin = np.einsum("ij,jhw->ihw", back, np.stack([x, y, np.ones_like(x)]))
    last = np.array([source.shape[1], source.shape[0]])[:, None, None] - 0.5
    known = ((origin >= -0.5) & (origin <= last)).all(axis=0)
    # Blur before pixels are dropped, as a camera farther off would.
    sigma = 0.5 * math.sqrt(max(0.0, 1 / fit.scale**2 - 1))
    beyond = math.ceil(4 * sigma) + 2
    left, top = np.maximum(np.floor(origin.min(axis=(1, 2))).astype(int) - beyond, 0)
    right, bottom = np.ceil(origin.max(axis=(1, 2))).astype(int) + beyond
    needed = (slice(top, max(top + 1, bottom)), slice(left, max(left + 1, right)))
    pixels = donor[needed]
    if sigma > _SHARP:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), sigma), dtype=np.uint8)
    matrix[:, 2] += matrix[:, :2] @ np.array([left, top])
    moved = cv2.warpAffine(
        pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    there = cv2.warpAffine(
        source[needed].astype(np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR
    )
    return np.asarray(moved, np.uint8).reshape(height, width, 3), there >= 0.5, known


def _seamless(
    moved: NDArray[np.uint8], known: Mask, pixels: NDArray[np.uint8], support: Mask
) -> NDArray[np.uint8]:
    """Return the moved donor with its colours fitted to the pixels round the support."""
    source = np.where(known[..., None], moved, pixels)
    beyond = _ERODED + 2
    sides = (beyond, beyond, beyond, beyond)
    source, goal = (cv2.copyMakeBorder(picture, *sides, cv2.BORDER_REPLICATE)
                    for picture in (source, pixels))  # fmt: skip
    mask = cv2.copyMakeBorder(support.astype(np.uint8), *sides, cv2.BORDER_CONSTANT, value=0)
    # As much larger as it will be made smaller: small regions would vanish otherwise.
    mask = cv2.dilate(255 * mask, np.ones((2 * _ERODED + 1, 2 * _ERODED + 1), np.uint8))
    left, top, width, height = cv2.boundingRect(mask)
    centre = (left + width // 2, top + height // 2)  # leaves the donor where it lies
    cloned = cv2.seamlessClone(source, goal, mask, centre, cv2.NORMAL_CLONE)
    return np.asarray(cloned[beyond:-beyond, beyond:-beyond], dtype=np.uint8)
