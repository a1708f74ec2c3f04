"""Cropping and background removal as pure functions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prep.pictures import PictureOptions, edit, mask_box, widen
from intr_discover.errors import UserError


def test_widen_by_hand():
    # The longer side is 80 (width); a tenth of it is 8.
    assert widen((10, 20, 90, 60), 0.1, 200, 100) == (2, 12, 98, 68)
    # Cut at each edge of the picture.
    assert widen((3, 20, 83, 60), 0.1, 90, 65) == (0, 12, 90, 65)
    assert widen((10, 20, 90, 60), 0, 200, 100) == (10, 20, 90, 60)


def test_mask_box_by_hand():
    mask = np.zeros((9, 12), dtype=bool)
    mask[2, 7] = mask[6, 3] = True
    assert mask_box(mask) == (3, 2, 8, 7)


@given(data=st.data(), width=st.integers(1, 30), height=st.integers(1, 30), crop=st.booleans())
def test_edit_keeps_the_specimen_and_says_where_it_lies(data, width, height, crop):
    x0 = data.draw(st.integers(0, width - 1))
    y0 = data.draw(st.integers(0, height - 1))
    box = (x0, y0, data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height)))
    mask = np.zeros((height, width), dtype=bool)
    mask[y0 : box[3], x0 : box[2]] = True
    photograph = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    untouched = photograph.copy()
    options = PictureOptions(
        crop=crop, margin=data.draw(st.floats(0, 1)), remove_background=data.draw(st.booleans())
    )
    new, new_mask, window = edit(photograph, mask, box, options)
    assert new.shape[:2] == new_mask.shape == (window[3] - window[1], window[2] - window[0])
    assert new_mask.sum() == mask.sum()
    np.testing.assert_array_equal(photograph, untouched)
    y, x = np.argwhere(mask)[0]
    np.testing.assert_array_equal(new[y - window[1], x - window[0]], photograph[y, x])
    if options.remove_background:
        assert (new[~new_mask] == 128).all()
    else:
        np.testing.assert_array_equal(new, photograph[window[1] : window[3], window[0] : window[2]])


@pytest.mark.parametrize("margin", [-0.1, 1.1, float("nan")])
def test_margin_is_a_share(margin):
    with pytest.raises(UserError, match="--margin"):
        PictureOptions(margin=margin)
