"""Prototypes: distances, similarities and concentration worked out by hand."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from intr_discover.neighbours.token_models.protopformer import class_logits
from intr_discover.neighbours.token_models.prototypes import (
    concentration_losses,
    similarity,
    spread,
    squared_distances,
)

# A grid of 2 × 2 cells with the vectors (0, 0), (1, 0), (0, 1), (1, 1), row by row.
GRID = torch.tensor([[[0.0, 1.0, 0.0, 1.0], [0.0, 0.0, 1.0, 1.0]]])


def test_distances_of_known_vectors():
    prototypes = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    expected = torch.tensor([[[1.0, 0.0, 2.0, 1.0], [0.5, 0.5, 0.5, 0.5]]])
    torch.testing.assert_close(squared_distances(GRID, prototypes), expected)


def test_a_match_has_the_largest_activation_and_half_a_unit_away_a_known_one():
    activations = similarity(squared_distances(GRID, torch.tensor([[1.0, 0.0]])))[0, 0]
    # log((0 + 1) / (0 + 1e-4)), log(2 / 1.0001), log(3 / 2.0001)
    expected = [math.log(2 / 1.0001), math.log(1e4), math.log(3 / 2.0001), math.log(2 / 1.0001)]
    assert activations.tolist() == pytest.approx(expected, rel=1e-5)
    assert int(activations.argmax()) == 1


@given(st.floats(0, 1e4), st.floats(1e-3, 1e4))
def test_what_is_farther_is_less_similar_and_all_are_above_zero(distance, more):
    near, far = similarity(torch.tensor([distance, distance + more], dtype=torch.float64))
    assert near > far > 0


def test_rounding_makes_no_distance_negative():
    vector = torch.full((1, 192, 1), 0.1)
    assert squared_distances(vector, vector[..., 0]).item() >= 0


def corners(one, other):
    """Return a map of 4 × 4 cells with two values in opposite corners of a square of 3 cells."""
    activations = torch.zeros(4, 4)
    activations[0, 0], activations[2, 2] = one, other
    return activations


def test_spread_of_a_map_with_two_cells():
    # A quarter at (0, 0), three at (2, 2): mean 1.5, variance 0.25 · 1.5² + 0.75 · 0.5² = 0.75.
    place, variance = spread(corners(1.0, 3.0))
    assert place.tolist() == [1.5, 1.5]
    assert variance.item() == pytest.approx(0.75)


def test_concentration_of_two_known_prototypes():
    # The second lies in one cell: variance 0 at (0, 0), √(1.5² + 1.5²) from the first.
    maps = torch.stack([corners(1.0, 3.0), corners(5.0, 0.0)])[None]
    sigma, mu = concentration_losses(maps, largest_variance=0.5, smallest_distance=3.0)
    assert sigma.item() == pytest.approx((0.25 + 0) / 2)
    assert mu.item() == pytest.approx(3 - math.sqrt(4.5))
    sigma, mu = concentration_losses(maps, largest_variance=1.0, smallest_distance=2.0)
    assert (sigma.item(), mu.item()) == (0, 0)


def test_prototypes_at_one_place_give_a_finite_gradient():
    maps = torch.ones(1, 3, 2, 2, requires_grad=True)
    sigma, mu = concentration_losses(maps, 0.0, 2.0)
    assert mu.item() == pytest.approx(2, abs=1e-5)
    torch.autograd.backward(sigma + mu)
    assert maps.grad is not None and bool(torch.isfinite(maps.grad).all())


def test_a_single_prototype_has_no_neighbour_to_be_close_to():
    assert concentration_losses(torch.ones(2, 1, 3, 3), 10.0, 5.0)[1].item() == 0


def test_logits_count_one_for_the_own_class_and_minus_a_half_for_others():
    similarities = torch.tensor([[[1.0, 2.0], [3.0, 0.0], [0.0, 0.0]]])
    assert class_logits(similarities).tolist() == [[1.5, 1.5, -3.0]]
