"""DINO's heads: a vision transformer trained without labels, frozen, with a linear layer on top.

Caron et al., ICCV 2021 (v1); Oquab et al., "DINOv2", TMLR 2024 (v2); registers: Darcet et al., ICLR
2024. Only the linear layer is trained here, on the class token. The maps are those of the last
block's heads; they know no class.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn

from intr_discover.data.images import to_array
from intr_discover.data.loading import ImageSource, evaluation_batches
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError, shorten
from intr_discover.explain.explainer import choose_device
from intr_discover.explain.method import Fit, FitSettings, Method, Progress, Say, Units
from intr_discover.explain.posthoc.class_token import class_token
from intr_discover.files import write_json
from intr_discover.model.backbone_weights import create_network
from intr_discover.model.checkpoint import (
    CONFIG,
    WEIGHTS,
    fingerprint,
    read_config,
    save_weights,
)
from intr_discover.model.weight_files import read_weights
from intr_discover.neighbours.budget import photographs_config, record_seconds
from intr_discover.training.build import build_preprocessing
from intr_discover.training.prepare import prepare_data

RANDOM = "random"
"""In the place of a file of weights: none, to try the way."""

_BATCH = 16


class DinoHeads(Method):
    """A frozen vision transformer and a linear layer; a unit is a head of the last block.

    Parameters
    ----------
    name
        Of the method.
    network
        A vision transformer of timm with a class token.
    probe
        From the class token to logits.
    classes
        Class names in the order of the logits.
    preprocessing
        How photographs are read.
    device
        Where it runs.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        probe: nn.Linear,
        classes: Sequence[str],
        preprocessing: Preprocessing,
        device: str = "auto",
    ) -> None:
        self.name, self.classes = name, list(classes)
        self.preprocessing = preprocessing
        self.device = choose_device(device)
        self._model = nn.ModuleDict({"network": network, "probe": probe}).to(self.device).eval()

    @property
    def parameters(self) -> int:
        """Return how many numbers network and linear layer hold."""
        return sum(weight.numel() for weight in self._model.parameters())

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of all weights."""
        return fingerprint(self._model)

    def logits(self, images: Sequence[ImageSource], *, batch_size: int = 32) -> NDArray[np.float32]:
        """Return the logits ``[n, C]``."""
        logits = np.zeros((len(images), len(self.classes)), dtype=np.float32)
        for positions, batch in evaluation_batches(images, self.preprocessing, batch_size):
            with torch.inference_mode():
                features = class_token(self._model["network"], batch.to(self.device)).features
                logits[positions] = self._model["probe"](features).float().cpu().numpy()
        return logits

    def units(self, image: ImageSource, label: str) -> Units:
        """Return the heads' maps, the same for every class; strength: the largest weight."""
        if label not in self.classes:
            raise UserError(f"{self.name} was not trained on a class '{label}'")
        pixels = to_array(image)
        read = self.preprocessing(pixels)
        found = class_token(self._model["network"], read[None].to(self.device))
        maps = found.maps[0].float().cpu().numpy()
        return Units(
            maps,
            maps.max(axis=(1, 2)).astype(np.float64),
            tuple(f"head {head}" for head in range(len(maps))),
            found.stride,
            (int(read.shape[1]), int(read.shape[2])),
            (pixels.shape[0], pixels.shape[1]),
        )


def needs_weights(name: str) -> Callable[[FitSettings], str | None]:
    """Return what says why a DINO cannot be had here."""

    def needs(settings: FitSettings) -> str | None:
        if settings.pretrained or _place(name, settings) is not None:
            return None
        return (
            f"{name} is nothing without its pretrained weights: name their file with "
            f"--weights {name}=FILE, or let timm fetch them with --pretrained"
        )

    return needs


def fit_dino(name: str, backbone: str) -> Fit:
    """Return what trains the linear layer on the class token of the training photographs."""

    def fit(
        specimens: Specimens,
        settings: FitSettings,
        folder: Path,
        progress: Progress | None,
        say: Say,
    ) -> None:
        if (folder / CONFIG).is_file():  # written last
            return
        _, own = settings.own(name)
        if own:
            raise UserError(f"{name} has no setting {shorten(sorted(own))}: nothing is trained but "
                            "a linear layer")  # fmt: skip
        began = time.monotonic()
        config = photographs_config(settings)
        data = prepare_data(specimens, config)
        torch.manual_seed(settings.seed)
        network = _network(backbone, _place(name, settings)).eval()
        preprocessing = build_preprocessing(config)
        device = choose_device(settings.device)
        features = _features(network.to(device), data.train.paths, preprocessing, progress)
        probe = fit_probe(features, data.train.label_ids(data.classes), len(data.classes))
        folder.mkdir(parents=True, exist_ok=True)
        save_weights(folder / WEIGHTS, nn.ModuleDict({"network": network, "probe": probe}))
        record_seconds(folder, [{"epoch": 1, "seconds": time.monotonic() - began}])
        write_json(
            folder / CONFIG,
            {
                "format": 1,
                "model": {"kind": "dino", "backbone": backbone},
                "classes": data.classes,
                "preprocessing": preprocessing.as_dict(),
            },
        )
        say(f"{name}: a linear layer on {len(features)} photographs")

    return fit


def load_dino(name: str) -> Callable[[Path, FitSettings], Method]:
    """Return what reads such a folder."""

    def read(folder: Path, settings: FitSettings) -> Method:
        config = read_config(folder)
        if config["model"].get("kind") != "dino":
            raise UserError(f"{folder} holds another model, no {name}")
        stored = read_weights(folder / WEIGHTS).weights
        network = _network(str(config["model"]["backbone"]), RANDOM)
        rows, columns = stored["probe.weight"].shape
        probe = nn.Linear(columns, rows)
        whole = nn.ModuleDict({"network": network, "probe": probe})
        try:
            whole.load_state_dict(stored)
        except RuntimeError as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"{folder}: its weights are not those of {name}: {reason}") from error
        preprocessing = Preprocessing.from_dict(config["preprocessing"])
        return DinoHeads(name, network, probe, config["classes"], preprocessing, settings.device)

    return read


def fit_probe(features: NDArray[np.float32], labels: NDArray[np.int64], classes: int) -> nn.Linear:
    """Return a linear layer fitted by logistic regression on standardised features.

    Parameters
    ----------
    features
        ``[n, D]``.
    labels
        ``[n]``, each class at least once.
    classes
        How many there are, at least 2.
    """
    pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    scaler, regression = pipeline.fit(features.astype(np.float64), labels).steps[0][1], pipeline[-1]
    weight, bias = regression.coef_, regression.intercept_
    if classes == 2:  # one row, for the second class against the first
        weight, bias = np.concatenate([-weight, weight]) / 2, np.concatenate([-bias, bias]) / 2
    weight = weight / scaler.scale_
    bias = bias - weight @ scaler.mean_
    layer = nn.Linear(features.shape[1], classes)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(weight))
        layer.bias.copy_(torch.from_numpy(bias))
    return layer


def _place(name: str, settings: FitSettings) -> str | None:
    """Return where the weights are, by the option ``weights``: NAME → file."""
    place = settings.options.get("weights", {}).get(name)
    return None if place is None else str(place)


def _network(backbone: str, weights: str | None) -> Any:
    """Return the vision transformer without its head, for photographs of any size."""
    options: dict[str, Any] = {"num_classes": 0, "dynamic_img_size": True, "dynamic_img_pad": True}
    if weights == RANDOM:
        return create_network(backbone, **options)
    return create_network(backbone, pretrained=weights is None, weights=weights, **options)


def _features(
    network: Any, paths: Sequence[Path], preprocessing: Preprocessing, progress: Progress | None
) -> NDArray[np.float32]:
    """Return the class tokens ``[n, D]``."""
    found = np.zeros((len(paths), int(network.num_features)), dtype=np.float32)
    device = next(network.parameters()).device
    done = 0
    for positions, batch in evaluation_batches(paths, preprocessing, _BATCH):
        found[positions] = class_token(network, batch.to(device)).features.float().cpu().numpy()
        done += len(positions)
        if progress is not None:
            progress(done, len(paths))
    return found
