"""All classes against each other: which are nearly mistaken, and which are answered alike.

Drawing only: numbers and names come in, a matplotlib figure goes out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_GAP = 6.0
_TOP = 8.0
_FOOT = 12.0
_LABEL_ROOM = 36.0
_LARGEST_CELL = 9.0
_ROW_OF_TEXT = 1.9
_SMALLEST_MARKED = 1.0

Matrix = npt.NDArray[np.float64]


def class_matrix_figure(
    classes: Sequence[str],
    confusability: Matrix,
    distances: Matrix,
    pairs: Sequence[tuple[int, int]] = (),
    label: str = "mean logit of the other − true class",
) -> Figure:
    """Draw two matrices side by side: confusability, and distance of features.

    Parameters
    ----------
    classes
        K names, in the order in which they are drawn.
    confusability
        ``[K, K]``: how near the true class (row) is to being mistaken for the other one; the larger
        the nearer. The diagonal is left out.
    distances
        ``[K, K]``: from 0 (alike) on.
    pairs
        Rows and columns that are known look-alikes; they get a frame.
    label
        What ``confusability`` is, and its unit.

    Returns
    -------
    Figure
        183 mm wide. With many classes every second, third, … is named. Dark means alike in both.
    """
    assert len(classes) >= 2, "one class has no other"
    with style.journal_style():
        longest = TextRuler(style.SMALL_PT)
        room = min(_LABEL_ROOM, max(map(longest.width, classes)) + 1.0)
        left = _MARGIN + 4.0 + room
        half = (style.DOUBLE_COLUMN_MM - left - _MARGIN - _GAP) / 2
        side = min(half, len(classes) * _LARGEST_CELL)
        cell = side / len(classes)
        size = style.SMALL_PT if cell >= 2.6 else style.SMALLEST_PT
        ruler = TextRuler(size)
        every = max(1, math.ceil(_ROW_OF_TEXT / cell))
        places = list(range(0, len(classes), every))
        names = [ruler.shorten(classes[place], room) for place in places]
        bar_top = _TOP + side + 1.5 + room + 5.0
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, bar_top + _FOOT)
        off = ~np.eye(len(classes), dtype=np.bool_)
        drawn = (
            (confusability, "how near the true class is to being mistaken",
             label, style.SEQUENTIAL_ON_WHITE),
            (distances, "how differently the decoder answers",
             "cosine distance of its output", f"{style.SEQUENTIAL_ON_WHITE}_r"),
        )  # fmt: skip
        for number, (values, title, unit, colours) in enumerate(drawn):
            place = left + number * (half + _GAP)
            axes = style.add_axes(figure, place, _TOP, side, side)
            axes.set_gid(title)
            low, high = float(values[off].min()), float(values[off].max())
            norm = Normalize(low, high if high > low else low + 1.0)
            image = axes.imshow(
                np.ma.masked_array(values, ~off), cmap=colours, norm=norm, aspect="auto",
                interpolation="nearest",
            )  # fmt: skip
            axes.set_facecolor(style.LIGHT_GREY)
            _frame_pairs(axes, pairs, cell)
            axes.set_xticks(places, names, rotation=90, fontsize=size)
            axes.set_yticks(places, names if number == 0 else [], fontsize=size)
            axes.tick_params(length=1.0 if every > 1 else 0.0)
            axes.set_title(TextRuler(style.NORMAL_PT).shorten(title, half), loc="left")
            if number == 0:
                axes.set_ylabel("true class")
            for spine in axes.spines.values():
                spine.set(visible=True, linewidth=0.5)
            bar_axes = style.add_axes(figure, place, bar_top, min(half, 45.0), 2.0)
            bar = figure.colorbar(image, cax=bar_axes, orientation="horizontal")
            bar.set_label(
                TextRuler(style.SMALL_PT).shorten(unit, half), fontsize=style.SMALL_PT,
                loc="left",
            )  # fmt: skip
            bar.ax.tick_params(labelsize=style.SMALL_PT)
            bar.outline.set_linewidth(0.5)
            bar.ax.locator_params(nbins=4)
    return figure


def _frame_pairs(axes: Axes, pairs: Sequence[tuple[int, int]], cell: float) -> None:
    """Draw a frame round the cells of known look-alikes, both ways."""
    if cell < _SMALLEST_MARKED:
        return
    width = 1.0 if cell >= 3.0 else 0.6
    for a, b in pairs:
        for row, column in ((a, b), (b, a)):
            x, y = column - 0.5, row - 0.5
            axes.plot([x, x + 1, x + 1, x, x], [y, y, y + 1, y + 1, y], color=style.VERMILLION,
                      linewidth=width, gid="pair")  # fmt: skip
