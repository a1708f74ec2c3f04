"""From a photograph to the tensor a model reads, the same way in training and evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from intr_discover.errors import UserError

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Preprocessing:
    """How a photograph is resized and normalised; a model carries its own.

    Attributes
    ----------
    size
        Pixels of the shorter side, or of both sides when ``resize`` is ``"square"``.
    resize
        ``"shorter"`` keeps the aspect ratio; ``"square"`` stretches. Nothing is ever cropped.
    longest
        Upper limit of the longer side in pixels, or None (``"shorter"`` only).
    mean, std
        Per-channel mean and standard deviation of pixels in [0, 1].
    """

    size: int = 800
    resize: Literal["shorter", "square"] = "shorter"
    longest: int | None = 1333
    mean: tuple[float, float, float] = IMAGENET_MEAN
    std: tuple[float, float, float] = IMAGENET_STD

    def __post_init__(self) -> None:
        if self.size < 1 or (self.longest is not None and self.longest < self.size):
            raise UserError(
                f"image size {self.size} must be at least 1 and at most the longest side "
                f"{self.longest}"
            )
        if self.resize not in ("shorter", "square"):
            raise UserError(f"resize '{self.resize}' is unknown: use shorter or square")

    def resized_shape(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) in pixels to which a photograph is resized.

        Notes
        -----
        As in DETR: the shorter side becomes ``size`` unless the longer would pass ``longest``.
        """
        if self.resize == "square":
            return self.size, self.size
        scale = self.size / min(height, width)
        if self.longest is not None:
            scale = min(scale, self.longest / max(height, width))
        return max(1, round(height * scale)), max(1, round(width * scale))

    def normalise(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Turn uint8 RGB ``[h, w, 3]`` into a normalised float32 tensor ``[3, h, w]``."""
        tensor = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).float() / 255
        mean = torch.tensor(self.mean)[:, None, None]
        std = torch.tensor(self.std)[:, None, None]
        return (tensor - mean) / std

    def __call__(self, photograph: NDArray[np.uint8]) -> Tensor:
        """Resize (bilinear, antialiased) and normalise a photograph.

        Parameters
        ----------
        photograph
            uint8 RGB ``[H, W, 3]``.

        Returns
        -------
        Tensor
            float32 ``[3, h, w]`` with ``(h, w) = resized_shape(H, W)``.
        """
        height, width = self.resized_shape(*photograph.shape[:2])
        if (height, width) != photograph.shape[:2]:
            resized = Image.fromarray(photograph).resize((width, height), Image.Resampling.BILINEAR)
            photograph = np.array(resized)
        return self.normalise(photograph)

    def as_dict(self) -> dict[str, Any]:
        """Return a flat dictionary for ``config.json``."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Preprocessing:
        """Rebuild from ``as_dict``; tuples come back from JSON as lists.

        Raises
        ------
        UserError
            If the values are not those of ``as_dict``.
        """
        try:
            known = dict(values)
            for name in ("mean", "std"):
                red, green, blue = map(float, known[name])
                known[name] = (red, green, blue)
            for name, value in known.items():
                if name in ("size", "longest") and not isinstance(value, int | None):
                    raise TypeError(f"{name} is no whole number: {value!r}")
            rebuilt = cls(**known)
        except (KeyError, TypeError, ValueError) as error:
            raise UserError(f"the preprocessing cannot be read: {error}") from error
        numbers = np.array([rebuilt.mean, rebuilt.std])
        if not np.isfinite(numbers).all() or numbers[1].min() <= 0:
            raise UserError(f"the preprocessing has mean {rebuilt.mean} and std {rebuilt.std}")
        return rebuilt
