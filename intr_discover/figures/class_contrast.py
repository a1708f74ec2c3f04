"""Two class queries on one photograph: their maps side by side, and the difference.

Drawing only: arrays and names in, a matplotlib figure out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from intr_discover.figures import overlay, style
from intr_discover.figures.attention_layout import Box
from intr_discover.figures.panels import Panels, draw_colour_bar, short_number
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_GAP = 2.0
_NAMES = 9.0  # head numbers left of the rows
_HEADING = 7.0
_ROW_GAP = 2.0
_FOOT = 13.0
_TALLEST_PANEL = 50.0
_TALLEST = 225.0


@dataclass(frozen=True)
class ContrastRow:
    """The maps of one head, or of the mean of all, for two classes.

    Attributes
    ----------
    head
        Its number; None for the mean of all heads.
    first, second
        ``[h, w]``: attention weight per cell, over the whole photograph.
    distance
        Total variation distance of the two maps, in [0, 1]; None where it is not shown.
    """

    head: int | None
    first: npt.NDArray[np.float32]
    second: npt.NDArray[np.float32]
    distance: float | None = None


def class_contrast_figure(
    photograph: npt.NDArray[np.uint8],
    rows: Sequence[ContrastRow],
    *,
    classes: tuple[str, str],
    probabilities: Sequence[float],
    heads: int,
    uniform: float,
    among: int,
) -> Figure:
    """Draw two classes' maps and their difference, one row a head.

    Parameters
    ----------
    photograph
        ``[H, W, 3]`` uint8.
    rows
        From top to bottom.
    classes
        The two.
    probabilities
        Of the two, in [0, 1].
    heads
        How many the model has.
    uniform
        1/N: the weight of each of the N cells if a head looked everywhere alike.
    among
        How many classes competed for the probabilities.

    Returns
    -------
    Figure
        183 mm wide. One scale for all maps, one, with zero in its middle, for all differences.
    """
    assert rows, "nothing to draw"
    scale = max(uniform, *(float(max(row.first.max(), row.second.max())) for row in rows))
    extreme = max(1e-12, *(float(np.abs(row.first - row.second).max()) for row in rows))
    aspect = photograph.shape[1] / photograph.shape[0]
    slot = (style.DOUBLE_COLUMN_MM - 2 * _MARGIN - _NAMES - 2 * _GAP) / 3
    room = (_TALLEST - _HEADING - _FOOT) / len(rows) - _ROW_GAP
    height = min(_TALLEST_PANEL, slot / aspect, room)
    size = (min(slot, height * aspect), height)
    bottom = _MARGIN + _HEADING + len(rows) * (height + _ROW_GAP)
    with style.journal_style():
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, bottom + _FOOT)
        lefts = [_MARGIN + _NAMES + place * (slot + _GAP) for place in range(3)]
        _write_headings(figure, classes, probabilities, among, lefts, slot)
        panels = Panels(figure, photograph, scale, uniform)
        for place, row in enumerate(rows):
            top = _MARGIN + _HEADING + place * (height + _ROW_GAP)
            _write_name(figure, row, top, heads)
            for left, values in zip(lefts[:2], (row.first, row.second), strict=True):
                panels.draw_map(values, Box(left, top, *size), is_mean=row.head is None)
            _draw_difference(
                figure, photograph, row.first - row.second, Box(lefts[2], top, *size), extreme
            )
        draw_colour_bar(figure, Box(lefts[0], bottom + 2.0, 52.0, 2.6), scale, uniform)
        _draw_difference_bar(figure, Box(lefts[2], bottom + 2.0, slot * 0.7, 2.6), extreme)
    return figure


def _write_headings(
    figure: Figure,
    classes: tuple[str, str],
    probabilities: Sequence[float],
    among: int,
    lefts: Sequence[float],
    slot: float,
) -> None:
    bold, normal = TextRuler(style.NORMAL_PT, "bold"), TextRuler(style.SMALL_PT)
    for left, name, probability in zip(lefts[:2], classes, probabilities, strict=True):
        style.add_text(figure, left, _MARGIN + 2.4, bold.shorten(name, slot),
                       fontsize=style.NORMAL_PT, fontweight="bold")  # fmt: skip
        words = f"probability {100 * probability:.1f} % among {among} classes"
        style.add_text(figure, left, _MARGIN + 5.6, normal.shorten(words, slot),
                       fontsize=style.SMALL_PT, color=style.DARK_GREY)  # fmt: skip
    style.add_text(figure, lefts[2], _MARGIN + 2.4, "difference", fontsize=style.NORMAL_PT,
                   fontweight="bold")  # fmt: skip
    style.add_text(figure, lefts[2], _MARGIN + 5.6, "red: more for the first; blue: for the second",
                   fontsize=style.SMALL_PT, color=style.DARK_GREY)  # fmt: skip


def _write_name(figure: Figure, row: ContrastRow, top: float, heads: int) -> None:
    words = f"mean\nof {heads}" if row.head is None else f"head\n{row.head}"
    if row.distance is not None:
        words += f"\n\nd =\n{row.distance:.2f}"
    style.add_text(figure, _MARGIN, top + 0.5, words, va="top", fontsize=style.SMALL_PT)


def _draw_difference(
    figure: Figure,
    photograph: npt.NDArray[np.uint8],
    difference: npt.NDArray[np.float32],
    box: Box,
    extreme: float,
) -> None:
    """Draw a difference of maps: white is none, over the photograph's lightest grey tones."""
    axes = style.add_axes(figure, box.left, box.top, box.width, box.height)
    per_mm = style.DOTS_PER_INCH / style.MM_PER_INCH
    pixels = max(1, round(box.height * per_mm)), max(1, round(box.width * per_mm))
    tones = overlay.grey_tones(overlay.resize_photograph(photograph, *pixels))
    share = np.clip(overlay.resize_map(difference, *pixels) / extreme, -1, 1)
    # The square root, as on the maps beside it: weak differences stay visible.
    signed = np.sign(share) * np.sqrt(np.abs(share))
    colours = matplotlib.colormaps[style.DIVERGING]((signed + 1) / 2)[..., :3]
    light = 0.72 + 0.28 * tones / tones.max()
    axes.imshow(colours * light[..., None], aspect="auto")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.25, edgecolor=style.GREY)
    axes.set_gid("difference")


def _draw_difference_bar(figure: Figure, box: Box, extreme: float) -> None:
    axes = style.add_axes(figure, box.left, box.top, box.width, box.height)
    ramp = matplotlib.colormaps[style.DIVERGING](np.linspace(0, 1, 256))[None, :, :3]
    axes.imshow(ramp, extent=(-1.0, 1.0, 0.0, 1.0), aspect="auto")
    axes.set_yticks([])
    axes.set_xticks([-1, 0, 1], [f"−{short_number(extreme)}", "0", short_number(extreme)])
    axes.set_xlabel("difference of weights, square-root scale", loc="left",
                    fontsize=style.SMALL_PT)  # fmt: skip
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.5)
