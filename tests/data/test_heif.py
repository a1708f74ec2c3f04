"""HEIC photographs: turned once, and a line where one is cut short.

The two files are drawn, 40 x 20 pixels with a red left half, and written as phones do: where one is
turned, both its own box (irot) and EXIF say so.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from intr_discover.data.images import ImageError, read_image, upright_shape
from intr_discover.data.specimens import Specimens

DRAWN = Path(__file__).parent / "heic"
NEAR = 12  # HEVC is lossy


def test_a_turned_photograph_is_turned_once():
    path = DRAWN / "turned.heic"
    assert b"irot" in path.read_bytes() and b"Exif" in path.read_bytes()
    upright = read_image(path).astype(int)  # 90 degrees clockwise: left comes to the top
    assert upright.shape == (40, 20, 3)
    assert upright_shape(path) == (40, 20)
    assert np.abs(upright[2] - [255, 0, 0]).max() < NEAR
    assert np.abs(upright[-3]).max() < NEAR


def test_an_upright_photograph_stays():
    upright = read_image(DRAWN / "upright.heic").astype(int)
    assert upright.shape == (20, 40, 3)
    assert np.abs(upright[:, 2] - [255, 0, 0]).max() < NEAR


def test_a_folder_of_them_is_a_collection(tmp_path):
    for label in ("ant", "bee"):
        (tmp_path / label).mkdir()
        shutil.copy(DRAWN / "upright.heic", tmp_path / label / "a.HEIC")
    assert Specimens.read(tmp_path).classes == ["ant", "bee"]


@pytest.mark.parametrize("kept", [-50, 40])
def test_cut_short(kept, tmp_path):
    path = tmp_path / "a.heic"
    path.write_bytes((DRAWN / "upright.heic").read_bytes()[:kept])
    with pytest.raises(ImageError, match=r"a\.heic"):
        read_image(path)
