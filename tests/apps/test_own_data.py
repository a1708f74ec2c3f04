"""Zips that are dropped, defects in plain words, and the table of what can be used."""

import stat
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytest.importorskip("gradio")

from apps.archives import pack, unpack
from apps.own_data import (
    ADVICE,
    advice,
    defect_table,
    named_place,
    open_place,
    open_zip,
    write_usable,
)
from intr_discover import Specimens
from intr_discover.errors import UserError


def picture(path, seed=0, shape=(40, 50)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*shape, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    for number, label in enumerate(["a", "a", "b", "b"]):
        picture(tmp_path / "mine" / label / f"{number}.png", number)
    return tmp_path / "mine"


def zipped(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def left_behind(tmp_path):
    return sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".zip")


@pytest.mark.parametrize("inside", ["", "butterflies/"])
def test_a_zip_with_or_without_its_folder_is_the_same_collection(tmp_path, folder, inside):
    files = {
        f"{inside}{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*.png")
    }
    junk = {"__MACOSX/a/._0.png": b"x", f"{inside}.hidden/x.png": b"x", f"{inside}run.exe": b"x"}
    data = open_zip(zipped(tmp_path / "up.zip", files | junk), tmp_path / "out")
    assert data.specimens.classes == ["a", "b"] and len(data.specimens) == 4
    assert not list((tmp_path / "out").rglob("*.exe"))
    again = open_zip(tmp_path / "up.zip", tmp_path / "out")
    assert again.specimens.root != data.specimens.root and len(again.specimens) == 4


def test_a_zip_of_one_species_and_a_table_of_any_name(tmp_path, folder):
    one = {"a/0.png": (folder / "a/0.png").read_bytes()}
    assert open_zip(zipped(tmp_path / "one.zip", one), tmp_path / "out").specimens.classes == ["a"]
    table = one | {"sheet.csv": b"image,label\na/0.png,Vanessa atalanta\n"}
    data = open_zip(zipped(tmp_path / "two.zip", table), tmp_path / "out")
    assert data.specimens.classes == ["Vanessa atalanta"] and data.source.name == "sheet.csv"


@pytest.mark.parametrize(
    "name", ["../a/x.png", "/etc/x.png", "a/../../x.png", "C:/x.png", "..\\x.png"]
)
def test_a_zip_that_names_places_outside_is_refused(tmp_path, name):
    path = zipped(tmp_path / "slip.zip", {"a/0.png": b"x", name: b"x"})
    with pytest.raises(UserError, match="places outside"):
        unpack(path, tmp_path / "out")
    assert left_behind(tmp_path) == []


def test_links_in_a_zip_are_refused(tmp_path):
    link = zipfile.ZipInfo("a/0.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UserError, match="links"):
        unpack(tmp_path / "link.zip", tmp_path / "out")


def test_a_bomb_is_refused_by_what_it_says_and_by_what_it_does(tmp_path):
    path = zipped(tmp_path / "bomb.zip", {"a/0.png": bytes(3_000_000)})
    assert path.stat().st_size < 10_000
    with pytest.raises(UserError, match="more than"):
        unpack(path, tmp_path / "out", most_bytes=1_000_000)
    data = bytearray(path.read_bytes())
    # The size in both headers made small: 3,000,000 becomes 1000.
    true, untrue = (3_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    assert data.count(true) == 2
    path.write_bytes(bytes(data.replace(true, untrue)))
    with pytest.raises(UserError):
        unpack(path, tmp_path / "out", most_bytes=1_000_000)
    with pytest.raises(UserError, match="up to 1 are taken"):
        unpack(zipped(tmp_path / "many.zip", {"a/0.png": b"", "a/1.png": b""}), tmp_path / "out",
               most_files=1)  # fmt: skip
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"no zip at all", b"PK\x03\x04 cut short"])
def test_what_is_no_zip_is_said(tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(UserError, match="is no zip"):
        unpack(tmp_path / "x.zip", tmp_path / "out")
    with pytest.raises(UserError, match="no photographs"):
        unpack(zipped(tmp_path / "y.zip", {"readme.txt": b"x"}), tmp_path / "out")


def test_packing_and_unpacking_gives_the_same_files(tmp_path, folder):
    place = unpack(pack(folder, tmp_path / "mine.zip"), tmp_path / "out")
    assert {p.relative_to(place): p.read_bytes() for p in place.rglob("*.png")} == {
        p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.png")
    }


def test_the_defect_table_says_what_to_do(folder):
    (folder / "a" / "0.png").write_bytes((folder / "a" / "0.png").read_bytes()[:900])
    data = open_place(folder)
    table = defect_table(data.defects)
    row = table[table["photograph"] == "a/0.png"].iloc[0]
    assert row["how bad"] == "cannot be used" and row["what to do"] == ADVICE["truncated"]
    assert data.broken == ["a/0.png"] and data.image == "a/1.png"
    assert len(data.usable) == 3
    assert (table["what to do"] != "").all()
    assert "Add photographs" in advice("fewer than 5 training images")
    assert defect_table(data.defects.iloc[:0]).empty


def test_a_collection_without_any_usable_photograph(folder):
    for path in folder.rglob("*.png"):
        path.write_bytes(b"")
    data = open_place(folder)
    assert data.image == ""
    with pytest.raises(UserError, match="none of the photographs"):
        _ = data.usable


@pytest.mark.parametrize("text", ["", "  ", None, "butterflies", "../x", "demo"])
def test_only_whole_paths_are_taken(text):
    with pytest.raises(UserError, match="whole path"):
        named_place(text)
    assert named_place(' "/a b/c" ').as_posix() == "/a b/c"


def test_the_usable_table_stands_for_the_same_photographs_elsewhere(tmp_path, folder):
    (folder / "a" / "0.png").write_bytes(b"")
    Image.fromarray(np.full((40, 50), 255, np.uint8)).save(folder / "m.png")
    pd.DataFrame({"image": ["a/0.png", "a/1.png"], "keypoint": "tip", "x": 3, "y": 4}).to_csv(
        folder / "keypoints.csv", index=False
    )
    rows = [["a/1.png", "dot", "m.png"], ["b/2.png", "dot", "m.png"]]
    pd.DataFrame(rows, columns=["image", "attribute", "mask"]).to_csv(
        folder / "attributes.csv", index=False
    )
    data = open_place(folder)
    made = Specimens.read(write_usable(data, tmp_path / "else" / "deep"))
    there = [path.resolve() for path in made.paths]
    assert there == [folder / image for image in ("a/1.png", "b/2.png", "b/3.png")]
    assert made.keypoints["x"].tolist() == [3.0] and len(made.attributes) == 2
    assert (made.root / made.attributes["mask"][0]).resolve() == folder / "m.png"
    assert made.fingerprint() == data.usable.fingerprint()
