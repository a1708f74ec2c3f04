"""The head atlas: what each head of one class looks at, in the photographs it is strongest in.

Drawing only: arrays and words come in, a matplotlib figure goes out. All panels are painted into
one picture, which is quicker than an axes for each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import Normal, Stroke

from intr_discover.figures import overlay, style
from intr_discover.figures.attention_layout import Box
from intr_discover.figures.panels import ATTENTION, draw_key
from intr_discover.figures.strips import MARKER_COLOUR
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_WORDS = 43.0  # the column of words
_HEADER = 9.5
_FOOT = 16.0
_GAP = 0.7  # between a crop and its map
_TILE_GAP = 2.0
_ROW_GAP = 1.6
_TALLEST = 225.0
_LINE = 2.7  # of small text
_MOST_LINES = 4
_LOWEST_ROW = _LINE * _MOST_LINES + 1.0
_MOST_UPRIGHT, _WIDEST = 0.6, 1.8  # width over height of a panel
_LARGEST_PANEL = 26.0
_PIXELS = style.DOTS_PER_INCH / style.MM_PER_INCH


@dataclass(frozen=True)
class Tile:
    """One photograph as one head sees it.

    Attributes
    ----------
    photograph
        ``[H, W, 3]`` uint8.
    heatmap
        ``[h, w]`` attention weights over the whole photograph, not rescaled.
    largest
        The map's largest weight, which interpolation may have missed.
    peak
        x and y of its largest cell as shares of width and height, in [0, 1].
    """

    photograph: npt.NDArray[np.uint8]
    heatmap: npt.NDArray[np.float32]
    largest: float
    peak: tuple[float, float]


@dataclass(frozen=True)
class HeadRow:
    """One head.

    Attributes
    ----------
    heading
        Its name, in bold.
    lines
        What is known of it: at most three lines.
    tiles
        Its photographs, the strongest first; may be empty.
    """

    heading: str
    lines: Sequence[str]
    tiles: Sequence[Tile]


def head_atlas_figure(
    rows: Sequence[HeadRow],
    *,
    title: str,
    window: float,
    uniform: float,
    legend: str,
    what: str = ATTENTION,
) -> Figure:
    """Draw a row a head: what lies round its peaks, and its maps.

    Parameters
    ----------
    rows
        From top to bottom, at least one.
    title
        The class, in bold above all.
    window
        Side of the crops as a share of the photograph's sides.
    uniform
        1/N: the weight of each of the N cells if a head looked everywhere alike.
    what
        What the colours show of a cell.
    legend
        Words beside the colour bar.

    Returns
    -------
    Figure
        183 mm wide. Colours run from 0 to the largest weight that is drawn, on one scale for all
        panels of the figure.
    """
    assert rows, "no head to draw"
    tiles = [tile for row in rows for tile in row.tiles]
    columns = max(1, *(len(row.tiles) for row in rows))
    width, height = _panel_size(tiles, len(rows), columns)
    pitch = max(height + _ROW_GAP, _LOWEST_ROW)
    bottom = _HEADER + len(rows) * pitch
    scale = max([uniform, *(max(tile.largest, float(tile.heatmap.max())) for tile in tiles)])
    with style.journal_style():
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, bottom + _FOOT)
        _write_title(figure, title, columns, width)
        axes = _page(figure, bottom + _FOOT)
        for number, row in enumerate(rows):
            top = _HEADER + number * pitch
            _write_row(figure, row, top)
            for column, tile in enumerate(row.tiles):
                left = _MARGIN + _WORDS + column * (2 * width + _GAP + _TILE_GAP)
                _draw_tile(axes, tile, Box(left, top, width, height), window, scale)
        draw_key(figure, _MARGIN, bottom, scale if tiles else None, uniform, legend, 5, what)
    return figure


def _panel_size(tiles: Sequence[Tile], rows: int, columns: int) -> tuple[float, float]:
    """Return width and height of a crop, and of the map beside it."""
    shapes = [tile.photograph.shape for tile in tiles] or [(1, 1, 3)]
    aspect = float(np.median([shape[1] / shape[0] for shape in shapes]))
    aspect = min(max(aspect, _MOST_UPRIGHT), _WIDEST)
    room = style.DOUBLE_COLUMN_MM - 2 * _MARGIN - _WORDS
    width = (room - columns * _GAP - (columns - 1) * _TILE_GAP) / (2 * columns)
    height = (_TALLEST - _HEADER - _FOOT) / rows - _ROW_GAP
    width = min(width, _LARGEST_PANEL, max(height, 3.0) * aspect)
    return width, width / aspect


def _page(figure: Figure, height: float) -> Axes:
    """Return axes over the whole figure whose units are mm from its upper left corner."""
    axes = style.add_axes(figure, 0.0, 0.0, style.DOUBLE_COLUMN_MM, height)
    axes.set_xlim(0.0, style.DOUBLE_COLUMN_MM)
    axes.set_ylim(height, 0.0)
    axes.axis("off")
    axes.set_autoscale_on(False)
    axes.set_gid("panels")
    return axes


def _write_title(figure: Figure, title: str, columns: int, width: float) -> None:
    room = style.DOUBLE_COLUMN_MM - 2 * _MARGIN
    style.add_text(
        figure,
        _MARGIN,
        4.0,
        TextRuler(style.LARGE_PT, "bold").shorten(title, room),
        fontsize=style.LARGE_PT,
        fontweight="bold",
    )
    step = 2 * width + _GAP + _TILE_GAP
    for column in range(columns):
        words = f"strongest {column + 1}" if columns > 1 else "strongest"
        style.add_text(
            figure,
            _MARGIN + _WORDS + column * step,
            8.4,
            TextRuler(style.SMALL_PT).shorten(words, step - _TILE_GAP),
            fontsize=style.SMALL_PT,
            color=style.GREY,
        )


def _write_row(figure: Figure, row: HeadRow, top: float) -> None:
    room = _WORDS - 1.5
    style.add_text(
        figure,
        _MARGIN,
        top + 2.4,
        TextRuler(style.NORMAL_PT, "bold").shorten(row.heading, room),
        fontsize=style.NORMAL_PT,
        fontweight="bold",
    )
    ruler = TextRuler(style.SMALL_PT)
    for number, line in enumerate(row.lines[: _MOST_LINES - 1]):
        style.add_text(
            figure,
            _MARGIN,
            top + 2.4 + (number + 1) * _LINE,
            ruler.shorten(line, room),
            fontsize=style.SMALL_PT,
            color=style.DARK_GREY,
        )


def _draw_tile(axes: Axes, tile: Tile, slot: Box, window: float, scale: float) -> None:
    """Draw the crop round the peak, and beside it the map over the whole photograph."""
    rows, columns = tile.photograph.shape[:2]
    aspect = columns / rows
    width = min(slot.width, slot.height * aspect)
    box = Box(slot.left, slot.top, width, width / aspect)
    pixels = max(1, round(box.height * _PIXELS)), max(1, round(box.width * _PIXELS))
    left, top, right, bottom = place_of_crop(tile.peak, window)
    cut = crop(tile.photograph, (left, top, right, bottom))
    _paint(axes, overlay.resize_photograph(cut, *pixels), box, "crop")
    grey = overlay.grey_tones(overlay.resize_photograph(tile.photograph, *pixels))
    attention = overlay.resize_map(tile.heatmap, *pixels)
    place = Box(slot.left + slot.width + _GAP, slot.top, box.width, box.height)
    _paint(axes, overlay.blend(grey, attention, scale), place, "head map")
    frame = Rectangle(
        (place.left + left * place.width, place.top + top * place.height),
        (right - left) * place.width,
        (bottom - top) * place.height,
        fill=False,
        edgecolor=MARKER_COLOUR,
        linewidth=0.6,
    )
    frame.set_path_effects([Stroke(linewidth=1.2, foreground="black"), Normal()])
    frame.set_gid("window")
    axes.add_patch(frame)
    (ring,) = axes.plot(
        box.left + (tile.peak[0] - left) / (right - left) * box.width,
        box.top + (tile.peak[1] - top) / (bottom - top) * box.height,
        marker="o",
        linestyle="none",
        markersize=5.0,
        markerfacecolor="none",
        markeredgecolor=MARKER_COLOUR,
        markeredgewidth=0.6,
        gid="peak",
    )
    ring.set_path_effects([Stroke(linewidth=1.2, foreground="black"), Normal()])


def place_of_crop(peak: tuple[float, float], window: float) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom as shares: a whole window, moved inside the photograph."""
    side = min(window, 1.0)
    left, top = (min(max(place - side / 2, 0.0), 1.0 - side) for place in peak)
    return left, top, left + side, top + side


def crop(
    photograph: npt.NDArray[np.uint8], place: tuple[float, float, float, float]
) -> npt.NDArray[np.uint8]:
    """Return the pixels of a place as ``place_of_crop`` gives it; at least one."""
    rows, columns = photograph.shape[:2]
    left, top, right, bottom = place
    return photograph[
        int(top * rows) : max(int(top * rows) + 1, round(bottom * rows)),
        int(left * columns) : max(int(left * columns) + 1, round(right * columns)),
    ]


def _paint(axes: Axes, picture: npt.NDArray[np.uint8], box: Box, name: str) -> None:
    image = axes.imshow(
        picture, extent=(box.left, box.right, box.bottom, box.top), aspect="auto", zorder=1
    )
    image.set_gid(name)
