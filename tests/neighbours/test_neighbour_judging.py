"""What the judge sees in a place, and what a row of the table is made of; by hand."""

import math

import numpy as np
import pandas as pd
import pytest

from intr_discover.explain.method import FitSettings, Units
from intr_discover.neighbours.budget import caution, epochs_of, epochs_within
from intr_discover.neighbours.examined import UnitsOfLabel, chosen_rows
from intr_discover.neighbours.measures import cell_text, unit_consistency
from intr_discover.neighbours.wishes import Wishes
from intr_discover.studies.unit_descriptors import Seen, describe, summed_in_cells


def test_a_map_is_added_up_within_the_judges_cells():
    pixels = np.arange(15, dtype=float).reshape(3, 5)
    # Cells of 2 pixels: the last row and the last column are cut.
    expected = [[0 + 1 + 5 + 6, 2 + 3 + 7 + 8, 4 + 9], [10 + 11, 12 + 13, 14]]
    np.testing.assert_array_equal(summed_in_cells(pixels, 2), expected)


def test_a_descriptor_is_what_the_judge_sees_under_the_map():
    features = np.array([[[1.0, 3.0]], [[10.0, 20.0]]])  # two channels, two cells
    seen = Seen(features, 4, (4, 8))
    maps = np.array([[[2, 0]], [[0, 0]]], dtype=np.float32)
    units = Units(maps, np.ones(2), ("u", "v"), 4, (4, 8), (4, 8))
    found = describe(units, seen)
    # Bilinear: pixels of the first cell hold 2, 2, 1.75, 1.25, of the second 0.75, 0.25, 0, 0.
    left = 7 / 8
    np.testing.assert_allclose(found[0], [left * 1 + (1 - left) * 3, left * 10 + (1 - left) * 20])
    np.testing.assert_allclose(found[1], [2, 15])  # nothing marked counts as even


def test_units_that_see_one_thing_each_are_consistent_and_one_unit_alone_has_no_number():
    two = UnitsOfLabel(
        rows=list(range(6)),
        points=[np.zeros((2, 2))] * 6,
        descriptors=[np.array([[1.0, 0], [-1.0, 0]])] * 6,
    )
    found = unit_consistency("m", {"a": two, "b": two}, 0)
    # Centred, the same unit has cosine 1 in any two photographs, different units have -1.
    assert found.value == pytest.approx(2.0) and found.n == 2 and found.note == "classes"
    one = UnitsOfLabel(list(range(6)), [np.zeros((1, 2))] * 6, [], [np.ones((1, 2))] * 6)
    alone = unit_consistency("m", {"a": one}, 0)
    assert math.isnan(alone.value) and alone.note == "NA: it has a single unit"


def test_fewer_photographs_are_a_part_of_more():
    labels = ["a", "b"] * 30
    wishes = Wishes(photographs=40, changed=20, slow=8, shown=2)
    looked_at, changed, shown = chosen_rows(labels, wishes, slow=False)
    few, few_changed, few_shown = chosen_rows(labels, wishes, slow=True)
    assert (len(looked_at), len(changed), len(few), len(shown)) == (40, 20, 8, 2)
    assert changed <= set(looked_at) and set(few) <= changed and shown <= set(few)
    assert few_changed == set(few) and few_shown == shown


def test_epochs_fill_the_minutes():
    assert epochs_within(30.0, 2.0) == 4
    assert epochs_within(300.0, 2.0) == 1  # a training has at least one
    assert epochs_within(0.0, 20.0) == 200
    assert epochs_of(FitSettings(epochs=3), pytest.fail) == 3  # nothing is measured then
    assert epochs_of(FitSettings(minutes=1.0), lambda: 6.0) == 10


def test_too_short_a_training_is_said_unless_it_was_wished():
    assert caution(2, FitSettings(minutes=8.0)).startswith("; too few to judge the method by")
    assert "more than --minutes-each 8, or" in caution(9, FitSettings(minutes=8.0))
    assert "more than --minutes-each 20, or" in caution(1, FitSettings())
    assert caution(10, FitSettings(minutes=8.0)) == ""
    assert caution(1, FitSettings(epochs=1)) == ""


@pytest.mark.parametrize(
    ("measure", "value", "low", "text"),
    [
        ("accuracy", 0.925, 0.9, "0.93 [0.90, 0.95], n = 400"),
        ("insertion", 0.5, 0.4, "0.500 [0.400, 0.950], n = 400"),
        ("parameters", 11_178_564.0, math.nan, "11.2 M"),
        ("unit_consistency", math.nan, math.nan, "NA"),
    ],
)
def test_a_cell_says_number_interval_and_n(measure, value, low, text):
    row = pd.Series({"value": value, "low": low, "high": 0.95, "n": 400.0})
    # 0.925 has no exact binary form and rounds to either side.
    assert cell_text(measure, row) in (text, text.replace("0.93", "0.92"))
