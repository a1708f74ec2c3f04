"""A collection with one of every defect, and what the report says of it."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tifffile
from PIL import Image

from intr_discover import Specimens
from intr_discover.data import defects as defects_module
from intr_discover.data.defects import SEVERITIES, broken_images, describe, find_defects
from intr_discover.data.threads import map_in_threads

SIZE = (40, 48)  # height, width


def pixels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*SIZE, 3), dtype=np.uint8)


def photograph(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels(seed)).save(path)


def read(root: Path, rows: list[str], header: str = "image,label") -> Specimens:
    (root / "specimens.csv").write_text("\n".join([header, *rows]) + "\n")
    return Specimens.read(root, allow_missing=True)


def found(table: pd.DataFrame, image: str) -> dict[str, str]:
    """Return the defects of one image with their severities."""
    of_image = table[table["image"] == image]
    return dict(zip(of_image["defect"], of_image["severity"], strict=True))


def enough(root: Path, label: str = "a", number: int = 5, start: int = 100) -> list[str]:
    """Add sound photographs, so that no label is too small."""
    for n in range(start, start + number):
        photograph(root / f"{label}{n}.png", n)
    return [f"{label}{n}.png,{label}" for n in range(start, start + number)]


def test_sound_collection_has_no_defects(tmp_path):
    specimens = read(tmp_path, enough(tmp_path))
    table = find_defects(specimens)
    assert list(table.columns) == ["image", "defect", "severity", "detail"]
    assert table.empty
    assert broken_images(table) == []
    assert describe(specimens, table).splitlines() == [
        str(tmp_path / "specimens.csv"),
        "  5 images of 1 label",
        "no defects",
    ]


def test_photographs_that_cannot_be_used(tmp_path):
    rows = enough(tmp_path)
    photograph(tmp_path / "cut.jpg", 1)
    photograph(tmp_path / "cut.png", 2)
    for name in ("cut.jpg", "cut.png"):
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(data[: len(data) // 2])
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no picture" * 50)
    big = Image.new("1", (15_000, 12_000))
    big.save(tmp_path / "big.png")
    expected = {
        "gone.jpg": "missing file",
        "cut.jpg": "truncated",
        "cut.png": "truncated",
        "empty.jpg": "zero bytes",
        "text.jpg": "unreadable",
        "big.png": "gigantic",
    }
    specimens = read(tmp_path, [*rows, *(f"{name},a" for name in expected)])
    table = find_defects(specimens)
    for name, defect in expected.items():
        assert found(table, name) == {defect: "error"}
    assert len(table) == len(expected)
    assert broken_images(table) == sorted(expected)
    assert find_defects(specimens.without(broken_images(table))).empty
    # The path stands in a column of its own.
    assert not table["detail"].str.contains(str(tmp_path), regex=False).any()
    assert table["detail"].str.len().min() > 8


def test_what_was_done_to_the_pixels(tmp_path):
    rows = enough(tmp_path)
    rgb = pixels(1)
    Image.fromarray(rgb).convert("CMYK").save(tmp_path / "cmyk.jpg")
    tifffile.imwrite(tmp_path / "deep.tif", rgb.astype(np.uint16) * 256, photometric="rgb")
    Image.fromarray(np.dstack([pixels(2), pixels(3)[..., :1]])).save(tmp_path / "alpha.png")
    exif = Image.Exif()
    exif[0x0112] = 8
    Image.fromarray(pixels(4)).save(tmp_path / "turned.jpg", exif=exif)
    Image.fromarray(pixels(5)[..., 0]).save(tmp_path / "grey.png")
    expected = {
        "cmyk.jpg": {"CMYK": "note"},
        "deep.tif": {"16 bit": "note"},
        "alpha.png": {"alpha": "note"},
        "turned.jpg": {"EXIF-rotated": "note"},
        "grey.png": {"grey": "note"},
    }
    table = find_defects(read(tmp_path, [*rows, *(f"{name},a" for name in expected)]))
    for name, notes in expected.items():
        assert found(table, name) == notes
    assert len(table) == len(expected)
    assert table.set_index("image").loc["turned.jpg", "detail"] == "turned upright (orientation 8)"


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_animations_and_pages(tmp_path, suffix):
    frames = [Image.fromarray(pixels(n)) for n in (1, 2, 3)]
    frames[0].save(tmp_path / f"x.{suffix}", save_all=True, append_images=frames[1:])
    table = find_defects(read(tmp_path, [*enough(tmp_path), f"x.{suffix},a"]))
    assert found(table, f"x.{suffix}")["animated"] == "warning"
    assert "3 frames or pages: the first is used" in table["detail"].tolist()


def test_sizes_and_values(tmp_path, monkeypatch):
    rows = enough(tmp_path)
    Image.fromarray(pixels(1)[:31]).save(tmp_path / "tiny.png")
    Image.fromarray(pixels(2)[:32, :32]).save(tmp_path / "small.png")
    Image.new("RGB", (40, 40), (9, 9, 9)).save(tmp_path / "blank.png")
    twelve_bits = pixels(3).astype(np.uint16) * 16
    tifffile.imwrite(tmp_path / "camera.tif", twelve_bits, photometric="rgb")
    Image.fromarray(np.tile(pixels(4), (2, 2, 1))).save(tmp_path / "large.png")
    names = ["tiny.png", "small.png", "blank.png", "camera.tif", "large.png"]
    monkeypatch.setattr(defects_module, "LARGE_PIXELS", 80 * 96 - 1)
    table = find_defects(read(tmp_path, [*rows, *(f"{name},a" for name in names)]))
    assert found(table, "tiny.png") == {"tiny": "warning"}
    assert found(table, "small.png") == {}
    assert found(table, "blank.png") == {"blank": "warning"}
    assert found(table, "camera.tif") == {"nearly black": "warning", "16 bit": "note"}
    assert found(table, "large.png") == {"very large": "warning"}
    details = table.set_index("defect")["detail"]
    assert details["tiny"] == "48 x 31 pixels: too few to show an attribute"
    # 255 · 16 = 4080, whose high byte is 15.
    assert details["nearly black"].startswith("brightest value 15 of 255: camera data of 12 bits")


def test_duplicates(tmp_path):
    rows = enough(tmp_path, "a") + enough(tmp_path, "b", start=200)
    for name in ("leak1.png", "leak2.bmp"):  # the same pixels, other bytes
        photograph(tmp_path / name, 1)
    for name in ("wrong1.png", "wrong2.png"):
        photograph(tmp_path / name, 2)
    for name in ("copy1.png", "copy2.png"):
        photograph(tmp_path / name, 3)
    photograph(tmp_path / "both1.png", 4)
    photograph(tmp_path / "both2.png", 4)
    rows = [f"{row},train" for row in rows]
    rows += ["leak1.png,a,train", "leak2.bmp,a,test", "wrong1.png,a,train", "wrong2.png,b,train"]
    rows += ["copy1.png,a,train", "copy2.png,a,train", "both1.png,a,val", "both2.png,b,test"]
    table = find_defects(read(tmp_path, rows, "image,label,split"))
    for name in ("leak1.png", "leak2.bmp"):
        assert found(table, name) == {"duplicate across splits": "warning"}
    for name in ("wrong1.png", "wrong2.png"):
        assert found(table, name) == {"duplicate with another label": "warning"}
    for name in ("copy1.png", "copy2.png"):
        assert found(table, name) == {"duplicate": "note"}
    assert set(found(table, "both1.png")) == {
        "duplicate across splits",
        "duplicate with another label",
    }
    details = table.set_index(["image", "defect"])["detail"]
    assert details["leak1.png", "duplicate across splits"].startswith(
        "same picture as leak2.bmp (test)"
    )
    assert details["wrong2.png", "duplicate with another label"].startswith(
        "same picture as wrong1.png (a)"
    )
    assert len(table) == 10


def test_duplicates_without_splits(tmp_path):
    photograph(tmp_path / "x1.png", 1)
    photograph(tmp_path / "x2.png", 1)
    table = find_defects(read(tmp_path, [*enough(tmp_path), "x1.png,a", "x2.png,a"]))
    assert found(table, "x1.png") == found(table, "x2.png") == {"duplicate": "note"}


def test_small_labels(tmp_path):
    rows = [f"{row},train" for row in enough(tmp_path, "enough", 5, 0)]
    rows += [f"{row},train" for row in enough(tmp_path, "few", 4, 10)]
    rows += [f"{row},test" for row in enough(tmp_path, "few", 6, 20)]
    rows += [f"{row},train" for row in enough(tmp_path, "one", 1, 30)]
    rows += [f"{row},test" for row in enough(tmp_path, "untrained", 6, 40)]
    table = find_defects(read(tmp_path, rows, "image,label,split"))
    assert table.values.tolist() == [
        ["", "fewer than 5 training images", "warning", "few has 4"],
        ["", "fewer than 5 training images", "warning", "untrained has 0"],
        [
            "",
            "label with one image",
            "warning",
            "one has one image: it cannot be learnt and tested",
        ],
    ]
    assert broken_images(table) == []


def test_labels_spelt_alike(tmp_path):
    rows = enough(tmp_path, "Danaus plexippus") + enough(tmp_path, "danaus_plexippus", start=200)
    table = find_defects(read(tmp_path, rows))
    assert table["defect"].tolist() == ["labels spelt alike"]
    assert "Danaus plexippus and danaus_plexippus" in table["detail"][0]


def test_masks(tmp_path):
    rows = enough(tmp_path, number=7)
    height, width = SIZE
    good = np.zeros(SIZE, np.uint8)
    good[5:20, 5:20] = 255
    Image.fromarray(good).save(tmp_path / "good.png")
    Image.fromarray(good // 255).save(tmp_path / "ones.png")
    Image.fromarray(good * 0 + 255).save(tmp_path / "full.png")
    Image.fromarray(good[:-1]).save(tmp_path / "size.png")
    Image.fromarray(good.T).save(tmp_path / "turned.png")
    (tmp_path / "broken.png").write_bytes((tmp_path / "good.png").read_bytes()[:60])
    masks = ["good.png", "ones.png", "full.png", "size.png", "turned.png", "broken.png", "gone.png"]
    expected: list[dict[str, str]] = [
        {},
        {"mask empty": "warning"},
        {"mask full": "warning"},
        {"mask of another size": "warning"},
        {"mask of another size": "warning"},
        {"mask unreadable": "warning"},
        {"mask missing": "warning"},
    ]
    rows = [f"{row},{mask}" for row, mask in zip(rows, masks, strict=True)]
    specimens = read(tmp_path, rows, "image,label,mask")
    table = find_defects(specimens)
    for image, defects in zip(specimens.table["image"], expected, strict=True):
        assert found(table, image) == defects
    details = table.set_index("image")["detail"]
    assert f"48 x 39 pixels, its photograph {width} x {height}" in details["a103.png"]
    assert "write 0 and 255" in details["a101.png"]
    assert broken_images(table) == []


def test_attribute_masks_keypoints_and_names_that_lead_nowhere(tmp_path):
    rows = enough(tmp_path)
    (tmp_path / "attributes.csv").write_text(
        "image,attribute,mask\na100.png,red band,gone.png\nother.png,red band,gone.png\n"
    )
    # The picture has 48 x 40 pixels; its right and lower edges still belong to it.
    (tmp_path / "keypoints.csv").write_text(
        "image,keypoint,x,y\na100.png,tip,48.1,3\na100.png,eye,-1,3\na101.png,tip,48,40\n"
        "a102.png,tip,,\na103.png,tip,3,41\nnowhere.png,tip,1,1\n"
    )
    (tmp_path / "pairs.csv").write_text("label_a,label_b\na,b\n")
    table = find_defects(read(tmp_path, rows))
    assert found(table, "a100.png") == {
        "mask missing": "warning",
        "keypoint outside the picture": "warning",
    }
    assert found(table, "a101.png") == found(table, "a102.png") == {}
    assert found(table, "a103.png") == {"keypoint outside the picture": "warning"}
    details = table["detail"].tolist()
    assert "tip, eye outside the 48 x 40 pixels" in details
    assert "attributes.csv names images that the table lacks: other.png" in details
    assert "keypoints.csv names images that the table lacks: nowhere.png" in details
    assert "pairs.csv names labels that the table lacks: b" in details


def test_files_that_were_passed_over(tmp_path):
    for n in range(5):
        photograph(tmp_path / "a" / f"{n}.png", n)
    (tmp_path / "a" / "0.docx").touch()
    (tmp_path / "a" / "1.docx").touch()
    specimens = Specimens.read(tmp_path)
    table = find_defects(specimens)
    assert table.values.tolist() == [
        ["", "ignored files", "note", "2 files are no photographs: a/0.docx, a/1.docx"]
    ]


def test_gravest_first_and_the_same_every_time(tmp_path):
    rows = enough(tmp_path)
    for n in (1, 2):
        Image.fromarray(pixels(n)[:8, :8, 0]).save(tmp_path / f"z{n}.png")
        (tmp_path / f"y{n}.png").touch()
    specimens = read(tmp_path, ["z2.png,a", "y2.png,a", *rows, "z1.png,a", "y1.png,a"])
    table = find_defects(specimens, workers=4)
    assert table["severity"].map(SEVERITIES.index).is_monotonic_increasing
    assert table["image"].tolist() == ["y1.png", "y2.png", "z1.png", "z2.png", "z1.png", "z2.png"]
    pd.testing.assert_frame_equal(table, find_defects(specimens, workers=1))


def test_description_groups_by_defect(tmp_path):
    rows = [f"{row},train" for row in enough(tmp_path, "a", 5)]
    rows += [f"{row},test" for row in enough(tmp_path, "b", 2, 200)]
    for n in range(5):
        (tmp_path / f"empty{n}.jpg").touch()
        rows.append(f"empty{n}.jpg,a,train")
    specimens = read(tmp_path, [*rows, "gone.jpg,a,train"], "image,label,split")
    assert describe(specimens, find_defects(specimens)).splitlines() == [
        str(tmp_path / "specimens.csv"),
        "  13 images of 2 labels, 2 (b) to 11 (a) a label",
        "  splits: train 11, test 2",
        "errors (training stops, or leaves these out with --skip-broken)",
        "  missing file: gone.jpg: does not exist",
        "  zero bytes: 5 images (empty0.jpg, empty1.jpg, empty2.jpg and 2 more)",
        "warnings",
        "  fewer than 5 training images: b has 0",
    ]


def test_progress_counts_every_photograph(tmp_path):
    steps: list[tuple[int, int]] = []
    find_defects(read(tmp_path, enough(tmp_path)), lambda *step: steps.append(step))
    assert steps == [(n, 5) for n in range(1, 6)]


def test_threads_keep_the_order_and_stop_at_an_error():
    assert map_in_threads(lambda n: n * n, range(50), workers=8) == [n * n for n in range(50)]
    started: list[int] = []
    first_failed = threading.Event()

    def fail_at_once(number: int) -> None:
        started.append(number)
        if number == 0:
            first_failed.set()
            raise ValueError("first")
        first_failed.wait(5)

    with pytest.raises(ValueError, match="first"):
        map_in_threads(fail_at_once, range(10_000), workers=2)
    assert len(started) < 10_000


def test_threads_stop_when_progress_is_interrupted():
    started: list[int] = []

    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    def work(number: int) -> None:
        started.append(number)
        time.sleep(0.001)

    with pytest.raises(KeyboardInterrupt):
        map_in_threads(work, range(10_000), workers=2, progress=interrupt)
    assert len(started) < 1000
