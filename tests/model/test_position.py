"""The position embedding against values worked out by hand and against loops over scalars."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from intr_discover.model.position import sine_position

CPU = torch.device("cpu")


def test_two_by_two_without_padding_by_hand():
    # Rows and columns lie at π and 2π; with 4 channels both wavelengths are 2π.
    # Channels: sin(row), cos(row), sin(column), cos(column).
    expected = torch.tensor([[0, -1, 0, -1], [0, -1, 0, 1], [0, 1, 0, -1], [0, 1, 0, 1]])
    embedding = sine_position(None, (1, 2, 2), 4, CPU)
    assert embedding.shape == (1, 4, 4)
    torch.testing.assert_close(embedding[0], expected.float(), atol=1e-5, rtol=0)


def test_two_by_two_with_a_padded_column_by_hand():
    # The one real column is the last real one: 2π. Rows of the padded column count no cell: 0.
    padding = torch.tensor([[[False, True], [False, True]]])
    expected = torch.tensor([[0, -1, 0, 1], [0, 1, 0, 1], [0, 1, 0, 1], [0, 1, 0, 1]])
    embedding = sine_position(padding, (1, 2, 2), 4, CPU)
    torch.testing.assert_close(embedding[0], expected.float(), atol=1e-5, rtol=0)


def test_wavelengths_by_hand():
    # 8 channels: each half has wavelengths 1, 1, 100, 100 (times 2π), for 10000 ** (2 / 4) = 100.
    embedding = sine_position(None, (1, 1, 1), 8, CPU)[0, 0]
    slow = 2 * math.pi / 100
    half = [0.0, 1.0, math.sin(slow), math.cos(slow)]
    torch.testing.assert_close(embedding, torch.tensor(half + half), atol=1e-5, rtol=0)


def by_loops(rows: int, columns: int, real_rows: int, real_columns: int, channels: int):
    """DETR's formula cell by cell; the picture fills the top left of the grid."""
    cells = []
    for row in range(rows):
        for column in range(columns):
            real = row < real_rows, column < real_columns
            seen_rows = min(row + 1, real_rows) if real[1] else 0
            seen_columns = min(column + 1, real_columns) if real[0] else 0
            values = []
            for seen, total in (
                (seen_rows, real_rows if real[1] else 0),
                (seen_columns, real_columns if real[0] else 0),
            ):
                angle = seen / (total + 1e-6) * 2 * math.pi
                for channel in range(channels // 2):
                    wavelength = 10000 ** (2 * (channel // 2) / (channels // 2))
                    wave = math.sin if channel % 2 == 0 else math.cos
                    values.append(wave(angle / wavelength))
            cells.append(values)
    return torch.tensor(cells)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(1, 5), st.integers(1, 5), st.integers(0, 4), st.integers(0, 4),
    st.sampled_from([4, 8, 12, 16]),
)  # fmt: skip
def test_agrees_with_loops_over_scalars(real_rows, real_columns, below, beside, channels):
    rows, columns = real_rows + below, real_columns + beside
    padding = torch.ones(1, rows, columns, dtype=torch.bool)
    padding[:, :real_rows, :real_columns] = False
    embedding = sine_position(padding, (1, rows, columns), channels, CPU)
    expected = by_loops(rows, columns, real_rows, real_columns, channels)
    torch.testing.assert_close(embedding[0], expected, atol=2e-5, rtol=0)


def test_padding_does_not_move_real_cells():
    padding = torch.ones(1, 6, 7, dtype=torch.bool)
    padding[:, :3, :4] = False
    padded = sine_position(padding, (1, 6, 7), 16, CPU).unflatten(1, (6, 7))[:, :3, :4]
    alone = sine_position(None, (1, 3, 4), 16, CPU).unflatten(1, (3, 4))
    assert torch.equal(padded, alone)


@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 1, 1)])
def test_no_mask_equals_an_empty_mask(shape):
    nothing = torch.zeros(shape, dtype=torch.bool)
    assert torch.equal(sine_position(nothing, shape, 8, CPU), sine_position(None, shape, 8, CPU))
