"""Interventions on the look of an individual: states, colours, and what cannot be done."""

from __future__ import annotations

import numpy as np
import pytest

from intr_discover.data import rings
from intr_discover.data.rings.look import look_of
from intr_discover.errors import UserError

SPOTTED = rings.draw_specimen(0, 1)  # Ember similis: basal spots
PLAIN = rings.draw_specimen(0, 0)  # its mate
PER_CLASS = pytest.mark.parametrize(
    "specimen", [rings.draw_specimen(3, index) for index in range(16)], ids=lambda s: s.label
)


@PER_CLASS
def test_without_an_intervention_a_specimen_looks_as_it_is(specimen):
    look = look_of(specimen)
    assert look.states == specimen.states
    assert not look.taken_away and not look.recolour
    for part in specimen.ring.parts:
        assert look.shows(part) and look.has(part)


@PER_CLASS
def test_a_swap_of_the_diagnostic_attribute_gives_the_mates_state(specimen):
    ring = specimen.ring
    look = look_of(specimen, swap=ring.diagnostic)
    other = ring.states[1 - ring.labels.index(specimen.label)]
    assert look.states == {**specimen.states, ring.diagnostic: other}
    assert look_of(specimen, swap=[ring.diagnostic, ring.diagnostic]).states == specimen.states


def test_taking_away_leaves_the_state_that_remains():
    assert look_of(SPOTTED, without="basal_spots").states["basal_spots"] == "absent"
    assert look_of(PLAIN, without="basal_spots").states == PLAIN.states
    look = look_of(SPOTTED, without=["band_edge", "wing_tip", "forewing_band"])
    assert (look.states["band_edge"], look.states["wing_tip"]) == ("straight", "rounded")
    assert not look.shows("forewing_band") and look.shows("hindwing_bar")


def test_taking_away_comes_after_a_swap():
    look = look_of(PLAIN, swap="basal_spots", without="basal_spots")
    assert look.states["basal_spots"] == "absent"
    assert not look.shows("basal_spots")


def test_a_patch_that_was_taken_away_is_in_neither_state():
    specimen = next(s for s in map(lambda i: rings.draw_specimen(0, i), range(16))
                    if s.ring.diagnostic == "cell_patch")  # fmt: skip
    assert look_of(specimen).shows("cell_patch")
    assert not look_of(specimen, without="cell_patch").shows("cell_patch")


def test_an_individual_keeps_its_shade_in_both_states_and_a_new_colour_is_taken_as_it_is():
    """The two species' own colours differ by a constant in every individual."""
    number = next(n for n, ring in enumerate(rings.RINGS) if ring.diagnostic == "cell_patch")
    first, second = np.array(rings.RINGS[number].attributes["cell_patch"], dtype=float)
    for individual in range(5):
        specimen = rings.draw_specimen(4, 2 * number + 16 * individual)
        own = look_of(specimen).colour("cell_patch")
        swapped = look_of(specimen, swap="cell_patch").colour("cell_patch")
        np.testing.assert_allclose(swapped - own, second - first)
        assert np.abs(own - first).max() < 40 and (own != first).any()
    new = look_of(specimen, recolour={"cell_patch": (1, 2, 3)}).colour("cell_patch")
    assert new.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("intervention", "words"),
    [
        ({"without": "beak"}, "ring 'ember' has no attribute 'beak'; it has basal_spots, "),
        ({"swap": "beak"}, "ring 'ember' has no attribute 'beak'"),
        ({"recolour": {"beak": (0, 0, 0)}}, "ring 'ember' has no attribute 'beak'"),
        ({"swap": "eyespot_pupils"}, "ring 'ember' has no attribute 'eyespot_pupils'"),
        ({"without": ["basal_spots", "beak"]}, "no attribute 'beak'"),
        ({"swap": "forewing_band"}, "'forewing_band' is a part of the pattern without another"),
        ({"recolour": {"wing_tip": (0, 0, 0)}}, "'wing_tip' is a shape and has no colour"),
        ({"recolour": {"basal_spots": (0, 0)}}, "the colour of 'basal_spots' must be three"),
        ({"recolour": {"basal_spots": (0, 0, 256)}}, "must be three numbers 0 to 255"),
        ({"recolour": {"basal_spots": (0, 0, float("nan"))}}, "must be three numbers 0 to 255"),
        ({"recolour": {"basal_spots": "red"}}, "must be three numbers 0 to 255, not red"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(intervention, words):
    with pytest.raises(UserError) as caught:
        look_of(SPOTTED, **intervention)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    with pytest.raises(UserError):
        rings.render(SPOTTED, **intervention)
