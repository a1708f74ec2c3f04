"""How much memory a training step and an explanation take as the number of classes grows.

Each figure is the rise of a fresh process's largest resident memory (``ru_maxrss``) over what it
held with model and optimiser in place. The rise with two classes, which is that of the backbone, is
taken off, and the exponent p of ``memory ~ classes^p`` is fitted on logarithms: 1 is linear, 2
quadratic.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks.common import RESULTS, machine
from intr_discover.files import write_json
from intr_discover.provenance import versions
from intr_discover.training.build import build_model, build_optimizer
from intr_discover.training.config import TrainingConfig

CLASSES = (200, 500, 1000, 2000, 5000)
FEW = 2  # classes of the process whose rise is the backbone's
SIZE = 96
LEAST = 5.0  # megabytes; smaller rises are lost among those of the backbone

# Batch norm is frozen so that one image is a batch.
STEP = TrainingConfig(freeze_batch_norm=True, batch_size=1)
TASKS = {
    "training step": STEP,
    "training step, attention dropout 0.1": replace(STEP, attention_dropout=0.1),
    "training step, activation checkpointing": replace(STEP, activation_checkpointing=True),
    "explanation of the predicted class": STEP,
    "maps of all classes": STEP,
}


def main() -> None:
    """Measure every task with every number of classes, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--classes", type=int, nargs="+", default=list(CLASSES))
    parser.add_argument("--out", type=Path, default=RESULTS / "classes.json")
    parser.add_argument("--one", nargs=2, metavar=("TASK", "CLASSES"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one[0], int(arguments.one[1]))))
        return
    tasks = {task: fitted(task, arguments.classes) for task in TASKS}
    for task, found in tasks.items():
        print(f"{task}: exponent {found['exponent']:.2f}")
        for row in found["rows"]:
            print(
                f"  {row['classes']:>6} classes {row['megabytes']:>8.1f} MB {row['seconds']:.2f} s"
            )
    write_json(
        arguments.out,
        {
            "command": "python -m benchmarks.classes",
            "image_pixels": SIZE,
            "settings": {task: asdict(config) for task, config in TASKS.items()},
            "tasks": tasks,
            "machine": machine(),
            "versions": versions(),
        },
    )


def fitted(task: str, numbers: list[int]) -> dict[str, Any]:
    """Measure a task and fit the exponent of its memory."""
    constant = _apart(task, FEW)["megabytes"]
    rows = [_apart(task, number) for number in numbers]
    rises = [(row["classes"], row["megabytes"] - constant) for row in rows]
    fitted = [(number, rise) for number, rise in rises if rise >= LEAST]
    logarithms = np.log(np.array(fitted))
    return {
        "megabytes_with_two_classes": constant,
        "rows": rows,
        "exponent": float(np.polyfit(logarithms[:, 0], logarithms[:, 1], 1)[0]),
        "exponent_fitted_on": [number for number, _ in fitted],
    }


def _apart(task: str, classes: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.classes", "--one", task, str(classes)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def measure(task: str, classes: int) -> dict[str, Any]:
    """Run a task once and return the rise of the largest resident memory."""
    config = TASKS[task]
    model = build_model(config, classes)
    pixels = torch.randn(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    if not task.startswith("training"):
        model.eval()
        before, began = forget_largest(), time.monotonic()
        with torch.inference_mode():
            model(pixels, attend="all" if task.startswith("maps") else "predicted")
    else:
        model.train()
        optimizer = build_optimizer(config, model)
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()  # its state is there from now on
        optimizer.zero_grad()
        before, began = forget_largest(), time.monotonic()
        loss = functional.cross_entropy(model(pixels).logits, torch.tensor([0]))
        loss.backward()
        optimizer.step()
    seconds = time.monotonic() - began
    return {
        "classes": classes,
        "megabytes": largest_memory() - before,
        "seconds": round(seconds, 3),
    }


def forget_largest() -> float:
    """Make the memory held now the largest so far where the system can; return it in megabytes.

    Building a model needs more for a moment than an explanation does, and would hide it.
    """
    peak = Path("/proc/self/clear_refs")
    if peak.exists():
        peak.write_text("5")
    return largest_memory()


def largest_memory() -> float:
    """Return the largest resident memory so far in megabytes (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


if __name__ == "__main__":
    main()
