"""Figures of edits over many photographs: effects beside controls, doses, guided erasure.

Drawing only: tables come in, matplotlib figures go out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.text import TextRuler

MOST_GROUPS = 40
"""Rows that fit on a page."""

# All lengths in mm.
_MARGIN = 2.0
_PITCH = 4.6
_PANEL = 46.0
_MOST_LINES = 80  # thin lines of single photographs
_EDIT, _CONTROL = style.VERMILLION, style.GREY
# One colour for each source of maps, as in the figures of faithfulness.
_LOOKS = {
    "units_mean": (style.BLUE, "-"),
    "units_best": (style.BLUE, "--"),
    "intr_causal": (style.BLUE, "-"),
    "intr_best": (style.BLUE, "--"),
    "intr_mean": (style.BLUE, ":"),
    "gradcam_intr": (style.ORANGE, "-"),
    "rise": (style.GREEN, "-"),
    "random": (style.GREY, "-"),
}
_BANDED = ("units_mean", "intr_causal", "random")


def effects_figure(groups: pd.DataFrame, most: int = MOST_GROUPS) -> Figure:
    """Draw every class: drop of the lead and share of changed answers, beside the controls.

    Parameters
    ----------
    groups
        One row a class and region: ``label``, ``region``, ``n``, and ``drop``, ``control_drop``,
        ``flip``, ``control_flip``, each with ``_low`` and ``_high``, which may be NaN.
    most
        Draw so many rows, those with the largest drop; in the order of the table.

    Returns
    -------
    Figure
        183 mm wide.
    """
    assert len(groups), "nothing to draw"
    if len(groups) > most:
        groups = groups.loc[groups["drop"].nlargest(most).index.sort_values()]
    ruler = TextRuler(style.SMALL_PT)
    names = [f"{row.label} · {row.region} (n = {row.n})" for row in groups.itertuples(index=False)]
    with style.journal_style():
        room = min(72.0, max(map(ruler.width, names)) + 1.0)
        height = _PITCH * len(groups)
        top = 8.0
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, top + height + 9.0)
        left, gap = _MARGIN + room + 1.5, 6.0
        width = (style.DOUBLE_COLUMN_MM - left - _MARGIN - 2.0 - gap) / 2
        panels = (
            ("drop", "control_drop", 1.0, "drop of the lead (logits)"),
            ("flip", "control_flip", 100.0, "answers that change (%)"),
        )
        for place, (edit, control, scale, words) in enumerate(panels):
            axes = style.add_axes(figure, left + place * (width + gap), top, width, height)
            for row in range(len(groups)):
                axes.axhline(row, color=style.LIGHT_GREY, linewidth=0.3, zorder=0)
            axes.axvline(0, color=style.LIGHT_GREY, linewidth=0.7, zorder=0)
            _draw_column(axes, groups, control, scale, _CONTROL, "o", 0.16)
            _draw_column(axes, groups, edit, scale, _EDIT, "D", -0.16)
            axes.set_ylim(len(groups) - 0.5, -0.5)
            axes.set_xlabel(words)
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(False)
            axes.set_yticks(
                range(len(groups)),
                [ruler.shorten(name, room) for name in names] if place == 0 else [""] * len(groups),
                fontsize=style.SMALL_PT,
            )
            if edit == "flip":
                axes.set_xlim(-3, 103)
                axes.set_xticks([0, 25, 50, 75, 100])
        _key(figure, left, 4.5)
    return figure


def _key(figure: Figure, left: float, baseline: float) -> None:
    for place, (marker, colour, words) in enumerate(
        (("D", _EDIT, "the edit"), ("o", _CONTROL, "control regions"))
    ):
        axes = style.add_axes(figure, left + 24.0 * place, baseline - 2.2, 3.0, 3.0)
        axes.plot(0.5, 0.5, marker, color=colour, markersize=3.2)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
        axes.axis("off")
        style.add_text(figure, left + 24.0 * place + 3.6, baseline, words, fontsize=style.SMALL_PT)
    style.add_text(figure, left + 54.0, baseline, "bars: 95 % intervals", fontsize=style.SMALL_PT,
                   color=style.GREY)  # fmt: skip


def _draw_column(
    axes: Axes, groups: pd.DataFrame, name: str, scale: float, colour: str, marker: str, at: float
) -> None:
    columns = groups[[name, f"{name}_low", f"{name}_high"]].astype(float).to_numpy() * scale
    for row, (value, low, high) in enumerate(columns):
        if math.isnan(value):
            continue
        if not math.isnan(low):
            axes.hlines(row + at, low, high, color=colour, linewidth=0.9)
        axes.plot(value, row + at, marker, color=colour, markersize=3.0, clip_on=False)


def responses_figure(
    doses: pd.DataFrame, means: pd.DataFrame, methods: pd.DataFrame, names: Mapping[str, str]
) -> Figure:
    """Draw dose and response, and where maps guided an erasure how often the answer changed.

    Parameters
    ----------
    doses
        One row a photograph and strength: ``image``, ``region``, ``strength``, ``drop``.
    means
        One row a strength: ``strength``, ``drop``, ``drop_low``, ``drop_high``, ``n``.
    methods
        One row for each ``group`` (all, bearers), ``method`` and ``share``: ``flip``,
        ``flip_low``, ``flip_high``, ``n``; may be empty.
    names
        What each method is called.

    Returns
    -------
    Figure
        183 mm wide, one to three panels.
    """
    groups = list(dict.fromkeys(methods["group"])) if len(methods) else []
    with style.journal_style():
        left, gap = 15.0, 13.0
        width = min(70.0, (style.DOUBLE_COLUMN_MM - left - _MARGIN - 2.0 - 2 * gap) / 3)
        there = [name for name in _LOOKS if len(methods) and (methods["method"] == name).any()]
        lines = math.ceil(len(there) / 3)
        foot = 6.0 + _PANEL + 9.0
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, foot + 3.6 * lines + 1.0)
        axes = style.add_axes(figure, left, 6.0, width, _PANEL)
        _draw_doses(axes, doses, means)
        axes.set_title(f"dose and response (n = {int(means['n'].max())})", loc="left")
        titles = {"all": "guided erasure", "bearers": "the same, bearers"}
        for place, group in enumerate(groups, 1):
            one = methods[methods["group"] == group]
            if group != "all":  # a method that was asked about few of them would mislead
                one = one[one["n"] == one["n"].max()]
            axes = style.add_axes(figure, left + place * (width + gap), 6.0, width, _PANEL)
            _draw_methods(axes, one)
            axes.set_title(f"{titles[group]} (n = {int(one['n'].max())})", loc="left")
        for place, method in enumerate(there):
            column, row = divmod(place, lines)
            words = _words(methods, names, method)
            _entry(figure, left + 56.0 * column, foot + 3.6 * row, method, words)
    return figure


def _words(methods: pd.DataFrame, names: Mapping[str, str], method: str) -> str:
    counts = methods[(methods["group"] == "all") & (methods["method"] == method)]["n"]
    whole = int(methods.loc[methods["group"] == "all", "n"].max())
    own = int(counts.max())
    return names[method] if own == whole else f"{names[method]} (n = {own})"


def _entry(figure: Figure, left: float, top: float, method: str, words: str) -> None:
    axes = style.add_axes(figure, left, top, 7.0, 3.4)
    colour, kind = _LOOKS[method]
    axes.plot([0, 1], [0.5, 0.5], color=colour, linestyle=kind)
    axes.set_ylim(0, 1)
    axes.axis("off")
    style.add_text(figure, left + 8.2, top + 2.45, words, fontsize=style.SMALL_PT)


def _draw_doses(axes: Axes, doses: pd.DataFrame, means: pd.DataFrame) -> None:
    axes.axhline(0, color=style.LIGHT_GREY, linewidth=0.7, zorder=0)
    for number, (_, one) in enumerate(doses.groupby(["image", "region"], sort=False)):
        if number == _MOST_LINES:
            break
        axes.plot(one["strength"], one["drop"], color=style.LIGHT_GREY, linewidth=0.4, zorder=1)
    if means["drop_low"].notna().all():
        axes.fill_between(means["strength"], means["drop_low"], means["drop_high"], color=_EDIT,
                          alpha=0.2, linewidth=0, zorder=2)  # fmt: skip
    axes.plot(means["strength"], means["drop"], "o-", color=_EDIT, zorder=3, gid="mean")
    axes.set_xlim(-0.03, 1.03)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    axes.set_xlabel("strength of the edit")
    style.few_ticks(axes.yaxis)
    axes.set_ylabel("drop of the lead (logits)")


def _draw_methods(axes: Axes, methods: pd.DataFrame) -> None:
    # The method in question is drawn last and lies on top.
    for method in reversed(_LOOKS):
        one = methods[methods["method"] == method].sort_values("share")
        if one.empty:
            continue
        colour, kind = _LOOKS[method]
        if method in _BANDED:
            axes.fill_between(one["share"], 100 * one["flip_low"], 100 * one["flip_high"],
                              color=colour, alpha=0.13, linewidth=0)  # fmt: skip
        axes.plot(one["share"], 100 * one["flip"], color=colour, linestyle=kind, marker="o",
                  markersize=2.0, gid=method, clip_on=False)  # fmt: skip
    shares = np.sort(methods["share"].unique())
    axes.set_xscale("log")
    axes.set_xticks(shares, [f"{100 * share:g}" for share in shares])
    axes.minorticks_off()
    axes.set_ylim(-2, 102)
    axes.set_yticks([0, 25, 50, 75, 100])
    axes.set_xlabel("pixels erased (%)")
    axes.set_ylabel("answers that change (%)")
