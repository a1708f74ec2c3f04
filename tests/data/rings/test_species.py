"""The rings and their individuals: what mates share, what tells them apart, what says nothing."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from intr_discover.data import rings
from intr_discover.data.rings.species import USUAL_COLOURS, find_class
from intr_discover.errors import UserError

BY_NAME = pytest.mark.parametrize("ring", rings.RINGS, ids=lambda ring: ring.name)

# Without the part it lies on, an attribute could not be seen.
LIES_ON = {
    "band_edge": "forewing_band",
    "ray_tips": "hindwing_rays",
    "eyespot_pupils": "eyespots",
}


def test_there_are_eight_rings_of_two_species_with_all_kinds_of_difference():
    assert len(rings.RINGS) == 8
    labels = [label for ring in rings.RINGS for label in ring.labels]
    assert len(set(labels)) == 16
    assert {ring.difference for ring in rings.RINGS} == {"presence", "colour", "shape"}
    diagnostics = [ring.diagnostic for ring in rings.RINGS]
    assert len(set(diagnostics)) == 8, "what is learned in one ring says nothing in another"
    assert set(diagnostics) == set(rings.ATTRIBUTES)


@BY_NAME
def test_a_ring_is_complete(ring):
    assert len(set(ring.repertoire)) == len(ring.repertoire)
    assert ring.diagnostic not in ring.varying
    assert len(ring.varying) >= 3, "enough that says nothing"
    assert set(ring.varying) <= set(rings.ATTRIBUTES)
    assert set(ring.parts) <= set(rings.PATTERN_PARTS)
    for attribute, part in LIES_ON.items():
        assert attribute not in ring.repertoire or part in ring.parts
    first, second = ring.states
    assert first != second
    assert ring.labels == (f"{ring.name.capitalize()} vera", f"{ring.name.capitalize()} similis")


@BY_NAME
def test_colours_are_colours_and_states_differ_in_them(ring):
    colours = [*ring.ground, *ring.parts.values()]
    for name in (ring.diagnostic, *ring.varying):
        attribute = rings.ATTRIBUTES[name]
        if attribute.difference == "shape":
            continue
        first, second = ring.attributes.get(name) or USUAL_COLOURS[name]
        colours += [first, second]
        assert first != second
    assert all(len(colour) == 3 and 0 <= min(colour) <= max(colour) <= 255 for colour in colours)


def test_consecutive_numbers_run_through_all_classes():
    labels = [rings.draw_specimen(0, index).label for index in range(32)]
    assert len(set(labels[:16])) == 16 and labels[16:] == labels[:16]
    assert labels[:4] == ["Ember vera", "Ember similis", "Tigris vera", "Tigris similis"]
    few = [rings.draw_specimen(0, index, ring_count=1).label for index in range(4)]
    assert few == ["Ember vera", "Ember similis"] * 2


@given(number=st.integers(0, 10_000), ring_count=st.integers(1, 8))
def test_mates_are_neighbours(number, ring_count):
    ring, which = find_class(2 * number, ring_count)
    assert which == 0
    assert find_class(2 * number + 1, ring_count) == (ring, 1)
    specimen = rings.draw_specimen(0, 2 * number, ring_count=ring_count)
    assert (specimen.label, specimen.mate) == ring.labels


@given(seed=st.integers(0, 2**40), index=st.integers(0, 10**7))
def test_the_diagnostic_attribute_tells_the_species(seed, index):
    specimen = rings.draw_specimen(seed, index)
    ring = specimen.ring
    assert specimen.states[ring.diagnostic] == ring.states[ring.labels.index(specimen.label)]
    assert set(specimen.states) == {ring.diagnostic, *ring.varying}
    for name, state in specimen.states.items():
        assert state in rings.ATTRIBUTES[name].states


@BY_NAME
def test_varying_attributes_say_nothing(ring):
    """Both states are equally frequent in both species, and so are their combinations.

    With 400 specimens a species the shares have a standard deviation of 2.5 points. The bound of
    p > 1e-4 lets one of all 90 comparisons fail once in a hundred generators that are right.
    """
    number = rings.RINGS.index(ring)
    counts = Counter()
    for individual in range(400):
        for which in (0, 1):
            states = rings.draw_specimen(17, 16 * individual + 2 * number + which).states
            for name in ring.varying:
                counts[which, name, states[name]] += 1
            seconds = [states[name] == rings.ATTRIBUTES[name].states[1] for name in ring.varying]
            for one in range(len(seconds)):
                for two in range(one):
                    counts[one, two] += seconds[one] == seconds[two]
    for name in ring.varying:
        first, second = rings.ATTRIBUTES[name].states
        for which in (0, 1):
            assert counts[which, name, first] + counts[which, name, second] == 400
            assert binomtest(counts[which, name, second], 400).pvalue > 1e-4, (which, name)
    for one in range(len(ring.varying)):
        for two in range(one):
            pair = ring.varying[one], ring.varying[two]
            assert binomtest(counts[one, two], 800).pvalue > 1e-4, pair


def test_purposes_have_numbers_of_their_own():
    specimen = rings.draw_specimen(1, 2)
    drawn = specimen.random("pose").random(5)
    np.testing.assert_array_equal(specimen.random("pose").random(5), drawn)
    for other in (
        specimen.random("light"),
        rings.draw_specimen(2, 2).random("pose"),
        rings.draw_specimen(1, 3).random("pose"),
        rings.draw_specimen(2, 1).random("pose"),
    ):
        assert not np.isin(other.random(5), drawn).any()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"seed": -1}, "--seed must be 0 or more, not -1"),
        ({"size": 63}, "--size must be from 64 to 2048, not 63"),
        ({"size": 2049}, "--size must be from 64 to 2048, not 2049"),
        ({"ring_count": 0}, "--rings must be from 1 to 8, not 0"),
        ({"ring_count": 9}, "--rings must be from 1 to 8, not 9"),
        ({"hard": -0.1}, "--hard must be from 0 to 1, not -0.1"),
        ({"hard": 1.1}, "--hard must be from 0 to 1, not 1.1"),
        ({"hard": float("nan")}, "--hard must be from 0 to 1, not nan"),
        ({"shortcut": "label"}, "--shortcut must be none, background, ruler, not 'label'"),
        ({"index": -1}, "the number of a specimen must be 0 or more, not -1"),
    ],
)
def test_numbers_out_of_range_are_refused(settings, words):
    with pytest.raises(UserError, match=words):
        rings.draw_specimen(**{"seed": 0, "index": 0, **settings})
