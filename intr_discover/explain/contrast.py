"""Two classes on one photograph: where their queries look, and which heads differ most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from intr_discover.errors import UserError
from intr_discover.explain.maps import Explanation
from intr_discover.figures.class_contrast import ContrastRow, class_contrast_figure
from intr_discover.figures.panels import drawing_grid


@dataclass(frozen=True)
class Contrast:
    """The maps of two class queries on one photograph.

    Attributes
    ----------
    explanation
        Holds the maps of both.
    classes
        The two, in the order in which they are compared.
    distances
        ``[R]``: total variation distance of the two maps of each head, in [0, 1]; 0 for heads that
        look the same way for both classes.
    """

    explanation: Explanation
    classes: tuple[str, str]
    distances: NDArray[np.float64]

    @property
    def ranked_heads(self) -> list[int]:
        """Return the heads from the one that differs most to the one that differs least."""
        return [int(head) for head in np.argsort(-self.distances, kind="stable")]

    def figure(self, most: int = 3) -> Figure:
        """Draw both classes' maps and their difference: the mean of all heads, then the heads.

        Parameters
        ----------
        most
            So many heads, those that differ most.
        """
        explanation = self.explanation
        grid = drawing_grid(*explanation.photograph.shape[:2])
        heads: list[int | None] = [None, *self.ranked_heads[:most]]
        rows = []
        for head in heads:
            first, second = (
                explanation.heatmap(label, "mean" if head is None else head, grid)
                for label in self.classes
            )
            distance = None if head is None else float(self.distances[head])
            rows.append(ContrastRow(head, first, second, distance))
        return class_contrast_figure(
            explanation.photograph,
            rows,
            classes=self.classes,
            probabilities=tuple(
                float(explanation.probabilities[explanation.competing.index(label)])
                for label in self.classes
            ),
            heads=explanation.heads,
            uniform=1 / explanation.maps[0, 0].size,
            among=len(explanation.competing),
        )


def contrast(explanation: Explanation, first: str, second: str) -> Contrast:
    """Compare the maps of two classes, head by head.

    Parameters
    ----------
    explanation
        With the maps of both classes.
    first, second
        Their names.

    Raises
    ------
    UserError
        If it is one class twice, or a class has no maps here.
    """
    if first == second:
        raise UserError(f"a contrast needs two classes, not '{first}' twice")
    for label in (first, second):
        if label not in explanation.classes:
            raise UserError(f"no maps of class '{label}' were kept")
    one, other = (
        explanation.maps[explanation.classes.index(label)].astype(np.float64)
        for label in (first, second)
    )
    distances = np.abs(one - other).sum(axis=(1, 2)) / 2
    return Contrast(explanation, (first, second), distances)
