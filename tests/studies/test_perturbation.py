"""Insertion and deletion: a linear model on three by three pixels, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.ndimage import convolve, gaussian_filter

from intr_discover.studies.perturbation import (
    BLURRED,
    CURVES,
    EMPTY,
    WHOLE,
    area_under,
    blur,
    changed_shares,
    curve_of,
    cuts,
    passes,
    patch_grid,
    pictures_of,
    rank_patches,
    rank_pixels,
    score_pictures,
)

# Nine pixels whose weights are 1 to 9 of 45.
WEIGHTS = np.array([[4.0, 9.0, 2.0], [3.0, 5.0, 7.0], [8.0, 1.0, 6.0]]) / 45
ONES = np.ones((1, 3, 3), np.float32)


def linear(pictures):
    """The probability of the first of two classes is the weighted sum of the pixels."""
    share = (pictures[:, 0] * WEIGHTS).sum(axis=(1, 2))
    return np.stack([share, 1 - share], axis=1)


def curves(picture, saliency, score=linear, steps=9, batch_size=4, ranking=None):
    ranking = rank_pixels(saliency, 0) if ranking is None else ranking
    stream = pictures_of(picture, {"map": ranking}, steps)
    scores = {state: float(row[0]) for state, row in score_pictures(stream, score, batch_size)}
    shares = changed_shares(ranking, steps)
    return {name: curve_of(scores, "map", name, len(shares)) for name in CURVES}, shares


# Areas by hand


def test_deletion_by_hand():
    found, shares = curves(ONES, WEIGHTS)
    # 9, then 8, then 7 … of 45 are gone.
    left = np.array([45, 36, 28, 21, 15, 10, 6, 3, 1, 0]) / 45
    np.testing.assert_allclose(found["deletion"], left, atol=1e-6)
    # (Σ s − s_0/2 − s_9/2) / 9 = (165 − 22.5) / (45 · 9)
    assert area_under(found["deletion"], shares) == pytest.approx(142.5 / 405)


def test_least_relevant_first_by_hand():
    found, shares = curves(ONES, WEIGHTS)
    left = np.array([45, 44, 42, 39, 35, 30, 24, 17, 9, 0]) / 45
    np.testing.assert_allclose(found["lerf"], left, atol=1e-6)
    # (285 − 22.5) / (45 · 9); the difference of the two areas is 120 / 405
    assert area_under(found["lerf"], shares) == pytest.approx(262.5 / 405)


def test_the_worst_order_turns_the_areas_round():
    found, shares = curves(ONES, -WEIGHTS)
    assert area_under(found["deletion"], shares) == pytest.approx(262.5 / 405)
    assert area_under(found["lerf"], shares) == pytest.approx(142.5 / 405)


def test_insertion_by_hand():
    found, shares = curves(ONES, WEIGHTS)
    blurred = blur(ONES)[0]
    order = np.argsort(-WEIGHTS.ravel())
    by_hand = []
    for revealed in range(10):
        pixels = blurred.ravel().copy()
        pixels[order[:revealed]] = 1
        by_hand.append((pixels * WEIGHTS.ravel()).sum())
    np.testing.assert_allclose(found["insertion"], by_hand, atol=1e-6)
    assert by_hand[-1] == pytest.approx(1) and 0 < by_hand[0] < 1
    expected = (sum(by_hand) - by_hand[0] / 2 - by_hand[-1] / 2) / 9
    assert area_under(found["insertion"], shares) == pytest.approx(expected)


def test_all_channels_of_a_pixel_change_together():
    picture = np.stack([np.full((3, 3), value, np.float32) for value in (1.0, 2.0, 3.0)])
    for (_, curve, _), pixels in pictures_of(picture, {"map": rank_pixels(WEIGHTS, 0)}, 9):
        if curve in ("deletion", "lerf"):
            gone = pixels == 0
            assert (gone == gone[0]).all()


def test_fewer_steps_than_pixels():
    # Three steps of three pixels: 24 of 45 go first, then 15, then 6.
    found, shares = curves(ONES, WEIGHTS, steps=3)
    np.testing.assert_allclose(found["deletion"], np.array([45, 21, 6, 0]) / 45, atol=1e-6)
    np.testing.assert_allclose(shares, [0, 1 / 3, 2 / 3, 1])
    assert area_under(found["deletion"], shares) == pytest.approx((22.5 + 21 + 6) / 45 / 3)


def test_more_steps_than_pixels_are_one_a_pixel():
    found, _ = curves(ONES, WEIGHTS, steps=28)
    assert len(found["deletion"]) == 10


def test_one_pixel():
    def score(pictures):
        return pictures[:, 0, :, 0]

    found, shares = curves(np.ones((1, 1, 1), np.float32), [[0.3]], score)
    np.testing.assert_allclose(found["deletion"], [1, 0])
    assert area_under(found["deletion"], shares) == pytest.approx(0.5)


# Orders


def test_the_order_is_that_of_the_map():
    ranking = rank_pixels([[0.1, 0.9, 0.5]], 0)
    assert ranking.ranks.tolist() == [[2, 0, 1]] and ranking.units == 3
    assert ranking.reversed().ranks.tolist() == [[0, 2, 1]]
    assert ranking.peak() == (0, 1)


def test_ties_are_broken_by_the_seed():
    saliency = [[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.0]]
    orders = {tuple(rank_pixels(saliency, seed).ranks.ravel()) for seed in range(20)}
    assert len(orders) > 10
    for order in orders:
        assert sorted(order) == list(range(8)) and order[7] == 0 and order[0] == 1
    again = rank_pixels(saliency, 7)
    np.testing.assert_array_equal(again.ranks, rank_pixels(saliency, 7).ranks)


def test_a_flat_map_is_a_random_order():
    first, other = rank_pixels(np.full((8, 8), 0.3), 0), rank_pixels(np.full((8, 8), 0.3), 1)
    assert (first.ranks != other.ranks).any()
    assert not (np.diff(first.ranks.ravel()) == 1).all()


@given(
    arrays.arrays(np.float64, st.tuples(st.integers(1, 7), st.integers(1, 7)),
                  elements=st.sampled_from([0.0, 0.25, 1.0])),
    st.integers(0, 3),
)  # fmt: skip
def test_a_higher_value_never_comes_later(saliency, seed):
    ranks = rank_pixels(saliency, seed).ranks.ravel()
    assert sorted(ranks) == list(range(saliency.size))
    in_order = saliency.ravel()[np.argsort(ranks)]
    assert (np.diff(in_order) <= 0).all()


def test_maps_that_are_not_finite_are_our_own_mistake():
    with pytest.raises(AssertionError, match="not finite"):
        rank_pixels([[0.0, np.nan]], 0)


# Patches


def test_patches_by_hand():
    # Patches of two by two in a picture of three rows and five columns.
    patches = patch_grid((3, 5), (2, 2))
    assert patches.tolist() == [[0, 0, 1, 1, 2], [0, 0, 1, 1, 2], [3, 3, 4, 4, 5]]
    saliency = np.zeros((3, 5))
    saliency[0, 2], saliency[2, 4] = 2.0, 1.0  # means: 0.5 in patch 1, 1 in patch 5
    ranking = rank_patches(saliency, patches, 0)
    assert ranking.units == 6
    assert (ranking.ranks[patches == 5] == 0).all() and (ranking.ranks[patches == 1] == 1).all()
    shares = changed_shares(ranking, 6)
    assert shares[:3].tolist() == pytest.approx([0, 1 / 15, 5 / 15]) and shares[-1] == 1


def test_patches_of_broken_size():
    patches = patch_grid((4, 7), (4.0, 7 / 3))
    assert patches[0].tolist() == [0, 0, 1, 1, 1, 2, 2]


def test_equal_patches_are_ties():
    patches = patch_grid((2, 30), (2, 3))
    saliency = np.full((2, 30), 0.1)  # sums of 0.1 differ in their last digits
    firsts = {int(rank_patches(saliency, patches, seed).ranks[0, 0]) for seed in range(30)}
    assert len(firsts) > 4


def test_deletion_of_patches_by_hand():
    patches = patch_grid((3, 3), (3, 1))  # columns, of 15 each
    saliency = np.array([[1.0, 3.0, 2.0]] * 3)
    found, shares = curves(ONES, saliency, steps=3, ranking=rank_patches(saliency, patches, 0))
    np.testing.assert_allclose(found["deletion"], np.array([45, 30, 15, 0]) / 45, atol=1e-6)
    assert area_under(found["deletion"], shares) == pytest.approx(0.5)


# Steps, batches, blur


@given(st.integers(1, 5000), st.integers(1, 300))
def test_steps_are_even_and_end_with_everything(units, steps):
    found = cuts(units, steps)
    assert found[0] == 0 and found[-1] == units and len(found) == min(units, steps) + 1
    sizes = np.diff(found)
    assert sizes.min() >= 1 and sizes.max() - sizes.min() <= 1


def test_batches_hold_pictures_of_one_size_and_keep_the_order():
    sizes = [(3, 3), (3, 3), (3, 3), (2, 5), (3, 3)]
    seen = []

    def score(pictures):
        seen.append(pictures.shape)
        return pictures.sum(axis=(1, 2, 3))[:, None]

    stream = [(place, np.full((1, *size), place)) for place, size in enumerate(sizes)]
    found = list(score_pictures(stream, score, 2))
    assert [key for key, _ in found] == [0, 1, 2, 3, 4]
    assert [float(row[0]) for _, row in found] == [0, 9, 18, 30, 36]
    assert seen == [(2, 1, 3, 3), (1, 1, 3, 3), (1, 1, 2, 5), (1, 1, 3, 3)]
    assert list(score_pictures([], score, 2)) == []


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_the_batch_changes_nothing(batch_size):
    found, _ = curves(ONES, WEIGHTS, batch_size=batch_size)
    whole, _ = curves(ONES, WEIGHTS, batch_size=7)
    for name in CURVES:
        np.testing.assert_allclose(found[name], whole[name])


def test_the_planned_passes_are_those_that_are_made():
    rankings = {"a": rank_pixels(WEIGHTS, 0), "b": rank_pixels(WEIGHTS, 1)}
    made = list(pictures_of(ONES, rankings, 5, ("insertion", "deletion")))
    assert len(made) == passes(5, 2, 2) == 3 + 2 * 2 * 4
    assert [state for state, _ in made[:3]] == [WHOLE, BLURRED, EMPTY]


def test_the_blur_is_that_of_the_authors_at_224_pixels():
    generator = np.random.default_rng(0)
    picture = generator.normal(size=(1, 224, 230)).astype(np.float32)
    spike = np.zeros((11, 11))
    spike[5, 5] = 1
    kernel = gaussian_filter(spike, 5)
    expected = convolve(picture[0].astype(float), kernel, mode="constant", cval=0)
    np.testing.assert_allclose(blur(picture)[0], expected, atol=1e-5)


@pytest.mark.parametrize("side", [3, 40, 160, 448])
def test_the_blur_keeps_what_is_even(side):
    blurred = blur(np.full((2, side, side + 5), 3.0, np.float32))
    middle = blurred[:, side // 2, side // 2]
    np.testing.assert_allclose(middle, 3.0, rtol=1e-5)
    assert blurred[0, 0, 0] < 3.0  # beyond the picture there is nothing
