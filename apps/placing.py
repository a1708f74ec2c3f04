"""Landmarks and masks made by hand: what is shown, and the files that keep them.

Only tables and masks are written, each whole or not at all; photographs never. Before a file that
was there is changed for the first time, a copy of it is kept beside it.
"""

from __future__ import annotations

import shutil
import threading
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from intr_discover.data.foreground import automatic_foreground
from intr_discover.data.images import read_image, read_mask, upright_shape
from intr_discover.data.specimen_tables import read_keypoints
from intr_discover.data.specimens import Specimens
from intr_discover.data.tables import read_table, require_columns
from intr_discover.errors import UserError
from intr_discover.files import replacing, write_with

KEYPOINTS = "keypoints.csv"
FIRST = ".first"
"""Stands in the name of a copy of what a file held at first."""

_COLUMNS = ["image", "keypoint", "x", "y"]
_MASK_FOLDERS = ("masks", "specimen-masks", "masks-of-specimens")
_DOT, _WHITE, _BLACK = (255, 47, 179), (255, 255, 255), (0, 0, 0)
_LETTERS = 20  # pixels

# Reading a table, changing and writing it is one thing: two pages must not do it at once.
_WRITING = threading.Lock()


class Point(NamedTuple):
    """Where a landmark is: pixels of the upright photograph from its top left corner.

    Both are NaN where it cannot be seen.
    """

    x: float
    y: float


UNSEEN = Point(float("nan"), float("nan"))


def landmark_names(specimens: Specimens) -> list[str]:
    """Return the names of the landmarks of a collection, in the order of their first use."""
    points = read_keypoints(specimens.root)
    return [] if points is None else list(dict.fromkeys(points["keypoint"]))


def landmarks_of(specimens: Specimens, image: str) -> dict[str, Point]:
    """Return the landmarks of a photograph by name."""
    points = read_keypoints(specimens.root)
    if points is None:
        return {}
    rows = points[points["image"] == image]
    return {
        str(name): Point(float(x), float(y))
        for name, x, y in zip(rows["keypoint"], rows["x"], rows["y"], strict=True)
    }


def save_landmark(specimens: Specimens, image: str, name: str, point: Point | None) -> None:
    """Write a landmark of a photograph to ``keypoints.csv``; all other rows stay as they are.

    Parameters
    ----------
    specimens
        The collection; the file lies beside its table.
    image
        As in the column ``image``.
    name
        Of the landmark.
    point
        Where it is, ``UNSEEN``, or None to take it out.

    Raises
    ------
    UserError
        If the name is empty, the point is off the photograph, or the file cannot be written.
    """
    name = name.strip()
    if not name:
        raise UserError("the landmark has no name: type the names of the landmarks first")
    path = specimens.root / KEYPOINTS
    if point is not None and not np.isnan(point.x):
        height, width = upright_shape(specimens.root / image)
        if not (0 <= point.x <= width and 0 <= point.y <= height):
            raise UserError(
                f"({point.x:g}, {point.y:g}) is off the photograph, which has {width} × {height} "
                "pixels"
            )
    with _WRITING:
        known = read_keypoints(specimens.root)
        if known is None:
            table, separator, encoding = pd.DataFrame(columns=_COLUMNS), ",", "utf-8"
        else:
            table = require_columns(read_table(path), _COLUMNS, path).reset_index(drop=True)
            same = (known["image"] == image) & (known["keypoint"] == name)
            table = table[~same.to_numpy()]
            separator, encoding = _form(path)
            keep_first(path)
        if point is not None:
            seen = not np.isnan(point.x)
            x, y = (f"{value:.2f}" if seen else None for value in point)
            row = pd.DataFrame([{"image": image, "keypoint": name, "x": x, "y": y}], dtype=object)
            table = pd.concat([table, row], ignore_index=True)
        if table.empty:
            path.unlink(missing_ok=True)  # a table without rows is none
            return
        _write_table(table, path, separator, encoding)


def save_mask(specimens: Specimens, image: str, mask: NDArray[np.bool_]) -> Path:
    """Write the mask of a photograph as PNG, and name it in the table.

    Parameters
    ----------
    specimens
        The collection. A folder without a table gets ``specimens.csv``; beside an Excel or Parquet
        table a CSV of the same name is made, and the former stays as it is.
    image
        As in the column ``image``.
    mask
        ``bool [H, W]`` of the upright photograph.

    Returns
    -------
    Path
        The table, to be read from now on.

    Raises
    ------
    UserError
        If the mask is empty or of another size, the photograph is not in the table any more, or a
        file cannot be written.
    """
    if mask.shape != upright_shape(specimens.root / image):
        raise UserError("the mask has another size than the photograph: open it again")
    if not mask.any():
        raise UserError("the mask is empty: mark the specimen with the brush")
    with _WRITING:
        # Table, picture, name in the table: wherever it breaks off, what is there can be read.
        source = _table_of(specimens)
        now = Specimens.read(source, allow_missing=True)
        places = np.flatnonzero((now.table["image"] == image).to_numpy())
        if len(places) != 1:
            raise UserError(f"{image} is not in {source.name} any more: open the data again")
        place = int(places[0])
        target = _mask_place(now, place)
        keep_first(now.root / target)
        try:
            with replacing(now.root / target) as temporary:
                Image.fromarray(mask.astype(np.uint8) * 255).save(temporary, format="PNG")
        except OSError as error:
            raise _cannot_write(now.root / target, error) from error
        table = read_table(source).reset_index(drop=True)
        column = next((name for name in table.columns if name.lower() == "mask"), "mask")
        if column not in table:
            table[column] = None
        if now.mask_paths[place] != now.root / target:
            table.loc[place, column] = target
            separator, encoding = _form(source)
            keep_first(source)
            _write_table(table, source, separator, encoding)
    return source


def mask_of(
    specimens: Specimens, image: str, *, automatic: bool = False
) -> tuple[NDArray[np.bool_] | None, str]:
    """Return the mask of a photograph, or a guess, and a line that says which of them it is.

    Parameters
    ----------
    specimens
        The collection.
    image
        As in the column ``image``.
    automatic
        Guess, even where there is a mask.
    """
    place = specimens.table["image"].tolist().index(image)
    path = specimens.mask_paths[place]
    photograph = specimens.root / image
    said = ""
    if path is not None and not automatic:
        try:
            return read_mask(path, upright_shape(photograph)), "This is the mask that is kept."
        except UserError:
            said = "The mask that the table names cannot be used. "
    guess = automatic_foreground(read_image(photograph))
    if guess is None:
        return None, f"{said}No guess is possible: nothing differs from the border. Paint the mask."
    return guess, f"{said}This is an automatic guess: mend it, and save it."


def marked_picture(
    picture: NDArray[np.uint8], shape: tuple[int, int], points: dict[str, Point], active: str | None
) -> NDArray[np.uint8]:
    """Return a picture with landmarks drawn on it, each with its name.

    Parameters
    ----------
    picture
        uint8 ``[h, w, 3]``: the photograph on the screen.
    shape
        Height and width of the photograph itself.
    points
        In the photograph's pixels; unseen ones are not drawn.
    active
        The landmark that the next click places: drawn larger.
    """
    drawn = Image.fromarray(picture)
    pen = ImageDraw.Draw(drawn)
    rows, columns = picture.shape[:2]
    for name, point in points.items():
        if np.isnan(point.x):
            continue
        x, y = point.x * columns / shape[1], point.y * rows / shape[0]
        radius = 9 if name == active else 6
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), _DOT, _WHITE, 2)
        _, _, right, bottom = pen.textbbox((0, 0), name, font_size=_LETTERS)
        # Where there is no room on the right, the name stands on the left.
        at = x + 12 if x + 12 + right <= columns else max(0.0, x - 12 - right)
        top = min(max(0.0, y - bottom / 2), rows - bottom)
        pen.text((at, top), name, _WHITE, font_size=_LETTERS, stroke_width=3, stroke_fill=_BLACK)
    return np.asarray(drawn)


def keep_first(path: Path) -> None:
    """Keep a copy of a file beside it, unless there is one already or there is no file."""
    copy = path.with_name(f"{path.stem}{FIRST}{path.suffix}")
    if path.exists() and not copy.exists():
        try:
            with replacing(copy) as temporary:
                shutil.copyfile(path, temporary)
        except OSError as error:
            raise _cannot_write(copy, error) from error


def _table_of(specimens: Specimens) -> Path:
    """Return the table as text on disk; made where there is none."""
    source = specimens.source
    if source.is_dir():
        path = source / "specimens.csv"
    elif source.suffix.lower() in (".csv", ".tsv"):
        return source
    else:
        path = source.with_suffix(".csv")
    if path.exists():
        raise UserError(f"{path.name} stands beside what was opened: open that table instead")
    try:
        specimens.save(path)
    except OSError as error:
        raise _cannot_write(path, error) from error
    return path


def _mask_place(specimens: Specimens, place: int) -> str:
    """Return where the mask of a row is written, relative to the root."""
    image = PurePosixPath(specimens.table["image"].iloc[place])
    images = set(specimens.table["image"])
    labels = {PurePosixPath(each).parts[0] for each in images}
    folder = next(name for name in _MASK_FOLDERS if name not in labels)
    # A table may name photographs anywhere; masks stay beside the table.
    parts = [part for part in image.parts if part not in ("..", image.anchor)]
    target = PurePosixPath(folder, *parts).with_suffix(".png").as_posix()
    own = specimens.mask_paths[place]
    others = {path for path in specimens.mask_paths if path is not None and path != own}
    stems = [PurePosixPath(each).with_suffix("") for each in images]
    if stems.count(image.with_suffix("")) > 1 or specimens.root / target in others:
        return f"{target.removesuffix('.png')}{image.suffix}.png"
    return target


def _form(path: Path) -> tuple[str, str]:
    """Return separator and encoding in which a table is written, as it was."""
    data = path.read_bytes()[:65536]
    marked = data.startswith(b"\xef\xbb\xbf")
    first = next((line for line in data.splitlines() if line.strip()), b"").decode("latin-1")
    separator = "\t" if path.suffix.lower() == ".tsv" else max(",;\t", key=first.count)
    return separator, "utf-8-sig" if marked else "utf-8"


def _write_table(table: pd.DataFrame, path: Path, separator: str, encoding: str) -> None:
    try:
        write_with(
            path,
            lambda file: table.to_csv(file, index=False, sep=separator, encoding=encoding),
        )
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> UserError:
    return UserError(
        f"cannot write {path.name}: {error.strerror or error}; nothing was changed: see whether "
        "you may write to its folder"
    )
