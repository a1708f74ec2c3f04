"""One edit as data: what it promises whatever the operation, what it refuses, how it is written."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from intr_discover.edits.blending import soft_edge
from intr_discover.edits.erase import erase
from intr_discover.edits.mirror import mirror
from intr_discover.edits.operation import OPERATIONS, Edit
from intr_discover.edits.recolour import match_donor, recolour, shift_hue
from intr_discover.edits.symmetry import Axis, axis_from_mask
from intr_discover.edits.transplant import transplant
from intr_discover.errors import UserError

EVERY = [(operation, fill) for operation, fills in OPERATIONS.items() for fill in fills]
FROM_AROUND = ("telea", "navier-stokes", "biharmonic", "surround", "background")
VALUES = {"colour": "#d62728", "degrees": 100.0}


def noisy(shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def make(operation, fill, **amounts):
    needed = {name: VALUES[name] for name in OPERATIONS[operation][fill].needed if name in VALUES}
    return Edit(operation, fill, **needed, **amounts)


def pictures(edit, shape):
    """Return what an edit takes beside photograph and mask."""
    height, width = shape[:2]
    layer = noisy((height, width, 4), 1)
    layer[..., 3] |= 1  # painted everywhere
    donor_mask = np.zeros((8, 9))
    donor_mask[2:7, 3:6] = 1
    all_of_them = {
        "donor": noisy((8, 9, 3), 2), "donor_mask": donor_mask, "layer": layer,
        "axis": Axis((width - 1) / 2, 0), "background": np.ones((height, width)),
        "specimen": np.ones((height, width)),
    }  # fmt: skip
    taken = {name: all_of_them[name] for name in edit.takes}
    if "axis" in taken:
        del taken["specimen"]
    return taken


def refused(make, *given, **named):
    with pytest.raises(UserError) as caught:
        make(*given, **named)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(("operation", "fill"), EVERY)
@settings(deadline=None, max_examples=12)
@given(
    photograph=arrays(np.uint8, st.sampled_from([(9, 12), (9, 12, 3), (9, 12, 4), (13, 7, 3)])),
    corner=st.tuples(st.integers(0, 5), st.integers(0, 3)),
    feather=st.sampled_from([0.0, 1.0, 2.5]),
    strength=st.floats(0, 1),
)
def test_what_every_edit_keeps(operation, fill, photograph, corner, feather, strength):
    """Shape, type, alpha, everything outside mask and feather; the input; and strength's range."""
    if operation == "recolour" and photograph.ndim == 2:
        return
    mask = np.zeros(photograph.shape[:2], dtype=np.uint8)
    mask[corner[0] : corner[0] + 3, corner[1] : corner[1] + 3] = 255
    edit = make(operation, fill, feather=feather, strength=strength)
    given_besides = pictures(edit, photograph.shape)
    inputs = [photograph, mask, *given_besides.values()]
    before = [value.copy() if isinstance(value, np.ndarray) else value for value in inputs]

    result = edit.apply(photograph, mask, **given_besides)

    assert result.shape == photograph.shape and result.dtype == np.uint8
    assert not np.shares_memory(result, photograph)
    outside = soft_edge(mask > 0, feather) == 0
    assert np.array_equal(result[outside], photograph[outside])
    if photograph.ndim == 3 and photograph.shape[2] == 4:
        assert np.array_equal(result[..., 3], photograph[..., 3])
    for value, copy in zip(inputs, before, strict=True):
        assert np.array_equal(value, copy) if isinstance(copy, np.ndarray) else value == copy
    assert np.array_equal(result, edit.apply(photograph, mask, **given_besides))
    # Within rounding, each value lies between the old one and that at full strength.
    whole = make(operation, fill, feather=feather).apply(photograph, mask, **given_besides)
    expected = photograph + strength * (whole.astype(float) - photograph)
    assert np.abs(result - expected).max() <= 1


@pytest.mark.parametrize(("operation", "fill"), EVERY)
@pytest.mark.parametrize("shape", [(9, 12, 3), (1, 1, 3), (1, 7, 3), (6, 1, 4)])
def test_strength_0_and_an_empty_mask_leave_every_byte(operation, fill, shape):
    photograph = noisy(shape)
    for edit, mask in (
        (make(operation, fill, strength=0), np.ones(shape[:2])),
        (make(operation, fill, feather=3), np.zeros(shape[:2])),
    ):
        result = edit.apply(photograph, mask, **pictures(edit, shape))
        assert np.array_equal(result, photograph)
        assert not np.shares_memory(result, photograph)


@pytest.mark.parametrize(("operation", "fill"), EVERY)
@pytest.mark.parametrize("shape", [(9, 12, 3), (1, 1, 3), (1, 7, 3), (6, 1, 4)])
def test_a_full_mask_works_or_is_refused_in_one_line(operation, fill, shape):
    edit = make(operation, fill, feather=2)
    given_besides = pictures(edit, shape)
    if fill in FROM_AROUND:
        message = refused(edit.apply, noisy(shape), np.ones(shape[:2]), **given_besides)
        assert "covers the whole" in message
    else:
        assert edit.apply(noisy(shape), np.ones(shape[:2]), **given_besides).shape == shape


@pytest.mark.parametrize(("operation", "fill"), EVERY)
@pytest.mark.parametrize("shape", [(1, 9, 3), (9, 1, 3), (2, 2, 3)])
def test_one_pixel_of_a_narrow_picture(operation, fill, shape):
    edit = make(operation, fill)
    mask = np.zeros(shape[:2])
    mask.flat[1] = 1
    result = edit.apply(noisy(shape), mask, **pictures(edit, shape))
    changed = (result != noisy(shape)).any(axis=2)
    assert not (changed & (mask == 0)).any()


@pytest.mark.parametrize(("operation", "fill"), EVERY)
def test_masks_of_every_kind_mean_the_same(operation, fill):
    photograph, mask = noisy((9, 12, 3)), np.zeros((9, 12), dtype=bool)
    mask[3:6, 2:5] = True
    edit = make(operation, fill, feather=2)
    given_besides = pictures(edit, photograph.shape)
    expected = edit.apply(photograph, mask, **given_besides)
    assert not np.array_equal(expected, photograph)
    for same in (255 * mask.astype(np.uint8), mask.astype(int), mask * 0.2, mask * 77):
        assert np.array_equal(edit.apply(photograph, same, **given_besides), expected)


@pytest.mark.parametrize(("operation", "fill"), EVERY)
@pytest.mark.parametrize(
    ("photograph", "mask", "words"),
    [
        (noisy((9, 12, 3)).astype(np.uint16) * 257, np.ones((9, 12)), "of uint16"),
        (noisy((9, 12, 3)), np.ones((12, 9)), "must have the size of its picture"),
        (noisy((9, 12, 3)), np.full((9, 12), np.nan), "NaN"),
        (noisy((9, 12, 2)), np.ones((9, 12)), "[9, 12, 2] of uint8"),
        (noisy((0, 12, 3)), np.ones((0, 12)), "no pixel"),
    ],
)
def test_what_no_edit_takes(operation, fill, photograph, mask, words):
    edit = make(operation, fill)
    given_besides = pictures(edit, (9, 12))
    assert words in refused(edit.apply, photograph, mask, **given_besides)


def test_each_operation_is_the_function_of_its_name():
    photograph, mask, donor = noisy((20, 24, 3)), np.zeros((20, 24)), noisy((8, 9, 3), 2)
    mask[5:9, 3:9] = 1
    donor_mask, specimen = np.zeros((8, 9)), np.zeros((20, 24))
    donor_mask[2:7, 3:6] = specimen[2:18, 2:22] = 1
    amounts = {"feather": 2.0, "strength": 0.7}
    pairs = [
        (Edit("erase", **amounts).apply(photograph, mask),
         erase(photograph, mask, **amounts)),
        (Edit("erase", "navier-stokes", radius=5, **amounts).apply(photograph, mask),
         erase(photograph, mask, method="navier-stokes", radius=5, **amounts)),
        (Edit("erase", "background", **amounts).apply(photograph, mask, background=1 - specimen),
         erase(photograph, mask, method="background", background=1 - specimen, **amounts)),
        (Edit("blur", radius=3, **amounts).apply(photograph, mask),
         erase(photograph, mask, method="blur", radius=3, **amounts)),
        (Edit("recolour", colour="#0af", lightness="keep", **amounts).apply(photograph, mask),
         recolour(photograph, mask, (0, 170, 255), lightness="keep", **amounts)),
        (Edit("recolour", "hue", degrees=50, **amounts).apply(photograph, mask),
         shift_hue(photograph, mask, 50, **amounts)),
        (Edit("recolour", "donor", **amounts).apply(photograph, mask, donor, donor_mask),
         match_donor(photograph, mask, donor, donor_mask, **amounts)),
        (Edit("transplant", "seamless", mirrored=True, rest="keep", **amounts)
         .apply(photograph, mask, donor, donor_mask),
         transplant(photograph, mask, donor, donor_mask, seam="seamless", mirrored=True,
                    rest="keep", **amounts)),
        (Edit("mirror", **amounts).apply(photograph, mask, specimen=specimen),
         mirror(photograph, mask, axis_from_mask(specimen), **amounts)),
    ]  # fmt: skip
    for found, expected in pairs:
        assert np.array_equal(found, expected)
    assert len({found.tobytes() for found, _ in pairs}) == len(pairs)


def test_paint_does_without_a_mask():
    layer = np.zeros((9, 12, 4), np.uint8)
    layer[2, 3] = (1, 2, 3, 255)
    result = Edit("paint").apply(noisy((9, 12, 3)), None, layer=layer)
    assert result[2, 3].tolist() == [1, 2, 3]
    assert (result != noisy((9, 12, 3))).any(axis=2).sum() == 1


@pytest.mark.parametrize(("operation", "fill"), EVERY)
def test_an_edit_survives_being_written_down(operation, fill):
    edit = make(operation, fill, feather=2, strength=0.25)
    written = json.loads(json.dumps(edit.as_dict()))
    assert Edit.from_dict(written) == edit
    assert {"operation", "fill", "feather", "strength"} <= set(written)


def test_numbers_of_numpy_are_numbers():
    edit = Edit("blur", radius=np.int64(3), feather=np.float32(1.5), strength=1)
    assert json.loads(json.dumps(edit.as_dict())) == {
        "operation": "blur", "fill": "gaussian", "radius": 3, "feather": 1.5, "strength": 1
    }  # fmt: skip


def test_what_is_written_by_hand():
    edit = Edit("transplant", mirrored=True)
    assert edit.as_dict() == {
        "operation": "transplant", "fill": "plain", "mirrored": True, "feather": 0.0,
        "strength": 1.0,
    }  # fmt: skip
    assert edit.name == "transplant (plain)"
    assert Edit("recolour", colour="#FA0").as_dict()["colour"] == "#ffaa00"
    assert Edit("recolour", colour="#FA0") == Edit("recolour", "colour", colour="ffaa00")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"operation": "remove"}, "no operation 'remove': use erase, recolour, transplant, blur, "),
        ({"operation": "erase", "fill": "magic"}, "erase has no fill 'magic': use telea, "),
        ({"operation": "blur", "fill": "telea"}, "use gaussian"),
        ({"operation": "erase", "colour": "#fff"}, "erase (telea) takes no 'colour': it takes "),
        ({"operation": "erase", "mirrored": False}, "takes no 'mirrored'"),
        ({"operation": "erase", "fill": "colour"}, "needs a value for 'colour'"),
        ({"operation": "recolour"}, "recolour (colour) needs a value for 'colour'"),
        ({"operation": "recolour", "fill": "hue"}, "needs a value for 'degrees'"),
        ({"operation": "recolour", "colour": "red"}, "'red' is no colour"),
        ({"operation": "recolour", "colour": "#fff", "lightness": "less"}, "match or keep"),
        ({"operation": "recolour", "fill": "hue", "degrees": float("nan")}, "hue shift is nan"),
        ({"operation": "transplant", "rest": "lose"}, "use donor or keep"),
        ({"operation": "transplant", "mirrored": "yes"}, "must be true or false, not 'yes'"),
        ({"operation": "erase", "radius": -1}, "radius is -1"),
        ({"operation": "blur", "radius": 0}, "radius is 0"),
        ({"operation": "erase", "radius": "3"}, "'radius' of an edit must be a number, not '3'"),
        ({"operation": "erase", "feather": None}, "'feather' of an edit must be a number"),
        ({"operation": "erase", "strength": True}, "'strength' of an edit must be a number"),
        ({"operation": 3}, "no operation '3'"),
        ({"operation": "erase", "feather": -2}, "feather is -2"),
        ({"operation": "erase", "strength": 1.5}, "strength is 1.5"),
        ({"operation": "erase", "size": 3}, "no parameter 'size': use operation, fill, colour, "),
        ({"fill": "telea"}, "names no operation: use erase"),
    ],
)
def test_what_is_no_edit_is_refused_when_it_is_made(values, words):
    assert words in refused(Edit.from_dict, values)


@pytest.mark.parametrize(
    ("edit", "given_besides", "words"),
    [
        (Edit("transplant"), {}, "transplant (plain) needs a donor"),
        (Edit("transplant"), {"donor": noisy((8, 9, 3))}, "needs a donor mask"),
        (Edit("recolour", "donor"), {}, "recolour (donor) needs a donor"),
        (Edit("paint"), {}, "paint (layer) needs a layer"),
        (Edit("mirror"), {}, "the specimen's mask, or its axis"),
        (Edit("mirror"), {"specimen": np.zeros((9, 12))}, "specimen mask is empty"),
        (Edit("mirror"), {"specimen": np.zeros((2, 2))}, "the specimen mask is [2, 2]"),
        (Edit("erase"), {"donor": noisy((8, 9, 3))}, "erase (telea) takes no donor"),
        (Edit("erase"), {"background": np.ones((9, 12))}, "takes no background"),
    ],
)
def test_what_is_missing_or_given_in_vain(edit, given_besides, words):
    assert words in refused(edit.apply, noisy((9, 12, 3)), np.ones((9, 12)), **given_besides)


def test_only_paint_does_without_a_mask():
    assert "erase needs a mask" in refused(Edit("erase").apply, noisy((9, 12, 3)), None)


def test_a_grey_picture_is_not_recoloured():
    edit = Edit("recolour", colour="#fff")
    assert "convert it to RGB" in refused(edit.apply, noisy((9, 12)), np.ones((9, 12)))
