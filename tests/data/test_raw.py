"""Raw photographs: a DNG drawn pixel by pixel behind a colour filter, and what is none."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
import tifffile

from intr_discover.data import decoding
from intr_discover.data.images import ImageError, read_image, upright_shape
from intr_discover.data.specimens import Specimens

RATIONAL, SIGNED_RATIONAL, BYTES, SHORT, LONG, TEXT = 5, 10, 1, 3, 4, 2


def write_dng(path, *, orientation=1):
    """Write 64 x 48 pixels, left half red, right half blue, as a sensor behind RGGB filters."""
    mosaic = np.zeros((48, 64), np.uint16)
    mosaic[0::2, 0:32:2] = 40_000  # red filters of the left half
    mosaic[1::2, 33::2] = 40_000  # blue ones of the right half
    to_camera = np.array(
        [3.2406, -1.5372, -0.4986, -0.9689, 1.8758, 0.0415, 0.0557, -0.2040, 1.0570]
    )
    matrix = [int(n) for value in to_camera for n in (round(value * 10_000), 10_000)]
    tifffile.imwrite(
        path, mosaic, photometric=32803, software="drawn", metadata=None,
        extratags=[
            (274, SHORT, 1, orientation, True),
            (33421, SHORT, 2, (2, 2), True),  # the filters repeat every 2 x 2 pixels
            (33422, BYTES, 4, bytes([0, 1, 1, 2]), True),
            (50706, BYTES, 4, bytes([1, 4, 0, 0]), True),
            (50708, TEXT, 6, "drawn", True),
            (50717, LONG, 1, 40_000, True),  # white
            (50721, SIGNED_RATIONAL, 9, matrix, True),  # from XYZ: a camera that sees sRGB
            (50728, RATIONAL, 3, [1, 1, 1, 1, 1, 1], True),
            (50778, SHORT, 1, 21, True),  # daylight, D65
        ],
    )  # fmt: skip
    return path


def is_colour(pixels, colour):
    return bool(np.abs(np.median(pixels, axis=(0, 1)) - colour).max() < 40)


@pytest.mark.parametrize("name", ["a.dng", "A.DNG", "called.tif"])
def test_it_is_developed_and_no_thumbnail(name, tmp_path):
    pixels = read_image(write_dng(tmp_path / name)).astype(int)
    assert pixels.shape == (48, 64, 3)
    assert is_colour(pixels[4:-4, 4:24], [255, 0, 0])
    assert is_colour(pixels[4:-4, 40:60], [0, 0, 255])


def test_it_stands_upright(tmp_path):
    path = write_dng(tmp_path / "a.dng", orientation=6)  # 90 degrees clockwise: left comes on top
    pixels = read_image(path).astype(int)
    assert pixels.shape == (64, 48, 3) and upright_shape(path) == (64, 48)
    assert is_colour(pixels[4:24, 4:-4], [255, 0, 0])


def test_a_folder_of_them_is_a_collection(tmp_path):
    for label in ("ant", "bee"):
        (tmp_path / label).mkdir()
        write_dng(tmp_path / label / "a.dng")
    assert Specimens.read(tmp_path).classes == ["ant", "bee"]


def test_its_bytes_are_read_as_well(tmp_path):
    path = write_dng(tmp_path / "a.dng")
    developed = decoding.develop(io.BytesIO(path.read_bytes()), decoding.MAX_PIXELS)
    assert (np.asarray(developed) == read_image(path)).all()


@pytest.mark.parametrize("content", [b"", b"no photograph", bytes(5000)])
def test_what_is_no_raw_photograph_is_said_in_a_line(content, tmp_path):
    (tmp_path / "a.nef").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.nef"):
        read_image(tmp_path / "a.nef")


def test_cut_short(tmp_path):
    path = write_dng(tmp_path / "a.dng")
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ImageError, match=r"a\.dng"):
        read_image(path)


def test_one_of_too_many_pixels_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 1000)
    path = shutil.copy(write_dng(tmp_path / "a.dng"), tmp_path / "b.dng")
    with pytest.raises(ImageError, match="make it smaller"):
        read_image(path)
