"""Figures of the transplants: what was exchanged, and how far the answer moved.

Drawing only: arrays and names come in, a matplotlib figure goes out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.strips import draw_outline
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_GAP = 2.0
_HEAD = 8.0
_WORDS = 7.5
_PITCH = 4.6
_FOOT = 9.0
_BARS = 28.0
_BAR_COLOURS = (style.GREY, style.VERMILLION, style.BLUE)
_COLUMNS = ("donor", "before", "with the donor's region", "control: its own kind's")


@dataclass(frozen=True)
class Given:
    """One transplant.

    Attributes
    ----------
    label, mate
        Of the receiver and of the donor.
    pictures
        Donor, receiver before, with the donor's region, with a control's; each ``[h, w, 3]``.
    answers
        What the model calls them; of the donor its species.
    region
        ``[H, W]`` on the receiver.
    donor_region
        ``[h, w]`` on the donor; None where it is not known there.
    probabilities
        Of the receiver's own species and of the look-alike: before, with the donor's region, with
        the control's. NaN where there is no control.
    """

    label: str
    mate: str
    pictures: Sequence[npt.NDArray[np.uint8]]
    answers: Sequence[str | None]
    region: npt.NDArray[np.bool_]
    donor_region: npt.NDArray[np.bool_] | None
    probabilities: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Shown:
    """One pair: a transplant in each direction."""

    first: str
    second: str
    given: Sequence[Given]


def transplant_figure(shown: Shown) -> Figure:
    """Draw the transplants of a pair, a row each.

    Returns
    -------
    Figure
        183 mm wide. The region is outlined on donor and receiver; an answer that is not the
        receiver's species is bold. Bars at the right: how probable both species are.
    """
    width = (style.DOUBLE_COLUMN_MM - 2 * _MARGIN - 4 * _GAP - _BARS) / 4
    aspects = [p.shape[1] / p.shape[0] for given in shown.given for p in given.pictures]
    height = width / min(max(float(np.median(aspects)), 0.6), 2.0)
    row = height + _WORDS
    with style.journal_style():
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, _HEAD + len(shown.given) * row + _MARGIN)
        for column, words in enumerate(_COLUMNS):
            left = _MARGIN + column * (width + _GAP)
            words = TextRuler(style.SMALL_PT).shorten(words, width)
            style.add_text(
                figure, left, _HEAD - 2.0, words, fontsize=style.SMALL_PT, color=style.DARK_GREY
            )
        for number, given in enumerate(shown.given):
            top = _HEAD + number * row
            for column, picture in enumerate(given.pictures):
                left = _MARGIN + column * (width + _GAP)
                axes = style.add_axes(figure, left, top, width, height)
                axes.set_axis_off()
                axes.set_gid("picture")
                axes.imshow(picture)
                outline = (given.donor_region, given.region, given.region, given.region)[column]
                if outline is not None:
                    draw_outline(axes, outline)
                answer = given.answers[column]
                changed = column > 0 and answer != given.label
                weight = "bold" if changed else "normal"
                words = "" if answer is None else answer
                style.add_text(
                    figure,
                    left,
                    top + height + 3.4,
                    TextRuler(style.SMALL_PT, weight).shorten(words, width),
                    fontsize=style.SMALL_PT,
                    fontweight=weight,
                )
            _draw_probabilities(figure, given, top, height)
    return figure


def _draw_probabilities(figure: Figure, given: Given, top: float, height: float) -> None:
    """Draw three bars for each of the two species, its name above them."""
    left = style.DOUBLE_COLUMN_MM - _MARGIN - _BARS
    axes = style.add_axes(figure, left, top, _BARS, height)
    ruler = TextRuler(style.SMALL_PT)
    for species, name in enumerate((given.label, given.mate)):
        start = species * 5.0
        axes.text(0, start, ruler.shorten(name, _BARS), fontsize=style.SMALL_PT, va="center")
        for place, (colour, pair) in enumerate(
            zip(_BAR_COLOURS, given.probabilities, strict=True), 1
        ):
            value = pair[species]
            if math.isnan(value):
                continue
            axes.barh(start + place, value, 0.7, color=colour, gid="probability")
            axes.text(value + 0.03, start + place, f"{100 * value:.0f} %", va="center",
                      fontsize=style.SMALLEST_PT, color=colour)  # fmt: skip
    axes.set_xlim(0, 1.35)
    axes.set_ylim(9.0, -0.7)
    axes.axis("off")
    words = ("before", "donor's", "control")
    for place, (word, colour) in enumerate(zip(words, _BAR_COLOURS, strict=True)):
        style.add_text(figure, left + 9.0 * place, _HEAD - 2.0, word, fontsize=style.SMALL_PT,
                       color=colour)  # fmt: skip


def forest_figure(table: pd.DataFrame) -> Figure:
    """Draw how far each direction moved, beyond its controls.

    Parameters
    ----------
    table
        ``label``, ``mate``, ``n``, ``to_mate``, ``difference``, ``low``, ``high``.

    Returns
    -------
    Figure
        183 mm wide, one line for each direction.
    """
    rows = table.to_dict("records")
    labels = [f"{row['label']} with {row['mate']}'s  ({_count(row)})" for row in rows]
    places = np.arange(len(rows), dtype=float)
    with style.journal_style():
        ruler = TextRuler(style.SMALL_PT)
        room = min(90.0, max(map(ruler.width, labels)) + 2.0)
        height = len(rows) * _PITCH
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, _MARGIN + height + _FOOT)
        left = _MARGIN + room
        axes = style.add_axes(
            figure, left, _MARGIN, style.DOUBLE_COLUMN_MM - left - _MARGIN - 2.0, height
        )
        middle = table["difference"].to_numpy(np.float64)
        around = np.stack([middle - table["low"], table["high"] - middle]).astype(np.float64)
        axes.axvline(0, color=style.GREY, linewidth=0.6)
        axes.errorbar(
            middle,
            places,
            xerr=np.nan_to_num(np.maximum(around, 0)),
            fmt="o",
            markersize=3,
            color=style.BLUE,
            elinewidth=0.9,
        )
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks(places, [ruler.shorten(each, room - 1.0) for each in labels])
        axes.tick_params(axis="y", length=0, labelsize=style.SMALL_PT)
        axes.set_xlabel("change of the margin towards the look-alike, beyond controls (logits)")
    return figure


def _count(row: Mapping[Any, Any]) -> str:
    n, share = row["n"], row["to_mate"]
    return f"{round(share * n)} of {n}" if n else "none"
