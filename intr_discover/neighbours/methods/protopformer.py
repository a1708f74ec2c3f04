"""ProtoPFormer: similarity to learned parts of each species (Xue et al. 2022)."""

from pathlib import Path

from intr_discover.explain.explainer import choose_device
from intr_discover.explain.method import FitSettings, MethodKind
from intr_discover.neighbours.token_models.checkpoint import load_tokens
from intr_discover.neighbours.token_models.fitting import PROTOPFORMER, fit_protopformer
from intr_discover.neighbours.token_models.token_methods import LocalPrototypes


def load(folder: Path, settings: FitSettings) -> LocalPrototypes:
    """Read what the training has left."""
    return LocalPrototypes(PROTOPFORMER, load_tokens(folder, choose_device(settings.device)))


KIND = MethodKind(
    name="protopformer",
    title="ProtoPFormer",
    order=60,
    unit="prototypes",
    fit=fit_protopformer,
    load=load,
)
