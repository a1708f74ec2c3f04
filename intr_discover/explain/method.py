"""What every way to explain offers: an answer, and units that each mark a place.

A unit is what a method shows as one piece of its reasons: a head of INTR, a prototype, a leaf, a
concept, or the whole map of Grad-CAM, which has one unit. A study that takes a ``Method`` takes all
of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from intr_discover.data.loading import ImageSource
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.maps import place_on_photograph

Progress = Callable[[int, int], None]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Units:
    """What each unit of a method marks on one photograph, for one class.

    Attributes
    ----------
    maps
        ``[U, h, w]`` float32, finite and at least 0, on the method's own grid, as they are: not
        scaled.
    strengths
        ``[U]`` float64, finite: how much each unit counts for the class. The larger, the stronger;
        below 0 it speaks against the class.
    names
        ``[U]``: what each unit is called, for example ``head 3``.
    stride
        Pixels of the resized photograph in a cell; the last cells may reach over its edge.
    resized_shape
        (height, width) at which the method reads the photograph.
    photograph_shape
        (height, width) of the original photograph.
    """

    maps: NDArray[np.float32]
    strengths: NDArray[np.float64]
    names: tuple[str, ...]
    stride: int
    resized_shape: tuple[int, int]
    photograph_shape: tuple[int, int]

    def __post_init__(self) -> None:
        assert self.maps.ndim == 3 and len(self.maps), self.maps.shape
        assert self.strengths.shape == (len(self.maps),) == (len(self.names),)

    def __len__(self) -> int:
        return len(self.maps)

    def ranked(self) -> list[int]:
        """Return the units from the strongest to the weakest; of equal ones the first."""
        return [int(unit) for unit in np.argsort(-self.strengths, kind="stable")]

    def overall(self) -> NDArray[np.float32]:
        """Return one map ``[h, w]``: the mean of the units, weighted by their strengths.

        A unit that speaks against the class has no weight; where none speaks for it, all count
        alike.
        """
        weights = np.maximum(self.strengths, 0)
        if not weights.any():
            weights = np.ones(len(self))
        mean = np.tensordot(weights / weights.sum(), self.maps.astype(np.float64), axes=1)
        return np.asarray(mean, dtype=np.float32)

    def shares(self) -> NDArray[np.float32]:
        """Return the maps ``[U, h, w]`` as attention is given: each sums to 1.

        A map without anything above 0 is even.
        """
        maps = self.maps.astype(np.float64)
        totals = maps.sum(axis=(1, 2), keepdims=True)
        even = np.full_like(maps, 1 / maps[0].size)
        return np.divide(maps, totals, out=even, where=totals > 0).astype(np.float32)

    def placed(
        self, cells: NDArray[np.float32], shape: tuple[int, int] | None = None
    ) -> NDArray[np.float32]:
        """Return a map of the grid ``[h, w]`` on the original photograph, ``[H, W]``.

        Parameters
        ----------
        cells
            One of ``maps``, or ``overall()``.
        shape
            (rows, columns) of another grid over the whole photograph; default its pixels.

        Returns
        -------
        ndarray
            Bilinear between cell centres, not rescaled.
        """
        wanted = self.photograph_shape if shape is None else shape
        return place_on_photograph(cells, self.stride, self.resized_shape, wanted)

    @property
    def cell(self) -> tuple[float, float]:
        """Return (height, width) of a cell in pixels of the original photograph."""
        height, width = (
            self.stride * whole / read
            for whole, read in zip(self.photograph_shape, self.resized_shape, strict=True)
        )
        return height, width


class Method(ABC):
    """A trained model and its own way to explain itself.

    Attributes
    ----------
    name
        Of the method: lower-case letters, digits and underscores.
    classes
        Class names in the order of class ids.
    parameters
        Numbers that the model holds.
    one_map
        Whether all it has is one map of a photograph and a class.
    explainer
        The model of this package that it explains; None where it holds a model of its own.
    """

    name: str
    classes: list[str]
    one_map: bool = False
    explainer: Explainer | None = None

    @property
    @abstractmethod
    def parameters(self) -> int:
        """Return how many numbers the model holds."""

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Return the SHA-256 of its weights."""

    @abstractmethod
    def logits(self, images: Sequence[ImageSource], *, batch_size: int = 32) -> NDArray[np.float32]:
        """Return the logits ``[n, C]``.

        Parameters
        ----------
        images
            Paths, PIL images or uint8 arrays ``[H, W, 3]``.
        batch_size
            Most images that go through the model at once; no answer depends on it.
        """

    @abstractmethod
    def units(self, image: ImageSource, label: str) -> Units:
        """Return what each unit marks, for one class.

        The units of one class are the same, in the same order, on every photograph.

        Parameters
        ----------
        image
            A path, PIL image or uint8 array ``[H, W, 3]``.
        label
            The class.

        Raises
        ------
        UserError
            If the method does not know the class.
        """

    def checked_units(self, image: ImageSource, label: str, name: str = "a picture") -> Units:
        """Return the units of a class, and refuse maps and strengths that are no numbers.

        Parameters
        ----------
        image, label
            See ``units``.
        name
            Of the photograph, for the message.

        Raises
        ------
        UserError
            Naming method and photograph.
        """
        units = self.units(image, label)
        if not (np.isfinite(units.maps).all() and np.isfinite(units.strengths).all()):
            raise UserError(
                f"{name}: the maps of {self.name} hold values that are no numbers (NaN); its "
                "weights are damaged or its training diverged"
            )
        assert (units.maps >= 0).all(), f"{self.name} gives a map below 0"
        return units

    def predict(self, images: Sequence[ImageSource], *, batch_size: int = 32) -> pd.DataFrame:
        """Return the answer to each photograph: ``label`` and ``probability`` in [0, 1]."""
        scores = scipy.special.softmax(self.logits(images, batch_size=batch_size), axis=1)
        best = scores.argmax(axis=1)
        return pd.DataFrame(
            {
                "label": [self.classes[place] for place in best],
                "probability": scores[np.arange(len(best)), best].astype(float),
            }
        )


@dataclass(frozen=True)
class FitSettings:
    """What all methods of a comparison share.

    Attributes
    ----------
    backbone, pretrained, backbone_weights
        As for a training of ours: a timm name; whether to take timm's weights; a file of weights.
    image_size
        Pixels of the shorter side of a crop in training.
    epochs
        Of each training; None: as many as fit into ``minutes``.
    minutes
        Time of each training; None with ``epochs``.
    seed
        Of weights, order and augmentation.
    device
        ``auto``, ``cpu``, ``cuda`` or another torch device.
    preset, training
        The preset of our own trainings, and more of their settings by name.
    options
        Choices of single methods by name, such as ``rise_masks``; under the name of a method's
        training, such as ``protopnet``, its own settings by theirs, ``epochs`` among them.
    """

    backbone: str = "resnet18"
    image_size: int = 160
    epochs: int | None = None
    minutes: float | None = None
    seed: int = 0
    device: str = "auto"
    pretrained: bool = False
    backbone_weights: str | None = None
    preset: str = "small"
    training: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))

    def own(self, name: str) -> tuple[FitSettings, dict[str, Any]]:
        """Return the settings of one training: with its own epochs, and its other own settings.

        Parameters
        ----------
        name
            Of the training's folder, such as ``intr_fc`` or ``plain``.

        Raises
        ------
        UserError
            If its settings are no names with values.
        """
        settings = self.options.get(name, {})
        if not isinstance(settings, Mapping):
            raise UserError(f"options of {name} must be names with values, not {settings!r}")
        chosen = dict(settings)
        epochs = chosen.pop("epochs", self.epochs)
        if epochs is not None and (not isinstance(epochs, int) or epochs < 1):
            raise UserError(f"{name}: epochs is a whole number from 1 up, not {epochs!r}")
        return replace(self, epochs=epochs), chosen


Fit = Callable[[Specimens, FitSettings, Path, Progress | None, Say], None]
"""Trains on splits train and val into a folder and goes on with what was interrupted there. When it
returns, ``load`` can read the folder."""


def ready(settings: FitSettings) -> str | None:
    """Say that a method can be trained here."""
    return None


@dataclass(frozen=True)
class MethodKind:
    """A way to explain: how it is trained, and how it is read again.

    Attributes
    ----------
    name, title, order
        Written as plain values, as those of a study: the word for the command line, what people
        call it, its place in tables.
    unit
        What its units are called: ``heads``, ``prototypes``, ``leaves``, ``concepts``, ``map``.
    fit
        Trains it.
    load
        Reads what ``fit`` has left in a folder.
    run
        Name of the folder; methods that explain one and the same model share it. Default: ``name``.
    needs
        Why it cannot be trained here, in one line; None when it can.
    slow
        Whether one explanation takes hundreds of passes of the model: it is asked for fewer.
    """

    name: str
    title: str
    order: int
    unit: str
    fit: Fit
    load: Callable[[Path, FitSettings], Method]
    run: str | None = None
    needs: Callable[[FitSettings], str | None] = ready
    slow: bool = False

    @property
    def folder(self) -> str:
        """Return the name of the folder that ``fit`` writes."""
        return self.run or self.name
