"""What people see in the terminal: progress with the time left, errors in one clear line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


def is_main_process() -> bool:
    """Return whether this process speaks for all that ``accelerate launch`` started."""
    return os.environ.get("RANK", "0") == "0"


def print_error(message: str) -> None:
    """Print one line to stderr; the processes that do not speak stay silent."""
    if is_main_process():
        # Names of files and cells of tables may hold what moves a terminal's cursor.
        line = "".join(c if c.isprintable() else "?" for c in " ".join(message.split()))
        print(f"intr-discover: {line}", file=sys.stderr)


def usage_trouble(error: Any) -> str:
    """Return in one line what is wrong with the words of a command, and where its help is.

    Parameters
    ----------
    error
        Click's ``ClickException``; Typer brings a Click of its own or takes the installed one.
    """
    said = str(error.format_message()).strip().rstrip(".")
    context = getattr(error, "ctx", None)
    remedy = "" if context is None else f"; see {context.command_path} --help"
    return f"{said[:1].lower()}{said[1:]}{remedy}"


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a callback ``(done, total)`` that shows a bar with the time left on stderr.

    Where stderr is no terminal (a log file, a batch job), a line is printed at every tenth instead.
    """
    if not is_main_process():
        yield lambda done, total: None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
        )

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("left"),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(what, total=None)
            yield lambda done, total: progress.update(task, completed=done, total=total)
    else:
        with _tenths(what) as report:
            yield report


@contextmanager
def _tenths(what: str) -> Iterator[Callable[[int, int], None]]:
    import time

    started = time.monotonic()
    shown = 0

    def report(done: int, total: int) -> None:
        nonlocal shown
        tenth = 10 * done // max(1, total)
        if tenth > shown:
            shown = tenth
            spent = time.monotonic() - started
            left = spent * (total - done) / max(1, done)
            print(f"{what}: {done} of {total}, {_duration(left)} left", file=sys.stderr, flush=True)

    yield report


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"
