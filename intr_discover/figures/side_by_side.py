"""Photographs in rows, ways to explain a model in columns: the paper's Figure 8 for any data.

Drawing only: arrays and names come in, a matplotlib figure goes out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy
from matplotlib.figure import Figure

from intr_discover.figures import overlay, style
from intr_discover.figures.attention_layout import Box
from intr_discover.figures.panels import Panels
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_GAP = 1.0
_HEADER = 9.0  # up to three lines above the columns
_HEADING = 3.8
_ROW_GAP = 1.4
_FOOT = 12.0
_TALLEST = 225.0
_MOST_PLACES = 40  # with a line round each
_WIDEST_PANEL, _TALLEST_PANEL = 40.0, 45.0


@dataclass(frozen=True)
class Row:
    """One photograph and its maps.

    Attributes
    ----------
    heading
        Words above it.
    photograph
        ``[H, W, 3]`` uint8.
    maps
        By method, ``[h, w]`` at least 0, over the whole photograph; methods may be missing.
    """

    heading: str
    photograph: npt.NDArray[np.uint8]
    maps: Mapping[str, npt.NDArray[np.float32]]


def rows_on_a_page(rows: Sequence[Row], columns: int) -> int:
    """Return how many rows fit on a page; all are as high as the highest."""
    _, height = _panel_size(rows, columns)
    return max(
        1, math.floor((_TALLEST - _HEADER - _FOOT - _MARGIN) / (_HEADING + height + _ROW_GAP))
    )


def side_by_side_figure(rows: Sequence[Row], names: Mapping[str, str]) -> Figure:
    """Draw photographs and their maps, every map scaled to its own maximum.

    Parameters
    ----------
    rows
        From top to bottom.
    names
        What each method is called, in the order of the columns. A method without a map in any
        row has no column; a missing map is an empty place.

    Returns
    -------
    Figure
        183 mm wide.
    """
    methods = [name for name in names if any(name in row.maps for row in rows)]
    assert rows and methods, "nothing to draw"
    width, height = _panel_size(rows, len(methods))
    pitch = _HEADING + height + _ROW_GAP
    bottom = _MARGIN + _HEADER + pitch * len(rows)
    with style.journal_style():
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, bottom + _FOOT)
        ruler = TextRuler(style.SMALL_PT)
        for column, words in enumerate(["photograph", *(names[name] for name in methods)]):
            style.add_text(
                figure,
                _MARGIN + column * (width + _GAP),
                _MARGIN + _HEADER - 1.0,
                ruler.fit(words, width, lines=3),
                va="bottom",
                fontsize=style.SMALL_PT,
            )
        bold = TextRuler(style.SMALL_PT, "bold")
        for place, row in enumerate(rows):
            top = _MARGIN + _HEADER + place * pitch
            style.add_text(
                figure,
                _MARGIN,
                top + 2.7,
                bold.shorten(row.heading, style.DOUBLE_COLUMN_MM - 2 * _MARGIN),
                fontsize=style.SMALL_PT,
                fontweight="bold",
            )
            _draw_row(figure, row, methods, top + _HEADING, width, height)
        _draw_bar(figure, Box(_MARGIN + 1.0, bottom + 1.5, 46.0, 3.0))
    return figure


def _panel_size(rows: Sequence[Row], columns: int) -> tuple[float, float]:
    """Return the place of a panel: as wide as fits, as high as the median photograph."""
    whole = style.DOUBLE_COLUMN_MM - 2 * _MARGIN
    width = min(_WIDEST_PANEL, (whole - columns * _GAP) / (columns + 1))
    aspect = float(np.median([row.photograph.shape[1] / row.photograph.shape[0] for row in rows]))
    return width, min(_TALLEST_PANEL, width / max(aspect, 0.5))


def _draw_row(
    figure: Figure, row: Row, methods: Sequence[str], top: float, width: float, height: float
) -> None:
    aspect = row.photograph.shape[1] / row.photograph.shape[0]
    wide = min(width, height * aspect)
    panels = Panels(figure, row.photograph, scale=1.0, uniform=0.0)
    without_line = Panels(figure, row.photograph, scale=1.0, uniform=1.0)
    for column, method in enumerate([None, *methods]):
        box = Box(_MARGIN + column * (width + _GAP), top, wide, wide / aspect)
        if method is None:
            panels.draw_photograph(box)
        elif method in row.maps:
            each = row.maps[method]
            largest = float(each.max())
            scaled = each / largest if largest > 0 else each
            # Round very many places the line would hide the map.
            places = scipy.ndimage.label(scaled >= 0.5)[1] + scipy.ndimage.label(scaled < 0.5)[1]
            pen = panels if places <= _MOST_PLACES else without_line
            pen.draw_map(np.asarray(scaled, dtype=np.float32), box, is_mean=False)


def _draw_bar(figure: Figure, box: Box) -> None:
    """Draw the colour bar: shares of each map's own maximum."""
    axes = style.add_axes(figure, box.left, box.top, box.width, box.height)
    axes.set_gid("colour bar")
    axes.imshow(overlay.colour_ramp(), extent=(0.0, 1.0, 0.0, 1.0), aspect="auto")
    ticks = [0.0, 0.1, 0.25, 0.5, 1.0]
    axes.set_xticks([overlay.bar_position(tick, 1.0) for tick in ticks], [f"{t:g}" for t in ticks])
    axes.set_yticks([])
    axes.set_xlabel("share of the map's own maximum, square-root scale", loc="left",
                    fontsize=style.SMALL_PT)  # fmt: skip
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.5)
    words = (
        "Every map is scaled to its own maximum: colours say where a map is strong, not which "
        "of two maps is stronger. White line: half of the maximum, where it surrounds few places."
    )
    left = box.left + box.width + 22.0
    style.add_text(
        figure,
        left,
        box.top,
        TextRuler(style.SMALL_PT).fit(words, style.DOUBLE_COLUMN_MM - left - _MARGIN, lines=3),
        va="top",
        fontsize=style.SMALL_PT,
        color=style.DARK_GREY,
    )
