"""Figure of two look-alikes measured: colour of what a head attends to, and where it lies.

Drawing only: arrays and names come in, a matplotlib figure goes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from skimage.color import lab2rgb

from intr_discover.figures import style
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_HEAD = 13.0
_PANEL = 52.0
_LEFT = 14.0
_GAP = 18.0
_FOOT = 11.0
_MARKERS = ("o", "^")
_SHAPES = ("discs", "triangles")
_LEAST_RANGE = 10.0  # of a* and b*: smaller differences than this fill no figure


@dataclass(frozen=True)
class Dots:
    """The specimens of one species as one head sees them.

    Attributes
    ----------
    label
        The species.
    lightness, a, b
        ``[n]``: mean colour of the region in CIELAB.
    x, y
        ``[n]``: its middle in the common frame, 0 to 1, y downwards; NaN without a place.
    """

    label: str
    lightness: npt.NDArray[np.float64]
    a: npt.NDArray[np.float64]
    b: npt.NDArray[np.float64]
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]


def measurements_figure(
    species: Sequence[Dots],
    searcher: str,
    inside: npt.NDArray[np.bool_],
    landmarks: Sequence[tuple[float, float]],
    words: str,
) -> Figure:
    """Draw colour and place of what one head attends to, in two species.

    Parameters
    ----------
    species
        Two; the first drawn as discs, the second as triangles.
    searcher
        Which head of which query, for the second line of the title.
    inside
        ``[rows, columns]``: cells of the common frame that count.
    landmarks
        Where landmarks lie in it, (x, y) in cells; 0 is the centre of the first cell.
    words
        What separates the two most, for the second line of the title.

    Returns
    -------
    Figure
        183 mm wide. Each mark is filled with the mean colour that it stands for.
    """
    width = style.DOUBLE_COLUMN_MM
    with style.journal_style():
        figure = style.new_figure(width, _HEAD + _PANEL + _FOOT)
        room = width - 2 * _MARGIN
        ruler = TextRuler(style.LARGE_PT, "bold")
        # Each name is shortened by itself, so that the words that explain the marks stay.
        marked = [f" ({shape})" for shape in _SHAPES]
        for_names = (room - ruler.width(" and " + "".join(marked))) / len(species)
        title = " and ".join(
            ruler.shorten(dots.label, for_names) + shape
            for dots, shape in zip(species, marked, strict=True)
        )
        style.add_text(figure, _MARGIN, 4.0, title, fontsize=style.LARGE_PT, fontweight="bold")
        ruler = TextRuler(style.NORMAL_PT)
        said = f"; {words}"
        said = ruler.shorten(searcher, room - ruler.width(said)) + said
        style.add_text(figure, _MARGIN, 8.5, said, fontsize=style.NORMAL_PT, color=style.DARK_GREY)
        left = _MARGIN + _LEFT
        axes = style.add_axes(figure, left, _HEAD, 1.3 * _PANEL, _PANEL)
        axes.set_gid("colour")
        _draw_colours(axes, species)
        beside = left + 1.3 * _PANEL + _GAP
        axes = style.add_axes(figure, beside, _HEAD, width - _MARGIN - beside, _PANEL)
        axes.set_gid("place")
        _draw_places(axes, species, inside, landmarks)
    return figure


def _draw_colours(axes: Axes, species: Sequence[Dots]) -> None:
    for dots, marker in zip(species, _MARKERS, strict=True):
        _marks(axes, dots.a, dots.b, dots, marker)
    for each, values in (("x", [dots.a for dots in species]), ("y", [dots.b for dots in species])):
        known = np.concatenate(values)
        known = known[~np.isnan(known)]
        if len(known):
            middle, reach = (known.max() + known.min()) / 2, np.ptp(known)
            half = max(_LEAST_RANGE, 1.2 * reach) / 2
            axes.set(**{f"{each}lim": (middle - half, middle + half)})
    axes.set_xlabel("a* (green to red)")
    axes.set_ylabel("b* (blue to yellow)")


def _draw_places(
    axes: Axes,
    species: Sequence[Dots],
    inside: npt.NDArray[np.bool_],
    landmarks: Sequence[tuple[float, float]],
) -> None:
    rows, columns = inside.shape
    axes.imshow(
        np.where(inside, 0.92, 1.0), cmap="gray", vmin=0, vmax=1, extent=(0, columns, rows, 0)
    )
    if landmarks:
        x, y = np.array(landmarks).T + 0.5
        axes.scatter(x, y, s=8, c=style.GREY, marker="+", linewidths=0.5, gid="landmarks")
    for dots, marker in zip(species, _MARKERS, strict=True):
        _marks(axes, dots.x * columns, dots.y * rows, dots, marker)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set(xlim=(0, columns), ylim=(rows, 0))
    axes.spines[:].set_visible(False)
    axes.set_xlabel("place in the common frame")


def _marks(
    axes: Axes,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    dots: Dots,
    marker: str,
) -> None:
    known = ~(np.isnan(x) | np.isnan(y) | np.isnan(dots.lightness))
    if not known.any():
        return
    lab = np.stack([dots.lightness, dots.a, dots.b], axis=-1)[known]
    colours = np.clip(lab2rgb(lab[None])[0], 0, 1)
    axes.scatter(
        x[known], y[known], s=22, c=colours, marker=marker, linewidths=0.5, edgecolors="black"
    )
