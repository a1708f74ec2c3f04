"""What a run folder's ``config.json`` says: the model, its settings, and what it was trained on."""

from __future__ import annotations

from typing import Any, Protocol

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.provenance import versions
from intr_discover.training.config import TrainingConfig, as_dict
from intr_discover.training.prepare import TrainingData


class Described(Protocol):
    """A model that can say what decides its shape."""

    def describe(self) -> dict[str, Any]:
        """Return it by name."""
        ...


def describe_training(
    model: Described, config: TrainingConfig, preprocessing: Preprocessing, data: TrainingData
) -> dict[str, Any]:
    """Return what makes a run readable without its training, and a training comparable.

    Parameters
    ----------
    model
        The model that is trained.
    config
        All settings.
    preprocessing
        How it wants its photographs.
    data
        Classes, and the photographs of training and validation.
    """
    return {
        "format": 1,
        "model": model.describe(),
        "preprocessing": preprocessing.as_dict(),
        "classes": data.classes,
        "training": as_dict(config),
        "data": {
            "fingerprint": data.fingerprint,
            "train": len(data.train),
            "validation": len(data.validation),
            "validation_images": data.validation.table["image"].tolist(),
        },
        "versions": versions(),
    }
