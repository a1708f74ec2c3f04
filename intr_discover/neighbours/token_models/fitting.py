"""Train a token model for a comparison."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from intr_discover.data.specimens import Specimens
from intr_discover.explain.method import FitSettings, Progress, Say
from intr_discover.neighbours.token_models.concept_labels import concept_names
from intr_discover.neighbours.token_models.concept_transformer import (
    ConceptTransformer,
    ConceptTransformerConfig,
)
from intr_discover.neighbours.token_models.protopformer import ProtoPFormer, ProtoPFormerConfig
from intr_discover.neighbours.token_models.settings import token_settings
from intr_discover.neighbours.token_models.training import TokenModel, train_tokens
from intr_discover.training.config import TrainingConfig
from intr_discover.training.prepare import prepare_data
from intr_discover.training.run_folder import RunFolder

PROTOPFORMER = "protopformer"
CONCEPT_TRANSFORMER = "concept_transformer"

# Learning rates and decay of the authors' code, for a pretrained backbone; batch size, schedule and
# augmentation are those of INTR.
PROTOPFORMER_RECIPE = {
    "learning_rate": 3e-3,
    "backbone_learning_rate": 1e-4,
    "weight_decay": 0.05,
    "label_smoothing": 0.0,
}
CONCEPT_RECIPE = {"learning_rate": 5e-5, "weight_decay": 1e-3, "label_smoothing": 0.0}
# A backbone that is not pretrained has everything to learn. Chosen on the validation photographs of
# drawn collections, as was what a method takes for pretrained: see the two functions at the end.
PROTOPFORMER_SCRATCH = {
    **PROTOPFORMER_RECIPE,
    "learning_rate": 1e-2,
    "backbone_learning_rate": 1e-3,
}
CONCEPT_SCRATCH = {
    **CONCEPT_RECIPE,
    "learning_rate": 5e-3,
    "backbone_learning_rate": 1e-3,
}
# As the authors have it for the digits, which they train from scratch.
CONCEPT_SCRATCH_MODEL = {"explanation_weight": 5.0, "sparsity_weight": 0.0}


def fit_protopformer(
    specimens: Specimens,
    settings: FitSettings,
    folder: Path,
    progress: Progress | None,
    say: Say,
) -> None:
    """Train a ProtoPFormer into a run folder, or go on with it."""
    chosen = token_settings(
        PROTOPFORMER,
        settings,
        PROTOPFORMER_RECIPE if _has_weights(settings) else PROTOPFORMER_SCRATCH,
        ProtoPFormerConfig,
    )
    data = prepare_data(specimens, chosen.training)
    config = ProtoPFormerConfig(len(data.classes), **_prototypes(settings), **chosen.model)
    torch.manual_seed(chosen.training.seed)
    model = ProtoPFormer(config, **_weights(chosen.training))
    train_tokens(
        model, data, chosen.training, folder,
        minutes=chosen.minutes, device=settings.device, progress=progress, say=say,
    )  # fmt: skip


def fit_concept_transformer(
    specimens: Specimens,
    settings: FitSettings,
    folder: Path,
    progress: Progress | None,
    say: Say,
) -> None:
    """Train a Concept Transformer into a run folder, or go on with it.

    Raises
    ------
    UserError
        If no attribute is marked on the training photographs.
    """
    chosen = token_settings(
        CONCEPT_TRANSFORMER,
        settings,
        CONCEPT_RECIPE if _pretrained(settings) else CONCEPT_SCRATCH,
        ConceptTransformerConfig,
    )
    data = prepare_data(specimens, chosen.training)
    concepts = concept_names(data.train)
    usual = {} if _pretrained(settings) else CONCEPT_SCRATCH_MODEL
    config = ConceptTransformerConfig(len(data.classes), len(concepts), **{**usual, **chosen.model})
    torch.manual_seed(chosen.training.seed)
    model: TokenModel = ConceptTransformer(config, **_weights(chosen.training))
    train_tokens(
        model, data, chosen.training, folder, concepts=concepts,
        minutes=chosen.minutes, device=settings.device, progress=progress, say=say,
    )  # fmt: skip


def _has_weights(settings: FitSettings) -> bool:
    """Tell whether the backbone begins with weights of any origin."""
    return settings.pretrained or settings.backbone_weights is not None


def _pretrained(settings: FitSettings) -> bool:
    """Tell whether the backbone has seen many photographs: a run of ours has seen only these."""
    if settings.backbone_weights is None:
        return settings.pretrained
    return RunFolder(Path(settings.backbone_weights)).config is None


def _prototypes(settings: FitSettings) -> dict[str, Any]:
    """Return how many prototypes of each kind a class has, where all methods are told so."""
    count = settings.options.get("prototypes_per_class")
    own = settings.options.get(PROTOPFORMER, {})
    names = ("global_prototypes", "local_prototypes")
    return {} if count is None else {name: int(count) for name in names if name not in own}


def _weights(config: TrainingConfig) -> dict[str, Any]:
    return {"pretrained": config.pretrained, "weights": config.backbone_weights}
