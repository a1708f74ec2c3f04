"""What activation checkpointing saves: memory and time of one training step.

Each figure is taken in a fresh process: the bytes of the activations that wait for the gradient
(the same on every device), the rise of the largest resident memory over what the model held, and
the seconds of the step.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.classes import forget_largest, largest_memory
from benchmarks.common import RESULTS, machine
from intr_discover.files import write_json
from intr_discover.provenance import versions
from intr_discover.training.build import build_model
from intr_discover.training.config import TrainingConfig

BACKBONES = {
    "deit_small_patch16_224": 224,
    "vit_huge_patch14_224": 224,
    "resnet50": 448,
}
BATCH = 2
CLASSES = 200


def main() -> None:
    """Measure every backbone with and without."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=RESULTS / "activation_checkpointing.json")
    parser.add_argument("--one", nargs=2, metavar=("BACKBONE", "ON"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one[0], arguments.one[1] == "1")))
        return
    rows = []
    for backbone in BACKBONES:
        for on in ("0", "1"):
            rows.append(_apart(backbone, on))
            print(rows[-1], flush=True)
    write_json(
        arguments.out,
        {
            "command": "python -m benchmarks.activation_checkpointing",
            "batch_size": BATCH,
            "classes": CLASSES,
            "settings": {name: asdict(_config(name)) for name in BACKBONES},
            "rows": rows,
            "machine": machine(),
            "versions": versions(),
        },
    )


def _config(backbone: str) -> TrainingConfig:
    return TrainingConfig(
        backbone=backbone,
        backbone_stride=None,
        freeze_batch_norm=True,
        width=256,
        encoder_layers=6,
        decoder_layers=6,
        feed_forward=2048,
        image_size=BACKBONES[backbone],
        batch_size=BATCH,
    )


def _apart(backbone: str, on: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.activation_checkpointing", "--one", backbone, on]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def measure(backbone: str, on: bool) -> dict[str, Any]:
    """Run forward and backward of one batch."""
    config = replace(_config(backbone), activation_checkpointing=on)
    model = build_model(config, CLASSES).train()
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter).fill_(0.0)
    size = config.image_size
    pixels = torch.randn(BATCH, 3, size, size, generator=torch.Generator().manual_seed(0))
    before, began = forget_largest(), time.monotonic()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        logits = model(pixels).logits
    functional.cross_entropy(logits, torch.tensor([0] * BATCH)).backward()
    seconds = time.monotonic() - began
    return {
        "backbone": backbone,
        "image_pixels": size,
        "checkpointing": on,
        "kept_megabytes_an_image": round(sum(kept.values()) / BATCH / 1e6, 1),
        "rise_megabytes": round(largest_memory() - before, 1),
        "seconds": round(seconds, 2),
    }


if __name__ == "__main__":
    main()
