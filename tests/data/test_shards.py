"""A folder of shards is read like the collection that was packed into it."""

import json
import os
import pickle
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from intr_discover.data import sharding
from intr_discover.data.defects import broken_images, find_defects
from intr_discover.data.images import ImageError, read_image, read_mask
from intr_discover.data.sharding import write_shards
from intr_discover.data.shards import is_there, sha256_of, size_of, stored
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.files import sha256


def draw(path, seed=0, size=(40, 30), **save):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, **save)


@pytest.fixture
def folder(tmp_path):
    for number, (split, label) in enumerate(
        (split, label) for split in ("train", "test") for label in ("A a", "B") for _ in range(4)
    ):
        draw(tmp_path / "photographs" / split / label / f"{number:02d}.png", number)
    return tmp_path / "photographs"


@pytest.fixture
def awkward(tmp_path):
    """A table whose photographs lie elsewhere, with masks, keypoints, attributes and pairs."""
    root = tmp_path / "tables"
    root.mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6
    draw(tmp_path / "else where" / "é 1.jpg", 1, exif=exif)
    draw(tmp_path / "else where" / "2.tiff", 2)
    deep = np.random.default_rng(3).random((30, 40, 3), dtype=np.float32)
    import tifffile

    tifffile.imwrite(tmp_path / "else where" / "3.tif", deep, photometric="rgb")
    draw(root / "inside.webp", 4, lossless=True)
    mask = np.zeros((30, 40), np.uint8)
    mask[5:20, 5:20] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "m.png")
    pd.DataFrame(
        {
            "image": ["../else where/é 1.jpg", "../else where/2.tiff", "../else where/3.tif",
                      "inside.webp"],
            "label": ["007", "007", "b", "b"],
            "specimen_id": ["s1", "s1", "s2", None],
            "mask": [None, "../masks/m.png", None, "../masks/m.png"],
            "wing": [1.5, 2, None, 4],
        }
    ).to_csv(root / "specimens.csv", index=False)  # fmt: skip
    pd.DataFrame(
        {"image": ["inside.webp"], "attribute": ["spot"], "mask": ["../masks/m.png"]}
    ).to_csv(root / "attributes.csv", index=False)
    pd.DataFrame(
        {"image": ["../else where/2.tiff"], "keypoint": ["tip"], "x": [3.5], "y": [4.0]}
    ).to_csv(root / "keypoints.csv", index=False)
    pd.DataFrame({"label_a": ["007"], "label_b": ["b"]}).to_csv(root / "pairs.csv", index=False)
    return Specimens.read(root)


def test_what_is_written(folder, tmp_path):
    calls = []
    write_shards(
        Specimens.read(folder), tmp_path / "shards", images_per_shard=6,
        progress=lambda *call: calls.append(call),
    )  # fmt: skip
    assert sorted(path.name for path in (tmp_path / "shards").iterdir()) == [
        "images-00000.parquet", "images-00001.parquet", "images-00002.parquet", "shards.json",
        "specimens.csv",
    ]  # fmt: skip
    manifest = json.loads((tmp_path / "shards" / "shards.json").read_text())
    assert [file["rows"] for file in manifest["files"]] == [6, 6, 4]
    for file in manifest["files"]:
        path = tmp_path / "shards" / file["name"]
        assert (file["bytes"], file["sha256"]) == (path.stat().st_size, sha256(path))
    # Anybody's Parquet reader finds the same bytes.
    table = pd.concat(pd.read_parquet(tmp_path / "shards" / f["name"]) for f in manifest["files"])
    assert list(table.columns) == ["path", "image", "label", "split"]
    for path, image, label, split in table.itertuples(index=False):
        assert image == (folder / path).read_bytes()
        assert path.startswith(f"{split}/{label}/")
    assert calls[0] == (1, 16) and calls[-1] == (16, 16)


def test_it_is_read_like_the_folder(folder, tmp_path):
    original = Specimens.read(folder)
    write_shards(original, tmp_path / "shards", images_per_shard=5)
    shutil.rmtree(folder.parent / "photographs" / "test" / "B")  # nothing comes from there
    packed = Specimens.read(tmp_path / "shards")
    pd.testing.assert_frame_equal(packed.table, original.table, check_dtype=False)
    assert packed.names == original.names
    for old, new in zip(original.paths, packed.paths, strict=True):
        assert is_there(new) and not new.exists()
        if old.exists():
            assert np.array_equal(read_image(new), read_image(old))
            assert sha256_of(new) == sha256(old)
            assert size_of(new) == old.stat().st_size
    assert find_defects(packed)["severity"].isin(["note", "warning"]).all()


def test_the_fingerprint_is_that_of_the_folder(folder, awkward, tmp_path):
    for number, original in enumerate((Specimens.read(folder), awkward)):
        write_shards(original, tmp_path / f"shards{number}")
        assert Specimens.read(tmp_path / f"shards{number}").fingerprint() == original.fingerprint()


def test_masks_keypoints_attributes_and_pairs_come_along(awkward, tmp_path):
    write_shards(awkward, tmp_path / "shards")
    (tmp_path / "else where").rename(tmp_path / "gone")
    moved = tmp_path / "moved"
    (tmp_path / "shards").rename(moved)
    packed = Specimens.read(moved)
    assert not any(name.startswith("..") for name in packed.table["image"])
    assert packed.table["label"].tolist() == ["007", "007", "b", "b"]
    assert packed.table["wing"].tolist()[:2] == [1.5, 2.0]
    assert broken_images(find_defects(packed)) == []
    # Turned by its EXIF tag, in Pillow's TIFF, in a TIFF that Pillow cannot read, and WebP.
    shapes = [read_image(path).shape for path in packed.paths]
    assert shapes == [(40, 30, 3), (30, 40, 3), (30, 40, 3), (30, 40, 3)]
    mask = read_mask(packed.mask_paths[1], (30, 40))
    assert mask.sum() == 225 and packed.mask_paths[0] is None
    assert packed.attributes["image"].tolist() == [packed.table["image"][3]]
    assert read_mask(packed.root / packed.attributes["mask"][0]).sum() == 225
    assert packed.keypoints[["image", "x"]].values.tolist() == [[packed.table["image"][1], 3.5]]
    assert packed.pairs["label_b"].tolist() == ["b"]
    # Equal masks are kept once.
    assert pq.read_metadata(moved / "masks-00000.parquet").num_rows == 1


def test_shards_of_shards(folder, tmp_path):
    write_shards(Specimens.read(folder), tmp_path / "one", images_per_shard=3)
    write_shards(Specimens.read(tmp_path / "one"), tmp_path / "two", images_per_shard=7)
    one, two = Specimens.read(tmp_path / "one"), Specimens.read(tmp_path / "two")
    assert one.fingerprint() == two.fingerprint()


def test_smaller_photographs(folder, tmp_path):
    draw(folder / "train" / "B" / "tiny.png", size=(10, 12))
    write_shards(Specimens.read(folder), tmp_path / "shards", side=15)
    packed = Specimens.read(tmp_path / "shards")
    shapes = {name: read_image(path).shape for name, path in zip(
        packed.table["image"], packed.paths, strict=True)}  # fmt: skip
    assert shapes.pop("train/B/tiny.png") == (12, 10, 3)
    assert set(shapes.values()) == {(15, 20, 3)}


def test_smaller_photographs_would_not_fit_their_masks(awkward, tmp_path):
    with pytest.raises(UserError, match="leave --side out"):
        write_shards(awkward, tmp_path / "shards", side=10)
    assert not (tmp_path / "shards").exists()


def test_nothing_is_written_over(folder, tmp_path):
    (tmp_path / "shards").mkdir()
    write_shards(Specimens.read(folder), tmp_path / "shards")  # an empty folder is free
    with pytest.raises(UserError, match="exists already"):
        write_shards(Specimens.read(folder), tmp_path / "shards")


def test_a_fault_leaves_nothing(folder, tmp_path):
    specimens = Specimens.read(folder)
    (folder / "test" / "B" / "15.png").unlink()
    with pytest.raises(UserError, match=r"15\.png does not exist"):
        write_shards(specimens, tmp_path / "shards", images_per_shard=2)
    assert not (tmp_path / "shards").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["photographs"]


@pytest.fixture
def packed(folder, tmp_path):
    write_shards(Specimens.read(folder), tmp_path / "shards", images_per_shard=8)
    return tmp_path / "shards"


def test_a_missing_shard_is_named(packed):
    (packed / "images-00001.parquet").unlink()
    with pytest.raises(UserError, match=r"images-00001\.parquet is missing"):
        Specimens.read(packed)


def test_a_shard_that_was_cut_short_is_named(packed):
    path = packed / "images-00000.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"images-00000\.parquet has .* bytes instead of"):
        Specimens.read(packed)


def test_a_flipped_bit_is_an_unreadable_photograph(packed):
    """Its checksum no longer fits, and the others of its row group cannot be trusted either."""
    path = packed / "images-00000.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    defects = find_defects(Specimens.read(packed))
    broken = defects[defects["severity"] == "error"]
    assert len(broken) >= 1
    assert broken["detail"].str.contains("CRC|checksum", case=False).all()
    assert not broken["detail"].str.contains("\n").any()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"format": 1}', '{"format": 1, "files": [3]}'], ids=repr
)
def test_a_damaged_manifest_is_named(packed, content):
    (packed / "shards.json").write_text(content)
    with pytest.raises(UserError, match=r"cannot read .*shards\.json"):
        Specimens.read(packed)


@pytest.mark.parametrize("name", ["../x.parquet", "/etc/passwd", "a\\b", "..", ""])
def test_a_manifest_cannot_reach_outside(packed, name):
    record = {"name": name, "bytes": 1, "rows": 1, "sha256": ""}
    (packed / "shards.json").write_text(json.dumps({"format": 1, "files": [record]}))
    with pytest.raises(UserError, match="outside its folder"):
        Specimens.read(packed)


def test_another_format_is_refused(packed):
    (packed / "shards.json").write_text('{"format": 2, "files": []}')
    with pytest.raises(UserError, match="has format 2"):
        Specimens.read(packed)


def test_a_photograph_that_is_in_no_shard(packed):
    assert stored(packed / "train" / "B" / "none.png") is None
    with pytest.raises(ImageError, match="does not exist"):
        read_image(packed / "train" / "B" / "none.png")
    with pytest.raises(ImageError, match="does not exist"):
        read_image(packed / "images-00000.parquet" / "none.png")


def test_other_shards_in_the_same_place_are_seen(packed, tmp_path):
    name = packed / "train" / "A a" / "00.png"
    before = read_image(name)
    shutil.rmtree(packed)
    draw(tmp_path / "other" / "train" / "A a" / "00.png", 99)
    draw(tmp_path / "other" / "train" / "B" / "01.png", 98)
    write_shards(Specimens.read(tmp_path / "other"), packed)
    assert not np.array_equal(read_image(name), before)


def test_row_groups_are_small(tmp_path, monkeypatch):
    """What one reading fetches is bounded, whatever the number of photographs of a file."""
    monkeypatch.setattr(sharding, "GROUP_BYTES", 10_000)
    for number in range(12):
        draw(tmp_path / "p" / "AB"[number % 2] / f"{number}.png", number)  # 3.7 kB each
    write_shards(Specimens.read(tmp_path / "p"), tmp_path / "shards")
    metadata = pq.read_metadata(tmp_path / "shards" / "images-00000.parquet")
    assert [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)] == [3] * 4
    packed = Specimens.read(tmp_path / "shards")
    for image, path in zip(packed.table["image"], packed.paths, strict=True):
        assert stored(path) == (tmp_path / "p" / image).read_bytes()


@settings(
    max_examples=20, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(
    contents=st.lists(st.binary(min_size=1, max_size=400), min_size=2, max_size=14),
    per_shard=st.integers(1, 6),
    group_bytes=st.integers(1, 900),
)
def test_any_bytes_come_back(tmp_path_factory, monkeypatch, contents, per_shard, group_bytes):
    monkeypatch.setattr(sharding, "GROUP_BYTES", group_bytes)
    base = tmp_path_factory.mktemp("any")
    for number, content in enumerate(contents):
        (base / "p" / "A").mkdir(parents=True, exist_ok=True)
        (base / "p" / "A" / f"{number}.jpg").write_bytes(content)
    write_shards(Specimens.read(base / "p"), base / "shards", images_per_shard=per_shard)
    for number, content in enumerate(contents):
        assert stored(base / "shards" / "A" / f"{number}.jpg") == content


@pytest.mark.parametrize("workers", [0, 2])
def test_training_ends_with_the_same_weights(tmp_path, workers):
    """Bit for bit those of the folder, also where other processes read the shards."""
    from intr_discover.training.config import TrainingConfig
    from intr_discover.training.loop import train

    for number in range(18):
        draw(tmp_path / "p" / "ABC"[number % 3] / f"{number:02d}.png", number)
    write_shards(Specimens.read(tmp_path / "p"), tmp_path / "shards", images_per_shard=5)
    config = TrainingConfig(
        width=16, heads=2, feed_forward=16, image_size=32, epochs=1, batch_size=6,
        workers=workers, validation_share=0.3,
    )  # fmt: skip
    runs = [
        train(Specimens.read(tmp_path / name), replace(config), tmp_path / f"run_{name}",
              device="cpu", say=lambda line: None)
        for name in ("p", "shards")
    ]  # fmt: skip
    for name in ("model.safetensors", "last.safetensors"):
        assert sha256(runs[0] / name) == sha256(runs[1] / name)
    ours, theirs = (json.loads((run / "config.json").read_text())["data"] for run in runs)
    assert ours == theirs


def test_reading_in_a_process_that_was_started_anew(packed):
    """As the loading processes are on macOS and Windows: nothing open is handed on."""
    paths = Specimens.read(packed).paths
    code = (
        "import pickle, sys; from intr_discover.data.images import read_image;"
        "print(sum(int(read_image(p).sum()) for p in pickle.loads(sys.stdin.buffer.read())))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], input=pickle.dumps(paths), capture_output=True, check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert int(result.stdout) == sum(int(read_image(path).sum()) for path in paths)


def test_the_command(folder, tmp_path):
    out = tmp_path / "shards"
    words = [sys.executable, "-m", "intr_discover", "shard", str(folder), "--out", str(out)]
    result = subprocess.run(words, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert f"wrote 16 photographs to {out}" in result.stdout
    again = subprocess.run(words, capture_output=True, text=True)
    assert again.returncode == 2
    assert "exists already" in again.stderr and "Traceback" not in again.stderr
