"""Collections of drawn specimens: whole or absent, the same every time, read by everything else."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from intr_discover.data import rings
from intr_discover.data.defects import find_defects
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.files import sha256

RINGS, PER_CLASS, SIZE, SEED = 2, 10, 64, 5  # a difference of presence, and one of shape
TABLES = {"specimens.csv", "attributes.csv", "keypoints.csv", "pairs.csv", "rings.csv"}


def write(out: Path, per_class: int = 1, **options) -> Path:
    """Write a small collection."""
    settings = {"size": SIZE, "seed": SEED, "ring_count": 1, **options}
    return rings.write_collection(out, per_class, **settings)


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): sha256(path) for path in files}


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("rings") / "collection"
    return write(out, PER_CLASS, ring_count=RINGS)


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """Return two specimens of each species of the first ring."""
    return write(tmp_path_factory.mktemp("rings") / "small", 2)


@pytest.fixture
def thesis(tmp_path) -> Path:
    """Return a folder that is no collection."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.txt").write_text("years of work")
    return tmp_path / "work"


# --- what is in it ---------------------------------------------------------------------------


def test_it_is_a_specimen_table_with_everything_beside_it_and_without_defects(folder):
    specimens = Specimens.read(folder)
    assert len(specimens) == 40 and len(specimens.classes) == 4
    found = find_defects(specimens)
    assert not set(found["severity"]) & {"error", "warning"}, found
    assert {path.name for path in folder.iterdir()} == TABLES | {"rings.json", "images", "masks"}
    assert all(path.is_file() for path in specimens.mask_paths)
    table = specimens.table
    assert table["specimen_id"].is_unique and table["image"].is_unique
    assert len({sha256(path) for path in specimens.paths}) == 40

    attributes = specimens.attributes
    repertoires = {label: ring.repertoire for ring in rings.RINGS for label in ring.labels}
    for image, label in zip(table["image"], table["label"], strict=True):
        rows = attributes[attributes["image"] == image]
        assert tuple(rows["attribute"]) == repertoires[label]
    assert specimens.keypoints["keypoint"].value_counts().eq(40).all()
    assert (folder.stat().st_mode & 0o777) == 0o755, "others may read it"


def test_splits_are_seven_one_and_two_tenths_of_each_class(folder):
    table = Specimens.read(folder).table
    for _, rows in table.groupby("label"):
        assert rows["split"].value_counts().to_dict() == {"train": 7, "val": 1, "test": 2}


def test_all_specimens_go_into_the_split_that_is_asked_for(tmp_path):
    table = Specimens.read(write(tmp_path / "rings", split="test")).table
    assert table["split"].tolist() == ["test", "test"]


def test_pairs_and_rings_say_what_mates_differ_in(folder):
    pairs = Specimens.read(folder).pairs
    assert pairs[["label_a", "label_b", "diagnostic"]].to_numpy().tolist() == [
        ["Ember vera", "Ember similis", "basal_spots"],
        ["Tigris vera", "Tigris similis", "band_edge"],
    ]
    table = pd.read_csv(folder / "rings.csv")
    for row, ring in zip(table.itertuples(), rings.RINGS, strict=False):
        assert (row.ring, row.diagnostic, row.difference) == (
            ring.name, ring.diagnostic, ring.difference,
        )  # fmt: skip
        assert (row.label_a, row.label_b) == ring.labels
        assert (row.state_a, row.state_b) == ring.states
        assert row.varying.split() == list(ring.varying)
    assert len(table) == RINGS


def test_the_files_are_what_render_gives(folder):
    specimens = rings.read_specimens(folder)
    table = pd.read_csv(folder / "specimens.csv")
    assert list(specimens) == table["image"].tolist()
    attributes = pd.read_csv(folder / "attributes.csv").set_index("image")
    keypoints = pd.read_csv(folder / "keypoints.csv").set_index("image")
    for row in table.iloc[[0, 1, 18, 39]].itertuples():
        specimen = specimens[row.image]
        assert specimen.label == row.label
        picture = rings.render(specimen)
        np.testing.assert_array_equal(read(folder / row.image)[..., ::-1], picture.photograph)
        np.testing.assert_array_equal(read(folder / row.mask), picture.mask)
        for attribute in attributes.loc[row.image].itertuples():
            mask = picture.attributes[attribute.attribute]
            np.testing.assert_array_equal(read(folder / attribute.mask), mask)
            assert attribute.state == specimen.states.get(attribute.attribute, "present")
        for point in keypoints.loc[row.image].itertuples():
            expected = picture.keypoints[point.keypoint]
            assert (point.x, point.y) == pytest.approx(expected, abs=0.006)


def test_both_states_of_the_diagnostic_attribute_stand_in_the_table(folder):
    attributes = pd.read_csv(folder / "attributes.csv", keep_default_na=False)
    labels = pd.read_csv(folder / "specimens.csv").set_index("image")["label"]
    spots = attributes[attributes["attribute"] == "basal_spots"]
    spots = spots[labels[spots["image"]].str.startswith("Ember ").to_numpy()]
    states = spots.groupby(labels[spots["image"]].to_numpy())["state"].unique()
    assert states["Ember vera"].tolist() == ["absent"]
    assert states["Ember similis"].tolist() == ["present"]


# --- the same every time ---------------------------------------------------------------------


def test_the_number_of_threads_does_not_matter(small, tmp_path):
    for workers in (1, 4):
        assert digests(write(tmp_path / f"{workers}", 2, workers=workers)) == digests(small)


def test_a_larger_collection_begins_with_the_same_specimens(small, tmp_path):
    larger, ours = digests(write(tmp_path / "larger", 3)), digests(small)
    pictures = {name for name in ours if name.endswith(".png")}
    assert {name: larger[name] for name in pictures} == {name: ours[name] for name in pictures}
    assert len([name for name in larger if name.startswith("images/")]) == 6


def test_collections_of_two_seeds_share_no_picture(small, tmp_path):
    other = digests(write(tmp_path / "other", 2, seed=SEED + 1))
    ours = digests(small)
    images = [
        {digest for name, digest in files.items() if name.startswith("images/")}
        for files in (ours, other)
    ]
    assert len(images[0]) == len(images[1]) == 4 and not images[0] & images[1]
    ids = [set(pd.read_csv(folder / "specimens.csv")["specimen_id"])
           for folder in (small, tmp_path / "other")]  # fmt: skip
    assert not ids[0] & ids[1]


def test_progress_counts_to_the_end(tmp_path):
    calls = []
    write(tmp_path / "rings", 2, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


# --- whole or not at all ---------------------------------------------------------------------


def interrupt(done: int, total: int) -> None:
    raise KeyboardInterrupt


def fail(done: int, total: int) -> None:
    raise RuntimeError("something unforeseen")


@pytest.mark.parametrize(
    ("progress", "error"), [(interrupt, KeyboardInterrupt), (fail, RuntimeError)]
)
def test_an_interrupted_drawing_leaves_nothing_behind(tmp_path, progress, error):
    with pytest.raises(error):
        write(tmp_path / "rings", progress=progress)
    assert not list(tmp_path.iterdir())
    earlier = digests(write(tmp_path / "rings"))
    with pytest.raises(error):
        write(tmp_path / "rings", seed=99, overwrite=True, progress=progress)
    assert digests(tmp_path / "rings") == earlier
    assert [path.name for path in tmp_path.iterdir()] == ["rings"]


def test_an_earlier_collection_is_replaced_whole_and_only_when_asked(tmp_path):
    earlier = digests(write(tmp_path / "rings", 2))
    with pytest.raises(UserError, match="exists and is not empty"):
        write(tmp_path / "rings", seed=9)
    assert digests(tmp_path / "rings") == earlier
    write(tmp_path / "rings", seed=9, overwrite=True)
    table = pd.read_csv(tmp_path / "rings" / "specimens.csv")
    images = {f"images/{path.name}" for path in (tmp_path / "rings" / "images").iterdir()}
    assert set(table["image"]) == images and len(table) == 2, "nothing of the earlier one stays"
    assert [path.name for path in tmp_path.iterdir()] == ["rings"]


def test_an_empty_folder_is_filled_and_a_link_stays_a_link(tmp_path):
    (tmp_path / "empty").mkdir()
    write(tmp_path / "empty")
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    write(tmp_path / "link", seed=8, overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert json.loads((tmp_path / "empty" / "rings.json").read_text())["seed"] == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "link"]


@pytest.mark.parametrize("overwrite", [False, True])
def test_other_work_is_never_touched(thesis, overwrite):
    before = digests(thesis)
    for out in (thesis, thesis / "thesis.txt", thesis / "thesis.txt" / "rings"):
        with pytest.raises(UserError):
            write(out, overwrite=overwrite)
    assert digests(thesis) == before
    assert [path.name for path in thesis.parent.iterdir()] == ["work"]


def test_a_table_of_photographs_with_the_same_names_is_no_collection_of_ours(tmp_path):
    own = tmp_path / "photographs"
    (own / "images").mkdir(parents=True)
    (own / "images" / "butterfly.jpg").write_bytes(b"the only one")
    (own / "specimens.csv").write_text("image,label\nimages/butterfly.jpg,Aus bus\n")
    before = digests(own)
    with pytest.raises(UserError, match="holds something else than a collection"):
        write(own, overwrite=True)
    assert digests(own) == before


@pytest.mark.parametrize("name", ["thesis.txt", "images/IMG_0001.png", "masks/thesis.txt"])
def test_what_somebody_put_into_a_collection_is_not_thrown_away_with_it(tmp_path, name):
    write(tmp_path / "rings")
    (tmp_path / "rings" / name).write_text("years of work")
    before = digests(tmp_path / "rings")
    with pytest.raises(UserError, match=rf"holds more than a collection .* \({name}\)"):
        write(tmp_path / "rings", overwrite=True)
    assert digests(tmp_path / "rings") == before


def test_the_folder_in_which_one_works_is_not_replaced(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for out in (Path(), tmp_path, Path("..")):
        with pytest.raises(UserError, match="is a folder that you work in"):
            write(out, overwrite=True)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_to_is_named():
    with pytest.raises(UserError, match="cannot write the collection to /proc/nothing"):
        write(Path("/proc/nothing"))


# --- back from disk --------------------------------------------------------------------------


def damage(**changes) -> str:
    settings = {"generator": rings.GENERATOR_VERSION, "per_class": 1, "size": 64, "seed": 0,
                "ring_count": 1, "hard": 0.5, "shortcut": "none", **changes}  # fmt: skip
    return json.dumps({name: value for name, value in settings.items() if value is not None})


def test_settings_give_the_individuals(tmp_path):
    (tmp_path / "rings.json").write_text(damage(per_class=2, hard=0.25, shortcut="ruler"))
    specimens = list(rings.read_specimens(tmp_path).values())
    assert specimens == [
        rings.draw_specimen(0, index, size=64, ring_count=1, hard=0.25, shortcut="ruler")
        for index in range(4)
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "does not say how the collection was drawn"),
        (damage()[:-9], "does not say how"),
        ("[1, 2]", "does not say how"),
        ("7", "does not say how"),
        (damage(generator=None), "generator"),
        (damage(per_class=None), "per_class"),
        (damage(seed=None), "seed"),
        (damage(colour="red"), "colour"),
        (damage(size="large"), "'large' is no whole number"),
        (damage(seed=0.5), "0.5 is no whole number"),
        (damage(per_class=10**12), "--per-class must be from 1 to"),
        (damage(per_class=-3), "--per-class must be from 1 to"),
        (damage(hard=2), "--hard must be from 0 to 1, not 2"),
        (damage(hard="very"), "does not say how"),
        (damage(generator=999), "was drawn by version 999 of the generator"),
        (damage(generator=999, per_class=None), "was drawn by version 999 of the generator"),
    ],
)
def test_damaged_settings_are_answered_in_one_line(tmp_path, content, words):
    (tmp_path / "rings.json").write_text(content)
    with pytest.raises(UserError) as caught:
        rings.read_specimens(tmp_path)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_settings_that_are_no_text_are_answered_too(tmp_path):
    (tmp_path / "rings.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="does not say how"):
        rings.read_specimens(tmp_path)


def test_another_folder_is_no_collection(thesis):
    with pytest.raises(UserError, match=r"is no collection of mimicry rings: it has no rings.json"):
        rings.read_specimens(thesis)
