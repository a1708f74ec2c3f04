"""What a blind study shows of a photograph: drawn at random, and found again by its words.

The design is that of Paul et al. (ICLR 2024, appendix G). A study is kept as words (photograph,
method, unit); here words become units, and back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from intr_discover.errors import UserError

SINGLE_HEADS = "INTR, single heads"
ALL_HEADS = "INTR, all heads side by side"
GRADCAM = "Grad-CAM of the same network"
"""The methods, as results call them."""

_SHORT = {"intr": "INTR", "gradcam": GRADCAM}
"""How studies that were made from Python may call them."""

_UNIT = re.compile(r"(all heads|map|head (\d{1,6}))(?: \(model ([0-9a-f]{12})\))?")


@dataclass(frozen=True)
class Unit:
    """One unit of a method.

    Attributes
    ----------
    method
        One of ``SINGLE_HEADS``, ``ALL_HEADS``, ``GRADCAM``.
    head
        Number from 0, of a single head.
    model
        The first twelve digits of the model's fingerprint; None where that was not kept.
    """

    method: str
    head: int | None = None
    model: str | None = None

    @property
    def words(self) -> str:
        """Return what is kept of it; ``read_unit`` reads it."""
        what = {SINGLE_HEADS: f"head {self.head}", ALL_HEADS: "all heads", GRADCAM: "map"}
        of = "" if self.model is None else f" (model {self.model})"
        return what[self.method] + of


def unit(method: str, fingerprint: str, head: int | None = None) -> Unit:
    """Return a unit of a model, by the model's whole fingerprint."""
    assert (head is not None) == (method == SINGLE_HEADS), (method, head)
    return Unit(method, head, fingerprint[:12])


def read_unit(method: str, words: str, fingerprint: str) -> Unit:
    """Return the unit that a study's words mean.

    Parameters
    ----------
    method, words
        As the study keeps them.
    fingerprint
        Of the model at hand.

    Raises
    ------
    UserError
        If it is a unit of something else, or of another model: what its heads are called says
        nothing of the heads of this one.
    """
    found = _UNIT.fullmatch(words)
    known = _SHORT.get(method, method)
    if found is None or known not in ("INTR", SINGLE_HEADS, ALL_HEADS, GRADCAM):
        raise UserError(f"this study shows '{words}' of '{method}', which cannot be drawn here")
    if (known == GRADCAM) != (found[1] == "map"):
        raise UserError(f"this study shows '{words}' of '{method}', which has no such unit")
    if found[3] not in (None, fingerprint[:12]):
        raise UserError(
            f"this study was made with another model ({found[3]}): open the app with that one"
        )
    if known == GRADCAM:
        return Unit(GRADCAM, None, found[3])
    head = None if found[2] is None else int(found[2])
    return Unit(ALL_HEADS if head is None else SINGLE_HEADS, head, found[3])


def few_of_each(labels: Sequence[str], each: int, seed: int) -> list[int]:
    """Draw places at random, so many of each label; all where a label has no more.

    Parameters
    ----------
    labels
        ``[n]``.
    each
        How many of each label.
    seed
        Of the draw. What is drawn of one label does not depend on the others.

    Returns
    -------
    list of int
        Ascending.
    """
    drawn: list[int] = []
    names, group = np.unique(np.asarray(labels, dtype=object), return_inverse=True)
    for number, name in enumerate(names):
        # The name's own letters, so that a species more or less leaves the others' draw alone.
        generator = np.random.default_rng([seed, *str(name).encode()])
        places = generator.permutation(np.flatnonzero(group == number))[:each]
        drawn += places.tolist()
    return sorted(drawn)
