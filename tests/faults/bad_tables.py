"""Specimen tables, and the tables beside them, that do not say what they should."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from tests.faults.world import kinds, photograph

Make = Callable[[Path], object]

HEAD = "image,label\n"
ROWS = "blue_0.png,blue\nblue_1.png,blue\nred_0.png,red\nred_1.png,red\n"


def pictures(folder: Path) -> None:
    """Write the photographs that the tables here name."""
    for label in ("blue", "red"):
        for number in range(2):
            Image.fromarray(photograph(label, number)).save(folder / f"{label}_{number}.png")


def table(content: str | bytes, name: str = "t.csv") -> Make:
    """Return what writes photographs and a table of them."""

    def make(folder: Path) -> None:
        pictures(folder)
        data = content.encode() if isinstance(content, str) else content
        (folder / name).write_bytes(data)

    return make


def beside(name: str, content: str) -> Make:
    """Return what writes a sound specimen table, and a bad one beside it."""

    def make(folder: Path) -> None:
        table(HEAD + ROWS)(folder)
        (folder / name).write_text(content, encoding="utf-8")

    return make


def a_zip() -> bytes:
    """Return a zip archive that is no workbook."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("readme.txt", "no workbook")
    return file.getvalue()


def outside(folder: Path) -> None:
    """Write a table that names a file elsewhere, which is no picture."""
    (folder / "own").mkdir()
    pictures(folder / "own")
    (folder / "secret.txt").write_text("not for you")
    (folder / "own" / "t.csv").write_text(HEAD + ROWS + "../secret.txt,red\n")


def one_label(folder: Path) -> None:
    """Write a folder with a single species."""
    (folder / "own" / "red").mkdir(parents=True)
    Image.fromarray(photograph("red", 0)).save(folder / "own" / "red" / "0.png")


def splits_and_labels(folder: Path) -> None:
    """Write a folder that mixes both."""
    for name in ("train/red", "blue"):
        (folder / "own" / name).mkdir(parents=True)


CHECK = "specimens t.csv"
TRAIN = "train t.csv --out out --epochs 1 --device cpu"
SPLIT = "image,label,split\n"

BAD_TABLES = kinds(
    "table",
    ("no column label", CHECK, ("t.csv", "label"), table("image,species\n" + ROWS)),
    ("no column image", CHECK, ("t.csv", "image"), table("file,label\n" + ROWS)),
    ("header alone", CHECK, ("t.csv", "no rows"), table(HEAD)),
    ("empty file", CHECK, ("t.csv",), table("")),
    ("blank lines alone", CHECK, ("t.csv",), table("\n\n  \n")),
    ("column twice", CHECK, ("t.csv", "'label' twice"),
     table("image,label,label\nred_0.png,a,b\n")),
    ("image twice", CHECK, ("t.csv", "red_0.png", "twice"), table(HEAD + ROWS + "red_0.png,red\n")),
    ("image twice, spelt otherwise", CHECK, ("t.csv", "red_0.png", "twice"),
     table(HEAD + ROWS + "./red_0.png,red\n")),
    ("label empty", CHECK, ("t.csv", "label", "row 6"), table(HEAD + ROWS + "gone.png,\n")),
    ("label NaN", CHECK, ("t.csv", "label", "row 6"), table(HEAD + ROWS + "gone.png,NaN\n")),
    ("image NA", CHECK, ("t.csv", "image", "row 6"), table(HEAD + ROWS + "NA,red\n")),
    ("wrong separator", CHECK, ("t.csv", "image"), table((HEAD + ROWS).replace(",", "|"))),
    ("row with too many cells", CHECK, ("t.csv", "row 6"), table(HEAD + ROWS + "a.png,red,x,y\n")),
    ("quotation mark never closed", CHECK, "t.csv", table(HEAD + ROWS + 'a.png,"red\n')),
    ("cell of a million letters", CHECK, "t.csv", table(HEAD + "a" * 1_000_000 + ",red\n")),
    ("zero bytes within", CHECK, "t.csv", table(b"image,label\n\0\0\0\0,red\n")),
    ("random bytes", CHECK, "t.csv", table(bytes(range(256)) * 8)),
    ("UTF-16 cut short", CHECK, "t.csv", table(b"\xff\xfe" + HEAD.encode("utf-16-le") + b"a")),
    ("unknown split", CHECK, ("t.csv", "holdout"), table(SPLIT + "red_0.png,red,holdout\n")),
    ("split empty in one row", CHECK, ("t.csv", "split", "row 3"),
     table(SPLIT + "red_0.png,red,train\nred_1.png,red,\n")),
    ("specimen in two splits", CHECK, ("t.csv", "two splits", "s7"),
     table("image,label,split,specimen_id\nred_0.png,red,train,s7\nred_1.png,red,test,s7\n")),
    ("photographs missing", CHECK, ("t.csv", "gone.png"), table(HEAD + "gone.png,red\n")),
    ("path from another computer", CHECK, ("t.csv", "Photos"),
     table(HEAD + "C:\\Photos\\a.jpg,red\n")),
    ("absolute path to nothing", CHECK, ("t.csv", "nowhere"), table(HEAD + "/nowhere/a.jpg,red\n")),
    ("path that leads outside, to no picture",
     "train own/t.csv --out out --epochs 1 --device cpu", "secret.txt", outside),
    ("path of zero bytes", CHECK, "t.csv", table(HEAD + "a\0b.png,red\n")),
    ("path that is too long", CHECK, "t.csv", table(HEAD + "a" * 5000 + ".png,red\n")),
    ("workbook that is none", "specimens t.xlsx", "t.xlsx", table(b"no workbook", "t.xlsx")),
    ("zip archive called .xlsx", "specimens t.xlsx", "t.xlsx", table(a_zip(), "t.xlsx")),
    ("Parquet that is none", "specimens t.parquet", "t.parquet", table(b"PAR1no", "t.parquet")),
    ("table of an unknown kind", "specimens t.ods", "t.ods", table(b"x", "t.ods")),
    ("one label alone", "train own --out out --device cpu", ("own", "two labels"), one_label),
    ("label for validation that is never trained", TRAIN, ("t.csv", "blue"),
     table(SPLIT + "red_0.png,red,train\nred_1.png,green,train\nblue_0.png,blue,val\n")),
    ("no row for training", TRAIN, ("t.csv", "train"), table(SPLIT + "red_0.png,red,test\n")),
    ("splits mixed with labels", "specimens own", ("own", "mixes"), splits_and_labels),
    ("empty folder", "specimens own", "own", lambda folder: (folder / "own").mkdir()),
    ("folder that does not exist", "specimens own", "own"),
    ("labels that the model does not know", "evaluate {run} t.csv --out out", ("t.csv", "pink"),
     table(HEAD + "red_0.png,pink\n")),
    ("split that is not there", "evaluate {run} {data} --out out --split val", "val"),
)  # fmt: skip

KEYPOINTS = "image,keypoint,x,y\n"

BAD_COMPANIONS = kinds(
    "table beside",
    ("keypoints without y", CHECK, ("keypoints.csv", "'y'"),
     beside("keypoints.csv", "image,keypoint,x\nred_0.png,eye,3\n")),
    ("keypoint in words", CHECK, ("keypoints.csv", "no number", "row 2"),
     beside("keypoints.csv", KEYPOINTS + "red_0.png,eye,left,4\n")),
    ("keypoint at infinity", CHECK, ("keypoints.csv", "row 2"),
     beside("keypoints.csv", KEYPOINTS + "red_0.png,eye,inf,4\n")),
    ("keypoint with x alone", CHECK, ("keypoints.csv", "row 2"),
     beside("keypoints.csv", KEYPOINTS + "red_0.png,eye,4,\n")),
    ("keypoint twice", CHECK, ("keypoints.csv", "twice"),
     beside("keypoints.csv", KEYPOINTS + "red_0.png,eye,4,4\nred_0.png,eye,5,5\n")),
    ("attributes without a mask", CHECK, ("attributes.csv", "mask"),
     beside("attributes.csv", "image,attribute\nred_0.png,spot\n")),
    ("attribute empty", CHECK, ("attributes.csv", "attribute", "row 2"),
     beside("attributes.csv", "image,attribute,mask\nred_0.png,,m.png\n")),
    ("attributes without a row", CHECK, "attributes.csv",
     beside("attributes.csv", "image,attribute,mask\n")),
    ("pair with itself", CHECK, ("pairs.csv", "itself"),
     beside("pairs.csv", "label_a,label_b\nred,red\n")),
    ("pairs without label_b", CHECK, ("pairs.csv", "label_b"),
     beside("pairs.csv", "label_a\nred\n")),
    ("pairs of unknown labels", "study mimicry {run} {data} --out out --pairs p.csv",
     ("p.csv", "no pair"), beside("p.csv", "label_a,label_b\nred,pink\n")),
    ("edits without an operation", "study manipulation {run} {data} --out out --edits e.csv",
     ("e.csv", "operation"), beside("e.csv", "image,mask\nimages/red_0.png,masks/red_0.png\n")),
)  # fmt: skip
