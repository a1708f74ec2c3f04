"""What a model sees under the map of a unit: one space in which units of all methods compare."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.method import Units
from intr_discover.model.intr import INTR

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """What a model sees in one photograph.

    Attributes
    ----------
    features
        ``[D, h, w]`` float64: its last feature map.
    stride
        Pixels of its picture in a cell; the last cells may reach over the edge.
    shape
        (height, width) of its picture.
    """

    features: Floats
    stride: int
    shape: tuple[int, int]


def see(explainer: Explainer, photograph: NDArray[np.uint8]) -> Seen:
    """Return a model's last feature map of a photograph; of an INTR, its encoder's cells.

    Raises
    ------
    UserError
        If the model is a plain classifier without a feature map.
    """
    model = explainer.model
    read = explainer.preprocessing(photograph)
    shape = (int(read.shape[1]), int(read.shape[2]))
    with torch.inference_mode():
        batch = read[None].to(explainer.device)
        if isinstance(model, INTR):
            encoded = model.encode(batch)
            cells = encoded.cells[0].T.unflatten(1, encoded.grid)
            return Seen(cells.double().cpu().numpy(), model.stride, shape)
        network: Any = model.network
        found = network.forward_features(batch)
    stride = int(network.feature_info[-1]["reduction"])
    if found.ndim == 3 and hasattr(network, "num_prefix_tokens"):
        rows = -(-shape[0] // stride)
        found = found[:, network.num_prefix_tokens :].transpose(1, 2).unflatten(2, (rows, -1))
    elif str(getattr(network, "output_fmt", "NCHW")).endswith("NHWC"):
        found = found.permute(0, 3, 1, 2)
    if found.ndim != 4:
        raise UserError(
            f"the judge's backbone {model.config.backbone} has no feature map to compare units by"
        )
    return Seen(found[0].double().cpu().numpy(), stride, shape)


def describe(units: Units, seen: Seen) -> Floats:
    """Return ``[U, D]``: a model's features where each unit's map lies.

    Each map is spread over the picture that the model reads, added up within its cells and scaled
    to sum to 1; a map without anything above 0 counts as even.
    """
    height, width = seen.features.shape[1:]
    found = []
    for cells in units.maps:
        pixels = units.placed(cells, seen.shape).astype(np.float64)
        weights = summed_in_cells(pixels, seen.stride)[:height, :width]
        total = weights.sum()
        even = np.full_like(weights, 1 / weights.size)
        found.append(np.tensordot(weights / total if total > 0 else even, seen.features,
                                  axes=((0, 1), (1, 2))))  # fmt: skip
    return np.array(found)


def summed_in_cells(pixels: Floats, stride: int) -> Floats:
    """Return the sum of a map ``[H, W]`` in each square of ``stride`` pixels; the last are cut."""
    rows = np.add.reduceat(pixels, np.arange(0, pixels.shape[0], stride), axis=0)
    return np.asarray(np.add.reduceat(rows, np.arange(0, pixels.shape[1], stride), axis=1))
