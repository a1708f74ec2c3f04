"""Which specimen of a collection lies how over which other: by landmarks, else by outlines."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from intr_discover.data.foreground import automatic_foreground
from intr_discover.data.images import read_image, read_mask, upright_shape
from intr_discover.data.specimens import Specimens
from intr_discover.edits.warping import (
    Places,
    places_by_landmarks,
    places_by_outline,
    shared_landmarks,
)
from intr_discover.errors import UserError

Mask = NDArray[np.bool_]
By = Literal["landmarks", "mask", "guessed mask"]


@dataclass(frozen=True)
class Outline:
    """Where one specimen is on its photograph.

    Attributes
    ----------
    mask
        ``[H, W]``; None where nothing was found.
    guessed
        Whether it was found by :func:`automatic_foreground`.
    """

    mask: Mask | None
    guessed: bool


class Alignment:
    """Lays the specimens of a collection over each other.

    Parameters
    ----------
    specimens
        The photographs; only what is asked for is read.
    """

    def __init__(self, specimens: Specimens) -> None:
        self._specimens = specimens
        # Of the two that are laid over each other: one template meets many specimens.
        self._outline = lru_cache(maxsize=2)(self._read_outline)
        self._landmarks: dict[str, dict[str, tuple[float, float]]] = {}
        if specimens.keypoints is not None:
            visible = specimens.keypoints.dropna(subset=["x", "y"])
            for image, name, x, y in zip(
                visible["image"], visible["keypoint"], visible["x"], visible["y"], strict=True
            ):
                self._landmarks.setdefault(image, {})[name] = (float(x), float(y))

    def landmarks(self, row: int) -> dict[str, tuple[float, float]]:
        """Return the visible landmarks of a row by name, (x, y) in pixels.

        Raises
        ------
        UserError
            If one lies off the photograph, or the photograph cannot be read.
        """
        image = self._specimens.table["image"].iloc[row]
        found = self._landmarks.get(image, {})
        if found:
            height, width = self.shape(row)
            for name, (x, y) in found.items():
                if not (-0.5 <= x <= width + 0.5 and -0.5 <= y <= height + 0.5):
                    raise UserError(
                        f"{self._specimens.root / 'keypoints.csv'}: keypoint '{name}' of {image} "
                        f"lies off the photograph, at ({x:g}, {y:g}) of {width} x {height} pixels: "
                        "correct it, or leave x and y empty where the point is not visible"
                    )
        return found

    def shape(self, row: int) -> tuple[int, int]:
        """Return (height, width) of a row's photograph."""
        return upright_shape(self._specimens.paths[row])

    def outline(self, row: int) -> Outline:
        """Return the specimen of a row: its mask, or a guess where the table has none.

        Raises
        ------
        UserError
            If the photograph or the mask cannot be read, or does not fit.
        """
        return self._outline(row)

    def places(self, template: int, row: int) -> tuple[Places, By] | None:
        """Return where the pixels of a row lie on a template, and what that rests on.

        Landmarks go before outlines. None where neither is there.

        Raises
        ------
        UserError
            As ``outline``.
        """
        points = self.landmarks(template), self.landmarks(row)
        if shared_landmarks(*points):
            return places_by_landmarks(*points, self.shape(row)), "landmarks"
        there, here = self.outline(template), self.outline(row)
        if there.mask is None or here.mask is None:
            return None
        guessed = there.guessed or here.guessed
        return places_by_outline(there.mask, here.mask), "guessed mask" if guessed else "mask"

    def _read_outline(self, row: int) -> Outline:
        path = self._specimens.mask_paths[row]
        if path is not None:
            found = read_mask(path, self.shape(row))
            return Outline(found if found.any() else None, False)
        return Outline(automatic_foreground(read_image(self._specimens.paths[row])), True)
