"""Landmarks of tpsDig: read, turned upside down, found among the photographs."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from intr_discover.cli import app
from intr_discover.data.landmarks_tps import read_tps, tps_keypoints
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError

TPS = (
    "LM=2\r\n10.0 5.0\r\n-1 -1\r\nCURVES=1\r\nPOINTS=2\r\n0 0\r\n40 30\r\n"
    "OUTLINES=1\r\nPOINTS=1\r\n1 1\r\nIMAGE=C:\\scans\\A.TIF\r\nID=0\r\nSCALE=0.01\r\n\r\n"
    "LM=2\r\nNaN NaN\r\n3 20.5\r\nID=b\r\n"
    "lm=2\r\n1 1\r\n2 2\r\nIMAGE=gone.jpg\r\n"
)


@pytest.fixture
def drawer(tmp_path: Path) -> Path:
    for name in ("erato/a.png", "melpomene/b.png"):
        (tmp_path / "d" / name).parent.mkdir(parents=True)
        Image.new("RGB", (40, 30), "white").save(tmp_path / "d" / name)
    (tmp_path / "l.tps").write_bytes(TPS.encode())
    return tmp_path


def test_values_by_hand(drawer: Path) -> None:
    table, remarks = tps_keypoints(drawer / "l.tps", Specimens.read(drawer / "d"), ["apex", "base"])
    a, b = "erato/a.png", "melpomene/b.png"  # both 40 wide and 30 high: y = 30 − y
    expected = pd.DataFrame(
        [(a, "apex", 10, 25), (a, "base", math.nan, math.nan), (a, "curve_1_1", 0, 30),
         (a, "curve_1_2", 40, 0), (b, "apex", math.nan, math.nan), (b, "base", 3, 9.5)],
        columns=["image", "keypoint", "x", "y"],
    )  # fmt: skip
    pd.testing.assert_frame_equal(table, expected, check_dtype=False)
    assert remarks == [
        f"2 of 3 specimens of {drawer / 'l.tps'} found their photograph",
        "1 without a photograph: gone.jpg",
    ]


def test_height_of_a_turned_photograph_is_that_of_the_upright_one(drawer: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (40, 30)).save(drawer / "d/erato/a.png", exif=exif)
    (drawer / "l.tps").write_text("LM=1\n2 38\nIMAGE=a.png\n")
    table, remarks = tps_keypoints(drawer / "l.tps", Specimens.read(drawer / "d"))
    assert table.to_numpy().tolist() == [["erato/a.png", "landmark_1", 2, 2]]
    assert remarks[1] == "1 photographs without landmarks: melpomene/b.png"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("LM3=1\n1 2 3\n", "line 1: LM3= are landmarks in three dimensions"),
        ("LM=2\n1 2\nIMAGE=a.png\n", "line 3: two numbers x y are needed, point 2 of 2"),
        ("LM=1\n1 2 3\n", "line 2: two numbers"),
        ("LM=999999999999\n1 2\n", "line 3: two numbers"),
        ("LM=x\n", "no number of points"),
        ("IMAGE=a.png\n", "stands before the first LM="),
        ("LM=1\n1 2\n3 4\n", "line 3: '3 4' stands where"),
        ("", "holds no specimen"),
        ("LM=1\n1 2\n", "neither IMAGE= nor ID="),
        ("LM=1\n1 31\nIMAGE=a.png\n", "lies outside erato/a.png of 40 x 30"),
        ("LM=1\n1 2\nIMAGE=a.png\nLM=1\n1 2\nID=a\n", "has landmarks from line 1 already"),
        ("LM=1\n1 2\nIMAGE=a.png\nLM=0\nID=b\n", "0 landmarks, but 1 names"),
        ("LM=1\n1 2\nIMAGE=z.png\n", "names no photograph of the collection: z.png"),
    ],
)
def test_mistakes(drawer: Path, text: str, says: str) -> None:
    (drawer / "l.tps").write_text(text)
    with pytest.raises(UserError, match=says):
        tps_keypoints(drawer / "l.tps", Specimens.read(drawer / "d"))


def test_two_photographs_of_one_name(drawer: Path) -> None:
    (drawer / "d/erato/a.png").rename(drawer / "d/erato/b.png")
    with pytest.raises(UserError, match=r"'b' may be erato/b\.png, melpomene/b\.png"):
        tps_keypoints(drawer / "l.tps", Specimens.read(drawer / "d"))


def test_the_command_writes_what_the_collection_reads(drawer: Path) -> None:
    assert len(read_tps(drawer / "l.tps")) == 3
    out = drawer / "out" / "specimens.csv"
    command = ["specimens", str(drawer / "d"), "--landmarks", str(drawer / "l.tps")]
    command += ["--landmark-names", "apex, base"]
    assert "give --out too" in str(CliRunner().invoke(app, command).exception)
    out.parent.mkdir()
    result = CliRunner().invoke(app, [*command, "--out", str(out)], catch_exceptions=False)
    assert result.exit_code == 0
    points = Specimens.read(out).keypoints
    assert points is not None
    assert points.loc[5].tolist() == ["../d/melpomene/b.png", "base", 3, 9.5]
    again = CliRunner().invoke(app, [*command, "--out", str(out)])
    assert "is there already" in str(again.exception)
    assert CliRunner().invoke(app, [*command, "--out", str(out), "--overwrite"]).exit_code == 0
