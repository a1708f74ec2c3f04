"""The effect of one edit: numbers worked out by hand, and a little model asked one by one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.edits.operation import Edit
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.studies.effect import (
    STRENGTHS,
    Effect,
    MapsBeside,
    Outcome,
    Trial,
    cells_covered,
    lead_of,
    measure_effect,
    passes,
    second_fill,
)
from tests.studies.drawn import tiny_explainer

ERASE, SURROUND = Edit("erase"), Edit("erase", "surround")


def effect_of(after, controls, second=None, second_controls=(), wanted=3, **more):
    """Return an effect with a lead of 2 (logits 3, 1, 0) before the edit."""
    outcomes = [Outcome(ERASE, np.array(after), np.array(controls).reshape(-1, 3))]
    if second is not None:
        table = np.array(second_controls).reshape(-1, 3)
        outcomes.append(Outcome(SURROUND, np.array(second), table))
    before = np.array([3.0, 1.0, 0.0])
    return Effect(["a", "b", "c"], before, tuple(outcomes), np.tile(before, (5, 1)), wanted, **more)


def test_the_effect_is_the_drop_of_the_lead_of_the_class_answered_before():
    effect = effect_of([1.0, 1.5, 0.0], [[3.0, 1.0, 0.0], [2.5, 1.0, 2.0], [0.0, 0.0, 1.0]])
    assert effect.lead == 2.0 and effect.answer == 0 and effect.after == 1 and effect.flipped
    assert effect.drop() == 2.5  # from 2 to −0.5
    np.testing.assert_allclose(effect.control_drops(), [0.0, 1.5, 3.0])
    np.testing.assert_array_equal(effect.control_flips(), [False, False, True])
    # One of three controls drops as much: (1 + 1) / (1 + 3).
    assert effect.p() == 0.5
    np.testing.assert_allclose(effect.probabilities.sum(axis=1), 1)


def test_a_control_with_exactly_the_same_effect_counts():
    effect = effect_of([1.0, 1.5, 0.0], [[1.0, 1.5, 0.0]] + 2 * [[3.0, 1.0, 0.0]])
    assert effect.p() == 0.5


@pytest.mark.parametrize("fitting", [0, 2])
def test_no_p_where_fewer_controls_fit_than_were_wanted(fitting):
    effect = effect_of([0.0, 1.0, 0.0], fitting * [[3.0, 1.0, 0.0]], wanted=3)
    assert math.isnan(effect.p()) and effect.confirmed is None


def test_an_effect_takes_two_fills_that_agree_beyond_their_controls():
    nothing = 20 * [[3.0, 1.0, 0.0]]
    gone, half = [0.0, 1.0, 0.0], [2.0, 1.0, 0.0]
    assert effect_of(gone, nothing, half, nothing, wanted=20).confirmed is True
    # The second fill does no more than one of its controls.
    upset = [half, *nothing[1:]]
    assert effect_of(gone, nothing, half, upset, wanted=20).confirmed is False
    # It raises the lead.
    assert effect_of(gone, nothing, [4.0, 1.0, 0.0], nothing, wanted=20).confirmed is False
    assert effect_of(gone, nothing, wanted=20).confirmed is None  # no second fill
    # With 18 controls no p can be 0.05 or less: nothing is to be said.
    few = nothing[:18]
    assert effect_of(gone, few, half, few, wanted=18).confirmed is None
    assert effect_of(gone, nothing[:19], half, nothing[:19], wanted=19).confirmed is True


def test_a_lead_that_nothing_moves_is_no_effect():
    same = 20 * [[3.0, 1.0, 0.0]]
    effect = effect_of([3.0, 1.0, 0.0], same, [3.0, 1.0, 0.0], same, wanted=20)
    assert effect.drop() == 0 and effect.p() == 1.0 and effect.confirmed is False


def test_maps_by_hand():
    before = [[0.5, 0.5], [0.0, 0.0]]
    after = [[0.0, 0.5], [0.5, 0.0]]
    maps = np.array([[before, before], [after, before]], dtype=np.float32)  # two heads
    covered = np.array([[1.0, 0.0], [0.5, 0.0]])
    beside = MapsBeside(maps, [0, 1], covered, 8, (16, 16))
    effect = effect_of([3.0, 1.0, 0.0], [], beside=beside)
    np.testing.assert_allclose(effect.map_change, [0.5, 0.0])
    np.testing.assert_allclose(effect.mass_inside, [[0.5, 0.5], [0.25, 0.5]])
    assert effect_of([3.0, 1.0, 0.0], []).map_change is None


def test_lead_of_tables_and_single_rows():
    np.testing.assert_allclose(lead_of([[1.0, 3.0, 2.0], [4.0, 0.0, 0.0]], 0), [-2.0, 4.0])
    assert float(lead_of([1.0, 3.0], 1)) == 2.0


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=6), st.floats(-100, 100))
def test_a_constant_added_to_all_logits_changes_no_lead(logits, constant):
    shifted = np.array(logits) + constant
    assert float(lead_of(shifted, 0)) == pytest.approx(float(lead_of(logits, 0)), abs=1e-9)


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (Edit("erase", feather=2), Edit("erase", "surround", feather=2)),
        (Edit("erase", "surround"), Edit("erase", "telea")),
        (Edit("erase", "colour", colour="#102030", strength=0.5), Edit("erase", strength=0.5)),
        (Edit("recolour", colour="#102030"),
         Edit("recolour", colour="#102030", lightness="keep")),
        (Edit("recolour", colour="#102030", lightness="keep"),
         Edit("recolour", colour="#102030", lightness="match")),
        (Edit("transplant"), Edit("transplant", "seamless")),
        (Edit("mirror"), None),
        (Edit("blur"), None),
        (Edit("recolour", degrees=30, fill="hue"), None),
    ],
)  # fmt: skip
def test_second_fills(edit, expected):
    assert second_fill(edit) == expected


def test_cells_covered_by_hand():
    # A photograph of 4 × 6 pixels, read as it is, in cells of 4: the last column reaches over.
    mask = np.zeros((4, 6), dtype=bool)
    mask[:2, 2:] = True
    found = cells_covered(mask, (4, 6), 4, (1, 2))
    np.testing.assert_allclose(found, [[4 / 16, 4 / 8]])
    # Read at half its size.
    np.testing.assert_allclose(cells_covered(mask, (2, 3), 2, (1, 2)), [[1 / 4, 1 / 2]])
    assert cells_covered(np.zeros((4, 6), bool), (4, 6), 4, (1, 2)).sum() == 0


# On a little model


def trial(count=3, edit=ERASE, shape=(40, 56)):
    generator = np.random.default_rng(1)
    photograph = generator.integers(0, 255, (*shape, 3), dtype=np.uint8)
    masks = np.zeros((count + 1, *shape), dtype=bool)
    for number, mask in enumerate(masks):
        mask[4 : 4 + 8, 12 * number : 12 * number + 8] = True
    return Trial(photograph, masks[0], edit, list(masks[1:]), count)


def test_every_picture_is_asked_about_in_its_place():
    explainer, one = tiny_explainer(["ant", "bee", "cat"]), trial()
    effect = measure_effect(explainer, one, batch_size=4)
    pictures = [
        one.photograph,
        *(ERASE.apply(one.photograph, m) for m in (one.mask, *one.controls)),
    ]
    pictures += [SURROUND.apply(one.photograph, m) for m in (one.mask, *one.controls)]
    pictures.append(Edit("erase", strength=0.25).apply(one.photograph, one.mask))
    expected = explainer.logits(pictures, batch_size=1)
    close = {"atol": 1e-4, "rtol": 0}
    np.testing.assert_allclose(effect.before, expected[0], **close)
    np.testing.assert_allclose(effect.outcomes[0].logits, expected[1], **close)
    np.testing.assert_allclose(effect.outcomes[0].control_logits, expected[2:5], **close)
    np.testing.assert_allclose(effect.outcomes[1].logits, expected[5], **close)
    np.testing.assert_allclose(effect.outcomes[1].control_logits, expected[6:9], **close)
    np.testing.assert_allclose(effect.doses[STRENGTHS.index(0.25)], expected[9], **close)
    np.testing.assert_array_equal(effect.doses[0], effect.before)
    np.testing.assert_array_equal(effect.doses[-1], effect.outcomes[0].logits)
    assert passes(3, ERASE) == len(pictures) + 2  # and strengths 0.5 and 0.75
    assert passes(3, Edit("mirror")) == 1 + 4 + 3


def test_maps_are_those_of_the_class_answered_before():
    explainer, one = tiny_explainer(["ant", "bee", "cat"]), trial()
    effect = measure_effect(explainer, one, batch_size=1)
    label = effect.classes[effect.answer]
    for when, picture in enumerate([one.photograph, ERASE.apply(one.photograph, one.mask)]):
        maps = explainer.explain(picture, [label]).maps[0]
        np.testing.assert_allclose(effect.maps[when], maps, atol=1e-5)
    assert (effect.mass_inside >= 0).all() and (effect.mass_inside <= 1 + 1e-6).all()


def test_batches_do_not_change_the_numbers():
    explainer = tiny_explainer(["ant", "bee"])
    small, large = (measure_effect(explainer, trial(), batch_size=size) for size in (1, 64))
    np.testing.assert_allclose(small.control_drops(1), large.control_drops(1), atol=1e-5)
    np.testing.assert_allclose(small.maps, large.maps, atol=1e-6)


def test_strengths_are_shares_of_the_edits_own():
    explainer = tiny_explainer(["ant", "bee"])
    half = measure_effect(explainer, trial(edit=Edit("erase", strength=0.5)))
    whole = measure_effect(explainer, trial())
    np.testing.assert_allclose(half.doses[4], whole.doses[2], atol=1e-5)


def test_a_plain_classifier_has_effects_and_no_maps():
    torch.manual_seed(0)
    model = PlainClassifier(PlainConfig(num_classes=2, backbone="resnet18"))
    plain = Explainer(model, ["ant", "bee"], Preprocessing(32, "shorter", 64), device="cpu")
    effect = measure_effect(plain, trial())
    assert effect.maps is None and effect.mass_inside is None
    assert len(effect.control_drops()) == 3


def test_logits_that_are_no_numbers_are_refused():
    explainer = tiny_explainer(["ant", "bee"])
    nn.init.constant_(explainer.model.presence.bias, math.nan)
    with pytest.raises(UserError, match="no numbers"):
        measure_effect(explainer, trial())
