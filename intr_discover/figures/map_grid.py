"""Photographs and maps in rows and columns, as most figures of the INTR paper are laid out.

Drawing only: arrays and names come in, a matplotlib figure goes out. Unlike the sheets of the
report it is laid out for any width, with nothing but headings in it: the words that explain it
belong into the caption.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.figure import Figure

from intr_discover.errors import UserError
from intr_discover.figures import style
from intr_discover.figures.attention_layout import Box
from intr_discover.figures.panels import draw_colour_bar, short_number
from intr_discover.figures.strips import Panel, draw_panel
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 1.5
_GAP = 0.8
_GROUP_GAP = 3.0
_LINE = 2.7  # from one line of small text to the next
_GROUP_HEADING = 4.0
_ROW_HEADING = 3.7
_TITLE = 2.9
_ROW_GAP = 1.5
_FOOT = 13.5
_SMALLEST_PANEL = 5.0
_LARGEST_PANEL = 60.0
_MOST_UPRIGHT, _WIDEST = 0.6, 2.0  # width over height of a panel
_HEADING_LINES = 3
_WIDEST_BAR = 52.0
_BAR_WORDS = 15.0  # at the right end of the bar, and before its left end


@dataclass(frozen=True)
class GridRow:
    """Panels side by side under one heading.

    Attributes
    ----------
    heading
        Words above them; empty for none.
    panels
        From left to right; None leaves a place empty.
    """

    heading: str
    panels: Sequence[Panel | None]


@dataclass(frozen=True)
class ColumnGroup:
    """Columns that belong together.

    Attributes
    ----------
    words
        Above them; empty for none.
    columns
        How many.
    """

    words: str
    columns: int


@dataclass(frozen=True)
class Scale:
    """What the colours of all maps of a figure mean.

    Attributes
    ----------
    uniform
        The smallest and the largest weight of a cell among the maps if a head looked everywhere
        alike; they differ where photographs differ in shape.
    words
        What is shown; None for attention weights.
    own_maximum
        Scale every map to its own maximum: for maps whose units differ.
    """

    uniform: tuple[float, float] = (0.0, 0.0)
    words: str | None = None
    own_maximum: bool = False

    def label(self) -> str:
        """Return the words below the colour bar."""
        if self.own_maximum:
            return self.words or "share of the map's own maximum, square-root scale"
        low, high = (short_number(value) for value in self.uniform)
        even = low if low == high else f"{low} to {high}"
        return f"{self.words or 'attention weight per cell'}, square-root scale (uniform = {even})"


def map_grid_figure(
    rows: Sequence[GridRow],
    scale: Scale,
    *,
    headings: Sequence[str] = (),
    groups: Sequence[ColumnGroup] = (),
    width: float = style.DOUBLE_COLUMN_MM,
) -> Figure:
    """Draw rows of photographs and maps, all maps on one scale.

    Parameters
    ----------
    rows
        From top to bottom; short rows leave their last places empty.
    scale
        What the colours mean. Without a map there is no colour bar.
    headings
        One for each column, or none at all.
    groups
        The columns, in groups with a gap between them; by default one group.
    width
        Of the figure in mm.

    Returns
    -------
    Figure
        ``width`` mm wide and at most 247 mm high. Photographs keep their shape.

    Raises
    ------
    UserError
        If so many panels do not fit.
    """
    shown = [panel for row in rows for panel in row.panels if panel is not None]
    assert shown, "nothing to draw"
    columns = max(len(row.panels) for row in rows)
    assert len(headings) in (0, columns), "one heading for each column"
    groups = groups or [ColumnGroup("", columns)]
    assert sum(group.columns for group in groups) == columns, "the groups share out the columns"
    if scale.own_maximum:
        shown = [_scaled(panel) for panel in shown]
    with style.journal_style():
        layout = _lay_out(rows, shown, headings, groups, width)
        figure = style.new_figure(width, layout.bottom)
        _write_headings(figure, headings, groups, layout)
        maximum = 1.0 if scale.own_maximum else max([scale.uniform[1], *map(_largest, shown)])
        for place, row in enumerate(rows):
            top = layout.first_row + place * layout.pitch
            if row.heading:
                words = TextRuler(style.SMALL_PT).shorten(row.heading, width - 2 * _MARGIN)
                style.add_text(figure, _MARGIN, top + 2.6, words, fontsize=style.SMALL_PT,
                               gid="row heading")  # fmt: skip
            for left, panel in zip(layout.lefts, row.panels, strict=False):
                if panel is not None:
                    box = Box(left, top + layout.above, layout.width, layout.height)
                    _draw(figure, _scaled(panel) if scale.own_maximum else panel, box, maximum,
                          scale)  # fmt: skip
        if layout.has_bar:
            long = min(_WIDEST_BAR, width - 2 * _MARGIN - _BAR_WORDS)
            box = Box(_MARGIN + 2.0, layout.bottom - _FOOT + 1.5, long, 2.6)
            _draw_bar(figure, box, maximum, scale)
    return figure


@dataclass(frozen=True)
class _Layout:
    """Where everything stands, in mm from the upper left corner."""

    lefts: Sequence[float]
    width: float
    height: float
    heading_lines: int
    heading_bottom: float
    first_row: float
    above: float  # from the top of a row to that of its panels
    pitch: float
    bottom: float
    has_bar: bool


def _lay_out(
    rows: Sequence[GridRow],
    shown: Sequence[Panel],
    headings: Sequence[str],
    groups: Sequence[ColumnGroup],
    width: float,
) -> _Layout:
    columns = sum(group.columns for group in groups)
    gaps = (columns - 1) * _GAP + (len(groups) - 1) * (_GROUP_GAP - _GAP)
    slot = min(_LARGEST_PANEL, (width - 2 * _MARGIN - gaps) / columns)
    aspect = float(np.median([p.photograph.shape[1] / p.photograph.shape[0] for p in shown]))
    aspect = min(max(aspect, _MOST_UPRIGHT), _WIDEST)
    grouped = _GROUP_HEADING if any(group.words for group in groups) else 0.0
    above = (_ROW_HEADING if any(row.heading for row in rows) else 0.0) + (
        _TITLE if any(panel.title for panel in shown) else 0.0
    )
    has_bar = any(panel.heatmap is not None for panel in shown)
    foot = _FOOT if has_bar else _MARGIN
    lines, height, heading_bottom = 0, 0.0, 0.0
    # Headings as wide as the panels take lines, and may leave lower and so narrower panels.
    for _ in range(_HEADING_LINES + 1):
        heading_bottom = _MARGIN + grouped + lines * _LINE
        rest = style.PAGE_HEIGHT_MM - heading_bottom - 0.8 - foot
        height = min(slot / aspect, _LARGEST_PANEL, rest / len(rows) - above - _ROW_GAP)
        if min(height, height * aspect) < _SMALLEST_PANEL:
            raise UserError(
                f"{len(rows)} rows of {columns} panels do not fit on a figure {width:.0f} mm wide "
                "with letters of 7 points: ask for fewer photographs or heads, for a wider figure "
                "or for smaller letters"
            )
        needed = _lines(headings, min(slot, height * aspect))
        if needed <= lines:
            break
        lines = needed
    panel = min(slot, height * aspect)
    lefts, left = [], _MARGIN
    for group in groups:
        for _ in range(group.columns):
            lefts.append(left)
            left += panel + _GAP
        left += _GROUP_GAP - _GAP
    first_row = heading_bottom + (0.8 if lines or grouped else 0.0)
    pitch = above + height + _ROW_GAP
    bottom = first_row + len(rows) * pitch + foot
    return _Layout(
        lefts, panel, height, lines, heading_bottom, first_row, above, pitch, bottom, has_bar
    )


def _lines(headings: Sequence[str], width: float) -> int:
    """Return how many lines the longest heading takes."""
    ruler = TextRuler(style.SMALL_PT)
    written = [ruler.fit(words, width, _HEADING_LINES) for words in headings]
    return max((words.count("\n") + 1 for words in written if words), default=0)


def _write_headings(
    figure: Figure, headings: Sequence[str], groups: Sequence[ColumnGroup], layout: _Layout
) -> None:
    ruler, bold = TextRuler(style.SMALL_PT), TextRuler(style.NORMAL_PT, "bold")
    first = 0
    for group in groups:
        room = layout.lefts[first + group.columns - 1] + layout.width - layout.lefts[first]
        if group.words:
            style.add_text(figure, layout.lefts[first], _MARGIN + 2.6,
                           bold.shorten(group.words, room), fontsize=style.NORMAL_PT,
                           fontweight="bold", gid="group heading")  # fmt: skip
        first += group.columns
    for left, words in zip(layout.lefts, headings, strict=bool(headings)):
        # Line by line from the last one up, so that headings side by side stand level.
        lines = ruler.fit(words, layout.width, layout.heading_lines).split("\n")
        for above, line in enumerate(reversed(lines)):
            style.add_text(figure, left, layout.heading_bottom - 0.7 - above * _LINE, line,
                           fontsize=style.SMALL_PT, gid="column heading")  # fmt: skip


def _scaled(panel: Panel) -> Panel:
    """Return a panel whose map is divided by its own maximum."""
    if panel.heatmap is None:
        return panel
    largest = float(panel.heatmap.max())
    heatmap = panel.heatmap / largest if largest > 0 else panel.heatmap
    return replace(panel, heatmap=np.asarray(heatmap, dtype=np.float32), largest=None)


def _largest(panel: Panel) -> float:
    return 0.0 if panel.heatmap is None else max(float(panel.heatmap.max()), panel.largest or 0.0)


def _draw(figure: Figure, panel: Panel, slot: Box, maximum: float, scale: Scale) -> None:
    # The line at half of the maximum would hide maps of many small places, such as those of RISE.
    draw_panel(figure, panel, slot, maximum, 1.0 if scale.own_maximum else scale.uniform[1])


def _draw_bar(figure: Figure, box: Box, maximum: float, scale: Scale) -> None:
    """Draw the colour bar and say what its numbers are."""
    draw_colour_bar(figure, box, maximum, scale.uniform[1])
    (axes,) = [axes for axes in figure.axes if axes.get_gid() == "colour bar"]
    room = style.size_mm(figure)[0] - box.left - _MARGIN
    label = TextRuler(style.SMALL_PT).fit(scale.label(), room, lines=2)
    axes.set_xlabel(label, loc="left", fontsize=style.SMALL_PT, linespacing=1.1)
