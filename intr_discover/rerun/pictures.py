"""Whether two figures show the same; what a file says of itself (the command) does not count."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pypdf import PdfReader
from pypdf.errors import PyPdfError

from intr_discover.errors import UserError

_METADATA = re.compile(rb"<metadata>.*?</metadata>", re.DOTALL)


def same_picture(then: Path, now: Path) -> bool:
    """Return whether a PNG, a PDF or an SVG shows exactly what another one does.

    Raises
    ------
    UserError
        If one of them cannot be read.
    """
    read = {".png": _pixels, ".pdf": _pages, ".svg": _elements}[now.suffix]
    seen = []
    for path in (then, now):
        try:
            seen.append(read(path))
        except (OSError, ValueError, PyPdfError) as error:
            raise UserError(f"{path}: cannot be read as a figure: {error}") from error
    return bool(seen[0] == seen[1])


def _pixels(path: Path) -> Any:
    with Image.open(path) as picture:
        return np.asarray(picture).shape, np.asarray(picture).tobytes()


def _pages(path: Path) -> Any:
    """Return what is drawn on each page, and the pictures in it."""
    pages = []
    for page in PdfReader(path).pages:
        drawn = page.get_contents()
        pages.append((
            tuple(float(side) for side in page.mediabox),
            b"" if drawn is None else drawn.get_data(),
            [image.data for image in page.images],
        ))  # fmt: skip
    return pages


def _elements(path: Path) -> Any:
    return _METADATA.sub(b"", path.read_bytes())
