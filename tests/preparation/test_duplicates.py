"""Copies of photographs found, and what they mean for labels, splits and individuals."""

from __future__ import annotations

import json
import sys

import imagehash
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from intr_discover.cli import main
from intr_discover.data import rings
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.preparation.duplicates import (
    find_duplicates,
    hash_collection,
    individuals_in_two_splits,
)
from intr_discover.preparation.hashes import WAYS, hashes_of, turned
from intr_discover.preparation.near_pairs import near_pairs
from intr_discover.preparation.same_picture import SAME_PICTURE, detail_correlation, small_grey


def run(monkeypatch, *words):
    monkeypatch.setattr(sys, "argv", ["intr-discover", *map(str, words)])
    try:
        main()
    except SystemExit as ended:
        return ended.code or 0
    return 0


@pytest.fixture(scope="module")
def photographs():
    return [rings.render(rings.draw_specimen(8, index)).photograph for index in range(6)]


def test_the_hashes_are_those_of_the_library(photographs):
    small = np.asarray(Image.fromarray(photographs[0]).convert("L").resize((64, 64)))
    found = hashes_of(np.repeat(small[..., None], 3, axis=2))
    for way in range(8):
        picture = Image.fromarray(np.ascontiguousarray(turned(small, way)))
        assert f"{found[0, way]:016x}" == str(imagehash.phash(picture))
        assert f"{found[1, way]:016x}" == str(imagehash.dhash(picture))


def test_the_ways_are_those_of_the_square():
    corner = np.array([[1, 2], [3, 4]], np.uint8)
    assert turned(corner, WAYS.index("same way up")).tolist() == [[1, 2], [3, 4]]
    assert turned(corner, WAYS.index("turned by 90°")).tolist() == [[2, 4], [1, 3]]
    assert turned(corner, WAYS.index("mirrored")).tolist() == [[2, 1], [4, 3]]
    assert len({turned(corner, way).tobytes() for way in range(8)}) == 8


@settings(max_examples=25)
@given(st.integers(0, 2**32), st.integers(0, 20))
def test_all_near_pairs_are_found(seed, most):
    """Against a loop over bits, on hashes of which many are near each other."""
    generator = np.random.default_rng(seed)
    hashes = np.repeat(generator.integers(0, 2**63, (1, 2, 8), dtype=np.uint64), 9, axis=0)
    for _ in range(14):
        place = tuple(generator.integers(0, side) for side in hashes.shape)
        hashes[place] ^= np.uint64(1) << np.uint64(generator.integers(0, 64))
    expected = {}
    for i in range(9):
        for j in range(i + 1, 9):
            both = [
                [bin(int(hashes[i, h, 0]) ^ int(hashes[j, h, way])).count("1") for h in (0, 1)]
                for way in range(8)
            ]
            if min(max(pair) for pair in both) <= most:
                expected[i, j] = both
    pairs, found = near_pairs(hashes, most)
    assert found == len(pairs) == len(expected)
    for first, second, way, phash, dhash in pairs.tolist():
        both = expected[first, second]
        assert both[way] == [phash, dhash] and max(both[way]) == min(map(max, both))
    sums = pairs[:, 3] + pairs[:, 4]
    assert (np.diff(sums) >= 0).all()
    nearest, all_of_them = near_pairs(hashes, most, keep=3)
    assert all_of_them == found and np.array_equal(nearest, pairs[:3])


def test_a_copy_is_told_from_another_specimen(photographs):
    one, other = (small_grey(photograph) for photograph in photographs[:2])
    assert detail_correlation(one, one) == pytest.approx(1)
    for way in range(8):
        back = {1: 3, 3: 1}.get(way, way)
        assert detail_correlation(one, turned(one, way), back) == pytest.approx(1)
    assert detail_correlation(one, 255 - one) < 0
    assert detail_correlation(one, other) < 0.8
    assert detail_correlation(one, np.full_like(one, 90)) == 0
    cropped = small_grey(np.ascontiguousarray(photographs[0][4:-4, 4:-4]))
    assert detail_correlation(one, cropped) > SAME_PICTURE


@pytest.fixture
def collection(tmp_path, photographs):
    """Six specimens, and copies of some: smaller, mirrored, cropped, under another label."""
    root = tmp_path / "collection"
    root.mkdir()
    rows = []

    def add(name, pixels, label, split, individual, **options):
        Image.fromarray(np.ascontiguousarray(pixels)).save(root / name, **options)
        rows.append((name, label, split, individual))

    for number, pixels in enumerate(photographs):
        add(f"{number}.png", pixels, "vera", "train", f"v{number}")
    smaller = np.asarray(Image.fromarray(photographs[0]).resize((97, 97)))
    add("smaller.jpg", smaller, "vera", "test", "v0", quality=60)
    add("mirrored.png", photographs[1][:, ::-1], "similis", "train", "other")
    add("cropped.png", photographs[2][3:-3, 3:-3], "vera", "train", "v2")
    rows.append(("missing.png", "vera", "train", "v9"))
    table = pd.DataFrame(rows, columns=["image", "label", "split", "individual"])
    table.to_csv(root / "specimens.csv", index=False)
    return root


def test_what_is_found_and_what_is_said(collection, tmp_path, monkeypatch, capsys):
    out = tmp_path / "out"
    assert run(monkeypatch, "duplicates", collection, "--out", out) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == (
        "3 pairs of 9 photographs show the same picture; 1 under two labels; 1 in two splits "
        "(1 test photographs are in train or val too); 1 individuals in two splits"
    )
    assert said[1].startswith("1 photographs could not be read")
    pairs = pd.read_csv(out / "duplicates.csv").set_index("image_b")
    assert pairs["image_a"].to_dict() == {
        "smaller.jpg": "0.png", "mirrored.png": "1.png", "cropped.png": "2.png"
    }  # fmt: skip
    assert pairs.loc["mirrored.png", "way"] == "mirrored"
    same = ["same_picture", "same_label", "same_split", "same_individual"]
    assert pairs.loc["smaller.jpg", same].tolist() == [True, True, False, True]
    assert pairs.loc["mirrored.png", same].tolist() == [True, False, True, False]
    assert pd.read_csv(out / "individuals.csv").to_dict("records") == [
        {"individual": "v0", "splits": "test train", "images": 2}
    ]
    assert pd.read_csv(out / "problems.csv")["image"].tolist() == ["missing.png"]
    record = json.loads((out / "provenance.json").read_text())
    assert record["n"] == 9 and record["settings"]["distance"] == 12


def test_unlike_specimens_are_not_taken_for_copies(photographs, collection):
    hashed = hash_collection(Specimens.read(collection, allow_missing=True))
    wide = find_duplicates(hashed, distance=24, unconfirmed=True)
    assert wide.near == wide.confirmed_of == len(wide.pairs) > 3
    assert wide.pairs["same_picture"].sum() == 3
    assert wide.pairs["detail"].is_monotonic_decreasing
    with pytest.raises(UserError, match="distance is 40"):
        find_duplicates(hashed, distance=40)


def test_without_splits_labels_and_individuals(tmp_path, photographs):
    for name in ("a.png", "b.png"):
        (tmp_path / "all" / name[0]).mkdir(parents=True)
        Image.fromarray(photographs[0]).save(tmp_path / "all" / name[0] / name)
    found = find_duplicates(hash_collection(Specimens.read(tmp_path / "all")))
    assert found.individuals is None and found.pairs["same_split"].isna().all()
    assert found.finding() == "1 pair of 2 photographs show the same picture; 1 under two labels"
    table = pd.DataFrame({"specimen_id": ["x", "x", None], "split": ["train", "val", "test"]})
    assert individuals_in_two_splits(table)["splits"].tolist() == ["train val"]


def test_a_folder_of_broken_files(tmp_path):
    (tmp_path / "ant").mkdir()
    (tmp_path / "ant" / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(UserError, match="no photograph of"):
        hash_collection(Specimens.read(tmp_path))
