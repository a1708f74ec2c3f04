"""What a run folder holds while and after training; the only module that knows its file names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from intr_discover.errors import UserError
from intr_discover.figures.style import save_figure
from intr_discover.figures.training import training_curves
from intr_discover.files import is_temporary, remove_leftovers, write_json, write_with
from intr_discover.model.checkpoint import read_config, save_weights
from intr_discover.model.intr import INTR
from intr_discover.model.plain import PlainClassifier
from intr_discover.training.config import TrainingConfig, build_config
from intr_discover.training.state import remove_state

BEST_WEIGHTS = "model.safetensors"
LAST_WEIGHTS = "last.safetensors"
CONFIG = "config.json"
METRICS = "metrics.csv"
LOG = "train.log"
CURVES = "curves"
LOCK = ".lock"

METRIC_COLUMNS = (
    "epoch", "learning_rate", "train_loss", "train_top1", "val_loss", "val_top1", "seconds",
)  # fmt: skip


class RunFolder:
    """The folder of one training.

    Parameters
    ----------
    path
        The folder; made on the first write.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: FileLock | None = None

    @property
    def config(self) -> dict[str, Any] | None:
        """Return what ``config.json`` holds, or None where training has not begun."""
        return read_config(self.path) if (self.path / CONFIG).exists() else None

    @property
    def finished(self) -> bool:
        """Return whether training has come to its end."""
        config = self.config
        return config is not None and config.get("status") == "finished"

    @property
    def training_config(self) -> TrainingConfig | None:
        """Return the settings the run was started with, or None where training has not begun.

        Raises
        ------
        UserError
            If the folder holds a model that was not trained here.
        """
        config = self.config
        if config is None:
            return None
        if "training" not in config:
            raise UserError(f"{self.path} was not made by training; it cannot be resumed")
        return build_config("small", config["training"])

    def check_free(self) -> None:
        """Refuse to write over another run.

        Raises
        ------
        UserError
            If the path is a file or a folder that is not empty.
        """
        if self.path.is_file():
            raise UserError(f"{self.path} is a file; name a folder for the run")
        if (self.path / CONFIG).exists():
            raise UserError(
                f"{self.path} already holds a run; continue it with --resume or name another"
            )
        inside = self.path.iterdir() if self.path.is_dir() else ()
        if any(path.name != LOCK and not is_temporary(path) for path in inside):
            raise UserError(f"the folder {self.path} is not empty; name another one for the run")

    def lock(self) -> None:
        """Keep other processes from training into the folder; the system frees it when we die.

        Raises
        ------
        UserError
            If another process is training into it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.path / LOCK)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise UserError(
                f"another process is training into {self.path}; wait for it, or stop it first"
            ) from None
        self._lock = lock

    def unlock(self) -> None:
        """Let others train into the folder."""
        if self._lock is not None:
            (self.path / LOCK).unlink(missing_ok=True)
            self._lock.release()
            self._lock = None

    def start(self, config: Mapping[str, Any]) -> None:
        """Write ``config.json`` of a training that begins."""
        write_json(self.path / CONFIG, {**config, "status": "training"})

    def save_best(self, model: INTR | PlainClassifier) -> None:
        """Write the weights with the best validation top-1 so far."""
        save_weights(self.path / BEST_WEIGHTS, model)

    def record(self, history: Sequence[Mapping[str, Any]]) -> None:
        """Write ``metrics.csv`` with one row an epoch."""
        table = pd.DataFrame(list(history), columns=list(METRIC_COLUMNS))
        write_with(self.path / METRICS, lambda file: table.to_csv(file, index=False))

    def log(self, line: str) -> None:
        """Append a line with the time to ``train.log``."""
        self.path.mkdir(parents=True, exist_ok=True)
        stamp = datetime.now().astimezone().isoformat(timespec="seconds")
        with (self.path / LOG).open("a", encoding="utf-8") as file:
            file.write(f"{stamp} {line}\n")

    def finish(
        self, model: INTR | PlainClassifier, history: Sequence[Mapping[str, Any]], best_epoch: int
    ) -> None:
        """Write last weights and curves, mark the run finished, and drop the state."""
        save_weights(self.path / LAST_WEIGHTS, model)
        if not best_epoch:  # nothing to validate on: the last weights are the best we know
            self.save_best(model)
        table = pd.DataFrame(list(history), columns=list(METRIC_COLUMNS))
        save_figure(training_curves(table, best_epoch), self.path / CURVES)
        config = self.config
        assert config is not None
        write_json(
            self.path / CONFIG,
            {**config, "status": "finished", "best_epoch": best_epoch or len(history)},
        )
        self.clean_up()

    def clean_up(self) -> None:
        """Delete what a finished run no longer needs, and what a killed training left."""
        remove_state(self.path)
        remove_leftovers(self.path)
