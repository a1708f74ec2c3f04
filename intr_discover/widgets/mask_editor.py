"""Drawing a region on a photograph: corners or a brush by clicks, a window that comes nearer."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

import ipywidgets
import numpy as np
from ipywidgets import Layout
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from intr_discover.data.images import to_array
from intr_discover.data.loading import ImageSource
from intr_discover.errors import UserError
from intr_discover.figures.contact_sheet import contact_sheet
from intr_discover.figures.overlay import resize_photograph
from intr_discover.figures.screen import outlined, photograph_picture, screen_grid
from intr_discover.files import write_with
from intr_discover.studies.wording import percent
from intr_discover.widgets.click_grid import ClickGrid
from intr_discover.widgets.panel import Panel
from intr_discover.widgets.pictures import paragraphs
from intr_discover.widgets.region_drawing import Mask, RegionDrawing, read_corners, write_corners

POLYGON, BRUSH, RUBBER = "corners", "brush", "rubber"
CELLS = 24
"""Of the grid along the longer side. More are finer, and slower to put on the page."""

_SIDE = 480  # pixels
_IN_PRINT = 700
_ZOOMS = (1, 2, 4, 8)
_DOT = (230, 159, 0)
_WORDS = {"description_width": "110px"}
_LONG = Layout(width="380px")


class MaskEditor(Panel):
    """Draw a region with the mouse, or type the corners of a polygon.

    Parameters
    ----------
    image
        A path, PIL image or uint8 array.
    mask
        ``[H, W]``: a region to begin with.

    Attributes
    ----------
    value
        The region, bool ``[H, W]`` in the photograph's own pixels.
    tool
        ``corners``: each click adds a corner of a polygon; ``brush`` and ``rubber``: each click
        adds a disc, or takes one away.
    radius
        Of the disc, in pixels of the photograph.
    zoom, across, down
        The window: how many times as near, and where it lies (0 to 1, from left and top).

    Raises
    ------
    UserError
        If the photograph cannot be read, or the mask has another size.

    Notes
    -----
    A click counts for the middle of its cell. Coming nearer makes the cells finer: at 8 times, a
    24th of an eighth of the photograph.
    """

    purpose: ClassVar[str] = "Mask editor"

    def __init__(self, image: ImageSource, mask: Mask | None = None) -> None:
        self.photograph: NDArray[np.uint8] = to_array(image)
        height, width = self.photograph.shape[:2]
        self.drawing = RegionDrawing((height, width), mask)
        size = screen_grid((height, width), _SIDE)
        rows, columns = (max(1, round(CELLS * side / max(size))) for side in size)
        self.grid = ClickGrid(rows, columns, size, self._clicked, words="the photograph")
        self.tool = ipywidgets.ToggleButtons(
            options=[POLYGON, BRUSH, RUBBER], style={"button_width": "80px"}
        )
        self.radius = ipywidgets.FloatSlider(
            value=max(1.0, round(max(height, width) / 40)), min=0.5,
            max=max(2.0, max(height, width) / 6), step=0.5, description="brush", style=_WORDS,
            layout=_LONG,
        )  # fmt: skip
        self.zoom = ipywidgets.ToggleButtons(
            options=[(f"{times}×", times) for times in _ZOOMS], style={"button_width": "50px"}
        )
        self.across, self.down = (
            ipywidgets.FloatSlider(
                value=0.5, min=0.0, max=1.0, step=0.02, description=words, style=_WORDS,
                layout=_LONG, disabled=True,
            )
            for words in ("window across", "window down")
        )  # fmt: skip
        self.corners = ipywidgets.Textarea(
            placeholder="x,y x,y x,y … in pixels", description="corners", style=_WORDS,
            layout=Layout(width="380px", height="60px"),
        )  # fmt: skip
        buttons = {
            "use these corners": self._type,
            "close the polygon": self.drawing.close,
            "undo": self.drawing.undo,
            "clear": self.drawing.clear,
        }
        made = [self._button(words, do) for words, do in buttons.items()]
        self.use, self.close_polygon, self.undo, self.clear = made
        self._said = ipywidgets.HTML()
        super().__init__([
            ipywidgets.HBox([
                self.grid,
                ipywidgets.VBox([
                    self.tool, self.radius, self.zoom, self.across, self.down, self.corners,
                    ipywidgets.HBox(made[:2]), ipywidgets.HBox(made[2:]), self._said,
                ]),
            ], layout=Layout(flex_flow="row wrap")),
        ])  # fmt: skip
        for control in (self.zoom, self.across, self.down):
            control.observe(lambda _: self._draw(), "value")
        self._take()

    @property
    def window(self) -> tuple[float, float, float, float]:
        """Return left, top, width and height of what is seen, in pixels of the photograph."""
        height, width = self.drawing.shape
        share = 1 / self.zoom.value
        left = (width - width * share) * self.across.value
        top = (height - height * share) * self.down.value
        return left, top, width * share, height * share

    def figure(self) -> Figure:
        """Draw the photograph, and beside it the region."""
        picture = photograph_picture(self.photograph, _IN_PRINT)
        alone = self.photograph.copy()
        alone[~self.value] = 255
        return contact_sheet(
            [[outlined(picture, self.value), photograph_picture(alone, _IN_PRINT), None]],
            column_labels=["photograph and region", "the region alone", ""],
        )

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the region as PNG, white on black, as ``intr-discover edit --mask`` reads it.

        Raises
        ------
        UserError
            If nothing is drawn yet.
        """
        if not self.value.any():
            raise UserError("nothing is drawn yet: click on the photograph, or type corners")
        path = Path(path)
        pixels = self.value.astype(np.uint8) * 255
        write_with(path, lambda file: Image.fromarray(pixels).save(file, format="PNG"))
        return path

    def _clicked(self, row: int, column: int) -> None:
        left, top, width, height = self.window
        # The centre of the photograph's first pixel is at 0, 0.
        x = left + (column + 0.5) / self.grid.columns * width - 0.5
        y = top + (row + 0.5) / self.grid.rows * height - 0.5
        self.attempt(lambda: self._do(lambda: self._mark(x, y)))

    def _mark(self, x: float, y: float) -> None:
        if self.tool.value == POLYGON:
            self.drawing.corner(round(x, 1), round(y, 1))
        else:
            self.drawing.stamp(x, y, self.radius.value, add=self.tool.value == BRUSH)

    def _type(self) -> None:
        self.drawing.replace_corners(read_corners(self.corners.value))

    def _do(self, step: Callable[[], None]) -> None:
        step()
        self._take()

    def _take(self) -> None:
        """Show what is drawn, and make it the value."""
        self.value = self.drawing.mask
        self.corners.value = write_corners(self.drawing.corners)
        self._draw()

    def _draw(self) -> None:
        self.across.disabled = self.down.disabled = self.zoom.value == 1
        left, top, width, height = self.window
        rows = slice(int(top), max(int(top) + 1, round(top + height)))
        columns = slice(int(left), max(int(left) + 1, round(left + width)))
        size = [int(side.removesuffix("px")) for side in
                (self.grid.layout.height, self.grid.layout.width)]  # fmt: skip
        seen = resize_photograph(np.ascontiguousarray(self.photograph[rows, columns]), *size)
        picture = Image.fromarray(outlined(seen, self.value[rows, columns]))
        pen = ImageDraw.Draw(picture)
        for x, y in self.drawing.corners:
            across = (x + 0.5 - left) / width * size[1]
            down = (y + 0.5 - top) / height * size[0]
            pen.ellipse([across - 4, down - 4, across + 4, down + 4], fill=_DOT, outline="black")
        self.grid.show(np.asarray(picture))
        pixels = int(self.value.sum())
        self._said.value = paragraphs([
            f"The region has {pixels} pixels, {percent(float(self.value.mean()))} of the "
            "photograph."
        ])  # fmt: skip

    def _button(self, words: str, do: Callable[[], None]) -> ipywidgets.Button:
        button = ipywidgets.Button(description=words, layout=Layout(width="180px"))
        button.on_click(lambda _: self.attempt(lambda: self._do(do)))
        return button
