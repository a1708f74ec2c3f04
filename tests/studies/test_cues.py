"""Cues: what is measured beside the specimen, and which columns are cues."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from intr_discover.studies.cues import (
    PICTURE_CUES,
    groups_of,
    metadata_cues,
    picture_cues,
    picture_features,
)

GREY_LIGHTNESS = 100 * 1.16 * ((100 / 255 + 0.055) / 1.055) ** (2.4 / 3) - 16  # L* of grey 100


def picture(height=60, width=80, ground=100, specimen=20):
    pixels = np.full((height, width, 3), ground, np.uint8)
    mask = np.zeros((height, width), bool)
    mask[20:40, 25:55] = True
    pixels[mask] = specimen
    return pixels, mask


def test_an_even_grey_ground_by_hand():
    pixels, mask = picture()
    found = picture_features(pixels, mask)
    assert set(found) == set(PICTURE_CUES)
    np.testing.assert_allclose(found["background_colour"], [GREY_LIGHTNESS, 0, 0], atol=0.2)
    np.testing.assert_allclose(found["background_brightness"], [GREY_LIGHTNESS], atol=0.2)
    np.testing.assert_allclose(found["border_colour"], [GREY_LIGHTNESS, 0, 0], atol=0.2)
    np.testing.assert_allclose(found["background_evenness"], [0, 0, 0, math.log(0.1)], atol=1e-3)
    np.testing.assert_allclose(found["picture_size"], np.log([80, 60]))
    assert found["aspect"] == pytest.approx(math.log(4 / 3))
    np.testing.assert_allclose(found["layout"], [0] * 36 + [math.log(0.1)] * 36, atol=1e-3)


def test_the_specimen_does_not_count():
    dark, mask = picture(specimen=0)
    light, _ = picture(specimen=255)
    first, second = picture_features(dark, mask), picture_features(light, mask)
    for name in PICTURE_CUES:
        np.testing.assert_array_equal(first[name], second[name])


def test_a_ruler_changes_the_layout_where_it_lies():
    pixels, mask = picture()
    plain = picture_features(pixels, mask)["layout"]
    pixels[2:6, 20:60] = 240
    changed = np.abs(picture_features(pixels, mask)["layout"] - plain).reshape(2, 6, 6)
    assert changed[0, 0, 2] > 0.3 and changed[1, 0, 2] > 1
    assert changed[0, 1:].max() < 1e-6 and changed[1, 5].max() < 1e-6


def test_sizes_are_those_of_the_original():
    pixels, mask = picture()
    found = picture_features(pixels, mask, (600, 1200))
    np.testing.assert_allclose(found["picture_size"], np.log([1200, 600]))
    assert found["aspect"] == pytest.approx(math.log(2))


def test_a_picture_that_is_all_specimen_stands_at_the_mean():
    pixels, mask = picture()
    other, _ = picture(ground=200)
    known = [picture_features(pixels, mask), picture_features(other, mask)]
    unknown = picture_features(pixels, np.ones_like(mask))
    assert np.isnan(unknown["background_colour"]).all()
    cues = {cue.name: cue for cue in picture_cues([*known, unknown])}
    values = cues["background_colour"].values
    np.testing.assert_allclose(values[2], values[:2].mean(axis=0))
    assert cues["aspect"].constant and not cues["background_colour"].constant


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (700, 300)])
def test_odd_sizes(shape):
    pixels = np.random.default_rng(0).integers(0, 255, (*shape, 3), dtype=np.uint8)
    mask = np.zeros(shape, bool)
    if min(shape) == 1:
        assert np.isnan(picture_features(pixels, ~mask)["layout"]).all()
    else:
        assert np.isfinite(picture_features(pixels, mask)["layout"]).all()


def table(**columns):
    count = len(next(iter(columns.values())))
    images = [f"{number}.png" for number in range(count)]
    return pd.DataFrame({"image": images, "label": ["a"] * count, **columns})


def test_which_columns_are_cues():
    count = 24
    given = table(
        camera=["x", "y"] * 12,
        year=np.arange(1990, 1990 + count),
        catalogue=[f"no {number}" for number in range(count)],
        Species_name=["e", "m"] * 12,
        museum=["London"] * count,
        sex=[0, 1] * 12,
        note=[None] * (count - 2) + ["torn", "worn"],
        collector=["Bates", None, "Mueller", None] * 6,
    )
    cues, reasons = metadata_cues(given, leave_out=["sex"])
    found = {cue.name: cue for cue in cues}
    assert set(found) == {"camera", "year", "collector"}
    assert reasons == {
        "catalogue": "nearly every photograph has its own value",
        "Species_name": "names the species",
        "museum": "the same for all photographs",
        "sex": "left out as asked",
        "note": "nearly every photograph has its own value",
    }
    assert found["camera"].categories and not found["year"].categories
    assert len(np.unique(found["collector"].values)) == 3  # what is missing is one of its own
    assert found["year"].values.mean() == pytest.approx(0)
    assert set(groups_of(given, ["sex"])) == {"camera", "collector"}


def test_missing_numbers_count_as_missing():
    numbers = [*np.arange(12.0), math.nan, math.nan]
    (cue,), _ = metadata_cues(table(latitude=numbers))
    assert cue.values.shape == (14, 2)
    assert cue.values[:12, 1].max() == 0 and cue.values[12:, 1].min() > 0
    np.testing.assert_allclose(cue.values[12, 0], (5.5 - cue_mean(numbers)) / cue_std(numbers))


def cue_mean(numbers):
    return np.where(np.isnan(numbers), 5.5, numbers).mean()


def cue_std(numbers):
    return np.where(np.isnan(numbers), 5.5, numbers).std()
