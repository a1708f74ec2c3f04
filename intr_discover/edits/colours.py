"""Colours: from text to numbers, to CIELAB, and back without leaving what a screen can show."""

from __future__ import annotations

import re

import numpy as np
import skimage
from numpy.typing import NDArray

from intr_discover.errors import UserError

Colour = tuple[int, int, int]
Lab = NDArray[np.float64]

_HALVINGS = 12  # of the interval in which the largest chroma that can be shown is sought
_ROOM = 2e-5  # beyond [0, 1] in linear light: less than rounding to 8 bits


def parse_colour(colour: str | tuple[int, int, int]) -> Colour:
    """Return ``#rrggbb`` or ``#rgb`` as red, green and blue, 0 to 255; three numbers stay so.

    Raises
    ------
    UserError
        If it is no such colour.

    Examples
    --------
    >>> parse_colour("#d62728")
    (214, 39, 40)
    """
    if isinstance(colour, str):
        digits = colour.removeprefix("#")
        if re.fullmatch(r"[0-9a-fA-F]{3}|[0-9a-fA-F]{6}", digits):
            if len(digits) == 3:
                digits = "".join(2 * digit for digit in digits)
            red, green, blue = bytes.fromhex(digits)
            return red, green, blue
    else:
        values = np.asarray(colour)
        if (
            values.shape == (3,)
            and values.dtype.kind in "uif"
            and not ((values < 0) | (values > 255) | (values != np.rint(values))).any()
        ):
            red, green, blue = (int(value) for value in values)
            return red, green, blue
    raise UserError(
        f"'{colour}' is no colour: write it as red, green and blue in hexadecimal, like #d62728"
    )


def colour_as_text(colour: str | tuple[int, int, int]) -> str:
    """Return a colour as ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*parse_colour(colour))


def to_lab(pixels: NDArray[np.uint8]) -> Lab:
    """Return sRGB ``[..., 3]`` of uint8 in CIELAB (D65, 2°): L* 0 to 100, a*, b*."""
    return np.asarray(skimage.color.rgb2lab(pixels), dtype=np.float64)


def lab_of(colour: str | tuple[int, int, int]) -> Lab:
    """Return one colour in CIELAB, ``[3]``."""
    return to_lab(np.array([parse_colour(colour)], dtype=np.uint8))[0]


def from_lab(lab: Lab) -> NDArray[np.float32]:
    """Return CIELAB ``[n, 3]`` as sRGB ``[n, 3]``, 0 to 255, not rounded.

    What sRGB cannot show keeps lightness and hue and loses as much chroma as it must; simple
    clipping would change all three.
    """
    fitting = lab.copy()
    fitting[:, 0] = np.clip(fitting[:, 0], 0, 100)
    outside = np.flatnonzero(~_can_be_shown(fitting))
    if outside.size:
        least, most = np.zeros(outside.size), np.ones(outside.size)
        for _ in range(_HALVINGS):
            middle = (least + most) / 2
            trial = fitting[outside]
            trial[:, 1:] *= middle[:, None]
            shown = _can_be_shown(trial)
            least, most = np.where(shown, middle, least), np.where(shown, most, middle)
        fitting[outside, 1:] *= least[:, None]
    colours = 255 * np.clip(skimage.color.lab2rgb(fitting), 0, 1)
    return np.asarray(colours, dtype=np.float32)


def _can_be_shown(lab: Lab) -> NDArray[np.bool_]:
    """Return which colours ``[n, 3]`` lie within sRGB: linear light between 0 and 1."""
    from skimage.color.colorconv import rgb_from_xyz  # named by its own file alone

    lightness = (lab[:, 0] + 16) / 116
    powers = np.stack([lightness + lab[:, 1] / 500, lightness, lightness - lab[:, 2] / 200], axis=1)
    # CIE 1976: a cube, and a straight line near black.
    xyz = np.where(powers > 6 / 29, powers**3, 3 * (6 / 29) ** 2 * (powers - 4 / 29))
    white = skimage.color.xyz_tristimulus_values(illuminant="D65", observer="2")
    light = (xyz * white) @ rgb_from_xyz.T
    shown: NDArray[np.bool_] = ((light >= -_ROOM) & (light <= 1 + _ROOM)).all(axis=1)
    return shown
