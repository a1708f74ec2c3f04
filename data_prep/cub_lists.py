"""The lists of CUB-200-2011: text files that name each image by a number."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from data_prep import common
from data_prep.common import Report
from data_prep.published_files import Published
from intr_discover.errors import UserError, shorten

#: As in the published certainties.txt.
CERTAINTIES = {"1": "not visible", "2": "guessing", "3": "probably", "4": "definitely"}


def read_column(path: Path, name: str) -> pd.Series:
    """Read a list of two columns as a series: number to text.

    Raises
    ------
    UserError
        It is missing or wrong, or names a number twice.
    """
    rows = common.read_rows(_present(path), 2)
    column = pd.Series([value for _, value in rows], index=[key for key, _ in rows], name=name)
    _refuse_twice(column.index, path)
    return column


def read_numbers(path: Path, columns: int) -> pd.DataFrame:
    """Read a list of numbers; its columns are named "0", "1" and so on.

    Raises
    ------
    UserError
        It is missing or wrong.
    """
    names = [str(column) for column in range(columns)]
    table = pd.DataFrame(common.read_rows(_present(path), columns), columns=names)
    return pd.DataFrame({name: common.numbers(table, name, path) for name in names})


def read_boxes(path: Path) -> pd.DataFrame:
    """Return ``bbox_x0`` to ``bbox_y1`` by number of the image; the published file has sizes."""
    table = read_numbers(path, 5)
    table = table.set_index(table["0"].astype(int).astype(str))
    _refuse_twice(table.index, path)
    return pd.DataFrame(
        {
            "bbox_x0": table["1"],
            "bbox_y0": table["2"],
            "bbox_x1": table["1"] + table["3"],
            "bbox_y1": table["2"] + table["4"],
        }
    )


def _refuse_twice(numbers: pd.Index, path: Path) -> None:
    twice = numbers[numbers.duplicated()]
    if len(twice):
        raise UserError(f"{path} has the number {shorten(list(twice))} more than once")


def _present(path: Path) -> Path:
    if not path.is_file():
        raise UserError(f"there is no {path}: unpack the whole archive")
    return path


def read_parts(root: Path, paths: pd.Series) -> pd.DataFrame:
    """Return ``path, keypoint, x, y``; x and y are missing where a part is not visible."""
    parts = read_column(root / "parts" / "parts.txt", "part")
    points = read_numbers(root / "parts" / "part_locs.txt", 5)
    visible = points["4"] == 1
    text = points[["0", "1"]].astype(int).astype(str)
    return pd.DataFrame(
        {
            "path": text["0"].map(paths),
            "keypoint": text["1"].map(parts),
            "x": points["2"].where(visible),
            "y": points["3"].where(visible),
        }
    )


def read_attributes(
    published: Published, root: Path, paths: pd.Series, report: Report
) -> pd.DataFrame | None:
    """Return the attributes that are there; None where the lists are not at hand."""
    labels = root / "attributes" / "image_attribute_labels.txt"
    # The archive has attributes.txt beside its folder, copies of it often inside.
    beside = root.parent / "attributes.txt"
    named = published.find("attributes.txt", "attributes/attributes.txt") or beside
    if not (named.is_file() and labels.is_file()):
        report.warnings.append("no image_attributes.csv: the lists of attributes are not in SOURCE")
        return None
    names = dict(read_column(named, "attribute"))
    images = set(paths.index)
    # Some lines of the published list have columns too many; the four in front are what counts.
    longer = unknown = 0
    present = []
    with labels.open(encoding="utf-8") as file:  # 3.7 million lines: one at a time
        for line in file:
            cells = line.split()
            longer += len(cells) != 5
            image, attribute, is_present, certainty = (*cells[:4], "", "", "", "")[:4]
            if image not in images or attribute not in names or certainty not in CERTAINTIES:
                unknown += 1
            elif is_present == "1":
                present.append((image, attribute, certainty))
    if longer or unknown:
        report.warnings.append(
            f"{labels.name}: {longer} lines have another number of columns than 5, of which the "
            f"first four count; {unknown} lines say nothing legal there and are left out"
        )
    table = pd.DataFrame(present, columns=["image_id", "attribute", "certainty"])
    return pd.DataFrame(
        {
            "path": table["image_id"].map(paths),
            "attribute": table["attribute"].map(names),
            "certainty": table["certainty"].map(CERTAINTIES),
        }
    )
