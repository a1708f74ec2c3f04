"""Read the run folder of a token model; nothing in it is executed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.errors import UserError, shorten
from intr_discover.model.checkpoint import CONFIG, WEIGHTS, read_config
from intr_discover.model.weight_files import read_weights
from intr_discover.neighbours.token_models.concept_transformer import (
    ConceptTransformer,
    ConceptTransformerConfig,
)
from intr_discover.neighbours.token_models.protopformer import ProtoPFormer, ProtoPFormerConfig


@dataclass
class LoadedTokens:
    """A token model with what belongs to it.

    Attributes
    ----------
    model
        In evaluation mode.
    preprocessing
        How it reads photographs.
    classes, concepts
        Names in the order of their ids; no concepts for a ProtoPFormer.
    """

    model: ProtoPFormer | ConceptTransformer
    preprocessing: Preprocessing
    classes: list[str]
    concepts: list[str]


def load_tokens(folder: Path, device: torch.device | str = "cpu") -> LoadedTokens:
    """Read ``model.safetensors`` and ``config.json`` of a token model.

    Raises
    ------
    UserError
        If the folder holds no such run, its settings cannot be, or its weights do not fit them.
    """
    config = read_config(folder)
    where = str(folder / CONFIG)
    with torch.random.fork_rng(devices=[]):
        model = _build(config["model"], where)
    stored = read_weights(folder / WEIGHTS).weights
    own = model.state_dict()
    wrong = sorted(set(own) ^ set(stored)) + [
        name for name in own if name in stored and own[name].shape != stored[name].shape
    ]
    if wrong:
        raise UserError(
            f"{folder / WEIGHTS}: damaged, or of another model, for these weights do not fit: "
            f"{shorten(wrong)}; train again into another folder"
        )
    if not all(bool(torch.isfinite(w).all()) for w in stored.values() if w.is_floating_point()):
        raise UserError(f"{folder / WEIGHTS}: holds NaN or infinite numbers; train again")
    model.load_state_dict(dict(stored))
    classes = _names(config, "classes", model.config.num_classes, where)
    concepts = []
    if isinstance(model, ConceptTransformer):
        concepts = _names(config, "concepts", model.config.num_concepts, where)
    preprocessing = Preprocessing.from_dict(config.get("preprocessing", {}))
    return LoadedTokens(model.to(device).eval(), preprocessing, classes, concepts)


def _names(config: Mapping[str, Any], key: str, count: int, where: str) -> list[str]:
    names = config.get(key)
    if not isinstance(names, list) or len(names) != count:
        raise UserError(f"{where}: must name {count} {key}, one for each of the model")
    return [str(name) for name in names]


def _build(description: Mapping[str, Any], where: str) -> ProtoPFormer | ConceptTransformer:
    kind = description.get("kind")
    try:
        if kind == "protopformer":
            _check_names(description, ProtoPFormerConfig)
            return ProtoPFormer(ProtoPFormerConfig(**description))
        if kind == "concept-transformer":
            _check_names(description, ConceptTransformerConfig)
            return ConceptTransformer(ConceptTransformerConfig(**description))
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: the model's settings cannot be: {error}") from error
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    raise UserError(
        f"{where}: holds a model of kind {kind!r}, no protopformer or concept-transformer"
    )


def _check_names(description: Mapping[str, Any], kind: type) -> None:
    unknown = sorted(set(description) - {field.name for field in fields(kind)})
    if unknown:
        raise UserError(f"unknown model settings: {shorten(unknown)}")
