"""Guessed masks of small specimens, and of several."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.data.foreground import automatic_foreground
from intr_discover.errors import UserError
from intr_discover.preparation.foregrounds import guessed_foreground, looked_at_closely


def overlap(found, mask):
    return (found & mask).sum() / (found | mask).sum()


def stars(*places, shape=(700, 1000), radius=60):
    """Return a picture of shapes with fine points on pale ground, and where they are."""
    y, x = np.indices(shape)
    mask = np.zeros(shape, bool)
    for row, column in places:
        angle, away = np.arctan2(y - row, x - column), np.hypot(y - row, x - column)
        mask |= away < radius * (0.7 + 0.3 * np.cos(7 * angle))
    picture = np.where(mask[..., None], (120, 50, 30), (214, 210, 200)).astype(float)
    picture += np.random.default_rng(0).normal(0, 3, picture.shape)
    return picture.round().clip(0, 255).astype(np.uint8), mask


def test_a_small_specimen_is_looked_at_closely():
    picture, mask = stars((300, 200), (350, 700))
    first = automatic_foreground(picture)
    second = guessed_foreground(picture)
    assert overlap(second, mask) > 0.95 > overlap(first, mask)


def test_a_second_look_that_sees_something_else_does_not_count():
    picture, mask = stars((300, 200))
    elsewhere = np.zeros_like(mask)
    elsewhere[500:600, 600:700] = True  # nothing is there
    assert np.array_equal(looked_at_closely(picture, elsewhere), elsewhere)


def test_nothing_to_be_seen():
    with pytest.raises(UserError, match="no specimen can be told"):
        guessed_foreground(np.full((50, 60, 3), 120, np.uint8))
