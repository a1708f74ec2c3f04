"""Many photographs: one figure and one file each, no name lost."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from intr_discover.explain.batch import distinct_names, explain_images


def test_files_of_each_photograph(explainer, tmp_path):
    paths = []
    for species in ("erato", "melpomene"):
        (tmp_path / species).mkdir()
        paths.append(tmp_path / species / "IMG_1.jpg")
        Image.fromarray(np.full((40, 40, 3), 90, dtype=np.uint8)).save(paths[-1])
    calls = []
    written = explain_images(
        explainer, paths, tmp_path / "out", context=["emma", "etylus"], max_heads=1,
        command=["intr-discover", "explain", "run"], progress=lambda *call: calls.append(call),
    )  # fmt: skip
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names.pop() == "provenance.json"
    assert names == [
        f"{species}_IMG_1.{ending}"
        for species in ("erato", "melpomene")
        for ending in ("npz", "pdf", "png")
    ]
    assert calls == [(1, 2), (2, 2)]
    assert np.load(written[0])["competing"].tolist() == ["emma", "etylus"]
    metadata = Image.open(tmp_path / "out" / "erato_IMG_1.png").text
    assert metadata["Model fingerprint"] == explainer.fingerprint
    assert metadata["Command"] == "intr-discover explain run"
    record = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert record["command"] == ["intr-discover", "explain", "run"] and record["explained"] == 2


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["/d/a.jpg", "/d/b.c.png"], ["a", "b.c"]),
        (["/d/x/a.jpg", "/d/y/a.jpg"], ["x_a", "y_a"]),
        (["/d/x/a.jpg", "/d/x/A.png"], ["0001_x_a", "0002_x_A"]),
        (["/d/a.jpg", "/d/a.jpg"], ["0001_d_a", "0002_d_a"]),
    ],
)
def test_names_by_hand(paths, names):
    assert distinct_names([Path(path) for path in paths]) == names


@given(st.lists(st.sampled_from(["/d/a.jpg", "/d/A.png", "/e/a.jpg", "/e/f/b.jpg", "/f/b.jpg"])))
def test_no_two_names_are_alike(paths):
    names = distinct_names([Path(path) for path in paths])
    assert len({name.lower() for name in names}) == len(paths)
