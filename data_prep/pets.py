"""Oxford-IIIT Pet (37 breeds of cats and dogs, 7,349 photographs) as a specimen table.

Run ``python -m data_prep.pets SOURCE OUT --help``. SOURCE holds ``images.tar.gz`` and
``annotations.tar.gz`` or what is in them.

Source of the data: O. M. Parkhi, A. Vedaldi, A. Zisserman and C. V. Jawahar, "Cats and Dogs", CVPR
2012.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from data_prep import command, common
from data_prep.annotation_files import read_boxes
from data_prep.common import Report
from data_prep.published import DataSet, Tables, prepare
from data_prep.published_files import Archive, Progress, Published
from intr_discover.data.images import opened
from intr_discover.errors import UserError

PETS = DataSet(
    title="Oxford-IIIT Pet",
    module="data_prep.pets",
    paper={"train": 3680, "test": 3669, "classes": 37},
    archives=(
        Archive(("images.tar.gz", "*images.tar.gz"), "images"),
        Archive(("annotations.tar.gz", "*annotations.tar.gz"), "trainval.txt"),
    ),
    columns="""\
- `specimens.csv`: image, label (the breed), split (the official one; "trainval" is train), mask,
  animal (cat or dog), head_x0 … head_y1 (a box round the head; most training pictures have one),
  note: files that are no plain JPEG inside.
- `masks/`: made of the published trimaps.""",
    source="""\
Omkar M. Parkhi, Andrea Vedaldi, Andrew Zisserman and C. V. Jawahar, "Cats and Dogs", IEEE
Conference on Computer Vision and Pattern Recognition, 2012.
https://www.robots.ox.ac.uk/~vgg/data/pets/

Licence: CC BY-SA 4.0 for the data set; the photographs come from the web and belong to their
photographers.""",
)

ANIMALS = {"1": "cat", "2": "dog"}
#: Values of the trimaps: the animal, what lies round it, and the rim where it is not decided.
ANIMAL, BORDER = 1, 3


def prepare_pets(
    source: Path,
    out: Path,
    *,
    border: str = "in",
    copy: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write ``specimens.csv`` and masks.

    Parameters
    ----------
    border
        ``"in"``: the undecided rim of a trimap (fur, whiskers, collars) belongs to the mask;
        ``"out"``: it does not.

    Other parameters, and what is raised: as ``published.prepare``.
    """
    values = (ANIMAL, BORDER) if border == "in" else (ANIMAL,)

    def read(published: Published, report: Report) -> Tables:
        table = _read(published, report)
        return Tables(table, mask=lambda path: _mask(path, values))

    return prepare(PETS, source, out, read, copy=copy, overwrite=overwrite, progress=progress)


def _read(published: Published, report: Report) -> pd.DataFrame:
    images = published.need("images")
    lists = published.need("trainval.txt").parent
    rows = []
    for file, split in (("trainval.txt", "train"), ("test.txt", "test")):
        for name, _, animal, _ in common.read_rows(published.need(file), 4):
            breed = name.rpartition("_")[0].replace("_", " ")
            path = images / f"{name}.jpg"
            trimap = lists / "trimaps" / f"{name}.png"
            box = _head(lists / "xmls" / f"{name}.xml")
            mask = trimap if trimap.is_file() else None
            rows.append((path, breed, split, mask, ANIMALS.get(animal, ""), *box, _note(path)))
    heads = ["head_x0", "head_y0", "head_x1", "head_y1"]
    table = pd.DataFrame(rows, columns=["path", "label", "split", "mask", "animal", *heads, "note"])
    odd = int((table["note"] != "").sum())
    if odd:
        report.warnings.append(f"{odd} files are no plain JPEG inside (see `note`); they are read")
    without = int(table["mask"].isna().sum())
    if without:
        report.warnings.append(f"{without} photographs have no trimap, so no mask")
    return table


def _head(path: Path) -> tuple[float, float, float, float]:
    boxes = read_boxes(path) if path.is_file() else []
    return boxes[0] if boxes else (np.nan, np.nan, np.nan, np.nan)


def _note(path: Path) -> str:
    """Return what a file is that is called .jpg and is no plain JPEG, else nothing."""
    if not path.is_file():
        return ""  # said later, for all files together
    with opened(path) as (image, _):
        if image.format != "JPEG":
            return f"{image.format} inside"
        return "" if image.mode in ("RGB", "L") else f"JPEG in {image.mode}"


def _mask(path: Path, values: tuple[int, ...]) -> np.ndarray:
    """Return where a trimap has one of the values, ``bool [H, W]``."""
    with opened(path) as (image, _):
        trimap = np.asarray(image if image.mode in ("L", "P") else image.convert("L"))
    mask: np.ndarray = np.isin(trimap, values)
    if not mask.any():
        raise UserError(f"{path} has no animal in it: fetch annotations.tar.gz again")
    return mask


def main(arguments: Sequence[str]) -> Report:
    """Parse the command line and prepare the table."""
    parser = command.published_parser(PETS.module, "Oxford-IIIT Pet as a specimen table.")
    parser.add_argument(
        "--border",
        choices=("in", "out"),
        default="in",
        help="whether the undecided rim of a trimap belongs to the mask",
    )
    parsed = parser.parse_args(arguments)
    with command.progress_steps() as progress:
        return prepare_pets(**vars(parsed), progress=progress)


if __name__ == "__main__":
    sys.exit(command.run(main))
