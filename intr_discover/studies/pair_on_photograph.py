"""One photograph asked twice: among all classes, and among two look-alikes alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intr_discover.data.loading import ImageSource
from intr_discover.errors import UserError
from intr_discover.explain.explainer import EncodedImage, Explainer
from intr_discover.explain.maps import Explanation
from intr_discover.model.intr import ContextMode


@dataclass(frozen=True)
class AskedTwice:
    """The maps of one class's query, and the answers.

    Attributes
    ----------
    among_all, among_two
        With all queries, and with those of the two look-alikes.
    moved
        ``[R]``: total variation distance between each head's two maps, in [0, 1]: the share of its
        attention that lies elsewhere when only the two compete. 0 with one decoder layer, in which
        queries exchange nothing yet.
    """

    among_all: Explanation
    among_two: Explanation
    moved: NDArray[np.float64]

    @property
    def label(self) -> str:
        """Return the class whose query's maps are kept."""
        return self.among_all.classes[0]

    @property
    def largest(self) -> float:
        """Return the largest weight of a cell in any of the maps."""
        return float(max(self.among_all.maps.max(), self.among_two.maps.max()))

    @property
    def uniform(self) -> float:
        """Return the weight of each cell if a head looked everywhere alike."""
        return float(1 / self.among_all.maps[0, 0].size)


def ask_twice(
    explainer: Explainer,
    image: ImageSource | EncodedImage,
    label: str,
    pair: Sequence[str],
    mode: ContextMode = "zero",
) -> AskedTwice:
    """Ask one photograph among all classes and among two.

    Parameters
    ----------
    explainer
        With an INTR.
    image
        The photograph.
    label
        Whose query's maps to keep: one of the two.
    pair
        The two look-alikes.
    mode
        ``"zero"``: the query vectors of all others are zero (the paper's Figure 6); ``"subset"``:
        they are left out.

    Raises
    ------
    UserError
        If the two are one class, the label is none of them, a class is unknown, the model is a
        plain classifier, or it answers with values that are no numbers.
    """
    require_two(*pair)
    state = image if isinstance(image, EncodedImage) else explainer.encode(image)
    whole = explainer.explain(state, [label])
    two = explainer.explain(state, [label], context=list(pair), context_mode=mode)
    for answer in (whole, two):
        if not (np.isfinite(answer.logits).all() and np.isfinite(answer.maps).all()):
            raise UserError(
                f"{answer.image}: the model answers with values that are no numbers (NaN or "
                "infinite); its training failed or its weights are damaged: train it anew"
            )
    moved = np.abs(two.maps[0].astype(np.float64) - whole.maps[0]).sum(axis=(1, 2)) / 2
    return AskedTwice(whole, two, moved)


def require_two(first: str, second: str) -> None:
    """Refuse one class as its own look-alike.

    Raises
    ------
    UserError
        If both are the same.
    """
    if first == second:
        raise UserError(f"a pair needs two species, not {first} twice: choose another one")
