"""Figure of several methods by several measures: a panel a measure, a row a method.

Drawing only: numbers and names come in, a matplotlib figure goes out.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from intr_discover.figures import style
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_GAP = 4.0
_HEAD = 9.0
_PITCH = 4.6
_FOOT = 7.0
_NAMES = 34.0
_PANELS_IN_A_ROW = 4


@dataclass(frozen=True)
class Interval:
    """A number with its 95 % interval; the interval may be NaN."""

    value: float
    low: float = math.nan
    high: float = math.nan


@dataclass(frozen=True)
class Measure:
    """One measure of all methods.

    Attributes
    ----------
    title
        What it is; the second line says which way is better.
    better
        ``higher`` or ``lower``.
    found
        By method; one that has no number is left out.
    chance
        By method, what would be found by chance, where that is known.
    """

    title: str
    better: str
    found: Mapping[str, Interval]
    chance: Mapping[str, float] = field(default_factory=dict)


def method_measures_figure(
    measures: Sequence[Measure], titles: Mapping[str, str], own: Collection[str] = ()
) -> Figure:
    """Draw all measures, four panels in a row.

    Parameters
    ----------
    measures
        In the order of the panels.
    titles
        What methods are called, in the order of the rows.
    own
        Methods that are drawn in colour; the others are grey.

    Returns
    -------
    Figure
        183 mm wide. Dots with 95 % intervals; a vertical bar is chance; NA where there is no
        number.
    """
    across = min(_PANELS_IN_A_ROW, len(measures))
    down = -(-len(measures) // across)
    panel = _HEAD + len(titles) * _PITCH + _FOOT
    width = (style.DOUBLE_COLUMN_MM - 2 * _MARGIN - _NAMES - (across - 1) * _GAP) / across
    with style.journal_style():
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, down * panel + 2 * _MARGIN)
        for number, measure in enumerate(measures):
            row, column = divmod(number, across)
            top = _MARGIN + row * panel
            left = _MARGIN + _NAMES + column * (width + _GAP)
            _draw_panel(figure, measure, titles, own, (left, top, width))
            if column == 0:
                _write_names(figure, titles, own, top + _HEAD)
    return figure


def _write_names(
    figure: Figure, titles: Mapping[str, str], own: Collection[str], top: float
) -> None:
    for place, (name, title) in enumerate(titles.items()):
        style.add_text(
            figure,
            _MARGIN,
            top + (place + 0.5) * _PITCH + 0.8,
            TextRuler(style.SMALL_PT).shorten(title, _NAMES - 2),
            fontsize=style.SMALL_PT,
            color=style.BLUE if name in own else "black",
        )


def _draw_panel(
    figure: Figure,
    measure: Measure,
    titles: Mapping[str, str],
    own: Collection[str],
    place: tuple[float, float, float],
) -> None:
    left, top, width = place
    ruler = TextRuler(style.SMALL_PT)
    for line, (words, colour) in enumerate(
        ((measure.title, "black"), (f"{measure.better} is better", style.GREY))
    ):
        style.add_text(
            figure, left, top + 3.0 + 3.2 * line, ruler.shorten(words, width),
            fontsize=style.SMALL_PT, color=colour,
        )  # fmt: skip
    axes = style.add_axes(figure, left, top + _HEAD, width, len(titles) * _PITCH)
    axes.set_ylim(len(titles) - 0.5, -0.5)
    axes.set_yticks([])
    axes.tick_params(axis="x", labelsize=style.SMALL_PT)
    for side in ("left", "right", "top"):
        axes.spines[side].set_visible(False)
    for row, name in enumerate(titles):
        axes.axhline(row, color=style.LIGHT_GREY, linewidth=0.3, zorder=0)
        found = measure.found.get(name)
        if found is None:
            axes.text(
                0.01, row, "NA", transform=axes.get_yaxis_transform(), va="center",
                fontsize=style.SMALLEST_PT, color=style.GREY,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.3},
            )  # fmt: skip
            continue
        colour = style.BLUE if name in own else style.DARK_GREY
        if not math.isnan(found.low):
            axes.plot([found.low, found.high], [row, row], color=colour, linewidth=1.0)
        axes.plot(found.value, row, "o", color=colour, markersize=3.2)
        if name in measure.chance:
            axes.plot(measure.chance[name], row, "|", color=style.VERMILLION, markersize=6)
    axes.xaxis.set_major_locator(MaxNLocator(4))
