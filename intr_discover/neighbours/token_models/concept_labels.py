"""Concepts of a collection: its marked attributes, moved with the augmented photograph."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torchvision import tv_tensors

from intr_discover.data.images import read_mask, upright_shape
from intr_discover.data.loading import TrainingImages
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError


def concept_names(specimens: Specimens) -> list[str]:
    """Return the concepts of a collection, sorted: its attributes, each state for itself.

    Raises
    ------
    UserError
        If no attribute is marked on any of its photographs.
    """
    table = specimens.attributes
    if table is None or not len(table):
        raise UserError(
            f"{specimens.source}: concepts are learned from marked attributes, and there are none; "
            "add attributes.csv (image, attribute, mask), or leave this method out"
        )
    return sorted(set(_concepts(table)))


def concept_masks(specimens: Specimens, concepts: list[str]) -> list[list[tuple[int, Path]]]:
    """Return, photograph by photograph, the place in ``concepts`` and the mask of each mark.

    Concepts that are not in the list are left out.
    """
    places = {name: place for place, name in enumerate(concepts)}
    marks: dict[str, list[tuple[int, Path]]] = defaultdict(list)
    table = specimens.attributes
    if table is not None:
        for image, concept, mask in zip(
            table["image"], _concepts(table), table["mask"], strict=True
        ):
            if concept in places:
                marks[image].append((places[concept], specimens.root / mask))
    return [marks[image] for image in specimens.table["image"]]


def _concepts(table: pd.DataFrame) -> list[str]:
    """Return the concept of each row: basal_spots (present), or the attribute where no state is."""
    states = table["state"] if "state" in table else pd.Series(None, table.index, dtype=object)
    return [
        f"{attribute} ({state})" if isinstance(state, str) and state else str(attribute)
        for attribute, state in zip(table["attribute"], states, strict=True)
    ]


class ConceptImages(TrainingImages):
    """Augmented training images with their marks, drawn by (epoch, position).

    Parameters
    ----------
    marks
        Of ``concept_masks``, for each path.
    concepts
        Number of concepts C.
    stride
        Pixels a cell.
    others
        As for ``TrainingImages``; of the augmentations only ``none`` and ``light``, which move
        photograph and masks together.
    """

    def __init__(
        self, marks: list[list[tuple[int, Path]]], concepts: int, stride: int, *others: object
    ) -> None:
        super().__init__(*others)  # type: ignore[arg-type]
        self.marks, self.concepts, self.stride = marks, concepts, stride
        self._packed: dict[int, NDArray[np.uint8]] = {}

    def marked(self, drawn: tuple[int, int]) -> tuple[Tensor, int, Tensor]:
        """Return image ``[3, H, W]``, class id, marks ``[C, h, w]`` bool for (epoch, position)."""
        epoch, position = drawn
        pixels = self._read(position)
        label = int(self.labels[position])
        if self.augmentation is None:
            shape = self.preprocessing.resized_shape(*pixels.shape[:2])
            masks = torch.from_numpy(_resized(self._masks(position, pixels.shape[:2]), shape))
            return self.preprocessing(pixels), label, self._cells(position, masks)
        masks = torch.from_numpy(self._masks(position, pixels.shape[:2]))
        entropy = np.random.SeedSequence([self.seed, epoch, position])
        with torch.random.fork_rng(devices=[]):
            # As for images alone: what is drawn depends on (seed, epoch, position) only.
            torch.default_generator.manual_seed(int(entropy.generate_state(1)[0]))
            image, moved = self.augmentation(
                torch.from_numpy(pixels).permute(2, 0, 1).contiguous(), tv_tensors.Mask(masks)
            )
        pixels = image.permute(1, 2, 0).numpy()
        return self.preprocessing.normalise(pixels), label, self._cells(position, moved)

    def _masks(self, position: int, shape: tuple[int, int]) -> NDArray[np.uint8]:
        """Return the masks of a photograph, ``[k, H, W]`` of 0 and 1, in the size that is kept."""
        if position not in self._packed:
            whole = upright_shape(self.paths[position])
            masks = [read_mask(path, whole).astype(np.uint8) for _, path in self.marks[position]]
            stack = np.stack(masks) if masks else np.zeros((0, *shape), np.uint8)
            self._packed[position] = np.packbits(_resized(stack, shape), axis=-1)
        return np.unpackbits(self._packed[position], axis=-1, count=shape[1])

    def _cells(self, position: int, masks: Tensor) -> Tensor:
        """Return which concept lies in which cell, in part at least: ``[C, h, w]`` bool."""
        height, width = masks.shape[-2:]
        below, right = -height % self.stride, -width % self.stride
        grid = ((height + below) // self.stride, (width + right) // self.stride)
        cells = torch.zeros((self.concepts, *grid), dtype=torch.bool)
        if len(masks):
            padded = functional.pad(masks.as_subclass(Tensor).float(), (0, right, 0, below))
            found = functional.max_pool2d(padded[None], self.stride)[0] > 0
            for (concept, _), cell in zip(self.marks[position], found, strict=True):
                cells[concept] |= cell
        return cells


def _resized(masks: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Bring masks ``[k, H, W]`` to another size; a pixel that holds a part of a mark is marked."""
    if masks.shape[1:] == shape:
        return masks
    size = (shape[1], shape[0])
    made = [cv2.resize(m.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0 for m in masks]
    return np.stack(made).astype(np.uint8) if made else np.zeros((0, *shape), np.uint8)


def stack_marks(marks: list[Tensor], grid: tuple[int, int]) -> Tensor:
    """Stack marks ``[C, h, w]`` of photographs of different sizes to ``[B, C, *grid]``."""
    padded = [
        functional.pad(mark, (0, grid[1] - mark.shape[2], 0, grid[0] - mark.shape[1]))
        for mark in marks
    ]
    return torch.stack(padded)
