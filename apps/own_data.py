"""The user's own photographs: which they are, what is wrong with them, and what to do about it."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from apps.archives import unpack
from apps.photographs import shown_name
from apps.placing import Point, landmark_names
from apps.sessions import Session
from intr_discover.data.defects import broken_images, find_defects
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.files import write_with

ADVICE = {
    "missing file": "Put the file back, or take its row out of the table.",
    "zero bytes": "Copy the file again from the camera or the disk.",
    "truncated": "Copy the file again: its end is missing.",
    "gigantic": "Make the photograph smaller.",
    "unreadable": "Save the photograph as JPEG or PNG, or take it away.",
    "very large": "Make it smaller; 2000 pixels are plenty.",
    "tiny": "Find a larger copy, or take it away.",
    "animated": "Save the wanted picture alone.",
    "blank": "Take it away: there is nothing in it.",
    "nearly black": "Stretch its brightness in a picture editor.",
    "duplicate across splits": "Keep one copy, or the accuracy comes out too good.",
    "duplicate with another label": "Find out which species it is, and keep one copy.",
    "duplicate": "Keep one copy.",
    "mask missing": "Paint the mask under Masks.",
    "mask unreadable": "Paint the mask anew under Masks.",
    "mask of another size": "Paint the mask anew under Masks.",
    "mask empty": "Paint the mask under Masks.",
    "mask full": "Mark the specimen alone under Masks.",
    "keypoint outside the picture": "Place the landmark anew under Landmarks.",
    "label with one image": "Add photographs of this species, or leave it out.",
    "labels spelt alike": "Give both the same name, if they are the same species.",
    "unknown images": "Mend the names in the table, or take its rows out.",
    "unknown labels": "Mend the names in the table, or take its rows out.",
    "ignored files": "Nothing, unless a photograph is among them.",
}
"""What to do about each defect."""

_SEVERITY = {"error": "cannot be used", "warning": "look at it", "note": "good to know"}
_FEW = "Add photographs of this species: with so few, do not trust its maps."
_NOTHING = "Nothing: it is taken care of."
DEFECT_COLUMNS = ["how bad", "photograph", "what", "in detail", "what to do"]


@dataclass
class OwnData:
    """A collection that was opened in the tab.

    Attributes
    ----------
    specimens
        Read with missing files allowed.
    source
        The folder or table, as it is given to a training.
    defects
        As ``find_defects`` returns them.
    image
        The photograph that is shown under landmarks and masks; empty before the first is.
    names
        Of the landmarks that are placed.
    undo
        What the last landmarks were before: photograph, name, point or None.
    painted
        Collection and photograph that the canvas of masks shows.
    """

    specimens: Specimens
    source: Path
    defects: pd.DataFrame
    image: str = ""
    names: list[str] = field(default_factory=list)
    undo: list[tuple[str, str, Point | None]] = field(default_factory=list)
    painted: tuple[Path, str] | None = None

    @property
    def broken(self) -> list[str]:
        """Return the photographs that cannot be used."""
        return broken_images(self.defects)

    @property
    def images(self) -> list[str]:
        """Return the photographs that can be shown, as in the column ``image``."""
        broken = set(self.broken)
        return [image for image in self.specimens.table["image"] if image not in broken]

    @property
    def usable(self) -> Specimens:
        """Return the collection without them.

        Raises
        ------
        UserError
            If nothing is left.
        """
        left = self.specimens.without(self.broken)
        if not len(left):
            raise UserError("none of the photographs can be used: see the list of defects")
        return left


def own_data(session: Session) -> OwnData:
    """Return what a session opened.

    Raises
    ------
    UserError
        If it opened nothing, or nothing in it can be shown.
    """
    data = session.kept.get("data")
    if not isinstance(data, OwnData):
        raise UserError("open your photographs first, under 1. Photographs")
    if not data.image:
        raise UserError("none of the photographs can be shown: see the list of defects")
    return data


def named_place(text: str | None) -> Path:
    """Return the folder or file that the user typed, as a whole path.

    Raises
    ------
    UserError
        If nothing is typed, or only a part of a path.
    """
    words = (text or "").strip().strip("\"'")
    if not words:
        raise UserError("type where the photographs are: the whole path of a folder or table")
    try:
        path = Path(words).expanduser()
    except RuntimeError as error:
        raise UserError(f"there is no user of the name in {words}") from error
    if not path.is_absolute():
        raise UserError(f"'{words}' is no whole path: it begins at the disk, as in {Path.home()}")
    return path


def open_place(path: Path, progress: Callable[[int, int], None] | None = None) -> OwnData:
    """Read a folder or table and look at every photograph."""
    specimens = Specimens.read(path, allow_missing=True)
    data = OwnData(specimens, specimens.source, find_defects(specimens, progress=progress))
    data.image = next(iter(data.images), "")
    data.names = landmark_names(specimens)
    return data


def open_zip(
    archive: Path, folder: Path, progress: Callable[[int, int], None] | None = None
) -> OwnData:
    """Unpack a zip into a new folder below ``folder``, read it, and look at every photograph."""
    plain = re.sub(r"[^\w.-]+", "_", Path(shown_name(archive.name)).stem).strip("._")
    name = plain[:60] or "photographs"
    number = 1
    while (folder / (name if number == 1 else f"{name}-{number}")).exists():
        number += 1
    place = unpack(archive, folder / (name if number == 1 else f"{name}-{number}"))
    return open_place(place, progress)


def defect_table(defects: pd.DataFrame) -> pd.DataFrame:
    """Return the defects in plain words, with what to do."""
    rows = [
        [_SEVERITY[severity], image, defect, detail, advice(defect)]
        for image, defect, severity, detail in defects.astype(str).itertuples(index=False)
    ]
    return pd.DataFrame(rows, columns=DEFECT_COLUMNS)


def advice(defect: str) -> str:
    """Return what to do about a defect."""
    return ADVICE.get(defect, _FEW if defect.startswith("fewer than") else _NOTHING)


def write_usable(data: OwnData, folder: Path) -> Path:
    """Write the table of the usable photographs, with all that stands beside it.

    Training and report then work on the same photographs, wherever the broken ones are.

    Parameters
    ----------
    data
        The collection; its photographs stay where they are.
    folder
        Takes ``specimens.csv`` and, where there are any, ``attributes.csv``, ``keypoints.csv`` and
        ``pairs.csv``.

    Returns
    -------
    Path
        The table.
    """
    usable = data.usable
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("attributes", "keypoints", "pairs"):
        table = getattr(usable, name)
        if table is None or table.empty:
            continue
        table = table.copy()
        for column in {"image", "mask"} & set(table.columns):
            table[column] = [_moved(usable.root / value, folder) for value in table[column]]
        write_with(folder / f"{name}.csv", functools.partial(table.to_csv, index=False))
    usable.save(folder / "specimens.csv")
    return folder / "specimens.csv"


def _moved(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # Windows: on another drive there is no relative path
        return path.as_posix()
