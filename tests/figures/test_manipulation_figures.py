"""Figures of edits: what stands in them, that nothing overlaps the edge, awkward sizes."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from intr_discover.figures.edit_sheet import EditSheet, FillBeside, HeadBeside, edit_sheet_figure
from intr_discover.figures.manipulation import effects_figure, responses_figure
from intr_discover.figures.style import journal_style, size_mm

LONG = "Heliconius melpomene rosina var. maximiliana ssp. nov. (Boisduval, 1870) × cydno galanthus"


def sheet(shape=(40, 56), label="ant", heads=3, controls=20):
    generator = np.random.default_rng(0)
    photograph = generator.integers(0, 255, (*shape, 3), dtype=np.uint8)
    mask = np.zeros(shape, dtype=bool)
    mask[shape[0] // 4 : shape[0] // 2, shape[1] // 4 : shape[1] // 2] = True
    fills = [FillBeside(name, 3.0 + place, generator.normal(0, 0.1, controls), 0.048)
             for place, name in enumerate(("telea", "surround"))]  # fmt: skip
    maps = generator.random((2, *shape), dtype=np.float32) / 1000
    return EditSheet(
        title=f"{label}: spot",
        photograph=photograph,
        mask=mask,
        edited=[("erase (telea)", photograph), ("erase (surround)", photograph)],
        answers=(label, "bee"),
        probabilities=[(label, 0.93, 0.005), ("bee", 0.05, 0.99), ("cat", 0.02, 0.005)],
        lead=2.5,
        fills=fills,
        strengths=(0, 0.25, 0.5, 0.75, 1),
        dose_drops=(0, 0.2, 1, 2.5, 3),
        heads=[HeadBeside(n, maps[0], maps[1], (0.001, 0.001)) for n in range(heads)],
        uniform=1 / 1600,
    )


def words(figure):
    figure.canvas.draw()
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
        found += [text.get_text() for text in (*axes.texts, *axes.get_yticklabels())]
    return " | ".join(found)


def texts_inside(figure):
    """Return whether nothing that is seen reaches beyond the figure, in inches."""
    with journal_style():  # as when it is saved
        figure.canvas.draw()
        seen = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    return seen.x0 >= 0 and seen.y0 >= 0 and seen.x1 <= width and seen.y1 <= height


@pytest.mark.parametrize("shape", [(40, 56), (120, 40), (30, 150), (8, 8)])
@pytest.mark.parametrize("label", ["ant", LONG])
def test_a_sheet_fits_its_page(shape, label):
    figure = edit_sheet_figure(sheet(shape, label))
    assert size_mm(figure)[0] == pytest.approx(183) and size_mm(figure)[1] <= 247
    assert texts_inside(figure)
    said = words(figure)
    assert "93 %" in said and "< 1 %" in said and "p = 0.048" in said and "head 2" in said


def test_the_edit_is_marked_beside_its_controls():
    figure = edit_sheet_figure(sheet())
    lines = {line.get_gid(): line for axes in figure.axes for line in axes.lines if line.get_gid()}
    assert lines["edit"].get_xdata()[0] == 4.0 and len(lines["controls"].get_xdata()) == 20
    assert list(lines["dose"].get_ydata()) == [0, 0.2, 1, 2.5, 3]


def test_a_sheet_without_heads_controls_and_p():
    one = sheet(heads=0, controls=0)
    one = replace(one, fills=[replace(one.fills[0], p=math.nan)], edited=one.edited[:1])
    figure = edit_sheet_figure(one)
    assert "none fits: no p" in words(figure) and "head" not in words(figure)
    few = replace(one, fills=[replace(one.fills[0], controls=np.zeros(4))])
    assert "4 of 20 fit: no p" in words(edit_sheet_figure(few))


@pytest.mark.parametrize("count", [1, 2])
def test_a_model_of_few_classes(count):
    one = sheet()
    figure = edit_sheet_figure(replace(one, probabilities=one.probabilities[:count]))
    assert texts_inside(figure)


def groups(count, label="ant"):
    row = {"region": "spot", "n": 5}
    for name in ("drop", "control_drop", "flip", "control_flip"):
        row |= {name: 0.5, f"{name}_low": 0.2, f"{name}_high": 0.8}
    table = pd.DataFrame([row | {"label": f"{label} {n}", "drop": float(n)} for n in range(count)])
    return table.assign(drop_low=table["drop"] - 1, drop_high=table["drop"] + 1)


def test_effects_of_many_classes_are_those_that_change_most():
    figure = effects_figure(groups(200), most=40)
    said = words(figure)
    assert "ant 199 · spot" in said and "ant 159 " not in said and "ant 160 " in said
    assert size_mm(figure)[1] <= 247 and texts_inside(figure)


def test_effects_of_one_class_without_intervals_and_controls():
    table = groups(1, LONG).assign(drop_low=math.nan, drop_high=math.nan, control_drop=math.nan)
    figure = effects_figure(table)
    assert texts_inside(figure) and "…" in words(figure)


def responses(photographs=3, methods=("intr_causal", "random"), bearers=True):
    strengths = (0, 0.25, 0.5, 0.75, 1)
    doses = pd.DataFrame([{"image": i, "region": "spot", "strength": s, "drop": s * i}
                          for i in range(photographs) for s in strengths])  # fmt: skip
    means = doses.groupby("strength", as_index=False)["drop"].mean().assign(n=photographs)
    means = means.assign(drop_low=means["drop"] - 0.1, drop_high=means["drop"] + 0.1)
    rows = [{"group": group, "method": method, "share": share, "n": photographs, "flip": 0.5,
             "flip_low": 0.3, "flip_high": 0.7}
            for group in (("all", "bearers") if bearers else ("all",))
            for method in methods for share in (0.01, 0.04, 0.16)]  # fmt: skip
    names = {"intr_causal": "heads that matter", "random": "random map", "rise": "RISE"}
    return doses, means, pd.DataFrame(rows), names


def test_responses_have_a_panel_for_each_group():
    figure = responses_figure(*responses())
    said = words(figure)
    assert "guided erasure (n = 3)" in said and "bearers (n = 3)" in said
    assert "heads that matter" in said and texts_inside(figure)
    doses, means, _, names = responses()
    alone = responses_figure(doses, means, pd.DataFrame(), names)
    assert "guided" not in words(alone)


def test_a_method_that_few_were_asked_about_says_so_and_is_kept_from_the_bearers():
    doses, means, table, names = responses(methods=("intr_causal", "rise"))
    table.loc[table["method"] == "rise", "n"] = 1
    figure = responses_figure(doses, means, table, names)
    assert "RISE (n = 1)" in words(figure)
    drawn = [[line.get_gid() for line in axes.lines if line.get_gid()] for axes in figure.axes[1:3]]
    assert drawn == [["rise", "intr_causal"], ["intr_causal"]]
