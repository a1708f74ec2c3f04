"""One photograph measured: the region of each head, as rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from intr_discover.explain.maps import Explanation
from intr_discover.studies.framing import Framing
from intr_discover.studies.looking import Regions
from intr_discover.studies.region_measures import (
    attended_cells,
    centre_of,
    colour_of,
    pixels_of_cells,
    share_inside,
)

Landmark = tuple[str, tuple[float, float]]


def measure(
    explanation: Explanation,
    row: int,
    about: pd.Series,
    framing: Framing,
    regions: Regions,
    landmarks: Sequence[Landmark],
    share: float,
) -> list[dict[str, Any]]:
    """Return one row for each class query that was asked and each head.

    Parameters
    ----------
    explanation
        Of the photograph, for the queries that are wanted.
    row, about
        The photograph's place among the specimens, and its row of their table.
    framing, regions
        Of the specimens.
    landmarks
        The visible ones of the photograph: the part in which each stands, and (x, y) in pixels.
    share
        Of a head's attention that its region holds, in (0, 1].

    Returns
    -------
    list of dict
        ``image``, ``label``, ``specimen_id`` where the table has it, ``predicted``, ``query`` (the
        class that searched the photograph: its own, or a look-alike's), ``head``,
        ``map_maximum``; the colour of the attended region (see ``colour_of``), of its part on the
        specimen where there is one; ``area``, the region's share of the photograph;
        ``area_of_specimen``, what of it lies on the specimen as a share of the specimen; ``x`` and
        ``y``, its middle in pixels; ``frame_x`` and ``frame_y``, its middle in the common frame,
        0 to 1; ``on_specimen``, which share of it lies there; ``attribute``, the known one that it
        covers best (intersection over union), and ``attribute_overlap``; ``part``, the landmarks
        that most of its attention is nearest to, left and right together, and ``part_share``, how
        much of it is.
    """
    photograph = explanation.photograph
    shape = (photograph.shape[0], photograph.shape[1])
    image = about["image"]
    specimen = regions.specimen(image, shape)
    attributes = regions.attributes(image, shape)
    found = []
    heads = explanation.maps.shape[1]
    nearest = _nearest_parts(explanation, landmarks)
    for number, head in product(range(len(explanation.classes)), range(heads)):
        weights = explanation.maps[number, head]
        cells = attended_cells(weights, share)
        region = pixels_of_cells(cells, explanation.stride, explanation.resized_shape, shape)
        on_specimen = share_inside(region, specimen)
        coloured = region & specimen if specimen is not None and on_specimen > 0 else region
        x, y = centre_of(region)
        frame_x, frame_y = _place_in_frame(framing, row, np.where(cells, weights, 0.0))
        best = max(attributes, key=lambda name: _overlap(region, attributes[name]), default=None)
        overlap = np.nan if best is None else _overlap(region, attributes[best])
        values = {"image": image, "label": about["label"]}
        if "specimen_id" in about:
            values["specimen_id"] = about["specimen_id"]
        found.append(
            values
            | {
                "predicted": explanation.predicted,
                "query": explanation.classes[number],
                "head": head,
                "map_maximum": float(explanation.map_maxima[number, head]),
                **colour_of(photograph, coloured),
                "area": float(region.mean()),
                "area_of_specimen": (
                    float((region & specimen).sum() / specimen.sum())
                    if specimen is not None and specimen.any()
                    else np.nan
                ),
                "x": x,
                "y": y,
                "frame_x": frame_x,
                "frame_y": frame_y,
                "on_specimen": on_specimen,
                "attribute": best if best is not None and overlap > 0 else None,
                "attribute_overlap": overlap,
                **_part(nearest, np.where(cells, weights, 0.0)),
            }
        )
    return found


def _place_in_frame(framing: Framing, row: int, weights: np.ndarray) -> tuple[float, float]:
    """Return the middle of a map in the frame, 0 to 1 across and along; NaN where it has none."""
    if not framing.has(row):
        return float("nan"), float("nan")
    cells = framing.maps(row, weights)
    total = cells.sum()
    if total <= 0:
        return float("nan"), float("nan")
    rows, columns = np.nonzero(framing.frame.inside)
    height, width = framing.frame.shape
    x = ((columns + 0.5) / width * cells).sum() / total
    y = ((rows + 0.5) / height * cells).sum() / total
    return float(x), float(y)


def _overlap(region: np.ndarray, of: np.ndarray) -> float:
    union = (region | of).sum()
    return float((region & of).sum() / union) if union else 0.0


def _nearest_parts(
    explanation: Explanation, landmarks: Sequence[Landmark]
) -> NDArray[np.str_] | None:
    """Return the part that each cell's centre is nearest to, ``[h, w]``; None without landmarks."""
    if not landmarks:
        return None
    parts = np.array([part for part, _ in landmarks])
    places = np.array([place for _, place in landmarks])
    height, width = explanation.photograph.shape[:2]
    rows, columns = explanation.resized_shape
    y, x = np.indices(explanation.maps.shape[-2:])
    centres = (np.stack([x, y], axis=-1) + 0.5) * explanation.stride
    centres = centres * np.array([width / columns, height / rows]) - 0.5
    apart = np.linalg.norm(centres[:, :, None] - places, axis=-1)
    return np.asarray(parts[apart.argmin(axis=-1)])


def _part(nearest: NDArray[np.str_] | None, weights: np.ndarray) -> dict[str, Any]:
    """Return the part with the most attention, and its share; the first by name of equal ones."""
    if nearest is None:
        return {"part": None, "part_share": np.nan}
    names, place = np.unique(nearest, return_inverse=True)
    held = np.bincount(place.ravel(), weights=weights.ravel())
    return {"part": str(names[held.argmax()]), "part_share": float(held.max() / held.sum())}
