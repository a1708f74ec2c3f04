"""Panels that several figures are made of: a photograph, a map over it, and the colour bar.

Drawing only: arrays come in, axes of a matplotlib figure go out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from intr_discover.figures import overlay, style
from intr_discover.figures.attention_layout import Box
from intr_discover.figures.text import TextRuler

ATTENTION, SHARE = "attention weight", "share of a map"
"""What colours show of a cell: of INTR's heads, and of the units of other methods."""

_BAR_WIDTH = 52.0  # mm
_LEGEND_LEFT = 82.0  # mm from the page's left edge: behind the words at the bar's right end


def drawing_grid(height: int, width: int) -> tuple[int, int]:
    """Return the largest grid (rows, columns) that a figure can show of a photograph.

    Maps for :func:`attention_figure` need no more cells than this. It is the photograph's own
    grid of pixels, or a smaller one whose longer side is a page wide at 300 dpi.
    """
    longest = style.DOUBLE_COLUMN_MM / style.MM_PER_INCH * style.DOTS_PER_INCH
    shrink = min(1.0, longest / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))


class Panels:
    """Draws a photograph and its maps.

    Parameters
    ----------
    figure
        To draw into.
    photograph
        ``[H, W, 3]`` uint8.
    scale
        The weight drawn in the last colour, the same for all panels of a figure.
    uniform
        The weight of each cell if a head looked everywhere alike.
    """

    def __init__(
        self, figure: Figure, photograph: npt.NDArray[np.uint8], scale: float, uniform: float
    ) -> None:
        self._figure = figure
        # Shrunk once, so that a large photograph is not resampled anew for every panel.
        self._photograph = overlay.resize_photograph(
            photograph, *drawing_grid(*photograph.shape[:2])
        )
        self._scale = scale
        self._uniform = uniform
        self._grey: dict[tuple[int, int], npt.NDArray[np.float32]] = {}

    def draw_photograph(self, box: Box) -> Axes:
        """Draw the photograph in its own colours."""
        axes = self._add_panel(box)
        axes.imshow(overlay.resize_photograph(self._photograph, *_pixels(box)), aspect="auto")
        axes.set_gid("photograph")
        return axes

    def draw_map(self, heatmap: npt.NDArray[np.float32], box: Box, is_mean: bool) -> Axes:
        """Draw one map over the grey photograph, with a line at half of its own maximum."""
        pixels = _pixels(box)
        if pixels not in self._grey:
            picture = overlay.resize_photograph(self._photograph, *pixels)
            self._grey[pixels] = overlay.grey_tones(picture)
        attention = overlay.resize_map(heatmap, *pixels)
        axes = self._add_panel(box)
        axes.imshow(overlay.blend(self._grey[pixels], attention, self._scale), aspect="auto")
        half = float(heatmap.max()) / 2
        # A contour needs two rows and columns, and a level that resampling has left in the map.
        if half > self._uniform and min(pixels) >= 2 and attention.min() < half < attention.max():
            line = axes.contour(attention, levels=[half], colors="white", linewidths=0.7)
            line.set_path_effects([Stroke(linewidth=1.4, foreground="black"), Normal()])
        if is_mean:
            for spine in axes.spines.values():
                spine.set(linewidth=0.9, edgecolor="black")
        axes.set_gid("mean map" if is_mean else "head map")
        return axes

    def _add_panel(self, box: Box) -> Axes:
        axes = style.add_axes(self._figure, box.left, box.top, box.width, box.height)
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set(visible=True, linewidth=0.25, edgecolor=style.GREY)
        return axes


def _pixels(box: Box) -> tuple[int, int]:
    """Return rows and columns of a panel at the resolution of the files."""
    per_mm = style.DOTS_PER_INCH / style.MM_PER_INCH
    return max(1, round(box.height * per_mm)), max(1, round(box.width * per_mm))


def draw_colour_bar(
    figure: Figure, box: Box, scale: float, uniform: float, what: str = ATTENTION
) -> None:
    """Draw the one colour bar of the figure: over light pixels above, over dark ones below."""
    axes = style.add_axes(figure, box.left, box.top, box.width, box.height)
    axes.set_gid("colour bar")
    axes.imshow(overlay.colour_ramp(), extent=(0.0, 1.0, 0.0, 1.0), aspect="auto")
    ticks = [0.0, *_round_weights(scale)]
    places = [overlay.bar_position(tick, scale) for tick in ticks]
    axes.set_xticks([*places, 1.0], [f"{tick:.3g}" for tick in ticks] + [short_number(scale)])
    label = f"{what} per cell, square-root scale (uniform = {short_number(uniform)})"
    # The words at the right end lend the label their room.
    label = TextRuler(style.SMALL_PT).fit(label, box.width + 12.0, lines=2)
    axes.set_xlabel(label, loc="left", fontsize=style.SMALL_PT, linespacing=1.1)
    axes.yaxis.tick_right()
    axes.set_yticks([0.12, 0.88], ["dark pixels", "light pixels"])
    axes.tick_params(axis="y", length=0, labelsize=style.SMALLEST_PT, labelcolor=style.GREY)
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.5)


def draw_key(
    figure: Figure,
    left: float,
    top: float,
    scale: float | None,
    uniform: float,
    legend: str,
    lines: int,
    what: str = ATTENTION,
) -> None:
    """Draw the foot of a page of maps: the colour bar, and the legend beside it.

    Parameters
    ----------
    figure
        As wide as two columns.
    left, top
        Margin, and upper edge of the foot, in mm.
    scale, uniform
        See ``draw_colour_bar``; no bar where there is no map and thus no scale.
    legend
        How to read the page; cut where it needs more lines than there are.
    lines
        Most lines of the legend.
    what
        What the colours show of a cell.
    """
    if scale is not None:
        bar = Box(left + 2.5, top + 2.5, _BAR_WIDTH, 3.0)
        draw_colour_bar(figure, bar, scale, uniform, what)
    room = style.DOUBLE_COLUMN_MM - left - _LEGEND_LEFT
    style.add_text(
        figure,
        _LEGEND_LEFT,
        top + 2.0,
        TextRuler(style.SMALL_PT).fit(legend, room, lines=lines),
        va="top",
        fontsize=style.SMALL_PT,
        color=style.DARK_GREY,
        gid="legend",
    )


def _round_weights(scale: float) -> list[float]:
    """Return weights of one significant digit, about evenly spread along the colour bar."""
    rounded = [float(f"{scale * place**2:.0e}") for place in (0.2, 0.4, 0.6, 0.8)]
    # Rounding may bring two together, or near an end, where their numbers would touch.
    chosen: list[float] = []
    last = 0.0
    for weight in rounded:
        place = overlay.bar_position(weight, scale) if weight < scale else 1.0
        if place - last > 0.12 and place < 0.88:
            chosen.append(weight)
            last = place
    return chosen


def short_number(value: float) -> str:
    """Return a weight with two significant digits."""
    return f"{value:.2g}"
