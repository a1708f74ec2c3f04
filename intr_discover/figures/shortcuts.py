"""Figures of the shortcut audit: cues, backgrounds, attention beside the specimen, examples."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.overlay import resize_photograph
from intr_discover.figures.strips import draw_outline
from intr_discover.figures.text import TextRuler, one_line

# All lengths in mm.
_MARGIN = 2.0
_TALLEST = 225.0
_PITCH = 3.6
_ROW_OF_TEXT = 1.9
_LABEL_ROOM = 42.0
_TOP, _BOTTOM = 7.0, 8.5
_CONDITIONS = {
    "original": "as it is",
    "grey": "plain grey",
    "shuffled": "own, shuffled",
    "same": "same class (control)",
    "other": "another class",
    "removed": "specimen taken away",
}


@dataclass(frozen=True)
class Example:
    """One photograph and what was done to it.

    Attributes
    ----------
    label
        Its true class.
    photograph, mask
        ``[h, w, 3]`` uint8 and ``[h, w]``.
    answer
        What the model says of it.
    edited
        (words, picture ``[h, w, 3]``, answer) of each edit.
    """

    label: str
    photograph: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_]
    answer: str
    edited: Sequence[tuple[str, npt.NDArray[np.uint8], str]]


def cues_figure(cues: pd.DataFrame, words: Mapping[str, str]) -> Figure:
    """Draw how well each cue tells the labels, the best first, those of all together last.

    Parameters
    ----------
    cues
        ``cue``, ``kind``, ``balanced_accuracy``, ``low``, ``high``, ``chance``, ``q``; in the
        order to be drawn.
    words
        What cues are called; others keep their names.

    Returns
    -------
    Figure
        89 mm wide.
    """
    assert len(cues) > 0, "no cue to draw"
    names = [words.get(name, name) for name in cues["cue"]]
    figure, axes, ruler, room = _rows_figure(names, style.SINGLE_COLUMN_MM, 1)
    places = np.arange(len(cues))
    with style.journal_style():
        (panel,) = axes
        sure = (cues["q"] <= 0.05).to_numpy()
        _points(panel, places, cues, "balanced_accuracy", "low", "high", style.BLUE, sure)
        _ticks(panel, places, 100 * cues["chance"].to_numpy(float))
        _label_rows(panel, names, ruler, room)
        joint = (cues["kind"] == "joint").to_numpy()
        if joint.any() and not joint.all():
            panel.axhline(np.flatnonzero(joint)[0] - 0.5, color=style.LIGHT_GREY, linewidth=0.5)
        _percent_axis(panel, "balanced accuracy (%)")
        _note(figure, "grey: permuted labels; filled: q ≤ 0.05")
    return figure


def conditions_figure(conditions: pd.DataFrame) -> Figure:
    """Draw accuracy and changed answers for each background.

    Parameters
    ----------
    conditions
        ``condition``, ``n``, ``accuracy``, ``flip_rate``, each with ``_low`` and ``_high``; NaN
        where there is none.

    Returns
    -------
    Figure
        120 mm wide.
    """
    names = [_CONDITIONS[name] for name in conditions["condition"]]
    figure, axes, ruler, room = _rows_figure(names, style.ONE_AND_A_HALF_COLUMN_MM, 2)
    places = np.arange(len(conditions))
    colours = [
        style.GREY if name == "same" else style.VERMILLION if name == "other" else style.BLUE
        for name in conditions["condition"]
    ]
    with style.journal_style():
        for panel, measure, label in zip(
            axes, ("accuracy", "flip_rate"), ("accuracy (%)", "changed answers (%)"), strict=True
        ):
            for place, colour in enumerate(colours):
                row = conditions.iloc[[place]]
                _points(panel, places[[place]], row, measure, f"{measure}_low", f"{measure}_high",
                        colour, np.ones(1, bool))  # fmt: skip
            _percent_axis(panel, label)
            panel.set_ylim(len(names) - 0.5, -0.5)
        _label_rows(axes[0], names, ruler, room)
        axes[1].set_yticks([])
        _note(figure, f"n = {int(conditions['n'].max())}; bars: 95 % intervals")
    return figure


def class_figure(classes: pd.DataFrame) -> Figure:
    """Draw for each class where its attention lies and what of its lead the background holds.

    Parameters
    ----------
    classes
        ``label``, ``n``, ``off_specimen`` with ``_low``, ``_high``, ``even_share``,
        ``background_share``, ``background_lead`` with ``_low``, ``_high``,
        ``rests_on_background``.

    Returns
    -------
    Figure
        120 mm wide; with more classes than fit a page, those that lose most of their lead.
    """
    assert len(classes) > 0, "no class to draw"
    # The share is drawn on the scale on which the table gives it.
    scale = classes["background_share"] / classes["background_lead"].replace(0.0, np.nan)
    table = classes.assign(
        share=classes["background_share"],
        share_low=classes["background_lead_low"] * scale,
        share_high=classes["background_lead_high"] * scale,
    )
    most = math.floor((_TALLEST - _TOP - _BOTTOM) / _ROW_OF_TEXT)
    left_out = len(table) - most
    if left_out > 0:
        table = table.sort_values("share", ascending=False, na_position="last").head(most)
    table = table.sort_values("label").reset_index(drop=True)
    names = [f"{row.label} ({row.n})" for row in table.itertuples()]
    figure, axes, ruler, room = _rows_figure(names, style.ONE_AND_A_HALF_COLUMN_MM, 2)
    places = np.arange(len(table))
    flagged = table["rests_on_background"].to_numpy(bool)
    with style.journal_style():
        first, second = axes
        bars = 100 * table["off_specimen"].to_numpy(float)
        first.barh(places, bars, height=0.6, color=_LIGHT_BLUE, zorder=0)
        _ticks(first, places, 100 * table["even_share"].to_numpy(float))
        first.hlines(places, 100 * table["off_specimen_low"], 100 * table["off_specimen_high"],
                     color=style.BLUE, linewidth=0.8)  # fmt: skip
        _percent_axis(first, "attention off specimen (%)")
        for which, colour in ((~flagged, style.BLUE), (flagged, style.VERMILLION)):
            if which.any():
                part = table[which]
                _points(second, places[which], part, "share", "share_low", "share_high", colour,
                        np.ones(len(part), bool))  # fmt: skip
        second.axvline(0.0, color=style.LIGHT_GREY, linewidth=0.5, zorder=0)
        _percent_axis(second, "share of lead lost (%)")
        ends = table[["share_low", "share_high", "share"]].to_numpy(float)
        known = 100 * ends[~np.isnan(ends)]
        low, high = (min(-10.0, *known), max(100.0, *known)) if known.size else (-10.0, 100.0)
        second.set_xlim(max(-100.0, low * 1.05), min(300.0, high * 1.03))
        for panel in axes:
            panel.set_ylim(len(names) - 0.5, -0.5)
        _label_rows(first, names, ruler, room)
        second.set_yticks([])
        note = "grey: an even map; in brackets n"
        if left_out > 0:
            note = f"{note}; {left_out} more classes in the table"
        _note(figure, note)
    return figure


def heads_figure(heads: pd.DataFrame) -> Figure:
    """Draw each head's attention off the specimen.

    Parameters
    ----------
    heads
        ``head``, ``n``, ``off_specimen``, ``low``, ``high``, ``even_share``.

    Returns
    -------
    Figure
        89 mm wide.
    """
    assert len(heads) > 0, "no head to draw"
    names = [f"head {head}" for head in heads["head"]]
    figure, (panel,), ruler, room = _rows_figure(names, style.SINGLE_COLUMN_MM, 1)
    with style.journal_style():
        panel.axvline(100 * float(heads["even_share"].iloc[0]), color=style.GREY, linewidth=0.7,
                      linestyle=(0, (4, 2)), zorder=0)  # fmt: skip
        _points(panel, np.arange(len(heads)), heads, "off_specimen", "low", "high", style.BLUE,
                np.ones(len(heads), bool))  # fmt: skip
        _percent_axis(panel, "attention off specimen (%)")
        _label_rows(panel, names, ruler, room)
        _note(figure, f"n = {int(heads['n'].iloc[0])}; dashed: an even map")
    return figure


def examples_figure(examples: Sequence[Example]) -> Figure:
    """Draw photographs with their outline, and what was done to them, one below the other.

    Parameters
    ----------
    examples
        All with the same edits.

    Returns
    -------
    Figure
        183 mm wide. Answers that differ from that to the photograph are red.
    """
    assert examples, "no photograph to draw"
    columns = 1 + len(examples[0].edited)
    gap, heading, below = 1.2, 4.2, 3.4
    width = (style.DOUBLE_COLUMN_MM - 2 * _MARGIN - (columns - 1) * gap) / columns
    aspects = [each.photograph.shape[0] / each.photograph.shape[1] for each in examples]
    heights = [min(width * aspect, 1.4 * width) for aspect in aspects]
    titles = ["photograph", *(words for words, *_ in examples[0].edited)]
    with style.journal_style():
        ruler = TextRuler(style.SMALL_PT)
        top = _MARGIN + 6.0
        total = top + sum(height + heading + below + 1.0 for height in heights)
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, total)
        for column, title in enumerate(titles):
            style.add_text(figure, _MARGIN + column * (width + gap), _MARGIN,
                           ruler.fit(title, width, lines=2), va="top", fontsize=style.SMALL_PT,
                           color=style.DARK_GREY)  # fmt: skip
        for example, height in zip(examples, heights, strict=True):
            style.add_text(figure, _MARGIN, top + 3.2,
                           TextRuler(style.NORMAL_PT, "bold").shorten(
                               example.label, style.DOUBLE_COLUMN_MM - 2 * _MARGIN),
                           fontsize=style.NORMAL_PT, fontweight="bold")  # fmt: skip
            pictures = [(example.photograph, example.answer)]
            pictures += [(picture, answer) for _, picture, answer in example.edited]
            for column, (picture, answer) in enumerate(pictures):
                left = _MARGIN + column * (width + gap)
                axes = style.add_axes(figure, left, top + heading, width, height)
                _show(axes, picture, width, height)
                if column == 0:
                    draw_outline(axes, example.mask, 0.7)
                same = answer == example.answer
                style.add_text(figure, left, top + heading + height + 2.6,
                               ruler.shorten(one_line(answer), width), fontsize=style.SMALL_PT,
                               color=style.DARK_GREY if same else style.VERMILLION)  # fmt: skip
            top += height + heading + below + 1.0
    return figure


_LIGHT_BLUE = "#BFD9EA"


def _rows_figure(
    names: Sequence[str], width: float, panels: int
) -> tuple[Figure, list[Axes], TextRuler, float]:
    """Return a figure with a row for each name, its panels, a ruler, and the room for names."""
    pitch = min(_PITCH, (_TALLEST - _TOP - _BOTTOM) / len(names))
    height = len(names) * pitch
    with style.journal_style():
        ruler = TextRuler(style.SMALL_PT if pitch >= 2.6 else style.SMALLEST_PT)
        widest = max(ruler.width(one_line(name)) for name in names)
        room = min(_LABEL_ROOM, 0.45 * width, widest + 1.0)
        figure = style.new_figure(width, _TOP + height + _BOTTOM)
        gap = 4.0
        wide = (width - 2 * _MARGIN - room - 3.0 - (panels - 1) * gap) / panels
        axes = [
            style.add_axes(figure, _MARGIN + room + 1.5 + number * (wide + gap), _TOP, wide, height)
            for number in range(panels)
        ]
        for panel in axes:
            panel.set_ylim(len(names) - 0.5, -0.5)
            panel.spines["left"].set_visible(False)
            panel.tick_params(axis="y", length=0.0)
    return figure, axes, ruler, room


def _label_rows(panel: Axes, names: Sequence[str], ruler: TextRuler, room: float) -> None:
    size = style.SMALL_PT if len(names) * 2.6 <= _TALLEST - _TOP - _BOTTOM else style.SMALLEST_PT
    words = [ruler.shorten(one_line(name), room) for name in names]
    panel.set_yticks(np.arange(len(names)), words, fontsize=size)


def _percent_axis(panel: Axes, label: str) -> None:
    panel.set_xlim(-3.0, 103.0)
    panel.set_xticks([0, 25, 50, 75, 100])
    panel.set_xlabel(label)


def _points(
    panel: Axes,
    places: npt.NDArray[np.int_],
    table: pd.DataFrame,
    measure: str,
    low: str,
    high: str,
    colour: str,
    filled: npt.NDArray[np.bool_],
) -> None:
    """Draw shares as per cents with their intervals; those that are not filled are rings."""
    panel.hlines(places, 100 * table[low].to_numpy(float), 100 * table[high].to_numpy(float),
                 color=colour, linewidth=0.9, zorder=1)  # fmt: skip
    values = 100 * table[measure].to_numpy(float)
    for which, face in ((filled, colour), (~filled, "white")):
        panel.plot(values[which], places[which], "o", color=colour, markerfacecolor=face,
                   markeredgewidth=0.8, markersize=3.0, zorder=2)  # fmt: skip


def _ticks(panel: Axes, places: npt.NDArray[np.int_], values: npt.NDArray[np.float64]) -> None:
    """Draw a short upright line in each row."""
    panel.vlines(values, places - 0.36, places + 0.36, color=style.GREY, linewidth=1.1, zorder=1)


def _note(figure: Figure, words: str) -> None:
    width, _ = style.size_mm(figure)
    style.add_text(figure, width - _MARGIN, 3.8, words, ha="right", fontsize=style.SMALL_PT,
                   color=style.GREY)  # fmt: skip


def _show(axes: Axes, picture: npt.NDArray[np.uint8], width: float, height: float) -> None:
    per_mm = style.DOTS_PER_INCH / style.MM_PER_INCH
    rows, columns = picture.shape[:2]
    shrink = min(1.0, max(width * per_mm / columns, height * per_mm / rows))
    axes.imshow(
        resize_photograph(picture, max(1, round(rows * shrink)), max(1, round(columns * shrink)))
    )
    axes.set_anchor("NW")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(visible=True, linewidth=0.25, edgecolor=style.GREY)
