"""Figure of the interventions: one line a condition, three measures side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from intr_discover.figures import style
from intr_discover.figures.text import TextRuler

# All lengths in mm.
_MARGIN = 2.0
_PITCH = 4.6
_GROUP_GAP = 0.35  # of a pitch, before a new scope or layer
_HEAD, _FOOT = 9.0, 9.0
_GAP = 5.0
_MARKERS = {"model": ("o", style.BLUE), "beside": ("s", style.ORANGE)}
_KINDS = {"uniform": "even", "permuted": "permuted", "swapped": "swapped"}
_SCOPES = {"class": "answered class", "all": "all classes"}
_LAYERS = {"last": "last layer", "all": "all layers"}


def interventions_figure(means: pd.DataFrame, names: Mapping[str, str]) -> Figure:
    """Draw what becomes of the answer under every condition.

    Parameters
    ----------
    means
        One row for each model and condition: ``model``, ``kind``, ``scope``, ``layers``, ``n``,
        ``margin_before``, and ``tv``, ``flip``, ``margin_drop``, each with ``_low`` and
        ``_high``; an interval may be NaN.
    names
        What the models are called, by ``model``.

    Returns
    -------
    Figure
        183 mm wide. The grey line of the last panel is the mean lead before the change.
    """
    assert len(means) > 0, "no condition to draw"
    listed = means.drop_duplicates(["scope", "layers", "kind"])
    labels = [
        f"{_KINDS[row['kind']]} · {_SCOPES[row['scope']]} · {_LAYERS[row['layers']]}"
        for row in listed.to_dict("records")
    ]
    groups = list(zip(listed["scope"], listed["layers"], strict=True))
    changes = np.cumsum(
        [0, *(one != other for one, other in zip(groups[1:], groups, strict=False))]
    )
    places = np.arange(len(listed)) + _GROUP_GAP * changes
    keys = list(zip(listed["scope"], listed["layers"], listed["kind"], strict=True))
    height = (places[-1] + 1) * _PITCH
    with style.journal_style():
        ruler = TextRuler(style.SMALL_PT)
        room = max(map(ruler.width, labels)) + 1.5
        figure = style.new_figure(style.DOUBLE_COLUMN_MM, _HEAD + height + _FOOT)
        width = (style.DOUBLE_COLUMN_MM - 2 * _MARGIN - room - 2 * _GAP - 2.0) / 3
        panels = (
            ("tv", 100.0, "probability that moves (%)"),
            ("flip", 100.0, "answers that change (%)"),
            ("margin_drop", 1.0, "drop of the lead (logits)"),
        )
        for column, (measure, scale, words) in enumerate(panels):
            left = _MARGIN + room + column * (width + _GAP)
            axes = style.add_axes(figure, left, _HEAD, width, height)
            _draw(axes, means, measure, scale, keys, places, names)
            axes.set_ylim(places[-1] + 0.6, -0.6)
            axes.set_xlabel(words)
            axes.set_yticks(places, labels if column == 0 else [""] * len(labels))
            axes.tick_params(axis="y", length=0.0)
            axes.spines["left"].set_visible(False)
            if scale == 100.0:
                axes.set_xlim(-3.0, 103.0)
                axes.set_xticks([0, 25, 50, 75, 100])
            if column == 0 and len(names) > 1:
                axes.legend(loc="lower left", bbox_to_anchor=(-0.02, 1.0), ncols=2, borderpad=0.2)
        count = int(means["n"].iloc[0])
        style.add_text(
            figure,
            style.DOUBLE_COLUMN_MM - _MARGIN,
            4.0,
            f"n = {count}; bars: 95 % intervals",
            ha="right",
            fontsize=style.SMALL_PT,
            color=style.GREY,
        )
    return figure


def _draw(
    axes: Axes,
    means: pd.DataFrame,
    measure: str,
    scale: float,
    keys: list[tuple[str, str, str]],
    places: np.ndarray,
    names: Mapping[str, str],
) -> None:
    """Draw the points and intervals of one measure."""
    by_place = dict(zip(keys, places, strict=True))
    if measure == "margin_drop":
        axes.axvline(0.0, color=style.LIGHT_GREY, linewidth=0.5, zorder=0)
        lead = float(means.loc[means["model"] == "model", "margin_before"].mean())
        axes.axvline(lead, color=style.GREY, linewidth=0.7, linestyle=(0, (4, 2)), zorder=0)
    for number, (name, group) in enumerate(means.groupby("model", sort=False)):
        marker, colour = _MARKERS[str(name)]
        shift = 0.0 if len(names) == 1 else (number - 0.5) * 0.36
        y = np.array([by_place[key] for key in zip(
            group["scope"], group["layers"], group["kind"], strict=True
        )]) + shift  # fmt: skip
        low, high = (scale * group[f"{measure}_{end}"].to_numpy(float) for end in ("low", "high"))
        axes.hlines(y, low, high, color=colour, linewidth=0.9)
        axes.plot(
            scale * group[measure], y, marker, color=colour, markersize=3.2, label=names[str(name)]
        )
