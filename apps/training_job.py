"""Trainings and reports of the user's own data: started, watched, stopped and resumed.

Each training has a folder of its own below one folder: ``run/`` and ``report/`` as the command
line makes them, what they print, and ``job.json``, by which they are found again.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout
from platformdirs import user_data_dir

from apps import processes
from apps.processes import Started
from intr_discover.errors import UserError
from intr_discover.files import write_json
from intr_discover.report.folder import MARKER
from intr_discover.studies.budget import duration
from intr_discover.training.config import TrainingConfig, build_config, parse_settings
from intr_discover.training.run_folder import METRICS, RunFolder

RECORD = "job.json"
RUN, REPORT, PHOTOGRAPHS = "run", "report", "photographs"
TRAINING, TRAINED, STOPPED, BROKEN_OFF = "training", "trained", "stopped", "broken off"
REPORTING, REPORTED, NO_REPORT = "making the report", "report ready", "report broken off"
BUSY = (TRAINING, REPORTING)

_PROGRESS = re.compile(r"^(.+): (\d+) of (\d+), (\d+:\d\d:\d\d) left$", re.MULTILINE)
_NAME = re.compile(r"\w[\w.-]{0,59}")
_TAIL = 20_000  # bytes of a log that are looked at
_ONLINE = "HF_HUB_OFFLINE"


@dataclass(frozen=True)
class TrainingOptions:
    """What the user chose for a training.

    Attributes
    ----------
    preset
        ``small`` or ``paper``.
    backbone
        A timm model's name; None for the preset's.
    epochs
        None for the preset's.
    seed
        Of everything random.
    pretrained
        Whether the backbone starts from weights learnt on other pictures, which may have to be
        downloaded.
    settings
        Others, each ``NAME=VALUE``.
    """

    preset: str = "small"
    backbone: str | None = None
    epochs: int | None = None
    seed: int = 0
    pretrained: bool = False
    settings: tuple[str, ...] = ()

    def config(self) -> TrainingConfig:
        """Return all settings.

        Raises
        ------
        UserError
            If one is unknown or out of range.
        """
        changes: dict[str, Any] = {"seed": self.seed, "pretrained": self.pretrained}
        if self.backbone:
            changes["backbone"] = self.backbone
        if self.epochs is not None:
            changes["epochs"] = self.epochs
        return build_config(self.preset, {**changes, **parse_settings(self.settings)})

    def words(self) -> list[str]:
        """Return the options of ``intr-discover train``."""
        words = ["--preset", self.preset, "--seed", str(self.seed)]
        if self.backbone:
            words += ["--backbone", self.backbone]
        if self.epochs is not None:
            words += ["--epochs", str(self.epochs)]
        words += [f"--set=pretrained={str(self.pretrained).lower()}"]
        return words + [f"--set={setting}" for setting in self.settings]


@dataclass(frozen=True)
class Status:
    """Where a training stands.

    Attributes
    ----------
    name
        Of the training.
    state
        One of the words at the top of this module.
    data
        The photographs, as they were opened.
    epochs, planned
        Done and in all; ``planned`` is None where the training never began.
    doing, share, left
        What is at work, how far it is in [0, 1], and how long it will take in words; None where
        nothing is known.
    last_line
        Of what was printed last; for a training that broke off, its reason.
    """

    name: str
    state: str
    data: str
    epochs: int
    planned: int | None
    doing: str | None
    share: float | None
    left: str | None
    last_line: str

    @property
    def can_resume(self) -> bool:
        """Return whether the training can go on."""
        return self.state in (STOPPED, BROKEN_OFF)

    @property
    def can_report(self) -> bool:
        """Return whether there is a model, and nothing is under way."""
        return self.state in (TRAINED, REPORTED, NO_REPORT)


class Trainings:
    """All trainings of one folder; at most one process is at work there.

    Parameters
    ----------
    folder
        Made when the first training starts.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()

    def names(self) -> list[str]:
        """Return the names of the trainings; the one last started or stopped comes first."""
        found = sorted(self.folder.glob(f"*/{RECORD}"), key=lambda path: -path.stat().st_mtime)
        return [path.parent.name for path in found]

    def run(self, name: str) -> Path:
        """Return the run folder of a training."""
        return self._job(name) / RUN

    def report(self, name: str) -> Path:
        """Return the folder of its report."""
        return self._job(name) / REPORT

    def busy(self) -> Status | None:
        """Return the training that a process is at work for; None if there is none."""
        statuses = (self.status(name) for name in self.names())
        return next((status for status in statuses if status.state in BUSY), None)

    def free_folder(self, name: str) -> Path:
        """Return the folder that a new training of this name will have.

        Raises
        ------
        UserError
            If the name cannot be used, or is used already.
        """
        if not _NAME.fullmatch(name):
            raise UserError(
                f"'{name}' cannot be the name of a training: use letters, digits, '-', '_' and "
                "'.', up to 60, the first one a letter or digit"
            )
        if (self.folder / name).exists():
            raise UserError(f"there is a training '{name}' already: choose another name")
        return self.folder / name

    def start(
        self,
        name: str,
        data: Path,
        options: TrainingOptions,
        prepare: Callable[[Path], Path] | None = None,
    ) -> None:
        """Begin a training.

        Parameters
        ----------
        name
            Of its folder.
        data
            A folder of photographs or a specimen table.
        options
            Its settings.
        prepare
            Called with the folder of the training; returns what is trained on instead of ``data``.

        Raises
        ------
        UserError
            If something is at work already, or name or settings cannot be used.
        """
        options.config()
        with self._alone():
            folder = self.free_folder(name)
            source = str(data.absolute())
            folder.mkdir()
            try:
                if prepare is not None:
                    data = prepare(folder / PHOTOGRAPHS)
                record: dict[str, Any] = {
                    "format": 1, "source": source, "data": str(data.absolute()),
                    "options": options.words(), "online": options.pretrained,
                    "stopped": False, "processes": {},
                }  # fmt: skip
                self._begin(name, record, "train", [record["data"], *options.words()])
            except (UserError, OSError):
                shutil.rmtree(folder)
                raise

    def resume(self, name: str) -> None:
        """Let a training go on that was stopped or broken off."""
        with self._alone():
            status = self.status(name)
            if not status.can_resume:
                raise UserError(f"the training '{name}' cannot be resumed: it is {status.state}")
            record = self._record(name)
            self._begin(name, record, "train", [record["data"], *record["options"], "--resume"])

    def make_report(self, name: str, data: Path | None = None) -> None:
        """Begin the discovery report of a trained model.

        Parameters
        ----------
        name
            Of the training.
        data
            Other photographs than those of the training.
        """
        with self._alone():
            status = self.status(name)
            if not status.can_report:
                raise UserError(f"'{name}' has no report yet: it is {status.state}")
            record = self._record(name)
            words = [str(self.run(name)), str((data or Path(record["data"])).absolute())]
            again = ["--overwrite"] if self.report(name).exists() else []
            self._begin(name, record, "discover", [*words, *again])

    def stop(self, name: str) -> None:
        """Stop what is at work for a training; it can be resumed."""
        if self.status(name).state not in BUSY:
            raise UserError(f"nothing is at work for '{name}': there is nothing to stop")
        record = self._record(name)
        for number in record["processes"].values():
            processes.stop(_started(number))
        write_json(self._job(name) / RECORD, {**self._record(name), "stopped": True})

    def status(self, name: str) -> Status:
        """Return where a training stands, from its files alone."""
        record = self._record(name)
        working = {
            task for task, number in record["processes"].items()
            if processes.is_running(_started(number))
        }  # fmt: skip
        state = self._state(name, record, working)
        # The report's own lines count once there is a report.
        tasks = [task for task in ("discover", "train") if task in record["processes"]]
        printed = _tail(self._log(name, tasks[0])) if tasks else ""
        progress = _PROGRESS.findall(printed) if state in BUSY else []
        doing, done, total, left = progress[-1] if progress else (None, 0, 0, None)
        share = int(done) / int(total) if int(total) else None
        config = _config_of(self.run(name))
        planned = None if config is None else int(config["training"]["epochs"])
        metrics = self.metrics(name)
        if state == TRAINING and planned and len(metrics):
            # The log has a line every tenth of a training; an epoch says more.
            share = len(metrics) / planned
            left = duration(float(metrics["seconds"].median()) * (planned - len(metrics)))
        return Status(name, state, record["source"], len(metrics), planned, doing, share, left,
                      _last_line(printed))  # fmt: skip

    def metrics(self, name: str) -> pd.DataFrame:
        """Return loss and accuracy, one row an epoch; without rows before the first is done."""
        path = self.run(name) / METRICS
        return pd.read_csv(path) if path.exists() else pd.DataFrame()

    def printed(self, name: str, lines: int = 12) -> str:
        """Return the last lines that training or report printed."""
        tasks = [task for task in ("discover", "train") if task in self._record(name)["processes"]]
        return "\n".join(_tail(self._log(name, tasks[0])).splitlines()[-lines:]) if tasks else ""

    def open_command(self, name: str) -> str:
        """Return the command that opens the app on a trained model."""
        words = ["intr-discover", "app", "--run", str(self.run(name))]
        return shlex.join([*words, "--data", self._record(name)["data"]])

    def _begin(self, name: str, record: dict[str, Any], task: str, words: list[str]) -> None:
        """Start a task of a training and note its process."""
        folder = self._job(name)
        out = folder / (RUN if task == "train" else REPORT)
        # Whole paths only: the process works elsewhere, and none can be taken for an option.
        assert Path(words[0]).is_absolute()
        command = [sys.executable, "-m", "intr_discover", task, *words, "--out", str(out)]
        write_json(folder / RECORD, {**record, "stopped": False})
        environment = {name: value for name, value in os.environ.items()
                       if not (record["online"] and name == _ONLINE)}  # fmt: skip
        started = processes.start(command, self._log(name, task), environment)
        known = {**record["processes"], task: asdict(started)}
        write_json(folder / RECORD, {**record, "stopped": False, "processes": known})

    def _state(self, name: str, record: dict[str, Any], working: set[str]) -> str:
        if "train" in working:
            return TRAINING
        if not RunFolder(self.run(name)).finished:
            return STOPPED if record["stopped"] else BROKEN_OFF
        if "discover" in working:
            return REPORTING
        if "discover" not in record["processes"]:
            return TRAINED
        return REPORTED if _is_complete(self.report(name)) else NO_REPORT

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Refuse where something is at work; nobody else starts anything meanwhile."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / ".lock")
            lock.acquire(timeout=10)
        except Timeout:
            raise UserError("somebody else is starting a training just now: try again") from None
        except OSError as error:
            raise UserError(
                f"cannot write to the folder of trainings, {self.folder}: "
                f"{error.strerror or error}; choose another one"
            ) from error
        try:
            busy = self.busy()
            if busy is not None:
                raise UserError(
                    f"'{busy.name}' is still {busy.state}, and one at a time is all that this "
                    "machine has room for: wait for it, or stop it"
                )
            yield
        finally:
            lock.release()

    def _job(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise UserError(f"there is no training '{name}'")
        return self.folder / name

    def _log(self, name: str, task: str) -> Path:
        return self._job(name) / ("training.log" if task == "train" else "report.log")

    def _record(self, name: str) -> dict[str, Any]:
        path = self._job(name) / RECORD
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["format"] != 1:
                raise UserError(f"{path} was written by a later version of the app: update it")
            return dict(record)
        except FileNotFoundError:
            raise UserError(f"there is no training '{name}'") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"cannot read {path}: {error}") from error


def usual_folder() -> Path:
    """Return the folder of trainings where none is named, in the folder of the user's own data."""
    return Path(user_data_dir("intr-discover", appauthor=False)) / "intr-discover-runs"


def best_epoch(metrics: pd.DataFrame) -> int:
    """Return the epoch whose weights are kept: best top-1, then lowest loss; 0 without any."""
    known = metrics.dropna(subset=["val_top1", "val_loss"])
    if known.empty:
        return 0
    order = known.sort_values(["val_top1", "val_loss"], ascending=[False, True], kind="stable")
    return int(order["epoch"].iloc[0])


def _started(number: dict[str, Any]) -> Started:
    return Started(int(number["pid"]), float(number["began"]), tuple(number["command"]))


def _tail(path: Path) -> str:
    """Return the end of a log."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        return file.read().decode("utf-8", errors="replace")


def _last_line(printed: str) -> str:
    """Return the last line; a mistake's own line where there is one at the end."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    return lines[-1].removeprefix("intr-discover: ") if lines else ""


def _config_of(run: Path) -> dict[str, Any] | None:
    config = RunFolder(run).config
    return config if config is not None and "training" in config else None


def _is_complete(report: Path) -> bool:
    try:
        marker = json.loads((report / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(marker.get("complete"))
