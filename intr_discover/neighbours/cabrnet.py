"""ProtoPNet and ProtoTree by CaBRNet, in an environment of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from intr_discover.data.images import read_image, to_array
from intr_discover.data.loading import ImageSource
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError, shorten
from intr_discover.explain.method import Fit, FitSettings, Method, Progress, Say, Units
from intr_discover.files import sha256, write_json
from intr_discover.model.backbone_weights import create_network
from intr_discover.model.checkpoint import CONFIG, WEIGHTS, read_config, save_weights
from intr_discover.model.weight_files import read_weights
from intr_discover.neighbours.budget import (
    DEFAULT_MINUTES,
    caution,
    photographs_config,
    record_seconds,
)
from intr_discover.neighbours.other_python import HOW, Program, python_of
from intr_discover.training.build import build_preprocessing
from intr_discover.training.prepare import prepare_data

PROGRAM = Path(__file__).with_name("cabrnet_program.py")
PROTOTYPES = 10
"""Of each class of a ProtoPNet, as its authors have it."""

BATCH = 32

_STRIDE = 32  # of the last feature map of the backbones that CaBRNet takes from torchvision


class CabrnetMethod(Method):
    """A model that another process holds; photographs are stretched to a square, as its own are.

    Parameters
    ----------
    name
        Of the method.
    folder
        What ``fit_cabrnet`` has left.
    program
        The other process.
    unit
        What one unit is called.
    device
        Where it runs there.
    """

    def __init__(
        self, name: str, folder: Path, program: Program, unit: str, device: str = "cpu"
    ) -> None:
        config = read_config(folder)
        if config["model"].get("kind") != name:
            raise UserError(f"{folder} holds another model, no {name}")
        self.name, self.classes = name, list(config["classes"])
        self.side = int(config["side"])
        self._folder, self._program, self._unit = folder.absolute(), program, unit
        self._device = device

    @property
    def parameters(self) -> int:
        """Return how many numbers its weights file holds."""
        weights = read_weights(self._folder / WEIGHTS).weights
        return sum(weight.numel() for weight in weights.values() if weight.is_floating_point())

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of its weights file."""
        return sha256(self._folder / WEIGHTS)

    def logits(self, images: Sequence[ImageSource], *, batch_size: int = 32) -> NDArray[np.float32]:
        """Return the logits ``[n, C]``; of ProtoTree, log probabilities."""
        found = [np.zeros((0, len(self.classes)), dtype=np.float32)]
        for start in range(0, len(images), batch_size):
            batch = [squared(to_array(each), self.side) for each in images[start:][:batch_size]]
            found.append(self._ask("logits", np.stack(batch))["logits"])
        return np.concatenate(found)

    def units(self, image: ImageSource, label: str) -> Units:
        """Return the class's prototypes, or the nodes on the way to its leaf."""
        if label not in self.classes:
            raise UserError(f"{self.name} was not trained on a class '{label}'")
        pixels = to_array(image)
        asked = self.classes.index(label)
        found = self._ask("units", squared(pixels, self.side)[None], class_id=asked)
        return Units(
            np.asarray(found["maps"], dtype=np.float32),
            np.asarray(found["strengths"], dtype=np.float64),
            tuple(f"{self._unit} {number}" for number in found["numbers"]),
            _STRIDE,
            (self.side, self.side),
            (pixels.shape[0], pixels.shape[1]),
        )

    def _ask(self, what: str, images: NDArray[np.uint8], **more: Any) -> dict[str, Any]:
        given, out = (self._program.exchange / name for name in ("images.npz", "answer.npz"))
        np.savez(given, images=images)
        self._program.ask(
            do=what, folder=str(self._folder), images=str(given), out=str(out),
            device=self._device, **more,
        )  # fmt: skip
        with np.load(out, allow_pickle=False) as stored:
            return dict(stored)


def needs_cabrnet(name: str) -> Callable[[FitSettings], str | None]:
    """Return what says that the other environment is missing."""

    def needs(settings: FitSettings) -> str | None:
        if python_of(settings.options).is_file():
            return None
        return f"{name} is trained by CaBRNet, and {HOW}"

    return needs


def fit_cabrnet(kind: str) -> Fit:
    """Return what trains a ``protopnet`` or a ``prototree``.

    An interrupted training begins anew: it is CaBRNet's own.
    """

    def fit(
        specimens: Specimens,
        settings: FitSettings,
        folder: Path,
        progress: Progress | None,
        say: Say,
    ) -> None:
        if (folder / CONFIG).is_file():  # written last
            return
        settings, own = settings.own(kind)
        unknown = sorted(set(own) - {"batch_size", "prototypes_per_class"})
        if unknown:
            raise UserError(
                f"{kind} has no setting {shorten(unknown)}; it has batch_size, epochs and "
                "prototypes_per_class"
            )
        prototypes = settings.options.get("prototypes_per_class", PROTOTYPES)
        config = photographs_config(settings)
        data = prepare_data(specimens, config)
        side = build_preprocessing(config).size
        # Before anything is written, so that a missing environment leaves nothing behind.
        program = Program(python_of(settings.options), PROGRAM)
        try:
            given = program.exchange / "training.npz"
            np.savez(given, images=_training_images(data.train, side, progress),
                     labels=data.train.label_ids(data.classes))  # fmt: skip
            minutes = DEFAULT_MINUTES if settings.minutes is None else settings.minutes
            answer = program.ask(
                do="fit", kind=kind, data=str(given), folder=str(folder.absolute()),
                backbone=settings.backbone.split(".")[0], weights=_weights(settings, program),
                prototypes=int(own.get("prototypes_per_class", prototypes)),
                batch_size=int(own.get("batch_size", BATCH)),
                image_size=side, epochs=settings.epochs, minutes=minutes, seed=settings.seed,
                device=_device(settings),
            )  # fmt: skip
        finally:
            program.close()
        history = answer["history"]
        record_seconds(folder, history)
        write_json(
            folder / CONFIG,
            {
                "format": 1,
                "model": {"kind": kind, "shape": answer["shape"]},
                "classes": data.classes,
                "side": side,
                "epochs": len(history),
            },
        )
        said = f"{kind}: {len(history)} epochs, {answer['seconds']:.0f} s"
        say(said + caution(len(history), settings))

    return fit


def load_cabrnet(name: str, unit: str) -> Callable[[Path, FitSettings], Method]:
    """Return what reads such a folder and starts the process that holds its model."""

    def read(folder: Path, settings: FitSettings) -> Method:
        program = Program(python_of(settings.options), PROGRAM)
        return CabrnetMethod(name, folder, program, unit, _device(settings))

    return read


def squared(photograph: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return a photograph ``[H, W, 3]`` stretched to ``[side, side, 3]``."""
    if photograph.shape[:2] == (side, side):
        return photograph
    return np.array(Image.fromarray(photograph).resize((side, side), Image.Resampling.BILINEAR))


def _training_images(
    specimens: Specimens, side: int, progress: Progress | None
) -> NDArray[np.uint8]:
    found = np.empty((len(specimens), side, side, 3), dtype=np.uint8)
    for row, path in enumerate(specimens.paths):
        found[row] = squared(read_image(path), side)
        if progress is not None:
            progress(row + 1, len(specimens))
    return found


def _weights(settings: FitSettings, program: Program) -> str | None:
    """Return a file of the backbone's first weights, as our own models would begin; None: random.

    timm's names of a ResNet's weights are those of torchvision, from which CaBRNet takes it.
    """
    if not settings.pretrained and settings.backbone_weights is None:
        return None
    network = create_network(
        settings.backbone, pretrained=settings.pretrained, weights=settings.backbone_weights,
        num_classes=0,
    )  # fmt: skip
    place = program.exchange / WEIGHTS
    save_weights(place, network)
    return str(place)


def _device(settings: FitSettings) -> str:
    from intr_discover.explain.explainer import choose_device

    return str(choose_device(settings.device))
