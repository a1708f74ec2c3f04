"""Contact sheets: many pictures in a grid, with words beside the rows and above the columns.

Drawing only: arrays and names come in, a matplotlib figure goes out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.text import TextRuler

Pixels = npt.NDArray[np.uint8]

# All lengths in mm.
_MARGIN = 2.0
_GAP = 1.0
_LABEL_GAP = 2.0
_LINE = 2.9  # from one line of small text to the next
_MOST_LABEL_ROOM = 45.0
_HEADING_LINES = 2


def contact_sheet(
    pictures: Sequence[Sequence[Pixels | None]],
    *,
    row_labels: Sequence[str] = (),
    column_labels: Sequence[str] = (),
    width: float = style.DOUBLE_COLUMN_MM,
) -> Figure:
    """Draw pictures in a grid.

    Parameters
    ----------
    pictures
        Row by row; each ``[H, W, 3]`` or, in shades of grey, ``[H, W]``, uint8. None leaves a place
        empty, and so do the places that a short row lacks.
    row_labels
        One for each row, or none at all. Lines after the first are grey; a line that is too long
        is wrapped, and what does not fit beside the pictures is shortened in the middle.
    column_labels
        One for each column, or none at all.
    width
        Width of the figure in mm.

    Returns
    -------
    Figure
        As high as its rows. All places are of one size, with the shape of the middle one of the
        pictures; pictures of other shapes keep theirs.
    """
    shown = [picture for row in pictures for picture in row if picture is not None]
    assert shown, "no picture to draw"
    columns = max(len(row) for row in pictures)
    assert len(row_labels) in (0, len(pictures)), "one label for each row"
    assert len(column_labels) in (0, columns), "one label for each column"
    with style.journal_style():
        ruler = TextRuler(style.SMALL_PT)
        lines = [line for label in row_labels for line in label.split("\n")]
        label_room = min(_MOST_LABEL_ROOM, max(map(ruler.width, lines), default=0.0) + 0.5)
        left = _MARGIN + (label_room + _LABEL_GAP if row_labels else 0.0)
        place = (width - _MARGIN - left - (columns - 1) * _GAP) / columns
        assert place > 0, f"{columns} columns do not fit into {width} mm"
        height = place / float(np.median([p.shape[1] / p.shape[0] for p in shown]))
        headings = [ruler.fit(words, place, _HEADING_LINES) for words in column_labels]
        deepest = max((words.count("\n") + 1 for words in headings), default=0)
        top = _MARGIN + deepest * _LINE
        bottom = top + len(pictures) * (height + _GAP) - _GAP
        figure = style.new_figure(width, bottom + _MARGIN)
        for column, words in enumerate(headings):
            middle = left + column * (place + _GAP) + place / 2
            style.add_text(
                figure, middle, top - 1.0, words, ha="center", va="bottom", fontsize=style.SMALL_PT
            )
        for row, in_row in enumerate(pictures):
            upper = top + row * (height + _GAP)
            if row_labels:
                _write_label(figure, row_labels[row], upper, label_room, height)
            for column, picture in enumerate(in_row):
                if picture is not None:
                    beside = left + column * (place + _GAP)
                    _draw_picture(figure, picture, beside, upper, place, height)
    return figure


def _draw_picture(
    figure: Figure, picture: Pixels, left: float, top: float, width: float, height: float
) -> None:
    """Draw a picture as large as its place allows, in the middle of it."""
    axes = style.add_axes(figure, left, top, width, height)
    axes.set_gid("picture")
    axes.set_axis_off()
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255)


def _write_label(figure: Figure, label: str, top: float, width: float, height: float) -> None:
    """Write the first line black and the others grey, beside a row that begins at ``top``."""
    ruler = TextRuler(style.SMALL_PT)
    baseline = top + 2.2
    for number, line in enumerate(label.split("\n")):
        left_over = math.floor((top + height - baseline) / _LINE) + 1
        if left_over < 1:
            return
        for part in ruler.fit(line, width, left_over).split("\n"):
            colour = "black" if number == 0 else style.GREY
            style.add_text(
                figure, _MARGIN, baseline, part, fontsize=style.SMALL_PT, color=colour
            )  # fmt: skip
            baseline += _LINE
