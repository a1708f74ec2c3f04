"""Strips of small panels: many photographs with their maps on one page, on one colour scale.

Drawing only: arrays and names come in, a matplotlib figure goes out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from intr_discover.figures import style
from intr_discover.figures.attention_layout import Box
from intr_discover.figures.panels import Panels, draw_key
from intr_discover.figures.text import TextRuler, one_line

# All lengths in mm.
_MARGIN = 2.0
_GAP = 1.2
_BLOCK_GAP = 6.0
_HEADING = 4.0  # the words above a strip
_TITLE = 2.9  # the words above a panel
_STRIP_GAP = 2.2
_FOOT = 15.0  # colour bar and legend
_TALLEST = 225.0  # leaves room for a legend on the page
_MOST_UPRIGHT, _WIDEST = 0.6, 2.0  # width over height of a panel
_TALLEST_PANEL = 60.0
MARKER_COLOUR = "#56B4E9"  # Okabe and Ito's sky blue: on grey, on orange and on yellow alike
# From the strongest head on: a dot, then rings round it, so that peaks in one cell stay visible.
_MARKER_SIZES = (2.6, 5.0, 7.4)  # points


@dataclass(frozen=True)
class Panel:
    """A photograph, or a map over it.

    Attributes
    ----------
    photograph
        ``[H, W, 3]`` uint8.
    title
        Words above it.
    heatmap
        ``[h, w]`` attention weights over the whole photograph, not rescaled; None for the
        photograph itself.
    largest
        The map's largest weight, which interpolation may have missed; None takes it from
        ``heatmap``.
    points
        (x, y) of peaks as shares of width and height, the strongest head's first.
    outline
        ``[h, w]`` mask over the whole photograph of what is outlined; None for nothing.
    """

    photograph: npt.NDArray[np.uint8]
    title: str = ""
    heatmap: npt.NDArray[np.float32] | None = None
    largest: float | None = None
    points: Sequence[tuple[float, float]] = ()
    outline: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Strip:
    """Panels side by side under one heading.

    Attributes
    ----------
    heading
        Words above the strip.
    panels
        From left to right.
    colour
        Of the heading.
    """

    heading: str
    panels: Sequence[Panel]
    colour: str = "black"


def strips_on_a_page(aspect: float, panels: int, blocks: int, titled: bool) -> int:
    """Return how many strips fit on a page.

    Parameters
    ----------
    aspect
        Width of a photograph over its height.
    panels
        Panels of a strip.
    blocks
        Strips side by side.
    titled
        Whether panels have titles.
    """
    _, height = _panel_size(aspect, panels, blocks)
    rows = math.floor((_TALLEST - _FOOT - _MARGIN) / _strip_height(height, titled))
    return max(1, rows) * blocks


def strips_figure(
    strips: Sequence[Strip], *, uniform: float, blocks: int = 1, legend: str = ""
) -> Figure:
    """Draw strips of panels one below the other, in one block or in several side by side.

    Parameters
    ----------
    strips
        In reading order: the first block is filled from top to bottom, then the next.
    uniform
        1/N: the weight of each of the N cells if a head looked everywhere alike.
    blocks
        Strips side by side.
    legend
        Words beside the colour bar.

    Returns
    -------
    Figure
        183 mm wide. Colours run from 0 to the largest weight that is drawn, on one scale for all
        panels. Photographs of different shapes keep their shape.
    """
    assert strips and blocks >= 1, "nothing to draw"
    shown = [panel for strip in strips for panel in strip.panels]
    scale = max(uniform, *(_largest(panel) for panel in shown))
    most = max(len(strip.panels) for strip in strips)
    titled = any(panel.title for panel in shown)
    aspect = float(np.median([_aspect(panel.photograph) for panel in shown]))
    width, height = _panel_size(aspect, most, blocks)
    rows = math.ceil(len(strips) / blocks)
    bottom = _MARGIN + rows * _strip_height(height, titled)
    with style.journal_style():
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, bottom + _FOOT)
        for place, strip in enumerate(strips):
            block, row = divmod(place, rows)
            left = _MARGIN + block * (_block_width(blocks) + _BLOCK_GAP)
            top = _MARGIN + row * _strip_height(height, titled)
            _write_heading(figure, strip, left, top, _block_width(blocks))
            for column, panel in enumerate(strip.panels):
                slot = Box(
                    left + column * (width + _GAP),
                    top + _HEADING + (_TITLE if titled else 0.0),
                    width,
                    height,
                )
                draw_panel(figure, panel, slot, scale, uniform)
        draw_key(figure, _MARGIN, bottom, scale, uniform, legend, lines=4)
    return figure


def _block_width(blocks: int) -> float:
    whole = style.DOUBLE_COLUMN_MM - 2 * _MARGIN
    return (whole - (blocks - 1) * _BLOCK_GAP) / blocks


def _panel_size(aspect: float, panels: int, blocks: int) -> tuple[float, float]:
    """Return width and height of the place of a panel."""
    width = (_block_width(blocks) - (panels - 1) * _GAP) / panels
    height = width / min(max(aspect, _MOST_UPRIGHT), _WIDEST)
    return width, min(height, _TALLEST_PANEL)


def _strip_height(panel_height: float, titled: bool) -> float:
    return _HEADING + (_TITLE if titled else 0.0) + panel_height + _STRIP_GAP


def _largest(panel: Panel) -> float:
    if panel.heatmap is None:
        return 0.0
    return max(float(panel.heatmap.max()), panel.largest or 0.0)


def _aspect(photograph: npt.NDArray[np.uint8]) -> float:
    return photograph.shape[1] / photograph.shape[0]


def _write_heading(figure: Figure, strip: Strip, left: float, top: float, room: float) -> None:
    style.add_text(
        figure,
        left,
        top + 2.9,
        TextRuler(style.NORMAL_PT, "bold").shorten(strip.heading, room),
        fontsize=style.NORMAL_PT,
        fontweight="bold",
        color=strip.colour,
    )


def draw_panel(figure: Figure, panel: Panel, slot: Box, scale: float, uniform: float) -> None:
    """Draw a panel as large as its place allows, from the upper left corner on."""
    aspect = _aspect(panel.photograph)
    width = min(slot.width, slot.height * aspect)
    box = Box(slot.left, slot.top, width, width / aspect)
    panels = Panels(figure, panel.photograph, scale, uniform)
    if panel.heatmap is None:
        axes = panels.draw_photograph(box)
    else:
        axes = panels.draw_map(panel.heatmap, box, is_mean=False)
    if panel.title:
        words = TextRuler(style.SMALL_PT).shorten(one_line(panel.title), slot.width)
        axes.set_title(words, loc="left", fontsize=style.SMALL_PT, pad=1.5)
    if panel.outline is not None:
        draw_outline(axes, panel.outline)
    _draw_points(axes, panel.points)


def draw_outline(axes: Axes, mask: npt.NDArray[np.bool_], width: float = 0.6) -> None:
    """Draw a region's outline, ``width`` points wide, over a panel of the whole photograph."""
    if not mask.any() or mask.all() or min(mask.shape) < 2:
        return
    # The mask's grid covers the panel from edge to edge, whatever its number of pixels.
    left, right = axes.get_xlim()
    lower, upper = axes.get_ylim()
    columns = left + (np.arange(mask.shape[1]) + 0.5) * (right - left) / mask.shape[1]
    rows = upper + (np.arange(mask.shape[0]) + 0.5) * (lower - upper) / mask.shape[0]
    lines = axes.contour(
        columns, rows, mask.astype(float), levels=[0.5], colors=MARKER_COLOUR, linewidths=width
    )
    lines.set_path_effects([Stroke(linewidth=width + 0.6, foreground="black"), Normal()])


def _draw_points(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """Mark peaks: the strongest head's as a dot, the next as rings of growing size."""
    for place, (x, y) in reversed(list(enumerate(points[: len(_MARKER_SIZES)]))):
        (marker,) = axes.plot(
            x,
            1 - y,
            marker="o",
            linestyle="none",
            transform=axes.transAxes,
            markersize=_MARKER_SIZES[place],
            markerfacecolor=MARKER_COLOUR if place == 0 else "none",
            markeredgecolor=MARKER_COLOUR,
            markeredgewidth=0.8,
            clip_on=False,
            gid=f"peak {place + 1}",
        )
        marker.set_path_effects([Stroke(linewidth=1.6, foreground="black"), Normal()])
