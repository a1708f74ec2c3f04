"""Batches of training photographs, with the marks of their concepts where there are any."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from intr_discover.data.augmentation import build_augmentation
from intr_discover.data.loading import TrainingImages, training_batches
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.errors import UserError
from intr_discover.neighbours.token_models.concept_labels import ConceptImages, concept_masks
from intr_discover.training.config import TrainingConfig
from intr_discover.training.prepare import TrainingData


def marked_batches(
    images: TrainingImages, batches: list[list[int]], epoch: int, config: TrainingConfig
) -> Iterator[tuple[list[Tensor], Tensor, list[Tensor] | None]]:
    """Yield images ``[3, h, w]``, class ids ``[B]`` and marks ``[C, h, w]`` of given batches.

    Marks are None where the images have no concepts.
    """
    if not isinstance(images, ConceptImages):
        for batch, labels in training_batches(images, batches, epoch, config.workers):
            yield batch, labels, None
        return
    for positions in batches:
        drawn = [images.marked((epoch, position)) for position in positions]
        yield (
            [image for image, _, _ in drawn],
            torch.tensor([label for _, label, _ in drawn]),
            [marks for _, _, marks in drawn],
        )


def training_images(
    stride: int,
    data: TrainingData,
    config: TrainingConfig,
    preprocessing: Preprocessing,
    concepts: list[str] | None,
) -> TrainingImages:
    """Return the training photographs of a token model, with their marks where it has concepts.

    Parameters
    ----------
    stride
        Pixels a cell of the marks.
    data, config, preprocessing, concepts
        As for ``train_tokens``.

    Raises
    ------
    UserError
        If the augmentation cannot move marks.
    """
    augmentation = build_augmentation(
        config.augmentation, config.image_size, config.longest_side, config.smallest_crop
    )
    light = config.augmentation == "light"
    shared = (
        data.train.paths,
        data.train.label_ids(data.classes),
        preprocessing,
        augmentation,
        config.seed,
        round(1.5 * config.image_size) if light and config.workers == 0 else None,
    )
    if concepts is None:
        return TrainingImages(*shared)
    if config.augmentation == "detr":
        raise UserError("augmentation 'detr' does not move marks: use light or none with concepts")
    marks = concept_masks(data.train, concepts)
    return ConceptImages(marks, len(concepts), stride, *shared)
