"""One page on two look-alikes: their margins, and where the maps of the two populations differ.

Drawing only: numbers and pictures come in, a matplotlib figure goes out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize, PowerNorm, TwoSlopeNorm
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.text import TextRuler, one_line

# All lengths in mm.
_MARGIN = 2.0
_GAP = 3.0
_TITLE = 6.0
_HEADING = 6.5  # up to two lines above a panel
_BAR = 11.0
_PANELS = 5
_TALLEST_PANEL = 48.0
_MARGINS_HEIGHT = 38.0
_NUMBERS_LEFT = 100.0

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Difference:
    """A difference of maps in the frame.

    Attributes
    ----------
    title
        Words above it.
    values
        ``[rows, columns]`` in units of even attention; NaN outside the frame.
    significant
        ``[rows, columns]``: cells that get an outline.
    note
        Words where nothing can be significant, else empty.
    """

    title: str
    values: Numbers
    significant: Flags
    note: str = ""


@dataclass(frozen=True)
class PairSheet:
    """What the page shows.

    Attributes
    ----------
    names
        The two look-alikes.
    pictures
        A photograph of each in the frame, uint8 ``[h, w, 3]``; None where there is none.
    maps
        ``[rows, columns]`` mean map of each in units of even attention; NaN outside the frame.
    titles
        Words above each of the two maps.
    differences
        One to three.
    region
        ``[rows, columns]``: where the attribute that is known to separate them lies, or None.
    margins
        For each look-alike ``[n, 3]``: logit of the look-alike minus that of the true class, with
        all queries and with two.
    numbers
        (words, number) for the list at the right.
    legend
        Words at the foot.
    """

    names: tuple[str, str]
    pictures: tuple[npt.NDArray[np.uint8] | None, npt.NDArray[np.uint8] | None]
    maps: tuple[Numbers, Numbers]
    titles: tuple[str, str]
    differences: Sequence[Difference]
    region: Flags | None
    margins: tuple[Numbers, Numbers]
    numbers: Sequence[tuple[str, str]]
    legend: str


def pair_sheet_figure(sheet: PairSheet) -> Figure:
    """Draw the page of two look-alikes.

    Returns
    -------
    Figure
        183 mm wide. Both mean maps share one scale (square root), all differences another one.
        White cells lie outside the frame.
    """
    rows, columns = sheet.maps[0].shape
    room = (style.DOUBLE_COLUMN_MM - 2 * _MARGIN - (_PANELS - 1) * _GAP) / _PANELS
    scale = min(room / columns, _TALLEST_PANEL / rows)
    width, height = columns * scale, rows * scale
    first = _TITLE + _HEADING
    noted = 3.0 if any(each.note for each in sheet.differences) else 0.0
    below = first + height + noted + 2.5  # the colour bars
    second = below - 2.5 + _BAR + _HEADING + 3.0
    lower = max(height, _MARGINS_HEIGHT, 3.3 * len(sheet.numbers) - _HEADING + 3.0)
    foot = second + lower + noted + 2.0
    with style.journal_style():
        words = TextRuler(style.SMALL_PT).fit(
            sheet.legend, style.DOUBLE_COLUMN_MM - 2 * _MARGIN, lines=4
        )
        tall = foot + 4.0 + 2.8 * (words.count("\n") + 1)
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, tall)
        half = (style.DOUBLE_COLUMN_MM - 2 * _MARGIN - 6.0) / 2
        ruler = TextRuler(style.LARGE_PT, "bold")
        for place, name in enumerate(sheet.names):
            heading = ruler.shorten(f"{place + 1}  {name}", half)
            style.add_text(
                figure, _MARGIN + place * (half + 6.0), 4.5, heading,
                fontsize=style.LARGE_PT, fontweight="bold", color=COLOURS[place],
            )  # fmt: skip
        lefts = [_MARGIN + place * (room + _GAP) for place in range(_PANELS)]
        for place in (0, 1):
            axes = _panel(figure, lefts[2 * place], first, width, height, "photograph", room)
            _draw_picture(axes, sheet.pictures[place], sheet.maps[place])
            _outline(axes, sheet.region, style.BLUE, 1.0)
        norm = PowerNorm(0.5, 0.0, max(1.0, *(_largest(each) for each in sheet.maps)))
        for place in (0, 1):
            axes = _panel(
                figure, lefts[2 * place + 1], first, width, height, sheet.titles[place], room
            )
            _draw_map(axes, sheet.maps[place], norm, style.SEQUENTIAL)
            _outline(axes, sheet.region, style.BLUE, 1.0)
        _bar(figure, lefts[1], below, width, norm, style.SEQUENTIAL,
             "times even attention", _root_ticks(float(norm.vmax or 1.0)))  # fmt: skip
        limit = max(0.5, *(_largest(np.abs(each.values)) for each in sheet.differences))
        both = TwoSlopeNorm(0.0, -limit, limit)
        places = [(lefts[4], first)] + [(left, second) for left in lefts[:2]]
        for each, (left, top) in zip(sheet.differences, places, strict=False):
            axes = _panel(figure, left, top, width, height, each.title, room)
            _draw_map(axes, each.values, both, style.DIVERGING)
            _outline(axes, sheet.region, style.BLUE, 1.0)
            _outline(axes, each.significant, "black", 1.2)
            if each.note:
                note = TextRuler(style.SMALL_PT).fit(each.note, room, lines=2)
                axes.set_xlabel(note, fontsize=style.SMALL_PT, color=style.GREY, loc="left")
        _bar(figure, lefts[4], below, width, both, style.DIVERGING,
             "difference, times even", [-limit, 0.0, limit])  # fmt: skip
        left = lefts[2] + 9.0 if len(sheet.differences) > 1 else _MARGIN + 13.0
        _draw_margins(figure, sheet, left, second, 42.0)
        _write_numbers(figure, sheet.numbers, left + 48.0, second - _HEADING + 2.9)
        style.add_text(
            figure, _MARGIN, foot + 1.0, words, va="top", fontsize=style.SMALL_PT,
            color=style.DARK_GREY, gid="legend",
        )  # fmt: skip
    return figure


COLOURS = (style.BLUE, style.VERMILLION)


def _panel(
    figure: Figure, left: float, top: float, width: float, height: float, title: str, room: float
) -> Axes:
    axes = style.add_axes(figure, left, top, width, height)
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.25, edgecolor=style.GREY)
    words = TextRuler(style.SMALL_PT).fit(one_line(title), room, lines=2)
    axes.set_title(words, loc="left", fontsize=style.SMALL_PT, linespacing=1.05)
    axes.set_gid(title)
    return axes


def _draw_picture(axes: Axes, picture: npt.NDArray[np.uint8] | None, like: Numbers) -> None:
    rows, columns = like.shape
    extent = (-0.5, columns - 0.5, rows - 0.5, -0.5)
    if picture is None:
        axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", color=style.GREY)
    else:
        axes.imshow(picture, extent=extent, aspect="auto")
    axes.set_xlim(extent[:2])
    axes.set_ylim(extent[2:])


def _draw_map(axes: Axes, values: Numbers, norm: Normalize, colours: str) -> None:
    axes.set_facecolor("white")
    axes.imshow(
        np.ma.masked_invalid(values), norm=norm, cmap=colours, aspect="auto",
        interpolation="nearest",
    )  # fmt: skip


def _outline(axes: Axes, cells: Flags | None, colour: str, width: float) -> None:
    """Draw a line along the edges between cells that belong and cells that do not."""
    if cells is None or not cells.any():
        return
    padded = np.pad(cells, 1)
    lines = []
    for row, column in np.argwhere(padded[1:, :] != padded[:-1, :]):
        y, x = row - 0.5, column - 1.5
        lines.append([(x, y), (x + 1, y)])
    for row, column in np.argwhere(padded[:, 1:] != padded[:, :-1]):
        y, x = row - 1.5, column - 0.5
        lines.append([(x, y), (x, y + 1)])
    axes.add_collection(
        LineCollection(lines, colors=colour, linewidths=width, capstyle="projecting", clip_on=False)
    )


def _bar(
    figure: Figure, left: float, top: float, width: float, norm: Normalize, colours: str,
    label: str, ticks: Sequence[float],
) -> None:  # fmt: skip
    axes = style.add_axes(figure, left, top, width, 1.8)
    # Drawn along the norm, so that the square root is seen in the numbers and not in the colours.
    axes.imshow(np.linspace(0, 1, 256)[None], cmap=colormaps[colours], aspect="auto",
                extent=(0, 1, 0, 1))  # fmt: skip
    axes.set_yticks([])
    axes.set_xticks([float(norm(tick)) for tick in ticks], [f"{tick:.2g}" for tick in ticks])
    axes.tick_params(labelsize=style.SMALLEST_PT)
    axes.set_xlabel(label, fontsize=style.SMALL_PT, loc="left")
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.4)


def _root_ticks(largest: float) -> list[float]:
    """Return three numbers of one digit spread along a square-root scale, and its end."""
    return [0.0, float(f"{largest / 6:.1g}"), largest]


def _draw_margins(figure: Figure, sheet: PairSheet, left: float, top: float, width: float) -> None:
    """Draw every photograph's margin: three rows of two, each point one photograph."""
    axes = style.add_axes(figure, left, top, width, _MARGINS_HEIGHT - 8.0)
    axes.set_gid("margins")
    labels = ("all queries", "two, others zero", "two, others dropped")
    for place, margins in enumerate(sheet.margins):
        for row in range(3):
            known = margins[:, row]
            height = row + (place - 0.5) * 0.4
            # Spread evenly, not at random: the same figure every time.
            spread = 0.12 * np.sin(2.4 * np.arange(len(known)))
            axes.plot(
                known, height + spread, "o", markersize=1.8, markerfacecolor=COLOURS[place],
                markeredgewidth=0.0, alpha=0.6, linestyle="none",
            )  # fmt: skip
            if len(known):
                axes.plot([known.mean()] * 2, [height - 0.17, height + 0.17], color="black",
                          linewidth=0.9)  # fmt: skip
    axes.axvline(0.0, color=style.GREY, linewidth=0.6, zorder=0)
    axes.set_ylim(2.5, -0.5)
    axes.set_yticks(range(3), [TextRuler(style.SMALL_PT).fit(each, 13.0, 2) for each in labels])
    axes.tick_params(axis="y", length=0.0)
    axes.set_xlabel("logit of the look-alike − of the true class", fontsize=style.SMALL_PT)
    axes.set_title("margins (one point a photograph)", loc="left", fontsize=style.SMALL_PT)


def _write_numbers(
    figure: Figure, numbers: Sequence[tuple[str, str]], left: float, top: float
) -> None:
    room = style.DOUBLE_COLUMN_MM - _MARGIN - left
    ruler = TextRuler(style.SMALL_PT)
    for row, (words, number) in enumerate(numbers):
        wide = ruler.width(number) + 1.0
        line = top + row * 3.3
        style.add_text(
            figure, left, line, ruler.shorten(words, room - wide), fontsize=style.SMALL_PT,
            color=style.DARK_GREY,
        )  # fmt: skip
        style.add_text(
            figure, left + room, line, number, ha="right", fontsize=style.SMALL_PT, gid="number"
        )


def _largest(values: Numbers) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if known.size else 0.0
