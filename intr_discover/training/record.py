"""How a finished training was made, beside its weights: ``provenance.json``, as studies have it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from intr_discover.files import write_json
from intr_discover.model.checkpoint import fingerprint, load_checkpoint
from intr_discover.provenance import machine, origin
from intr_discover.training.run_folder import RunFolder

RECORD = "provenance.json"


def write_record(run: Path, command: Sequence[str], device: str) -> None:
    """Write how a run folder was made; a record that is there already stays.

    Parameters
    ----------
    run
        The folder of a finished training.
    command
        The command line, word by word.
    device
        The device that was asked for.
    """
    path = run / RECORD
    config = RunFolder(run).config
    if path.exists() or config is None or config.get("status") != "finished":
        return
    settings = config["training"]
    write_json(
        path,
        {
            "trained": settings["model"],
            "seed": settings["seed"],
            "model_fingerprint": fingerprint(load_checkpoint(run)),
            "data_fingerprint": config["data"]["fingerprint"],
            **origin(command, run),
            "settings": settings,
            "versions": config["versions"],
            "machine": machine(_device_name(device)),
        },
    )


def _device_name(device: str) -> str:
    """Return where a training that asked for ``device`` ran, see ``loop.train``."""
    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    if device == "cpu" or found is None:
        return "cpu"
    return f"cuda ({torch.cuda.get_device_name()})" if found.type == "cuda" else found.type
