"""The known traits as line drawings, and what taking them away does beside the controls.

No picture of the data: an outline of the specimen and of its trait, and numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon

from intr_discover.figures.style import (
    BLUE,
    DARK_GREY,
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

_MARGIN_MM = 2.0
_DRAWING_MM = 40.0
_NAMES_MM = 17.0  # of the strips, left of each panel
_ROW_MM = 32.0
_STRIPS_MM = 24.0
_TOP_MM = 11.0
_BOTTOM_MM = 12.0
_TITLE_MM = 7.5  # above each drawing
_PANELS = (("erase", "Trait erased (inpainted)"), ("recolour", "Trait recoloured to the wing"))
_FIRST_FILL = {"erase": "telea", "recolour": "match"}
_HEIGHT = 0.28  # of a strip's cloud of points, to each side


def traits_figure(
    known: Mapping[str, Any],
    rows: pd.DataFrame,
    controls: pd.DataFrame,
    results: Sequence[Mapping[str, Any]],
) -> Figure:
    """Draw a row for each species: its outline with the trait, and both operations' drops.

    Parameters
    ----------
    known
        ``{species: {"trait", "images", "outline": {"image", "specimen"}}}``, corners as fractions
        of the photograph's sides, and ``outline["aspect"]``, its width over its height.
    rows, controls
        A row for each photograph and operation; for each control.
    results
        A row for each species and operation, see ``leeds_traits.summarise``.
    """
    labels = [label for label in known if label in set(rows["label"])]
    height = _TOP_MM + _ROW_MM * len(labels) + _BOTTOM_MM
    panel = (DOUBLE_COLUMN_MM - _MARGIN_MM - _DRAWING_MM - 2 * _NAMES_MM - 2 * _MARGIN_MM) / 2
    lefts = [_MARGIN_MM + _DRAWING_MM + _NAMES_MM + place * (panel + _NAMES_MM) for place in (0, 1)]
    drops = np.concatenate([rows["drop"], rows["painted_drop"].dropna(), controls["drop"]])
    limits = min(0.0, drops.min()) - 0.4, drops.max() + 0.4
    with journal_style():
        figure = new_figure(DOUBLE_COLUMN_MM, height)
        _heading(figure, _MARGIN_MM, "a", "The trait")
        for left, letter, (_, words) in zip(lefts, "bc", _PANELS, strict=True):
            _heading(figure, left, letter, words)
        for number, label in enumerate(labels):
            top = _TOP_MM + number * _ROW_MM
            species = known[label]
            name = label.replace("_", " ").capitalize()
            add_text(figure, _MARGIN_MM, top, name, style="italic")
            add_text(figure, _MARGIN_MM, top + 3.2, species["trait"], fontsize=SMALL_PT, color=GREY)
            drawn = add_axes(figure, _MARGIN_MM, top + 5, _DRAWING_MM, _ROW_MM - _TITLE_MM - 1)
            _drawing(drawn, species)
            for left, (operation, _) in zip(lefts, _PANELS, strict=True):
                axes = add_axes(figure, left, top, panel, _STRIPS_MM)
                result = next(
                    row for row in results if (row["label"], row["operation"]) == (label, operation)
                )
                _strips(axes, rows, controls, result, limits)
                share = f"{round(result['flip'] * result['n'])} of {result['n']} answers changed"
                add_text(figure, left + panel, top - 0.8, share, ha="right", fontsize=SMALL_PT)
                last = number == len(labels) - 1
                axes.tick_params(axis="x", labelbottom=last)
                if last:
                    axes.set_xlabel("drop of the answer's lead (logits)")
        _key(figure, height)
    return figure


def _heading(figure: Figure, left: float, letter: str, words: str) -> None:
    add_text(figure, left, 4.5, letter, weight="bold")
    add_text(figure, left + 3.5, 4.5, words)


def _drawing(axes: Axes, species: Mapping[str, Any]) -> None:
    """Draw the outline of a specimen and its trait."""
    axes.axis("off")
    outline = species.get("outline")
    if outline is None:
        return
    scale = np.array([outline["aspect"], 1.0])
    body = np.asarray(outline["specimen"]) * scale
    edge = Polygon(body, facecolor="white", edgecolor="none")
    axes.add_patch(edge)
    for corners in species["images"][outline["image"]]:
        part = Polygon(np.asarray(corners) * scale, facecolor=VERMILLION, edgecolor="none")
        axes.add_patch(part)
        part.set_clip_path(edge)  # a part may run a little over the wing's edge
    axes.add_patch(Polygon(body, facecolor="none", edgecolor=DARK_GREY, linewidth=0.6))
    axes.set_xlim(body[:, 0].min() - 0.01, body[:, 0].max() + 0.01)
    axes.set_ylim(body[:, 1].max() + 0.01, body[:, 1].min() - 0.01)
    axes.set_aspect("equal", anchor="W")


def _strips(
    axes: Axes,
    rows: pd.DataFrame,
    controls: pd.DataFrame,
    result: Mapping[str, Any],
    limits: tuple[float, float],
) -> None:
    """Draw a point for each photograph and each control, means with intervals over them."""
    operation = result["operation"]
    own, beside = (
        table[(table["label"] == result["label"]) & (table["operation"] == operation)]
        for table in (rows, controls)
    )
    beside = beside[beside["fill"] == _FIRST_FILL[operation]]
    strips = [
        ("the trait", own["drop"], "drop", VERMILLION, 9.0),
        ("controls", beside["drop"], "control_drop", GREY, 2.0),
    ]
    if operation == "recolour":
        strips.append(("its colour\nelsewhere", own["painted_drop"], "painted_drop", BLUE, 9.0))
    generator = np.random.default_rng(0)
    axes.axvline(0, color=GREY, linewidth=0.5)
    axes.axvline(result["lead_before"], color=GREY, linewidth=0.6, linestyle=(0, (3, 2)))
    for place, (_, values, mean, colour, size) in enumerate(strips):
        spread = generator.uniform(-_HEIGHT, _HEIGHT, len(values))
        axes.scatter(values, place + spread, s=size, color=colour, alpha=0.45, linewidths=0)
        axes.plot(
            [result[f"{mean}_low"], result[f"{mean}_high"]], [place, place], color="black",
            linewidth=1.2, solid_capstyle="butt",
        )  # fmt: skip
        axes.plot(result[mean], place, marker="D", color="black", markersize=2.8)
        if place % 2:
            axes.axhspan(place - 0.5, place + 0.5, color=LIGHT_GREY, alpha=0.25, linewidth=0)
    axes.set_xlim(limits)
    axes.set_ylim(len(strips) - 0.5, -0.5)
    axes.set_yticks(range(len(strips)), [name for name, *_ in strips])
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _key(figure: Figure, height: float) -> None:
    """Say below the panels what the marks mean."""
    words = (
        "Points: photographs (the trait; its colour elsewhere: mean over the controls of one) or "
        "single controls. Diamonds and bars: mean and 95 % interval over\nphotographs. Dashed: "
        "mean lead before the edit; an edit that takes more than the lead changes the answer."
    )
    add_text(figure, _MARGIN_MM, height - 5.0, words, va="top", fontsize=SMALL_PT, color=DARK_GREY)
