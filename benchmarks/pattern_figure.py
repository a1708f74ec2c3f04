"""The pairs of co-mimics as a forest plot: numbers and intervals, no picture of the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from intr_discover.figures.style import (
    BLUE,
    DARK_GREY,
    DOUBLE_COLUMN_MM,
    GREY,
    LIGHT_GREY,
    ORANGE,
    SMALL_PT,
    add_axes,
    add_text,
    journal_style,
    new_figure,
)
from intr_discover.figures.text import TextRuler

_NAMES_MM = 50.0
_ROW_MM = 5.6
_TOP_MM = 13.0
_BOTTOM_MM = 9.0
_GAP_MM = 5.0
_OFFSET = 0.16  # of a row: the two models stand one above the other
_NUMBERS_MM = 11.0


def pairs_figure(table: pd.DataFrame) -> Figure:
    """Draw accuracy between two look-alikes, the models' difference, and INTR's margin.

    Parameters
    ----------
    table
        See ``pattern_pairs.pair_table``; drawn with the most confusable pair on top.
    """
    ordered = table.sort_values("confusability", ascending=False, ignore_index=True)
    height = _TOP_MM + _ROW_MM * len(ordered) + _BOTTOM_MM
    panel = (DOUBLE_COLUMN_MM - _NAMES_MM - 3 * _GAP_MM - _NUMBERS_MM) / 3
    with journal_style():
        figure = new_figure(DOUBLE_COLUMN_MM, height)
        lefts = [_NAMES_MM + place * (panel + _GAP_MM) for place in range(3)]
        accuracy, difference, margin = (
            add_axes(figure, left, _TOP_MM, panel, _ROW_MM * len(ordered)) for left in lefts
        )
        places = np.arange(len(ordered))
        for name, colour, marker, shift in (
            ("intr", BLUE, "o", -_OFFSET),
            ("regression", ORANGE, "s", _OFFSET),
        ):
            _intervals(accuracy, ordered, f"{name}_pairwise", places + shift, colour, marker)
        _intervals(difference, ordered, "difference", places, DARK_GREY, "D")
        _intervals(margin, ordered, "confusability", places, BLUE, "o")
        accuracy.axvline(0.5, color=GREY, linewidth=0.5, linestyle=":")
        difference.axvline(0, color=GREY, linewidth=0.5)
        margin.axvline(0, color=GREY, linewidth=0.5)
        lows = ordered[["intr_pairwise_low", "regression_pairwise_low"]].to_numpy(dtype=float)
        accuracy.set_xlim(min(0.2, lows.min()) - 0.02, 1.02)
        accuracy.set_xticks([0.25, 0.5, 0.75, 1.0], ["25", "50", "75", "100"])
        accuracy.set_xlabel("right of the two (%)")
        difference.set_xlabel("INTR − regression (points)")
        difference.xaxis.set_major_formatter(lambda value, _: _signed(100 * value))
        margin.set_xlabel("logit, look-alike − true race")
        for axes in (accuracy, difference, margin):
            axes.set_ylim(len(ordered) - 0.5, -0.5)
            axes.set_yticks(places, [""] * len(ordered))
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
            for place in places[::2]:
                axes.axhspan(place - 0.5, place + 0.5, color=LIGHT_GREY, alpha=0.25, linewidth=0)
        ruler = TextRuler(SMALL_PT)
        for place, row in enumerate(ordered.itertuples()):
            name = ruler.shorten(pair_name(str(row.label_a), str(row.label_b)), _NAMES_MM - 4)
            baseline = _TOP_MM + _ROW_MM * (place + 0.5) + 0.8
            add_text(figure, _NAMES_MM - 2, baseline, name, ha="right", fontsize=SMALL_PT)
            add_text(
                figure, lefts[2] + panel + _GAP_MM / 2 + 4, baseline, str(row.rank),
                ha="center", fontsize=SMALL_PT,
            )  # fmt: skip
        _headings(figure, lefts, panel, ordered)
    return figure


def pair_name(first: str, second: str) -> str:
    """Return both races without what they share: ``erato emma / melpomene aglaope``."""
    return f"{first.replace('_', ' ')} / {second.replace('_', ' ')}"


def _signed(points: float) -> str:
    """Return a whole number with its sign, a true minus among them."""
    return f"{points:+.0f}".replace("-", "−") if round(points) else "0"


def _intervals(
    axes: Axes, table: pd.DataFrame, name: str, places: np.ndarray, colour: str, marker: str
) -> None:
    """Draw points with their 95 % intervals."""
    low, high = (table[f"{name}_{end}"].to_numpy(float) for end in ("low", "high"))
    axes.hlines(places, low, high, color=colour, linewidth=0.9)
    axes.plot(
        table[name].to_numpy(float), places, marker, color=colour, markersize=3, clip_on=False
    )


def _headings(figure: Figure, lefts: list[float], panel: float, table: pd.DataFrame) -> None:
    """Write what each panel shows, and which mark is which model."""
    for letter, left, text in zip(
        "abc",
        lefts,
        ("Accuracy between the two", "Difference of the models", "INTR's margin"),
        strict=True,
    ):
        add_text(figure, left, 5.0, letter, weight="bold")
        add_text(figure, left + 3.5, 5.0, text)
    add_text(figure, lefts[0] + 3.5, 9.5, "●", color=BLUE, fontsize=SMALL_PT)
    add_text(figure, lefts[0] + 6.0, 9.5, "INTR", fontsize=SMALL_PT)
    add_text(figure, lefts[0] + 13.5, 9.5, "■", color=ORANGE, fontsize=SMALL_PT)
    add_text(figure, lefts[0] + 16.0, 9.5, "logistic regression", fontsize=SMALL_PT)
    add_text(
        figure, lefts[2] + panel + _GAP_MM / 2 + 4, 9.5, "rank", ha="center", fontsize=SMALL_PT
    )
    n = table["n"]
    counted = f"n = {n.min()}" if n.min() == n.max() else f"n = {n.min()} to {n.max()}"
    add_text(figure, 2.0, 9.5, f"{counted} a pair", fontsize=SMALL_PT)
