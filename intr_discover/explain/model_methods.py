"""Ways to explain the models of this package, each as a ``Method``: heads, CAM, Grad-CAM, RISE."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import scipy
import torch
from numpy.typing import NDArray

from intr_discover.data.images import to_array
from intr_discover.data.loading import ImageSource
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.method import Method, Units
from intr_discover.explain.posthoc.cam import class_activation
from intr_discover.explain.posthoc.gradcam import CellMaps, gradcam
from intr_discover.explain.posthoc.rise import RiseSettings, rise
from intr_discover.model.intr import INTR

RANDOM_CELL = 8
"""Pixels of a cell of the random map: single random pixels would destroy any picture."""


class ModelMethod(Method):
    """A way to explain a model of ours.

    Parameters
    ----------
    name
        Of the method.
    explainer
        The model.
    """

    explainer: Explainer

    def __init__(self, name: str, explainer: Explainer) -> None:
        self.name = name
        self.explainer = explainer
        self.classes = explainer.classes

    @property
    def parameters(self) -> int:
        """Return how many numbers the model holds."""
        return sum(weight.numel() for weight in self.explainer.model.parameters())

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of its weights."""
        return self.explainer.fingerprint

    def logits(self, images: Sequence[ImageSource], *, batch_size: int = 32) -> NDArray[np.float32]:
        """Return the logits ``[n, C]``."""
        return self.explainer.logits(images, batch_size=batch_size)

    def _one_map(
        self, cells: NDArray[np.float32], stride: int, read: Sequence[int], photograph: ImageSource
    ) -> Units:
        """Return units of the one map ``[h, w]`` that a method has."""
        whole = to_array(photograph).shape
        return Units(
            np.ascontiguousarray(cells[None], dtype=np.float32),
            np.ones(1),
            ("map",),
            stride,
            (int(read[-2]), int(read[-1])),
            (whole[0], whole[1]),
        )


class IntrHeads(ModelMethod):
    """INTR: a unit is a head of the class's query, its strength the largest weight of its map.

    Raises
    ------
    UserError
        If the model is a plain classifier.
    """

    def __init__(self, name: str, explainer: Explainer) -> None:
        if not isinstance(explainer.model, INTR):
            raise UserError(
                f"{explainer.source}: a plain classifier has no heads to explain it; use a run "
                "trained with --model intr or intr-fc"
            )
        super().__init__(name, explainer)

    def units(self, image: ImageSource, label: str) -> Units:
        """Return the last decoder layer's maps of the class's query, each summing to 1."""
        explanation = self.explainer.explain(image, [label])
        height, width = explanation.photograph.shape[:2]
        return Units(
            explanation.maps[0],
            explanation.map_maxima[0].astype(np.float64),
            tuple(f"head {head}" for head in range(explanation.heads)),
            explanation.stride,
            explanation.resized_shape,
            (height, width),
        )


class ClassActivation(ModelMethod):
    """CAM of a plain classifier with global average pooling; one unit, its smallest value 0."""

    one_map = True

    def units(self, image: ImageSource, label: str) -> Units:
        """Return the map; see ``posthoc.cam.class_activation``."""
        pixels, read = self._read(image)
        found = class_activation(self.explainer.model, read, self.explainer.class_ids([label]))
        # What all cells have in common says nothing of any of them.
        cells = found.maps[0] - found.maps[0].min()
        return self._one_map(cells, found.stride, read.shape, pixels)

    def _read(self, image: ImageSource) -> tuple[NDArray[np.uint8], torch.Tensor]:
        """Return the photograph, and as the model reads it ``[1, 3, h, w]``."""
        pixels = to_array(image)
        return pixels, self.explainer.preprocessing(pixels)[None].to(self.explainer.device)


class GradCam(ClassActivation):
    """Grad-CAM; one unit."""

    def units(self, image: ImageSource, label: str) -> Units:
        """Return the map, scaled to [0, 1] by the package grad-cam."""
        pixels, read = self._read(image)
        found: CellMaps = gradcam(self.explainer.model, read, self.explainer.class_ids([label]))
        return self._one_map(found.maps[0], found.stride, read.shape, pixels)


class Rise(ModelMethod):
    """RISE; one unit, a cell is a pixel of the picture that the model reads.

    Parameters
    ----------
    name, explainer
        See ``ModelMethod``.
    settings
        How the picture is covered.
    seed
        Of the masks; with the photograph's pixels it decides them.
    """

    one_map = True

    def __init__(
        self, name: str, explainer: Explainer, settings: RiseSettings, seed: int = 0
    ) -> None:
        super().__init__(name, explainer)
        self.settings, self.seed = settings, seed

    def units(self, image: ImageSource, label: str) -> Units:
        """Return the importance of every pixel less the smallest."""
        pixels = to_array(image)
        picture = self.explainer.preprocessing(pixels).numpy()
        column = self.explainer.class_ids([label])[0]
        seed = (self.seed, zlib.crc32(pixels.tobytes()))
        seen = rise(picture, lambda covered: self._probability(covered, column),
                    self.settings, seed)  # fmt: skip
        return self._one_map((seen - seen.min()).astype(np.float32), 1, picture.shape, pixels)

    def _probability(self, pictures: NDArray[np.float32], column: int) -> NDArray[np.float64]:
        """Return the probability ``[B]`` of a class in normalised pictures."""
        with torch.inference_mode():
            batch = torch.from_numpy(pictures).to(memory_format=torch.channels_last)
            logits = self.explainer.model(batch).logits
        scores = scipy.special.softmax(logits.double().cpu().numpy(), axis=1)
        return np.asarray(scores[:, column])


class RandomMap(ModelMethod):
    """A map that knows nothing, for comparison; the photograph's pixels and the seed decide it."""

    one_map = True

    def __init__(self, name: str, explainer: Explainer, seed: int = 0) -> None:
        super().__init__(name, explainer)
        self.seed = seed

    def units(self, image: ImageSource, label: str) -> Units:
        """Return even random numbers in [0, 1), the same for every class."""
        self.explainer.class_ids([label])
        pixels = to_array(image)
        read = self.explainer.preprocessing.resized_shape(*pixels.shape[:2])
        grid = [-(-side // RANDOM_CELL) for side in read]
        generator = np.random.default_rng((self.seed, zlib.crc32(pixels.tobytes())))
        return self._one_map(generator.random(grid, dtype=np.float32), RANDOM_CELL, read, pixels)
