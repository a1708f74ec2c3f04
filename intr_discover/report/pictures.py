"""Figures as they stand inside the page: small, and part of the file itself."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from intr_discover.figures.style import DOTS_PER_INCH

SCREEN_DOTS_PER_INCH = 150
_CSS_DOTS_PER_INCH = 96
# The page shows a printed millimetre a little larger: 6 pt of a journal are small on a screen.
_ENLARGED = 1.3
_JPEG_QUALITY = 90
_MOST_COLOURS_OF_A_CHART = 8192  # with the shades at the edges of lines and letters


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


def inline_picture(path: Path) -> InlinePicture:
    """Return a saved figure (PNG of 300 dpi) at the resolution of a screen.

    Charts, which have few colours, become PNG and stay exact; photographs become JPEG.
    """
    with Image.open(path) as file:
        full = file.convert("RGB")
    shrink = SCREEN_DOTS_PER_INCH / DOTS_PER_INCH
    size = (max(1, round(full.width * shrink)), max(1, round(full.height * shrink)))
    small = full.resize(size, Image.Resampling.LANCZOS)
    is_chart = small.getcolors(_MOST_COLOURS_OF_A_CHART) is not None
    kind, content = ("png", _png(small)) if is_chart else ("jpeg", _jpeg(small))
    scale = _CSS_DOTS_PER_INCH / DOTS_PER_INCH * _ENLARGED
    return InlinePicture(
        data=f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}",
        width=max(1, round(full.width * scale)),
        height=max(1, round(full.height * scale)),
    )


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    # Up to 256 colours go into a palette without any loss.
    if picture.getcolors(256) is not None:
        picture = picture.quantize(256, dither=Image.Dither.NONE)
    picture.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _jpeg(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    # Whole colour resolution: small letters on colour stay crisp.
    picture.save(buffer, "JPEG", quality=_JPEG_QUALITY, subsampling=0, optimize=True)
    return buffer.getvalue()
