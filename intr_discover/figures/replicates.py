"""Figure of the replicates: how alike trainings are, species by species, and their verdicts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.text import TextRuler

MOST_SPECIES = 40
"""Species of one figure; of more the least alike are drawn."""

# All lengths in mm.
_MARGIN = 2.0
_PITCH = 4.2
_HEAD, _FOOT = 8.0, 10.0
_GAP = 6.0
_MOST_LABEL = 42.0
_MOST_EDIT_LABEL = 30.0
_NOTE = 10.0  # n beside a row
_BAR_PITCH = 8.0
_LEAST_HEIGHT = 26.0

_EDITS = {
    "own": "own region",
    "first": "first training's region",
    "control": "same shape elsewhere",
    "attribute": "known attribute",
}
_VERDICTS = {"all": style.BLUE, "some": style.ORANGE, "none": style.LIGHT_GREY}


def replicates_figure(classes: pd.DataFrame, edits: pd.DataFrame, trainings: int) -> Figure:
    """Draw how far several trainings agree.

    Parameters
    ----------
    classes
        One row a species: ``label``, ``n``, ``map_correlation`` with ``low``, ``high`` (may be
        NaN), ``chance`` and ``verdict`` (``agree`` is drawn filled).
    edits
        One row an edit: ``edit``, ``n``, ``all``, ``some``, ``none`` as shares; may be empty.
    trainings
        How many there are.

    Returns
    -------
    Figure
        183 mm wide.
    """
    assert len(classes), "no species to draw"
    ordered = classes.sort_values("map_correlation", kind="stable", na_position="first")
    shown = ordered.head(MOST_SPECIES)[::-1]
    rows = len(shown)
    height = max(_LEAST_HEIGHT, rows * _PITCH)
    with style.journal_style():
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, _HEAD + height + _FOOT)
        ruler = TextRuler(style.SMALL_PT)
        room = min(_MOST_LABEL, max(map(ruler.width, shown["label"])) + 1.5)
        names = [ruler.shorten(label, room) for label in shown["label"]]
        left = _MARGIN + room
        right_room = _MOST_EDIT_LABEL if len(edits) else 0.0
        width = (style.DOUBLE_COLUMN_MM - left - 2 * _NOTE - _GAP - right_room - _MARGIN) / 2
        axes = style.add_axes(figure, left, _HEAD, width, height)
        _draw_species(axes, shown, names)
        if len(edits):
            beside = left + width + _NOTE + _GAP + right_room
            tall = min(height, len(edits) * _BAR_PITCH)
            bars = style.add_axes(figure, beside, _HEAD, width, tall)
            _draw_edits(bars, edits, trainings)
        style.add_text(
            figure,
            left,
            _HEAD - 1.6,
            "filled: the trainings agree on where to look",
            fontsize=style.SMALL_PT,
        )
    return figure


def _draw_species(axes: Axes, shown: pd.DataFrame, names: list[str]) -> None:
    places = np.arange(len(shown))
    values = shown["map_correlation"].to_numpy(dtype=float)
    low, high = (shown[name].to_numpy(dtype=float) for name in ("low", "high"))
    chance = shown["chance"].to_numpy(dtype=float)
    axes.axvline(0.0, color=style.LIGHT_GREY, linewidth=0.5, zorder=0)
    axes.axvline(0.5, color=style.LIGHT_GREY, linewidth=0.5, linestyle=(0, (3, 2)), zorder=0)
    axes.hlines(places, low, high, color=style.BLUE, linewidth=0.8)
    agree = (shown["verdict"] == "agree").to_numpy()
    for flags, face in ((agree, style.BLUE), (~agree, "white")):
        axes.plot(
            values[flags], places[flags], "o", markersize=3.4, markerfacecolor=face,
            markeredgecolor=style.BLUE, markeredgewidth=0.8,
        )  # fmt: skip
    axes.plot(chance, places, "|", markersize=6.0, markeredgecolor=style.GREY, markeredgewidth=1.2)
    lowest = np.nanmin(np.concatenate([values, low, chance, [0.0]]))
    axes.set_xlim(max(-1.0, lowest - 0.05), 1.03)
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_yticks(places, names)
    axes.tick_params(axis="y", length=0.0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("correlation of mean maps of two trainings\n(grey tick: other photographs)")
    for place, count in zip(places.tolist(), shown["n"], strict=True):
        axes.text(
            1.02, place, f"n = {count}", transform=axes.get_yaxis_transform(), va="center",
            fontsize=style.SMALLEST_PT, color=style.GREY,
        )  # fmt: skip


def _draw_edits(axes: Axes, edits: pd.DataFrame, trainings: int) -> None:
    places = np.arange(len(edits))
    start = np.zeros(len(edits))
    words = {"all": f"all {trainings}", "some": "some", "none": "none"}
    for name, colour in _VERDICTS.items():
        shares = 100 * edits[name].to_numpy(dtype=float)
        axes.barh(places, shares, left=start, height=0.62, color=colour, label=words[name])
        for place, share, left in zip(places.tolist(), shares, start, strict=True):
            if share >= 12:
                axes.text(
                    left + share / 2, place, f"{share:.0f} %", ha="center", va="center",
                    fontsize=style.SMALL_PT, color="white" if name == "all" else "black",
                )  # fmt: skip
        start += shares
    axes.set_xlim(0, 100)
    axes.set_ylim(len(edits) - 0.5, -0.5)
    axes.set_yticks(places, [_EDITS.get(name, name) for name in edits["edit"]])
    axes.tick_params(axis="y", length=0.0)
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("photographs in which the answer changes (%)")
    axes.legend(
        loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=3, borderpad=0.2,
        title="erased, and the answer changes in", title_fontsize=style.SMALL_PT,
        alignment="left", handlelength=1.0, columnspacing=1.0,
    )  # fmt: skip
    for place, count in zip(places.tolist(), edits["n"], strict=True):
        axes.text(
            1.02, place, f"n = {count}", transform=axes.get_yaxis_transform(), va="center",
            fontsize=style.SMALLEST_PT, color=style.GREY,
        )  # fmt: skip
