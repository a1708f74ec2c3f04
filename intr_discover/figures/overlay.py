"""Attention laid over a photograph so that the wing pattern and the attention both stay visible.

The photograph loses its colours and its lightest tones; attention adds colour and light, the more
opaque the larger the weight. Chosen among twenty variants drawn on butterflies with black, orange
and white wings, a cat and a face:

* over a photograph in colour, no colour map could be told from the orange of a Monarch or the red
  of a Heliconius, so the photograph is grey;
* over lightened grey tones the yellow of the largest weights is no lighter than a white wing; over
  tones between near-black and light grey it glows, and black wings keep their contrast;
* the dark half of a map (black to purple in magma and inferno, blue in viridis) cannot be seen on
  a dark wing, so the colours begin in the middle of inferno, whose lightness still grows evenly;
* the maps of trained models are sharp: on a linear scale one cell of the strongest head leaves all
  other heads black, so colour and opacity grow with the square root of the weight;
* short of full opacity veins and spots show under the strongest weight.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from PIL import Image

from intr_discover.figures.style import SEQUENTIAL

# The part of the colour map that is used, see above.
_FIRST_COLOUR = 0.45
_LAST_COLOUR = 1.0
_MOST_OPAQUE = 0.85
# What black and white become; 0 is black, 1 is white.
_DARKEST_GREY = 0.12
_LIGHTEST_GREY = 0.75
# Luma after ITU-R BT.709: weights of the encoded red, green and blue.
_LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)


def grey_tones(photograph: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """Return a photograph in grey tones between near-black and light grey.

    Parameters
    ----------
    photograph
        ``[H, W, 3]`` uint8, sRGB.

    Returns
    -------
    numpy.ndarray
        ``[H, W]`` float32 in [0.12, 0.75].
    """
    luma = photograph.astype(np.float32) @ _LUMA / np.float32(255)
    tones = _DARKEST_GREY + (_LIGHTEST_GREY - _DARKEST_GREY) * luma
    return np.asarray(tones, dtype=np.float32)


def blend(
    grey: npt.NDArray[np.float32], attention: npt.NDArray[np.float32], scale: float
) -> npt.NDArray[np.uint8]:
    """Colour grey tones by attention.

    Parameters
    ----------
    grey
        ``[H, W]`` in [0, 1], see :func:`grey_tones`.
    attention
        ``[H, W]``, weights at or above 0; above ``scale`` they are drawn as ``scale``.
    scale
        The weight drawn in the last colour, the same for all maps of a figure.

    Returns
    -------
    numpy.ndarray
        ``[H, W, 3]`` uint8, sRGB. Where the attention is 0, the grey tone itself.
    """
    share = np.sqrt(np.clip(attention / np.float32(scale), np.float32(0), np.float32(1)))
    steps = colormaps[SEQUENTIAL](np.linspace(_FIRST_COLOUR, _LAST_COLOUR, 256))[:, :3]
    colours = steps.astype(np.float32)[np.round(share * 255).astype(np.uint8)]
    opacity = (_MOST_OPAQUE * share)[..., None]
    blended = grey[..., None] * (1 - opacity) + colours * opacity
    return np.round(blended * 255).astype(np.uint8)


def colour_ramp(steps: int = 256, tones: int = 32) -> npt.NDArray[np.uint8]:
    """Return the picture of a colour bar: weights from left to right, over light to dark pixels.

    From left to right the square root of the weight grows evenly; see :func:`bar_position`.

    The colour of a weight depends on the grey tone below it, so the bar shows both: the top row
    is what a weight looks like over a white pixel, the bottom row over a black one.

    Returns
    -------
    numpy.ndarray
        ``[tones, steps, 3]`` uint8.
    """
    weight = np.linspace(0.0, 1.0, steps, dtype=np.float32) ** 2
    grey = np.linspace(_LIGHTEST_GREY, _DARKEST_GREY, tones, dtype=np.float32)
    weight, grey = np.meshgrid(weight, grey)
    return blend(grey, weight, 1.0)


def bar_position(weight: float, scale: float) -> float:
    """Return where a weight stands on the colour bar, in [0, 1] from left to right."""
    return math.sqrt(weight / scale)


def resize_photograph(
    photograph: npt.NDArray[np.uint8], height: int, width: int
) -> npt.NDArray[np.uint8]:
    """Return a photograph ``[H, W, 3]`` at another size, without aliasing (Lanczos)."""
    resized = Image.fromarray(photograph).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def resize_map(
    heatmap: npt.NDArray[np.float32], height: int, width: int
) -> npt.NDArray[np.float32]:
    """Return a map ``[H, W]`` at another size: bilinear, the outer edges of both grids aligned."""
    image = Image.fromarray(np.ascontiguousarray(heatmap, dtype=np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
