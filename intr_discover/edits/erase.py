"""Erasing a region: what lies around it takes its place."""

from __future__ import annotations

import math
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from intr_discover.edits import fills
from intr_discover.edits.blending import area_around, as_rgb, blend
from intr_discover.edits.checks import check_amounts, check_mask, check_photograph
from intr_discover.edits.colours import parse_colour
from intr_discover.errors import UserError

Method = Literal["telea", "navier-stokes", "biharmonic", "blur", "surround", "background", "colour"]
METHODS: tuple[str, ...] = get_args(Method)

_INPAINTING = {"telea": cv2.INPAINT_TELEA, "navier-stokes": cv2.INPAINT_NS}
# Those that grow in from around the region, and so need something around it.
_FROM_AROUND = ("telea", "navier-stokes", "biharmonic", "surround")
_RADII = {"telea": 3.0, "navier-stokes": 3.0, "surround": 5.0}
_LARGEST_RADIUS = 100.0  # OpenCV's inpainting looks no further
# The margin within which the fills look. Two pixels more: fast marching begins outside the region.
_BIHARMONIC_MARGIN, _INPAINTING_MARGIN = 4, 3
_BLUR_REACH = 4.0  # standard deviations


def erase(
    photograph: NDArray[np.uint8],
    mask: NDArray[np.generic],
    *,
    method: Method = "telea",
    radius: float | None = None,
    background: NDArray[np.generic] | None = None,
    colour: str | tuple[int, int, int] | None = None,
    feather: float = 0.0,
    strength: float = 1.0,
) -> NDArray[np.uint8]:
    """Fill a region, so that what was there is gone.

    Parameters
    ----------
    photograph
        uint8: grey ``[H, W]``, RGB ``[H, W, 3]`` or RGBA ``[H, W, 4]``; it is not changed.
    mask
        ``[H, W]``: the region is where it is above 0.
    method
        ``"telea"``: fast marching (Telea 2004), which may stray by some levels on even ground;
        ``"navier-stokes"``: lines of equal brightness are continued (Bertalmio et al. 2001);
        ``"biharmonic"``: a surface without kinks (Damelin and Hoang 2018), slow;
        ``"blur"``: the photograph blurred, which takes detail away and leaves the mean colour;
        ``"surround"``: the median colour of a ring round each connected part;
        ``"background"``: the median colour of the background;
        ``"colour"``: the given colour.
    radius
        Pixels. Inpainting: how far around each filled pixel is looked (3; 100 at most).
        ``"surround"``: the ring's width (5). ``"blur"``: the Gaussian's standard deviation
        (half the radius of a disc as large as the region, at least 2).
    background
        ``[H, W]``: where ``"background"`` takes its colour; the photograph's border if left out.
    colour
        For ``"colour"``: ``#rrggbb``, or red, green and blue from 0 to 255.
    feather
        Width of the soft edge outside the region, in pixels. The fill replaces all of the soft
        edge too, before it is blended in.
    strength
        0 (unchanged, byte for byte) to 1.

    Returns
    -------
    ndarray
        uint8, of the photograph's shape. Nothing outside the region and its soft edge differs by a
        single level, and an alpha channel not at all.

    Raises
    ------
    UserError
        If the arrays do not fit each other, nothing is left to fill the region from, or there is no
        such method, radius or colour.
    """
    if method not in METHODS:
        raise UserError(
            f"there is no way to erase called '{method}': use {', '.join(METHODS[:-1])} or "
            f"{METHODS[-1]}"
        )
    check_photograph(photograph)
    check_amounts(feather, strength)
    region = check_mask(mask, photograph)
    place = None if background is None else check_mask(background, photograph, what="background")
    limit = _LARGEST_RADIUS if method in _INPAINTING else math.inf
    if radius is not None and not (math.isfinite(radius) and 0 < radius <= limit):
        raise UserError(
            f"the radius is {radius}; it is a number of pixels above 0, and at most "
            f"{_LARGEST_RADIUS:.0f} for telea and navier-stokes"
        )
    if method == "colour" and colour is None:
        raise UserError("the fill 'colour' needs a colour, like #d62728")
    if not region.any() or strength == 0:
        return photograph.copy()
    reach = _radius(method, radius, region)
    area = area_around(region, feather, _margin(method, reach))
    pixels, support = as_rgb(photograph[area.box]), area.support
    if method in _FROM_AROUND and support.all():
        raise UserError(
            "the mask (with its feather) covers the whole picture; nothing is left to fill it from"
        )
    filled: NDArray[np.uint8] | NDArray[np.float32]
    if method in _INPAINTING:
        filled = fills.inpainted(pixels, support, reach, _INPAINTING[method])
    elif method == "biharmonic":
        filled = fills.biharmonic(pixels, support)
    elif method == "blur":
        filled = fills.blurred(pixels, reach)
    elif method == "surround":
        filled = fills.surrounding_colour(pixels, support, reach)
    elif method == "background":
        flat = fills.background_colour(as_rgb(photograph), region, place)
        filled = np.broadcast_to(flat, pixels.shape).astype(np.float32)
    else:
        assert colour is not None
        filled = np.broadcast_to(np.array(parse_colour(colour), np.float32), pixels.shape)
    return blend(photograph, area, filled, strength)


def blur(
    photograph: NDArray[np.uint8],
    mask: NDArray[np.generic],
    *,
    radius: float | None = None,
    feather: float = 0.0,
    strength: float = 1.0,
) -> NDArray[np.uint8]:
    """Take the detail out of a region: :func:`erase` with the method ``"blur"``."""
    return erase(photograph, mask, method="blur", radius=radius, feather=feather, strength=strength)


def _radius(method: str, radius: float | None, region: NDArray[np.bool_]) -> float:
    if radius is not None:
        return float(radius)
    if method == "blur":
        return max(2.0, math.sqrt(float(region.sum()) / math.pi) / 2)
    return _RADII.get(method, 0.0)


def _margin(method: str, reach: float) -> float:
    """Return how many pixels around the region a fill looks at."""
    if method in _INPAINTING:
        return reach + _INPAINTING_MARGIN
    if method == "biharmonic":
        return _BIHARMONIC_MARGIN
    return {"blur": _BLUR_REACH * reach, "surround": reach + 1}.get(method, 0.0)
