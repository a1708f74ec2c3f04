"""The data sets of the paper: from small archives of the published structure to specimen tables."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_prep import aircraft, birds525, cars, command, cub, dogs, fish, pets
from data_prep.common import Report
from intr_discover.data.images import read_image, read_mask
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from tests.data_prep import published_archives as drawn

# What is drawn, what prepares it, its command, and how many images are in train, val and test.
SETS = {
    "cub": (drawn.cub, cub.prepare_cub, cub.main, (2, 0, 2)),
    "birds525": (drawn.birds, birds525.prepare_birds, birds525.main, (10, 2, 2)),
    "dogs": (drawn.dogs, dogs.prepare_dogs, dogs.main, (2, 0, 2)),
    "pets": (drawn.pets, pets.prepare_pets, pets.main, (2, 0, 2)),
    "cars": (drawn.cars, cars.prepare_cars, cars.main, (2, 0, 2)),
    "cars in one": (drawn.cars_in_one, cars.prepare_cars, cars.main, (2, 0, 2)),
    "aircraft": (drawn.aircraft, aircraft.prepare_aircraft, aircraft.main, (2, 1, 2)),
    "fish": (drawn.fish, fish.prepare_fish, fish.main, (4, 0, 4)),
}
EACH = pytest.mark.parametrize("name", SETS)


def table_of(out: Path) -> pd.DataFrame:
    table = pd.read_csv(out / "specimens.csv", dtype=str, keep_default_na=False)
    return table.set_index(table["image"].map(lambda image: Path(image).name))


def prepared(name: str, tmp_path: Path, **options: object) -> tuple[pd.DataFrame, Report]:
    make, prepare, *_ = SETS[name]
    source = drawn.as_unpacked(make(), tmp_path / "unpacked")
    report = prepare(source, tmp_path / "out", **options)
    return table_of(tmp_path / "out"), report


@EACH
def test_archives_as_downloaded_become_a_table(name, tmp_path):
    make, prepare, _, expected = SETS[name]
    source = drawn.as_downloaded(make(), tmp_path / "down loads ü")
    before = sorted(source.rglob("*"))
    prepare(source, tmp_path / "out")
    specimens = Specimens.read(tmp_path / "out")
    counts = [int((specimens.table["split"] == split).sum()) for split in ("train", "val", "test")]
    assert tuple(counts) == expected
    assert len(specimens.classes) == 2
    assert all(read_image(path).shape == (50, 40, 3) for path in specimens.paths)
    assert sorted(source.rglob("*")) == before


@EACH
def test_unpacked_folders_give_the_same_table_as_archives(name, tmp_path):
    make, prepare, *_ = SETS[name]
    tables = []
    for write in (drawn.as_downloaded, drawn.as_unpacked):
        out = tmp_path / f"out {write.__name__}"
        prepare(write(make(), tmp_path / write.__name__), out)
        tables.append(table_of(out).drop(columns=["image", "mask"], errors="ignore"))
    pd.testing.assert_frame_equal(*tables)
    assert not (tmp_path / "out as_unpacked" / "published").exists()


@EACH
def test_copies_do_not_need_the_source(name, tmp_path):
    make, prepare, *_ = SETS[name]
    source = drawn.as_unpacked(make(), tmp_path / "unpacked")
    prepare(source, tmp_path / "out", copy=True)
    source.rename(tmp_path / "gone")
    specimens = Specimens.read(tmp_path / "out")
    assert all(image.startswith("images/") for image in specimens.table["image"])
    assert all(path.is_file() for path in specimens.mask_paths if path is not None)


@EACH
def test_the_command_says_what_it_wrote_and_where_the_counts_differ(name, tmp_path, capsys):
    make, _, main, expected = SETS[name]
    source = drawn.as_downloaded(make(), tmp_path / "downloads")
    assert command.run(main, [str(source), str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert f"train: {expected[0]} images, 2 labels" in said.out
    assert f"wrote {tmp_path / 'out' / 'specimens.csv'}: {sum(expected)} images" in said.out
    assert f"warning: train: found {expected[0]}, the paper has " in said.err
    assert "warning: classes: found 2, the paper has " in said.err
    readme = (tmp_path / "out" / "README.md").read_text()
    assert "## Source and licence" in readme
    assert f"- train: found {expected[0]}, the paper has " in readme


@EACH
def test_a_second_run_needs_overwrite_and_unpacks_nothing_again(name, tmp_path):
    make, prepare, *_ = SETS[name]
    source = drawn.as_downloaded(make(), tmp_path / "downloads")
    out = tmp_path / "out"
    prepare(source, out)
    first = (out / "specimens.csv").read_bytes()
    with pytest.raises(UserError, match="--overwrite"):
        prepare(source, out)
    places = {path: path.stat().st_ino for path in (out / "published").iterdir()}
    prepare(source, out, overwrite=True)
    assert (out / "specimens.csv").read_bytes() == first
    assert {path: path.stat().st_ino for path in (out / "published").iterdir()} == places


@pytest.mark.parametrize("name", [name for name in SETS if name != "birds525"])
def test_a_missing_photograph_is_named_and_nothing_written(name, tmp_path):
    make, prepare, *_ = SETS[name]
    source = drawn.as_unpacked(make(), tmp_path / "unpacked")
    pictures = sorted(path for path in source.rglob("*.jpg") if "_rgb" not in path.name)
    pictures[-1].unlink()
    with pytest.raises(UserError, match=f"{pictures[-1].name}|is not complete"):
        prepare(source, tmp_path / "out")
    assert not (tmp_path / "out" / "specimens.csv").exists()


@EACH
def test_an_empty_folder_is_said(name, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    arguments = [str(tmp_path / "empty"), str(tmp_path / "out")]
    assert command.run(SETS[name][2], arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {tmp_path / 'empty'} has n")
    assert said.count("\n") == 1


@pytest.mark.parametrize("name", ["cub", "birds525", "aircraft"])
def test_the_archive_itself_is_taken_under_any_name(name, tmp_path):
    make, prepare, _, expected = SETS[name]
    source = drawn.as_downloaded(make(), tmp_path / "downloads")
    archive = next(path for path in sorted(source.iterdir()) if "segment" not in path.name)
    suffix = ".zip" if archive.suffix == ".zip" else ".tgz"
    archive = archive.rename(source / f"renamed (1){suffix}")
    prepare(archive, tmp_path / "out")
    assert len(Specimens.read(tmp_path / "out")) == sum(expected)


# CUB-200-2011


def test_cub_has_parts_boxes_masks_and_attributes(tmp_path):
    table, report = prepared("cub", tmp_path)
    row = table.loc["Laysan_Albatross_0001_545.jpg"]
    assert (row["label"], row["split"], row["image_id"]) == ("Laysan Albatross", "test", "3")
    box = [float(row[f"bbox_{side}"]) for side in ("x0", "y0", "x1", "y1")]
    assert box == [5, 6, 25, 36]
    specimens = Specimens.read(tmp_path / "out")
    mask = read_mask(specimens.mask_paths[0], (50, 40))
    assert mask.sum() == 30 * 20  # grey 204 of 255, and not grey 102
    points = specimens.keypoints[specimens.keypoints["image"] == row["image"]]
    points = points.set_index("keypoint")
    assert tuple(points.loc["back", ["x", "y"]]) == (11.5, 12.5)
    assert points.loc["left wing", ["x", "y"]].isna().all()
    assert len(specimens.keypoints) == 8
    attributes = pd.read_csv(tmp_path / "out" / "image_attributes.csv")
    attributes["image"] = attributes["image"].map(lambda image: Path(image).name)
    assert attributes.to_numpy().tolist() == [
        ["Black_Footed_Albatross_0001_796111.jpg", "has_bill_shape::dagger", "definitely"],
        ["Black_Footed_Albatross_0002_55.jpg", "has_bill_shape::dagger", "guessing"],
        ["Laysan_Albatross_0001_545.jpg", "has_wing_color::grey", "probably"],
    ]
    # One line with columns too many and one cut short; that one and one without a certainty go.
    (said,) = [line for line in report.warnings if "image_attribute_labels.txt" in line]
    assert ": 2 lines have another number" in said
    assert "; 2 lines say nothing legal" in said
    classes = pd.read_csv(tmp_path / "out" / "classes.csv")
    assert list(classes["label"]) == ["Black footed Albatross", "Laysan Albatross"]


def test_cub_labels_may_keep_the_official_order(tmp_path):
    table, _ = prepared("cub", tmp_path, label="folder")
    assert set(table["label"]) == {"001.Black_footed_Albatross", "002.Laysan_Albatross"}


def test_cub_does_without_masks_and_attributes(tmp_path):
    archives = drawn.cub()
    del archives["segmentations.tgz"], archives["CUB_200_2011.tgz"]["attributes.txt"]
    source = drawn.as_unpacked(archives, tmp_path / "unpacked")
    report = cub.prepare_cub(source, tmp_path / "out")
    assert "mask" not in table_of(tmp_path / "out")
    assert not (tmp_path / "out" / "image_attributes.csv").exists()
    assert any("segmentations.tgz is not in SOURCE" in line for line in report.warnings)
    assert any("no image_attributes.csv" in line for line in report.warnings)


def test_cub_finds_the_names_of_attributes_beside_its_folder(tmp_path):
    source = drawn.as_unpacked(drawn.cub(), tmp_path / "unpacked")
    cub.prepare_cub(source / "CUB_200_2011", tmp_path / "out")
    assert (tmp_path / "out" / "image_attributes.csv").exists()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("image_class_labels.txt", b"1 1\n2 1\n3 2\n", "do not tell all of image 4"),
        ("image_class_labels.txt", b"1 1\n2 1\n3 2\n4 9\n", "do not tell all of image 4"),
        ("bounding_boxes.txt", b"1 5 6 20\n", "line 1: 4 columns instead of 5"),
        ("bounding_boxes.txt", b"1 5 6 wide 9\n", "has 'wide'"),
        ("classes.txt", b"\n", "is empty"),
        ("classes.txt", b"1 1.A\n2 2.B\n1 1.C\n", r"classes\.txt has the number 1 more than once"),
        ("bounding_boxes.txt", b"1 5 6 20 9\n1 5 6 20 9\n", "has the number 1 more than once"),
        ("images.txt", b"1 ../../a.jpg\n2 b.jpg\n3 c.jpg\n4 d.jpg\n", "which lies elsewhere"),
        ("images.txt", b"1 /etc/passwd\n2 b.jpg\n3 c.jpg\n4 d.jpg\n", "which lies elsewhere"),
        ("images.txt", b"1 a.jpg\n2 a.jpg\n3 c.jpg\n4 d.jpg\n", r"name .*a\.jpg twice"),
        ("images.txt", b"\xff\xfe\x00", "no text in UTF-8"),
        ("parts/parts.txt", None, "there is no .*parts.txt"),
    ],
)
def test_cub_lists_that_are_wrong_are_said(tmp_path, name, content, words):
    source = drawn.as_unpacked(drawn.cub(), tmp_path / "unpacked")
    path = source / "CUB_200_2011" / name
    path.write_bytes(content) if content is not None else path.unlink()
    with pytest.raises(UserError, match=words):
        cub.prepare_cub(source, tmp_path / "out")


# Birds-525


def test_birds_spelt_otherwise_are_one_species(tmp_path):
    table, report = prepared("birds525", tmp_path)
    by_label = table.groupby("label")["split"].value_counts().unstack()
    assert by_label.loc["PARAKETT AUKLET"].to_dict() == {"train": 5, "val": 1, "test": 1}
    assert by_label.loc["ABBOTTS BABBLER"].to_dict() == {"train": 5, "val": 1, "test": 1}
    names = table.groupby("label")["scientific_name"].unique().map(list).to_dict()
    assert names == {
        "PARAKETT AUKLET": ["AETHIA PSITTACULA"],
        "ABBOTTS BABBLER": ["MALACOCINCLA ABBOTTI"],
    }
    said = "\n".join(report.warnings)
    assert "'ABBOTTS BABBLER ', 'PARAKETT  AUKLET'" in said
    # All seven auklets, and the babbler in the folder with a space at its end.
    assert "birds.csv names 8 files that are not there" in said


def test_birds_without_their_csv_are_said(tmp_path):
    archives = drawn.birds()
    del archives["archive.zip"]["birds.csv"]
    source = drawn.as_unpacked(archives, tmp_path / "unpacked")
    report = birds525.prepare_birds(source, tmp_path / "out")
    assert any("birds.csv is not in SOURCE" in line for line in report.warnings)


def test_a_species_without_test_pictures_is_said(tmp_path):
    files = drawn.birds()["archive.zip"]
    files = {name: data for name, data in files.items() if not name.startswith("test/PARA")}
    source = drawn.write_folder(tmp_path / "unpacked", files)
    report = birds525.prepare_birds(source, tmp_path / "out")
    assert any("without a test image: PARAKETT AUKLET" in line for line in report.warnings)


def test_a_species_without_training_pictures_is_left_out(tmp_path):
    files = drawn.birds()["archive.zip"]
    files = {name: data for name, data in files.items() if not name.startswith("train/PARA")}
    source = drawn.write_folder(tmp_path / "unpacked", files)
    report = birds525.prepare_birds(source, tmp_path / "out")
    assert set(table_of(tmp_path / "out")["label"]) == {"ABBOTTS BABBLER"}
    assert any("PARAKETT AUKLET (2)" in line for line in report.warnings)


# Stanford Dogs


def test_dogs_have_breeds_and_a_box_round_all_of_them(tmp_path):
    table, report = prepared("dogs", tmp_path)
    row = table.loc["n02115913_7.jpg"]
    assert (row["label"], row["split"], row["wordnet_id"]) == ("dhole", "train", "n02115913")
    assert row["dogs"] == "2"
    box = [float(row[f"bbox_{side}"]) for side in ("x0", "y0", "x1", "y1")]
    assert box == [2, 1, 20, 9]
    assert table.loc["n02115913_8.jpg", ["dogs", "bbox_x0"]].tolist() == ["0", ""]
    assert any("1 photographs have no box" in line for line in report.warnings)


def test_dogs_without_boxes_are_said(tmp_path):
    archives = drawn.dogs()
    del archives["annotation.tar"]
    source = drawn.as_downloaded(archives, tmp_path / "downloads")
    report = dogs.prepare_dogs(source, tmp_path / "out")
    assert "dogs" not in table_of(tmp_path / "out")
    assert any("annotation.tar is not in SOURCE" in line for line in report.warnings)


# Oxford-IIIT Pet


@pytest.mark.parametrize(("border", "pixels"), [("in", 22 * 22), ("out", 20 * 20)])
def test_pets_have_masks_of_their_trimaps(tmp_path, border, pixels):
    table, _ = prepared("pets", tmp_path, border=border)
    assert table.loc["Abyssinian_1.jpg", "mask"] == "masks/Abyssinian_1.png"
    for path in Specimens.read(tmp_path / "out").mask_paths:
        assert read_mask(path, (50, 40)).sum() == pixels


def test_pets_that_are_no_plain_jpeg_are_noted_and_read(tmp_path):
    table, report = prepared("pets", tmp_path)
    assert table["note"].to_dict() == {
        "Abyssinian_1.jpg": "",
        "Abyssinian_34.jpg": "GIF inside",
        "great_pyrenees_2.jpg": "JPEG in CMYK",
        "great_pyrenees_10.jpg": "PNG inside",
    }
    assert table["label"].to_list()[:2] == ["Abyssinian", "great pyrenees"]
    assert table["animal"].to_list()[:2] == ["cat", "dog"]
    assert table.loc["Abyssinian_1.jpg", "head_x1"] == "13.0"
    assert table.loc["Abyssinian_34.jpg", "head_x1"] == ""
    assert any("3 files are no plain JPEG" in line for line in report.warnings)


def test_pets_without_a_trimap_have_no_mask(tmp_path):
    source = drawn.as_unpacked(drawn.pets(), tmp_path / "unpacked")
    (source / "annotations/trimaps/Abyssinian_1.png").unlink()
    report = pets.prepare_pets(source, tmp_path / "out")
    assert table_of(tmp_path / "out").loc["Abyssinian_1.jpg", "mask"] == ""
    assert any("1 photographs have no trimap" in line for line in report.warnings)


def test_a_trimap_without_an_animal_is_said(tmp_path):
    source = drawn.as_unpacked(drawn.pets(), tmp_path / "unpacked")
    empty = drawn.grey(np.full((50, 40), 2))
    (source / "annotations/trimaps/Abyssinian_1.png").write_bytes(empty)
    with pytest.raises(UserError, match=r"Abyssinian_1\.png has no animal"):
        pets.prepare_pets(source, tmp_path / "out")


# Stanford Cars


@pytest.mark.parametrize("name", ["cars", "cars in one"])
def test_cars_have_names_boxes_and_the_official_split_in_both_forms(tmp_path, name):
    table, _ = prepared(name, tmp_path)
    rows = table[["label", "split", "bbox_x0", "bbox_y1"]].to_numpy().tolist()
    assert rows == [
        ["AM General Hummer SUV 2000", "train", "1.0", "40.0"],
        ["Ram C/V Cargo Van Minivan 2012", "train", "3.0", "41.0"],
        ["Ram C/V Cargo Van Minivan 2012", "test", "5.0", "42.0"],
        ["AM General Hummer SUV 2000", "test", "7.0", "43.0"],
    ]
    classes = pd.read_csv(tmp_path / "out" / "classes.csv")
    assert classes["label"].to_list() == drawn.CAR_NAMES


def test_cars_in_the_nested_folders_of_copies_are_found(tmp_path):
    source = drawn.as_unpacked(drawn.cars(), tmp_path / "unpacked")
    for name in ("cars_train", "cars_test"):
        (source / name).rename(source / "inner")
        (source / name).mkdir()
        (source / "inner").rename(source / name / name)
    cars.prepare_cars(source, tmp_path / "out")
    assert len(Specimens.read(tmp_path / "out")) == 4


def test_cars_whose_test_list_names_no_models_are_refused(tmp_path):
    source = drawn.as_unpacked(drawn.cars(), tmp_path / "unpacked")
    (source / "cars_test_annos_withlabels.mat").unlink()
    with pytest.raises(UserError, match=r"no cars_test_annos_withlabels\.mat"):
        cars.prepare_cars(source, tmp_path / "out")


def test_a_list_without_models_under_the_other_name_is_refused(tmp_path):
    source = drawn.as_unpacked(drawn.cars(), tmp_path / "unpacked")
    wrong = source / "devkit" / "cars_test_annos.mat"
    wrong.rename(source / "cars_test_annos_withlabels.mat")
    with pytest.raises(UserError, match=r"withlabels\.mat has no .*class"):
        cars.prepare_cars(source, tmp_path / "out")


# FGVC-Aircraft


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("variant", {"737-200", "DHC-8-300 X"}),
        ("family", {"Boeing 737", "Dash 8"}),
        ("manufacturer", {"Boeing", "de Havilland"}),
    ],
)
def test_aircraft_have_three_levels_of_names(tmp_path, label, names):
    table, report = prepared("aircraft", tmp_path, label=label)
    assert set(table["label"]) == names
    assert set(table["manufacturer"]) == {"Boeing", "de Havilland"}
    assert table["bbox_y1"].unique().tolist() == ["28.0"]
    assert any("--crop-banner" in line for line in report.warnings)
    # The paper's counts are of variants.
    assert any("the paper has" in line for line in report.warnings) == (label == "variant")


def test_aircraft_without_their_banner_are_new_pictures(tmp_path):
    table, report = prepared("aircraft", tmp_path, crop_banner=True)
    assert table["image"].to_list()[0] == "images/0000001.png"
    source = tmp_path / "unpacked/fgvc-aircraft-2013b/data/images/0000001.jpg"
    new = read_image(tmp_path / "out" / "images" / "0000001.png")
    np.testing.assert_array_equal(new, read_image(source)[:30])
    assert not any("--crop-banner" in line for line in report.warnings)


def test_aircraft_may_train_on_the_validation_split(tmp_path):
    table, report = prepared("aircraft", tmp_path, trainval=True)
    assert table["split"].value_counts().to_dict() == {"train": 3, "test": 2}
    assert not any("the paper has" in line for line in report.warnings)


# Fish


def test_fish_are_the_ray_finned_fishes_alone(tmp_path):
    table, _ = prepared("fish", tmp_path)
    assert set(table["label"]) == {"Perca flavescens", "Esox lucius"}
    row = table.loc["20-uuid.jpg"].iloc[0]
    assert (row["family"], row["common_name"]) == ("Percidae", "common Perca")
    assert (row["latitude"], row["rights_holder"]) == ("51.5", "Ünnamed, Person")
    assert table.loc["21-uuid.jpg"].iloc[0]["latitude"] == ""
    splits = table["image"].map(lambda image: "train/" in image).map({True: "train", False: "test"})
    assert (splits == table["split"]).all()


def test_fish_archives_are_unpacked_without_the_frogs(tmp_path):
    source = drawn.as_downloaded(drawn.fish(), tmp_path / "downloads")
    fish.prepare_fish(source, tmp_path / "out")
    pictures = list((tmp_path / "out" / "published").rglob("*.jpg"))
    assert len(pictures) == 8
    assert not any("Amphibia" in str(path) for path in pictures)


def test_fish_of_the_small_training_set_are_taken_and_said(tmp_path):
    source = drawn.as_downloaded(drawn.fish("train_mini"), tmp_path / "downloads")
    report = fish.prepare_fish(source, tmp_path / "out")
    assert len(Specimens.read(tmp_path / "out", split="train")) == 4
    assert any("train_mini" in line for line in report.warnings)


def without(key: str) -> Callable[[dict], None]:
    return lambda content: content.pop(key)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("annotations"), "is not a list of iNaturalist-2021"),
        (lambda c: c.update(categories=[]), "names no photograph of Animalia/Chordata"),
        (lambda c: c["images"].pop(0), "1 photographs of fishes lie in no folder"),
    ],
)
def test_lists_of_fish_that_are_wrong_are_said(tmp_path, change, words):
    source = drawn.as_unpacked(drawn.fish(), tmp_path / "unpacked")
    content = json.loads((source / "train.json").read_text())
    change(content)
    (source / "train.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=words):
        fish.prepare_fish(source, tmp_path / "out")


def test_a_list_of_fish_that_is_cut_short_is_said(tmp_path):
    source = drawn.as_unpacked(drawn.fish(), tmp_path / "unpacked")
    (source / "val.json").write_bytes((source / "val.json").read_bytes()[:-100])
    with pytest.raises(UserError, match=r"val\.json is not a list"):
        fish.prepare_fish(source, tmp_path / "out")
