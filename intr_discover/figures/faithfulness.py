"""Figures of how well maps show what a model uses: curves, scores and the randomisation check.

Drawing only: tables come in, matplotlib figures go out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_PANEL_GAP = 9.0
_PANEL_HEIGHT = 50.0
_LEGEND_LINE = 3.4
_SAMPLE = 7.0  # of a line, in the legend
_PITCH = 4.0  # of the rows of scores

Look = tuple[str, str]
"""Colour and kind of line."""

# One colour for each source of maps, one kind of line for each variant of it.
_LOOKS: dict[str, Look] = {
    "units_mean": (style.BLUE, "-"),
    "units_best": (style.BLUE, "--"),
    "intr_mean": (style.BLUE, "-"),
    "intr_best": (style.BLUE, "--"),
    "intr_causal": (style.BLUE, ":"),
    "gradcam_intr": (style.ORANGE, "-"),
    "finercam_intr": (style.ORANGE, "--"),
    "gradcam_plain": (style.VERMILLION, "-"),
    "finercam_plain": (style.VERMILLION, "--"),
    "rise": (style.GREEN, "-"),
    "random": (style.GREY, "-"),
}

_CURVE_TITLES = {
    "insertion": ("Insertion", "share of pixels revealed", "higher is better"),
    "deletion": ("Deletion (MoRF)", "share of pixels removed", "lower is better"),
    "lerf": ("Least relevant first (LeRF)", "share of pixels removed", "higher is better"),
}

_SCORE_TITLES = {
    "insertion": "insertion,\nhigher is better",
    "deletion": "deletion,\nlower is better",
    "srg": "LeRF − MoRF,\nhigher is better",
    "pointing": "peak on region,\nhigher is better",
    "lift": "map on region\nover even map",
}


def curves_figure(curves: pd.DataFrame, names: Mapping[str, str]) -> Figure:
    """Draw the judge's mean probability while pictures change, a panel a curve.

    Parameters
    ----------
    curves
        ``curve``, ``method``, ``share``, ``probability``, ``low``, ``high``, ``n``.
    names
        What each method is called, in the order of the legend.

    Returns
    -------
    Figure
        183 mm wide. Bands (95 % over photographs) surround the full lines only, or nine of them
        would hide each other.
    """
    there = [curve for curve in _CURVE_TITLES if (curves["curve"] == curve).any()]
    methods = [method for method in names if (curves["method"] == method).any()]
    assert there and methods, "no curve to draw"
    with style.journal_style():
        left = 11.0
        whole = style.DOUBLE_COLUMN_MM - left - _MARGIN
        width = min(80.0, (whole - _PANEL_GAP * (len(there) - 1)) / len(there))
        entries = [f"{names[method]} (n = {_count(curves, method)})" for method in methods]
        columns = _legend_columns(entries)
        lines = math.ceil(len(methods) / columns)
        foot = 8.0 + _PANEL_HEIGHT + 9.0
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, foot + lines * _LEGEND_LINE + _MARGIN)
        for place, curve in enumerate(there):
            axes = style.add_axes(
                figure, left + place * (width + _PANEL_GAP), 8.0, width, _PANEL_HEIGHT
            )
            _draw_curves(axes, curves[curves["curve"] == curve], methods)
            title, share, better = _CURVE_TITLES[curve]
            axes.set_title(f"{title}\n{better}", loc="left")
            axes.set_xlabel(share)
            if place == 0:
                axes.set_ylabel("probability of the judge's answer")
        column_width = (style.DOUBLE_COLUMN_MM - left) / columns
        for place, (method, words) in enumerate(zip(methods, entries, strict=True)):
            column, row = divmod(place, lines)
            _legend_entry(
                figure, left + column * column_width, foot + row * _LEGEND_LINE, method, words
            )
    return figure


def _count(curves: pd.DataFrame, method: str) -> int:
    return int(curves.loc[curves["method"] == method, "n"].max())


def _legend_columns(entries: Sequence[str]) -> int:
    """Return how many columns of the legend fit side by side."""
    ruler = TextRuler(style.SMALL_PT)
    widest = max(ruler.width(words) for words in entries) + _SAMPLE + 5.0
    return max(1, min(len(entries), int((style.DOUBLE_COLUMN_MM - 13.0) / widest), 3))


def _legend_entry(figure: Figure, left: float, top: float, method: str, words: str) -> None:
    axes = style.add_axes(figure, left, top, _SAMPLE, _LEGEND_LINE)
    colour, kind = _LOOKS.get(method, (style.DARK_GREY, "-"))
    axes.plot([0, 1], [0.5, 0.5], color=colour, linestyle=kind)
    axes.set_ylim(0, 1)
    axes.axis("off")
    baseline = top + _LEGEND_LINE / 2 + 0.75
    style.add_text(figure, left + _SAMPLE + 1.2, baseline, words, fontsize=style.SMALL_PT)


def _draw_curves(axes: Axes, curves: pd.DataFrame, methods: Sequence[str]) -> None:
    # The first method, the one in question, is drawn last and lies on top.
    for method in reversed(methods):
        one = curves[curves["method"] == method].sort_values("share")
        if one.empty:
            continue
        colour, kind = _LOOKS.get(method, (style.DARK_GREY, "-"))
        if kind == "-" and one["low"].notna().all():
            axes.fill_between(
                one["share"], one["low"], one["high"], color=colour, alpha=0.1, linewidth=0
            )
        axes.plot(one["share"], one["probability"], color=colour, linestyle=kind, gid=method)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])


def scores_figure(methods: pd.DataFrame) -> Figure:
    """Draw every method's scores with their intervals, a panel a measure.

    Parameters
    ----------
    methods
        ``method``, ``name``, ``n``, and for each measure ``m``, ``m_low``, ``m_high``. Measures
        without any number have no panel.

    Returns
    -------
    Figure
        183 mm wide.
    """
    shown = [name for name in _SCORE_TITLES if name in methods and methods[name].notna().any()]
    assert shown and len(methods), "no score to draw"
    with style.journal_style():
        ruler = TextRuler(style.SMALL_PT)
        names = [f"{name} (n = {n})" for name, n in zip(methods["name"], methods["n"], strict=True)]
        room = min(62.0, max(map(ruler.width, names)) + 1.0)
        left, gap = _MARGIN + room + 1.5, 4.5
        width = (style.DOUBLE_COLUMN_MM - left - _MARGIN - 2.0 - gap * (len(shown) - 1)) / len(
            shown
        )
        height = _PITCH * len(methods)
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, 9.0 + height + 6.0)
        for place, measure in enumerate(shown):
            axes = style.add_axes(figure, left + place * (width + gap), 9.0, width, height)
            _draw_scores(axes, methods, measure)
            axes.set_title(_SCORE_TITLES[measure], loc="left", fontsize=style.SMALL_PT)
            if place == 0:
                short = [ruler.shorten(name, room) for name in names]
                axes.set_yticks(range(len(names)), short, fontsize=style.SMALL_PT)
            else:
                axes.set_yticks([])
    return figure


def _draw_scores(axes: Axes, methods: pd.DataFrame, measure: str) -> None:
    values = methods[measure].astype(float).to_numpy()
    low = methods[f"{measure}_low"].astype(float).to_numpy()
    high = methods[f"{measure}_high"].astype(float).to_numpy()

    def floor(value: float) -> float:
        return max(value, 0.1) if measure == "lift" else value

    for place in range(len(methods)):
        axes.axhline(place, color=style.LIGHT_GREY, linewidth=0.3, zorder=0)
    for place, method in enumerate(methods["method"]):
        if math.isnan(values[place]):
            continue
        colour, _ = _LOOKS.get(method, (style.DARK_GREY, "-"))
        axes.hlines(place, floor(low[place]), floor(high[place]), color=colour, linewidth=0.9)
        axes.plot(
            floor(values[place]), place, "o", color=colour, markersize=3.2, clip_on=False,
        )  # fmt: skip
    if measure == "lift":
        axes.axvline(1, color=style.LIGHT_GREY, linewidth=0.7, zorder=0)
        # A ratio: on a logarithmic scale twice and half lie equally far from 1.
        axes.set_xscale("log")
        axes.set_xlim(0.1, 1.5 * max(10.0, float(np.nanmax([*values, *high]))))
        axes.set_xticks([0.1, 1, 10], ["≤ 0.1", "1", "10"])
        axes.minorticks_off()
    elif measure == "srg":
        axes.axvline(0, color=style.LIGHT_GREY, linewidth=0.7, zorder=0)
        reach = max(0.1, 1.08 * float(np.nanmax(np.abs([*values, *low, *high]))))
        axes.set_xlim(-reach, reach)
        axes.locator_params(axis="x", nbins=3)
    else:
        axes.set_xlim(-0.03, 1.03)
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_ylim(len(methods) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def randomisation_figure(randomisation: pd.DataFrame, names: Mapping[str, str]) -> Figure:
    """Draw how much of each map is left when the model's layers are forgotten one after the other.

    Parameters
    ----------
    randomisation
        ``step``, ``layer``, ``method``, ``correlation``, ``low``, ``high``, ``n``.
    names
        What each method is called.
    """
    layers = randomisation.drop_duplicates("step").sort_values("step")["layer"].astype(str).tolist()
    methods = [method for method in names if (randomisation["method"] == method).any()]
    with style.journal_style():
        wide = style.SINGLE_COLUMN_MM if len(layers) <= 8 else style.DOUBLE_COLUMN_MM
        ruler = TextRuler(style.SMALL_PT)
        below = min(24.0, max(map(ruler.width, ["trained", *layers])) + 2.0)
        legend = len(methods) * _LEGEND_LINE
        figure = style.new_figure(wide, 4.0 + 42.0 + below + 5.0 + legend + _MARGIN)
        axes = style.add_axes(figure, 15.0, 4.0, wide - 15.0 - 3.0, 42.0)
        axes.axhline(0, color=style.LIGHT_GREY, linewidth=0.7, zorder=0)
        for place, method in enumerate(methods):
            one = randomisation[randomisation["method"] == method].sort_values("step")
            colour, _ = _LOOKS.get(method, (style.DARK_GREY, "-"))
            # Side by side, so that the intervals do not hide each other.
            where = one["step"] + 0.12 * (place - (len(methods) - 1) / 2)
            axes.vlines(where, one["low"], one["high"], color=colour, linewidth=0.8)
            axes.plot(
                [0, *where], [1, *one["correlation"]], "o-", color=colour, markersize=2.5,
                gid=method,
            )  # fmt: skip
        axes.set_ylim(-1.05, 1.05)
        axes.set_yticks([-1, -0.5, 0, 0.5, 1], ["−1", "−0.5", "0", "0.5", "1"])
        axes.set_xlim(-0.3, len(layers) + 0.3)
        axes.set_ylabel("rank correlation with the\nmap of the trained model")
        every = max(1, math.ceil(2.4 * (len(layers) + 1) / (wide - 18.0)))
        ticks = range(0, len(layers) + 1, every)
        labels = ["trained", *(ruler.shorten(layer, below) for layer in layers)]
        axes.set_xticks(list(ticks), [labels[tick] for tick in ticks], rotation=90)
        axes.set_xlabel("forgotten, with all to the left of it", fontsize=style.SMALL_PT)
        top = 4.0 + 42.0 + below + 5.0
        for row, method in enumerate(methods):
            _legend_entry(figure, 15.0, top + row * _LEGEND_LINE, method, names[method])
    return figure
