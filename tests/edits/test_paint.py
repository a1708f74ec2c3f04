"""Painted strokes, laid over by hand."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.edits.paint import paint
from intr_discover.errors import UserError


def layer(*strokes, shape=(3, 5)):
    """Return a clear layer with strokes (row, column, colour and cover)."""
    painted = np.zeros((*shape, 4), np.uint8)
    for row, column, colour in strokes:
        painted[row, column] = colour
    return painted


GREY = np.full((3, 5, 3), 100, np.uint8)


def test_cover_and_strength_by_hand():
    strokes = layer((0, 0, (200, 0, 50, 255)), (1, 2, (200, 0, 50, 51)))  # all, and a fifth
    found = paint(GREY, strokes)
    assert found[0, 0].tolist() == [200, 0, 50]
    assert found[1, 2].tolist() == [120, 80, 90]
    assert (found.reshape(-1, 3) != 100).any(axis=1).sum() == 2
    assert paint(GREY, strokes, strength=0.5)[1, 2].tolist() == [110, 90, 95]


def test_only_strokes_within_the_mask_count():
    strokes = layer((0, 0, (9, 9, 9, 255)), (2, 4, (9, 9, 9, 255)))
    mask = np.zeros((3, 5))
    mask[:2] = 1
    found = paint(GREY, strokes, mask)
    assert (found[0, 0] == 9).all() and (found[2, 4] == 100).all()
    assert np.array_equal(paint(GREY, strokes, np.zeros((3, 5))), GREY)


def test_strokes_fade_outwards_in_the_nearest_colour():
    """Feather 2: half of the left stroke's red, half of the right one's half-clear blue."""
    strokes = layer((0, 0, (200, 0, 0, 255)), (0, 5, (0, 0, 200, 128)), shape=(1, 6))
    found = paint(np.zeros((1, 6, 3), np.uint8), strokes, feather=2)
    assert found[0].tolist() == [[200, 0, 0], [100, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 50],
                                 [0, 0, 100]]  # fmt: skip


def test_grey_photographs_get_grey_strokes_and_alpha_stays():
    strokes = layer((0, 0, (255, 0, 0, 255)))
    assert paint(GREY[..., 0], strokes)[0, 0] == 76
    clear = np.dstack([GREY, np.full((3, 5), 7, np.uint8)])
    assert paint(clear, strokes)[0, 0].tolist() == [255, 0, 0, 7]


@pytest.mark.parametrize(
    ("strokes", "words"),
    [
        (np.zeros((3, 5, 3), np.uint8), "[3, 5, 3] of uint8; it must be RGBA"),
        (np.zeros((3, 5, 4)), "float64; it must be RGBA"),
        (np.zeros((5, 3, 4), np.uint8), "is [5, 3] and the picture [3, 5]"),
    ],
)
def test_layers_that_do_not_fit_are_refused_in_one_line(strokes, words):
    with pytest.raises(UserError) as caught:
        paint(GREY, strokes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
