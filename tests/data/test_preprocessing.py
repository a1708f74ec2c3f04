"""Preprocessing: sizes as in DETR, normalisation, round trip through JSON."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.errors import UserError


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (400, 600, (800, 1200)),  # shorter side to 800
        (600, 400, (1200, 800)),
        (400, 800, (666, 1333)),  # longer side would be 1600: 1333 / 800 * 400 = 666.5
        (1600, 1600, (800, 800)),
        (1, 4000, (1, 1333)),  # never zero pixels
    ],
)
def test_shorter_side_unless_the_longer_passes_its_limit(height, width, expected):
    assert Preprocessing(800, "shorter", 1333).resized_shape(height, width) == expected


@given(st.integers(1, 5000), st.integers(1, 5000))
def test_sides_stay_in_their_range(height, width):
    resized = Preprocessing(160, "shorter", 400).resized_shape(height, width)
    assert 1 <= min(resized) <= 160
    assert max(resized) <= 400


def test_square_stretches():
    assert Preprocessing(32, "square", None).resized_shape(10, 500) == (32, 32)


def test_values_by_hand():
    photograph = np.full((4, 4, 3), (255, 0, 128), dtype=np.uint8)
    tensor = Preprocessing(4, "square", None)(photograph)
    assert tensor.shape == (3, 4, 4)
    # (1 - 0.485) / 0.229, (0 - 0.456) / 0.224, (128 / 255 - 0.406) / 0.225
    np.testing.assert_allclose(tensor[:, 2, 1], [2.248908, -2.035714, 0.426492], atol=1e-5)


def test_a_photograph_of_the_right_size_is_not_resampled():
    photograph = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
    preprocessing = Preprocessing(8, "shorter", None)
    np.testing.assert_array_equal(preprocessing(photograph), preprocessing.normalise(photograph))


def test_round_trip_through_json():
    preprocessing = Preprocessing(96, "square", None, (0.1, 0.2, 0.3), (1.0, 0.5, 0.25))
    text = json.dumps(preprocessing.as_dict())
    assert Preprocessing.from_dict(json.loads(text)) == preprocessing


@pytest.mark.parametrize("wrong", [{"size": 0}, {"size": 900, "longest": 800}, {"resize": "crop"}])
def test_wrong_settings_are_refused(wrong):
    with pytest.raises(UserError):
        Preprocessing(**wrong)
