"""FGVC-Aircraft, 2013b (100 variants, 10,000 photographs) as a specimen table.

Run ``python -m data_prep.aircraft SOURCE OUT --help``. SOURCE is ``fgvc-aircraft-2013b.tar.gz``, or
what is in it.

Source of the data: S. Maji, J. Kannala, E. Rahtu, M. Blaschko and A. Vedaldi, "Fine-Grained Visual
Classification of Aircraft", arXiv:1306.5151, 2013.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from data_prep import command, common
from data_prep.common import Report
from data_prep.published import DataSet, Tables, prepare
from data_prep.published_files import Archive, Progress, Published
from intr_discover.data.images import read_image
from intr_discover.errors import UserError

AIRCRAFT = DataSet(
    title="FGVC-Aircraft 2013b",
    module="data_prep.aircraft",
    paper={"train": 3334, "test": 3333, "classes": 100},
    archives=(Archive(("fgvc-aircraft-2013b*.tar.gz",), "images_variant_train.txt"),),
    columns="""\
- `specimens.csv`: image, label, split, the two other levels of the name (variant, family,
  manufacturer), and the box bbox_x0 … bbox_y1 (pixels, as published: counted from 1).""",
    source="""\
Subhransu Maji, Juho Kannala, Esa Rahtu, Matthew Blaschko and Andrea Vedaldi, "Fine-Grained
Visual Classification of Aircraft", arXiv:1306.5151, 2013.
https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/

Licence: non-commercial research only; the photographs belong to their photographers, whom the
banner at the lower edge names.""",
)

LABELS = ("variant", "family", "manufacturer")
SPLITS = ("train", "val", "test")
#: Height of the banner with the photographer's name, in pixels (published README).
BANNER = 20
BANNER_WARNING = (
    "a banner of 20 pixels at the lower edge names the photographer, and a model can learn the "
    "name in place of the aircraft: --crop-banner cuts it off"
)


def prepare_aircraft(
    source: Path,
    out: Path,
    *,
    label: str = "variant",
    trainval: bool = False,
    crop_banner: bool = False,
    copy: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write ``specimens.csv``.

    Parameters
    ----------
    label
        ``"variant"`` (the paper's), ``"family"`` or ``"manufacturer"``.
    trainval
        Train on the official validation split too, as many others do; the paper does not.
    crop_banner
        Write new pictures (PNG) without the banner.

    Other parameters, and what is raised: as ``published.prepare``.
    """

    def read(published: Published, report: Report) -> Tables:
        table = _read(published).assign(label=lambda table: table[label])
        if trainval:
            table["split"] = table["split"].replace("val", "train")
        if not crop_banner:
            report.warnings.append(BANNER_WARNING)
        paper = label == "variant" and not trainval
        return Tables(table, compare=paper, picture=_without_banner if crop_banner else None)

    return prepare(AIRCRAFT, source, out, read, copy=copy, overwrite=overwrite, progress=progress)


def _read(published: Published) -> pd.DataFrame:
    root = published.need("images_variant_train.txt").parent
    table = pd.DataFrame(
        [
            (number, split, name)
            for split in SPLITS
            for number, name in common.read_rows(_list(root, "variant", split), 2)
        ],
        columns=["number", "split", "variant"],
    )
    for level in LABELS[1:]:
        names = {
            number: name
            for split in SPLITS
            for number, name in common.read_rows(_list(root, level, split), 2)
        }
        table[level] = table["number"].map(names)
    boxes = common.read_rows(root / "images_box.txt", 5) if _has_boxes(root) else []
    for place, side in enumerate(("bbox_x0", "bbox_y0", "bbox_x1", "bbox_y1"), start=1):
        table[side] = table["number"].map({box[0]: float(box[place]) for box in boxes})
    if table[["family", "manufacturer"]].isna().any(axis=None):
        raise UserError(f"the lists of families and manufacturers in {root} are not complete")
    table["path"] = table["number"].map(lambda number: root / "images" / f"{number}.jpg")
    return table.drop(columns="number")


def _list(root: Path, level: str, split: str) -> Path:
    path = root / f"images_{level}_{split}.txt"
    if not path.is_file():
        raise UserError(f"there is no {path}: unpack the whole archive")
    return path


def _has_boxes(root: Path) -> bool:
    return (root / "images_box.txt").is_file()


def _without_banner(path: Path) -> np.ndarray:
    photograph = read_image(path)
    if photograph.shape[0] <= BANNER:
        raise UserError(f"{path} is not higher than its banner of {BANNER} pixels")
    return photograph[:-BANNER]


def main(arguments: Sequence[str]) -> Report:
    """Parse the command line and prepare the table."""
    parser = command.published_parser(AIRCRAFT.module, "FGVC-Aircraft as a specimen table.")
    parser.add_argument("--label", choices=LABELS, default="variant", help="level of the name")
    parser.add_argument(
        "--trainval", action="store_true", help="train on the official validation split too"
    )
    parser.add_argument(
        "--crop-banner",
        action="store_true",
        help="cut off the banner with the photographer's name; new PNG files",
    )
    parsed = parser.parse_args(arguments)
    with command.progress_steps() as progress:
        return prepare_aircraft(**vars(parsed), progress=progress)


if __name__ == "__main__":
    sys.exit(command.run(main))
