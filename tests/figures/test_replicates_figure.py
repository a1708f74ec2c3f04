"""The figure of the replicates: from 1 species to 200, with names of any length."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from intr_discover.figures import style
from intr_discover.figures.replicates import MOST_SPECIES, replicates_figure
from tests.figures.test_head_figures import LONG, texts_inside


def classes(count, name="species"):
    return pd.DataFrame(
        [
            {
                "label": f"{name} {number}",
                "n": number + 1,
                "map_correlation": number / count,
                "low": math.nan if number == 0 else number / count - 0.1,
                "high": math.nan if number == 0 else number / count + 0.1,
                "chance": math.nan if number == 0 else 0.2,
                "verdict": "agree" if number > count / 2 else "do not agree",
            }
            for number in range(count)
        ]
    )


def edits(*names):
    columns = ["edit", "n", "all", "some", "none"]
    return pd.DataFrame([(name, 7, 0.5, 0.25, 0.25) for name in names], columns=columns)


@pytest.mark.parametrize("count", [1, 2, 20])
def test_nothing_is_cut_off(count):
    figure = replicates_figure(
        classes(count, LONG), edits("own", "first", "control", "attribute"), 3
    )
    texts_inside(figure)
    assert round(style.size_mm(figure)[0]) == 183


def test_of_many_species_the_least_alike_are_drawn():
    figure = replicates_figure(classes(200), edits("own"), 3)
    labels = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert len(labels) == MOST_SPECIES and "species 0" in labels and "species 199" not in labels
    assert style.size_mm(figure)[1] < style.PAGE_HEIGHT_MM


def test_without_edits_and_with_flat_maps():
    flat = classes(2).assign(map_correlation=math.nan, low=math.nan, high=math.nan)
    figure = replicates_figure(flat, edits(), 2)
    assert len(figure.axes) == 1
    texts_inside(figure)
