"""A ColorChecker in photographs, drawn and real."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

from intr_discover.data.images import read_image
from intr_discover.preparation.colour_card import find_card
from intr_discover.preparation.colour_correction import REFERENCE, from_linear, to_linear
from intr_discover.preparation.drawn_card import with_card
from intr_discover.preparation.foregrounds import guessed_foreground
from intr_discover.preparation.one_photograph import corrected

SPECIMEN = (180, 150, 130)  # of an ellipse that stands for one


def photograph(degrees=0.0, width=300, light=(1, 1, 1), noise=2.0, middle=(560, 300)):
    picture = np.full((600, 800, 3), (225, 222, 215), np.uint8)
    cv2.ellipse(picture, (200, 300), (120, 80), 20, 0, 360, SPECIMEN, -1)
    picture = with_card(picture, middle, width, degrees)
    lit = from_linear(to_linear(picture.astype(float)) * np.asarray(light, float))
    lit += np.random.default_rng(0).normal(0, noise, lit.shape)
    return lit.round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("degrees", [0, 17, 90, 135, 180, 213, 270, 340])
def test_colours_come_back_from_a_turned_card_under_a_lamp(degrees):
    picture = photograph(degrees, light=(1.0, 0.75, 0.5))
    card = find_card(picture)
    assert card.squares >= 20
    made, colours = corrected(picture, card)
    assert colours.outcome == "corrected" and colours.patches == 24
    assert colours.before > 8 and colours.after < 1 and colours.left_out < 1
    # The specimen took no part in any of it.
    patch = made[280:320, 180:220].reshape(-1, 3).mean(axis=0)
    assert np.abs(patch - SPECIMEN).max() < 2


def test_the_corners_lie_on_the_card():
    card = find_card(photograph(30))
    turn = np.deg2rad(30)
    step = 300 * 72 / 444  # from patch to patch; the corners lie 0.85 of it beyond the outer ones
    x, y = (2.5 + 0.85) * step, (1.5 + 0.85) * step
    half = np.array([(-x, -y), (x, -y), (x, y), (-x, y)])
    true = half @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    assert np.hypot(*(card.corners - true - (560, 300)).T).max() < 2


def test_a_card_seen_from_the_side():
    picture = photograph(10)
    corners = np.float32([(0, 0), (800, 0), (800, 600), (0, 600)])
    leaning = np.float32([(0, 0), (780, 25), (790, 590), (15, 600)])
    tilted = cv2.warpPerspective(
        picture, cv2.getPerspectiveTransform(corners, leaning), (800, 600), borderValue=(225,) * 3
    )
    assert np.abs(find_card(tilted).patches - REFERENCE).max() < 5


def test_no_card_where_none_is():
    generator = np.random.default_rng(0)
    assert find_card(np.full((60, 80, 3), 200, np.uint8)) is None
    assert find_card(generator.integers(0, 256, (300, 300, 3), dtype=np.uint8)) is None
    # Twenty-four squares in other colours, and the card mirrored, as by a careless scan.
    mixed = photograph()
    other = mixed.copy()
    other[150:450, 380:740] = generator.permutation(3)[0] * 60 + mixed[150:450, 380:740, ::-1] // 3
    assert find_card(other) is None
    assert find_card(np.ascontiguousarray(mixed[:, ::-1])) is None
    assert find_card(mixed[:, :520]) is None  # half of it


def test_overexposed_and_right_already_are_left_as_they_are():
    bright = photograph(light=(3.2, 3.2, 3.2))
    made, colours = corrected(bright, find_card(bright))
    assert made is bright and colours.outcome in ("card overexposed", "no card")
    right = photograph(noise=0)
    made, colours = corrected(right, find_card(right))
    assert made is right and colours.outcome == "no better" and colours.before < 1


def test_a_card_is_no_specimen():
    picture = photograph(20, light=(1, 0.9, 0.8))
    card = find_card(picture)
    true = np.zeros((600, 800), np.uint8)
    cv2.ellipse(true, (200, 300), (120, 80), 20, 0, 360, 1, -1)
    found = guessed_foreground(picture, card)
    assert (found & (true > 0)).sum() / (found | (true > 0)).sum() > 0.9
    assert not (found & card.mask(picture)).any()


def test_real_photographs(shared):
    folder = shared / "data" / "heliconius"
    table = pd.read_csv(folder / "specimens.csv")
    shows = table["setup"] == "cut_wings_colorchecker"
    for image in table["image"][shows]:
        card = find_card(read_image(folder / image))
        # The card lies on its side: dark skin is at the lower left in all eight.
        x, y = card.corners.T
        assert x[0] < x.mean() < x[2] and y[0] > y.mean() > y[1], image
        white, black = card.patches[18], card.patches[23]
        assert white.min() > 190 and black.max() < 70, image
    for image in table["image"][~shows][::9]:
        assert find_card(read_image(folder / image)) is None, image
