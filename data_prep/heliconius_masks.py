"""Specimen masks for the Heliconius photographs: what is not the colour of the backdrop.

The data set has boxes but no masks. Every setup has an even backdrop around the wings (grey, blue,
white), so that a colour model of the backdrop, fitted to each photograph, is enough.
"""

from __future__ import annotations

import cv2
import numpy as np
from scipy import ndimage

from data_prep.pictures import Box, widen
from intr_discover.errors import UserError

#: Mean of R, G and B above which a pixel is a candidate for the backdrop. The darkest backdrop,
#: the blue one, has 141; black wings have 20 to 60.
LIGHT = 100
#: Part of the box's longer side by which the backdrop is looked at around the box. Rulers and
#: labels lie farther away.
RIM = 0.05
#: CIELAB distances within which a pixel belongs to the backdrop, while its model is fitted. The
#: first step starts from one colour for the whole picture and must bridge uneven light.
FIT_DISTANCES = (20.0, 10.0, 10.0)
#: Six coefficients need few of the tens of thousands of pixels: one in this many.
FIT_STEP = 7
#: CIELAB distance from the backdrop above which a pixel belongs to the specimen. Shading of the
#: backdrop stays below 8; the palest wing parts (cream hindwing margin) start at 12.
FOREGROUND_DISTANCE = 12.0
#: A hole whose pixels are closer than this to the backdrop is a gap, not a pale wing patch ...
GAP_DISTANCE = 8.0
#: ... unless it has fewer pixels than this.
SMALLEST_GAP = 20
#: Steps of the opening that takes off antennae (they are 2 to 3 pixels wide).
OPENING_STEPS = 2
#: Parts with less than this share of the largest part's pixels are dust or bits of antennae.
SMALLEST_PART = 0.05


def segment(photograph: np.ndarray, box: Box, has_gaps: bool) -> np.ndarray:
    """Return which pixels show the specimen.

    Parameters
    ----------
    photograph
        ``uint8 [H, W, 3]``, sRGB.
    box
        Tight box around all wings; nothing outside it becomes foreground.
    has_gaps
        True for a whole butterfly: backdrop enclosed between wings and body stays background.
        False for loose wings, which have no gaps: every enclosed region is wing.

    Returns
    -------
    numpy.ndarray
        ``bool [H, W]``, without antennae, with an outline 1 pixel inside the visible edge, so that
        pixels mixed with the backdrop stay out.

    Raises
    ------
    UserError
        The box holds no backdrop or no specimen.

    Notes
    -----
    The backdrop's colour is a quadratic function of position in CIELAB (even light falls off
    towards the edges), fitted by least squares to the light pixels in and around the box.
    """
    height, width = photograph.shape[:2]
    distance = _distance_from_backdrop(photograph, box)
    x0, y0, x1, y1 = box
    within = np.zeros((height, width), dtype=bool)
    within[y0:y1, x0:x1] = True
    differs = (distance > FOREGROUND_DISTANCE) & within
    mask = ndimage.binary_fill_holes(differs)
    if has_gaps:
        mask &= ~_gaps(mask & ~differs, distance)
    mask = _large_parts(ndimage.binary_opening(mask, iterations=OPENING_STEPS))
    mask = ndimage.binary_erosion(mask, border_value=1)
    if not mask.any():
        raise UserError("nothing in its box differs from the backdrop: no specimen found")
    return mask


def _distance_from_backdrop(photograph: np.ndarray, box: Box) -> np.ndarray:
    """Return each pixel's CIELAB distance from the fitted backdrop, 0 far from the box."""
    height, width = photograph.shape[:2]
    x0, y0, x1, y1 = widen(box, RIM, width, height)
    near = photograph[y0:y1, x0:x1]
    lab = cv2.cvtColor(near.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    candidates = near.mean(axis=2) > LIGHT
    if not candidates.any():
        raise UserError("no light backdrop around its box")
    v, u = np.meshgrid(
        np.linspace(-0.5, 0.5, y1 - y0), np.linspace(-0.5, 0.5, x1 - x0), indexing="ij"
    )
    terms = np.stack([np.ones_like(u), u, v, u * v, u * u, v * v], axis=-1).astype(np.float32)
    backdrop = np.broadcast_to(np.median(lab[candidates], axis=0), lab.shape)
    for limit in FIT_DISTANCES:
        fitted = np.flatnonzero(np.linalg.norm(lab - backdrop, axis=2) < limit)[::FIT_STEP]
        coefficients = np.linalg.lstsq(
            terms.reshape(-1, 6)[fitted], lab.reshape(-1, 3)[fitted], rcond=None
        )[0]
        backdrop = terms @ coefficients
    distance = np.zeros((height, width), dtype=np.float32)
    distance[y0:y1, x0:x1] = np.linalg.norm(lab - backdrop, axis=2)
    return distance


def _gaps(holes: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """Return those holes of the mask through which the backdrop is seen."""
    parts, count = ndimage.label(holes)
    index = np.arange(1, count + 1)
    large = index[ndimage.sum_labels(holes, parts, index) >= SMALLEST_GAP]
    gaps = [part for part in large if np.median(distance[parts == part]) < GAP_DISTANCE]
    return np.isin(parts, gaps)


def _large_parts(mask: np.ndarray) -> np.ndarray:
    """Return the connected parts that are not small beside the largest one."""
    parts, count = ndimage.label(mask)
    if count == 0:
        return mask
    index = np.arange(1, count + 1)
    sizes = ndimage.sum_labels(mask, parts, index)
    return np.isin(parts, index[sizes >= SMALLEST_PART * sizes.max()])
