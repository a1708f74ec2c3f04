"""One matrix of similarities between classes, alike classes next to each other.

Drawing only: numbers and names come in, a matplotlib figure goes out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy
from matplotlib.figure import Figure

from intr_discover.errors import UserError
from intr_discover.figures import style
from intr_discover.figures.panels import short_number
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_BAR_GAP = 4.0
_BAR_WIDTH = 2.6
_BAR_ROOM = 15.0  # with its numbers and its label
_LABEL_SHARE = 0.3  # of the width, at most, for names
_LARGEST_CELL, _SMALLEST_CELL = 9.0, 0.1
_ROW_OF_TEXT = 2.0
_SMALLEST_SIDE = 20.0

Matrix = npt.NDArray[np.float64]


def clustered_order(distances: Matrix) -> list[int]:
    """Return the classes in the order of a tree of average distances, neighbours side by side.

    Leaves are turned so that neighbours are as near as can be.

    Parameters
    ----------
    distances
        ``[C, C]``, symmetric, 0 on the diagonal.
    """
    if len(distances) < 3:
        return list(range(len(distances)))
    flat = scipy.spatial.distance.squareform(distances, checks=False)
    hierarchy = scipy.cluster.hierarchy
    tree = hierarchy.optimal_leaf_ordering(hierarchy.linkage(flat, "average"), flat)
    return [int(place) for place in hierarchy.leaves_list(tree)]


def cluster_order(similarities: Matrix) -> list[int]:
    """Return the places of the classes so that alike ones lie together.

    As ``clustered_order`` of ``1 − similarity``; unknown similarities (NaN) count as 0.
    """
    known = np.nan_to_num(similarities, nan=0.0)
    distances = np.maximum(1.0 - (known + known.T) / 2, 0.0)
    np.fill_diagonal(distances, 0.0)
    return clustered_order(distances)


def similarity_matrix_figure(
    classes: Sequence[str],
    similarities: Matrix,
    *,
    label: str,
    pairs: Sequence[tuple[int, int]] = (),
    width: float = style.DOUBLE_COLUMN_MM,
) -> Figure:
    """Draw a matrix of similarities.

    Parameters
    ----------
    classes
        K names.
    similarities
        ``[K, K]`` in [−1, 1], symmetric. NaN stays grey.
    label
        What the colour bar shows.
    pairs
        Places of known look-alikes; they get a frame.
    width
        Of the figure in mm.

    Returns
    -------
    Figure
        Classes in the order of ``cluster_order``; the diagonal is grey. Colours run evenly to both
        sides of 0, as far as the largest similarity of two different classes. With many classes
        every second, third, … is named.

    Raises
    ------
    UserError
        If the width leaves no room.
    """
    order = cluster_order(similarities)
    count = len(order)
    values = similarities[np.ix_(order, order)].copy()
    off = ~np.eye(count, dtype=np.bool_)
    shown = values[off & np.isfinite(values)]
    extreme = float(np.abs(shown).max()) if len(shown) else 1.0
    extreme = extreme if extreme > 0 else 1.0
    with style.journal_style():
        size = style.SMALL_PT if _sides(classes, width, style.SMALL_PT)[1] >= 2.6 * count else (
            style.SMALLEST_PT)  # fmt: skip
        room, side = _sides(classes, width, size)
        # A lone class needs a bar beside it all the same.
        height = max(side, _SMALLEST_SIDE)
        if side <= 0 or side / count < _SMALLEST_CELL:
            raise UserError(f"{count} classes do not fit on a figure {width:.0f} mm wide: ask for "
                            "a wider one")  # fmt: skip
        cell = side / count
        ruler = TextRuler(size)
        every = max(1, math.ceil(_ROW_OF_TEXT / cell))
        places = list(range(0, count, every))
        names = [ruler.shorten(classes[order[place]], room - 0.5) for place in places]
        left = _MARGIN + room
        figure = style.new_figure(width, _MARGIN + height + room + _MARGIN)
        axes = style.add_axes(figure, left, _MARGIN, side, side)
        axes.set_gid("similarities")
        axes.set_facecolor(style.LIGHT_GREY)
        image = axes.imshow(
            np.ma.masked_array(values, ~off | ~np.isfinite(values)), cmap=style.DIVERGING,
            vmin=-extreme, vmax=extreme, interpolation="nearest", aspect="auto",
        )  # fmt: skip
        axes.set_xticks(places, names, rotation=90, fontsize=size)
        axes.set_yticks(places, names, fontsize=size)
        axes.tick_params(length=1.0 if every > 1 else 0.0)
        for spine in axes.spines.values():
            spine.set(visible=True, linewidth=0.5)
        position = {place: number for number, place in enumerate(order)}
        for first, second in pairs:
            for row, column in ((first, second), (second, first)):
                x, y = position[column] - 0.5, position[row] - 0.5
                axes.plot([x, x + 1, x + 1, x, x], [y, y, y + 1, y + 1, y], color="black",
                          linewidth=0.8, gid="pair")  # fmt: skip
        bar_axes = style.add_axes(
            figure, left + side + _BAR_GAP, _MARGIN, _BAR_WIDTH, min(height, 50.0)
        )
        bar_axes.set_gid("colour bar")
        bar = figure.colorbar(image, cax=bar_axes)
        bar.set_ticks(
            [-extreme, 0.0, extreme],
            labels=[f"−{short_number(extreme)}", "0", short_number(extreme)],
        )
        bar.ax.tick_params(labelsize=style.SMALL_PT)
        bar.set_label(TextRuler(style.SMALL_PT).fit(label, min(height, 50.0), 2),
                      fontsize=style.SMALL_PT)  # fmt: skip
        bar.outline.set_linewidth(0.5)
    return figure


def _sides(classes: Sequence[str], width: float, size: float) -> tuple[float, float]:
    """Return the room for names and the side of the matrix, in mm, with letters of a size."""
    room = min(_LABEL_SHARE * width, max(map(TextRuler(size).width, classes)) + 1.0)
    across = width - 2 * _MARGIN - room - _BAR_GAP - _BAR_ROOM
    down = style.PAGE_HEIGHT_MM - 2 * _MARGIN - room
    return room, min(across, down, len(classes) * _LARGEST_CELL)
