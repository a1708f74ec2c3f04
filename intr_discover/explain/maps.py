"""One photograph explained: maps, scores and their place on the original pixels."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from intr_discover.errors import UserError, shorten
from intr_discover.figures.attention import attention_figure
from intr_discover.figures.head_names import NO_NAMES, HeadNames
from intr_discover.figures.panels import drawing_grid
from intr_discover.files import replacing

Ranking = Literal["maximum", "peak"]


@dataclass
class Explanation:
    """Where each head looks on one photograph, for one or several classes.

    Attributes
    ----------
    image
        Path or name of the photograph.
    photograph
        uint8 RGB ``[H, W, 3]``, upright.
    classes
        The K classes whose maps are kept.
    maps
        ``[K, R, h, w]`` float32: cross-attention of each head; each map sums to 1.
    peaks
        ``[K, R]``: largest un-normalised score ``q·k/√d`` (the paper's ranking).
    map_maxima
        ``[K, R]``: largest attention weight.
    competing
        The classes that competed, in the order of ``logits``: all, or the context.
    logits, probabilities
        ``[S]``: of the competing classes; probabilities are their softmax.
    layer, layers
        Decoder layer of the maps, from 0, and how many the model has.
    context_mode
        ``"zero"`` or ``"subset"``, or None without a context.
    stride
        Pixels of the resized photograph in a cell.
    resized_shape
        (height, width) to which the model resized the photograph.
    provenance
        Model and image fingerprints, versions.
    """

    image: str
    photograph: NDArray[np.uint8]
    classes: list[str]
    maps: NDArray[np.float32]
    peaks: NDArray[np.float32]
    map_maxima: NDArray[np.float32]
    competing: list[str]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    layer: int
    layers: int
    context_mode: str | None
    stride: int
    resized_shape: tuple[int, int]
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def predicted(self) -> str:
        """Return the class with the highest logit among those that competed."""
        return self.competing[int(self.logits.argmax())]

    @property
    def probability(self) -> float:
        """Return the probability of the predicted class, in [0, 1]."""
        return float(self.probabilities.max())

    @property
    def heads(self) -> int:
        """Return the number R of heads."""
        return self.maps.shape[1]

    def ranked_heads(self, label: str | None = None, ranking: Ranking = "maximum") -> list[int]:
        """Return the heads from the strongest to the weakest.

        Parameters
        ----------
        label
            One of ``classes``; default the first.
        ranking
            ``"maximum"``: by the largest attention weight. ``"peak"``: by the largest
            un-normalised score, as in the paper; a constant added to all scores of a head changes
            it but not the map.

        Raises
        ------
        UserError
            If the class has no maps here or the ranking is unknown.
        """
        scores = self.scores(ranking)[self._row(label)]
        return [int(head) for head in np.argsort(-scores, kind="stable")]

    def scores(self, ranking: Ranking = "maximum") -> NDArray[np.float32]:
        """Return what heads are ranked by, ``[K, R]``."""
        if ranking not in ("maximum", "peak"):
            raise UserError(f"ranking '{ranking}' is unknown: use maximum or peak")
        return self.map_maxima if ranking == "maximum" else self.peaks

    def heatmap(
        self,
        label: str | None = None,
        head: int | Literal["mean"] = "mean",
        shape: tuple[int, int] | None = None,
    ) -> NDArray[np.float32]:
        """Return one map on the grid of the original photograph.

        Parameters
        ----------
        label
            One of ``classes``; default the first.
        head
            Head number from 0, or ``"mean"`` over all heads.
        shape
            (rows, columns) of another grid over the whole photograph; default its pixels.

        Returns
        -------
        ndarray
            ``[H, W]`` float32: attention weight per cell, bilinear between cell centres, not
            rescaled.

        Raises
        ------
        UserError
            If the class has no maps here or there is no such head.
        """
        maps = self.maps[self._row(label)]
        if head == "mean":
            chosen = maps.mean(axis=0)
        elif head in range(self.heads):
            chosen = maps[int(head)]
        else:
            raise UserError(f"there is no head {head}: use 0 to {self.heads - 1}, or mean")
        return place_on_photograph(
            chosen, self.stride, self.resized_shape, shape or self.photograph.shape[:2]
        )

    def figure(
        self,
        *,
        ranking: Ranking = "maximum",
        max_heads: int | None = None,
        true_label: str | None = None,
        names: HeadNames = NO_NAMES,
    ) -> Figure:
        """Draw the photograph, the ranked heads as overlays, the mean map and the probabilities.

        Parameters
        ----------
        ranking
            See ``ranked_heads``.
        max_heads
            Draw only the strongest heads of each class.
        true_label
            The true class, where known.
        names
            What people call the heads.
        """
        height, width = self.photograph.shape[:2]
        shape = drawing_grid(height, width)
        heatmaps = np.stack(
            [
                [self.heatmap(label, head, shape) for head in range(self.heads)]
                for label in self.classes
            ]
        )
        return attention_figure(
            self.photograph,
            heatmaps,
            labels=self.classes,
            ranked_heads=[self.ranked_heads(label, ranking) for label in self.classes],
            scores=self.scores(ranking),
            ranking=ranking,
            layer=self.layer + 1,
            layers=self.layers,
            uniform=1 / self.maps[0, 0].size,
            predicted=self.predicted,
            probability=self.probability,
            true_label=true_label,
            class_probabilities=list(
                zip(self.competing, map(float, self.probabilities), strict=True)
            ),
            context=self.competing if self.context_mode else None,
            context_mode=self.context_mode,
            max_heads=max_heads,
            title=Path(self.image).name,
            names=names,
        )

    def save(self, path: str | Path) -> Path:
        """Write the raw maps with names and provenance as ``.npz``, whole or not at all.

        Parameters
        ----------
        path
            The file; ``.npz`` is added where it is missing.

        Returns
        -------
        Path
            The file written. ``numpy.load(path)`` reads it without pickle; ``provenance`` is JSON.
        """
        path = Path(path)
        path = path if path.suffix == ".npz" else path.with_name(f"{path.name}.npz")
        with replacing(path) as temporary:
            np.savez_compressed(
                temporary,
                image=self.image,
                photograph_shape=np.array(self.photograph.shape[:2]),
                resized_shape=np.array(self.resized_shape),
                stride=self.stride,
                classes=np.array(self.classes),
                maps=self.maps,
                peaks=self.peaks,
                map_maxima=self.map_maxima,
                competing=np.array(self.competing),
                logits=self.logits,
                probabilities=self.probabilities,
                predicted=self.predicted,
                layer=self.layer,
                layers=self.layers,
                context_mode=self.context_mode or "",
                provenance=json.dumps(self.provenance, ensure_ascii=False),
            )
        return path

    def _row(self, label: str | None) -> int:
        if label is None:
            return 0
        if label not in self.classes:
            raise UserError(
                f"no maps of class '{label}' were kept; there are those of {shorten(self.classes)}"
            )
        return self.classes.index(label)


def place_on_photograph(
    cells: NDArray[np.float32],
    stride: int,
    resized_shape: tuple[int, int],
    shape: tuple[int, int],
) -> NDArray[np.float32]:
    """Spread a map of cells over the original photograph, bilinear between cell centres.

    Parameters
    ----------
    cells
        ``[h, w]``.
    stride
        Pixels of the resized photograph in a cell; the last cells may reach over its edge.
    resized_shape
        (height, width) of the resized photograph.
    shape
        (height, width) of the grid wanted; it covers the whole photograph.

    Returns
    -------
    ndarray
        ``[height, width]`` float32. Cell values are kept as they are: a pixel at the centre of a
        cell has that cell's value, beyond the outermost centres the value stays.
    """
    rows = _cell_position(shape[0], resized_shape[0], stride, cells.shape[0])
    columns = _cell_position(shape[1], resized_shape[1], stride, cells.shape[1])
    spread = _interpolate(cells.astype(np.float32), rows)
    return np.ascontiguousarray(_interpolate(spread.T, columns).T)


def _cell_position(pixels: int, resized: int, stride: int, cells: int) -> NDArray[np.float32]:
    """Return each pixel centre's place among the cell centres, in cells."""
    centres = (np.arange(pixels) + 0.5) * (resized / pixels)
    return np.clip(centres / stride - 0.5, 0, cells - 1).astype(np.float32)


def _interpolate(values: NDArray[np.float32], places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Interpolate rows of ``[n, m]`` at fractional places ``[k]`` to ``[k, m]``."""
    below = np.floor(places).astype(int)
    above = np.minimum(below + 1, len(values) - 1)
    part = (places - below)[:, None]
    return values[below] * (1 - part) + values[above] * part
