"""CUB-200-2011 (200 species of birds, 11,788 photographs) as a specimen table.

Run ``python -m data_prep.cub SOURCE OUT --help``. SOURCE holds ``CUB_200_2011.tgz`` or what is in
it; ``segmentations.tgz``, published beside it, gives the masks.

Source of the data: C. Wah, S. Branson, P. Welinder, P. Perona and S. Belongie, "The Caltech-UCSD
Birds-200-2011 Dataset", technical report CNS-TR-2011-001, California Institute of Technology, 2011.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from data_prep import command
from data_prep.common import Report
from data_prep.cub_lists import read_attributes, read_boxes, read_column, read_parts
from data_prep.published import DataSet, Tables, prepare
from data_prep.published_files import Archive, Progress, Published
from intr_discover.errors import UserError, shorten

CUB = DataSet(
    title="CUB-200-2011",
    module="data_prep.cub",
    paper={"train": 5994, "test": 5794, "classes": 200},
    archives=(
        Archive(("CUB_200_2011*.tgz", "CUB_200_2011*.tar.gz"), "images.txt"),
        Archive(("segmentations*.tgz", "segmentations*.tar.gz"), "segmentations", needed=False),
    ),
    columns="""\
- `specimens.csv`: image, label, split (the official one), mask (where segmentations.tgz is
  there), image_id, and the box bbox_x0 … bbox_y1 (pixels, the end not included).
- `keypoints.csv`: 15 parts, the mean of what people clicked; x and y are empty where a part is
  hidden.
- `image_attributes.csv`: image, attribute, certainty: the attributes that a person said are there
  (312 in all; not listed: absent). `certainty` is that person's word: not visible, guessing,
  probably, definitely. They name no region, so this is no `attributes.csv`.
- Masks are grey where people drew the bird differently; from half of white on a pixel is bird.
- `classes.csv`: label, number (the official order), folder.""",
    source="""\
Catherine Wah, Steve Branson, Peter Welinder, Pietro Perona and Serge Belongie, "The
Caltech-UCSD Birds-200-2011 Dataset", technical report CNS-TR-2011-001, California Institute of
Technology, 2011.
https://www.vision.caltech.edu/datasets/cub_200_2011/

Licence: non-commercial research and education only. The photographs come from Flickr and belong to
their photographers: do not redistribute.""",
)

LABELS = ("name", "folder")


def prepare_cub(
    source: Path,
    out: Path,
    *,
    label: str = "name",
    copy: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write ``specimens.csv``, ``keypoints.csv``, ``image_attributes.csv`` and ``classes.csv``.

    Parameters
    ----------
    label
        ``"name"``: "Black footed Albatross"; ``"folder"``: "001.Black_footed_Albatross", whose
        alphabetical order is the official one.

    Other parameters, and what is raised: as ``published.prepare``.
    """
    return prepare(
        CUB,
        source,
        out,
        lambda published, report: _read(published, report, label),
        copy=copy,
        overwrite=overwrite,
        progress=progress,
    )


def _read(published: Published, report: Report, label: str) -> Tables:
    root = published.need("images.txt").parent
    images = read_column(root / "images.txt", "image")
    folders = read_column(root / "classes.txt", "folder")
    table = images.to_frame()
    table["path"] = [root / "images" / image for image in images]
    table["number"] = read_column(root / "image_class_labels.txt", "number")
    table["folder"] = table["number"].map(folders)
    is_train = read_column(root / "train_test_split.txt", "split")
    table["split"] = is_train.map({"1": "train", "0": "test"})
    table = table.join(read_boxes(root / "bounding_boxes.txt"))
    empty = table.index[table.isna().any(axis=1)]
    if len(empty):
        raise UserError(f"the lists in {root} do not tell all of image {shorten(list(empty))}")
    table["label"] = table["folder"].map(_name) if label == "name" else table["folder"]
    masks = published.find("segmentations")
    if masks is None:
        report.warnings.append("no masks: segmentations.tgz is not in SOURCE")
    else:
        table["mask"] = images.map(lambda image: _mask(masks, image))
        absent = int(table["mask"].isna().sum())
        if absent:
            report.warnings.append(f"{absent} photographs have no mask in {masks.name}")
    more = {"classes.csv": _classes(table)}
    attributes = read_attributes(published, root, table["path"], report)
    if attributes is not None:
        more["image_attributes.csv"] = attributes
    table.insert(0, "image_id", table.index)
    keypoints = read_parts(root, table["path"])
    return Tables(table.drop(columns=["image", "folder", "number"]), keypoints, more)


def _name(folder: str) -> str:
    """Return "Black footed Albatross" for "001.Black_footed_Albatross"."""
    return folder.partition(".")[2].replace("_", " ") or folder


def _mask(folder: Path, image: str) -> Path | None:
    path = (folder / image).with_suffix(".png")
    return path if path.is_file() else None


def _classes(table: pd.DataFrame) -> pd.DataFrame:
    classes = table[["label", "number", "folder"]].drop_duplicates()
    return classes.sort_values("number", key=lambda column: column.astype(int))


def main(arguments: Sequence[str]) -> Report:
    """Parse the command line and prepare the table."""
    parser = command.published_parser(CUB.module, "CUB-200-2011 as a specimen table.")
    parser.add_argument(
        "--label",
        choices=LABELS,
        default="name",
        help="name: Black footed Albatross; folder: 001.Black_footed_Albatross",
    )
    parsed = parser.parse_args(arguments)
    with command.progress_steps() as progress:
        return prepare_cub(**vars(parsed), progress=progress)


if __name__ == "__main__":
    sys.exit(command.run(main))
