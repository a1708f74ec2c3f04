"""Erasing: the region is filled from around it, and nothing else changes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import gaussian_filter

from intr_discover.edits.erase import METHODS, blur, erase
from intr_discover.errors import UserError

INPAINTING = ("telea", "navier-stokes")
# On even ground Telea's gradient term strays by a few levels in OpenCV.
STRAYS = {"telea": 4, "navier-stokes": 0}


def even(shape=(24, 30), colour=(90, 140, 77)):
    return np.full((*shape, 3), colour, dtype=np.uint8)


def noisy(shape=(24, 30)):
    return np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)


def rectangle(rows, columns, shape=(24, 30)):
    mask = np.zeros(shape, dtype=np.uint8)
    mask[rows, columns] = 255
    return mask


@settings(deadline=None)
@given(
    arrays(np.uint8, (7, 9, 3)), arrays(np.bool_, (7, 9)),
    st.sampled_from(INPAINTING), st.floats(0.5, 8),
)  # fmt: skip
def test_nothing_outside_the_region_changes(photograph, mask, method, radius):
    assume(not mask.all())
    before = photograph.copy()
    result = erase(photograph, mask, method=method, radius=radius)
    assert result.dtype == np.uint8
    assert result.shape == photograph.shape
    assert np.array_equal(result[~mask], before[~mask])
    assert np.array_equal(photograph, before)


@pytest.mark.parametrize("method", INPAINTING)
@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        (slice(8, 14), slice(10, 18)),
        (slice(0, 5), slice(0, 6)),  # a corner
        (slice(20, 24), slice(None)),  # the whole lower edge
        (slice(5, 6), slice(29, 30)),  # one pixel on the edge
    ],
)
def test_even_surroundings_give_an_even_fill(method, rows, columns):
    photograph = even()
    photograph[rows, columns] = (255, 0, 3)
    result = erase(photograph, rectangle(rows, columns), method=method)
    away = np.abs(result.astype(int) - even().astype(int))
    assert away.max() <= STRAYS[method]


@pytest.mark.parametrize("method", INPAINTING)
def test_what_was_in_the_region_does_not_matter(method):
    mask = rectangle(slice(6, 15), slice(4, 20))
    one, other = noisy(), noisy()
    other[mask > 0] = 255 - other[mask > 0]
    one, other = erase(one, mask, method=method), erase(other, mask, method=method)
    assert np.array_equal(one, other)


@pytest.mark.parametrize("method", INPAINTING)
def test_each_side_grows_in_from_its_own_surroundings(method):
    """Left of the region all is dark, right of it light: so is the fill at its two ends."""
    photograph = even(colour=(40, 40, 40))
    photograph[:, 15:] = 200
    result = erase(photograph, rectangle(slice(8, 16), slice(5, 25)), method=method)
    assert np.abs(result[8:16, 5:8].astype(int) - 40).max() < 20
    assert np.abs(result[8:16, 22:25].astype(int) - 200).max() < 20


def test_an_empty_region_gives_an_equal_copy():
    photograph = noisy()
    result = erase(photograph, np.zeros((24, 30)))
    assert np.array_equal(result, photograph)
    result[0, 0] = 0
    assert photograph[0, 0].any()


def test_values_of_a_mask_do_not_matter_only_where_they_are():
    mask = rectangle(slice(3, 9), slice(3, 9))
    expected = erase(noisy(), mask)
    for same in (mask > 0, mask / 1000, (mask > 0).astype(np.int64)):
        assert np.array_equal(erase(noisy(), same), expected)


def test_views_and_read_only_pictures_pass():
    photograph, mask = noisy(), rectangle(slice(3, 9), slice(3, 9))
    expected = erase(photograph[:, ::-1].copy(), mask[:, ::-1].copy())
    photograph.flags.writeable = mask.flags.writeable = False
    assert np.array_equal(erase(photograph[:, ::-1], mask[:, ::-1]), expected)


@pytest.mark.parametrize(
    ("photograph", "mask", "words"),
    [
        (even()[..., :2], rectangle(0, 0), "[24, 30, 2] of uint8"),
        (even().astype(np.float32), rectangle(0, 0), "float32"),
        (even(), np.zeros((30, 24)), "the size of its picture"),
        (even(), np.ones((24, 30)), "covers the whole picture"),
    ],
)
def test_what_cannot_be_erased_is_refused_in_one_line(photograph, mask, words):
    with pytest.raises(UserError) as caught:
        erase(photograph, mask)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_method_is_refused_with_those_there_are():
    with pytest.raises(UserError, match=r"'magic': use telea, navier-stokes, .* or colour"):
        erase(even(), rectangle(0, 0), method="magic")


def crosses(shape=(40, 60), at=((9, 12), (30, 44))):
    """Return two small crosses, far apart."""
    mask = np.zeros(shape, dtype=bool)
    for row, column in at:
        mask[row - 3 : row + 4, column] = mask[row, column - 3 : column + 4] = True
    return mask


@pytest.mark.parametrize("method", INPAINTING)
@pytest.mark.parametrize("radius", [1, 3, 9])
@pytest.mark.parametrize("at", [((9, 12),), ((9, 12), (30, 44)), ((3, 3), (36, 56))])
def test_working_in_a_box_is_exact(method, radius, at):
    """A frame far away makes the box as large as the photograph, and changes nothing."""
    photograph, mask = noisy((40, 60)), crosses(at=at)
    flag = {"telea": cv2.INPAINT_TELEA, "navier-stokes": cv2.INPAINT_NS}[method]
    whole = cv2.inpaint(photograph, mask.astype(np.uint8), radius, flag)
    found = erase(photograph, mask, method=method, radius=radius)
    assert np.array_equal(found[mask], whole[mask])


def test_a_biharmonic_fill_continues_a_slope():
    """A plane has no curvature, so it is its own biharmonic surface."""
    rows, columns = np.indices((24, 30))
    photograph = np.repeat((4 * rows + 3 * columns)[..., None], 3, axis=2).astype(np.uint8)
    spoilt, mask = photograph.copy(), rectangle(slice(8, 14), slice(9, 16))
    spoilt[mask > 0] = 255
    found = erase(spoilt, mask, method="biharmonic").astype(int)
    assert np.abs(found - photograph).max() <= 1


def test_the_surround_is_the_median_of_a_ring_for_each_part():
    photograph = even((20, 40), (10, 20, 30))
    photograph[:, 20:] = (200, 100, 50)
    photograph[4, 4] = photograph[15, 35] = (255, 255, 255)  # an outlier in each ring
    mask = np.zeros((20, 40), dtype=bool)
    mask[5:9, 5:9] = mask[10:14, 30:34] = True
    photograph[mask] = 0
    found = erase(photograph, mask, method="surround", radius=2)
    assert (found[5:9, 5:9] == (10, 20, 30)).all()
    assert (found[10:14, 30:34] == (200, 100, 50)).all()


def test_the_surround_of_one_pixel_by_hand():
    """Median of eight neighbours 1 … 8: four and a half, rounded to even."""
    photograph = np.array([[1, 2, 3], [4, 99, 5], [6, 7, 8]], dtype=np.uint8)
    found = erase(photograph, photograph == 99, method="surround", radius=1)
    assert found.tolist() == [[1, 2, 3], [4, 4, 5], [6, 7, 8]]


def test_the_background_is_the_border_or_what_is_said():
    photograph = even((40, 40), (250, 240, 230))
    photograph[5:35, 5:35] = (60, 50, 40)
    photograph[5:35, 5] = (1, 2, 3)
    mask, background = np.zeros((2, 40, 40), dtype=bool)
    mask[10:20, 10:20] = True
    assert (erase(photograph, mask, method="background")[mask] == (250, 240, 230)).all()
    background[5:35, 5] = True
    found = erase(photograph, mask, method="background", background=background)
    assert (found[mask] == (1, 2, 3)).all()


def test_a_background_within_the_region_has_no_colour():
    mask = np.ones((24, 30))
    with pytest.raises(UserError, match="covers the whole border"):
        erase(even(), mask, method="background")
    mask[3, 3] = 0
    assert (erase(even(), mask, method="background", background=1 - mask) == even()).all()
    with pytest.raises(UserError, match="covers the whole background"):
        erase(even(), mask, method="background", background=mask)
    with pytest.raises(UserError, match="the background is"):
        erase(even(), mask, method="background", background=np.ones((3, 3)))


def test_a_given_colour_fills_everything():
    found = erase(noisy(), np.ones((24, 30)), method="colour", colour="#d62728")
    assert (found == (214, 39, 40)).all()
    with pytest.raises(UserError, match="needs a colour"):
        erase(noisy(), np.ones((24, 30)), method="colour")


def test_blur_takes_detail_and_leaves_the_mean():
    mask = rectangle(slice(6, 18), slice(6, 24))
    found = blur(noisy(), mask, radius=4)
    inside = mask > 0
    assert found[inside].std() < 0.2 * noisy()[inside].std()
    assert found[inside].mean() == pytest.approx(noisy()[inside].mean(), abs=6)
    assert np.array_equal(blur(even(), mask), even())
    assert np.array_equal(found, erase(noisy(), mask, method="blur", radius=4))


@pytest.mark.parametrize("sigma", [0.1, 1, 3.9, 8, 13, 25])
def test_wide_blurs_agree_with_the_plain_one(sigma):
    """On a coarser grid, but within a level and a half on what a photograph is like."""
    photograph = np.clip(gaussian_filter(noisy((90, 130)) * 1.0, (2, 2, 0)) * 4 - 384, 0, 255)
    photograph = photograph.astype(np.uint8)
    expected = gaussian_filter(photograph * 1.0, (sigma, sigma, 0), mode="reflect")
    found = erase(photograph, np.ones((90, 130)), method="blur", radius=sigma)
    assert np.abs(found - expected).max() < 1.5


def test_the_blur_of_a_region_does_not_depend_on_its_box():
    photograph, mask = noisy((60, 200)), np.zeros((60, 200), dtype=bool)
    mask[20:30, 20:30] = True
    far = mask.copy()
    far[50, 190] = True
    near, wide = (erase(photograph, m, method="blur", radius=3) for m in (mask, far))
    assert np.abs(near[mask].astype(int) - wide[mask]).max() <= 1


def test_the_fill_replaces_the_soft_edge_too():
    """A black spot with a black rim round the mask: the rim is no source of the fill."""
    photograph, mask = even(), rectangle(slice(10, 14), slice(12, 18))
    photograph[8:16, 10:20] = 0
    found = erase(photograph, mask, method="navier-stokes", feather=4)
    assert (found[mask > 0] == even()[0, 0]).all()
    assert (found[9, 12:18] > 0).all() and (found[9, 12:18] < even()[0, 0]).all()
    assert (erase(photograph, mask, method="navier-stokes")[mask > 0] == 0).all()


def test_a_feather_that_reaches_everywhere_leaves_nothing_to_fill_from():
    with pytest.raises(UserError, match="with its feather"):
        erase(even(), rectangle(slice(8, 14), slice(8, 14)), feather=99)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("radius", [0, -1, np.nan, np.inf])
def test_a_radius_is_above_zero(method, radius):
    with pytest.raises(UserError, match=f"the radius is {radius}"):
        erase(even(), rectangle(0, 0), method=method, radius=radius)


def test_inpainting_looks_no_further_than_opencv_does():
    with pytest.raises(UserError, match="at most 100 for telea"):
        erase(even(), rectangle(0, 0), radius=101)
    erase(even(), rectangle(0, 0), radius=100)
    erase(even(), rectangle(0, 0), method="blur", radius=101)
