"""Reading collections from folders and tables, choosing from them, writing them, fingerprints."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover import Specimens
from intr_discover.errors import UserError


def picture(path: Path, value: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), value).save(path)
    return path


def collection(root: Path, rows: str, header: str = "image,label") -> Path:
    """Write specimens.csv with the rows given, and a picture for each first cell."""
    lines = [line.strip() for line in rows.strip().splitlines()]
    for number, line in enumerate(lines):
        picture(root / line.split(",")[0], number)
    table = root / "specimens.csv"
    table.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return table


# --- folders ---------------------------------------------------------------------------------


def test_folder_of_labels(tmp_path):
    picture(tmp_path / "b species" / "2.jpg")
    picture(tmp_path / "b species" / "1.JPG")
    picture(tmp_path / "a" / "drawer 3" / "deep.png")
    specimens = Specimens.read(tmp_path)
    assert specimens.table.to_dict("list") == {
        "image": ["a/drawer 3/deep.png", "b species/1.JPG", "b species/2.jpg"],
        "label": ["a", "b species", "b species"],
    }
    assert specimens.classes == ["a", "b species"]
    assert specimens.splits == []
    assert len(specimens) == 3
    assert specimens.root == tmp_path
    assert specimens.source == tmp_path
    assert specimens.paths[0] == tmp_path / "a" / "drawer 3" / "deep.png"
    assert specimens.mask_paths == [None, None, None]
    assert (specimens.attributes, specimens.keypoints, specimens.pairs) == (None, None, None)
    assert repr(specimens).endswith("3 images, 2 labels, no splits>")


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [("train", "val", "test"), ("Training", "validation", "TEST"), ("train", "valid", "testing")],
)
def test_folder_of_splits(tmp_path, train, val, test):
    for folder in (train, val, test):
        picture(tmp_path / folder / "a" / "1.jpg")
        picture(tmp_path / folder / "b" / "1.jpg")
    specimens = Specimens.read(tmp_path)
    assert specimens.splits == ["train", "val", "test"]
    assert specimens.classes == ["a", "b"]
    chosen = Specimens.read(tmp_path, split="val")
    assert chosen.table["image"].tolist() == [f"{val}/a/1.jpg", f"{val}/b/1.jpg"]


def test_hidden_system_and_foreign_files(tmp_path):
    picture(tmp_path / "a" / "1.jpg")
    for name in (
        "a/._1.jpg",
        "a/.hidden.png",
        "a/Thumbs.db",
        "a/desktop.ini",
        "a/.DS_Store",
        ".git/x.png",
        "__MACOSX/a/1.jpg",
        "a/.thumbs/t.jpg",
        "README.md",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / "a" / "1.mov").touch()
    (tmp_path / "a" / "notes.docx").touch()
    picture(tmp_path / "loose.png")
    specimens = Specimens.read(tmp_path)
    assert specimens.table["image"].tolist() == ["a/1.jpg"]
    assert specimens.ignored == ("a/1.mov", "a/notes.docx", "loose.png")


def test_labels_of_folders_have_composed_accents(tmp_path):
    picture(tmp_path / unicodedata.normalize("NFD", "rhétenor") / "1.jpg")
    assert Specimens.read(tmp_path).classes == [unicodedata.normalize("NFC", "rhétenor")]


def test_label_folder_may_be_a_link(tmp_path):
    picture(tmp_path / "elsewhere" / "1.jpg")
    (tmp_path / "data").mkdir()
    try:
        (tmp_path / "data" / "a").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    except OSError:
        pytest.skip("this system does not let us make links")
    assert Specimens.read(tmp_path / "data").table["image"].tolist() == ["a/1.jpg"]


def test_folders_that_are_no_collections(tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    loose = picture(tmp_path / "loose" / "1.jpg").parent
    nothing = tmp_path / "nothing"
    (nothing / "a").mkdir(parents=True)
    unsorted = picture(tmp_path / "unsorted" / "train" / "1.jpg").parents[1]
    mixed = tmp_path / "mixed"
    picture(mixed / "train" / "a" / "1.jpg")
    picture(mixed / "other" / "1.jpg")
    for folder, words in {
        tmp_path / "gone": "there is no folder or table",
        empty: "put the photographs of each species into a folder",
        loose: "put the photographs of each species into a folder",
        nothing: "holds no photographs: they belong into .*<species>/",
        unsorted: "holds no photographs: they belong into .*<split>/<species>/",
        mixed: r"mixes splits \(train\) with other folders \(other\)",
    }.items():
        with pytest.raises(UserError, match=words) as caught:
            Specimens.read(folder)
        assert str(folder) in str(caught.value)


# --- tables ----------------------------------------------------------------------------------


def test_table_with_everything(tmp_path):
    rows = "x/1.png,007,Train,s1,m/1.png,f,1998\nx/2.png,8,testing,s2,,m,2001\n"
    table = collection(tmp_path, rows, "image,label,split,specimen_id,mask,sex,year")
    for source in (table, tmp_path, str(tmp_path)):
        specimens = Specimens.read(source)
        assert specimens.source == table
        assert specimens.root == tmp_path
        assert specimens.table["label"].tolist() == ["007", "8"]
        assert specimens.mask_paths == [tmp_path / "m/1.png", None]
        assert specimens.table["sex"].tolist() == ["f", "m"]
        assert specimens.table["year"].tolist() == [1998, 2001]
        assert specimens.splits == ["train", "test"]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "xlsx", "parquet"])
def test_table_of_every_kind(tmp_path, suffix):
    frame = pd.DataFrame(
        {"image": ["a.png", "b.png"], "label": ["007", "x"], "specimen_id": [1, 2]}
    )
    for name in frame["image"]:
        picture(tmp_path / name)
    path = tmp_path / f"specimens.{suffix}"
    if suffix == "xlsx":
        frame.to_excel(path, index=False)
    elif suffix == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep="\t" if suffix == "tsv" else ",")
    for source in (path, tmp_path):
        specimens = Specimens.read(source)
        assert specimens.table["label"].tolist() == ["007", "x"]
        assert specimens.table["specimen_id"].tolist() == ["1", "2"]


def test_paths_as_windows_macos_and_people_write_them(tmp_path):
    outside = picture(tmp_path / "outside.png")
    root = tmp_path / "data"
    picture(root / "img" / "1.png")
    picture(root / "img" / "2.png")
    picture(root / unicodedata.normalize("NFD", "é.png"))
    (root / "specimens.csv").write_text(
        "image,label\n"
        "img\\1.png,a\n"
        "./img/../img/2.png,a\n"
        f"{outside},b\n"
        f"{unicodedata.normalize('NFC', 'é.png')},b\n",
        encoding="utf-8",
    )
    specimens = Specimens.read(root)
    images = specimens.table["image"].tolist()
    assert images[:3] == ["img/1.png", "img/2.png", "../outside.png"]
    assert all(path.is_file() for path in specimens.paths)


@pytest.mark.parametrize(
    ("header", "rows", "words"),
    [
        ("image,lable", "1.png,a", "no column 'label' .did you mean 'lable'"),
        ("file,label", "1.png,a", "no column 'image'"),
        ("image,label", "1.png,a\n2.png,\n3.png,NA", "column 'label' is empty in rows 3, 4"),
        ("image,label", "1.png,a\n1.png,b", r"1\.png is listed twice .row 3."),
        ("image,label,split", "1.png,a,train\n2.png,a,", "column 'split' is empty in row 3"),
        (
            "image,label,split",
            "1.png,a,train\n2.png,a,hold-out",
            "unknown split hold-out in row 3: write train, val, test",
        ),
        (
            "image,label,split,specimen_id",
            "1.png,a,train,s1\n2.png,a,test,s1\n3.png,a,test,s2",
            "specimen_id s1: put each specimen into one split",
        ),
    ],
)
def test_tables_with_mistakes(tmp_path, header, rows, words):
    table = collection(tmp_path, rows, header)
    with pytest.raises(UserError, match=words) as caught:
        Specimens.read(table)
    assert str(table) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_same_image_spelt_in_two_ways_is_listed_twice(tmp_path):
    collection(tmp_path, "x/1.png,a")
    (tmp_path / "specimens.csv").write_text("image,label\nx/1.png,a\nx\\1.png,b\n")
    with pytest.raises(UserError, match="listed twice"):
        Specimens.read(tmp_path)


def test_missing_files(tmp_path):
    table = collection(tmp_path, "\n".join(f"{n}.png,a" for n in range(9)))
    for n in range(7):
        (tmp_path / f"{n}.png").unlink()
    with pytest.raises(
        UserError, match=r"names 7 of 9 images that are not there: 0\.png, .*2 more"
    ):
        Specimens.read(table)
    assert len(Specimens.read(table, allow_missing=True)) == 9
    for n in (7, 8):
        (tmp_path / f"{n}.png").unlink()
    with pytest.raises(UserError, match="names 9 of 9 images that are not there"):
        Specimens.read(table, allow_missing=True)


def test_empty_split_column_is_no_split_column(tmp_path):
    collection(tmp_path, "1.png,a,\n2.png,a,", "image,label,split")
    assert Specimens.read(tmp_path).splits == []


# --- companions ------------------------------------------------------------------------------


@pytest.fixture
def annotated(tmp_path: Path) -> Path:
    collection(tmp_path, "1.png,a,train\n2.png,b,test", "image,label,split")
    (tmp_path / "attributes.csv").write_text("image,attribute,mask\n1.png,red band,m\\1.png\n")
    (tmp_path / "keypoints.csv").write_text(
        "image,keypoint,x,y,seen\n1.png,1,1.5,2,yes\n1.png,2,,,no\n2.png,1,0,4,yes\n"
    )
    (tmp_path / "pairs.csv").write_text("label_a,label_b,diagnostic\na,b,red band\n")
    return tmp_path


def test_companions_are_read(annotated):
    specimens = Specimens.read(annotated)
    assert specimens.attributes.to_dict("list") == {
        "image": ["1.png"],
        "attribute": ["red band"],
        "mask": ["m/1.png"],
    }
    assert specimens.keypoints["keypoint"].tolist() == ["1", "2", "1"]
    np.testing.assert_array_equal(specimens.keypoints["x"], [1.5, np.nan, 0])
    assert specimens.keypoints["y"].dtype == np.float64
    assert specimens.pairs.to_dict("list") == {
        "label_a": ["a"],
        "label_b": ["b"],
        "diagnostic": ["red band"],
    }


def test_companions_follow_the_images_chosen(annotated):
    chosen = Specimens.read(annotated, split="test")
    assert chosen.attributes.empty
    assert chosen.keypoints["image"].tolist() == ["2.png"]
    assert len(chosen.pairs) == 1


def test_attribute_masks_inside_a_label_folder_are_no_photographs(tmp_path):
    picture(tmp_path / "a" / "1.png")
    picture(tmp_path / "a" / "1_band.png")
    (tmp_path / "attributes.csv").write_text("image,attribute,mask\na/1.png,band,a/1_band.png\n")
    assert Specimens.read(tmp_path).table["image"].tolist() == ["a/1.png"]


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("attributes.csv", "image,attribute\n1.png,x\n", "no column 'mask'"),
        ("attributes.csv", "image,attribute,mask\n1.png,x,\n", "'mask' is empty in row 2"),
        ("keypoints.csv", "image,keypoint,x,y\n1.png,1,one,2\n", "'x' is no number in row 2"),
        ("keypoints.csv", "image,keypoint,x,y\n1.png,1,1,\n", "only one of x and y .* row 2"),
        ("keypoints.csv", "image,keypoint,x,y\n1.png,1,1,1\n1.png,1,2,2\n", "given twice in row 3"),
        ("pairs.csv", "label_a,b\na,b\n", "no column 'label_b'"),
        ("pairs.csv", "label_a,label_b\na,a\n", "paired with itself in row 2"),
    ],
)
def test_companions_with_mistakes(annotated, file, text, words):
    (annotated / file).write_text(text)
    with pytest.raises(UserError, match=words) as caught:
        Specimens.read(annotated)
    assert str(annotated / file) in str(caught.value)


# --- choosing --------------------------------------------------------------------------------


@pytest.fixture
def four(tmp_path: Path) -> Specimens:
    rows = "1.png,a,train,s1\n2.png,b,train,\n3.png,a,test,s2\n4.png,a,test,s2"
    collection(tmp_path, rows, "image,label,split,specimen_id")
    return Specimens.read(tmp_path)


def test_select_and_without(four):
    assert four.select(split="test").table["image"].tolist() == ["3.png", "4.png"]
    assert four.select(labels=["b"]).table["image"].tolist() == ["2.png"]
    assert four.select(split="train", labels=["a"]).table["image"].tolist() == ["1.png"]
    assert four.without(["1.png", "4.png"]).table["image"].tolist() == ["2.png", "3.png"]
    assert list(four.select(split="test").table.index) == [0, 1]
    assert len(four) == 4
    assert four.has_split("test")
    assert not four.has_split("val")
    with pytest.raises(UserError, match="no split 'val': it has train, test"):
        four.select(split="val")
    with pytest.raises(UserError, match="no label c; it has a, b"):
        four.select(labels=["a", "c"])
    with pytest.raises(UserError, match="no images of b in the split 'test'"):
        four.select(split="test", labels=["b"])
    with pytest.raises(UserError, match="has no images of"):
        four.select(labels=[])


def test_label_ids_follow_the_order_of_the_classes(four):
    ids = four.label_ids(["b", "z", "a"])
    assert ids.dtype == np.int64
    assert ids.tolist() == [2, 0, 2, 2]
    with pytest.raises(UserError, match=r"labels that the model does not know: b; it knows a, c"):
        four.label_ids(["a", "c"])


def test_summary_counts_every_label_in_every_split(four):
    assert four.summary().to_dict("list") == {
        "label": ["a", "a", "b", "b"],
        "split": ["train", "test", "train", "test"],
        "images": [1, 2, 1, 0],
        "specimens": [1, 1, 1, 0],
    }
    plain = four.with_table(four.table[["image", "label"]])
    assert plain.summary().to_dict("list") == {
        "label": ["a", "b"],
        "split": ["all", "all"],
        "images": [3, 1],
    }


# --- writing and fingerprints ----------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.csv", "sub/deep/out.parquet", "out.CSV"])
def test_saved_table_finds_its_pictures_from_anywhere(tmp_path, name):
    collection(tmp_path / "data", "x/1.png,007,m.png\nx/2.png,b,", "image,label,mask")
    before = Specimens.read(tmp_path / "data")
    before.save(tmp_path / name)
    after = Specimens.read(tmp_path / name)
    assert [p.resolve() for p in after.paths] == before.paths
    assert after.mask_paths[0].resolve() == before.mask_paths[0]
    assert after.mask_paths[1] is None
    assert after.table["label"].tolist() == ["007", "b"]
    assert after.fingerprint() == before.fingerprint()
    assert not list(tmp_path.glob(".*"))


def test_save_refuses_other_suffixes(four, tmp_path):
    with pytest.raises(UserError, match=r"out\.xlsx: its name must end in \.csv or \.parquet"):
        four.save(tmp_path / "out.xlsx")
    assert not (tmp_path / "out.xlsx").exists()


def test_fingerprint_changes_with_the_data_alone(tmp_path):
    rows = "x/1.png,a,train,s1\nx/2.png,b,test,s2\ny/3.png,b,test,s2"
    collection(tmp_path / "one", rows, "image,label,split,specimen_id")
    specimens = Specimens.read(tmp_path / "one")
    print_ = specimens.fingerprint()
    assert len(print_) == 64

    shuffled = specimens.with_table(specimens.table.iloc[[2, 0, 1]])
    assert shuffled.fingerprint() == print_
    assert specimens.with_table(specimens.table.assign(sex="f")).fingerprint() == print_
    without = specimens.with_table(specimens.table.drop(columns="specimen_id"))
    nobody = specimens.with_table(specimens.table.assign(specimen_id=None))
    assert without.fingerprint() == nobody.fingerprint() != print_
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    assert Specimens.read(tmp_path / "two").fingerprint() == print_

    for column, value in {"label": "b", "split": "val", "specimen_id": "s9"}.items():
        changed = specimens.table.copy()
        changed.loc[0, column] = value
        assert specimens.with_table(changed).fingerprint() != print_, column
    assert specimens.without(["x/1.png"]).fingerprint() != print_
    with (tmp_path / "two/x/1.png").open("ab") as file:
        file.write(b"\0")
    assert Specimens.read(tmp_path / "two").fingerprint() != print_
    (tmp_path / "one/x/1.png").rename(tmp_path / "one/x/9.png")
    renamed = specimens.table.replace("x/1.png", "x/9.png")
    assert specimens.with_table(renamed).fingerprint() != print_


def test_fingerprint_reports_progress_and_missing_files(four):
    steps: list[tuple[int, int]] = []
    four.fingerprint(lambda done, total: steps.append((done, total)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    four.paths[2].unlink()
    with pytest.raises(UserError, match=r"cannot read .*3\.png"):
        four.fingerprint()


def test_relative_roots_stay_valid_when_the_working_folder_changes(tmp_path, monkeypatch):
    collection(tmp_path / "data", "1.png,a")
    monkeypatch.chdir(tmp_path)
    specimens = Specimens.read("data/specimens.csv")
    monkeypatch.chdir(os.sep)
    assert specimens.paths[0].is_file()


def test_package_room_is_quick_to_import():
    import subprocess

    code = "import sys, intr_discover.data; assert not {'pandas', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- the butterflies of Leeds ----------------------------------------------------------------


def test_leeds(shared):
    specimens = Specimens.read(shared / "data" / "leeds" / "specimens.csv")
    assert len(specimens) == 832
    assert len(specimens.classes) == 10
    assert specimens.splits == ["train", "test"]
    assert [len(specimens.select(split=split)) for split in specimens.splits] == [583, 249]
    assert specimens.summary()["images"].sum() == 832
    assert all(path.is_file() for path in specimens.paths)
    assert all(path is not None and path.is_file() for path in specimens.mask_paths)
    assert Specimens.read(shared / "data" / "leeds").fingerprint() == specimens.fingerprint()
    by_folder = Specimens.read(shared / "data" / "leeds" / "images")
    assert sorted(by_folder.table["label"]) == sorted(specimens.table["label"])
