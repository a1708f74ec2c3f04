"""What several trainings see in the same photographs: maps on one grid, peaks, answers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from intr_discover.data.specimens import Specimens
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.maps import place_on_photograph
from intr_discover.model.intr import INTR
from intr_discover.studies.head_descriptors import HeadViews, Wishes, view_heads
from intr_discover.studies.pointing import peak_positions
from intr_discover.studies.saliency_methods import causal_map

MOST_CELLS = 48
"""Cells along a side of the grid on which maps are compared, at most."""


@dataclass
class View:
    """What one training sees in n photographs, query of the true class, last decoder layer.

    Attributes
    ----------
    heads
        As ``view_heads`` returns it.
    maps
        ``[n, R, N]``: the heads' maps on the common grid, which covers the picture and no more.
    mean_peaks
        ``[n, 2]``: where the mean map peaks (x, y), in pixels of the original photographs.
    deciding
        For each photograph the heads' maps weighted by what each contributes, on the model's own
        cells.
    mean_maps
        For each photograph the mean map on the model's own cells.
    resized
        ``[n, 2]``: (height, width) to which the model resized it.
    right
        ``[n]``: whether the answer is the true class.
    answers
        The answers, by name.
    """

    heads: HeadViews
    maps: NDArray[np.float32]
    mean_peaks: NDArray[np.float64]
    deciding: list[NDArray[np.float32]]
    mean_maps: list[NDArray[np.float32]]
    resized: NDArray[np.int64]
    right: NDArray[np.bool_]
    answers: list[str]


def view(
    explainer: Explainer,
    specimens: Specimens,
    grid: tuple[int, int],
    *,
    batch_size: int,
    progress: Callable[[int, int], None] | None = None,
) -> View:
    """Look at photographs with one training.

    Parameters
    ----------
    explainer
        With an INTR that knows their labels.
    specimens
        The photographs.
    grid
        Rows and columns of the common grid.
    batch_size, progress
        As for ``view_heads``.
    """
    model = explainer.model
    assert isinstance(model, INTR), type(model)
    n, heads = len(specimens), model.config.heads
    ids = specimens.label_ids(explainer.classes)
    maps = np.zeros((n, heads, grid[0] * grid[1]), dtype=np.float32)
    own: list[NDArray[np.float32]] = [np.zeros((heads, 1, 1), np.float32)] * n
    resized = np.zeros((n, 2), dtype=np.int64)

    def keep(row: int, right: bool, found: NDArray[np.float32], image: Tensor) -> None:
        size = int(image.shape[-2]), int(image.shape[-1])
        resized[row] = size
        own[row] = found.copy()
        placed = [place_on_photograph(each, model.stride, size, grid) for each in found]
        maps[row] = np.stack(placed).reshape(heads, -1)

    seen = view_heads(
        explainer,
        specimens.paths,
        ids,
        Wishes(importance=frozenset(range(n))),
        batch_size=batch_size,
        keep=keep,
        progress=progress,
    )
    peaks = np.zeros((n, 2))
    for row, found in enumerate(own):
        height, width = seen.shapes[row]
        size = int(resized[row, 0]), int(resized[row, 1])
        peaks[row] = peak_positions(
            found.mean(axis=0), model.stride, size, (int(height), int(width))
        )
    deciding = [
        causal_map(found, np.nan_to_num(importance))[0]
        for found, importance in zip(own, seen.importance, strict=True)
    ]
    return View(
        seen,
        maps,
        peaks,
        deciding,
        [found.mean(axis=0) for found in own],
        resized,
        seen.predicted == ids,
        [explainer.classes[answer] for answer in seen.predicted],
    )


def common_grid(explainers: Sequence[Explainer], shape: tuple[int, int]) -> tuple[int, int]:
    """Return rows and columns of the grid on which all trainings are compared.

    Parameters
    ----------
    explainers
        The trainings.
    shape
        (height, width) of a usual photograph of the collection.

    Returns
    -------
    tuple
        Those of the training with the coarsest cells, ``MOST_CELLS`` at most.
    """
    grids = []
    for explainer in explainers:
        assert isinstance(explainer.model, INTR)
        height, width = explainer.preprocessing.resized_shape(*shape)
        stride = explainer.model.stride
        grids.append((math.ceil(height / stride), math.ceil(width / stride)))
    return min(MOST_CELLS, *(rows for rows, _ in grids)), min(
        MOST_CELLS, *(columns for _, columns in grids)
    )


def peaks_as_heads(views: Sequence[View]) -> HeadViews:
    """Return the mean maps' peaks of K trainings as if they were K heads of one model.

    With that, whatever names the parts that heads hit also names those of trainings.
    """
    first = views[0].heads
    points = np.stack([each.mean_peaks for each in views], axis=1)
    return replace(
        first,
        points=points,
        noisy_points=np.full(points.shape, np.nan),
        map_maxima=np.zeros(points.shape[:2]),
        cells=np.max([each.heads.cells for each in views], axis=0),
    )
