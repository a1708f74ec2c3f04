"""Pictures side by side for the screen: sizes, places of frames, no word and no scale."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from intr_discover.figures.head_atlas import Tile
from intr_discover.figures.screen_tiles import item_picture, side_by_side, tile_picture
from intr_discover.figures.strips import MARKER_COLOUR

BLUE = np.round(np.array(to_rgb(MARKER_COLOUR)) * 255).astype(int)


def tile(peak, shape=(40, 60)):
    return Tile(np.full((*shape, 3), 128, np.uint8), np.zeros(shape, np.float32), 0.5, peak)


def blue(picture):
    rows, columns = np.nonzero((picture.astype(int) == BLUE).all(axis=2))
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_the_frame_lies_round_the_peak():
    picture = tile_picture(tile((0.5, 0.5)), 1.0, 0.5, 120)  # each half has 80 × 120 pixels
    assert picture.shape == (80, 120 + 2 + 120, 3)
    top, bottom, left, right = blue(picture[:, 122:])
    assert abs(top - 20) <= 1 and abs(bottom - 59) <= 1
    assert abs(left - 30) <= 1 and abs(right - 89) <= 1


def test_at_an_edge_the_frame_moves_inside_and_the_ring_out_of_the_middle():
    picture = tile_picture(tile((0.0, 1.0)), 1.0, 0.5, 120)
    top, bottom, left, right = blue(picture[:, 122:])
    assert abs(top - 40) <= 1 and bottom == 79 and left == 0 and abs(right - 59) <= 1
    ring = blue(picture[:, :120])
    assert ring[0] > 70 and ring[3] < 10


def test_a_window_larger_than_the_photograph_shows_all_of_it():
    assert tile_picture(tile((0.9, 0.1), (3, 2)), 1.0, 2.0, 30).shape[0] == 30


@pytest.mark.parametrize("maps", [1, 2, 8, 9])
def test_an_item_has_room_for_every_map(maps):
    generator = np.random.default_rng(0)
    given = [generator.random((10, 15), dtype=np.float32) for _ in range(maps)]
    photograph = np.zeros((40, 60, 3), np.uint8)
    picture = item_picture(photograph, given, 60)
    assert (picture[:40, :60] == 0).all()
    assert picture.shape[1] > 60 + 30


def test_the_scale_of_a_method_is_not_seen():
    values = np.random.default_rng(0).random((10, 15), dtype=np.float32)
    photograph = np.full((40, 60, 3), 90, np.uint8)
    weak, strong = (item_picture(photograph, [values * by], 60) for by in (0.001, 1.0))
    assert np.abs(weak.astype(int) - strong.astype(int)).max() <= 2


def test_a_flat_map_of_zeros_is_grey():
    picture = item_picture(np.full((4, 4, 3), 90, np.uint8), [np.zeros((4, 4), np.float32)], 8)
    assert (picture[..., 0] == picture[..., 2]).all()


def test_pictures_of_different_height_stand_on_white():
    page = side_by_side([np.zeros((4, 3, 3), np.uint8), np.zeros((2, 5, 3), np.uint8)])
    assert page.shape == (4, 3 + 2 + 5, 3)
    assert (page[:, 3:5] == 255).all() and (page[2:, 5:] == 255).all() and (page[:2, 5:] == 0).all()
