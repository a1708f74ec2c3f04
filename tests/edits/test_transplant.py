"""Transplanting: the donor's region lies in the place of the region, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.edits.transplant import transplant
from intr_discover.errors import UserError


def noisy(shape=(40, 50), seed=0):
    return np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)


def rectangle(rows, columns, shape=(40, 50)):
    mask = np.zeros(shape, dtype=bool)
    mask[rows, columns] = True
    return mask


def test_a_region_of_the_same_shape_is_copied_pixel_by_pixel():
    photograph, donor = noisy(), noisy((30, 70), 1)
    mask = rectangle(slice(8, 18), slice(20, 36))
    donor_mask = rectangle(slice(15, 25), slice(3, 19), (30, 70))
    for rest in ("donor", "keep"):
        found = transplant(photograph, mask, donor, donor_mask, rest=rest)
        assert np.array_equal(found[8:18, 20:36], donor[15:25, 3:19])
        assert np.array_equal(found[~mask], photograph[~mask])


def test_a_mirrored_region_is_copied_from_right_to_left():
    photograph, donor = noisy(), noisy(seed=1)
    shape = np.array([[1, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]], dtype=bool)
    mask, donor_mask = np.zeros((40, 50), bool), np.zeros((40, 50), bool)
    mask[10:14, 10:13], donor_mask[20:24, 30:33] = shape, shape[:, ::-1]
    found = transplant(photograph, mask, donor, donor_mask, mirrored=True)
    assert np.array_equal(found[10:14, 10:13][shape], donor[20:24, 30:33][:, ::-1][shape])


def test_the_rest_of_the_mask_is_the_donors_surroundings_or_stays():
    """A frame on a square of the same centre and area: 10² − 6² = 8². Its hole is not reached."""
    photograph = np.full((40, 50, 3), 10, np.uint8)
    donor = np.full((40, 50, 3), 200, np.uint8)
    frame = rectangle(slice(10, 20), slice(10, 20)) & ~rectangle(slice(12, 18), slice(12, 18))
    donor[frame] = 100
    mask = rectangle(slice(11, 19), slice(11, 19))
    whole = transplant(photograph, mask, donor, frame)[..., 0]
    kept = transplant(photograph, mask, donor, frame, rest="keep")[..., 0]
    assert np.array_equal(whole, np.where(mask, np.where(frame, 100, 200), 10))
    assert np.array_equal(kept, np.where(mask & frame, 100, 10))


def test_a_region_is_scaled_to_the_mask():
    photograph, donor = np.zeros((40, 50, 3), np.uint8), np.zeros((90, 90, 3), np.uint8)
    donor[20:60, 20:60, 0], donor[20:60, 60:80, 1] = 250, 250
    donor_mask = rectangle(slice(20, 60), slice(20, 80), (90, 90))  # two thirds red, one green
    mask = rectangle(slice(10, 20), slice(10, 25))
    found = transplant(photograph, mask, donor, donor_mask)
    assert (found[11:19, 11:19] == (250, 0, 0)).all()
    assert (found[11:19, 21:24] == (0, 250, 0)).all()


def test_fine_stripes_become_grey_when_the_donor_is_reduced():
    """One column of four is light: without a blur every pixel is too light or black."""
    donor = np.zeros((90, 90, 3), np.uint8)
    donor[:, ::4] = 200
    mask = rectangle(slice(10, 20), slice(10, 20))
    found = transplant(noisy(), mask, donor, rectangle(slice(20, 60), slice(20, 60), (90, 90)))
    assert np.abs(found[mask].astype(int) - 50).max() <= 8


def test_what_lies_beyond_the_donor_stays():
    """The donor's region touches its edge: there is nothing beyond to bring along."""
    photograph, donor = np.full((40, 50, 3), 10, np.uint8), np.full((6, 6, 3), 99, np.uint8)
    mask = rectangle(slice(10, 16), slice(10, 16))
    found = transplant(photograph, mask, donor, np.ones((6, 6)), feather=4)
    assert (found[mask] == 99).all()
    assert (found[~mask] == 10).all()


@pytest.mark.parametrize("at", [(8, 20), (0, 0), (32, 42), (0, 20)])
@pytest.mark.parametrize("size", [1, 3, 8])
def test_a_seamless_clone_of_the_photograph_into_itself_changes_nothing(at, size):
    """Where the donor is the photograph itself all differences agree already; edges included."""
    photograph = noisy()
    mask = rectangle(slice(at[0], at[0] + size), slice(at[1], at[1] + size))
    found = transplant(photograph, mask, photograph, mask, seam="seamless")
    assert np.abs(found.astype(int) - photograph).max() <= 2


def test_a_seamless_clone_takes_the_colour_round_the_mask_and_the_donors_pattern():
    photograph = np.full((40, 50, 3), 60, np.uint8)
    donor = np.full((40, 50, 3), 160, np.uint8)
    donor[16, 25] = 220
    mask = rectangle(slice(10, 22), slice(18, 32))
    found = transplant(photograph, mask, donor, mask, seam="seamless").astype(int)
    assert np.abs(np.delete(found[mask], 6 * 14 + 7, axis=0) - 60).max() <= 3
    assert np.abs(found[16, 25] - 120).max() <= 3
    assert np.array_equal(found[~mask], photograph[~mask])


def test_donors_of_all_kinds():
    mask = rectangle(slice(8, 18), slice(20, 36))
    grey = noisy(seed=2)[..., 0]
    found = transplant(noisy(), mask, grey, mask)
    assert np.array_equal(found[mask], np.repeat(grey[mask][:, None], 3, axis=1))
    clear = np.dstack([noisy(seed=2), np.zeros((40, 50), np.uint8)])
    assert np.array_equal(transplant(noisy(), mask, clear, mask)[mask], clear[mask][:, :3])
    on_grey = transplant(grey, mask, grey[::-1], mask[::-1])
    assert on_grey.shape == grey.shape


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seam": "glue"}, "no seam 'glue': use plain or seamless"),
        ({"rest": "lose"}, "no rest 'lose': use donor or keep"),
        ({"donor_mask": np.zeros((40, 50))}, "donor mask is empty"),
        ({"donor_mask": np.ones((4, 5))}, "a mask must have the size of its donor"),
        ({"donor": noisy().astype(np.uint16)}, "the donor is [40, 50, 3] of uint16"),
    ],
)
def test_what_cannot_be_transplanted_is_refused_in_one_line(change, words):
    mask = rectangle(slice(8, 18), slice(20, 36))
    given = {"mask": mask, "donor": noisy(), "donor_mask": mask} | change
    with pytest.raises(UserError) as caught:
        transplant(noisy(), **given)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_regions_that_do_not_meet_are_refused():
    """A ring laid over its hole."""
    ring, hole = np.zeros((60, 60), dtype=bool), np.zeros((60, 60), dtype=bool)
    ring[5:55, 5:55] = True
    ring[6:54, 6:54] = False
    hole[29:31, 29:31] = True
    with pytest.raises(UserError, match="does not meet it"):
        transplant(noisy((60, 60)), hole, noisy((60, 60)), ring, rest="keep")
