"""All heads of all classes at a glance, and which heads look at the same part in many classes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, PowerNorm, SymLogNorm, TwoSlopeNorm
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_TOP = 5.5
_FOOT = 16.5  # head numbers, axis label, colour bar
_TALLEST = 225.0
_PITCH = 4.2  # the height of a class while there is room
_ROW_OF_TEXT = 1.9
_LABEL_ROOM = 38.0
_GAP = 5.0
_LEGEND = 4.6
_MOST_PARTS = 24
_SMALLEST_MARKED = 1.8

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Score:
    """One matrix of the figure.

    Attributes
    ----------
    values
        ``[C, R]``; NaN where there is none, which is hatched.
    title
        Words above it.
    label
        Words at its colour bar, with the unit.
    kind
        ``"from zero"``: from 0 to the largest; ``"both signs"``: white is 0, the same range on
        both sides; ``"both signs, wide"``: the same, and linear only up to a tenth of the range.
    marked
        ``[C, R]``: cells with a dot.
    limit
        End of the colour scale; None takes it from the values.
    """

    values: Matrix
    title: str
    label: str
    kind: str = "from zero"
    marked: npt.NDArray[np.bool_] | None = None
    limit: float | None = None


def head_matrix_figure(
    classes: Sequence[str], scores: Sequence[Score], legend: str = "", columns: str = "head"
) -> Figure:
    """Draw class × head matrices side by side.

    Parameters
    ----------
    classes
        C names, from top to bottom.
    scores
        One to three matrices ``[C, R]``.
    legend
        Words below them.
    columns
        What a column is.

    Returns
    -------
    Figure
        183 mm wide, at most a page high. With many classes every second, third, … is named.
        Hatched cells have no score.
    """
    assert len(classes) and scores, "nothing to draw"
    pitch = min(_PITCH, (_TALLEST - _TOP - _FOOT - _LEGEND) / len(classes))
    side = pitch * len(classes)
    size = style.SMALL_PT if pitch >= 2.6 else style.SMALLEST_PT
    with style.journal_style():
        ruler = TextRuler(size)
        room = min(_LABEL_ROOM, max(map(ruler.width, classes)) + 1.0)
        left = _MARGIN + room + 1.5
        width = (style.DOUBLE_COLUMN_MM - left - _MARGIN - 1.0 - (len(scores) - 1) * _GAP) / len(
            scores
        )
        foot = _FOOT + (_LEGEND if legend else 0.0)
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, _TOP + side + foot)
        places = np.arange(0, len(classes), max(1, math.ceil(_ROW_OF_TEXT / pitch)))
        names = [ruler.shorten(classes[row], room) for row in places.tolist()]
        for number, score in enumerate(scores):
            place = left + number * (width + _GAP)
            axes = style.add_axes(figure, place, _TOP, width, side)
            axes.set_gid(score.title)
            _draw_matrix(figure, axes, score, (place, _TOP + side + 8.0, width))
            axes.set_xlabel(columns)
            axes.set_title(TextRuler(style.NORMAL_PT).shorten(score.title, width), loc="left")
            axes.set_yticks(places, names if number == 0 else [], fontsize=size)
            axes.tick_params(axis="y", length=1.0 if len(places) < len(classes) else 0.0)
            _mark(axes, score, pitch, width / score.values.shape[1])
        if legend:
            style.add_text(
                figure,
                _MARGIN,
                _TOP + side + foot - 1.4,
                TextRuler(style.SMALL_PT).shorten(legend, style.DOUBLE_COLUMN_MM - 2 * _MARGIN),
                fontsize=style.SMALL_PT,
                color=style.DARK_GREY,
                gid="legend",
            )
    return figure


def part_matrix_figure(
    counts: pd.DataFrame, totals: Sequence[int], title: str, label: str
) -> Figure:
    """Draw in how many classes each head looks at each part.

    Parameters
    ----------
    counts
        ``[P, R]`` numbers of classes; the index names parts, the columns are heads.
    totals
        ``[R]``: classes whose head counts at all.
    title, label
        Words above it, and at its colour bar.

    Returns
    -------
    Figure
        89 to 183 mm wide. Colour is the share of the ``totals``; numbers stand in the cells. Parts
        of many classes come first; beyond 24 the rest is one row.
    """
    assert len(counts) and counts.shape[1] == len(totals), counts.shape
    order = counts.sum(axis=1).sort_values(ascending=False, kind="stable").index
    counts = counts.loc[order]
    if len(counts) > _MOST_PARTS:
        rest = counts.iloc[_MOST_PARTS - 1 :]
        name = f"{len(rest)} other parts"
        counts = pd.concat(
            [counts.iloc[: _MOST_PARTS - 1], pd.DataFrame(rest.sum(), columns=[name]).T]
        )
    values = counts.to_numpy(dtype=np.float64)
    shares = values / np.maximum(np.asarray(totals, dtype=np.float64), 1.0)
    pitch, heads = 4.6, counts.shape[1]
    with style.journal_style():
        ruler = TextRuler(style.SMALL_PT)
        names = [str(name) for name in counts.index]
        room = min(50.0, max(map(ruler.width, names)) + 1.0)
        left = _MARGIN + room + 1.5
        wanted = max(heads * 7.0, 30.0)
        widths = (style.SINGLE_COLUMN_MM, style.ONE_AND_A_HALF_COLUMN_MM, style.DOUBLE_COLUMN_MM)
        page = next((each for each in widths if each - left - _MARGIN >= wanted), widths[-1])
        width = min(wanted, page - left - _MARGIN)
        side = pitch * len(counts)
        words = TextRuler(style.NORMAL_PT).fit(title, page - 2 * _MARGIN, lines=2)
        top = _TOP + 3.2 * words.count("\n")
        figure = style.new_figure(page, top + side + _FOOT)
        axes = style.add_axes(figure, left, top, width, side)
        axes.set_gid("parts")
        image = axes.imshow(
            shares,
            cmap=style.SEQUENTIAL_ON_WHITE,
            norm=PowerNorm(0.5, vmin=0.0, vmax=1.0),
            aspect="auto",
            interpolation="nearest",
        )
        for row, column in zip(*np.nonzero(values), strict=True):
            axes.text(
                column,
                row,
                f"{values[row, column]:.0f}",
                ha="center",
                va="center_baseline",
                fontsize=style.SMALL_PT if width / heads >= 4.5 else style.SMALLEST_PT,
                color="white" if shares[row, column] > 0.36 else "black",
            )
        axes.set_yticks(range(len(names)), [ruler.shorten(name, room) for name in names])
        axes.tick_params(axis="y", length=0.0)
        _number_heads(axes, heads, width)
        style.add_text(figure, _MARGIN, 1.6, words, va="top", fontsize=style.NORMAL_PT)
        bar_axes = style.add_axes(figure, left, top + side + 8.0, min(width, 40.0), 2.0)
        bar = figure.colorbar(
            image, cax=bar_axes, orientation="horizontal", ticks=[0, 0.05, 0.2, 0.5, 1]
        )
        bar.ax.set_xticklabels(["0", "0.05", "0.2", "0.5", "1"])
        bar.ax.minorticks_off()
        bar.set_label(label, fontsize=style.SMALL_PT, loc="left")
        bar.outline.set_linewidth(0.5)
    return figure


def _draw_matrix(
    figure: Figure, axes: Axes, score: Score, bar_place: tuple[float, float, float]
) -> None:
    both = score.kind != "from zero"
    known = score.values[np.isfinite(score.values)]
    largest = float(np.abs(known).max()) if known.size and np.abs(known).max() > 0 else 1.0
    limit = score.limit or _round_up(largest)
    norm: Normalize
    if score.kind == "both signs, wide":
        norm = SymLogNorm(limit / 10, vmin=-limit, vmax=limit)
        ticks = [-limit, -limit / 10, 0.0, limit / 10, limit]
    elif both:
        norm = TwoSlopeNorm(0.0, -limit, limit)
        ticks = [-limit, -limit / 2, 0.0, limit / 2, limit]
    else:
        norm = Normalize(0.0, limit)
        ticks = [0.0, limit / 2, limit]
    axes.set_facecolor("white")
    missing = ~np.isfinite(score.values)
    image = axes.imshow(
        np.ma.masked_array(score.values, missing),
        cmap=style.DIVERGING if both else style.SEQUENTIAL_ON_WHITE,
        norm=norm,
        aspect="auto",
        interpolation="nearest",
    )
    for row in np.flatnonzero(missing.any(axis=1)):
        for first, last in _runs(missing[row]):
            axes.fill_between(
                [first - 0.5, last + 0.5],
                row - 0.5,
                row + 0.5,
                facecolor="none",
                edgecolor=style.LIGHT_GREY,
                hatch="/////",
                linewidth=0.0,
            )
    heads = score.values.shape[1]
    left, top, width = bar_place
    _number_heads(axes, heads, width)
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.5)
    bar_axes = style.add_axes(figure, left, top, min(width, 40.0), 2.0)
    bar = figure.colorbar(image, cax=bar_axes, orientation="horizontal", ticks=ticks)
    bar.ax.set_xticklabels([f"{tick:.3g}".replace("-", "−") for tick in ticks])
    bar.ax.minorticks_off()
    bar.set_label(
        TextRuler(style.SMALL_PT).shorten(score.label, width), fontsize=style.SMALL_PT, loc="left"
    )
    bar.outline.set_linewidth(0.5)


def _round_up(value: float) -> float:
    """Return the next number that reads well at the end of a scale: 1, 1.2, 1.6, 2, 3, … 8."""
    power = 10.0 ** math.floor(math.log10(value))
    steps = (1.0, 1.2, 1.6, 2.0, 3.0, 4.0, 6.0, 8.0, 10.0)
    return next(step for step in steps if step * power >= value * (1 - 1e-9)) * power


def _number_heads(axes: Axes, heads: int, width: float) -> None:
    """Write the heads' numbers below a matrix, every second or third where there are many."""
    every = max(1, math.ceil(3.0 / (width / heads)))
    axes.set_xticks(np.arange(0, heads, every))
    axes.tick_params(axis="x", length=0.0)
    axes.set_xlabel("head")
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.5)


def _mark(axes: Axes, score: Score, pitch: float, width: float) -> None:
    """Put dots into the marked cells, where they are large enough to hold one."""
    if score.marked is None or min(pitch, width) < _SMALLEST_MARKED:
        return
    rows, columns = np.nonzero(score.marked)
    axes.plot(
        columns,
        rows,
        "o",
        markersize=min(2.0, pitch / 2),
        markerfacecolor="white",
        markeredgecolor=style.DARK_GREY,
        markeredgewidth=0.4,
        linestyle="none",
        gid="marked",
    )


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return first and last place of each unbroken run of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(int)))
    return [
        (int(first), int(last) - 1) for first, last in zip(edges[::2], edges[1::2], strict=True)
    ]
