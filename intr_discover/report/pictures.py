"""Figures as they stand inside the page: small, and part of the file itself."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PIL import Image

from intr_discover.data.threads import map_in_threads
from intr_discover.figures.style import DOTS_PER_INCH

SCREEN_DOTS_PER_INCH, COMPACT_DOTS_PER_INCH = 150, 120
_CSS_DOTS_PER_INCH = 96
# The page shows a printed millimetre a little larger: 6 pt of a journal are small on a screen.
_ENLARGED = 1.3
_JPEG_QUALITY, _COMPACT_JPEG_QUALITY = 90, 70
_MOST_COLOURS_OF_A_CHART = 8192  # with the shades at the edges of lines and letters

MOST_CHARACTERS = 50_000_000
"""All pictures of a page together, as text; with all else the page stays below 60 MB."""

_AT_A_TIME = 16


@dataclass(frozen=True)
class InlinePicture:
    """A picture inside the page.

    Attributes
    ----------
    data
        The picture as a ``data:`` address.
    width, height
        Its size on the page in CSS pixels.
    """

    data: str
    width: int
    height: int


def inline_pictures(
    paths: Sequence[Path], most: int = MOST_CHARACTERS
) -> dict[Path, InlinePicture]:
    """Return the pictures of a page, as fine as their number allows.

    Parameters
    ----------
    paths
        Saved figures, those that matter most first.
    most
        Characters that all of them may take.

    Returns
    -------
    dict
        By path. Where all fit, they are fine. Where they do not, they are smaller and photographs
        compressed to about a third. What does not fit even so is left out, from the first that is
        too large on: the page links to those.
    """
    wanted = list(dict.fromkeys(paths))
    fine = _those_that_fit(wanted, most, compact=False)
    if len(fine) == len(wanted):
        return fine
    return _those_that_fit(wanted, most, compact=True)


def inline_picture(path: Path, compact: bool = False) -> InlinePicture:
    """Return a saved figure (PNG of 300 dpi) at the resolution of a screen.

    Charts, which have few colours, become PNG and stay exact. Photographs become JPEG, where
    ``compact`` of a third of the size. Newer formats are smaller still, but a browser that prints
    writes them into the PDF without any compression to speak of.
    """
    with Image.open(path) as file:
        full = file.convert("RGB")
    resolution = COMPACT_DOTS_PER_INCH if compact else SCREEN_DOTS_PER_INCH
    shrink = resolution / DOTS_PER_INCH
    size = (max(1, round(full.width * shrink)), max(1, round(full.height * shrink)))
    small = full.resize(size, Image.Resampling.LANCZOS)
    is_chart = small.getcolors(_MOST_COLOURS_OF_A_CHART) is not None
    kind, content = ("png", _png(small)) if is_chart else ("jpeg", _jpeg(small, compact))
    scale = _CSS_DOTS_PER_INCH / DOTS_PER_INCH * _ENLARGED
    return InlinePicture(
        data=f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}",
        width=max(1, round(full.width * scale)),
        height=max(1, round(full.height * scale)),
    )


def _those_that_fit(paths: Sequence[Path], most: int, compact: bool) -> dict[Path, InlinePicture]:
    """Return pictures in order, up to the first that is too much."""
    found: dict[Path, InlinePicture] = {}
    left = most
    # A few at a time, so that little is done in vain once the room is used up.
    for first in range(0, len(paths), _AT_A_TIME):
        group = paths[first : first + _AT_A_TIME]
        pictures = map_in_threads(partial(inline_picture, compact=compact), group)
        for path, picture in zip(group, pictures, strict=True):
            left -= len(picture.data)
            if left < 0:
                return found
            found[path] = picture
    return found


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    # Up to 256 colours go into a palette without any loss.
    if picture.getcolors(256) is not None:
        picture = picture.quantize(256, dither=Image.Dither.NONE)
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _jpeg(picture: Image.Image, compact: bool) -> bytes:
    buffer = io.BytesIO()
    if compact:
        picture.save(buffer, "JPEG", quality=_COMPACT_JPEG_QUALITY, optimize=True)
    else:
        # Whole colour resolution: small letters on colour stay crisp.
        picture.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0, optimize=True)
    return buffer.getvalue()
