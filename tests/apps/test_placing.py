"""Landmarks and masks made by hand: what is written, and what is left alone."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

pytest.importorskip("gradio")

from apps.placing import (
    UNSEEN,
    Point,
    landmark_names,
    landmarks_of,
    marked_picture,
    mask_of,
    save_landmark,
    save_mask,
)
from intr_discover import Specimens
from intr_discover.data.images import read_mask
from intr_discover.errors import UserError
from intr_discover.files import sha256
from tests.apps.test_own_data import picture

LEFT = np.zeros((40, 50), dtype=bool)
LEFT[:, :20] = True


@pytest.fixture
def folder(tmp_path):
    for number, label in enumerate(["a", "a", "b"]):
        picture(tmp_path / "mine" / label / f"{number}.png", number)
    return tmp_path / "mine"


def photographs(folder):
    return {path: sha256(path) for label in "ab" for path in (folder / label).rglob("*.png")}


def test_landmarks_come_back_and_photographs_stay(folder):
    before = photographs(folder)
    specimens = Specimens.read(folder)
    save_landmark(specimens, "a/0.png", "tip", Point(12.25, 0))
    save_landmark(specimens, "a/0.png", "eye", UNSEEN)
    save_landmark(specimens, "b/2.png", "tip", Point(50, 40))
    assert landmark_names(specimens) == ["tip", "eye"]
    found = landmarks_of(specimens, "a/0.png")
    assert found["tip"] == (12.25, 0)
    assert np.isnan(found["eye"].x) and np.isnan(found["eye"].y)
    save_landmark(specimens, "a/0.png", "tip", Point(1, 2))  # again: moved, not twice
    assert landmarks_of(specimens, "a/0.png")["tip"] == (1, 2)
    assert len(Specimens.read(folder).keypoints) == 3
    for image, name in [("a/0.png", "tip"), ("a/0.png", "eye"), ("b/2.png", "tip")]:
        save_landmark(specimens, image, name, None)
    assert not (folder / "keypoints.csv").exists() and photographs(folder) == before


def test_other_rows_and_columns_stay_as_they_were_written(folder):
    text = "﻿Image;keypoint;x;y;who\na\\1.png;tip;3.10;4.00;Ödön\ngone.png;tip;1;1;\n"
    (folder / "keypoints.csv").write_text(text, encoding="utf-8")
    specimens = Specimens.read(folder)
    save_landmark(specimens, "a/0.png", "tip", Point(5, 6))
    lines = (folder / "keypoints.csv").read_text(encoding="utf-8").splitlines()
    assert lines == [
        "﻿image;keypoint;x;y;who", "a\\1.png;tip;3.10;4.00;Ödön", "gone.png;tip;1;1;",
        "a/0.png;tip;5.00;6.00;",
    ]  # fmt: skip
    save_landmark(specimens, "a/1.png", "tip", Point(7, 8))
    assert landmarks_of(specimens, "a/1.png") == {"tip": Point(7, 8)}
    # What the file held at first is kept once.
    assert (folder / "keypoints.first.csv").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("point", [Point(-0.1, 0), Point(50.1, 0), Point(0, 41)])
def test_a_landmark_off_the_photograph_is_refused(folder, point):
    specimens = Specimens.read(folder)
    with pytest.raises(UserError, match="off the photograph"):
        save_landmark(specimens, "a/0.png", "tip", point)
    with pytest.raises(UserError, match="no name"):
        save_landmark(specimens, "a/0.png", "  ", Point(1, 1))
    assert not (folder / "keypoints.csv").exists()


def test_a_mask_of_a_folder_makes_its_table(folder):
    before, specimens = photographs(folder), Specimens.read(folder)
    source = save_mask(specimens, "a/1.png", LEFT)
    assert source == folder / "specimens.csv"
    now = Specimens.read(folder)
    assert now.classes == ["a", "b"] and now.table["image"].tolist() == list(
        specimens.table["image"]
    )
    assert now.mask_paths == [None, folder / "masks/a/1.png", None]
    assert np.array_equal(read_mask(now.mask_paths[1], (40, 50)), LEFT)
    assert photographs(folder) == before
    save_mask(now, "a/1.png", ~LEFT)  # mended: the first one is kept
    assert np.array_equal(read_mask(folder / "masks/a/1.png"), ~LEFT)
    assert np.array_equal(read_mask(folder / "masks/a/1.first.png"), LEFT)


def test_a_table_keeps_its_other_cells(folder):
    (folder / "sheet.csv").write_text("image,label,id\na/0.png,x,007\nb/2.png,y,NA\n")
    specimens = Specimens.read(folder / "sheet.csv")
    assert save_mask(specimens, "b/2.png", LEFT) == folder / "sheet.csv"
    assert (folder / "sheet.csv").read_text().splitlines() == [
        "image,label,id,mask", "a/0.png,x,007,", "b/2.png,y,,masks/b/2.png",
    ]  # fmt: skip
    assert "NA" in (folder / "sheet.first.csv").read_text()


def test_beside_an_excel_table_a_csv_is_made(folder):
    table = pd.DataFrame({"image": ["a/0.png", "b/2.png"], "label": ["x", "y"]})
    table.to_excel(folder / "specimens.xlsx", index=False)
    before = sha256(folder / "specimens.xlsx")
    source = save_mask(Specimens.read(folder), "a/0.png", LEFT)
    assert source.name == "specimens.csv" and sha256(folder / "specimens.xlsx") == before
    assert Specimens.read(folder).mask_paths[0] == folder / "masks/a/0.png"


def test_two_photographs_of_one_name_have_two_masks(folder):
    picture(folder / "a" / "0.jpg", 9)
    specimens = Specimens.read(folder)
    save_mask(specimens, "a/0.png", LEFT)
    specimens = Specimens.read(folder)
    save_mask(specimens, "a/0.jpg", ~LEFT)
    paths = Specimens.read(folder).mask_paths
    assert len({path for path in paths if path}) == 2


def test_a_species_called_masks_is_no_folder_for_masks(folder):
    picture(folder / "masks" / "7.png", 7)
    save_mask(Specimens.read(folder), "a/0.png", LEFT)
    now = Specimens.read(folder)
    assert now.classes == ["a", "b", "masks"] and len(now) == 4
    assert now.mask_paths[0] == folder / "specimen-masks/a/0.png"


def test_wrong_masks_are_refused_and_nothing_is_written(folder):
    specimens = Specimens.read(folder)
    with pytest.raises(UserError, match="another size"):
        save_mask(specimens, "a/0.png", LEFT.T)
    with pytest.raises(UserError, match="empty"):
        save_mask(specimens, "a/0.png", np.zeros_like(LEFT))
    assert sorted(path.name for path in folder.iterdir()) == ["a", "b"]
    save_mask(specimens, "a/0.png", LEFT)
    (folder / "specimens.csv").write_text("image,label\nb/2.png,b\n")
    with pytest.raises(UserError, match="any more"):
        save_mask(Specimens.read(folder), "a/0.png", LEFT)


def test_the_mask_that_is_shown_is_the_kept_one_or_a_guess(folder):
    pixels = np.full((40, 50, 3), 200, dtype=np.uint8)
    pixels[10:30, 15:35] = (120, 20, 20)
    Image.fromarray(pixels).save(folder / "a" / "0.png")
    Image.fromarray(np.full((40, 50, 3), 90, np.uint8)).save(folder / "b" / "2.png")
    specimens = Specimens.read(folder)
    guess, said = mask_of(specimens, "a/0.png")
    assert "guess" in said and guess[20, 25] and not guess[2, 2]
    none, said = mask_of(specimens, "b/2.png")
    assert none is None and "Paint" in said
    specimens = Specimens.read(save_mask(specimens, "a/0.png", LEFT))
    assert np.array_equal(mask_of(specimens, "a/0.png")[0], LEFT)
    assert not np.array_equal(mask_of(specimens, "a/0.png", automatic=True)[0], LEFT)
    Image.new("L", (3, 3)).save(folder / "masks/a/0.png")
    assert "cannot be used" in mask_of(specimens, "a/0.png")[1]


def test_dots_are_drawn_where_the_landmarks_are():
    blank = np.full((200, 100, 3), 255, dtype=np.uint8)
    points = {"a": Point(10, 20), "b": UNSEEN}
    drawn = marked_picture(blank, (400, 200), points, "a")  # at half its size
    assert tuple(drawn[10, 5]) == (255, 47, 179)
    assert np.array_equal(drawn[100:], blank[100:])
    assert np.array_equal(marked_picture(blank, (400, 200), {}, None), blank)
    long = {"a very long name of a landmark that fits nowhere": Point(199, 399)}
    assert marked_picture(blank, (400, 200), long, None).shape == blank.shape
