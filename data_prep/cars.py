"""Stanford Cars (196 models, 16,185 photographs) as a specimen table.

Run ``python -m data_prep.cars SOURCE OUT --help``. SOURCE holds ``cars_train.tgz``,
``cars_test.tgz``, ``car_devkit.tgz`` and ``cars_test_annos_withlabels.mat``, or what is in them; or
the later form of the data set, ``car_ims.tgz`` and ``cars_annos.mat``.

Source of the data: J. Krause, M. Stark, J. Deng and L. Fei-Fei, "3D Object Representations for
Fine-Grained Categorization", 4th IEEE Workshop on 3D Representation and Recognition, ICCV 2013.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from data_prep import command
from data_prep.annotation_files import read_mat
from data_prep.common import Report
from data_prep.published import DataSet, Tables, prepare
from data_prep.published_files import Archive, Progress, Published
from intr_discover.errors import UserError

CARS = DataSet(
    title="Stanford Cars",
    module="data_prep.cars",
    paper={"train": 8144, "test": 8041, "classes": 196},
    archives=(
        # All are optional, because the data set has two forms; what is missing is said when read.
        Archive(("cars_train.tgz",), "cars_train", needed=False),
        Archive(("cars_test.tgz",), "cars_test", needed=False),
        Archive(("car_devkit.tgz", "cars_devkit.tgz"), "cars_meta.mat", needed=False),
        Archive(("car_ims.tgz",), "car_ims", needed=False),
    ),
    columns="""\
- `specimens.csv`: image, label (make, model, year), split (the official one), and the box
  bbox_x0 … bbox_y1 (pixels).
- `classes.csv`: label, number (the official order).""",
    source="""\
Jonathan Krause, Michael Stark, Jia Deng and Li Fei-Fei, "3D Object Representations for
Fine-Grained Categorization", 4th IEEE Workshop on 3D Representation and Recognition (3dRR), ICCV
2013.

Licence: no licence file is at hand: take it as research only. The photographs come from the web and
belong to their photographers: do not redistribute.""",
)


def prepare_cars(
    source: Path,
    out: Path,
    *,
    copy: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Write ``specimens.csv`` and ``classes.csv``; else as ``published.prepare``."""
    return prepare(CARS, source, out, _read, copy=copy, overwrite=overwrite, progress=progress)


def _read(published: Published, report: Report) -> Tables:
    train = published.find("cars_train_annos.mat")
    if train is not None:
        names = _names(published.need("cars_meta.mat"))
        test = published.find("cars_test_annos_withlabels.mat")
        if test is None:
            raise UserError(
                f"{published.source} has no cars_test_annos_withlabels.mat: the test list of the "
                "devkit names no models, this one does"
            )
        rows = [
            *_rows(published, train, "cars_train", names),
            *_rows(published, test, "cars_test", names),
        ]
    else:
        lists = published.need("cars_annos.mat", "cars_train_annos.mat")
        names = _names(lists)
        rows = list(_rows(published, lists, "", names))
    columns = ["path", "label", "split", "bbox_x0", "bbox_y0", "bbox_x1", "bbox_y1"]
    classes = pd.DataFrame({"label": names, "number": range(1, len(names) + 1)})
    return Tables(pd.DataFrame(rows, columns=columns), more={"classes.csv": classes})


def _names(path: Path) -> list[str]:
    (names,) = read_mat(path, "class_names")
    return [" ".join(str(name).split()) for name in names]


def _rows(
    published: Published, lists: Path, folder: str, names: list[str]
) -> Iterator[tuple[Any, ...]]:
    """Give one row a photograph of a list; ``folder`` is "" for the form with one list."""
    (annotations,) = read_mat(lists, "annotations")
    known = annotations.dtype.names or ()
    file = "fname" if folder else "relative_im_path"
    wanted = ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", file]
    absent = [name for name in [*wanted, *([] if folder else ["test"])] if name not in known]
    if absent or not len(annotations):
        raise UserError(f"{lists} has no {', '.join(absent) or 'photographs'}: fetch it again")
    # Copies of the data set have cars_train/cars_train.
    images = published.need(str(PurePosixPath(folder, str(annotations[0][file])))).parent
    for row in annotations:
        number = int(row["class"])
        if not 1 <= number <= len(names):
            raise UserError(f"{lists} has the class {number}, which has no name")
        split = folder.removeprefix("cars_") or ("test" if int(row["test"]) else "train")
        path = images / PurePosixPath(str(row[file])).name
        sides = (float(row[side]) for side in wanted[:4])
        yield path, names[number - 1], split, *sides


def main(arguments: Sequence[str]) -> Report:
    """Parse the command line and prepare the table."""
    parser = command.published_parser(CARS.module, "Stanford Cars as a specimen table.")
    parsed = parser.parse_args(arguments)
    with command.progress_steps() as progress:
        return prepare_cars(**vars(parsed), progress=progress)


if __name__ == "__main__":
    sys.exit(command.run(main))
