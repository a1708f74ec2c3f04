"""A whole collection written to a new folder: the table, and what belongs beside it."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from intr_discover.data.specimens import Specimens
from intr_discover.files import write_with


def save_collection(specimens: Specimens, folder: Path) -> None:
    """Write ``specimens.csv``, and attributes, keypoints and pairs where there are any.

    Parameters
    ----------
    specimens
        The collection. Its photographs and masks stay where they are.
    folder
        Where the tables go; paths in them are written relative to it.
    """
    specimens.save(folder / "specimens.csv")
    for name, table, columns in (
        ("attributes.csv", specimens.attributes, ("image", "mask")),
        ("keypoints.csv", specimens.keypoints, ("image",)),
        ("pairs.csv", specimens.pairs, ()),
    ):
        if table is not None:
            _write(_moved(table, columns, specimens.root, folder), folder / name)


def save_keypoints(keypoints: pd.DataFrame, root: Path, folder: Path) -> Path:
    """Write ``keypoints.csv`` into a folder, its paths relative to it, and return its path.

    ``root`` is the folder that the images of the table start from.
    """
    path = folder / "keypoints.csv"
    _write(_moved(keypoints, ("image",), root, folder), path)
    return path


def _moved(table: pd.DataFrame, columns: tuple[str, ...], root: Path, folder: Path) -> pd.DataFrame:
    """Return a table with its paths relative to another folder."""
    moved = table.copy()
    for column in columns:
        moved[column] = [Path(os.path.relpath(root / v, folder)).as_posix() for v in table[column]]
    return moved


def _write(table: pd.DataFrame, path: Path) -> None:
    write_with(path, lambda file: table.to_csv(file, index=False))
