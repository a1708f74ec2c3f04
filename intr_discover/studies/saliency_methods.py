"""Which map comes from which model: every method's map of one photograph and one class.

All maps end on one grid: the pixels of the picture that the judge reads.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.importance import head_importance
from intr_discover.explain.maps import place_on_photograph
from intr_discover.explain.method import Method, Units
from intr_discover.explain.posthoc.gradcam import gradcam
from intr_discover.explain.posthoc.rise import RiseSettings, rise
from intr_discover.model.intr import INTR
from intr_discover.studies.judge import Judge
from intr_discover.studies.studied import Studied

Map = NDArray[np.float32]

METHODS = {
    "intr_mean": "INTR, mean of heads",
    "intr_best": "INTR, best head",
    "intr_causal": "INTR, heads that matter",
    "gradcam_intr": "Grad-CAM of INTR",
    "finercam_intr": "Grad-CAM of INTR, against rival",
    "gradcam_plain": "Grad-CAM of plain model",
    "finercam_plain": "Grad-CAM of plain, against rival",
    "rise": "RISE of the judge",
    "random": "random map",
}
"""All methods that INTR is compared with, and its own, as figures and sentences call them."""

OF_UNITS = {"units_mean": "all units, by strength", "units_best": "strongest unit"}
"""The same for the maps of another method, where that is studied in the place of INTR."""

ALL_METHODS = {**OF_UNITS, **METHODS}

OF_INTR = ("intr_mean", "intr_best", "intr_causal")
OF_PLAIN = ("gradcam_plain", "finercam_plain")
CONTRASTS = ("finercam_intr", "finercam_plain")

_RANDOM_CELL = 8
"""Pixels of a cell of the random map, at least: single random pixels destroy any picture."""


@dataclass(frozen=True)
class Marked:
    """Maps of one photograph for one class.

    Attributes
    ----------
    maps
        By method, ``[h, w]``, at least 0, as they are: not scaled.
    causal_is_mean
        Whether no head had an importance above 0, so that the causal map is the mean map.
    cell
        (height, width) of a cell of INTR, or of the method that is studied, in pixels of the
        judge's picture.
    """

    maps: dict[str, Map]
    causal_is_mean: bool
    cell: tuple[float, float]


@dataclass(frozen=True)
class _Grid:
    """Pixels of the resized photograph in a cell; (height, width) at which it is read."""

    stride: int
    resized_shape: tuple[int, int]


@dataclass(frozen=True)
class Markers:
    """The models that maps are made of.

    Attributes
    ----------
    studied
        The INTR that is studied, or another method.
    judge
        Whose picture the maps are laid on, and whom RISE asks.
    plain
        A plain classifier for Grad-CAM, or None.
    """

    studied: Studied
    judge: Judge
    plain: Explainer | None = None

    def mark(
        self,
        photograph: NDArray[np.uint8],
        label: str,
        methods: Collection[str],
        *,
        rise_settings: RiseSettings | None = None,
        seed: tuple[int, ...] = (0,),
        batch_size: int = 32,
    ) -> Marked:
        """Return the maps of one class.

        Parameters
        ----------
        photograph
            uint8 RGB ``[H, W, 3]``.
        label
            The class; what is studied knows it. Without its like in another model that model has
            no map.
        methods
            Any of ``METHODS``; of another method those of ``OF_UNITS`` and all but INTR's own.
        rise_settings
            Of RISE.
        seed
            Of the random map and of RISE's masks.
        batch_size
            Most pictures that go through the judge at once.
        """
        picture = self.judge.picture(photograph)
        shape = (picture.shape[1], picture.shape[2])
        if isinstance(self.studied, Method):
            units = self.studied.units(photograph, label)
            grid, causal_is_mean = _Grid(units.stride, units.resized_shape), False
            found = maps_of_units(units, methods, shape, seed)
        else:
            grid, found, causal_is_mean = _of_intr(
                self.studied, photograph, label, methods, shape, seed
            )
        for method in methods:
            if method in OF_PLAIN and self.plain is not None:
                if label in self.plain.classes:
                    found[method] = _gradcam(self.plain, photograph, label, shape, method)
            elif method == "rise":
                column = self.judge.explainer.classes.index(label)

                def score(pictures: Map, column: int = column) -> NDArray[np.float64]:
                    return self.judge.probabilities(pictures)[:, column]

                seen = rise(picture, score, rise_settings, seed, batch_size)
                # What all pixels have in common says nothing of any of them.
                found[method] = (seen - seen.min()).astype(np.float32)
        cell = (
            grid.stride * shape[0] / grid.resized_shape[0],
            grid.stride * shape[1] / grid.resized_shape[1],
        )
        kept = {name: found[name] for name in ALL_METHODS if name in methods and name in found}
        return Marked(kept, causal_is_mean, cell)


def _of_intr(
    intr: Explainer,
    photograph: NDArray[np.uint8],
    label: str,
    methods: Collection[str],
    shape: tuple[int, int],
    seed: tuple[int, ...],
) -> tuple[_Grid, dict[str, Map], bool]:
    """Return INTR's grid, its maps and a random one, and whether the causal map is the mean."""
    model = intr.model
    assert isinstance(model, INTR), "a plain classifier has no maps of its own"
    read = intr.preprocessing(photograph)
    class_ids = torch.tensor([intr.classes.index(label)], device=intr.device)
    with torch.inference_mode():
        encoded = model.encode(read[None])
        output = model.decode(encoded, attend=class_ids[None])
        importance = head_importance(model, encoded, class_ids)[0].float().cpu().numpy()
    assert output.attention is not None
    heads = output.attention[0, 0].float().cpu().numpy()
    causal, is_mean = causal_map(heads, importance)
    cells = {"intr_mean": heads.mean(axis=0), "intr_best": best_head(heads)}
    cells["intr_causal"] = causal
    if "random" in methods:
        # As coarse as INTR's own maps: single random pixels would destroy any picture.
        cells["random"] = np.random.default_rng(seed).random(encoded.grid, dtype=np.float32)
    placed = {name: _placed(each, model.stride, read, shape) for name, each in cells.items()}
    for method in methods:
        if method.endswith("cam_intr"):
            placed[method] = _gradcam(intr, photograph, label, shape, method)
    return _Grid(model.stride, (read.shape[1], read.shape[2])), placed, is_mean


def maps_of_units(
    units: Units, methods: Collection[str], shape: tuple[int, int], seed: tuple[int, ...]
) -> dict[str, Map]:
    """Return the maps of another method than INTR.

    Parameters
    ----------
    units
        What it marks on one photograph for one class.
    methods
        Any of ``OF_UNITS`` and ``random``; others are passed over.
    shape
        (rows, columns) of the grid over the photograph on which the maps end.
    seed
        Of the random map, which is as coarse as the method's own.

    Returns
    -------
    dict
        By method, ``[h, w]``, at least 0.
    """
    found = {}
    if "units_mean" in methods:
        found["units_mean"] = units.placed(units.overall(), shape)
    if "units_best" in methods:
        found["units_best"] = units.placed(units.maps[units.ranked()[0]], shape)
    if "random" in methods:
        cell = max(units.stride, _RANDOM_CELL)
        grid = [-(-side // cell) for side in units.resized_shape]
        noise = np.random.default_rng(seed).random(grid, dtype=np.float32)
        found["random"] = place_on_photograph(noise, cell, units.resized_shape, shape)
    return {name: each.astype(np.float32) for name, each in found.items()}


def best_head(heads: ArrayLike) -> Map:
    """Return the map ``[h, w]`` of the head with the largest map maximum, of ``[R, h, w]``."""
    heads = np.asarray(heads, dtype=np.float32)
    return np.asarray(heads[int(heads.max(axis=(1, 2)).argmax())])


def causal_map(heads: ArrayLike, importance: ArrayLike) -> tuple[Map, bool]:
    """Return the heads' maps weighted by what each contributes to the answer.

    Parameters
    ----------
    heads
        ``[R, h, w]``.
    importance
        ``[R]``: by how much the margin drops without the head; below 0 counts as 0.

    Returns
    -------
    tuple
        The map ``[h, w]``, and whether it is the plain mean because no importance is above 0.
    """
    heads = np.asarray(heads, dtype=np.float64)
    weights = np.maximum(np.asarray(importance, dtype=np.float64), 0)
    if not weights.any():
        return heads.mean(axis=0).astype(np.float32), True
    # NaN weights give a NaN map, which is refused where all maps are checked.
    return np.tensordot(weights / weights.sum(), heads, axes=1).astype(np.float32), False


def require_finite(maps: dict[str, Map], image: str) -> None:
    """Refuse maps with holes.

    Raises
    ------
    UserError
        If a map is not finite; the image and the method are named.
    """
    for method, each in maps.items():
        if not np.isfinite(each).all():
            raise UserError(
                f"{image}: the map '{ALL_METHODS[method]}' holds values that are no numbers (NaN); "
                "the weights of the model are damaged or its training diverged"
            )


def _gradcam(
    explainer: Explainer,
    photograph: NDArray[np.uint8],
    label: str,
    shape: tuple[int, int],
    method: str,
) -> Map:
    read = explainer.preprocessing(photograph)
    found = gradcam(
        explainer.model,
        read[None].to(explainer.device),
        explainer.class_ids([label]),
        contrast=method in CONTRASTS,
    )
    return _placed(found.maps[0], found.stride, read, shape)


def _placed(cells: Map, stride: int, read: torch.Tensor, shape: tuple[int, int]) -> Map:
    """Bring cells of the picture that a model read to pixels of the picture the judge reads."""
    pixels = place_on_photograph(cells, stride, (read.shape[1], read.shape[2]), shape)
    return pixels.astype(np.float32)
