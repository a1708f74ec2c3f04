"""The Leeds data set: a drawn archive of the published structure, and the real one."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_prep import command, leeds
from data_prep.leeds_duplicates import SAME_INDIVIDUAL, SAME_PICTURE
from data_prep.pictures import PictureOptions
from intr_discover.data.images import read_image, read_mask
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError

# image number, species, split. 0010009 and 0010026 are one picture, both in train; 0010013 (train)
# and 0010059 (test) are one picture that the split separates; the species of 0100154 is in doubt.
ROWS = [
    ("0010001", "danaus_plexippus", "test"),
    ("0010009", "danaus_plexippus", "train"),
    ("0010026", "danaus_plexippus", "train"),
    ("0010013", "danaus_plexippus", "train"),
    ("0010059", "danaus_plexippus", "test"),
    ("0100001", "vanessa_cardui", "test"),
    ("0100002", "vanessa_cardui", "train"),
    ("0100154", "vanessa_cardui", "train"),
]
WIDTH, HEIGHT = 40, 30
# The drawn butterfly: columns 10 to 29, rows 5 to 14.
BOX = (10, 5, 30, 15)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return an archive of the published structure with eight drawn photographs."""
    root = tmp_path / "published"
    random = np.random.default_rng(0)
    rows = []
    for number, slug, _ in ROWS:
        image, mask = f"images/{slug}/{number}.jpg", f"masks/{slug}/{number}.png"
        for name in (image, mask):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
        pixels = random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(root / image, quality=88)
        shape = np.zeros((HEIGHT, WIDTH), np.uint8)
        shape[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 255
        Image.fromarray(shape).save(root / mask)
        digest = hashlib.sha256((root / image).read_bytes()).hexdigest()
        rows.append([image, mask, slug, WIDTH, HEIGHT, 50, 38, 0.1667, "indexed", digest])
    columns = ["image", "mask", "species_slug", "width", "height", "original_width"]
    columns += ["original_height", "mask_foreground_fraction", "mask_source", "sha256"]
    table = pd.DataFrame(rows, columns=columns)
    table.to_csv(root / "images.csv", index=False)
    # In another order than images.csv: rows belong together by name, not by place.
    pd.DataFrame({"image": table["image"], "split": [split for *_, split in ROWS]}).iloc[
        ::-1
    ].to_csv(root / "split.csv", index=False)
    pd.DataFrame(
        {
            "species_slug": ["danaus_plexippus", "vanessa_cardui"],
            "latin": ["Danaus plexippus", "Vanessa cardui"],
            "common_name": ["Monarch", "Painted Lady"],
            "description": ['3 1/2-4" (89-102 mm). Very large, with "veins"', "2-2 1/4, small"],
        }
    ).to_csv(root / "descriptions.csv", index=False)
    return root


def number_of(image: str) -> str:
    return Path(image).stem


def prepared(source: Path, out: Path, **options: object) -> pd.DataFrame:
    leeds.prepare(source, out, leeds.Options(**options))
    table = pd.read_csv(out / "specimens.csv", dtype=str, keep_default_na=False)
    return table.set_index(table["image"].map(number_of))


def test_table_points_to_the_published_files_and_keeps_the_split(source, tmp_path):
    table = prepared(source, tmp_path / "out")
    assert list(table.index) == [number for number, *_ in ROWS]
    assert list(table["split"]) == [split for *_, split in ROWS]
    assert list(table["label"]) == [slug for _, slug, _ in ROWS]
    assert table.loc["0010001", "image"] == "../published/images/danaus_plexippus/0010001.jpg"
    assert table.loc["0010001", "mask"] == "../published/masks/danaus_plexippus/0010001.png"
    assert table.loc["0010001", "mask_source"] == "indexed"
    assert table.loc["0010001", "original_width"] == "50"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.md",
        "classes.csv",
        "specimens.csv",
    ]
    specimens = Specimens.read(tmp_path / "out", split="train")
    assert len(specimens) == 5
    assert read_mask(specimens.mask_paths[0], (HEIGHT, WIDTH)).sum() == 200


def test_a_butterfly_has_one_id_but_is_never_in_two_splits(source, tmp_path):
    table = prepared(source, tmp_path / "out")
    assert table.loc["0010009", "specimen_id"] == "danaus_plexippus_0010009"
    assert table.loc["0010026", "specimen_id"] == "danaus_plexippus_0010009"
    assert table.loc["0010013", "specimen_id"] == "danaus_plexippus_0010013-train"
    assert table.loc["0010059", "specimen_id"] == "danaus_plexippus_0010013-test"
    assert table.loc["0010013", "individual"] == table.loc["0010059", "individual"]
    assert table.groupby("specimen_id")["split"].nunique().max() == 1
    noted = table.index[table["note"] == "the same butterfly is in train and in test"]
    assert list(noted) == ["0010013", "0010059"]


def test_leaks_are_said_or_left_out(source, tmp_path):
    kept = leeds.prepare(source, tmp_path / "kept").warnings
    # One of three test images; one training image holds its copy.
    assert any("1 test images" in line and "(1 images" in line and "33.3%" in line for line in kept)
    table = prepared(source, tmp_path / "out", drop_leaks=True)
    assert list(table.index) == [n for n, *_ in ROWS if n != "0010013"]
    assert table.loc["0010059", "specimen_id"] == "danaus_plexippus_0010013"
    assert table.loc["0010059", "note"] == ""


def test_a_doubtful_label_is_noted_or_left_out(source, tmp_path):
    assert "virginiensis" in prepared(source, tmp_path / "kept").loc["0100154", "note"]
    assert "0100154" not in prepared(source, tmp_path / "out", drop_doubtful=True).index


@pytest.mark.parametrize(
    ("label", "expected"),
    [("slug", "danaus_plexippus"), ("latin", "Danaus plexippus"), ("common", "Monarch")],
)
def test_label_is_the_name_asked_for(source, tmp_path, label, expected):
    table = prepared(source, tmp_path / "out", label=label)
    assert table.loc["0010001", "label"] == expected
    assert table.loc["0010001", "latin"] == "Danaus plexippus"
    classes = pd.read_csv(tmp_path / "out" / "classes.csv").set_index("label")
    assert classes.loc[expected, "description"] == '3 1/2-4" (89-102 mm). Very large, with "veins"'


def test_crop_cuts_to_the_mask_with_its_margin(source, tmp_path):
    pictures = PictureOptions(crop=True, margin=0.1)
    table = prepared(source, tmp_path / "out", pictures=pictures)
    # The longer side is 20, so the rim is 2: columns 8 to 31, rows 3 to 16.
    row = table.loc["0010001"]
    assert (row["image"], row["width"], row["height"]) == (
        "images/danaus_plexippus/0010001.png",
        "24",
        "14",
    )
    assert float(row["mask_foreground_fraction"]) == pytest.approx(200 / (24 * 14), abs=1e-4)
    old = read_image(source / "images/danaus_plexippus/0010001.jpg")
    np.testing.assert_array_equal(read_image(tmp_path / "out" / row["image"]), old[3:17, 8:32])
    mask = read_mask(tmp_path / "out" / row["mask"], (14, 24))
    assert mask[2:12, 2:22].all()
    assert mask.sum() == 200


def test_background_removal_changes_only_what_is_outside_the_mask(source, tmp_path):
    table = prepared(source, tmp_path / "out", pictures=PictureOptions(remove_background=True))
    for image, mask in zip(table["image"], table["mask"], strict=True):
        slug, number = Path(image).parent.name, number_of(image)
        old = read_image(source / f"images/{slug}/{number}.jpg")
        new = read_image(tmp_path / "out" / image)
        inside = read_mask(tmp_path / "out" / mask, (HEIGHT, WIDTH))
        np.testing.assert_array_equal(new[inside], old[inside])
        assert (new[~inside] == 128).all()
        assert inside.sum() == 200


def test_a_copy_does_not_need_the_source(source, tmp_path):
    table = prepared(source, tmp_path / "out", pictures=PictureOptions(copy=True))
    original = (source / table["image"].iloc[0]).read_bytes()
    source.rename(tmp_path / "gone")
    assert (tmp_path / "out" / table["image"].iloc[0]).read_bytes() == original
    specimens = Specimens.read(tmp_path / "out")
    assert all(path is not None and path.is_file() for path in specimens.mask_paths)


def test_paths_hold_when_the_output_folder_is_a_link(source, tmp_path):
    (tmp_path / "far" / "away").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "far" / "away", target_is_directory=True)
    leeds.prepare(source, tmp_path / "link")
    assert read_image(Specimens.read(tmp_path / "link").paths[0]).shape == (HEIGHT, WIDTH, 3)


def test_counts_that_differ_and_altered_photographs_are_said(source, tmp_path):
    Image.new("RGB", (WIDTH, HEIGHT)).save(source / "images/vanessa_cardui/0100001.jpg")
    warnings = leeds.prepare(source, tmp_path / "out").warnings
    assert "images of danaus_plexippus: found 5, the published README says 82" in warnings
    assert "images of pieris_rapae: found 0, the published README says 55" in warnings
    altered = [line for line in warnings if "SHA-256" in line]
    assert len(altered) == 1
    assert "images/vanessa_cardui/0100001.jpg" in altered[0]
    readme = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert "BMVC 2009" in readme
    assert "do not redistribute" in readme
    assert altered[0] in readme


def edit_csv(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def spoil_split(source: Path) -> None:
    edit_csv(source / "split.csv", "0010001.jpg,test", "0010001.jpg,testing")


def spoil_rows(source: Path) -> None:
    edit_csv(source / "split.csv", "0010001", "0010002")


def spoil_path(source: Path) -> None:
    for name in ("images.csv", "split.csv"):
        edit_csv(source / name, "images/danaus_plexippus/0010001", "../secret/0010001")


def spoil_file(source: Path) -> None:
    (source / "images/danaus_plexippus/0010001.jpg").unlink()


def spoil_mask_size(source: Path) -> None:
    Image.new("L", (WIDTH + 1, HEIGHT)).save(source / "masks/danaus_plexippus/0010001.png")


def spoil_mask(source: Path) -> None:
    Image.new("L", (WIDTH, HEIGHT)).save(source / "masks/danaus_plexippus/0010001.png")


def spoil_twice(source: Path) -> None:
    edit_csv(
        source / "images.csv", "images/danaus_plexippus/0010009", "images/danaus_plexippus/0010001"
    )


def spoil_column(source: Path) -> None:
    edit_csv(source / "images.csv", "mask,species_slug", "mask,species")


def spoil_folder(source: Path) -> None:
    (source / "descriptions.csv").unlink()


def spoil_description(source: Path) -> None:
    edit_csv(source / "descriptions.csv", "vanessa_cardui", "vanessa")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (spoil_split, "has the split testing"),
        (spoil_rows, "do not name the same images"),
        (spoil_path, "leaves that folder"),
        (spoil_file, "lacks files that its tables name: images/danaus_plexippus/0010001.jpg"),
        (spoil_mask_size, "41 x 30"),
        (spoil_mask, "is black"),
        (spoil_twice, "more than once"),
        (spoil_column, "no column 'species_slug'"),
        (spoil_folder, "has no descriptions.csv"),
        (spoil_description, "does not describe vanessa_cardui"),
    ],
)
def test_faults_of_the_source_are_one_line(source, tmp_path, capsys, spoil, words):
    spoil(source)
    out = tmp_path / "out"
    assert command.run(leeds.main, [str(source), str(out), "--crop"]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not (out / "specimens.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{source}/sub"], "lies inside"),
        (["{source}"], "lies inside"),
        (["{root}"], "contains"),
        (["{full}"], "already holds files"),
        (["{file}"], "is a file"),
        (["{root}/new", "--crop", "--margin", "1.5"], "--margin is 1.5"),
        (["{root}/new", "--label", "english"], "invalid choice"),
        (["{root}/new", "--cropp"], "unrecognized arguments"),
        ([], "OUT"),
    ],
)
def test_mistakes_on_the_command_line_are_one_line(source, tmp_path, capsys, arguments, words):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "notes.txt").write_text("mine")
    (tmp_path / "file").write_text("")
    places = {
        "source": source,
        "root": tmp_path,
        "full": tmp_path / "full",
        "file": tmp_path / "file",
    }
    arguments = [argument.format(**places) for argument in arguments]
    before = sorted(source.rglob("*"))
    assert command.run(leeds.main, [str(source), *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert sorted(source.rglob("*")) == before


def test_an_absent_source_is_one_line(tmp_path, capsys):
    assert command.run(leeds.main, [str(tmp_path / "none"), str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == f"error: there is no folder {tmp_path / 'none'}\n"


def test_a_table_is_not_overwritten_unless_asked_for(source, tmp_path, capsys):
    arguments = [str(source), str(tmp_path / "out")]
    assert command.run(leeds.main, arguments) == 0
    first = (tmp_path / "out" / "specimens.csv").read_bytes()
    assert command.run(leeds.main, [*arguments, "--label", "latin"]) == 2
    assert "already holds specimens.csv" in capsys.readouterr().err
    assert (tmp_path / "out" / "specimens.csv").read_bytes() == first
    assert command.run(leeds.main, [*arguments, "--label", "latin", "--overwrite"]) == 0
    assert (tmp_path / "out" / "specimens.csv").read_bytes() != first


def test_a_run_that_breaks_off_leaves_no_table(source, tmp_path):
    out = tmp_path / "out"
    leeds.prepare(source, out)
    # The last photograph is cut short, so the pictures before it are already written.
    last = source / "images/vanessa_cardui/0100154.jpg"
    last.write_bytes(last.read_bytes()[:300])
    options = leeds.Options(overwrite=True, pictures=PictureOptions(crop=True))
    with pytest.raises(UserError, match=r"0100154\.jpg"):
        leeds.prepare(source, out, options)
    assert (out / "images/danaus_plexippus/0010001.png").is_file()
    assert not (out / "specimens.csv").exists()
    assert not list(out.rglob("*.tmp*"))


def test_progress_counts_every_photograph(source, tmp_path):
    calls = []
    leeds.prepare(
        source, tmp_path / "out", progress=lambda done, total: calls.append((done, total))
    )
    assert calls == [(done, 8) for done in range(1, 9)]


def test_help_names_options_and_defaults(capsys):
    with pytest.raises(SystemExit) as stop:
        leeds.main(["--help"])
    assert stop.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    for words in (
        "python -m data_prep.leeds",
        "(default: slug)",
        "(default: 0.05)",
        "--drop-leaks",
    ):
        assert words in text


# ---------------------------------------------------------------------------- the real data


def test_real_photographs(shared, tmp_path):
    source = shared / "data" / "leeds"
    report = leeds.prepare(source, tmp_path / "out")
    assert not [line for line in report.warnings if "found" in line or "SHA-256" in line]
    assert any("10 test images" in line and "(9 images" in line for line in report.warnings)
    specimens = Specimens.read(tmp_path / "out")
    assert len(specimens) == 832
    assert len(specimens.classes) == 10
    table = specimens.table
    assert table["split"].value_counts().to_dict() == {"train": 583, "test": 249}
    published = pd.read_csv(source / "split.csv").set_index("image")["split"]
    names = table["image"].str.extract(r"(images/\w+/\d+\.jpg)$")[0]
    assert (published[names].to_numpy() == table["split"].to_numpy()).all()
    dropped = leeds.prepare(source, tmp_path / "b", leeds.Options(drop_leaks=True))
    assert any("9 training images" in line for line in dropped.warnings)
    table = Specimens.read(tmp_path / "b").table
    assert table.groupby("individual")["split"].nunique().max() == 1


def matched_points(first: Path, second: Path) -> int:
    """Return how many ORB features of two pictures agree with one similarity transform."""
    found = []
    for path in (first, second):
        pixels = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        found.append(cv2.ORB_create(nfeatures=800).detectAndCompute(pixels, None))
    (points_a, features_a), (points_b, features_b) = found
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(features_a, features_b)
    if len(matches) < 4:
        return 0
    a = np.float32([points_a[m.queryIdx].pt for m in matches])
    b = np.float32([points_b[m.trainIdx].pt for m in matches])
    cv2.setRNGSeed(0)
    return int(cv2.estimateAffinePartial2D(a, b, ransacReprojThreshold=3)[1].sum())


def test_listed_pictures_are_the_same_by_another_measure(shared, tmp_path):
    """ORB instead of SIFT: listed groups share many points, neighbours in the list of files few."""
    images = sorted((shared / "data" / "leeds" / "images").rglob("*.jpg"))
    by_number = {path.stem: path for path in images}
    mirrored = tmp_path / "mirrored.png"
    Image.fromarray(read_image(by_number["0100155"])[:, ::-1]).save(mirrored)
    by_number["0100155"] = mirrored
    same = [
        matched_points(by_number[group[0]], by_number[number])
        for group in SAME_PICTURE
        for number in group[1:]
    ]
    listed = {number for group in (*SAME_PICTURE, *SAME_INDIVIDUAL) for number in group}
    others = [path for path in images if path.stem not in listed][::40]
    different = [matched_points(first, second) for first, second in pairwise(others)]
    assert min(same) > 2 * max(different)
    numbers = [number for group in (*SAME_PICTURE, *SAME_INDIVIDUAL) for number in group]
    assert len(numbers) == len(set(numbers))
