"""What every unit of another method did in every photograph, in the shape that heads have it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from intr_discover.data.images import read_image
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.method import Method, Progress, Units
from intr_discover.figures.head_names import UnitNames
from intr_discover.studies.consistency import effective_area, head_similarity
from intr_discover.studies.head_descriptors import HeadViews, empty_views
from intr_discover.studies.pointing import peaks_of
from intr_discover.studies.studied import Picture, require_numbers
from intr_discover.studies.unit_descriptors import Seen, describe, see

KeptUnits = Callable[[int, bool, Units, Picture], None]
"""Called with (row, right, units of the true class, photograph)."""


@dataclass(frozen=True)
class _Numbers:
    """What is kept of the units of one class on one photograph: no maps, which are large."""

    descriptors: NDArray[np.float64]
    strengths: NDArray[np.float64]
    areas: NDArray[np.float64]


@dataclass(frozen=True)
class _Photograph:
    """One photograph: its units for the true class, and for the class that was answered."""

    own: _Numbers
    answered: _Numbers
    points: NDArray[np.float64]
    similarity: float
    shape: tuple[int, int]
    cell: tuple[float, float]
    cells: int


def view_units(
    method: Method,
    judge: Explainer,
    paths: Sequence[Path],
    class_ids: NDArray[np.int64],
    *,
    batch_size: int = 32,
    keep: KeptUnits | None = None,
    progress: Progress | None = None,
) -> tuple[HeadViews, UnitNames]:
    """Look at photographs with the units of their own class.

    Parameters
    ----------
    method
        Whose units.
    judge
        The model whose features describe what a unit sees.
    paths
        The photographs, n of them.
    class_ids
        ``[n]``: their true classes.
    batch_size
        Most photographs that go through the model at once; no number depends on it.
    keep
        Is shown the units of each photograph; they are not kept otherwise.
    progress
        Called with (photographs done, photographs in all).

    Returns
    -------
    tuple
        What the units did, and their names by class and number. Where classes have different
        numbers of units, the last ones of ``map_maxima`` are missing (see ``HeadViews.counts``).
        A unit's strength stands in ``map_maxima`` and ``peaks``; areas are those of its map scaled
        to sum to 1. What needs heads to switch off, layers or noise is missing.

    Raises
    ------
    UserError
        If a photograph cannot be read, or the answers or maps are no numbers.
    """
    logits = method.logits(paths, batch_size=batch_size)
    require_numbers(logits, method.name)
    predicted = logits.argmax(axis=1)
    found: list[_Photograph] = []
    names = UnitNames()
    for row, path in enumerate(paths):
        photograph = read_image(path)
        label = method.classes[class_ids[row]]
        own = method.checked_units(photograph, label, path.name)
        seen = see(judge, photograph)
        numbers = answered = _numbers(own, seen)
        right = bool(predicted[row] == class_ids[row])
        if not right:
            other = method.checked_units(photograph, method.classes[predicted[row]], path.name)
            answered = _numbers(other, seen)
        names |= {(label, unit): name for unit, name in enumerate(own.names)}
        if keep is not None:
            keep(row, right, own, photograph)
        found.append(
            _Photograph(
                numbers,
                answered,
                peaks_of(own),
                head_similarity(own.maps.reshape(len(own), -1)),
                own.photograph_shape,
                own.cell,
                own.maps[0].size,
            )
        )
        if progress is not None:
            progress(row + 1, len(paths))
    return _joined(found, predicted), names


def _numbers(units: Units, seen: Seen) -> _Numbers:
    flat = units.shares().reshape(len(units), -1)
    return _Numbers(describe(units, seen), units.strengths, effective_area(flat))


def _joined(found: Sequence[_Photograph], predicted: NDArray[np.int64]) -> HeadViews:
    n, width = len(found), found[0].own.descriptors.shape[1]
    most = max(len(of.strengths) for each in found for of in (each.own, each.answered))

    views = empty_views(n, most, width)
    views.predicted[:] = predicted
    for row, each in enumerate(found):
        own, answered = len(each.own.strengths), len(each.answered.strengths)
        views.similarity[row], views.uniform[row] = each.similarity, 1 / each.cells
        views.shapes[row], views.cells[row] = each.shape, each.cell
        views.descriptors[row, :own] = each.own.descriptors
        views.peaks[row, :own] = views.map_maxima[row, :own] = each.own.strengths
        views.areas[row, :own] = each.own.areas
        # Where there is no unit stands a point that nobody reads.
        spare = np.repeat(each.points[:1], most - own, axis=0)
        views.points[row] = np.concatenate([each.points, spare])
        views.answered_descriptors[row, :answered] = each.answered.descriptors
        views.answered_areas[row, :answered] = each.answered.areas
        views.answered_maxima[row, :answered] = each.answered.strengths
    return views
