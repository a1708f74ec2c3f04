"""Checkpoints and run folders that are damaged, of another model, or made to do harm."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from tests.faults.world import kinds, small_model, write_run

Make = Callable[[Path], object]

RAN = "was_run"
"""What a file that is executed would leave behind."""


class Harmful:
    """Pickled, it runs a command of the shell when it is unpickled."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Return what pickle calls."""
        return os.system, (f"touch {RAN}",)


def run_with(**changes: object) -> Make:
    """Return what writes a run folder whose config.json says something else."""

    def make(folder: Path) -> None:
        write_run(folder / "bad")
        path = folder / "bad" / "config.json"
        config = json.loads(path.read_text())
        for name, value in changes.items():
            part, _, inner = name.partition("__")
            if inner:
                config[part][inner] = value
            elif value is None:
                del config[part]
            else:
                config[part] = value
        path.write_text(json.dumps(config))

    return make


def run_whose_config_is(content: str | bytes) -> Make:
    """Return what writes a run folder whose config.json holds this."""

    def make(folder: Path) -> None:
        write_run(folder / "bad")
        data = content.encode() if isinstance(content, str) else content
        (folder / "bad" / "config.json").write_bytes(data)

    return make


def weights_cut(share: float) -> Make:
    """Return what writes a run folder of whose weights the end is missing."""

    def make(folder: Path) -> None:
        path = write_run(folder / "bad") / "model.safetensors"
        path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])

    return make


def without_weights(folder: Path) -> None:
    """Write a run folder as a training leaves it that was stopped in its first epoch."""
    (write_run(folder / "bad") / "model.safetensors").unlink()


def without_config(folder: Path) -> None:
    """Write weights alone."""
    (write_run(folder / "bad") / "config.json").unlink()


def changed(change: Callable[[dict[str, torch.Tensor]], object]) -> Make:
    """Return what writes a run folder with other weights than its config.json describes."""

    def make(folder: Path) -> None:
        write_run(folder / "bad")
        tensors = dict(small_model().state_dict())
        change(tensors)
        from intr_discover.model.checkpoint import save_weights

        save_weights(folder / "bad" / "model.safetensors", tensors)

    return make


def shortened(tensors: dict[str, torch.Tensor]) -> None:
    """Take a query away."""
    tensors["class_queries.weight"] = tensors["class_queries.weight"][:2]


def lacking(tensors: dict[str, torch.Tensor]) -> None:
    """Take a weight away."""
    del tensors["class_queries.weight"]


def not_a_number(tensors: dict[str, torch.Tensor]) -> None:
    """Spoil one number, as a training that diverged does."""
    tensors["class_queries.weight"] = tensors["class_queries.weight"].clone()
    tensors["class_queries.weight"][1, 2] = float("nan")


def torch_file(content: Callable[[], object], **options: Any) -> Make:
    """Return what writes bad.pth with torch."""
    return lambda folder: torch.save(content(), folder / "bad.pth", **options)


def holding(content: bytes, name: str = "bad.pth") -> Make:
    """Return what writes a file of these bytes."""
    return lambda folder: (folder / name).write_bytes(content)


def named(content: str, name: str = "names.txt") -> Make:
    """Return what writes a file of class names, and weights."""

    def make(folder: Path) -> None:
        (folder / name).write_text(content, encoding="utf-8")
        torch.save({"a": torch.zeros(2)}, folder / "bad.pth")

    return make


RUN = "predict bad {photo}"
FILE = "predict bad.pth {photo}"
IMPORT = "import bad.pth --classes names.txt --out out"
HOSTILE = (torch_file(lambda: {"model": Harmful()}),)

BAD_WEIGHTS = kinds(
    "weights",
    ("pickle that runs a command", FILE, ("bad.pth", "refused"),
     holding(pickle.dumps({"model": Harmful()}))),
    ("old pickle that runs a command", FILE, ("bad.pth", "refused"),
     holding(pickle.dumps(Harmful(), protocol=0))),
    ("torch file that runs a command", FILE, ("bad.pth", "refused"), *HOSTILE),
    ("old torch file that runs a command", FILE, ("bad.pth", "refused"),
     torch_file(lambda: {"model": Harmful()}, _use_new_zipfile_serialization=False)),
    ("such a file to start from", "train {data} --out out --device cpu --init bad.pth",
     ("bad.pth", "refused"), *HOSTILE),
    ("such a file to import", IMPORT, ("bad.pth", "refused"),
     lambda folder: (named("a\nb\n")(folder), HOSTILE[0](folder))),
    ("torch file of a whole module", FILE, "bad.pth", torch_file(lambda: nn.Linear(2, 2))),
    ("torch file of a list", FILE, "bad.pth", torch_file(lambda: [torch.zeros(2)])),
    ("torch file of other weights", FILE, "bad.pth", torch_file(lambda: {"a": torch.zeros(2)})),
    ("empty file", FILE, ("bad.pth", "empty"), holding(b"")),
    ("random bytes", FILE, "bad.pth", holding(np.random.default_rng(0).bytes(5000))),
    ("web page", FILE, ("bad.pth", "web page"), holding(b"<!DOCTYPE html><html></html>")),
    ("Git LFS pointer", FILE, ("bad.pth", "LFS"),
     holding(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n")),
    ("photograph", FILE, ("bad.pth", "JPEG"), holding(b"\xff\xd8\xff\xe0" + bytes(100))),
    ("gzip archive", FILE, ("bad.pth", "gzip"), holding(b"\x1f\x8b\x08" + bytes(100))),
    ("zip archive", FILE, "bad.pth", holding(b"PK\x05\x06" + bytes(18))),
    ("file that does not exist", FILE, "bad.pth"),
    ("safetensors cut short", RUN, "model.safetensors", weights_cut(0.5)),
    ("safetensors cut in its header", RUN, "model.safetensors", weights_cut(0.0001)),
    ("safetensors that claims a terabyte", "predict bad.safetensors {photo}", "bad.safetensors",
     holding((1 << 40).to_bytes(8, "little") + b"{}", "bad.safetensors")),
    ("weights of another shape", RUN, ("class_queries.weight", "wrong shapes"), changed(shortened)),
    ("weights missing", RUN, ("class_queries.weight", "missing"), changed(lacking)),
    ("weights NaN", RUN, ("class_queries.weight", "NaN"), changed(not_a_number)),
    ("other number of classes", RUN, "bad", run_with(model__num_classes=5)),
    ("class names too few", RUN, ("bad", "class names"), run_with(classes=["red", "blue"])),
    ("class names twice", RUN, ("bad", "red"), run_with(classes=["red", "red", "blue"])),
    ("class names that are no list", RUN, ("bad", "class"), run_with(classes="red")),
    ("class names that are numbers", RUN, ("bad", "class"), run_with(classes=[1, 2, 3])),
    ("no class names", RUN, ("bad", "class"), run_with(classes=None)),
    ("no preprocessing", RUN, ("bad", "preprocessing"), run_with(preprocessing=None)),
    ("preprocessing with an unknown word", RUN, ("bad", "sighs"),
     run_with(preprocessing__sighs=3)),
    ("image size in words", RUN, ("bad", "size"), run_with(preprocessing__size="large")),
    ("standard deviation zero", RUN, ("bad", "std"), run_with(preprocessing__std=[0, 0, 0])),
    ("model of an unknown kind", RUN, ("config.json", "kind"), run_with(model__kind="magic")),
    ("model setting of the wrong type", RUN, ("config.json", "width"),
     run_with(model__width="16")),
    ("model of a billion channels", RUN, ("config.json", "memory"),
     run_with(model__width=4_000_000_000)),
    ("heads that do not divide the width", RUN, ("config.json", "heads"),
     run_with(model__heads=5)),
    ("format of a later version", RUN, ("config.json", "format"), run_with(format=99)),
    ("config.json broken", RUN, ("config.json", "JSON"), run_whose_config_is('{"format": 1,')),
    ("config.json empty", RUN, "config.json", run_whose_config_is("")),
    ("config.json a list", RUN, "config.json", run_whose_config_is("[1]")),
    ("config.json of random bytes", RUN, "config.json", run_whose_config_is(b"\xff\xfe\x00\x80")),
    ("config.json nested a hundred thousand deep", RUN, "config.json",
     run_whose_config_is("[" * 100_000)),
    ("run without weights", RUN, "model.safetensors", without_weights),
    ("run without config.json", RUN, "config.json", without_config),
    ("import: name twice", IMPORT, ("names.txt", "twice"), named("a\na\n")),
    ("import: no names", IMPORT, ("names.txt", "no class name"), named("\n\n")),
    ("import: names as broken JSON", "import bad.pth --classes names.json --out out", "names.json",
     named("[", "names.json")),
    ("import: JSON of numbers", "import bad.pth --classes names.json --out out", "names.json",
     named("[1, 2]", "names.json")),
)  # fmt: skip
