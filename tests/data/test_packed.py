"""A WebDataset or Hugging Face's Parquet files are read like the photographs that are in them."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from intr_discover.cli import main
from intr_discover.data.defects import find_defects
from intr_discover.data.images import ImageError, read_image
from intr_discover.data.shards import is_there, sha256_of, size_of, stored
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.files import sha256


def picture(seed, kind="PNG"):
    """Return the bytes of a picture of noise."""
    pixels = np.random.default_rng(seed).integers(0, 255, (30, 40, 3), dtype=np.uint8)
    made = io.BytesIO()
    Image.fromarray(pixels).save(made, kind)
    return made.getvalue()


def write_tar(path, files, kind="w"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, kind) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))


def write_parquet(path, rows, names=None, image="image", label="label", **columns):
    """Write what the library ``datasets`` does: a struct of bytes and path, names as metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table(
        {
            image: pa.array(
                [{"bytes": content, "path": name} for name, content, _ in rows], struct
            ),
            label: [value for _, _, value in rows],
            **columns,
        }
    )
    features = {image: {"_type": "Image"}, label: {"dtype": "int64", "_type": "Value"}}
    if names is not None:
        features[label] = {"names": names, "_type": "ClassLabel"}
    said = json.dumps({"info": {"features": features}})
    pq.write_table(table.replace_schema_metadata({"huggingface": said}), path, row_group_size=2)


@pytest.fixture
def tars(tmp_path):
    folder = tmp_path / "tars"
    write_tar(
        folder / "set-train-000000.tar",
        {
            "./a/0001.jpg": picture(1, "JPEG"), "./a/0001.cls": b"1\n",
            "./._a": b"macOS", "README": b"words",
            "./a/0002.seg.png": b"another picture", "./a/0002.PNG": picture(2),
            "./a/0002.cls": b"0",
        },
    )  # fmt: skip
    record = {
        "label": 1,
        "specimen_id": "s 3",
        "wing": 2.5,
        "list": [1],
        "image": "x",
        "split": "y",
    }
    write_tar(
        folder / "set-test-000000.tar",
        {"é.json": json.dumps(record).encode(), "é.webp": picture(3, "WEBP")},
    )
    (folder / "classes.txt").write_text("Heliconius erato\n007\n", encoding="utf-8")
    return folder


def test_a_webdataset(tars):
    found = Specimens.read(tars)
    assert found.table[["image", "label", "split"]].values.tolist() == [
        ["set-test-000000.tar/é.webp", "007", "test"],
        ["set-train-000000.tar/a/0001.jpg", "007", "train"],
        ["set-train-000000.tar/a/0002.PNG", "Heliconius erato", "train"],
    ]
    assert list(found.table.columns) == ["image", "label", "split", "specimen_id", "wing"]
    assert found.table["specimen_id"][0] == "s 3" and found.table["wing"][0] == 2.5
    for path, content in zip(
        found.paths, [picture(3, "WEBP"), picture(1, "JPEG"), picture(2)], strict=True
    ):
        assert stored(path) == content and size_of(path) == len(content) and is_there(path)
        assert read_image(path).shape == (30, 40, 3)
    one = Specimens.read(tars / "set-train-000000.tar")
    assert len(one) == 2 and one.splits == ["train"]
    with pytest.raises(ImageError, match="does not exist"):
        read_image(tars / "set-train-000000.tar" / "none.jpg")


def test_labels_are_words_where_no_names_are_given(tmp_path):
    write_tar(
        tmp_path / "x.tar", {"a.jpg": b"a", "a.cls": "Ωmega".encode(), "b.jpg": b"b", "b.cls": b"7"}
    )
    found = Specimens.read(tmp_path)
    assert found.table["label"].tolist() == ["Ωmega", "7"] and found.splits == []


def test_hugging_face_parquet(tmp_path):
    rows = [("u/a.png", picture(1), 0), ("b.png", picture(2), 1), ("c.jpg", picture(3, "JPEG"), 1)]
    names = ["ant", "bee"]
    write_parquet(tmp_path / "data/train-00000-of-00001.parquet", rows, names, wing=[1.5, 2, None])
    write_parquet(
        tmp_path / "data/validation-00000-of-00001.parquet",
        [(None, picture(4), 0), (None, picture(5), 0)], names, wing=[1.0, 1.0],
    )  # fmt: skip
    (tmp_path / "README.md").write_text("about")
    found = Specimens.read(tmp_path)
    assert found.table["label"].tolist() == ["ant", "bee", "bee", "ant", "ant"]
    assert found.table["split"].tolist() == ["train"] * 3 + ["val"] * 2
    assert found.table["wing"][1] == 2.0
    assert [path.name for path in found.paths] == ["a.png", "b.png", "c.jpg", "000000", "000001"]
    contents = [row[1] for row in rows] + [picture(4), picture(5)]
    assert [stored(path) for path in found.paths] == contents
    assert sha256_of(found.paths[0]) == sha256_of(_written(tmp_path / "a.png", picture(1)))
    assert find_defects(found)["severity"].isin(["note", "warning"]).all()
    assert len(Specimens.read(tmp_path / "data")) == 5


def _written(path, content):
    path.write_bytes(content)
    return path


def test_other_names_of_the_columns(tmp_path):
    rows = [("a.png", picture(1), 0), ("a.png", picture(2), 1)]
    path = tmp_path / "x.parquet"
    write_parquet(path, rows, ["ant", "bee"], image="photo", label="species")
    found = Specimens.read(path)
    assert found.table.values.tolist() == [["x.parquet/000000", "ant"], ["x.parquet/000001", "bee"]]
    assert [stored(each) for each in found.paths] == [picture(1), picture(2)]


def test_a_folder_of_photographs_with_an_archive_beside_stays_one(tmp_path):
    write_tar(tmp_path / "download.tar", {"a.txt": b""})
    for label in ("ant", "bee"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.png").write_bytes(picture(1))
    assert Specimens.read(tmp_path).table["image"].tolist() == ["ant/1.png", "bee/1.png"]
    table = pd.DataFrame({"image": ["ant/1.png", "bee/1.png"], "label": ["x", "y"]})
    table.to_parquet(tmp_path / "specimens.parquet")
    assert Specimens.read(tmp_path).classes == ["x", "y"]


BAD_TARS = {
    "no label": ({"a.jpg": b"a"}, "a.jpg has no label"),
    "empty label": ({"a.jpg": b"a", "a.cls": b" \n"}, "a.jpg has no label"),
    "no JSON": ({"a.jpg": b"a", "a.json": b"{"}, "a.json is no JSON"),
    "deep JSON": ({"a.jpg": b"a", "a.json": b"[" * 100_000}, "a.json is no JSON"),
    "JSON without label": ({"a.jpg": b"a", "a.json": b"{}"}, "a.jpg has no label"),
    "a list": ({"a.jpg": b"a", "a.json": b"[1]"}, "a.jpg has no label"),
    "no text": ({"a.jpg": b"a", "a.cls": b"\xff\xfe\xff"}, "a.cls is no text"),
    "a large label": ({"a.jpg": b"a", "a.cls": b"a" * 2_000_000}, "too large for a label"),
    "outside": ({"../a.jpg": b"a", "../a.cls": b"1"}, "outside itself"),
    "absolute": ({"/a.jpg": b"a", "/a.cls": b"1"}, "outside itself"),
    "twice": ({"a.jpg": b"a", "./a.jpg": b"b", "a.cls": b"1"}, "holds a.jpg twice"),
    "no pictures": ({"a.txt": b"a"}, "holds no photographs"),
    "unknown number": ({"a.jpg": b"a", "a.cls": b"2"}, "classes.txt names 0 to 1"),
}


@pytest.mark.parametrize("fault", BAD_TARS)
def test_a_bad_tar_is_one_line(tmp_path, fault):
    files, words = BAD_TARS[fault]
    files = {name: content for name, content in files.items()}
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo("x")
            member.name, member.size = name, len(content)
            archive.addfile(member, io.BytesIO(content))
    (tmp_path / "classes.txt").write_text("ant\nbee\n")
    with pytest.raises(UserError, match=words) as raised:
        Specimens.read(tmp_path)
    assert "\n" not in str(raised.value)


def test_compressed_cut_and_changed_tars(tmp_path):
    files = {"a.jpg": picture(1), "a.cls": b"1"}
    write_tar(tmp_path / "z" / "x.tar", files, "w:gz")
    with pytest.raises(UserError, match="unpack it if it is compressed"):
        Specimens.read(tmp_path / "z")
    path = tmp_path / "x.tar"
    write_tar(path, files)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match=r"x\.tar cannot be read as a \.tar"):
        Specimens.read(path)
    write_tar(path, files)
    first = Specimens.read(path).paths[0]
    write_tar(path, {"a.jpg": b"other bytes", "a.cls": b"1"})
    assert stored(first) == b"other bytes"


def test_bad_parquet_files_are_one_line(tmp_path):
    path = tmp_path / "x.parquet"
    write_parquet(path, [("a.png", picture(1), 0)], ["ant"])
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    with pytest.raises(UserError, match=r"x\.parquet is damaged"):
        Specimens.read(tmp_path)
    write_parquet(path, [("a.png", picture(1), 3)], ["ant"])
    with pytest.raises(UserError, match="label 3, and names for 0 to 0"):
        Specimens.read(tmp_path)
    write_parquet(path, [("a.png", picture(1), None)], ["ant"])
    with pytest.raises(UserError, match="without a label"):
        Specimens.read(tmp_path)
    write_parquet(path, [("a.png", picture(1), 0)], label="what")
    with pytest.raises(UserError, match="no column 'label'; it has image, what"):
        Specimens.read(tmp_path)
    write_parquet(path, [("a.png", None, 0)], ["ant"])
    with pytest.raises(UserError, match="has a path and no bytes"):
        read_image(Specimens.read(tmp_path).paths[0])
    write_tar(tmp_path / "x.tar", {})
    with pytest.raises(UserError, match=r"both \.tar and \.parquet"):
        Specimens.read(tmp_path)


def test_splits_of_some_files_alone_and_a_specimen_in_two(tmp_path):
    sample = {"a.jpg": b"a", "a.json": b'{"label": "x", "specimen_id": 7}'}
    write_tar(tmp_path / "train-0.tar", sample)
    write_tar(tmp_path / "more.tar", sample)
    with pytest.raises(UserError, match="some files are named after a split"):
        Specimens.read(tmp_path)
    (tmp_path / "more.tar").rename(tmp_path / "test-0.tar")
    with pytest.raises(UserError, match="one specimen lie in two splits"):
        Specimens.read(tmp_path)


def test_commands_take_it(tars, tmp_path, monkeypatch, capsys):
    for words in (["specimens", tars], ["shard", tars, "--out", tmp_path / "shards"]):
        monkeypatch.setattr(sys, "argv", ["intr-discover", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code and "3" in capsys.readouterr().out
    packed, original = Specimens.read(tmp_path / "shards"), Specimens.read(tars)
    assert packed.fingerprint() == original.fingerprint()
    assert (tars / "classes.txt").is_file() and not (tmp_path / "shards" / "classes.txt").exists()


@settings(max_examples=15, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(contents=st.lists(st.binary(max_size=1500), min_size=1, max_size=8))
def test_any_bytes_come_back(tmp_path_factory, contents):
    base = tmp_path_factory.mktemp("any")
    files = {}
    for number, content in enumerate(contents):
        files |= {f"{number}.jpg": content, f"{number}.cls": b"x"}
    write_tar(base / "t" / "x.tar", files)
    write_parquet(base / "p" / "x.parquet", [(f"{n}.jpg", c, "x") for n, c in enumerate(contents)])
    for kind in ("t", "p"):
        assert [stored(path) for path in Specimens.read(base / kind).paths] == contents


@pytest.mark.slow
def test_training_ends_with_the_weights_of_the_folder(tmp_path):
    """Bit for bit, with two processes that read."""
    from intr_discover.training.config import TrainingConfig
    from intr_discover.training.loop import train

    files, rows = {}, []
    for number in range(18):
        label, name = "ABC"[number % 3], f"{'ABC'[number % 3]}/{number:02d}"
        (tmp_path / "p" / label).mkdir(parents=True, exist_ok=True)
        (tmp_path / "p" / f"{name}.png").write_bytes(picture(number))
        rows.append((f"{name}.png", picture(number), number % 3))
    for name, content, label in sorted(rows):
        files |= {name: content, name.replace(".png", ".cls"): b"ABC"[label : label + 1]}
    write_tar(tmp_path / "t" / "x.tar", files)
    write_parquet(tmp_path / "q" / "x.parquet", sorted(rows), list("ABC"))
    config = TrainingConfig(
        width=16, heads=2, feed_forward=16, image_size=32, epochs=1, batch_size=6, workers=2,
        validation_share=0.3,
    )  # fmt: skip
    made = {
        sha256(train(Specimens.read(tmp_path / name), replace(config), tmp_path / f"run_{name}",
                     device="cpu", say=lambda line: None) / "model.safetensors")
        for name in ("p", "t", "q")
    }  # fmt: skip
    assert len(made) == 1
