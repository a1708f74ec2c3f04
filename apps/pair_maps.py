"""What is shown of one specimen of a pair: the photograph, its answers, and its heads twice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from apps import words
from apps.pair_words import photograph_sentences
from apps.photographs import Photograph
from apps.service import Service
from intr_discover.errors import UserError
from intr_discover.explain.maps import Explanation
from intr_discover.figures.head_names import HeadNames, head_label
from intr_discover.figures.panels import short_number
from intr_discover.figures.screen import (
    colour_bar_figure,
    figure_picture,
    map_picture,
    photograph_picture,
    screen_grid,
)
from intr_discover.figures.screen_tiles import side_by_side
from intr_discover.model.intr import ContextMode
from intr_discover.studies.pair_on_photograph import AskedTwice, ask_twice

STRONGEST = 5
"""Heads that are shown of a specimen, unless all are asked for."""

OWN, OTHER = "own", "other"
"""Whose query's maps are shown: that of a specimen's own species, or the look-alike's."""

_SIDE, _LARGE = 300, 640  # pixels of the longer side

Picture = NDArray[np.uint8]


class View(NamedTuple):
    """How both specimens are looked at.

    Attributes
    ----------
    whose
        ``OWN`` or ``OTHER``.
    mode
        What becomes of the other queries when the two are alone; see ``ask_twice``.
    every
        Whether all heads are shown.
    """

    whose: str
    mode: ContextMode
    every: bool


@dataclass(frozen=True)
class Side:
    """One specimen of a pair.

    Attributes
    ----------
    photograph
        The specimen.
    asked
        Its maps and answers; None for a model without maps.
    """

    photograph: Photograph
    asked: AskedTwice | None


def look(
    service: Service, pair: tuple[str, str], rows: Sequence[Any], view: View
) -> tuple[Any, ...]:
    """Return photograph, words and heads of each specimen, and the colour bar of all maps.

    Parameters
    ----------
    service
        The model and the photographs.
    pair
        The two species.
    rows
        One specimen of each, as rows of the collection; from the page, so they are checked.
    view
        How they are looked at.

    Raises
    ------
    UserError
        If a row is none, or of another species.
    """
    queries = pair if view.whose == OWN else pair[::-1]
    both = [ask_side(service, row_of(service, row, label), of, pair, view.mode)
            for row, label, of in zip(rows, pair, queries, strict=True)]  # fmt: skip
    scale = scale_of(both)
    names, most = service.names(), None if view.every else STRONGEST
    made: list[Any] = []
    for side in both:
        pictures = [] if scale is None else head_pictures(side, scale[0], names, most)
        made += [photograph_of(service, side), side_in_words(service, side, pair), pictures]
    return *made, None if scale is None else figure_picture(colour_bar_figure(*scale))


def row_of(service: Service, row: Any, label: str) -> int:
    """Return a row of the collection that came from the page, if it is of that species."""
    if not isinstance(row, int) or row not in range(len(service.specimens)):
        raise UserError(f"choose a specimen of {label} first")
    if service.label(row) != label:
        raise UserError(f"that specimen is no {label}: choose it again")
    return row


def ask_side(
    service: Service, row: int, query: str, pair: Sequence[str], mode: ContextMode
) -> Side:
    """Ask a specimen among all classes and among the two.

    Parameters
    ----------
    service
        The model and the photographs.
    row
        Of the collection.
    query
        Whose query's maps are shown: one of the two.
    pair
        The two species.
    mode
        What becomes of the other queries when the two are alone; see ``ask_twice``.
    """
    photograph = service.photograph(row)
    if not service.has_maps:
        return Side(photograph, None)
    encoded = service.encode(photograph)
    return Side(photograph, ask_twice(service.explainer, encoded, query, pair, mode))


def side_in_words(service: Service, side: Side, pair: Sequence[str]) -> str:
    """Return the specimen's name, the answers and their bars, as HTML."""
    photograph, asked = side.photograph, side.asked
    said = words.heading(f"{photograph.label}: {photograph.name}")
    if asked is None:
        table = service.explainer.predict(photograph.path, top=len(service.explainer.classes))
        labels, chances = table["label"].tolist(), table["probability"].tolist()
        answer = f"The model says {labels[0]}, with probability {100 * chances[0]:.1f} %."
        return (
            said + words.paragraph(answer, _kind(photograph, labels[0]))
            + words.bars(labels, [("all classes", chances)], marked=pair)
        )  # fmt: skip
    whole, two = asked.among_all, asked.among_two
    first, *rest = photograph_sentences(asked)
    said += words.paragraph(first, _kind(photograph, whole.predicted))
    said += words.paragraphs(rest)
    for title, each in (("all classes", whole), ("the two alone", two)):
        chances = each.probabilities.tolist()
        said += words.bars(each.competing, [(title, chances)], marked=pair, shown=3)
    return said


def head_pictures(
    side: Side, scale: float, names: HeadNames, most: int | None = None
) -> list[tuple[Picture, str]]:
    """Return the maps with all classes and below them those with the two, with captions.

    Parameters
    ----------
    side
        The specimen.
    scale
        The weight in the last colour, the same for both specimens.
    names
        What heads are called.
    most
        How many heads, the strongest; None for all.

    Returns
    -------
    list
        The mean of all heads first, then the heads by their largest weight among all classes; empty
        for a model without maps.
    """
    asked = side.asked
    if asked is None:
        return []
    pictures = [(_stacked(asked, "mean", scale), "mean of all heads")]
    for rank, head in enumerate(asked.among_all.ranked_heads()[:most], 1):
        before, after = (short_number(float(each.map_maxima[0, head]))
                         for each in (asked.among_all, asked.among_two))  # fmt: skip
        largest = f"max {before}" if before == after else f"max {before} → {after}"
        caption = f"{rank}. {head_label(names, asked.label, head)} · {largest}"
        if asked.among_all.layers > 1:
            caption += f" · {100 * asked.moved[head]:.0f} % moved"
        pictures.append((_stacked(asked, head, scale), caption))
    return pictures


def scale_of(sides: Sequence[Side]) -> tuple[float, float] | None:
    """Return the weight in the last colour and the weight if a head looked everywhere alike.

    None where nothing has maps. Photographs of different shapes have different numbers of cells:
    the line is drawn at the larger weight.
    """
    asked = [side.asked for side in sides if side.asked is not None]
    if not asked:
        return None
    uniform = max(each.uniform for each in asked)
    return max(uniform, *(each.largest for each in asked)), uniform


def photograph_of(service: Service, side: Side) -> Picture:
    """Return the specimen for the screen."""
    return photograph_picture(service.pixels(side.photograph), _LARGE)


def _stacked(asked: AskedTwice, head: int | str, scale: float) -> Picture:
    both = [_drawn(each, head, scale) for each in (asked.among_all, asked.among_two)]
    row = side_by_side([each.transpose(1, 0, 2) for each in both])
    return np.ascontiguousarray(row.transpose(1, 0, 2))


def _drawn(explanation: Explanation, head: int | str, scale: float) -> Picture:
    grid = screen_grid((explanation.photograph.shape[0], explanation.photograph.shape[1]), _SIDE)
    heatmap = explanation.heatmap(head="mean" if isinstance(head, str) else head, shape=grid)
    return map_picture(explanation.photograph, heatmap, scale)


def _kind(photograph: Photograph, answer: str) -> str:
    return f"answer {'right' if answer == photograph.label else 'wrong'}"
