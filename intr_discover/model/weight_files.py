"""Weights out of files that nobody vouches for: nothing from a file is ever executed."""

from __future__ import annotations

import argparse
import contextlib
import os
import pickletools
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from intr_discover.errors import UserError, shorten

_WEB_PAGE = "a web page (log in or confirm the download, then fetch the file itself)"
# What people save under a checkpoint's name by mistake: the first bytes, and what they are. No
# safetensors file begins so: its first eight bytes are a length, a small multiple of eight.
_MISTAKEN = (
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"\x89PNG", "a PNG picture"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive (unpack it first)"),
    (b"version https://git-lfs", "a Git LFS pointer (run `git lfs pull`)"),
    (b"<!doctype", _WEB_PAGE),
    (b"<html", _WEB_PAGE),
    (b"<?xml", _WEB_PAGE),
)


@dataclass(frozen=True)
class StoredWeights:
    """What was found in a file, checked as far as that is possible without a model.

    Attributes
    ----------
    where
        The file, for messages.
    weights
        Tensors by the file's own names, on the CPU when they come from a file.
    arguments
        The training arguments that official INTR and DETR checkpoints keep under ``args``.
    """

    where: str
    weights: dict[str, Tensor]
    arguments: dict[str, Any]


def read_weights(source: str | os.PathLike[str] | Mapping[str, Any]) -> StoredWeights:
    """Read weights from a ``.safetensors`` file, a torch checkpoint or a dictionary.

    Parameters
    ----------
    source
        A file, a state dict, or a dictionary with a state dict under ``"model"``. A file that does
        not end in ``.safetensors`` is read by ``torch.load(weights_only=True)``, with
        ``argparse.Namespace`` as the only type allowed besides tensors and plain Python values.

    Returns
    -------
    StoredWeights
        Names without the ``module.`` that distributed training puts before them; half precision
        as float32.

    Raises
    ------
    UserError
        If there is no such file, it is damaged, is no checkpoint, or asks to run code.
    """
    if isinstance(source, Mapping):
        return _take_apart(source, "the state dict")
    path = Path(source)
    _refuse_mistaken_files(path)
    if path.suffix == ".safetensors":
        return _take_apart(_read_safetensors(path), str(path))
    return _take_apart(_read_torch(path), str(path))


def _refuse_mistaken_files(path: Path) -> None:
    if not path.exists():
        raise UserError(f"{path}: there is no such checkpoint")
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from error
    if not path.stat().st_size:
        raise UserError(f"{path}: the file is empty (0 bytes); copy or download it again")
    for beginning, kind in _MISTAKEN:
        if start.startswith(beginning) or start.strip().lower().startswith(beginning):
            raise UserError(f"{path}: not a checkpoint but {kind}")


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path, device="cpu")
    except SafetensorError as error:
        raise UserError(
            f"{path}: not a safetensors file, or damaged ({error}); copy or download it again"
        ) from error


def _read_torch(path: Path) -> Any:
    try:
        with (
            warnings.catch_warnings(),
            torch.serialization.safe_globals([argparse.Namespace]),
        ):
            warnings.simplefilter("ignore")  # what matters of them is in the error below
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged bytes can make the reader fail in any way
        raise UserError(f"{path}: {_why_unreadable(path, error)}") from error


def _why_unreadable(path: Path, error: Exception) -> str:
    message = str(error)
    refused = re.findall(r"GLOBAL ([\w.]+)", message) or _names_in_pickle(path)
    if refused:
        return (
            f"refused, because it asks for {shorten(refused)} and that could run code; only "
            "weights and plain values are read. If you trust the file, have its weights saved "
            "again as safetensors"
        )
    if "TorchScript" in message:
        return "a TorchScript program, not weights; save its state dict as safetensors"
    reason = re.sub(r"^\[enforce fail at .*?\] \. ", "", message.strip())
    reason = reason.partition("\n")[0].partition(". ")[0] or type(error).__name__
    if "Weights only load failed" in reason:  # torch's advice to read it unsafely follows
        reason = "no weights in it"
    return f"not a torch checkpoint, or damaged ({reason}); copy or download it again"


def _names_in_pickle(path: Path) -> list[str]:
    """List the functions and classes that a bare Python pickle asks for, without running it."""
    names: list[str] = []
    strings = ["", ""]
    with path.open("rb") as file:
        if file.read(2) == b"PK":
            return []  # a zip archive, whose pickles torch has looked into
        file.seek(0)
        with contextlib.suppress(ValueError):  # from here on the bytes are no pickle
            for operation, argument, _ in pickletools.genops(file):
                if operation.name in ("GLOBAL", "INST"):
                    names.append(str(argument).replace(" ", "."))
                elif operation.name == "STACK_GLOBAL":
                    names.append(".".join(strings))
                elif isinstance(argument, str):
                    strings = [strings[-1], argument]
    return names


def _take_apart(content: Any, where: str) -> StoredWeights:
    """Find the weights and the training arguments in what a file held."""
    arguments: dict[str, Any] = {}
    if isinstance(content, Mapping) and isinstance(content.get("model"), Mapping):
        stored = content.get("args")
        if isinstance(stored, argparse.Namespace):
            arguments = vars(stored)
        elif isinstance(stored, Mapping):
            arguments = dict(stored)
        content = content["model"]
    if not isinstance(content, Mapping) or not content:
        raise UserError(f"{where}: holds no weights by name")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise UserError(
                f"{where}: {name!r} is a {type(value).__name__}, not a tensor; a checkpoint is a "
                "dictionary of weights, or has one under 'model'"
            )
        if not _holds_its_numbers(value):
            raise UserError(f"{where}: the tensor {name} does not hold the numbers it claims")
    strip = all(name.startswith("module.") for name in content)
    return StoredWeights(
        where,
        {
            name.removeprefix("module.") if strip else name: _in_full_precision(value)
            for name, value in content.items()
        },
        arguments,
    )


def _holds_its_numbers(tensor: Tensor) -> bool:
    """Refuse tensors that take little room in a file and any amount in memory."""
    if tensor.is_meta or tensor.layout is not torch.strided:
        return False
    return tensor.numel() * tensor.element_size() <= tensor.untyped_storage().nbytes()


def _in_full_precision(tensor: Tensor) -> Tensor:
    tensor = tensor.detach()
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor
