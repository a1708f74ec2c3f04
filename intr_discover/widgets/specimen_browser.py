"""What photographs are there? Filters, thumbnails, and a selection to go on with."""

from __future__ import annotations

from typing import ClassVar

import ipywidgets
import numpy as np
import scipy
from ipywidgets import Layout
from matplotlib.figure import Figure
from numpy.typing import NDArray

from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.figures.contact_sheet import contact_sheet
from intr_discover.figures.screen import photograph_picture
from intr_discover.studies.wording import percent
from intr_discover.widgets.click_grid import ClickGrid
from intr_discover.widgets.panel import Panel
from intr_discover.widgets.pictures import paragraphs

ALL, RIGHT, WRONG = "all", "right", "wrong"
PAGE = 12
"""Thumbnails at once."""

_SIDE = 130  # pixels
_IN_PRINT = 300  # pixels of a photograph in the figure
_COLUMNS = 6
_FRAME = 6  # pixels round a chosen thumbnail
_CHOSEN = (0, 114, 178)
_WORDS = {"description_width": "80px"}


class SpecimenBrowser(Panel):
    """Look through a collection and choose photographs with a click; a second click lets go.

    Parameters
    ----------
    specimens
        The collection.
    explainer
        A model whose answers are shown, and can be filtered by; each photograph is asked once.

    Attributes
    ----------
    value
        Names of the chosen photographs, in the order of choosing.
    label, split, answer
        The filters.
    """

    purpose: ClassVar[str] = "Specimen browser"

    def __init__(self, specimens: Specimens, explainer: Explainer | None = None) -> None:
        if not len(specimens):
            raise UserError("there is no photograph to look at")
        self.specimens, self.explainer = specimens, explainer
        self._labels = [str(label) for label in specimens.table["label"]]
        self._names, self._paths = specimens.names, specimens.paths
        self._answers: dict[int, tuple[str, float]] = {}
        self._page, self._rows = 0, list(range(len(specimens)))
        self.label = ipywidgets.Dropdown(
            options=[ALL, *specimens.classes], description="species", style=_WORDS
        )
        self.split = ipywidgets.Dropdown(
            options=[ALL, *specimens.splits], description="split", style=_WORDS
        )
        answers = [ALL] if explainer is None else [ALL, RIGHT, WRONG]
        self.answer = ipywidgets.Dropdown(options=answers, description="answer", style=_WORDS)
        self.back = ipywidgets.Button(description="◀ page", layout=Layout(width="90px"))
        self.on = ipywidgets.Button(description="page ▶", layout=Layout(width="90px"))
        self.clear = ipywidgets.Button(description="choose none", layout=Layout(width="110px"))
        self._where = ipywidgets.HTML()
        self._tiles = [self._tile(place) for place in range(min(PAGE, len(specimens)))]
        gallery = ipywidgets.HBox(
            [ipywidgets.VBox([picture, words], layout=Layout(margin="4px"))
             for picture, words in self._tiles],
            layout=Layout(flex_flow="row wrap"),
        )  # fmt: skip
        filters = [self.label, self.split] + ([] if explainer is None else [self.answer])
        super().__init__([
            ipywidgets.HBox(filters, layout=Layout(flex_flow="row wrap")),
            ipywidgets.HBox([self.back, self.on, self.clear, self._where]),
            gallery,
        ])  # fmt: skip
        self.value = ()
        for control in (self.label, self.split, self.answer):
            control.observe(lambda _: self.attempt(self._filter), "value")
        self.back.on_click(lambda _: self.attempt(lambda: self._turn(-1)))
        self.on.on_click(lambda _: self.attempt(lambda: self._turn(1)))
        self.clear.on_click(lambda _: self.attempt(lambda: self.choose([])))
        self._draw_page()

    @property
    def rows(self) -> list[int]:
        """Return the rows of the collection that pass the filters."""
        return list(self._rows)

    @property
    def chosen(self) -> Specimens:
        """Return the chosen photographs as a collection of their own, in its order.

        Raises
        ------
        UserError
            If none is chosen.
        """
        if not self.value:
            raise UserError("no photograph is chosen: click on one above, or call choose([...])")
        rows = sorted(self._names.index(name) for name in self.value)
        return self.specimens.with_table(self.specimens.table.iloc[rows])

    def choose(self, names: list[str]) -> None:
        """Choose photographs by name, as a program does.

        Raises
        ------
        UserError
            If the collection has no such photograph.
        """
        for name in names:
            if name not in self._names:
                raise UserError(f"there is no photograph '{name}' in {self.specimens.source.name}")
        self.value = tuple(dict.fromkeys(names))
        self._draw_page()
        self._draw_again()

    def figure(self) -> Figure:
        """Draw the chosen photographs, or those of this page where none is chosen."""
        rows = [self._names.index(name) for name in self.value] or self._on_page()
        if not rows:
            raise UserError("no photograph passes these filters")
        pictures: list[NDArray[np.uint8] | None] = [
            photograph_picture(read_image(self._paths[row]), _IN_PRINT) for row in rows
        ]
        # Places that stay empty keep the pictures of a short selection from growing.
        pictures += [None] * (_COLUMNS - len(pictures))
        grid = [pictures[start : start + _COLUMNS] for start in range(0, len(pictures), _COLUMNS)]
        labels = sorted({self._labels[row] for row in rows})
        words = labels[0] if len(labels) == 1 else f"{len(labels)} species"
        what = "chosen" if self.value else f"of {len(self._rows)}"
        first = f"{len(rows)} {what}\n{words}"
        return contact_sheet(grid, row_labels=[first, *[""] * (len(grid) - 1)])

    def _filter(self) -> None:
        rows = [row for row, known in enumerate(self._labels) if self.label.value in (ALL, known)]
        if self.split.value != ALL:
            splits = self.specimens.table["split"].tolist()
            rows = [row for row in rows if splits[row] == self.split.value]
        if self.answer.value != ALL:
            self._classify(rows)
            wanted = self.answer.value == RIGHT
            rows = [row for row in rows if (self._answers[row][0] == self._labels[row]) == wanted]
        self._rows, self._page = rows, 0
        self._draw_page()

    def _classify(self, rows: list[int]) -> None:
        missing = [row for row in rows if row not in self._answers]
        if self.explainer is None or not missing:
            return
        logits = self.explainer.logits([self._paths[row] for row in missing])
        for row, chances in zip(missing, scipy.special.softmax(logits, axis=1), strict=True):
            best = int(chances.argmax())
            self._answers[row] = (self.explainer.classes[best], float(chances[best]))

    def _on_page(self) -> list[int]:
        return self._rows[self._page * PAGE : (self._page + 1) * PAGE]

    def _turn(self, step: int) -> None:
        pages = max(1, -(-len(self._rows) // PAGE))
        self._page = (self._page + step) % pages
        self._draw_page()

    def _tile(self, place: int) -> tuple[ClickGrid, ipywidgets.HTML]:
        picture = ClickGrid(
            1, 1, (_SIDE, _SIDE), lambda row, column: self.attempt(lambda: self._click(place)),
            words="choose this photograph, or let it go", tabbable=True,
        )  # fmt: skip
        return picture, ipywidgets.HTML(layout=Layout(width=f"{_SIDE}px", margin="0"))

    def _click(self, place: int) -> None:
        shown = self._on_page()
        if place >= len(shown):
            return
        name = self._names[shown[place]]
        kept = [each for each in self.value if each != name]
        self.value = tuple(kept) if name in self.value else (*kept, name)
        self._draw_page()

    def _draw_page(self) -> None:
        shown = self._on_page()
        self._classify(shown)
        for place, (picture, words) in enumerate(self._tiles):
            if place >= len(shown):
                picture.show(None)
                words.value = ""
                continue
            row = shown[place]
            picture.show(self._thumbnail(row))
            lines = [self._labels[row]]
            if row in self._answers:
                answer, probability = self._answers[row]
                mark = "✓" if answer == self._labels[row] else f"✗ {answer}"
                lines.append(f"{mark} {percent(probability)}")
            words.value = paragraphs(lines)
        pages = max(1, -(-len(self._rows) // PAGE))
        self._where.value = paragraphs([
            f"{len(self._rows)} photographs, page {self._page + 1} of {pages}; "
            f"{len(self.value)} chosen"
        ])  # fmt: skip

    def _thumbnail(self, row: int) -> NDArray[np.uint8]:
        """Return a square: the photograph in the middle, with a blue frame where it is chosen."""
        inner = _SIDE - 2 * _FRAME
        small = photograph_picture(read_image(self._paths[row]), inner)
        square = np.full((_SIDE, _SIDE, 3), 255, dtype=np.uint8)
        if self._names[row] in self.value:
            square[:] = _CHOSEN
        top, left = ((_SIDE - side) // 2 for side in small.shape[:2])
        square[top : top + small.shape[0], left : left + small.shape[1]] = small
        return square
