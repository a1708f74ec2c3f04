"""Specimens from a folder: ``root/<label>/*`` or ``root/<split>/<label>/*``, without a table."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

import pandas as pd

from intr_discover.data.raw import RAW_SUFFIXES
from intr_discover.data.tables import TABLE_SUFFIXES, as_text
from intr_discover.errors import UserError, shorten

SPLITS = ("train", "val", "test")

#: How people name splits, in lower case.
SPLIT_WORDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}

#: Files with these suffixes are taken for photographs.
IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".avif"}
    | {".jp2", ".ppm", ".pgm", ".heic", ".heif"}
    | RAW_SUFFIXES
)

_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})


def read_folder(root: Path, leave_out: Collection[str] = ()) -> tuple[pd.DataFrame, list[str]]:
    """List the photographs below a folder.

    Parameters
    ----------
    root
        Its folders are labels, or splits (``SPLIT_WORDS``) whose folders are labels. Photographs
        in folders inside a label's folder count too. Hidden files are passed over.
    leave_out
        Pictures that are no photographs (masks), as POSIX paths relative to ``root``.

    Returns
    -------
    table
        ``image, label`` and, with splits, ``split``; in the order of the paths.
    ignored
        Other files, as POSIX paths relative to ``root``.

    Raises
    ------
    UserError
        No photographs, all of them outside a label's folder, or splits mixed with labels.
    """
    folders = _visible_folders(root)
    if not folders:
        raise UserError(
            f"{root} has no folders and no specimens.csv: "
            "put the photographs of each species into a folder of its own"
        )
    as_splits = [folder for folder in folders if folder.name.lower() in SPLIT_WORDS]
    if as_splits and len(as_splits) < len(folders):
        others = [folder.name for folder in folders if folder not in as_splits]
        raise UserError(
            f"{root} mixes splits ({shorten([folder.name for folder in as_splits])}) with other "
            f"folders ({shorten(others)}): move the others away, or write a specimens.csv"
        )
    records: list[dict[str, str]] = []
    ignored = _loose_files(root)
    for folder in folders:
        if as_splits:
            split = {"split": SPLIT_WORDS[folder.name.lower()]}
            ignored += _loose_files(folder)
            label_folders = _visible_folders(folder)
        else:
            split = {}
            label_folders = [folder]
        for label_folder in label_folders:
            label = as_text(label_folder.name)
            if label is None:
                raise UserError(f"the folder {label_folder} has no usable name for a label")
            for file in _files_below(label_folder):
                if file.suffix.lower() in IMAGE_SUFFIXES:
                    image = file.relative_to(root).as_posix()
                    records.append({"image": image, "label": label, **split})
                else:
                    ignored.append(file)
    names = [file.relative_to(root).as_posix() for file in ignored]
    masks = set(leave_out)
    records = [record for record in records if record["image"] not in masks]
    if not records:
        where = "<split>/<species>" if as_splits else "<species>"
        raise UserError(f"{root} holds no photographs: they belong into {root}/{where}/")
    table = pd.DataFrame(records).sort_values("image", ignore_index=True)
    return table, sorted(names)


def _is_hidden(name: str) -> bool:
    # "._x" are macOS's companions of files on other disks; they carry the same suffix.
    return name.startswith(".") or name.lower() in _SYSTEM_FILES or name == "__MACOSX"


def _visible_folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not _is_hidden(p.name))


def _loose_files(folder: Path) -> list[Path]:
    """Return files beside the label folders: pictures there have no label; tables are expected."""
    return [
        path
        for path in sorted(folder.iterdir())
        if path.is_file()
        and not _is_hidden(path.name)
        and path.suffix.lower() not in (*TABLE_SUFFIXES, ".md", ".txt", ".json", ".yaml", ".yml")
    ]


def _files_below(folder: Path) -> list[Path]:
    found: list[Path] = []
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_hidden(name))
        found += [Path(here, name) for name in sorted(files) if not _is_hidden(name)]
    return found


def image_files(folder: Path) -> list[Path]:
    """Return every photograph below a folder, in the order of the paths."""
    return [path for path in _files_below(folder) if path.suffix.lower() in IMAGE_SUFFIXES]
