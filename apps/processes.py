"""Processes that live on when the app ends, and are found again when it is back."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from intr_discover.errors import UserError

_SAME_TIME = 2.0  # seconds; the system's clock may be set meanwhile
_PATIENCE = 8.0  # seconds that a process may take to end in good order


@dataclass(frozen=True)
class Started:
    """A process that was started, so that it can be told from a later one with its number.

    Attributes
    ----------
    pid
        Its number; the system gives it to another process some time after this one has ended.
    began
        When it began, in seconds since 1970, as the system says.
    command
        What it runs.
    """

    pid: int
    began: float
    command: tuple[str, ...]


def start(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Started:
    """Start a command that nothing but its own end, or ``stop``, brings to an end.

    Parameters
    ----------
    command
        Word by word; no shell is in between.
    log
        What it prints is added to this file. Its folder is where the command works.
    environment
        Variables of the process; those of this one by default.

    Raises
    ------
    UserError
        If it cannot be started.
    """
    try:
        with log.open("ab") as file:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                cwd=log.parent,
                env=None if environment is None else dict(environment),
                start_new_session=True,  # Ctrl-C in the app's terminal is not for it
            )
    except OSError as error:
        raise UserError(f"cannot start {command[0]}: {error.strerror or error}") from error
    began = psutil.Process(process.pid).create_time()
    # Somebody has to ask for its end, or it stays on the system's list as long as the app runs.
    threading.Thread(target=process.wait, daemon=True).start()
    return Started(process.pid, began, tuple(command))


def is_running(started: Started) -> bool:
    """Return whether this very process is at work; another one with its number does not count."""
    try:
        process = psutil.Process(started.pid)
        words = process.cmdline()  # none in the moment in which it begins
        return (
            abs(process.create_time() - started.began) < _SAME_TIME
            and process.status() != psutil.STATUS_ZOMBIE
            and (not words or tuple(words[1:]) == started.command[1:])
        )
    except psutil.Error:
        return False


def stop(started: Started, patience: float = _PATIENCE) -> None:
    """End a process and what it started: by Ctrl-C, and where that does not help, by force.

    Parameters
    ----------
    started
        Nothing happens where it is not running, or where its number belongs to another by now.
    patience
        Seconds to wait after Ctrl-C.
    """
    if not is_running(started):
        return
    try:
        process = psutil.Process(started.pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return
    if os.name != "nt":
        _tell(process, signal.SIGINT)
        psutil.wait_procs([process], timeout=patience)
    for each in family:
        _tell(each, signal.SIGTERM)
    for each in psutil.wait_procs(family, timeout=patience)[1]:
        _tell(each, signal.SIGTERM if os.name == "nt" else signal.SIGKILL)
    psutil.wait_procs(family, timeout=patience)


def _tell(process: psutil.Process, number: signal.Signals) -> None:
    with contextlib.suppress(psutil.Error):
        process.send_signal(number)  # psutil looks first whether it is still the same one
