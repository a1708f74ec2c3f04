"""Erasure guided by maps: ties, shares, prefixes of cells, and what the answers were."""

from __future__ import annotations

import math
import zlib

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from intr_discover.errors import UserError
from intr_discover.explain.posthoc.rise import RiseSettings
from intr_discover.studies.guided_erasure import (
    METHODS,
    SHARES,
    attention_map,
    erased,
    guide,
    minimal_flip,
    on_original,
    pixels_of_cells,
    top_of,
)
from tests.studies.drawn import tiny_explainer

CLASSES = ["ant", "bee", "cat"]


def photograph(shape=(32, 48)):
    return np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)


def test_the_top_of_a_map_is_exactly_its_share():
    saliency = np.arange(100, dtype=np.float32).reshape(10, 10)
    mask = top_of(saliency, 0.04, (0,))
    assert np.flatnonzero(mask).tolist() == [96, 97, 98, 99]


@given(st.integers(0, 2**32 - 1), st.sampled_from(SHARES))
@settings(max_examples=30)
def test_ties_are_drawn_by_the_seed(seed, share):
    flat = np.zeros((20, 30), dtype=np.float32)
    one, same = top_of(flat, share, (seed,)), top_of(flat, share, (seed,))
    np.testing.assert_array_equal(one, same)
    assert one.sum() == round(share * 600)


def test_a_flat_map_marks_no_corner():
    first, second = (top_of(np.ones((40, 40), np.float32), 0.1, (seed,)) for seed in (0, 1))
    assert (first != second).any() and first[20:].any()


def test_pixels_of_cells_by_hand():
    # 4 × 6 pixels read as 2 × 3, cells of 2: one row of two cells, the second half as wide.
    found = pixels_of_cells((1, 2), 2, (2, 3), (4, 6))
    np.testing.assert_array_equal(found, [[0, 0, 0, 0, 1, 1]] * 4)
    # A photograph smaller than what the model reads.
    np.testing.assert_array_equal(pixels_of_cells((2, 2), 4, (8, 8), (2, 2)), [[0, 1], [2, 3]])


def test_a_map_is_brought_back_to_the_photograph():
    found = on_original(np.array([[0.0, 1.0]], dtype=np.float32), (2, 4))
    np.testing.assert_allclose(found, [[0, 0.25, 0.75, 1]] * 2)


class Rule:
    """A model by rule: answers 1 as soon as the given cells are gone. Counts what it was asked."""

    def __init__(self, needed, owner, original):
        self.needed, self.owner, self.original, self.asked = needed, owner, original, 0

    def __call__(self, pictures):
        answers = []
        for picture in pictures:
            self.asked += 1
            changed = (picture != self.original).any(axis=-1)
            gone = {
                cell for cell in range(self.owner.max() + 1) if changed[self.owner == cell].any()
            }
            answers.append(int(self.needed <= gone))
        return answers


@pytest.mark.parametrize("needed", [1, 2, 3, 7, 8, 13, 24])
def test_the_minimal_flip_is_found_to_the_cell(needed):
    """Cells in the order of the map; the answer changes with the ``needed``-th of 48."""
    picture = photograph()
    owner = pixels_of_cells((6, 8), 4, (24, 32), (32, 48))
    cells = np.random.default_rng(3).permutation(48).astype(np.float32).reshape(6, 8)
    order = np.argsort(-cells.ravel())
    model = Rule(set(order[:needed].tolist()), owner, picture)
    found, tried = minimal_flip(model, picture, cells, 0, 4, (24, 32), (0,))
    assert found == needed and tried == model.asked


def test_no_minimal_flip_within_half_of_the_cells():
    picture = photograph()
    owner = pixels_of_cells((6, 8), 4, (24, 32), (32, 48))
    cells = np.arange(48, dtype=np.float32).reshape(6, 8)
    model = Rule({0}, owner, picture)
    assert minimal_flip(model, picture, cells, 0, 4, (24, 32), (0,))[0] is None


def test_a_guided_photograph_agrees_with_the_definition():
    explainer, picture = tiny_explainer(CLASSES), photograph()
    found = guide(explainer, picture, "a.png", METHODS, seed=5, rise_settings=RiseSettings(4, 2))
    assert set(found.flips) == {(method, share) for method in METHODS for share in SHARES}
    answer = int(explainer.logits([picture]).argmax())
    explanation = explainer.explain(picture)
    # The best head, by hand: the one with the largest map maximum, on the photograph.
    saliency = on_original(
        explanation.heatmap(head=explanation.ranked_heads()[0], shape=explanation.resized_shape),
        picture.shape,
    )
    for share in SHARES:
        mask = top_of(saliency, share, (5, zlib.crc32(b"a.png"), 1))
        after = int(explainer.logits([erased(picture, mask)]).argmax())
        assert found.after["intr_best", share] == after
        assert found.flips["intr_best", share] == (after != answer)
    assert set(found.minimal) == {"intr_causal", "intr_mean"}
    assert all(math.isnan(share) or 0 < share <= 0.5 for share in found.minimal.values())


def test_the_seed_decides_and_the_batch_does_not():
    explainer, picture = tiny_explainer(CLASSES), photograph()
    methods = ("intr_mean", "random")
    one = guide(explainer, picture, "a.png", methods, seed=1, batch_size=1)
    same = guide(explainer, picture, "a.png", methods, seed=1, batch_size=16)
    assert one.after == same.after


def test_the_attention_map_lies_on_the_photograph():
    saliency, answer = attention_map(tiny_explainer(CLASSES), photograph((40, 30)))
    assert saliency.shape == (40, 30) and answer in range(3)
    assert np.isfinite(saliency).all() and saliency.max() > 0


def test_logits_that_are_no_numbers_are_refused():
    explainer = tiny_explainer(CLASSES)
    torch.nn.init.constant_(explainer.model.presence.bias, math.nan)
    with pytest.raises(UserError, match="no numbers"):
        guide(explainer, photograph(), "a.png", ("intr_mean",), seed=0)
