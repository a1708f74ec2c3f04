"""Figures at another width than they were drawn for: everything in them grows or shrinks alike.

A figure is laid out for one width in mm. Drawn anew at another, its letters would no longer fit
where they were measured to fit; so the finished drawing is scaled, and what that does to its
letters is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.text import Text

from intr_discover.errors import UserError

NARROWEST_MM, WIDEST_MM = 20.0, 1000.0
LEGIBLE_PT = 5.0
"""Letters smaller than this cannot be read in print (Nature's guide to authors)."""

_FIRST_TAG = re.compile(r"<svg\b[^>]*>")
_SIZE = re.compile(r'\b(width|height)="([\d.]+)pt"')
_MM_PER_INCH = 25.4


def scale_to(figure: Figure, width: float) -> float:
    """Return how many times as large a figure must be written to be ``width`` mm wide.

    Raises
    ------
    UserError
        If no figure is that wide.
    """
    if not NARROWEST_MM <= width <= WIDEST_MM:
        raise UserError(
            f"a figure can be {NARROWEST_MM:g} to {WIDEST_MM:g} mm wide, not {width:g}: journals "
            "want about 89 mm (one column) or 183 mm (two)"
        )
    return width / (float(figure.get_size_inches()[0]) * _MM_PER_INCH)


def smallest_letters(figure: Figure, scale: float = 1.0) -> float | None:
    """Return the size in points of the smallest letters of a figure; None where it has none."""
    sizes = [
        float(text.get_fontsize())
        for text in figure.findobj(Text)
        if isinstance(text, Text) and text.get_visible() and text.get_text().strip()
    ]
    return min(sizes) * scale if sizes else None


def scale_file(path: Path, form: str, scale: float) -> None:
    """Scale a vector file in place; the pixels of a PNG are right from the beginning.

    Parameters
    ----------
    path
        The file; it may have any name.
    form
        ``png``, ``pdf`` or ``svg``.
    scale
        Above 0.
    """
    if form == "svg":
        text = path.read_text(encoding="utf-8")
        # The view box stays: the same drawing on a larger or smaller sheet.
        scaled = _FIRST_TAG.sub(lambda tag: _SIZE.sub(_times(scale), tag.group()), text, count=1)
        path.write_text(scaled, encoding="utf-8")
    elif form == "pdf":
        from pypdf import PdfReader, PdfWriter  # not needed to look at a figure

        reader = PdfReader(path)
        writer = PdfWriter(clone_from=reader)
        for page in writer.pages:
            page.scale_by(scale)
        with path.open("wb") as file:
            writer.write(file)


def _times(scale: float) -> Callable[[re.Match[str]], str]:
    return lambda size: f'{size.group(1)}="{float(size.group(2)) * scale:g}pt"'
