"""Pictures for a screen: one map over a photograph as pixels, and a colour bar by itself.

The same colours as in print (``overlay``), without the page around them.
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import scipy
from matplotlib.figure import Figure
from PIL import Image

from intr_discover.figures import overlay, style
from intr_discover.figures.attention_layout import Box
from intr_discover.figures.panels import draw_colour_bar

_BAR_WIDTH_MM = 84.0
_BAR_HEIGHT_MM = 13.0
_OUTLINE = (86, 180, 233)  # the sky blue of ``strips``


def screen_grid(shape: tuple[int, int], side: int) -> tuple[int, int]:
    """Return (rows, columns) of a photograph whose longer side takes ``side`` pixels of a screen.

    Parameters
    ----------
    shape
        Height and width of the photograph; small ones are enlarged, large ones reduced.
    side
        Pixels.
    """
    factor = side / max(shape)
    return max(1, round(shape[0] * factor)), max(1, round(shape[1] * factor))


def photograph_picture(photograph: npt.NDArray[np.uint8], side: int) -> npt.NDArray[np.uint8]:
    """Return a photograph ``[H, W, 3]`` with ``side`` pixels on its longer side."""
    grid = screen_grid((photograph.shape[0], photograph.shape[1]), side)
    return overlay.resize_photograph(photograph, *grid)


def map_picture(
    photograph: npt.NDArray[np.uint8], heatmap: npt.NDArray[np.float32], scale: float
) -> npt.NDArray[np.uint8]:
    """Return a map laid over the grey photograph.

    Parameters
    ----------
    photograph
        ``[H, W, 3]`` uint8, of any size.
    heatmap
        ``[h, w]``: weights over the whole photograph, on the grid that is to be shown.
    scale
        The weight drawn in the last colour, the same for all maps that are shown together.

    Returns
    -------
    ndarray
        ``[h, w, 3]`` uint8.
    """
    tones = overlay.grey_tones(overlay.resize_photograph(photograph, *heatmap.shape))
    return overlay.blend(tones, heatmap, scale)


def outlined(picture: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Return a picture ``[h, w, 3]`` with the outline of a region ``[H, W]`` over it."""
    resized = Image.fromarray(mask.astype(np.uint8) * 255).resize(
        (picture.shape[1], picture.shape[0]), Image.Resampling.BOX
    )
    region = np.asarray(resized) >= 128
    width = max(1, round(max(region.shape) / 320))
    outer = scipy.ndimage.binary_dilation(region, iterations=width)
    drawn = picture.copy()
    drawn[scipy.ndimage.binary_dilation(outer, iterations=width) & ~outer] = 0
    drawn[outer & ~region] = _OUTLINE
    return drawn


def colour_bar_figure(scale: float, uniform: float) -> Figure:
    """Draw the colour bar of maps that are shown together.

    Parameters
    ----------
    scale
        The weight drawn in the last colour.
    uniform
        1/N: the weight of each of the N cells if a head looked everywhere alike.
    """
    with style.journal_style():
        figure = style.new_figure(_BAR_WIDTH_MM, _BAR_HEIGHT_MM)
        draw_colour_bar(figure, Box(3.0, 1.2, 58.0, 3.4), scale, uniform)
    return figure


def figure_picture(figure: Figure, dots_per_inch: int = 200) -> npt.NDArray[np.uint8]:
    """Return a figure as pixels ``[H, W, 3]``, on white."""
    with style.journal_style():
        stored = io.BytesIO()
        figure.savefig(stored, format="png", dpi=dots_per_inch)
    with Image.open(stored) as image:
        return np.asarray(image.convert("RGB"))
