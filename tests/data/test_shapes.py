"""Drawn butterflies: the same every time, mates differ in one known region, readable as a table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover import Specimens
from intr_discover.data.butterfly import MARKS, PAIRS, SPECIES, draw
from intr_discover.data.defects import find_defects
from intr_discover.data.shapes import TEST_PER_CLASS, main, write_shapes
from intr_discover.errors import UserError
from intr_discover.files import sha256

SIZE = 96
SPOTTED = next(species for species in SPECIES if species.label == "dusk red-spotted")
PLAIN = next(species for species in SPECIES if species.label == "dusk plain")


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("shapes") / "collection"
    write_shapes(out, per_class=2, size=48, seed=3)
    return out


# --- one drawing -----------------------------------------------------------------------------


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair[0].label.split()[0])
@pytest.mark.parametrize("index", [0, 1, 17])
def test_mates_differ_in_the_diagnostic_region_and_nowhere_else(pair, index):
    first, second = (draw(species, SIZE, 0, index) for species in pair)
    differs = (first.photograph != second.photograph).any(axis=2)
    for drawing in (first, second):
        np.testing.assert_array_equal(drawing.diagnostic > 0, differs)
        np.testing.assert_array_equal(drawing.specimen, first.specimen)
    on_specimen = first.specimen[differs] > 0
    assert on_specimen.mean() > 0.9, "a mark lies on the wings"
    share = differs.sum() / (first.specimen > 0).sum()
    assert 0.02 < share < 0.15, "a small mark, yet large enough to see"


@pytest.mark.parametrize("species", SPECIES, ids=lambda species: species.label)
def test_marks_are_as_many_as_described_on_each_side(species):
    drawing = draw(species, 192, 0, 5)
    regions, _ = cv2.connectedComponents((drawing.diagnostic > 0).astype(np.uint8))
    assert regions - 1 == 2 * len(MARKS[species.diagnostic])  # one region is the background


def test_colours_are_those_of_the_species():
    for index in range(5):
        spotted, plain = draw(SPOTTED, SIZE, 0, index), draw(PLAIN, SIZE, 0, index)
        inside = cv2.erode(spotted.diagnostic, np.ones((3, 3), np.uint8)) > 0
        red, _, blue = spotted.photograph[inside].mean(axis=0)
        assert red > 2 * blue, "red spots"
        red, _, blue = plain.photograph[inside].mean(axis=0)
        assert blue > red, "the blue-black ground where the mate has its spots"


def test_the_same_numbers_give_the_same_drawing_and_others_another():
    first = draw(SPOTTED, SIZE, 0, 7)
    again = draw(SPOTTED, SIZE, 0, 7)
    np.testing.assert_array_equal(first.photograph, again.photograph)
    for other in (draw(SPOTTED, SIZE, 1, 7), draw(SPOTTED, SIZE, 0, 8)):
        assert (first.photograph != other.photograph).any()
        assert (first.specimen != other.specimen).any(), "pose and wing shape vary too"


def test_the_whole_specimen_is_in_the_picture():
    for index in range(60):
        mask = draw(SPECIES[index % 4], 64, 0, index).specimen > 0
        assert not (mask[[0, -1]].any() or mask[:, [0, -1]].any()), f"individual {index} is cut off"
        assert 0.1 < mask.mean() < 0.5


def test_background_says_nothing_about_the_species():
    """The corner's colour must not depend on the species, only on the individual."""
    for index in range(3):
        corners = {
            draw(species, SIZE, 0, index).photograph[:8, :8].tobytes() for species in SPECIES
        }
        assert len(corners) == 1


# --- the collection --------------------------------------------------------------------------


def test_collection_is_read_back(folder):
    specimens = Specimens.read(folder)
    assert specimens.classes == sorted(species.label for species in SPECIES)
    expected = {
        (species.label, split): number
        for species in SPECIES
        for split, number in (("train", 2), ("test", TEST_PER_CLASS))
    }
    counts = specimens.summary().set_index(["label", "split"])["images"]
    assert counts.to_dict() == expected

    for row, path, mask in zip(
        specimens.table.itertuples(), specimens.paths, specimens.mask_paths, strict=True
    ):
        assert path.parent.name == row.label and path.parent.parent.name == row.split
        assert np.array(Image.open(path)).shape == (48, 48, 3)
        assert set(np.unique(np.array(Image.open(mask)))) == {0, 255}

    pairs = specimens.pairs
    assert [tuple(row) for row in pairs.itertuples(index=False)] == [
        ("dusk plain", "dusk red-spotted", "hindwing base"),
        ("ember white-tipped", "ember yellow-tipped", "wing tip"),
    ]


def test_every_photograph_has_its_diagnostic_region(folder):
    specimens = Specimens.read(folder)
    attributes = specimens.attributes.set_index("image")
    assert list(attributes.index) == list(specimens.table["image"])
    diagnostic = {species.label: species.diagnostic for species in SPECIES}
    for row, path in zip(specimens.table.itertuples(), specimens.mask_paths, strict=True):
        assert attributes.attribute[row.image] == diagnostic[row.label]
        region = np.array(Image.open(folder / attributes["mask"][row.image]))
        assert region.any() and (np.array(Image.open(path))[region > 0] > 0).mean() > 0.8


def test_collection_has_no_defects(folder):
    """No duplicates either: no individual is in two splits."""
    found = find_defects(Specimens.read(folder))
    # Two training images a class are few on purpose.
    assert set(found["defect"]) == {"fewer than 5 training images"}


def test_the_same_seed_writes_the_same_files(folder, tmp_path):
    write_shapes(tmp_path / "again", per_class=2, size=48, seed=3)
    assert digests(tmp_path / "again") == digests(folder)
    write_shapes(tmp_path / "other", per_class=2, size=48, seed=4)
    ours, theirs = digests(folder), digests(tmp_path / "other")
    assert set(ours) == set(theirs)
    same = {name for name in ours if ours[name] == theirs[name]}
    assert same == {"specimens.csv", "attributes.csv", "pairs.csv"}


# --- the command -----------------------------------------------------------------------------


def test_command_line(tmp_path):
    out = tmp_path / "some shapes"
    command = [sys.executable, "-m", "intr_discover.data.shapes", str(out)]
    options = ["--per-class", "1", "--size", "32", "--seed", "1"]
    result = subprocess.run([*command, *options], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (0, "")
    assert "drew 44 specimens of 4 species" in result.stdout
    assert len(pd.read_csv(out / "specimens.csv")) == 44


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--per-class", "0"], "--per-class must be at least 1, not 0"),
        (["--size", "31"], "--size must be at least 32, not 31"),
        (["--seed", "-1"], "--seed must be at least 0, not -1"),
    ],
)
def test_numbers_out_of_range_are_answered_in_one_line(tmp_path, capsys, options, words):
    assert main([str(tmp_path / "out"), *options]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    for out in (tmp_path, tmp_path / "thesis.txt"):
        with pytest.raises(UserError, match="exists already"):
            write_shapes(out, per_class=1, size=32)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_empty_folder_may_be_filled(tmp_path):
    assert len(write_shapes(tmp_path, per_class=1, size=32)) == 4 * (1 + TEST_PER_CLASS)
