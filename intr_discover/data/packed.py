"""Collections that others have packed: WebDataset's ``.tar``, Hugging Face's Parquet files.

A photograph in such a file has a path as though the file were a folder: ``train-0.tar/a/01.jpg``.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from intr_discover.data.folders import SPLIT_WORDS
from intr_discover.data.picture_tables import PictureTable, picture_column
from intr_discover.data.webdataset import TarShard
from intr_discover.errors import UserError

PACKED_SUFFIXES = (".tar", ".parquet")
_CLASS_FILES = ("classes.txt", "classnames.txt")
_RESERVED = ("split", "mask")


def packed_files(source: Path) -> list[Path]:
    """Return the packed files of a collection; none where it is of another kind.

    Parameters
    ----------
    source
        One such file, or a folder that has them in itself, in ``data``, or in folders of splits,
        and nothing else but loose files.
    """
    if not source.is_dir():
        return [source] if _is_packed(source, damaged=False) else []
    folders = [each for each in _visible(source) if each.is_dir()]
    places = folders or [source]
    if any(each.name.lower() not in (*SPLIT_WORDS, "data") for each in folders):
        return []
    inside = [file for place in places for file in _visible(place)]
    files = [file for file in inside if file.suffix.lower() in PACKED_SUFFIXES]
    if any(file.is_dir() for file in inside) or not all(map(_is_packed, files)):
        return []
    if len({file.suffix.lower() for file in files}) > 1:
        raise UserError(f"{source} has both .tar and .parquet files: keep one kind of them")
    return files


def read_packed(files: list[Path], root: Path) -> pd.DataFrame:
    """Return the specimen table of packed files.

    Parameters
    ----------
    files
        See ``packed_files``.
    root
        The folder that paths start from. A list of class names, one a line, may lie in it as
        ``classes.txt``: numbers that are labels count its lines from 0.

    Returns
    -------
    pandas.DataFrame
        ``image, label`` as text, ``split`` where the files or their folders are named after one,
        and what else the samples carry.

    Raises
    ------
    UserError
        If a file is damaged, a photograph has no label, or only some files name a split.
    """
    names = _class_names(root)
    rows: list[dict[str, Any]] = []
    for file in files:
        split, inside = _split(file, root), file.relative_to(root).as_posix()
        store = opened(file)
        assert store is not None, "packed_files lists no other"
        for row in store.rows():
            kept = {name: value for name, value in row.items() if name not in _RESERVED}
            kept |= {
                "image": f"{inside}/{row['image']}",
                "label": _label(row["label"], names, file),
            }
            rows.append(kept if split is None else {**kept, "split": split})
    table = pd.DataFrame(rows)
    if table.empty:
        raise UserError(f"{root} holds no photographs in its {files[0].suffix} files")
    if "split" in table and table["split"].isna().any():
        raise UserError(f"{root}: some files are named after a split and others are not")
    if "specimen_id" in table:
        known = table["specimen_id"].notna()
        table["specimen_id"] = table["specimen_id"].astype(str).where(known, None)
    first = [name for name in ("image", "label", "split") if name in table]
    return table[[*first, *(name for name in table if name not in first)]]


def opened(path: Path) -> TarShard | PictureTable | None:
    """Return a packed file, opened before where it has not changed since; None for another one."""
    status = path.stat()
    return _opened(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4096)
def _opened(path: Path, modified: int, size: int) -> TarShard | PictureTable | None:
    if path.suffix.lower() == ".tar":
        return TarShard(path)
    return None if picture_column(path) is None else PictureTable(path)


def _visible(folder: Path) -> list[Path]:
    return sorted(each for each in folder.iterdir() if not each.name.startswith("."))


def _is_packed(path: Path, damaged: bool = True) -> bool:
    """Return whether a file holds photographs; ``damaged``: say of a Parquet file that it is."""
    if path.suffix.lower() == ".tar":
        return True
    if path.suffix.lower() != ".parquet":
        return False
    try:
        return picture_column(path) is not None
    except UserError:
        if damaged:
            raise
        return False  # a specimen table, whose reader says so better


def _split(file: Path, root: Path) -> str | None:
    """Return the split that a file, or else its folder below ``root``, is named after."""
    words = [*re.split(r"[^a-z]+", file.stem.lower())]
    if file.parent != root:
        words.insert(0, file.parent.name.lower())
    found = [SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS]
    return found[0] if found else None


def _class_names(root: Path) -> list[str]:
    for name in _CLASS_FILES:
        if (root / name).is_file():
            return (root / name).read_text(encoding="utf-8-sig").splitlines()
    return []


def _label(value: Any, names: list[str], file: Path) -> str:
    text = "" if value is None else str(value).strip()
    if not text:
        raise UserError(f"{file} has a photograph without a label")
    if not names or not text.isdecimal():
        return text
    if int(text) >= len(names):
        raise UserError(f"{file} has the label {text}, and classes.txt names 0 to {len(names) - 1}")
    return names[int(text)].strip()
