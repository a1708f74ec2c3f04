"""Concept Transformer: attention to attributes that people have marked (Rigotti et al. 2022)."""

from pathlib import Path

from intr_discover.explain.explainer import choose_device
from intr_discover.explain.method import FitSettings, MethodKind
from intr_discover.neighbours.token_models.checkpoint import load_tokens
from intr_discover.neighbours.token_models.fitting import (
    CONCEPT_TRANSFORMER,
    fit_concept_transformer,
)
from intr_discover.neighbours.token_models.token_methods import Concepts


def load(folder: Path, settings: FitSettings) -> Concepts:
    """Read what the training has left."""
    return Concepts(CONCEPT_TRANSFORMER, load_tokens(folder, choose_device(settings.device)))


KIND = MethodKind(
    name="concept_transformer",
    title="Concept Transformer",
    order=65,
    unit="concepts",
    fit=fit_concept_transformer,
    load=load,
)
