"""Figures of the shortcut audit and of the interventions: what they show, for 1 to 200 classes."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from intr_discover.figures import style
from intr_discover.figures.interventions import interventions_figure
from intr_discover.figures.shortcuts import (
    Example,
    class_figure,
    conditions_figure,
    cues_figure,
    examples_figure,
    heads_figure,
)

LONG = "Heliconius melpomene subspecies of a very long name, number "


def inside(figure):
    """Assert that no text leaves the figure."""
    with style.journal_style():  # letters are as wide as in the files that are written
        box = figure.get_tightbbox(figure.canvas.get_renderer())  # in inches; of what is drawn
    width, height = figure.get_size_inches()
    assert box.x0 >= -0.01 and box.x1 <= width + 0.01, (box, width)
    assert box.y0 >= -0.01 and box.y1 <= height + 0.01, (box, height)


def classes(count, known=True):
    share = np.linspace(-0.2, 1.4, count) if known else np.full(count, math.nan)
    return pd.DataFrame(
        {
            "label": [f"{LONG}{number:03d}" for number in range(count)],
            "n": 10,
            "off_specimen": 0.4,
            "off_specimen_low": 0.35 if known else math.nan,
            "off_specimen_high": 0.45 if known else math.nan,
            "even_share": 0.7,
            "background_share": share,
            "background_lead": 4 * share,
            "background_lead_low": 4 * share - 0.4,
            "background_lead_high": 4 * share + 0.4,
            "rests_on_background": share > 0.25,
        }
    )


@pytest.mark.parametrize("count", [1, 2, 30, 200])
def test_any_number_of_classes(count):
    figure = class_figure(classes(count))
    _, height = style.size_mm(figure)
    assert height <= style.PAGE_HEIGHT_MM
    inside(figure)
    words = " ".join(text.get_text() for text in figure.texts)
    assert ("more classes in the table" in words) == (count == 200)


def test_shares_and_intervals_stand_on_one_scale():
    figure = class_figure(classes(3))
    points = figure.axes[1].get_lines()
    drawn = sorted(x for line in points for x in np.atleast_1d(line.get_xdata()) if len(
        np.atleast_1d(line.get_xdata())) < 3)  # fmt: skip
    assert pytest.approx(-20) in drawn and pytest.approx(140) in drawn
    ends = np.concatenate([line.get_segments() for line in figure.axes[1].collections])
    widths = {round(float(np.ptp(segment[:, 0])), 3) for segment in ends}
    assert widths == {20.0}  # 0.8 of 4 logits


def test_nothing_known_of_the_background():
    inside(class_figure(classes(1, known=False)))


def test_cues_are_named_and_rings_are_unsure():
    table = pd.DataFrame(
        {
            "cue": ["aspect", "a_column_with_a_very_long_name_that_somebody_typed", "all"],
            "kind": ["picture", "metadata", "joint"],
            "balanced_accuracy": [0.9, 0.5, 0.95],
            "low": [0.8, 0.4, 0.9],
            "high": [0.95, 0.6, 1.0],
            "chance": [0.25, 0.25, 0.25],
            "q": [0.001, 0.3, 0.001],
        }
    )
    figure = cues_figure(table, {"aspect": "aspect ratio"})
    inside(figure)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names[0] == "aspect ratio" and "…" in names[1]
    filled = {line.get_markerfacecolor(): len(line.get_xdata()) for line in
              figure.axes[0].get_lines() if line.get_marker() == "o"}  # fmt: skip
    assert filled == {style.BLUE: 2, "white": 1}


def test_conditions_and_heads():
    table = pd.DataFrame(
        {"condition": ["original", "grey", "shuffled", "same", "other", "removed"], "n": 1}
    )
    for name in ("accuracy", "flip_rate"):
        values = [math.nan if name == "flip_rate" else 1.0, 0.5, 0.5, 0.5, 0.5, 0.0]
        table[name], table[f"{name}_low"], table[f"{name}_high"] = values, 0.0, 1.0
    inside(conditions_figure(table))
    heads = pd.DataFrame(
        {"head": range(16), "n": 4, "off_specimen": 0.5, "low": 0.4, "high": 0.6, "even_share": 0.7}
    )
    inside(heads_figure(heads))


@pytest.mark.parametrize("shape", [(40, 60), (90, 30), (1, 7)])
def test_examples_of_any_shape(shape):
    picture = np.full((*shape, 3), 90, np.uint8)
    mask = np.zeros(shape, bool)
    mask[: shape[0] // 2] = True
    edited = [(f"a long description of edit {n}", picture, LONG) for n in range(5)]
    figure = examples_figure([Example(LONG * 3, picture, mask, "ant", edited)] * 2)
    inside(figure)
    colours = {text.get_color() for text in figure.texts}
    assert style.VERMILLION in colours and len(figure.axes) == 12


def test_interventions_of_two_models():
    rows = [
        {"model": model, "kind": kind, "scope": scope, "layers": layers, "n": 3,
         "margin_before": 2.0, "tv": 0.5, "tv_low": math.nan, "tv_high": math.nan,
         "flip": 0.4, "flip_low": 0.2, "flip_high": 0.7,
         "margin_drop": -1.0, "margin_drop_low": -2.0, "margin_drop_high": 0.5}
        for model in ("model", "beside")
        for scope in ("class", "all")
        for layers in ("last", "all")
        for kind in ("uniform", "permuted", "swapped")
    ]  # fmt: skip
    figure = interventions_figure(pd.DataFrame(rows), {"model": "INTR", "beside": "INTR-FC"})
    inside(figure)
    assert len(figure.axes[0].get_yticklabels()) == 12
    lines = [line for line in figure.axes[2].get_lines() if line.get_linestyle() == "--"]
    assert [list(line.get_xdata()) for line in lines] == [[2.0, 2.0]]
    alone = interventions_figure(pd.DataFrame(rows[:1]), {"model": "INTR"})
    inside(alone)
    assert alone.axes[0].legend_ is None
