"""Pictures and words as a notebook takes them: PNG as bytes, and HTML."""

from __future__ import annotations

import io
from collections.abc import Sequence
from html import escape

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from intr_discover.figures import style
from intr_discover.studies.wording import percent

DOTS_PER_INCH = 110
"""Of figures in a cell: as wide as JupyterLab's page, and small enough to be kept in a file."""

_SHOWN = 5


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return a picture ``[H, W, 3]`` uint8 as the bytes of a PNG file."""
    stored = io.BytesIO()
    Image.fromarray(pixels).save(stored, format="PNG")
    return stored.getvalue()


def figure_png(figure: Figure, dots_per_inch: int = DOTS_PER_INCH) -> bytes:
    """Return a figure as the bytes of a PNG file, for the screen.

    Notes
    -----
    It has 256 colours, chosen so that the worst is off by as little as possible (some levels of
    255): a fifth of the bytes, so that a notebook with ten figures can still be sent by mail. For
    print there is ``figures.style.save_figure``.
    """
    with style.journal_style():
        stored = io.BytesIO()
        figure.savefig(stored, format="png", dpi=dots_per_inch)
    with Image.open(stored) as image:
        few = image.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=3)
    written = io.BytesIO()
    few.save(written, format="PNG", optimize=True, dpi=(dots_per_inch, dots_per_inch))
    return written.getvalue()


def paragraphs(sentences: Sequence[str]) -> str:
    """Return sentences as HTML; whatever stands in them is text."""
    return "".join(
        f"<p style='margin:0 0 4px;line-height:1.35'>{escape(each)}</p>" for each in sentences
    )


def probability_table(
    names: Sequence[str],
    columns: Sequence[tuple[str, Sequence[float]]],
    marked: Sequence[str] = (),
) -> str:
    """Return probabilities as an HTML table.

    Parameters
    ----------
    names
        Of the classes.
    columns
        (title, probabilities in [0, 1] in the order of the names); NaN leaves a cell empty.
    marked
        Names that are shown in any case, in bold; beside them the five most probable are.
    """
    values = np.array([column for _, column in columns], dtype=np.float64)
    most = np.where(np.isnan(values), -1.0, values).max(axis=0)
    order = [int(place) for place in np.argsort(-most, kind="stable")]
    kept = [place for rank, place in enumerate(order) if rank < _SHOWN or names[place] in marked]
    head = "".join(f"<th>{escape(title)}</th>" for title, _ in columns)
    rows = []
    for place in kept:
        shown = escape(names[place])
        shown = f"<b>{shown}</b>" if names[place] in marked else shown
        cells = "".join(
            "<td style='text-align:right;line-height:1.35'>"
            + ("" if np.isnan(column[place]) else percent(column[place]))
            + "</td>"
            for column in values
        )
        rows.append(f"<tr><td style='text-align:left;line-height:1.35'>{shown}</td>{cells}</tr>")
    return (
        f"<table><thead><tr><th style='text-align:left'>class</th>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )
