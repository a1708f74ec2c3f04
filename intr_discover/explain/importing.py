"""Official INTR or DETR weights to a run folder."""

from __future__ import annotations

from pathlib import Path

from intr_discover.data.class_names import read_class_names
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.errors import UserError
from intr_discover.files import is_temporary, sha256
from intr_discover.model.checkpoint import load_checkpoint, save_checkpoint
from intr_discover.provenance import versions


def import_checkpoint(checkpoint: Path, classes: Path, out: Path, *, seed: int = 0) -> list[str]:
    """Write a run folder from a checkpoint of the official INTR or DETR code.

    Parameters
    ----------
    checkpoint
        The weights file.
    classes
        File of class names in the model's order; see ``read_class_names``.
    out
        The run folder to make.
    seed
        Seed of the class queries that are added to DETR's.

    Returns
    -------
    list of str
        What was done, one line each.

    Raises
    ------
    UserError
        If the weights or names cannot be read or do not fit, or ``out`` is not empty.
    """
    if out.exists() and (out.is_file() or not all(map(is_temporary, out.iterdir()))):
        raise UserError(f"{out} exists and is not empty; name another folder for the run")
    names = read_class_names(classes)
    model = load_checkpoint(checkpoint, num_classes=len(names), seed=seed)
    save_checkpoint(
        out,
        model,
        {
            "classes": names,
            "preprocessing": Preprocessing().as_dict(),
            "imported": {"file": checkpoint.name, "sha256": sha256(checkpoint)},
            "versions": versions(),
            "status": "imported",
        },
    )
    config = model.config
    return [
        f"{checkpoint}: {config.kind} on {config.backbone}, {config.num_classes} classes",
        f"run folder: {out}",
    ]
