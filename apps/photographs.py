"""Which photograph is meant, where it lies, and what is refused.

The pixels are always read here, from the file that was chosen or uploaded. What a browser sends
back of a photograph is never used: a canvas may have rescaled it, or stored it with losses.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from intr_discover.data.images import ImageError, read_image, upright_shape
from intr_discover.errors import UserError

MOST_PIXELS = 64_000_000
"""Of an uploaded photograph; larger ones are for the command line."""

_LONGEST_NAME = 80


@dataclass(frozen=True)
class Photograph:
    """A photograph that a session looks at.

    Attributes
    ----------
    name
        As people see it; never a path of this machine.
    path
        The file.
    shape
        (height, width) of the upright photograph.
    row
        Its row in the collection; None for an upload.
    label
        Its species, where known.
    specimen
        File of the specimen's mask, where there is one.
    """

    name: str
    path: Path
    shape: tuple[int, int]
    row: int | None = None
    label: str | None = None
    specimen: Path | None = None


def take_upload(uploaded: str, folder: Path) -> Photograph:
    """Check an uploaded file and keep the session's own copy of it.

    Parameters
    ----------
    uploaded
        Where the server laid it down.
    folder
        The session's.

    Raises
    ------
    UserError
        If it is no picture, cut short, or too large; the line names the file without its path.
    """
    source = Path(uploaded)
    name = shown_name(source.name)
    try:
        height, width = upright_shape(source)
        if height * width > MOST_PIXELS:
            raise UserError(
                f"{name} has {width} × {height} pixels; the app takes up to "
                f"{MOST_PIXELS // 1_000_000} million: make it smaller, or use the command line"
            )
        read_image(source)
    except ImageError as error:
        raise UserError(str(error).replace(str(source), name)) from error
    folder.mkdir(parents=True, exist_ok=True)
    number = len(list(folder.iterdir())) + 1
    # In the file system only plain letters: names may hold anything.
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip("._") or "photograph"
    kept = folder / f"{number}-{plain[-_LONGEST_NAME:]}"
    shutil.copyfile(source, kept)
    return Photograph(name, kept, (height, width))


def shown_name(name: str) -> str:
    """Return a file's name as one short line, without folders."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    plain = plain.replace("\\", "/").rsplit("/", 1)[-1] or "photograph"
    return plain if len(plain) <= _LONGEST_NAME else f"{plain[: _LONGEST_NAME - 1]}…"
