"""A picture that says where it was clicked, of stock widgets alone.

ipywidgets' pictures do not notice the mouse. So a grid of transparent buttons lies over the
picture: both have the same place in a CSS grid of one cell, and the later child is on top.
"""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets
import numpy as np
from ipywidgets import Layout
from numpy.typing import NDArray

from intr_discover.widgets.pictures import png

Clicked = Callable[[int, int], None]
"""Called with row and column of the cell."""


class ClickGrid(ipywidgets.GridBox):
    """A picture under a grid of transparent buttons.

    Parameters
    ----------
    rows, columns
        Cells of the grid.
    size
        (height, width) on the screen in pixels.
    clicked
        Called with the row and column of a cell.
    words
        What the picture shows, for people who cannot see it.
    tabbable
        Whether the keyboard reaches the cells; not where there are hundreds of them.
    """

    def __init__(
        self,
        rows: int,
        columns: int,
        size: tuple[int, int],
        clicked: Clicked,
        *,
        words: str = "",
        tabbable: bool = False,
    ) -> None:
        height, width = (f"{side}px" for side in size)
        whole = {"grid_area": "one", "width": width, "height": height, "margin": "0"}
        self.rows, self.columns, self._clicked = rows, columns, clicked
        self.image = ipywidgets.Image(format="png", layout=Layout(**whole))
        # One layout and one style for all: hundreds of buttons would bring as many of each.
        each = Layout(
            width="100%", height="100%", min_width="0", margin="0", padding="0", border="none"
        )
        clear = ipywidgets.ButtonStyle(button_color="transparent")
        buttons = []
        for row in range(rows):
            for column in range(columns):
                tooltip = words if rows * columns == 1 else None
                button = ipywidgets.Button(
                    layout=each, style=clear, tooltip=tooltip, tabbable=tabbable
                )
                button.on_click(lambda _, row=row, column=column: clicked(row, column))
                buttons.append(button)
        self.buttons = tuple(buttons)
        over = ipywidgets.GridBox(
            buttons,
            layout=Layout(
                **whole,
                grid_template_columns=f"repeat({columns}, minmax(0, 1fr))",
                grid_template_rows=f"repeat({rows}, minmax(0, 1fr))",
                grid_gap="0",
                overflow="hidden",
            ),
        )
        super().__init__(
            [self.image, over],
            layout=Layout(
                grid_template_areas='"one"', width=width, height=height, margin="0",
                overflow="hidden", flex="0 0 auto",
            ),
        )  # fmt: skip

    def show(self, picture: NDArray[np.uint8] | None) -> None:
        """Show a picture ``[H, W, 3]`` uint8; None leaves the place empty."""
        blank = np.full((1, 1, 3), 255, dtype=np.uint8)
        self.image.value = png(blank if picture is None else picture)

    def click(self, row: int, column: int) -> None:
        """Do what a click on a cell does."""
        self.buttons[row * self.columns + column].click()
