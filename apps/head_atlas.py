"""The atlas of one head for the screen: the photographs in which it is strongest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from apps.service import Service
from intr_discover.figures.head_atlas import Tile
from intr_discover.figures.panels import short_number
from intr_discover.figures.screen import colour_bar_figure, figure_picture, screen_grid
from intr_discover.figures.screen_tiles import tile_picture
from intr_discover.studies.one_head import strongest_photographs
from intr_discover.studies.parts import WIDE
from intr_discover.studies.result import StudyResult

MOST = 12
"""Photographs of one head."""

_SIDE = 320  # pixels of the longer side of each half


@dataclass(frozen=True)
class Atlas:
    """What is shown of one head.

    Attributes
    ----------
    pictures
        Pairs of what lies round the peak and of the map, with captions; the strongest first.
    bar
        The colour bar of all of them; None where there are none.
    of
        How many photographs count.
    """

    pictures: Sequence[tuple[NDArray[np.uint8], str]]
    bar: NDArray[np.uint8] | None
    of: int


def head_atlas(service: Service, result: StudyResult, label: str, head: int) -> Atlas:
    """Ask the model for the maps of the photographs in which a head is strongest.

    Parameters
    ----------
    service
        The model and the photographs.
    result
        Of the study ``heads``.
    label, head
        Which head of which class.
    """
    rows = {image: row for row, image in enumerate(service.specimens.table["image"])}
    counted = strongest_photographs(result, label, head)
    tiles: list[tuple[Tile, str]] = []
    uniform = 0.0
    for peak in counted.head(MOST).to_dict("records"):
        photograph = service.photograph(rows[peak["image"]])
        explanation = service.explainer.explain(service.encode(photograph), [label])
        height, width = explanation.photograph.shape[:2]
        uniform = max(uniform, 1 / explanation.maps[0, 0].size)
        tile = Tile(
            explanation.photograph,
            explanation.heatmap(label, head, screen_grid((height, width), _SIDE)),
            float(explanation.map_maxima[0, head]),
            (float((peak["x"] + 0.5) / width), float((peak["y"] + 0.5) / height)),
        )
        tiles.append((tile, f"max {short_number(tile.largest)} · {photograph.name}"))
    if not tiles:
        return Atlas([], None, 0)
    scale = max(uniform, *(tile.largest for tile, _ in tiles))
    pictures = [(tile_picture(tile, scale, WIDE, _SIDE), caption) for tile, caption in tiles]
    return Atlas(pictures, figure_picture(colour_bar_figure(scale, uniform)), len(counted))
