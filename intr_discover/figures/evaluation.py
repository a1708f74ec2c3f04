"""Figures of a classifier's right and wrong answers: confusion matrix and accuracy by class."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_LARGEST_CELL = 12.0
_SMALLEST_CELL_WITH_NUMBER = 4.2
_LABEL_ROOM = 36.0
_ROW_OF_TEXT = 1.9  # the height that a label of 5 pt needs
_CLASSES_IN_A_COLUMN = 70
_MOST_COLUMNS = 3
_TALLEST = 225.0  # leaves room for a caption on the page


def confusion_matrix_figure(confusion: pd.DataFrame) -> Figure:
    """Draw a confusion matrix: counts, coloured by the share of each true class.

    Parameters
    ----------
    confusion
        ``[C, C]`` counts; row = true class, column = predicted class, both named and in the same
        order.

    Returns
    -------
    Figure
        As wide as one of the journal's columns. Colours follow a square root, so that a few wrong
        answers among many can be seen. The counts stand in the cells while they fit; with many
        classes every second, third, … label is written. Rows without images are hatched.
    """
    assert confusion.shape[0] == confusion.shape[1] > 0, confusion.shape
    assert list(confusion.index) == list(confusion.columns), (
        "rows and columns name the same classes"
    )
    counts = confusion.to_numpy()
    classes = [str(name) for name in confusion.index]
    totals = counts.sum(axis=1)
    # A class without images has no shares: NaN, drawn as hatching.
    shares = np.full(counts.shape, np.nan)
    np.divide(counts, totals[:, None], out=shares, where=totals[:, None] > 0)

    with style.journal_style():
        longest = TextRuler(style.SMALL_PT)
        label_room = min(_LABEL_ROOM, max(longest.width(name) for name in classes) + 1.0)
        left = _MARGIN + 3.5 + label_room + 1.5
        right = 16.0  # colour bar with its numbers and label
        widths = (style.SINGLE_COLUMN_MM, style.ONE_AND_A_HALF_COLUMN_MM, style.DOUBLE_COLUMN_MM)
        wanted = len(classes) * 6.0
        width = next((w for w in widths if w - left - right >= wanted), widths[-1])
        side = min(width - left - right, len(classes) * _LARGEST_CELL)
        top = _MARGIN
        height = top + side + 1.5 + label_room + 6.0
        figure = style.new_figure(width, height)
        axes = style.add_axes(figure, left, top, side, side)
        norm = PowerNorm(0.5, vmin=0.0, vmax=1.0)
        image = axes.imshow(
            shares,
            cmap=style.SEQUENTIAL_ON_WHITE,
            norm=norm,
            aspect="auto",
            interpolation="nearest",
        )
        for row in np.flatnonzero(totals == 0):
            axes.axhspan(
                row - 0.5,
                row + 0.5,
                facecolor="none",
                edgecolor=style.LIGHT_GREY,
                hatch="////",
                lw=0,
            )
        cell = side / len(classes)
        _write_counts(axes, counts, shares, cell)
        every = max(1, math.ceil(_ROW_OF_TEXT / cell))
        size = style.SMALL_PT if cell >= 2.6 else style.SMALLEST_PT
        ruler = TextRuler(size)
        places = np.arange(0, len(classes), every)
        names = [ruler.shorten(classes[place], label_room) for place in places]
        axes.set_xticks(places, names, rotation=90, fontsize=size)
        axes.set_yticks(places, names, fontsize=size)
        axes.tick_params(length=1.0 if every > 1 else 0.0)
        axes.set_xlabel("predicted class")
        axes.set_ylabel("true class")
        for spine in axes.spines.values():
            spine.set(visible=True, linewidth=0.5)
        bar_axes = style.add_axes(figure, left + side + 3.0, top, 2.5, min(side, 40.0))
        bar = figure.colorbar(image, cax=bar_axes, ticks=[0, 0.05, 0.2, 0.5, 1])
        bar.ax.set_yticklabels(["0", "0.05", "0.2", "0.5", "1"])
        bar.set_label("share of true class", fontsize=style.SMALL_PT)
        bar.outline.set_linewidth(0.5)
        bar.ax.minorticks_off()
    return figure


def _write_counts(
    axes: Axes, counts: npt.NDArray[np.int_], shares: npt.NDArray[np.float64], cell: float
) -> None:
    """Write the counts into the cells if the widest fits; zeros stay empty."""
    size = style.SMALL_PT if cell >= 5.0 else style.SMALLEST_PT
    widest = TextRuler(size).width(str(counts.max()))
    if cell < _SMALLEST_CELL_WITH_NUMBER or widest > cell - 0.6:
        return
    for row, column in zip(*np.nonzero(counts), strict=True):
        dark = shares[row, column] > 0.36  # where the map's lightness passes its middle
        axes.text(
            column,
            row,
            str(counts[row, column]),
            ha="center",
            va="center",
            fontsize=size,
            color="white" if dark else "black",
        )


def per_class_accuracy_figure(table: pd.DataFrame) -> Figure:
    """Draw the accuracy of each class with its interval and number of images, the best first.

    Parameters
    ----------
    table
        One row a class: ``label``, ``n`` (images), ``top1`` (share recognised, in [0, 1]), ``low``
        and ``high`` (its 95 % interval, Wilson). ``top1`` is NaN for classes without images;
        they stand last.

    Returns
    -------
    Figure
        One to three columns of classes; with more classes than fit, every second, third, … is
        named. The grey line is the mean of the classes.
    """
    assert len(table) > 0, "no class to draw"
    table = table.sort_values(["top1", "n"], ascending=False, kind="stable", na_position="last")
    classes = len(table)
    columns = min(_MOST_COLUMNS, math.ceil(classes / _CLASSES_IN_A_COLUMN))
    rows = math.ceil(classes / columns)
    width = style.SINGLE_COLUMN_MM if columns == 1 else style.DOUBLE_COLUMN_MM
    pitch = min(3.4, (_TALLEST - 23.0) / rows)
    every = max(1, math.ceil(_ROW_OF_TEXT / pitch))
    size = style.SMALL_PT if pitch >= 2.6 else style.SMALLEST_PT
    with style.journal_style():
        ruler = TextRuler(size)
        labels = [str(label) for label in table["label"]]
        column_width = (width - _MARGIN) / columns
        label_room = min(0.5 * column_width, max(map(ruler.width, labels)) + 0.5)
        number_room = max(ruler.width(f"{n}") for n in table["n"]) + 2.0
        room = column_width - label_room - number_room - 4.0
        mean = float(table["top1"].mean())
        figure = style.new_figure(width, rows * pitch + 23.0)
        style.add_text(
            figure,
            _MARGIN,
            4.0,
            f"Grey line: mean of the classes, {100 * mean:.1f} %",
            fontsize=style.SMALL_PT,
            color=style.GREY,
        )
        for column in range(columns):
            part = table.iloc[column * rows : (column + 1) * rows]
            left = _MARGIN + column * column_width + label_room + 1.5
            # A short last column keeps the pitch of the others.
            axes = style.add_axes(figure, left, 9.0, room, len(part) * pitch)
            _draw_intervals(axes, part, mean)
            # Three columns leave less room than the words need on one line.
            words = TextRuler(style.NORMAL_PT).fit(
                "top-1 accuracy (%), 95% interval", room, lines=3
            )
            axes.set_xlabel(words, loc="left")
            places = np.arange(0, len(part), every)
            names = [ruler.shorten(str(part["label"].iloc[place]), label_room) for place in places]
            axes.set_yticks(places, names, fontsize=size)
            for place in places:
                axes.annotate(
                    f"{part['n'].iloc[place]}",
                    (1.0, place),
                    (number_room / style.MM_PER_INCH * 72, 0),
                    xycoords=("axes fraction", "data"),
                    textcoords="offset points",
                    ha="right",
                    va="center_baseline",
                    fontsize=size,
                    color=style.GREY,
                )
            axes.annotate(
                "n",
                (1.0, 1.0),
                (number_room / style.MM_PER_INCH * 72, 2.5),
                xycoords="axes fraction",
                textcoords="offset points",
                ha="right",
                va="baseline",
                fontsize=style.SMALL_PT,
                color=style.GREY,
            )
    return figure


def _draw_intervals(axes: Axes, table: pd.DataFrame, mean: float) -> None:
    """Draw one point and one interval a class, from top to bottom."""
    places = np.arange(len(table))
    colour = colormaps[style.SEQUENTIAL_ON_WHITE](0.85)
    axes.axvline(100 * mean, color=style.LIGHT_GREY, linewidth=0.7, zorder=0)
    axes.hlines(places, 100 * table["low"], 100 * table["high"], color=colour, linewidth=0.8)
    axes.plot(100 * table["top1"], places, "o", color=colour, markersize=2.5)
    axes.set_xlim(-2.0, 102.0)
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xticks([0, 50, 100])
    axes.tick_params(axis="y", length=0.0)
    axes.spines["left"].set_visible(False)
