"""What a backbone begins with: random weights, timm's own from the hub, or a file here."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor

from intr_discover.errors import UserError, shorten
from intr_discover.model.weight_files import read_weights

WEIGHTS = "model.safetensors"

_IN_A_RUN = ("network.", "backbone.network.")
"""How the weights of a backbone begin in our own models: the plain classifier, INTR."""


def create_network(
    name: str,
    *,
    pretrained: bool = False,
    weights: str | os.PathLike[str] | None = None,
    **options: Any,
) -> Any:
    """Build a timm model with its first weights.

    Parameters
    ----------
    name
        A timm model name.
    pretrained
        Take timm's weights from the cache of the hub on this machine, or fetch them.
    weights
        Take these instead, and touch no network: a file, or a folder that
        holds ``model.safetensors``. Nothing in a file is executed.
    options
        For ``timm.create_model``.

    Raises
    ------
    UserError
        If the weights cannot be had, or are those of another model.
    """
    if weights is not None:
        return _from_file(name, Path(weights), options)
    try:
        return timm.create_model(name, pretrained=pretrained, **options)
    except OSError as error:  # the hub's own errors for what is neither here nor to be had
        if not pretrained:
            raise
        raise UserError(
            f"the pretrained weights of {name} are not on this machine and cannot be fetched; on a "
            f"machine with a network: intr-discover models fetch {name} --to weights; "
            "then copy the folder and add --set backbone_weights=weights"
        ) from error
    except RuntimeError as error:
        if not pretrained or "No pretrained weights exist" not in str(error):
            raise
        raise UserError(
            f"there are no pretrained weights of {name}; add --set pretrained=false"
        ) from error


def read_backbone_weights(place: Path, name: str) -> dict[str, Tensor]:
    """Return the weights of a timm model out of a file or a folder.

    Parameters
    ----------
    place
        A file, or a folder that holds ``model.safetensors``: timm's own, or a run folder of ours
        with that backbone, whose classifier is left out.
    name
        The timm model that they are for.

    Raises
    ------
    UserError
        If they cannot be read, or are those of another model.
    """
    path = place / WEIGHTS if place.is_dir() else place
    if place.is_dir() and not path.is_file():
        raise UserError(f"{place} holds no {WEIGHTS}; name the folder or the file of the weights")
    found = _out_of_a_run(read_weights(path).weights, name)
    _refuse_others(found, path, name.split(".")[0])
    return found


def _out_of_a_run(found: dict[str, Tensor], name: str) -> dict[str, Tensor]:
    """Return the weights of the backbone of a model of ours by timm's names; others as they are."""
    for begins in _IN_A_RUN:
        own = {key.removeprefix(begins): found[key] for key in found if key.startswith(begins)}
        if own:
            # It tells the classes of that training apart, and the next one has others.
            classifier = timm.get_pretrained_cfg_value(name, "classifier") or "fc"
            return {key: each for key, each in own.items() if not key.startswith(f"{classifier}.")}
    return found


def _from_file(name: str, place: Path, options: dict[str, Any]) -> Any:
    found = read_backbone_weights(place, name)
    try:
        network = timm.create_model(
            name, pretrained=True, pretrained_cfg_overlay={"state_dict": found}, **options
        )
    except (RuntimeError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"{place}: does not fit the backbone {name}: {reason}") from error
    for kept in ("pretrained_cfg", "default_cfg"):  # else they would be held twice
        getattr(network, kept, {}).pop("state_dict", None)
    return network


def _refuse_others(found: dict[str, Tensor], path: Path, wanted: str) -> None:
    """Refuse weights in which none of the model's own has its name and shape.

    timm itself takes what fits and stays silent about the rest.
    """
    with torch.device("meta"):
        own = timm.create_model(wanted).state_dict()
    missing = [name for name in own if name not in found or found[name].shape != own[name].shape]
    if len(missing) > len(own) / 2:
        raise UserError(f"{path}: not the weights of {wanted}: it lacks {shorten(missing, most=3)}")
