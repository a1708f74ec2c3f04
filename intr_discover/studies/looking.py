"""One photograph looked at: what each head peaks on, as rows of tables."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from intr_discover.data.images import read_mask
from intr_discover.data.specimens import Specimens
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.maps import Explanation
from intr_discover.figures.overlay import resize_photograph
from intr_discover.studies.pointing import chance, hits, peak_positions, tolerance_for

TOP_HEADS = 3
_KEPT_SIDE = 640  # pixels; what a figure can show of a small panel

Mask = NDArray[np.bool_]


class Regions:
    """The known regions of the photographs: specimens and named attributes.

    Parameters
    ----------
    specimens
        The photographs; their masks and attributes may be absent.
    diagnostics
        The attributes that separate a label from its look-alikes, by label.
    """

    def __init__(self, specimens: Specimens, diagnostics: Mapping[str, set[str]]) -> None:
        self._root = specimens.root
        self._specimen = dict(zip(specimens.table["image"], specimens.mask_paths, strict=True))
        self._attributes: dict[str, list[tuple[str, Path]]] = {}
        self.knows_attributes = specimens.attributes is not None
        if specimens.attributes is not None:
            table = specimens.attributes
            for image, name, mask in zip(
                table["image"], table["attribute"], table["mask"], strict=True
            ):
                self._attributes.setdefault(image, []).append((name, specimens.root / mask))
        self.diagnostics = diagnostics

    def specimen(self, image: str, shape: tuple[int, int]) -> Mask | None:
        """Return where the specimen is, ``[H, W]``; None where that is not known."""
        path = self._specimen[image]
        return None if path is None else read_mask(path, shape)

    def attributes(self, image: str, shape: tuple[int, int]) -> dict[str, Mask]:
        """Return where each known attribute is; several masks of one attribute are joined."""
        found: dict[str, Mask] = {}
        for name, path in self._attributes.get(image, []):
            mask = read_mask(path, shape)
            found[name] = found[name] | mask if name in found else mask
        return found


@dataclass(frozen=True)
class Seen:
    """What was seen in one photograph.

    Attributes
    ----------
    image
        As the table of specimens names it.
    label
        Its true class.
    explanation
        Maps of the true class, and of the predicted one where that differs. Its photograph is
        reduced to what a small panel can show.
    row
        One row for the photograph.
    rows
        One for each class query and head.
    attributes
        One for each attribute that separates its label from a look-alike.
    original_shape
        (height, width) of the photograph before it was reduced.
    """

    image: str
    label: str
    explanation: Explanation
    row: dict[str, Any]
    rows: list[dict[str, Any]]
    attributes: list[dict[str, Any]]
    original_shape: tuple[int, int]

    @property
    def right(self) -> bool:
        """Return whether the model names the true class."""
        return self.explanation.predicted == self.label

    @property
    def uniform(self) -> float:
        """Return the weight of each cell if a head looked everywhere alike."""
        return float(1 / self.explanation.maps[0, 0].size)


def look(explainer: Explainer, path: Path, image: str, label: str, regions: Regions) -> Seen:
    """Ask a photograph about its own class, and about the predicted one where that differs.

    Parameters
    ----------
    explainer
        The model.
    path, image, label
        The photograph, its name in the table, and its true class.
    regions
        What is known of it.
    """
    encoded = explainer.encode(path)
    explanation = explainer.explain(encoded, [label])
    if explanation.predicted != label:
        explanation = explainer.explain(encoded, [label, explanation.predicted])
    height, width = explanation.photograph.shape[:2]
    shape = (height, width)
    points = peak_positions(explanation.maps, explanation.stride, explanation.resized_shape, shape)
    cell = explanation.stride * max(
        height / explanation.resized_shape[0], width / explanation.resized_shape[1]
    )
    tolerance = tolerance_for(shape, cell)
    attributes = regions.attributes(image, shape)
    struck = {name: hits(points, mask, tolerance) for name, mask in attributes.items()}
    specimen = regions.specimen(image, shape)
    strongest = explanation.ranked_heads(label)[:TOP_HEADS]
    top = points[0, strongest]
    separating = {
        name: mask
        for name, mask in attributes.items()
        if name in regions.diagnostics.get(label, set()) and mask.any()
    }
    about = {"image": image, "label": label, "predicted": explanation.predicted}
    by_attribute = [
        {**about, "attribute": name, **_pointing(top, mask, specimen, tolerance)}
        for name, mask in separating.items()
    ]
    unknown = {"hit": None, "chance_one_point": math.nan, "chance_top_heads": math.nan}
    joined = (
        _pointing(top, np.any(list(separating.values()), axis=0), specimen, tolerance)
        if separating
        else unknown
    )
    row = {
        **about,
        "correct": explanation.predicted == label,
        "probability": explanation.probability,
        "strongest_head": strongest[0],
        "strongest_weight": float(explanation.map_maxima[0, strongest[0]]),
        "uniform": float(1 / explanation.maps[0, 0].size),
        "on_specimen": None if specimen is None else bool(hits(top[0], specimen, 0.0)),
        "specimen_share": math.nan if specimen is None else float(specimen.mean()),
        "diagnostic": "; ".join(separating) or None,
        "diagnostic_hit": joined["hit"],
        "chance_one_point": joined["chance_one_point"],
        "chance_top_heads": joined["chance_top_heads"],
    }
    rows = _rows(explanation, about, points, struck if regions.knows_attributes else None)
    small = replace(explanation, photograph=reduced(explanation.photograph))
    return Seen(image, label, small, row, rows, by_attribute, shape)


def _pointing(
    points: NDArray[np.float64], mask: Mask, specimen: Mask | None, tolerance: float
) -> dict[str, Any]:
    """Return whether any of the points hits, and how often random points would."""
    one = math.nan if specimen is None else chance(mask, specimen, tolerance)
    return {
        "hit": bool(hits(points, mask, tolerance).any()),
        "chance_one_point": one,
        "chance_top_heads": 1 - (1 - one) ** len(points),
    }


def _rows(
    explanation: Explanation,
    about: Mapping[str, Any],
    points: NDArray[np.float64],
    struck: Mapping[str, NDArray[np.bool_]] | None,
) -> list[dict[str, Any]]:
    """Return one row for each class query and head, the strongest head of a query first."""
    rows = []
    for number, query in enumerate(explanation.classes):
        for rank, head in enumerate(explanation.ranked_heads(query), 1):
            row = {
                **about,
                "probability": explanation.probability,
                "query": query,
                "head": head,
                "rank": rank,
                "map_maximum": float(explanation.map_maxima[number, head]),
                "peak": float(explanation.peaks[number, head]),
                "x": float(points[number, head, 0]),
                "y": float(points[number, head, 1]),
            }
            if struck is not None:
                row["attributes"] = "; ".join(
                    name for name, hit in struck.items() if hit[number, head]
                )
            rows.append(row)
    return rows


def reduced(photograph: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a photograph no larger than a small panel can show."""
    height, width = photograph.shape[:2]
    shrink = min(1.0, _KEPT_SIDE / max(height, width))
    if shrink == 1.0:
        return photograph
    return resize_photograph(
        photograph, max(1, round(height * shrink)), max(1, round(width * shrink))
    )


def peaks_as_shares(explanation: Explanation, query: str) -> Sequence[tuple[float, float]]:
    """Return x and y of the strongest heads' peaks as shares of width and height, in [0, 1]."""
    height, width = explanation.photograph.shape[:2]
    number = explanation.classes.index(query)
    strongest = explanation.ranked_heads(query)[:TOP_HEADS]
    points = peak_positions(
        explanation.maps[number, strongest],
        explanation.stride,
        explanation.resized_shape,
        (height, width),
    )
    return [(float((x + 0.5) / width), float((y + 0.5) / height)) for x, y in points]
