"""What all widgets share: controls, a line for mistakes, and a figure that stays in the cell."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable, Sequence
from html import escape
from typing import Any, ClassVar

import ipywidgets
import traitlets
from IPython.display import display, update_display
from matplotlib.figure import Figure

from intr_discover.errors import UserError
from intr_discover.widgets.pictures import figure_png


class Panel(ipywidgets.VBox):
    """Controls in a cell, and below them a figure of what they show.

    The figure is a plain picture among the outputs of the cell, drawn again after every change. It
    is kept with the notebook: whoever opens, prints or exports it sees the last result, without a
    kernel and without widgets.

    Attributes
    ----------
    value
        What was chosen, drawn or computed; every widget says what it is. ``observe(f, "value")``
        calls ``f`` when it changes.
    """

    purpose: ClassVar[str] = "Controls"
    value = traitlets.Any(None, allow_none=True)

    def __init__(self, children: Sequence[ipywidgets.Widget]) -> None:
        self._message = ipywidgets.HTML()
        self._display_id = uuid.uuid4().hex
        self._is_shown = False
        super().__init__([*children, self._message])
        self.add_class("intr-panel")

    @property
    def message(self) -> str:
        """Return what the line for mistakes says, as HTML; empty when all is well."""
        return str(self._message.value)

    def figure(self) -> Figure:
        """Draw what is shown, for print.

        Raises
        ------
        UserError
            If there is nothing to draw yet.
        """
        raise NotImplementedError

    def attempt(self, do: Callable[[], Any]) -> None:
        """Do what was asked by a control; a mistake is said in one line, and nothing changes."""
        try:
            do()
        except UserError as error:
            self._message.value = f"<span style='color:#D55E00'>{escape(str(error))}</span>"
            return
        self._message.value = ""
        self._draw_again()

    def __repr__(self) -> str:
        """Say what it is, where widgets cannot be shown."""
        return f"{self.purpose}: run this cell to use it; the picture below is what it showed last"

    def _ipython_display_(self) -> None:
        view = self._repr_mimebundle_()
        assert view is not None
        display({**view, "text/plain": repr(self)}, raw=True)
        self._is_shown = True
        display(self._picture(), raw=True, display_id=self._display_id)

    def _draw_again(self) -> None:
        if self._is_shown:
            update_display(self._picture(), raw=True, display_id=self._display_id)

    def _picture(self) -> dict[str, str]:
        """Return the figure as an output of a cell; a line of text where there is none yet."""
        try:
            drawn = figure_png(self.figure())
        except UserError as error:
            return {"text/plain": str(error)}
        return {"image/png": base64.b64encode(drawn).decode(), "text/plain": self.purpose}
