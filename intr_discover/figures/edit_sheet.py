"""One edited photograph on a sheet: before and after, where the heads look, and its controls.

Like Figures 5 and 11 of the INTR paper. Drawing only: arrays and names in, a figure out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.attention_layout import Box
from intr_discover.figures.head_names import NO_NAMES, HeadNames, UnitNames, head_title
from intr_discover.figures.panels import ATTENTION, SHARE, Panels, draw_colour_bar
from intr_discover.figures.strips import draw_outline
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_GAP = 2.0
_TITLE = 6.0
_HEADING = 4.0
_TALLEST_PANEL = 46.0
_PLOT = 26.0
_CLASSES = 4
BEFORE, AFTER = style.GREY, style.VERMILLION

Picture = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class FillBeside:
    """One fill and its controls.

    Attributes
    ----------
    name
        Of the fill.
    drop
        Of the lead, in logits.
    controls
        ``[k]``: the same in the control regions.
    p
        NaN where there is none.
    """

    name: str
    drop: float
    controls: npt.NDArray[np.float64]
    p: float


@dataclass(frozen=True)
class HeadBeside:
    """One head before and after.

    Attributes
    ----------
    head
        Its number.
    before, after
        ``[h, w]``: weights over the whole photograph.
    maxima
        Map maximum before and after.
    """

    head: int
    before: npt.NDArray[np.float32]
    after: npt.NDArray[np.float32]
    maxima: tuple[float, float]


@dataclass(frozen=True)
class EditSheet:
    """What is drawn of one edit.

    Attributes
    ----------
    title
        Above everything.
    photograph, mask
        uint8 ``[H, W, 3]`` and the region ``[H, W]``.
    edited
        Name and picture of each fill.
    answers
        The class answered before and after.
    probabilities
        (class, before, after): the most probable ones, the answer before first.
    lead
        Before the edit, in logits.
    fills
        Drops beside their controls.
    strengths, dose_drops
        Dose and response.
    heads
        The strongest heads of the class answered before; empty for a model without.
    uniform
        1/N.
    wanted
        How many controls were asked for.
    names
        What people call the heads.
    """

    title: str
    photograph: Picture
    mask: npt.NDArray[np.bool_]
    edited: Sequence[tuple[str, Picture]]
    answers: tuple[str, str]
    probabilities: Sequence[tuple[str, float, float]]
    lead: float
    fills: Sequence[FillBeside]
    strengths: Sequence[float]
    dose_drops: Sequence[float]
    heads: Sequence[HeadBeside] = ()
    uniform: float = 1.0
    wanted: int = 20
    names: HeadNames = field(default_factory=lambda: NO_NAMES)


def edit_sheet_figure(sheet: EditSheet) -> Figure:
    """Draw one edit: pictures and probabilities, heads, controls and dose.

    Returns
    -------
    Figure
        183 mm wide. All maps share one scale.
    """
    whole = style.DOUBLE_COLUMN_MM - 2 * _MARGIN
    aspect = sheet.photograph.shape[1] / sheet.photograph.shape[0]
    slot = (whole - 3 * _GAP) / 4
    height = min(_TALLEST_PANEL, slot / aspect)
    width = height * aspect
    with style.journal_style():
        small = (whole - 6 * _GAP) / 6
        head_height = min(_TALLEST_PANEL, small / aspect)
        beside = _pitch(height, len(sheet.probabilities)) * len(sheet.probabilities[:_CLASSES])
        top_heads = _TITLE + _HEADING + max(height, beside) + 3.0
        heads = (2 * _HEADING + head_height + 12.0) if sheet.heads else 0.0
        top_plots = top_heads + heads
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, top_plots + _HEADING + _PLOT + 10.0)
        ruler = TextRuler(style.LARGE_PT, "bold")
        style.add_text(figure, _MARGIN, 4.5, ruler.shorten(sheet.title, whole),
                       fontsize=style.LARGE_PT, fontweight="bold")  # fmt: skip
        _draw_pictures(figure, sheet, slot, Box(_MARGIN, _TITLE + _HEADING, width, height))
        _draw_probabilities(figure, sheet, _MARGIN + 3 * (slot + _GAP), slot, height)
        if sheet.heads:
            _draw_heads(figure, sheet, top_heads, small, Box(0, 0, head_height * aspect,
                                                              head_height))  # fmt: skip
        _draw_controls(figure, sheet, top_plots + _HEADING)
        _draw_doses(figure, sheet, top_plots + _HEADING)
    return figure


def _draw_pictures(figure: Figure, sheet: EditSheet, slot: float, first: Box) -> None:
    shown = [("photograph", sheet.photograph), *sheet.edited[:2]]
    ruler = TextRuler(style.SMALL_PT)
    for place, (name, picture) in enumerate(shown):
        box = Box(_MARGIN + place * (slot + _GAP), first.top, first.width, first.height)
        axes = Panels(figure, picture, 1.0, 1.0).draw_photograph(box)
        axes.set_title(ruler.shorten(name, slot), loc="left", fontsize=style.SMALL_PT)
        if place == 0:
            draw_outline(axes, sheet.mask)


def _draw_probabilities(
    figure: Figure, sheet: EditSheet, left: float, width: float, height: float
) -> None:
    """Draw two bars for each of the most probable classes, names above their bars."""
    shown = sheet.probabilities[:_CLASSES]
    rulers = {bold: TextRuler(style.SMALL_PT, "bold" if bold else "normal") for bold in (0, 1)}
    box_height = _pitch(height, len(sheet.probabilities)) * len(shown)
    axes = style.add_axes(figure, left, _TITLE + _HEADING, width - 9.0, box_height)
    for place, (name, before, after) in enumerate(shown):
        bold = name in sheet.answers
        axes.text(0, place - 0.17, rulers[bold].shorten(name, width - 1.0), fontsize=style.SMALL_PT,
                  va="bottom", fontweight="bold" if bold else "normal")  # fmt: skip
        for value, offset, colour in ((before, 0.02, BEFORE), (after, 0.3, AFTER)):
            axes.barh(place + offset, value, 0.25, color=colour)
            axes.text(value + 0.02, place + offset + 0.02, _percent(value), va="center",
                      fontsize=style.SMALLEST_PT, color=colour)  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(len(shown) - 0.45, -0.6)
    axes.axis("off")
    style.add_text(figure, left, _TITLE + _HEADING - 0.9, "probability before",
                   fontsize=style.SMALL_PT, color=BEFORE)  # fmt: skip
    style.add_text(figure, left + 22.0, _TITLE + _HEADING - 0.9, "after",
                   fontsize=style.SMALL_PT, color=AFTER)  # fmt: skip


def _pitch(height: float, classes: int) -> float:
    """Return the height of one class's bars: as the pictures beside allow, within limits."""
    return max(7.0, min(9.0, height / max(1, min(_CLASSES, classes))))


def _percent(value: float) -> str:
    if 0 < value < 0.01:
        return "< 1 %"
    if 0.99 < value < 1:
        return "> 99 %"
    return f"{100 * value:.0f} %"


def _draw_heads(figure: Figure, sheet: EditSheet, top: float, slot: float, size: Box) -> None:
    scale = max([sheet.uniform, *(maximum for head in sheet.heads for maximum in head.maxima)])
    ruler = TextRuler(style.SMALL_PT)
    of_units = isinstance(sheet.names, UnitNames)
    of = "units of" if of_units else "heads of the query of"
    edited = sheet.edited[0][1]
    for column, (picture, words) in enumerate(((sheet.photograph, "before"), (edited, "after"))):
        left = _MARGIN + column * (3 * (slot + _GAP) + _GAP)
        heading = f"{words} the edit: {of} {sheet.answers[0]}"
        style.add_text(figure, left, top + 2.6, ruler.shorten(heading, 3 * slot + 2 * _GAP),
                       fontsize=style.SMALL_PT, color=style.DARK_GREY)  # fmt: skip
        panels = Panels(figure, picture, scale, sheet.uniform)
        for place, head in enumerate(sheet.heads[:3]):
            box = Box(
                left + place * (slot + _GAP), top + 2 * _HEADING - 0.8, size.width, size.height
            )
            values = head.before if column == 0 else head.after
            axes = panels.draw_map(values, box, is_mean=False)
            title = head_title(sheet.names, sheet.answers[0], head.head, head.maxima[column])
            axes.set_title(ruler.shorten(title, slot + 1.0), loc="left", fontsize=style.SMALL_PT)
            draw_outline(axes, sheet.mask)
    bar = Box(_MARGIN + 2.5, top + 2 * _HEADING + size.height + 1.5, 52.0, 2.6)
    draw_colour_bar(figure, bar, scale, sheet.uniform, SHARE if of_units else ATTENTION)


def _draw_controls(figure: Figure, sheet: EditSheet, top: float) -> None:
    """Draw the drops of the control regions as dots, a line a fill, with the edit marked."""
    ruler = TextRuler(style.SMALL_PT)
    names = [_fill_words(fill, sheet.wanted) for fill in sheet.fills]
    room = min(34.0, max(ruler.width(line) for name in names for line in name.split("\n")) + 2.0)
    left, width = _MARGIN + room, style.DOUBLE_COLUMN_MM / 2 - _MARGIN - room + 8.0
    axes = style.add_axes(figure, left, top, width, _PLOT)
    axes.axvline(0, color=style.LIGHT_GREY, linewidth=0.7, zorder=0)
    axes.axvline(sheet.lead, color=style.DARK_GREY, linewidth=0.7, linestyle="--", zorder=0)
    for place, fill in enumerate(sheet.fills):
        # Spread by number, not by chance, so that the same result gives the same picture.
        offsets = 0.22 * (((np.arange(len(fill.controls)) * 0.618) % 1) - 0.5) * 2
        axes.plot(fill.controls, place + offsets, "o", color=style.GREY, markersize=2.6,
                  alpha=0.7, markeredgewidth=0, gid="controls")  # fmt: skip
        axes.plot(fill.drop, place, "D", color=AFTER, markersize=4.5, gid="edit")
    axes.set_ylim(len(sheet.fills) - 0.5, -0.5)
    axes.set_yticks(range(len(sheet.fills)), names, fontsize=style.SMALL_PT)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.margins(x=0.08)
    style.few_ticks(axes.xaxis)
    axes.set_xlabel("drop of the lead (logits)")
    words = "beside control regions: diamond the edit, dots controls; dashed: lead used up"
    style.add_text(figure, _MARGIN, top - 1.5, ruler.shorten(words, room + width),
                   fontsize=style.SMALL_PT, color=style.DARK_GREY)  # fmt: skip


def _fill_words(fill: FillBeside, wanted: int) -> str:
    if not math.isnan(fill.p):
        return f"{fill.name}\np = {fill.p:.3f}"
    if not len(fill.controls):
        return f"{fill.name}\n{'none fits: ' if wanted else ''}no p"
    return f"{fill.name}\n{len(fill.controls)} of {wanted} fit: no p"


def _draw_doses(figure: Figure, sheet: EditSheet, top: float) -> None:
    left = style.DOUBLE_COLUMN_MM / 2 + 26.0
    width = style.DOUBLE_COLUMN_MM - left - _MARGIN - 2.0
    axes = style.add_axes(figure, left, top, width, _PLOT)
    axes.axhline(0, color=style.LIGHT_GREY, linewidth=0.7, zorder=0)
    axes.axhline(sheet.lead, color=style.DARK_GREY, linewidth=0.7, linestyle="--", zorder=0)
    axes.plot(sheet.strengths, sheet.dose_drops, "o-", color=AFTER, gid="dose", clip_on=False)
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    axes.set_xlabel("strength of the edit")
    style.few_ticks(axes.yaxis)
    axes.set_ylabel("drop of the lead (logits)")
    style.add_text(figure, left - 8.0, top - 1.5, "dose and response", fontsize=style.SMALL_PT,
                   color=style.DARK_GREY)  # fmt: skip
