"""The tables of a collection: specimens, and beside them attributes, keypoints and pairs.

Each reader checks everything that can be checked without opening a picture.
"""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd

from intr_discover.data.folders import SPLIT_WORDS, SPLITS
from intr_discover.data.shards import is_there
from intr_discover.data.tables import (
    as_posix,
    numbers_where_possible,
    read_table,
    require_columns,
    rows,
)
from intr_discover.errors import UserError, shorten

_TEXT_COLUMNS = ("image", "label", "split", "specimen_id", "mask")


def read_specimen_table(path: Path, allow_missing: bool = False) -> pd.DataFrame:
    """Read a specimen table: ``image, label``, optional ``split, specimen_id, mask``, and more.

    Parameters
    ----------
    path
        As ``read_table``.
    allow_missing
        Accept pictures that are not on disk, as long as one is.

    Returns
    -------
    pandas.DataFrame
        ``image`` and ``mask`` are POSIX paths relative to the table's folder; ``split`` is train,
        val or test. Other columns are numbers where nothing is lost by it, else text.

    Raises
    ------
    UserError
        A missing column, empty cells, unknown splits, an image twice, a specimen in two splits,
        pictures that are not on disk.
    """
    table = require_columns(
        read_table(path), ["image", "label"], path, ["split", "specimen_id", "mask"]
    )
    for column in ("image", "label"):
        _refuse_empty(table, column, path)
    if "split" in table:
        if table["split"].isna().all():
            table = table.drop(columns="split")
        else:
            _refuse_empty(table, "split", path)
            table["split"] = _known_splits(table["split"], path)
    root = path.parent
    table["image"] = [_on_disk(image, root) for image in table["image"]]
    if "mask" in table:
        table["mask"] = [_on_disk(m, root) if isinstance(m, str) else None for m in table["mask"]]
    _refuse_image_twice(table, path)
    refuse_specimen_in_two_splits(table, path)
    _refuse_missing_files(table, path, allow_missing)
    for column in table.columns:
        if column not in _TEXT_COLUMNS:
            table[column] = numbers_where_possible(table[column])
    return table.reset_index(drop=True)


def read_attributes(root: Path) -> pd.DataFrame | None:
    """Read ``attributes.csv`` (``image, attribute, mask``) of a folder; None without one."""
    path = root / "attributes.csv"
    if not path.is_file():
        return None
    table = require_columns(read_table(path), ["image", "attribute", "mask"], path)
    for column in ("image", "attribute", "mask"):
        _refuse_empty(table, column, path)
    for column in ("image", "mask"):
        table[column] = [_on_disk(value, root) for value in table[column]]
    return table.reset_index(drop=True)


def read_keypoints(root: Path) -> pd.DataFrame | None:
    """Read ``keypoints.csv`` (``image, keypoint, x, y``) of a folder; None without one.

    x and y are ``float64`` pixels; both are missing where a point is not visible.
    """
    path = root / "keypoints.csv"
    if not path.is_file():
        return None
    table = require_columns(read_table(path), ["image", "keypoint", "x", "y"], path)
    for column in ("image", "keypoint"):
        _refuse_empty(table, column, path)
    for column in ("x", "y"):
        numbers = pd.to_numeric(table[column], errors="coerce").astype("float64")
        numbers = numbers.where(np.isfinite(numbers))
        wrong = table.index[numbers.isna() & table[column].notna()]
        if len(wrong):
            raise UserError(f"{path}: column '{column}' is no number in {rows(wrong)}")
        table[column] = numbers
    half = table.index[table["x"].isna() != table["y"].isna()]
    if len(half):
        raise UserError(f"{path}: only one of x and y is given in {rows(half)}")
    table["image"] = [_on_disk(image, root) for image in table["image"]]
    twice = table.index[table.duplicated(["image", "keypoint"])]
    if len(twice):
        raise UserError(f"{path}: a keypoint of an image is given twice in {rows(twice)}")
    return table.reset_index(drop=True)


def read_pairs(root: Path) -> pd.DataFrame | None:
    """Read ``pairs.csv`` (``label_a, label_b`` and optionally ``diagnostic``); None without one."""
    path = root / "pairs.csv"
    return read_pairs_table(path) if path.is_file() else None


def read_pairs_table(path: Path) -> pd.DataFrame:
    """Read pairs of look-alikes from a table of any name.

    Raises
    ------
    UserError
        A missing column, empty cells, or a label paired with itself.
    """
    table = require_columns(read_table(path), ["label_a", "label_b"], path, ["diagnostic"])
    for column in ("label_a", "label_b"):
        _refuse_empty(table, column, path)
    same = table.index[table["label_a"] == table["label_b"]]
    if len(same):
        raise UserError(f"{path}: a label is paired with itself in {rows(same)}")
    return table.reset_index(drop=True)


def _refuse_empty(table: pd.DataFrame, column: str, path: Path) -> None:
    empty = table.index[table[column].isna()]
    if len(empty):
        raise UserError(f"{path}: column '{column}' is empty in {rows(empty)}: fill it in")


def _known_splits(column: pd.Series, path: Path) -> pd.Series:
    splits = column.str.lower().map(SPLIT_WORDS)
    unknown = column[splits.isna()]
    if len(unknown):
        raise UserError(
            f"{path}: unknown split {shorten(sorted(set(unknown)))} in {rows(unknown.index)}: "
            f"write {', '.join(SPLITS)}"
        )
    return splits


def _refuse_image_twice(table: pd.DataFrame, path: Path) -> None:
    twice = table.index[table["image"].duplicated()]
    if len(twice):
        first = table.loc[twice[0], "image"]
        raise UserError(f"{path}: {first} is listed twice ({rows(twice)}): keep one row an image")


def refuse_specimen_in_two_splits(table: pd.DataFrame, path: Path) -> None:
    """Raise a UserError where photographs of one ``specimen_id`` lie in two splits."""
    if "split" not in table or "specimen_id" not in table:
        return
    splits = table.groupby("specimen_id")["split"].nunique()
    torn = list(splits.index[splits > 1])
    if torn:
        raise UserError(
            f"{path}: photographs of one specimen lie in two splits, specimen_id {shorten(torn)}: "
            "put each specimen into one split"
        )


def _refuse_missing_files(table: pd.DataFrame, path: Path, allow_missing: bool) -> None:
    missing = [image for image in table["image"] if not _is_file(path.parent / image)]
    if len(missing) == len(table) or (missing and not allow_missing):
        raise UserError(
            f"{path} names {len(missing)} of {len(table)} images that are not there: "
            f"{shorten(missing)} (paths are relative to {path.parent})"
        )


def _on_disk(value: str, root: Path) -> str:
    """Return a path as the table's folder sees it: POSIX, relative, spelt as on disk."""
    relative = as_posix(value)
    if Path(relative).is_absolute():
        try:
            relative = Path(os.path.relpath(relative, root)).as_posix()
        except ValueError:  # Windows: on another drive there is no relative path
            return relative
    if not os.path.lexists(root / relative):
        # macOS writes accents decomposed (NFD), most others composed (NFC).
        for form in ("NFC", "NFD"):
            other = unicodedata.normalize(form, relative)
            if os.path.lexists(root / other):
                return other
    return relative


def _is_file(path: Path) -> bool:
    try:
        return is_there(path)
    except (OSError, ValueError):  # a name longer than any can be, or with a zero byte in it
        return False
