"""What a blind study shows: drawn at random, kept as words, and found again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intr_discover.errors import UserError
from intr_discover.studies.blind_maps import maps_of_unit, strongest_heads
from intr_discover.studies.blind_units import (
    ALL_HEADS,
    GRADCAM,
    SINGLE_HEADS,
    Unit,
    few_of_each,
    read_unit,
    unit,
)
from tests.studies.drawn import tiny_explainer

MODEL = "0123456789ab" + "c" * 52
PHOTOGRAPH = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)


@given(st.lists(st.sampled_from("abç"), max_size=30), st.integers(1, 5), st.integers(0, 2**31 - 1))
def test_so_many_of_each_label_and_never_more(labels, each, seed):
    drawn = few_of_each(labels, each, seed)
    assert drawn == sorted(set(drawn)) == few_of_each(labels, each, seed)
    for label in set(labels):
        assert sum(labels[place] == label for place in drawn) == min(each, labels.count(label))


def test_a_species_more_leaves_the_draw_of_the_others_alone():
    first = few_of_each(["ant"] * 20, 3, 5)
    assert [
        place for place in few_of_each(["ant"] * 20 + ["bee"] * 20, 3, 5) if place < 20
    ] == first
    assert few_of_each(["ant"] * 20, 3, 6) != first


@pytest.mark.parametrize(
    ("method", "head"), [(SINGLE_HEADS, 3), (ALL_HEADS, None), (GRADCAM, None)]
)
def test_the_words_of_a_unit_are_read_again(method, head):
    made = unit(method, MODEL, head)
    assert read_unit(method, made.words, MODEL) == made == Unit(method, head, "0123456789ab")


@pytest.mark.parametrize(
    ("method", "words", "meant"),
    [
        ("intr", "head 12", Unit(SINGLE_HEADS, 12)),
        ("intr", "all heads", Unit(ALL_HEADS)),
        ("gradcam", "map", Unit(GRADCAM)),
    ],
)
def test_studies_made_from_python_may_use_short_words(method, words, meant):
    assert read_unit(method, words, MODEL) == meant


@pytest.mark.parametrize(
    ("method", "words", "said"),
    [
        ("intr", "prototype 3", "cannot be drawn"),
        ("protopnet", "map", "cannot be drawn"),
        ("intr", "head -1", "cannot be drawn"),
        ("intr", "map", "no such unit"),
        ("gradcam", "head 1", "no such unit"),
        ("intr", "head 1 (model ffffffffffff)", "another model"),
    ],
)
def test_what_cannot_be_drawn_is_said(method, words, said):
    with pytest.raises(UserError, match=said):
        read_unit(method, words, MODEL)


def test_maps_are_those_of_the_explanation():
    explainer = tiny_explainer(["ant", "bee"])
    encoded = explainer.encode(PHOTOGRAPH)
    known = explainer.explain(encoded, ["bee"])
    assert strongest_heads(explainer, encoded, "bee", 1) == known.ranked_heads("bee")[:1]
    (one,) = maps_of_unit(explainer, encoded, "bee", Unit(SINGLE_HEADS, 1), (20, 28))
    every = maps_of_unit(explainer, encoded, "bee", Unit(ALL_HEADS), (20, 28))
    assert len(every) == 2 and np.array_equal(every[1], one)
    assert np.array_equal(one, known.heatmap("bee", 1, (20, 28)))


def test_gradcam_needs_pixels_alone_and_covers_the_photograph():
    explainer = tiny_explainer(["ant", "bee"])
    (seen,) = maps_of_unit(explainer, PHOTOGRAPH, "ant", Unit(GRADCAM), (20, 28))
    assert seen.shape == (20, 28) and seen.min() >= 0 and seen.max() <= 1
    (again,) = maps_of_unit(explainer, explainer.encode(PHOTOGRAPH), "ant", Unit(GRADCAM), (20, 28))
    assert np.allclose(seen, again)


def test_a_head_or_class_that_the_model_has_not():
    explainer = tiny_explainer(["ant", "bee"])
    encoded = explainer.encode(PHOTOGRAPH)
    with pytest.raises(UserError, match="no head 9"):
        maps_of_unit(explainer, encoded, "ant", Unit(SINGLE_HEADS, 9), (4, 4))
    with pytest.raises(UserError, match="wasp"):
        maps_of_unit(explainer, encoded, "wasp", Unit(ALL_HEADS), (4, 4))


def test_damaged_weights_are_told():
    explainer = tiny_explainer(["ant", "bee"])
    for weight in explainer.model.parameters():
        weight.data.fill_(float("nan"))
    with pytest.raises(UserError, match="NaN"):
        maps_of_unit(explainer, explainer.encode(PHOTOGRAPH), "ant", Unit(ALL_HEADS), (4, 4))
