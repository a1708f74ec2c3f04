"""The settings of the ablation as a plot of numbers with intervals; no picture of the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from intr_discover.figures.style import (
    BLUE,
    DARK_GREY,
    DOUBLE_COLUMN_MM,
    GREY,
    LIGHT_GREY,
    SMALL_PT,
    add_axes,
    add_text,
    journal_style,
    new_figure,
)
from intr_discover.figures.text import TextRuler

#: Measure, title above the panel, label below it, and whether the axis is in percent.
PANELS = (
    ("right", "Top-1", "specimens (%)", True),
    ("hit", "Attribute hit", "specimens (%)", True),
    ("consistency", "Consistency", "cosine − chance", False),
    ("distinctness", "Distinctness", "silhouette", False),
    ("effective_area", "Effective area", "cells (%)", True),
)

_NAMES_MM = 30.0
_ROW_MM = 6.0
_TOP_MM = 12.0
_BOTTOM_MM = 9.0
_GAP_MM = 4.0


def settings_figure(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw each measure with its interval, one row a setting, and each training as a small ring.

    Parameters
    ----------
    rows
        See ``ablation_measures.summarise``; the first is the baseline, which a dotted line marks.
    """
    height = _TOP_MM + _ROW_MM * len(rows) + _BOTTOM_MM
    panel = (DOUBLE_COLUMN_MM - _NAMES_MM - len(PANELS) * _GAP_MM) / len(PANELS)
    with journal_style():
        figure = new_figure(DOUBLE_COLUMN_MM, height)
        for place, (measure, title, label, percent) in enumerate(PANELS):
            left = _NAMES_MM + place * (panel + _GAP_MM)
            axes = add_axes(figure, left, _TOP_MM, panel, _ROW_MM * len(rows))
            _draw(axes, rows, measure, 100.0 if percent else 1.0)
            axes.set_xlabel(label)
            add_text(figure, left, 5.0, "abcde"[place], weight="bold")
            add_text(figure, left + 3.5, 5.0, title)
            n = rows[0][measure]["n"]
            counted = "classes" if n < rows[0]["right"]["n"] else "specimens"
            add_text(figure, left + 3.5, 9.0, f"n = {n} {counted}", fontsize=SMALL_PT)
        ruler = TextRuler(SMALL_PT)
        for place, row in enumerate(rows):
            name = ruler.shorten(row["setting"], _NAMES_MM - 3)
            baseline = _TOP_MM + _ROW_MM * (place + 0.5) + 0.8
            add_text(figure, _NAMES_MM - 2, baseline, name, ha="right", fontsize=SMALL_PT)
    return figure


def _draw(axes: Axes, rows: Sequence[Mapping[str, Any]], measure: str, times: float) -> None:
    """Draw one panel; the ends of its axis come from what is drawn."""
    places = np.arange(len(rows))
    value, low, high = (
        times * np.array([row[measure][end] for row in rows], dtype=float)
        for end in ("value", "low", "high")
    )
    axes.axvline(value[0], color=GREY, linewidth=0.5, linestyle=":")
    axes.hlines(places, low, high, color=BLUE, linewidth=0.9)
    axes.plot(value, places, "o", color=BLUE, markersize=3, clip_on=False)
    for place, row in enumerate(rows):
        single = times * np.array(row[measure]["by_seed"], dtype=float)
        axes.plot(
            single, np.full(len(single), place + 0.24), "o", markerfacecolor="none",
            color=DARK_GREY, markersize=2, markeredgewidth=0.4, clip_on=False,
        )  # fmt: skip
        if measure == "hit":
            axes.plot(times * row["chance"], place, "|", color=GREY, markersize=5)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(places, [""] * len(rows))
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    for place in places[::2]:
        axes.axhspan(place - 0.5, place + 0.5, color=LIGHT_GREY, alpha=0.25, linewidth=0)
