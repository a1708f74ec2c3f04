"""Where does each head look? One photograph, one class, all heads in order, one of them large."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import ipywidgets
import numpy as np
from ipywidgets import Layout
from matplotlib.figure import Figure
from numpy.typing import NDArray

from intr_discover.data.loading import ImageSource
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import EncodedImage, Explainer
from intr_discover.explain.maps import Explanation
from intr_discover.figures.head_names import NO_NAMES, HeadNames, head_label
from intr_discover.figures.panels import short_number
from intr_discover.figures.screen import (
    colour_bar_figure,
    figure_picture,
    map_picture,
    screen_grid,
)
from intr_discover.model.intr import INTR
from intr_discover.studies.wording import percent
from intr_discover.widgets.click_grid import ClickGrid
from intr_discover.widgets.panel import Panel
from intr_discover.widgets.photographs import Chooser
from intr_discover.widgets.pictures import paragraphs, png, probability_table

PREDICTED = "the predicted class"
MEAN = "mean"
_SMALL, _LARGE = 150, 420  # pixels of the longer side
_LONG = Layout(width="420px")
_WORDS = {"description_width": "110px"}


class HeadBrowser(Panel):
    """Look at the heads of a model, photograph by photograph.

    Parameters
    ----------
    explainer
        With an INTR.
    photographs
        A collection, or paths, PIL images or uint8 arrays.
    start
        Which photograph comes first: its place, or its name in the collection.
    names
        What people call the heads.

    Attributes
    ----------
    value
        The :class:`Explanation` of what is shown.
    photograph, asked, context, context_mode, layer, ranking, head
        The controls. ``head`` is a number or ``"mean"``: what is shown large.

    Raises
    ------
    UserError
        If the model is a plain classifier, or there is no photograph.
    """

    purpose: ClassVar[str] = "Head browser"

    def __init__(
        self,
        explainer: Explainer,
        photographs: Specimens | Sequence[ImageSource] | ImageSource,
        *,
        start: int | str = 0,
        names: HeadNames = NO_NAMES,
    ) -> None:
        if not isinstance(explainer.model, INTR):
            raise UserError(
                f"{explainer.source or 'this model'} is a plain classifier: it has no heads to "
                "look at. Use a run trained with --model intr"
            )
        self.explainer, self.names = explainer, names
        self._encoded: tuple[int, EncodedImage] | None = None
        self._chooser = Chooser(photographs, start)
        self.photograph = self._chooser.control
        config = explainer.model.config
        self.asked = ipywidgets.Dropdown(
            options=[PREDICTED, *explainer.classes], description="look for", style=_WORDS,
            layout=_LONG,
        )  # fmt: skip
        self.context = ipywidgets.SelectMultiple(
            options=explainer.classes, rows=5, description="compete", style=_WORDS, layout=_LONG,
            tooltip="Only these classes compete; none chosen: all of them",
        )  # fmt: skip
        self.context_mode = ipywidgets.Dropdown(
            options=[("the others' queries are zero", "zero"), ("they are left out", "subset")],
            description="the others", style=_WORDS, layout=_LONG,
        )  # fmt: skip
        self.layer = ipywidgets.Dropdown(
            options=[(f"{n + 1} of {config.decoder_layers}", n)
                     for n in range(config.decoder_layers)],
            value=config.decoder_layers - 1, description="decoder layer", style=_WORDS,
            layout=_LONG,
        )  # fmt: skip
        self.ranking = ipywidgets.Dropdown(
            options=[("largest weight", "maximum"), ("peak, as in the paper", "peak")],
            description="order by", style=_WORDS, layout=_LONG,
        )  # fmt: skip
        self.head = ipywidgets.Dropdown(
            options=[MEAN, *range(config.heads)], description="enlarge", style=_WORDS, layout=_LONG
        )
        self._said = ipywidgets.HTML(layout=_LONG)
        self._large = ipywidgets.Image(format="png", layout=Layout(margin="0"))
        self._large_words = ipywidgets.HTML()
        self._bar = ipywidgets.Image(format="png", layout=Layout(width="420px"))
        self._gallery = ipywidgets.HBox(layout=Layout(flex_flow="row wrap"))
        self._tiles: list[tuple[ClickGrid, ipywidgets.HTML]] = []
        self._order: list[Any] = []
        asking = [self.photograph, self.asked, self.context, self.context_mode, self.ranking]
        if config.decoder_layers > 1:
            asking.insert(4, self.layer)
        super().__init__([
            ipywidgets.HBox([
                ipywidgets.VBox([*asking, self._chooser.buttons, self.head, self._said]),
                ipywidgets.VBox([self._large_words, self._large, self._bar]),
            ], layout=Layout(flex_flow="row wrap")),
            self._gallery,
        ])  # fmt: skip
        for control in (*asking, self.layer):
            control.observe(lambda _: self.attempt(self._ask), "value")
        self.head.observe(lambda _: self.attempt(self._enlarge), "value")
        self._ask()

    @property
    def explanation(self) -> Explanation:
        """Return what is shown; the same as ``value``."""
        explanation = self.value
        assert isinstance(explanation, Explanation)
        return explanation

    def figure(self, max_heads: int | None = None) -> Figure:
        """Draw the photograph, its heads in order on one scale, and the probabilities.

        Parameters
        ----------
        max_heads
            Draw only the strongest heads.
        """
        return self.explanation.figure(
            ranking=self.ranking.value,
            max_heads=max_heads,
            true_label=self._chooser.label,
            names=self.names,
        )

    def _ask(self) -> None:
        context = list(self.context.value)
        if len(context) == 1:
            raise UserError(
                f"{context[0]} alone has nobody to compete with: choose two classes or more, or "
                "none for all"
            )
        place = self.photograph.value
        if self._encoded is None or self._encoded[0] != place:
            self._encoded = (place, self.explainer.encode(self._chooser.source))
        self.value = self.explainer.explain(
            self._encoded[1],
            None if self.asked.value == PREDICTED else [self.asked.value],
            context=context or None,
            context_mode=self.context_mode.value,
            layer=self.layer.value,
        )
        self._say()
        self._draw_gallery()
        self._enlarge()

    def _say(self) -> None:
        explanation = self.explanation
        said = [f"The model says {explanation.predicted}, with probability "
                f"{percent(explanation.probability)}."]  # fmt: skip
        if self._chooser.label is not None:
            right = self._chooser.label == explanation.predicted
            said.append(f"It is {self._chooser.label}: {'right' if right else 'wrong'}.")
        if explanation.context_mode:
            said.append(f"{len(explanation.competing)} classes compete.")
        self._said.value = paragraphs([" ".join(said)]) + probability_table(
            explanation.competing,
            [("probability", [float(each) for each in explanation.probabilities])],
            [explanation.predicted, explanation.classes[0]],
        )

    def _draw_gallery(self) -> None:
        explanation = self.explanation
        self._order = [MEAN, *explanation.ranked_heads(ranking=self.ranking.value)]
        shape = explanation.photograph.shape
        grid = screen_grid((shape[0], shape[1]), _SMALL)
        if not self._tiles or self._tiles[0][0].layout.height != f"{grid[0]}px":
            self._tiles = [self._tile(rank, grid) for rank in range(len(self._order))]
            self._gallery.children = [
                ipywidgets.VBox([picture, words], layout=Layout(margin="4px"))
                for picture, words in self._tiles
            ]
        scores = explanation.scores(self.ranking.value)[0]
        kind = "max" if self.ranking.value == "maximum" else "peak"
        for rank, head in enumerate(self._order):
            picture, words = self._tiles[rank]
            picture.show(self._drawn(head, grid))
            if head == MEAN:
                words.value = paragraphs(["mean of all heads"])
            else:
                called = head_label(self.names, explanation.classes[0], head)
                score = short_number(float(scores[head]))
                words.value = paragraphs([f"{rank}. {called} · {kind} {score}"])
        scale = _scale_of(explanation)
        self._bar.value = png(figure_picture(colour_bar_figure(scale, _uniform_of(explanation))))

    def _tile(self, rank: int, grid: tuple[int, int]) -> tuple[ClickGrid, ipywidgets.HTML]:
        def clicked(row: int, column: int) -> None:
            self.head.value = self._order[rank]

        picture = ClickGrid(1, 1, grid, clicked, words="enlarge this head", tabbable=True)
        return picture, ipywidgets.HTML(layout=Layout(width=f"{grid[1]}px", margin="0"))

    def _enlarge(self) -> None:
        explanation, head = self.explanation, self.head.value
        shape = explanation.photograph.shape
        grid = screen_grid((shape[0], shape[1]), _LARGE)
        self._large.value = png(self._drawn(head, grid))
        self._large.layout.height, self._large.layout.width = (f"{side}px" for side in grid)
        name = "Mean of all heads" if head == MEAN else f"Head {head}"
        self._large_words.value = paragraphs([f"{name}, looking for {explanation.classes[0]}"])

    def _drawn(self, head: Any, grid: tuple[int, int]) -> NDArray[np.uint8]:
        explanation = self.explanation
        heatmap = explanation.heatmap(head=head, shape=grid)
        return map_picture(explanation.photograph, heatmap, _scale_of(explanation))


def _scale_of(explanation: Explanation) -> float:
    """Return the weight in the last colour: the largest of all heads."""
    return max(_uniform_of(explanation), float(explanation.map_maxima[0].max()))


def _uniform_of(explanation: Explanation) -> float:
    """Return the weight of each cell if a head looked everywhere alike."""
    return float(1 / explanation.maps[0, 0].size)
