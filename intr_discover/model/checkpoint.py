"""Save and load models: run folders of our own, official INTR and DETR checkpoints."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

import torch
from safetensors.torch import save as as_bytes
from torch import Tensor, nn

from intr_discover.errors import UserError, is_memory_trouble, shorten
from intr_discover.files import replacing, write_json
from intr_discover.model.intr import INTR, INTRConfig
from intr_discover.model.layouts import (
    check_arguments,
    fit_queries,
    infer_config,
    is_counter,
    recognise,
    to_official,
    without_detection_heads,
)
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.model.weight_files import StoredWeights, read_weights

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
FORMAT = 1

Model = INTR | PlainClassifier
Source = str | os.PathLike[str] | Mapping[str, Any]


def save_checkpoint(
    folder: str | os.PathLike[str], model: Model, extra: Mapping[str, Any] | None = None
) -> None:
    """Write a run folder: ``model.safetensors`` and ``config.json``.

    Parameters
    ----------
    folder
        Made if absent; other files in it stay.
    model
        Its weights are written as they are, in their own precision.
    extra
        More entries of ``config.json``: preprocessing, class names, versions, data fingerprint.

    Raises
    ------
    ValueError
        If ``extra`` names ``format`` or ``model``, which are written here.
    """
    taken = {"format", "model"} & set(extra or {})
    if taken:
        raise ValueError(f"extra must not hold {sorted(taken)}")
    config = {"format": FORMAT, "model": model.describe(), **(extra or {})}
    # Both files are complete before either takes the place of an old one.
    with replacing(Path(folder, CONFIG)) as new_config, replacing(Path(folder, WEIGHTS)) as new:
        write_json(new_config, config)
        _write_weights(new, model)


def save_weights(
    path: str | os.PathLike[str], model_or_state_dict: nn.Module | Mapping[str, Tensor]
) -> None:
    """Write weights alone to a ``.safetensors`` file, whole or not at all."""
    with replacing(path) as temporary:
        _write_weights(temporary, model_or_state_dict)


def _write_weights(path: Path, weights: nn.Module | Mapping[str, Tensor]) -> None:
    tensors = weights.state_dict() if isinstance(weights, nn.Module) else weights
    content = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # Not its save_file, which writes a temporary file of its own and leaves it when killed.
    path.write_bytes(as_bytes(content, metadata={"format": "pt"}))


def read_config(folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the content of a run folder's ``config.json``.

    Raises
    ------
    UserError
        If the folder has none, or it is not one that this version reads.
    """
    path = Path(folder, CONFIG)
    if not path.is_file():
        raise UserError(f"{folder}: not a run folder, for it has no {CONFIG}")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: damaged, for it is not JSON ({error})") from error
    if not isinstance(config, dict) or not isinstance(config.get("model"), dict):
        raise UserError(f"{path}: says nothing of a model; is this the config.json of a run?")
    if config.get("format") != FORMAT:
        raise UserError(
            f"{path}: has format {config.get('format')!r}, this version reads {FORMAT}; "
            "update intr-discover"
        )
    return config


def load_checkpoint(
    path_or_state_dict: Source,
    *,
    num_classes: int | None = None,
    device: str | torch.device = "cpu",
    seed: int = 0,
) -> Model:
    """Read a model; nothing from a file is executed and no network is touched.

    Parameters
    ----------
    path_or_state_dict
        A run folder or the ``.safetensors`` file in it; an official INTR or a DETR checkpoint
        (``.pth``, ``.pt``, ``.safetensors``); a state dict of these; or a dictionary with a state
        dict under ``"model"`` and the training arguments under ``"args"``.
    num_classes
        Number of classes. Only a DETR checkpoint can be fitted to it (default: as many as it has
        queries); for others it must be theirs.
    device
        Where the model goes.
    seed
        Seed of what a DETR checkpoint lacks: the presence vector and the noise on copied queries
        (see ``fit_queries``). The global random number generator stays as it is.

    Returns
    -------
    INTR or PlainClassifier
        In evaluation mode, in float32.

    Raises
    ------
    UserError
        If the file cannot be read, is of an unknown model, misses weights, or holds weights of
        other names or shapes; the message names them as the file does.

    Notes
    -----
    A DETR trained with a dilated backbone (DC5) and published without its arguments looks like
    any other; it is read with the usual stride of 32.
    """
    stored, run = _read(path_or_state_dict)
    layout = recognise(stored.weights, stored.where)
    if layout == "native":
        if run is None:
            raise UserError(
                f"{stored.where}: these weights need the {CONFIG} of their run beside them; "
                "give the run folder"
            )
        model = _build(read_config(run)["model"], str(run / CONFIG))
        _check_classes(num_classes, model.config.num_classes, stored.where)
        _fill(model, stored.weights, stored.where, str)
    else:
        weights = stored.weights
        config = infer_config(
            weights, stored.arguments, stored.where, num_classes if layout == "detr" else None
        )
        _check_classes(num_classes, config.num_classes, stored.where)
        if layout == "detr":
            weights = _as_untrained_intr(weights, config, seed)
        model = _quietly(lambda: INTR(config))
        _fill(model, weights, stored.where, to_official)
    return model.to(device).eval()


def initialise_from(model: Model, path_or_state_dict: Source, *, seed: int = 0) -> list[str]:
    """Start an existing INTR from the weights of another model, as far as they fit.

    Class queries are fitted to the number of classes (see ``fit_queries``). The presence vector is
    copied where its shape is the same. Weights that the model has no place for are left out.

    Parameters
    ----------
    model
        Of kind ``intr`` or ``intr-fc``; changed in place.
    path_or_state_dict
        As for ``load_checkpoint``; a run's weights may also come without their ``config.json``.
    seed
        Seed of the noise on copied class queries.

    Returns
    -------
    list of str
        Names of the model's weights that stayed as they were, because the file has none for them.

    Raises
    ------
    UserError
        If the file cannot be read, nothing in it fits, weights have other shapes, or its number of
        attention heads differs.
    """
    if not isinstance(model, INTR):
        raise UserError("only the model kinds intr and intr-fc can start from a checkpoint")
    stored, run = _read(path_or_state_dict)
    layout = recognise(stored.weights, stored.where)
    if layout == "native":
        theirs: Callable[[str], str] = str
        config = {} if run is None else read_config(run)["model"]
        heads = config.get("heads", model.config.heads)
    else:
        theirs = to_official
        heads = check_arguments(stored.arguments, stored.weights, stored.where)
    if heads != model.config.heads:
        raise UserError(
            f"{stored.where}: its attention has {heads} heads, the new model {model.config.heads}; "
            "give the new model as many"
        )
    generator = torch.Generator().manual_seed(seed)
    fitting: dict[str, Tensor] = {}
    fresh: list[str] = []
    wrong: list[str] = []
    for name, own in model.state_dict().items():
        weight = stored.weights.get(theirs(name))
        if name == "class_queries.weight" and weight is not None and _is_matrix(weight):
            weight = fit_queries(weight, own.shape[0], generator)
        if name.startswith("presence.") and weight is not None and weight.shape != own.shape:
            weight = None  # the vectors of other classes are of no use
        if weight is None:
            if not is_counter(name):
                fresh.append(name)
        elif _same_form(weight, own):
            fitting[name] = weight
        else:
            wrong.append(_mismatch(theirs(name), weight, own))
    if wrong:
        raise UserError(
            f"{stored.where}: does not fit the new model: {shorten(wrong)}; choose the same "
            "backbone, stride, width and feed-forward size"
        )
    if not fitting:
        raise UserError(f"{stored.where}: nothing in it fits an INTR")
    model.load_state_dict(fitting, strict=False)
    return fresh


def fingerprint(model: nn.Module) -> str:
    """Return the SHA-256 of all weights: their names, types, shapes and bytes.

    Returns
    -------
    str
        64 hexadecimal digits. The order of the names and the device do not matter.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        tensor = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def _read(source: Source) -> tuple[StoredWeights, Path | None]:
    """Return the weights, and the run folder that they lie in or None."""
    if isinstance(source, Mapping):
        return read_weights(source), None
    path = Path(source)
    if path.is_dir():
        read_config(path)  # says that this is no run folder before the weights are missed
        path = path / WEIGHTS
        if not path.exists():
            raise UserError(f"{path.parent}: has no {WEIGHTS}; did its training end too early?")
    run = path.parent if (path.parent / CONFIG).is_file() else None
    return read_weights(path), run


def _build(description: Mapping[str, Any], where: str) -> Model:
    """Build the model that a ``config.json`` describes, with random weights."""
    kinds = {"intr": INTRConfig, "intr-fc": INTRConfig, "plain": PlainConfig}
    kind = description.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise UserError(
            f"{where}: model kind {kind!r} is unknown; if study neighbours has trained it, "
            f"add --method {kind}, else update intr-discover"
        )
    fields = get_type_hints(kinds[kind])
    unknown = sorted(set(description) - set(fields))
    if unknown:
        raise UserError(f"{where}: unknown model settings: {shorten(unknown)}")
    if "num_classes" not in description:
        raise UserError(f"{where}: the model has no num_classes")
    for name, value in description.items():
        if not _is_of(value, fields[name]):
            raise UserError(f"{where}: model setting {name} cannot be {value!r}")
    try:
        config = kinds[kind](**description)
        if isinstance(config, PlainConfig):
            return _quietly(lambda: PlainClassifier(config))
        return _quietly(lambda: INTR(config))
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    except (MemoryError, RuntimeError) as error:
        if not is_memory_trouble(error):
            raise
        raise UserError(f"{where}: a model of this size does not fit into the memory") from error


def _is_of(value: object, hint: Any) -> bool:
    """Tell whether a value read from JSON is of a field's type; a whole number may be a float."""
    for allowed in get_args(hint) or (hint,):
        if isinstance(allowed, type):
            if type(value) is allowed or (allowed is float and type(value) is int):
                return True
        elif value == allowed:
            return True
    return False


def _quietly(build: Callable[[], Any]) -> Any:
    """Build a model without a trace in the random numbers that the caller draws next."""
    with torch.random.fork_rng(devices=[]):
        return build()


def _check_classes(wanted: int | None, present: int, where: str) -> None:
    if wanted is not None and wanted != present:
        raise UserError(
            f"{where}: a model of {present} classes, not {wanted}; to train one of {wanted} "
            "classes from it, give it to `intr-discover train --init`"
        )


def _as_untrained_intr(
    weights: Mapping[str, Tensor], config: INTRConfig, seed: int
) -> dict[str, Tensor]:
    """Give DETR's weights what INTR has and DETR lacks: class queries and a presence vector."""
    generator = torch.Generator().manual_seed(seed)
    kept = without_detection_heads(weights)
    queries = kept["query_embed.weight"]
    kept["query_embed.weight"] = fit_queries(queries, config.num_classes, generator)
    presence = torch.empty(1, config.width)
    kept["presence_vector.weight"] = nn.init.xavier_uniform_(presence, generator=generator)
    kept["presence_vector.bias"] = torch.zeros(1)
    return kept


def _fill(
    model: nn.Module, weights: Mapping[str, Tensor], where: str, theirs: Callable[[str], str]
) -> None:
    """Load all weights; ``theirs(name)`` is the file's name for one of ours."""
    own = {theirs(name): (name, tensor) for name, tensor in model.state_dict().items()}
    missing = [name for name in own if name not in weights and not is_counter(name)]
    unexpected = [name for name in weights if name not in own and not is_counter(name)]
    known = {name: weight for name, weight in weights.items() if name in own}
    wrong = [
        _mismatch(name, weight, own[name][1])
        for name, weight in known.items()
        if not _same_form(weight, own[name][1])
    ]
    spoiled = [name for name, weight in known.items() if not _is_finite(weight)]
    faults = {
        "missing keys": missing,
        "unexpected keys": unexpected,
        "wrong shapes": wrong,
        "NaN or infinite numbers": spoiled,
    }
    if any(faults.values()):
        found = "; ".join(f"{fault}: {shorten(names)}" for fault, names in faults.items() if names)
        raise UserError(f"{where}: damaged, or of another model: {found}")
    model.load_state_dict({own[name][0]: weight for name, weight in known.items()}, strict=False)


def _is_finite(weight: Tensor) -> bool:
    if not weight.is_floating_point() or weight.numel() == 0:
        return True
    # NaN spreads into both ends, so two numbers tell of all; in one pass and without a copy.
    return all(bool(torch.isfinite(end)) for end in torch.aminmax(weight))


def _is_matrix(weight: Tensor) -> bool:
    return weight.ndim == 2 and weight.numel() > 0


def _same_form(weight: Tensor, own: Tensor) -> bool:
    return weight.shape == own.shape and weight.is_floating_point() == own.is_floating_point()


def _mismatch(name: str, weight: Tensor, own: Tensor) -> str:
    if weight.shape == own.shape:
        return f"{name} is {weight.dtype}, expected {own.dtype}"
    return f"{name} is {tuple(weight.shape)}, expected {tuple(own.shape)}"
