"""How often each head's peak lies on the known trait, for four species: points with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from intr_discover.figures.style import (
    BLUE,
    DOUBLE_COLUMN_MM,
    GREY,
    LIGHT_GREY,
    SMALL_PT,
    VERMILLION,
    add_axes,
    add_text,
    journal_style,
    new_figure,
)

_LEFT_MM, _RIGHT_MM, _GAP_MM = 9.5, 4.0, 13.0
_TOP_MM, _BOTTOM_MM, _ROW_MM = 11.0, 13.0, 4.0
_COLOURS = {"best": VERMILLION, "good": BLUE, "worst": GREY}


def heads_figure(traits: Sequence[Mapping[str, Any]], named: Sequence[Mapping[str, Any]]) -> Figure:
    """Draw a panel for each species and a row for each head, the most frequent one on top.

    Parameters
    ----------
    traits
        Rows of ``leeds_heads.peaks_on_traits``.
    named
        Rows of ``leeds_heads.named_columns``: those judged are coloured.
    """
    labels = list(dict.fromkeys(row["label"] for row in traits))
    judged = {(row["label"], row["head"]): row["judged"] for row in named}
    most = max(sum(row["label"] == label for row in traits) for label in labels)
    height = _ROW_MM * most
    width = (DOUBLE_COLUMN_MM - _LEFT_MM - _RIGHT_MM - _GAP_MM * (len(labels) - 1)) / len(labels)
    with journal_style():
        figure = new_figure(DOUBLE_COLUMN_MM, _TOP_MM + height + _BOTTOM_MM)
        for place, label in enumerate(labels):
            rows = sorted(
                (row for row in traits if row["label"] == label), key=lambda row: row["on_trait"]
            )
            left = _LEFT_MM + place * (width + _GAP_MM)
            name = label.replace("_", " ").capitalize()
            add_text(figure, left, 4.5, name, style="italic")
            add_text(figure, left, 8.0, rows[0]["trait"], fontsize=SMALL_PT, color=GREY)
            axes = add_axes(figure, left, _TOP_MM, width, height)
            _panel(axes, rows, {head: judged.get((label, head)) for head in range(len(rows))})
        n = min(row["n"] for row in traits)
        add_text(
            figure, _LEFT_MM, _TOP_MM + height + 8.5,
            f"% of photographs (n = {n} a species) whose largest weight lies on the trait; "
            "bar: 95 % interval; dashed: share of the specimen so near",
            fontsize=SMALL_PT,
        )  # fmt: skip
        if judged:
            _key(figure, _TOP_MM + height + 11.5)
    return figure


def _panel(axes: Axes, rows: Sequence[Mapping[str, Any]], judged: Mapping[int, str | None]) -> None:
    for height, row in enumerate(rows):
        colour = _COLOURS.get(judged[row["head"]] or "", LIGHT_GREY)
        axes.plot([row["on_trait_low"], row["on_trait_high"]], [height, height], color=colour)
        axes.plot(row["on_trait"], height, "o", color=colour, markersize=3.5, clip_on=False)
    axes.axvline(rows[0]["chance"], color=GREY, linestyle="--", linewidth=0.6)
    axes.set_yticks(range(len(rows)), [f"head {row['head']}" for row in rows], fontsize=SMALL_PT)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_xlim(0, 1)
    axes.set_xticks([0, 0.5, 1], ["0", "50", "100"])


def _key(figure: Figure, baseline: float) -> None:
    words = {"best": "column judged best", "good": "also named", "worst": "judged worst"}
    left = _LEFT_MM
    for name, text in words.items():
        add_text(figure, left, baseline, "●", color=_COLOURS[name], fontsize=SMALL_PT)
        add_text(figure, left + 2.5, baseline, text, fontsize=SMALL_PT)
        left += 30.0
