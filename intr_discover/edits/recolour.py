"""Another colour for a region, with the light and shade that it had."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from intr_discover.edits.blending import Area, area_around, as_rgb, blend
from intr_discover.edits.checks import Mask, check_amounts, check_mask, check_photograph
from intr_discover.edits.colours import Lab, from_lab, lab_of, to_lab
from intr_discover.errors import UserError

Lightness = Literal["match", "keep"]

# Reinhard's scaling by standard deviations, where the deviations mean something.
_PIXELS_FOR_SPREAD = 10  # from so many pixels on in both regions
_FLAT = 0.5  # CIELAB units: a smaller deviation is no more than the rounding to 8 bits
_LARGEST_SCALE = 4.0  # so that noise is not blown up into a pattern


def recolour(
    photograph: NDArray[np.uint8],
    mask: NDArray[np.generic],
    colour: str | tuple[int, int, int],
    *,
    lightness: Lightness = "match",
    feather: float = 0.0,
    strength: float = 1.0,
) -> NDArray[np.uint8]:
    """Give a region the hue and chroma of a colour, and keep the texture of its lightness.

    Parameters
    ----------
    photograph
        uint8 RGB ``[H, W, 3]`` or RGBA ``[H, W, 4]``; it is not changed.
    mask
        ``[H, W]``: the region is where it is above 0.
    colour
        ``#rrggbb``, or red, green and blue from 0 to 255.
    lightness
        ``"match"``: the region's mean lightness becomes that of the colour, each pixel's difference
        from the mean stays; ``"keep"``: each pixel's lightness stays, so that black becomes no
        yellow.
    feather, strength
        As in :func:`intr_discover.edits.erase.erase`.

    Returns
    -------
    ndarray
        uint8, of the photograph's shape; nothing outside the region and its soft edge differs.
        Where sRGB cannot show a colour at its lightness, chroma is as large as it can be.

    Raises
    ------
    UserError
        If the arrays do not fit each other, the photograph is grey, or there is no such colour or
        way with lightness.
    """
    if lightness not in ("match", "keep"):
        raise UserError(f"there is no lightness '{lightness}': use match or keep")
    target = lab_of(colour)
    found = _prepare(photograph, mask, feather, strength)
    if found is None:
        return photograph.copy()
    area, lab, inside = found
    if lightness == "match":
        lab[:, 0] += target[0] - lab[inside, 0].mean()
    lab[:, 1:] = target[1:]
    return _finish(photograph, area, lab, strength)


def shift_hue(
    photograph: NDArray[np.uint8],
    mask: NDArray[np.generic],
    degrees: float,
    *,
    feather: float = 0.0,
    strength: float = 1.0,
) -> NDArray[np.uint8]:
    """Turn the hue of a region in CIELAB; lightness and chroma stay, and grey stays grey.

    Parameters
    ----------
    photograph, mask, feather, strength
        As in :func:`recolour`.
    degrees
        Angle in the plane of a* and b*, counter-clockwise: red by 90 becomes a yellow green.

    Returns
    -------
    ndarray
        As :func:`recolour`.

    Raises
    ------
    UserError
        If the arrays do not fit each other, the photograph is grey, or the angle is no number.
    """
    if not math.isfinite(degrees):
        raise UserError(f"the hue shift is {degrees}; it is a number of degrees")
    found = _prepare(photograph, mask, feather, strength)
    if found is None:
        return photograph.copy()
    area, lab, _ = found
    angle = math.radians(degrees % 360)
    cosine, sine = math.cos(angle), math.sin(angle)
    lab[:, 1:] = lab[:, 1:] @ np.array([(cosine, sine), (-sine, cosine)])
    return _finish(photograph, area, lab, strength)


def match_donor(
    photograph: NDArray[np.uint8],
    mask: NDArray[np.generic],
    donor: NDArray[np.uint8],
    donor_mask: NDArray[np.generic],
    *,
    feather: float = 0.0,
    strength: float = 1.0,
) -> NDArray[np.uint8]:
    """Give a region the colour statistics of a donor's region (Reinhard et al. 2001).

    Each channel of CIELAB is moved to the donor's mean and scaled by the ratio of the standard
    deviations. The ratio is at most 4; it is 1 where either region has fewer than 10 pixels or the
    photograph's is flat (deviation below 0.5): then only the mean moves.

    Parameters
    ----------
    photograph, mask, feather, strength
        As in :func:`recolour`.
    donor
        uint8, grey, RGB or RGBA, of any size.
    donor_mask
        ``[H, W]`` of the donor's size; not empty.

    Returns
    -------
    ndarray
        As :func:`recolour`.

    Raises
    ------
    UserError
        If the arrays do not fit each other, the photograph is grey, or the donor's mask is empty.
    """
    check_photograph(donor, "donor")
    source = check_mask(donor_mask, donor, what="donor mask", picture="donor")
    if not source.any():
        raise UserError("the donor mask is empty: mark the region whose colours are wanted")
    found = _prepare(photograph, mask, feather, strength)
    if found is None:
        return photograph.copy()
    area, lab, inside = found
    wanted, own = to_lab(as_rgb(donor)[source]), lab[inside]
    scale = np.ones(3)
    if min(len(wanted), len(own)) >= _PIXELS_FOR_SPREAD:
        spread = own.std(axis=0)
        textured = spread >= _FLAT
        scale[textured] = wanted.std(axis=0)[textured] / spread[textured]
    lab = (lab - own.mean(axis=0)) * np.minimum(scale, _LARGEST_SCALE) + wanted.mean(axis=0)
    return _finish(photograph, area, lab, strength)


def _prepare(
    photograph: NDArray[np.uint8], mask: NDArray[np.generic], feather: float, strength: float
) -> tuple[Area, Lab, Mask] | None:
    """Return the area, CIELAB ``[n, 3]`` of its support, and which of these are in the region.

    None where nothing is to be done.
    """
    check_photograph(photograph)
    if photograph.ndim == 2:
        raise UserError("a grey picture cannot be recoloured: convert it to RGB first")
    check_amounts(feather, strength)
    region = check_mask(mask, photograph)
    if not region.any() or strength == 0:
        return None
    area = area_around(region, feather)
    support = area.support
    return area, to_lab(as_rgb(photograph[area.box])[support]), area.region[support]


def _finish(
    photograph: NDArray[np.uint8], area: Area, lab: Lab, strength: float
) -> NDArray[np.uint8]:
    edited = np.zeros((*area.region.shape, 3), dtype=np.float32)
    edited[area.support] = from_lab(lab)
    return blend(photograph, area, edited, strength)
