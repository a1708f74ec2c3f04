"""The automatic foreground on pictures whose specimen is known."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.data import rings
from intr_discover.data.foreground import automatic_foreground, border


def overlap(found, mask):
    return (found & mask).sum() / (found | mask).sum()


def disc(height, width, radius, noise=3.0):
    generator = np.random.default_rng(0)
    y, x = np.indices((height, width))
    mask = np.hypot(y - height / 2, x - width / 2) < radius
    pixels = np.where(mask[..., None], (120, 40, 30), (200, 205, 198)).astype(float)
    pixels += generator.normal(0, noise, pixels.shape)
    return pixels.clip(0, 255).astype(np.uint8), mask


@pytest.mark.parametrize("shape", [(100, 100), (90, 240), (400, 300)])
def test_a_disc_on_even_ground(shape):
    photograph, mask = disc(*shape, radius=min(shape) / 4)
    found = automatic_foreground(photograph)
    assert found.shape == shape and found.dtype == bool
    assert overlap(found, mask) > 0.93


def test_drawn_butterflies():
    pictures = [rings.render(rings.draw_specimen(5, index)) for index in range(4)]
    overlaps = [overlap(automatic_foreground(p.photograph), p.mask > 0) for p in pictures]
    assert min(overlaps) > 0.85


def test_a_hole_is_closed_and_dust_is_left_out():
    photograph, mask = disc(120, 120, radius=35)
    y, x = np.indices(mask.shape)
    photograph[np.hypot(y - 60, x - 60) < 8] = (200, 205, 198)  # as bright as the ground
    photograph[20:23, 20:23] = (120, 40, 30)
    found = automatic_foreground(photograph)
    assert found[60, 60] and not found[21, 21]
    assert overlap(found, mask) > 0.93


def test_the_same_picture_gives_the_same_mask():
    photograph, _ = disc(80, 110, radius=20, noise=12)
    assert np.array_equal(automatic_foreground(photograph), automatic_foreground(photograph))


@pytest.mark.parametrize("shape", [(60, 80), (1, 1), (2, 40)])
def test_an_even_picture_has_no_specimen(shape):
    assert automatic_foreground(np.full((*shape, 3), 128, np.uint8)) is None


def test_the_border_by_hand():
    frame = border((5, 4), 0.25)
    assert frame.sum() == 20 - 3 * 2 and not frame[1:4, 1:3].any()
    assert border((1, 5)).all()
