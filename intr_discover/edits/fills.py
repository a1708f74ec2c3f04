"""What a region can be filled with when it is erased: one function each, on a crop of RGB."""

from __future__ import annotations

import math

import cv2
import numpy as np
import skimage
from numpy.typing import NDArray

from intr_discover.edits.checks import Mask
from intr_discover.errors import UserError

RGB = NDArray[np.uint8]

_FRAME = 0.05  # of the shorter side: how far the photograph's border reaches inwards
_COARSER_FROM = 4.0  # pixels of standard deviation that a blur keeps on the coarser grid


def inpainted(pixels: RGB, support: Mask, radius: float, method: int) -> RGB:
    """Return the crop with the support filled by OpenCV's inpainting of the given kind."""
    return np.asarray(cv2.inpaint(pixels, support.astype(np.uint8), radius, method), np.uint8)


def biharmonic(pixels: RGB, support: Mask) -> NDArray[np.float32]:
    """Return the crop with the support filled by a surface without kinks, 0 to 255.

    Damelin and Hoang 2018; as in scikit-image, it keeps within the values around it.
    """
    filled = skimage.restoration.inpaint_biharmonic(pixels / 255.0, support, channel_axis=-1)
    return np.asarray(255 * filled, dtype=np.float32)


def blurred(pixels: RGB, sigma: float) -> NDArray[np.float32]:
    """Return the crop under a Gaussian of standard deviation ``sigma`` pixels.

    Wide Gaussians are made on a coarser grid, which differs from the full one by less than a
    level on photographs and takes a small part of the time.
    """
    height, width = pixels.shape[:2]
    factor = int(sigma / _COARSER_FROM)
    if factor < 2:
        soft = cv2.GaussianBlur(
            pixels.astype(np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT
        )
        return np.asarray(soft, dtype=np.float32).reshape(pixels.shape)
    small = (max(1, math.ceil(width / factor)), max(1, math.ceil(height / factor)))
    coarse = cv2.resize(pixels.astype(np.float32), small, interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(coarse, (0, 0), sigma / factor, borderType=cv2.BORDER_REFLECT)
    back = cv2.resize(soft, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(back, dtype=np.float32).reshape(pixels.shape)


def surrounding_colour(pixels: RGB, support: Mask, width: float) -> NDArray[np.float32]:
    """Return the crop with each connected part in the median colour of a ring round it.

    Parameters
    ----------
    pixels
        uint8 ``[h, w, 3]``.
    support
        ``[h, w]``: what is filled; no pixel of it is taken into the median.
    width
        Width of the ring in pixels, 1 or more.
    """
    filled = pixels.astype(np.float32)
    beyond = math.ceil(width)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * beyond + 1, 2 * beyond + 1))
    kernel[beyond - 1 : beyond + 2, beyond - 1 : beyond + 2] = 1  # at least the eight neighbours
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(support.astype(np.uint8))
    for number in range(1, count):
        left, top, wide, high = boxes[number, :4]
        box = (slice(max(0, top - beyond), top + high + beyond),
               slice(max(0, left - beyond), left + wide + beyond))  # fmt: skip
        part = labels[box] == number
        ring = (cv2.dilate(part.astype(np.uint8), kernel) > 0) & ~support[box]
        filled[box][part] = np.median(pixels[box][ring], axis=0)
    return filled


def background_colour(
    photograph: RGB, region: Mask, background: Mask | None
) -> NDArray[np.float64]:
    """Return the median colour ``[3]`` of the background, or of the border where none is given.

    Parameters
    ----------
    photograph
        uint8 RGB ``[H, W, 3]``.
    region
        What is being erased; it does not count.
    background
        ``[H, W]``, or None: a frame of a twentieth of the shorter side, at least one pixel.

    Raises
    ------
    UserError
        If nothing is left to take the colour from.
    """
    if background is None:
        width = max(1, round(_FRAME * min(region.shape)))
        where = np.ones(region.shape, dtype=bool)
        where[width:-width, width:-width] = False
        name = "border"
    else:
        where, name = background, "background"
    where = where & ~region
    if not where.any():
        raise UserError(
            f"the mask covers the whole {name}; there is no colour to take: give a background "
            "mask that reaches beyond it, or use the fill 'colour'"
        )
    return np.asarray(np.median(photograph[where], axis=0), dtype=np.float64)
