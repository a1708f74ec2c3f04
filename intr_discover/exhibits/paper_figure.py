"""What a figure for a paper is: a name, its own options, and what draws it with its caption.

A module of this package that defines a ``PaperFigure`` by the name ``FIGURE`` is found by the
registry, and with that it is a command, ``intr-discover figure NAME``. ``name``, ``title`` and
``order`` are written as plain values: the command line reads them without importing the file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from matplotlib.figure import Figure

from intr_discover.errors import UserError
from intr_discover.exhibits.photographs import Photographs
from intr_discover.explain.explainer import Explainer
from intr_discover.figures import style
from intr_discover.figures.head_names import NO_NAMES, HeadNames
from intr_discover.studies.study import Option


@dataclass(frozen=True)
class FigureInputs:
    """What a figure is made of.

    Attributes
    ----------
    explainer
        The model.
    photographs
        Those to choose from; None for a figure of the model alone.
    classes
        Which classes were asked for; empty for the figure's own choice.
    seed
        Of the photographs that are drawn, and of everything else random.
    width
        For which the figure is laid out, in mm, with letters of 7 points.
    names
        What people call the heads.
    options
        Values of the figure's own options by name; complete, see ``PaperFigure.inputs``.
    """

    explainer: Explainer
    photographs: Photographs | None = None
    classes: Sequence[str] = ()
    seed: int = 0
    width: float = style.DOUBLE_COLUMN_MM
    names: HeadNames = field(default_factory=lambda: NO_NAMES)
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def shown(self) -> Photographs:
        """Return the photographs, for a figure that cannot do without.

        Raises
        ------
        UserError
            If there are none.
        """
        if self.photographs is None:
            raise UserError("this figure shows photographs: name a collection, or photographs")
        return self.photographs


@dataclass(frozen=True)
class Drawn:
    """A figure and the words below it.

    Attributes
    ----------
    figure
        To be saved.
    caption
        What is shown, in full sentences: photographs, classes, heads, layer, scale and n.
    """

    figure: Figure
    caption: str


@dataclass(frozen=True)
class PaperFigure:
    """One figure.

    Attributes
    ----------
    name
        The word for the command line.
    title
        What it shows, and which figure of the paper it is like.
    order
        Its place in lists.
    draw
        Makes it.
    options
        Its own choices.
    fixed_width
        Its width in mm where it has one layout and is only scaled; None where it is laid out for
        any width.
    needs_photographs
        Whether it cannot do without.
    """

    name: str
    title: str
    order: int
    draw: Callable[[FigureInputs], Drawn]
    options: tuple[Option, ...] = ()
    fixed_width: float | None = None
    needs_photographs: bool = True

    def inputs(self, inputs: FigureInputs, given: Mapping[str, Any] | None = None) -> FigureInputs:
        """Return the inputs with this figure's options filled in.

        Parameters
        ----------
        inputs
            Whatever options they carry are dropped.
        given
            Values of this figure's options; None stands for the default.

        Raises
        ------
        UserError
            If the figure has no such option, or a number is below 1 where things are counted.
        """
        values = {option.name: option.default for option in self.options}
        for name, value in (given or {}).items():
            if name not in values:
                there = ", ".join(values) if values else "none"
                raise UserError(f"figure {self.name} has no option '{name}'; it has: {there}")
            if value is not None:
                values[name] = value
        for name in COUNTS:
            if isinstance(values.get(name), int) and int(str(values[name])) < 1:
                raise UserError(f"--{name} must be at least 1, not {values[name]}")
        return replace(inputs, options=MappingProxyType(values))

    def make(self, inputs: FigureInputs, **options: Any) -> Drawn:
        """Draw the figure with these of its options."""
        return self.draw(self.inputs(inputs, options))


COUNTS = ("count", "top", "masks", "most", "measured")
"""Options that count something."""

COUNT = Option("count", "Photographs to show, drawn by the seed.", int, 4)
LAYER = Option("layer", "Decoder layer from 0; -1 is the last.", int, -1)
RANKING = Option("ranking", "Rank heads by maximum (largest weight) or peak (the paper's).", str,
                 "maximum")  # fmt: skip
