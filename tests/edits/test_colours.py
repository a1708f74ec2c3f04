"""Colours as text, in CIELAB, and back within what a screen can show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.color import rgb2lab

from intr_discover.edits.colours import colour_as_text, from_lab, lab_of, parse_colour, to_lab
from intr_discover.errors import UserError


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#d62728", (214, 39, 40)),
        ("D62728", (214, 39, 40)),
        ("#fa0", (255, 170, 0)),
        ((0, 128, 255), (0, 128, 255)),
        (np.array([1.0, 2.0, 3.0]), (1, 2, 3)),
    ],
)
def test_colours_are_read(text, colour):
    assert parse_colour(text) == colour


def test_colours_are_written_as_they_are_read():
    assert colour_as_text("#FA0") == colour_as_text((255, 170, 0)) == "#ffaa00"


@pytest.mark.parametrize(
    "colour",
    [
        "red",
        "",
        "#",
        "#12",
        "#1234",
        "#12345g",
        "#٣٣٣",
        (1, 2),
        (1, 2, 256),
        (-1, 2, 3),
        (0.5, 1, 2),
    ],
)
def test_what_is_no_colour_is_refused_in_one_line(colour):
    with pytest.raises(UserError, match="is no colour: write it as") as caught:
        parse_colour(colour)
    assert "\n" not in str(caught.value)


def test_known_values_of_cielab():
    """Red of sRGB under D65 as in the literature (Lindbloom): 53.24, 80.09, 67.20."""
    assert lab_of("#ff0000") == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    assert lab_of("#ffffff") == pytest.approx([100, 0, 0], abs=0.02)
    assert lab_of("#000000") == pytest.approx([0, 0, 0], abs=0.02)


def test_every_colour_of_a_coarse_cube_comes_back():
    levels = np.arange(0, 256, 15, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 3)
    assert np.abs(from_lab(to_lab(cube)) - cube).max() < 0.1


@settings(deadline=None, max_examples=200)
@given(st.floats(0, 100), st.floats(-150, 150), st.floats(-150, 150))
def test_what_cannot_be_shown_keeps_lightness_and_hue(lightness, a, b):
    colour = from_lab(np.array([[lightness, a, b]]))
    assert (colour >= 0).all() and (colour <= 255).all()
    back = rgb2lab(colour / 255)[0]
    assert back[0] == pytest.approx(lightness, abs=0.1)
    wanted, found = np.hypot(a, b), np.hypot(back[1], back[2])
    assert found <= wanted + 0.3
    # The same direction in the plane of a* and b*: no part of it across.
    across = abs(a * back[2] - b * back[1]) / max(wanted, 1e-9)
    assert across < 0.3


def test_lightness_beyond_the_scale_is_cut_off():
    assert from_lab(np.array([[-5.0, 9, 9], [104, -9, 9]])) == pytest.approx(
        np.array([[0, 0, 0], [255, 255, 255]]), abs=0.5
    )
