"""Text that fits: measure, wrap, and shorten in the middle, where names differ least."""

from __future__ import annotations

import re
import warnings

import matplotlib
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.font_manager import FontProperties

from intr_discover.figures.style import MM_PER_INCH, font_families

ELLIPSIS = "…"
_DOTS_PER_INCH = 72  # unhinted letters are as wide at every resolution; this one is quick
# A line may end after a space, or after one of the signs that join words in folder names; not
# after the point of a number.
_WORDS = re.compile(r"(?:[^\s_\-/.]|\.(?=\d))*(?:[\s_\-/]|\.(?!\d))*")


class TextRuler:
    """Measures text in mm, in the font of the figures at one size.

    Parameters
    ----------
    size
        Font size in points.
    weight
        ``"normal"`` or ``"bold"``.
    """

    def __init__(self, size: float, weight: str = "normal") -> None:
        self._font = FontProperties(family=font_families(), size=size, weight=weight)
        self._renderer = RendererAgg(1, 1, _DOTS_PER_INCH)

    def width(self, text: str) -> float:
        """Return the width of one line of text in mm."""
        if not text:
            return 0.0
        with matplotlib.rc_context({"text.hinting": "none"}), warnings.catch_warnings():
            # A sign that no font has: matplotlib says so again when the text is drawn.
            warnings.filterwarnings("ignore", "Glyph", UserWarning)
            width, _, _ = self._renderer.get_text_width_height_descent(
                text, self._font, ismath=False
            )
        return float(width) / _DOTS_PER_INCH * MM_PER_INCH

    def shorten(self, text: str, width: float) -> str:
        """Return ``text`` on one line, its middle replaced by an ellipsis if it is too wide.

        The middle goes because names of look-alikes differ at their ends: species of one genus
        share the first word, and subspecies the first two.
        """
        text = one_line(text)
        if self.width(text) <= width:
            return text
        for kept in range(len(text) - 1, 0, -1):
            tail = kept // 2
            candidate = text[: kept - tail].rstrip() + ELLIPSIS + text[len(text) - tail :].lstrip()
            if self.width(candidate) <= width:
                return candidate
        return ELLIPSIS

    def fit(self, text: str, width: float, lines: int = 1) -> str:
        """Return ``text`` wrapped to at most ``lines`` lines of ``width`` mm.

        What does not fit on the last line is shortened in the middle.
        """
        left = one_line(text)
        done: list[str] = []
        while left and len(done) < lines - 1 and self.width(left) > width:
            length = self._line_length(left, width)
            done.append(left[:length].rstrip())
            left = left[length:].lstrip()
        if left:
            done.append(self.shorten(left, width))
        return "\n".join(done)

    def _line_length(self, text: str, width: float) -> int:
        """Return how many characters of ``text`` go on a line: whole words where one fits."""
        length = 0
        for word in _WORDS.finditer(text):
            if not word.group() or self.width(text[: word.end()].rstrip()) > width:
                break
            length = word.end()
        if length:
            return length
        characters = 1
        while characters < len(text) and self.width(text[: characters + 1]) <= width:
            characters += 1
        return characters


def one_line(text: str) -> str:
    """Return ``text`` without line breaks, tabs and other signs that no font can draw."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
