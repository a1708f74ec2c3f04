"""Stanford Dogs (120 breeds, 20,580 photographs) as a specimen table.

Run ``python -m data_prep.dogs SOURCE OUT --help``. SOURCE holds ``images.tar``, ``lists.tar`` and,
for the boxes, ``annotation.tar``, or what is in them.

Source of the data: A. Khosla, N. Jayadevaprakash, B. Yao and L. Fei-Fei, "Novel Dataset for
Fine-Grained Image Categorization", First Workshop on Fine-Grained Visual Categorization, CVPR 2011.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from data_prep import command
from data_prep.annotation_files import read_boxes, read_mat
from data_prep.common import Report
from data_prep.published import DataSet, Tables, prepare
from data_prep.published_files import Archive, Progress, Published

DOGS = DataSet(
    title="Stanford Dogs",
    module="data_prep.dogs",
    paper={"train": 12000, "test": 8580, "classes": 120},
    archives=(
        Archive(("images.tar",), "Images"),
        Archive(("lists.tar",), "train_list.mat"),
        Archive(("annotation.tar",), "Annotation", needed=False),
    ),
    columns="""\
- `specimens.csv`: image, label (the breed), split (the official one), wordnet_id, and with
  annotation.tar dogs (how many have a box) and bbox_x0 … bbox_y1, the box round all of them.""",
    source="""\
Aditya Khosla, Nityananda Jayadevaprakash, Bangpeng Yao and Li Fei-Fei, "Novel Dataset for
Fine-Grained Image Categorization", First Workshop on Fine-Grained Visual Categorization (FGVC),
CVPR 2011. http://vision.stanford.edu/aditya86/ImageNetDogs/

Licence: none is named; the photographs are those of ImageNet (research and education,
non-commercial) and belong to their photographers: do not redistribute.""",
    warnings=(
        "the photographs are from ImageNet: a backbone that was trained on ImageNet has seen the "
        "test photographs",
    ),
)


def prepare_dogs(
    source: Path,
    out: Path,
    *,
    copy: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write ``specimens.csv``; parameters and what is raised as ``published.prepare``."""
    return prepare(DOGS, source, out, _read, copy=copy, overwrite=overwrite, progress=progress)


def _read(published: Published, report: Report) -> Tables:
    images = published.need("Images")
    rows = []
    for split in ("train", "test"):
        (files,) = read_mat(published.need(f"{split}_list.mat"), "file_list")
        for file in files:
            wordnet, _, breed = PurePosixPath(str(file)).parts[0].partition("-")
            rows.append((images / str(file), breed.replace("_", " "), split, wordnet, str(file)))
    table = pd.DataFrame(rows, columns=["path", "label", "split", "wordnet_id", "file"])
    annotation = published.find("Annotation")
    if annotation is None:
        report.warnings.append("no boxes: annotation.tar is not in SOURCE")
        return Tables(table.drop(columns="file"))
    boxes = []
    for file in table["file"]:
        path = annotation / PurePosixPath(file).with_suffix("")
        boxes.append(_round_all(read_boxes(path) if path.is_file() else []))
    columns = ["dogs", "bbox_x0", "bbox_y0", "bbox_x1", "bbox_y1"]
    found = pd.DataFrame(boxes, columns=columns, index=table.index)
    without = int((found["dogs"] == 0).sum())
    if without:
        report.warnings.append(f"{without} photographs have no box")
    return Tables(pd.concat([table.drop(columns="file"), found], axis="columns"))


def _round_all(boxes: list[tuple[float, float, float, float]]) -> tuple[float, ...]:
    """Return the number of boxes and the box round all of them."""
    if not boxes:
        return (0, np.nan, np.nan, np.nan, np.nan)
    sides = np.array(boxes)
    return (len(boxes), *sides[:, :2].min(axis=0), *sides[:, 2:].max(axis=0))


def main(arguments: Sequence[str]) -> Report:
    """Parse the command line and prepare the table."""
    parser = command.published_parser(DOGS.module, "Stanford Dogs as a specimen table.")
    parsed = parser.parse_args(arguments)
    with command.progress_steps() as progress:
        return prepare_dogs(**vars(parsed), progress=progress)


if __name__ == "__main__":
    sys.exit(command.run(main))
