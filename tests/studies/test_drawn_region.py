"""Regions from pictures and polygons, and what is said of those that cannot be read."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from intr_discover.errors import UserError
from intr_discover.studies.drawn_region import read_region

SHAPE = (6, 9)
BOX = [[2, 1], [4, 1], [4, 3], [2, 3]]  # x 2 to 4, y 1 to 3, edges included
OTHER = [[6, 4], [7, 4], [7, 5], [6, 5]]


def written(tmp_path, content):
    path = tmp_path / "trait.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def box(*places):
    mask = np.zeros(SHAPE, dtype=bool)
    for rows, columns in places:
        mask[rows, columns] = True
    return mask


FIRST, SECOND = (slice(1, 4), slice(2, 5)), (slice(4, 6), slice(6, 8))


def labelme(*shapes, **about):
    return {"shapes": [{"shape_type": "polygon", **shape} for shape in shapes], **about}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (BOX, box(FIRST)),
        ([BOX], box(FIRST)),
        ([BOX, OTHER], box(FIRST, SECOND)),
        (labelme({"points": BOX}, {"points": OTHER}), box(FIRST, SECOND)),
        (labelme({"points": BOX}, imageHeight=6, imageWidth=9), box(FIRST)),
        ([[-5, -5], [1, -5], [1, 1], [-5, 1]], box((slice(0, 2), slice(0, 2)))),  # cut off
    ],
)
def test_polygons_are_filled_with_their_edges(tmp_path, content, expected):
    assert np.array_equal(read_region(written(tmp_path, content), SHAPE), expected)


def test_a_picture_is_bright_where_the_region_is(tmp_path):
    pixels = np.zeros(SHAPE, dtype=np.uint8)
    pixels[FIRST] = 255
    Image.fromarray(pixels).save(tmp_path / "trait.png")
    assert np.array_equal(read_region(tmp_path / "trait.png", SHAPE), box(FIRST))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "is no JSON"),
        ("", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ([], "holds no polygon"),
        ({}, "holds no polygon"),
        (7, "holds no polygon"),
        ({"shapes": []}, "holds no polygon"),
        ([[1, 1], [2, 2]], "polygon 1: a polygon needs at least three corners"),
        ([BOX, [[1, 1], [2, 2]]], "polygon 2: a polygon needs at least three corners"),
        ([[1, 1], [2, 2], [3]], "polygon 1 cannot be read"),
        ([["a", 1], [2, 2], [3, 1]], "polygon 1 cannot be read"),
        ([[None, 1], [2, 2], [3, 1]], "a coordinate that is no number"),
        ("[[NaN, 1], [2, 2], [3, 1]]", "a coordinate that is no number"),
        ([[{}, 1], [2, 2], [3, 1]], "polygon 1 cannot be read"),
        ([[50, 50], [60, 50], [60, 60]], "polygon 1"),
        (labelme({"points": BOX}, imageHeight=60, imageWidth=90), "drawn on 90 x 60 pixels"),
        (labelme({"points": BOX, "shape_type": "circle"}), "shape 1 is no polygon"),
        (labelme({"label": "spot"}), "shape 1 is no polygon"),
        ({"shapes": ["spot"]}, "shape 1 is no polygon"),
    ],
)
def test_what_is_no_polygon_is_said_in_one_line(tmp_path, content, message):
    with pytest.raises(UserError) as raised:
        read_region(written(tmp_path, content), SHAPE)
    said = str(raised.value)
    assert message in said and "trait.json" in said and "\n" not in said


def test_a_file_that_is_not_there_is_said(tmp_path):
    for name in ("absent.json", "absent.png"):
        with pytest.raises(UserError, match=name):
            read_region(tmp_path / name, SHAPE)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00\x9f")
    with pytest.raises(UserError, match="is no JSON"):
        read_region(tmp_path / "binary.json", SHAPE)
