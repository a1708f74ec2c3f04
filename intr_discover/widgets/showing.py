"""Figures and tables in a cell, kept with the notebook."""

from __future__ import annotations

import base64

import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

from intr_discover.widgets.pictures import DOTS_PER_INCH, figure_png


def show(what: Figure | pd.DataFrame | str, caption: str = "") -> None:
    """Show a figure, a table or a sentence in the cell.

    Parameters
    ----------
    what
        A figure becomes a PNG of 110 dpi; a table is shown without the numbers of its rows.
    caption
        Words below it.
    """
    if isinstance(what, Figure):
        drawn = base64.b64encode(figure_png(what, DOTS_PER_INCH)).decode()
        display({"image/png": drawn, "text/plain": caption or "figure"}, raw=True)
    elif isinstance(what, pd.DataFrame):
        display({"text/html": table_html(what), "text/plain": what.to_string(index=False)},
                raw=True)  # fmt: skip
    else:
        _say(as_text(what), what)
    if caption:
        _say(f"*{as_text(caption)}*", caption)


def _say(markdown: str, plain: str) -> None:
    display({"text/markdown": markdown, "text/plain": plain}, raw=True)


def table_html(table: pd.DataFrame) -> str:
    """Return a table as HTML: names are text, whatever they hold; unknown numbers are empty."""
    return str(table.to_html(index=False, escape=True, na_rep="", border=0))


def as_text(words: str) -> str:
    r"""Return plain words as Markdown that shows exactly them.

    Examples
    --------
    >>> as_text("H. erato_x <b>")
    'H. erato\\_x &lt;b>'
    """
    for sign in ("\\", "`", "*", "_", "[", "]", "$", "#", "~", "|"):
        words = words.replace(sign, f"\\{sign}")
    return words.replace("&", "&amp;").replace("<", "&lt;")
