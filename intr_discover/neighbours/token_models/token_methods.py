"""Token models as methods of a comparison: local prototypes and concepts are their units."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from intr_discover.data.images import to_array
from intr_discover.data.loading import ImageSource, evaluation_batches
from intr_discover.errors import UserError, shorten
from intr_discover.explain.method import Method, Units
from intr_discover.model.checkpoint import fingerprint
from intr_discover.neighbours.token_models.checkpoint import LoadedTokens
from intr_discover.neighbours.token_models.concept_transformer import ConceptTransformer
from intr_discover.neighbours.token_models.protopformer import ProtoPFormer


class TokenMethod(Method):
    """What the methods have in common.

    Parameters
    ----------
    name
        Of the method.
    loaded
        The model and what belongs to it.
    """

    def __init__(self, name: str, loaded: LoadedTokens) -> None:
        self.name = name
        self.classes = loaded.classes
        self.loaded = loaded

    @property
    def parameters(self) -> int:
        """Return how many numbers the model holds."""
        return sum(weight.numel() for weight in self.loaded.model.parameters())

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of its weights."""
        return fingerprint(self.loaded.model)

    @torch.inference_mode()
    def logits(self, images: Sequence[ImageSource], *, batch_size: int = 32) -> NDArray[np.float32]:
        """Return the logits ``[n, C]``."""
        logits = np.zeros((len(images), len(self.classes)), dtype=np.float32)
        for positions, batch in evaluation_batches(images, self.loaded.preprocessing, batch_size):
            logits[positions] = self.loaded.model(batch).logits.cpu().numpy()
        return logits

    def _class_id(self, label: str) -> int:
        if label not in self.classes:
            raise UserError(f"the model knows no class '{label}'; it knows {shorten(self.classes)}")
        return self.classes.index(label)

    @torch.inference_mode()
    def _ask(self, image: ImageSource) -> tuple[Any, tuple[int, int], tuple[int, int]]:
        """Return the answer to one photograph, its size as it is read, and its own size."""
        pixels = to_array(image)
        read = self.loaded.preprocessing(pixels)
        output = self.loaded.model(read[None])
        return output, (read.shape[1], read.shape[2]), (pixels.shape[0], pixels.shape[1])


class LocalPrototypes(TokenMethod):
    """ProtoPFormer: a unit is a local prototype of the class.

    Its map is its similarity to each kept cell, 0 elsewhere; its strength is what its largest
    similarity adds to the class's logit. The global prototypes look at the whole photograph, so
    they have no map and are no units.
    """

    def units(self, image: ImageSource, label: str) -> Units:
        """Return the similarity maps of the class's local prototypes."""
        place = self._class_id(label)
        output, read, whole = self._ask(image)
        model = self.loaded.model
        assert isinstance(model, ProtoPFormer)
        maps = output.similarities[0, place].float().cpu().numpy()
        strengths = (1 - model.config.global_share) * maps.max((1, 2)).astype(np.float64)
        names = tuple(f"prototype {number}" for number in range(len(maps)))
        return Units(maps, strengths, names, model.stride, read, whole)


class Concepts(TokenMethod):
    """Concept Transformer: a unit is a concept, the same ones for every class.

    Its map is the attention of each cell to it, in [0, 1]; its strength is what it adds to the
    class's logit beyond what it adds to the mean of all classes, below 0 where it speaks against.
    """

    def units(self, image: ImageSource, label: str) -> Units:
        """Return the attention maps of all concepts."""
        place = self._class_id(label)
        output, read, whole = self._ask(image)
        model = self.loaded.model
        assert isinstance(model, ConceptTransformer)
        gives = output.contributions[0].double().cpu().numpy()
        return Units(
            output.attention[0].float().cpu().numpy(),
            gives[:, place] - gives.mean(axis=1),
            tuple(self.loaded.concepts),
            model.stride,
            read,
            whole,
        )
