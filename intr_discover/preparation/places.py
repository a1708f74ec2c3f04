"""Where a prepared collection may be written, and what its files are called."""

from __future__ import annotations

import os
import shutil
import unicodedata
from pathlib import Path, PurePosixPath

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.files import is_temporary
from intr_discover.preparation.journal import NAME as JOURNAL

RECORD = "provenance.json"
PROBLEMS = "problems.csv"
IMAGES, MASKS, ATTRIBUTES = "images", "masks", "attributes"

_TABLES = ("specimens.csv", "attributes.csv", "keypoints.csv", "pairs.csv", PROBLEMS, RECORD)


def check_place(specimens: Specimens, out: Path, overwrite: bool) -> None:
    """Make sure that new pictures in ``out`` cannot mix with the originals.

    With ``overwrite``, what an earlier preparation left there is removed, and nothing else.

    Raises
    ------
    UserError
        ``out`` is a file; is the collection's folder, or one in which originals lie; lies inside
        a folder that is read as photographs; or holds something already.
    """
    there = out.resolve()
    if out.exists() and not out.is_dir():
        raise UserError(f"{out} is a file: give a folder")
    source = specimens.source.resolve()
    root = source if source.is_dir() else source.parent
    if there == root or (source.is_dir() and root in there.parents):
        raise UserError(
            f"{out} lies in {specimens.source}, and new pictures would mix with the originals: "
            "choose a folder outside it"
        )
    for path in _files(specimens):
        if there in path.parents:
            raise UserError(
                f"{out} holds originals ({path.name}): choose a folder of its own for the new "
                "pictures"
            )
    if not out.is_dir() or all(is_temporary(inside) for inside in out.iterdir()):
        return
    if (out / JOURNAL).is_file() and not overwrite:
        return  # goes on where it stopped; the journal refuses other settings
    if not overwrite:
        raise UserError(f"{out} holds files already: choose another folder, or add --overwrite")
    _remove_earlier(out)


def new_names(specimens: Specimens, apart: bool = False) -> list[str]:
    """Return what each photograph's pictures are called, without suffix, row by row.

    As below the deepest folder that holds all photographs. Two that differ in their suffix alone,
    or in capital letters, get different names; with ``apart``, so does "x-a" where there is an
    "x", whose first piece may be called so.
    """
    stems = [
        PurePosixPath(unicodedata.normalize("NFC", name)).with_suffix("").as_posix()
        for name in specimens.names
    ]
    known = {stem.casefold() for stem in stems}
    taken: set[str] = set()
    found = []
    for stem in stems:
        chosen, number = stem, 2
        whole, _, letter = stem.casefold().rpartition("-")
        piece = apart and whole in known and letter.isalpha()
        while chosen.casefold() in taken or (piece and chosen == stem):
            chosen, number = f"{stem}-{number}", number + 1
        taken.add(chosen.casefold())
        found.append(chosen)
    return found


def _files(specimens: Specimens) -> set[Path]:
    """Return the real places of all photographs and masks."""
    named = [*specimens.paths, *(path for path in specimens.mask_paths if path is not None)]
    # A folder's links are followed once for all its photographs.
    folders = {path.parent: Path(os.path.realpath(path.parent)) for path in named}
    return {folders[path.parent] / path.name for path in named}


def _remove_earlier(out: Path) -> None:
    """Remove what an earlier preparation wrote."""
    ours = (out / JOURNAL).is_file() or (
        (out / RECORD).is_file() and (out / PROBLEMS).is_file() and (out / IMAGES).is_dir()
    )
    if not ours:
        raise UserError(
            f"{out} holds files that no preparation wrote, and --overwrite removes only its own: "
            "choose another folder"
        )
    folders = [out / name for name in (IMAGES, MASKS, ATTRIBUTES)]
    for folder in folders:
        if folder.is_symlink():
            raise UserError(f"{folder} is a link to another folder: choose another --out")
    for name in (RECORD, *_TABLES, JOURNAL):
        (out / name).unlink(missing_ok=True)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
