"""Regions of one colour, and regions that follow the edges of what was roughly marked."""

from __future__ import annotations

import math

import cv2
import numpy as np
import skimage
from numpy.typing import NDArray

from intr_discover.edits.blending import as_rgb
from intr_discover.edits.checks import Mask, check_mask, check_photograph
from intr_discover.edits.colours import Colour, lab_of, to_lab
from intr_discover.errors import UserError

_SEED = 0  # of the clustering with which GrabCut begins


def sample_colour(photograph: NDArray[np.uint8], x: float, y: float, radius: int = 1) -> Colour:
    """Return the median colour of a small square, RGB from 0 to 255.

    Parameters
    ----------
    photograph
        uint8, grey, RGB or RGBA.
    x, y
        Its middle in pixels.
    radius
        Pixels to each side; 1 gives 3 by 3, less noisy than one pixel.

    Raises
    ------
    UserError
        If the point lies off the photograph.
    """
    check_photograph(photograph)
    height, width = photograph.shape[:2]
    if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
        raise UserError(
            f"the point x = {x:g}, y = {y:g} lies off the photograph ({width} × {height} pixels)"
        )
    column, row = min(math.floor(x + 0.5), width - 1), min(math.floor(y + 0.5), height - 1)
    rows = slice(max(0, row - radius), row + radius + 1)
    columns = slice(max(0, column - radius), column + radius + 1)
    pixels = as_rgb(photograph[rows, columns]).reshape(-1, 3)
    red, green, blue = (int(value) for value in np.rint(np.median(pixels, axis=0)))
    return red, green, blue


def mask_of_colour(
    photograph: NDArray[np.uint8],
    colour: str | tuple[int, int, int],
    distance: float,
    within: NDArray[np.generic] | None = None,
) -> Mask:
    """Return the pixels whose colour is near to a given one.

    Parameters
    ----------
    photograph
        uint8, grey, RGB or RGBA.
    colour
        ``#rrggbb``, or red, green and blue from 0 to 255, as of :func:`sample_colour`.
    distance
        The largest Euclidean distance in CIELAB (CIE 1976) that still counts; about 2 can just be
        seen, 15 to 30 gathers what one would call the same colour.
    within
        ``[H, W]``: only here, on the specimen, say.

    Raises
    ------
    UserError
        If the arrays do not fit each other, or there is no such colour or distance.
    """
    check_photograph(photograph)
    if not distance >= 0:
        raise UserError(f"the colour distance is {distance}; it is 0 or more")
    target = lab_of(colour)
    away = np.linalg.norm(to_lab(as_rgb(photograph)) - target, axis=-1)
    mask: Mask = away <= distance
    return mask if within is None else mask & check_mask(within, photograph)


def mask_of_hsv(
    photograph: NDArray[np.uint8],
    hue: tuple[float, float] = (0.0, 360.0),
    saturation: tuple[float, float] = (0.0, 1.0),
    value: tuple[float, float] = (0.0, 1.0),
    within: NDArray[np.generic] | None = None,
) -> Mask:
    """Return the pixels in a range of hue, saturation and value; both ends count.

    Parameters
    ----------
    photograph
        uint8, grey, RGB or RGBA. Grey pixels have hue 0 and saturation 0.
    hue
        From and to, in degrees from red: (330, 30) are the reds, across 0.
    saturation, value
        From and to, in [0, 1].
    within
        ``[H, W]``: only here.

    Raises
    ------
    UserError
        If the arrays do not fit each other, or a range is none.
    """
    check_photograph(photograph)
    for name, (low, high), most in (("saturation", saturation, 1), ("value", value, 1)):
        if not 0 <= low <= high <= most:
            raise UserError(f"the {name} is to lie from {low} to {high}; both lie in [0, 1]")
    if not (0 <= hue[0] <= 360 and 0 <= hue[1] <= 360):
        raise UserError(f"the hue is to lie from {hue[0]} to {hue[1]}; both lie in [0, 360]")
    # Rounded, so that a limit such as 0.1 means the level that it names.
    found = np.round(np.asarray(skimage.color.rgb2hsv(as_rgb(photograph)), dtype=np.float64), 6)
    degrees = 360 * found[..., 0]
    if hue[0] <= hue[1]:
        mask = (degrees >= hue[0]) & (degrees <= hue[1])
    else:
        mask = (degrees >= hue[0]) | (degrees <= hue[1])
    for channel, (low, high) in ((1, saturation), (2, value)):
        mask &= (found[..., channel] >= low) & (found[..., channel] <= high)
    return mask if within is None else mask & check_mask(within, photograph)


def refine_mask(
    photograph: NDArray[np.uint8],
    mask: NDArray[np.generic],
    *,
    margin: int | None = None,
    iterations: int = 5,
) -> Mask:
    """Return a rough mask drawn to the edges in the photograph (GrabCut, Rother et al. 2004).

    Colours in the mask and in a belt round it are learnt as two mixtures; the new border runs
    where they part and the picture has edges. The result may reach into the belt, never beyond it.

    Parameters
    ----------
    photograph
        uint8, grey, RGB or RGBA.
    mask
        ``[H, W]``: roughly the region; a little too large is better than too small.
    margin
        Width of the belt in pixels; if left out, a quarter of the mask's longer side, at least 5.
    iterations
        Rounds of learning and cutting.

    Returns
    -------
    ndarray
        Booleans ``[H, W]``; empty for an empty mask.

    Raises
    ------
    UserError
        If the arrays do not fit each other, the mask covers everything, or nothing is left of it.
    """
    check_photograph(photograph)
    region = check_mask(mask, photograph)
    if not region.any():
        return region
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    if margin is None:
        margin = max(5, math.ceil(max(np.ptp(rows) + 1, np.ptp(columns) + 1) / 4))
    if margin < 1 or iterations < 1:
        raise UserError("GrabCut needs a margin of at least one pixel and one iteration")
    # The belt, and as much again that is surely not the region.
    box = (slice(max(0, rows[0] - 2 * margin), rows[-1] + 2 * margin + 1),
           slice(max(0, columns[0] - 2 * margin), columns[-1] + 2 * margin + 1))  # fmt: skip
    rough = region[box]
    if rough.all():
        raise UserError("the mask covers the whole picture; there is no edge to find")
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * margin + 1, 2 * margin + 1))
    belt = cv2.dilate(rough.astype(np.uint8), kernel) > 0
    labels = np.where(belt, cv2.GC_PR_BGD, cv2.GC_BGD).astype(np.uint8)
    labels[rough] = cv2.GC_PR_FGD
    cv2.setRNGSeed(_SEED)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    found, *_ = cv2.grabCut(
        as_rgb(photograph[box]), labels, (0, 0, 1, 1), *models, iterations, cv2.GC_INIT_WITH_MASK
    )
    refined = np.zeros(region.shape, dtype=bool)
    refined[box] = (found == cv2.GC_FGD) | (found == cv2.GC_PR_FGD)
    if not refined.any():
        raise UserError(
            "GrabCut left nothing of the mask: its colours are those of its surroundings; mark the "
            "region more closely, or keep the mask as it is"
        )
    return refined
