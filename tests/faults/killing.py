"""Commands that are killed: one child at a time, forked from a process that is warm already."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from intr_discover.files import is_temporary

SERVER = Path(__file__).with_name("warm_server.py")
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes
    ----------
    status
        Its exit code; minus the signal's number where it was killed.
    said
        All that it wrote.
    seconds
        How long it lived.
    """

    status: int
    said: str
    seconds: float

    @property
    def message(self) -> str:
        """The line that says what is wrong."""
        lines = [line for line in self.said.splitlines() if line.startswith("intr-discover: ")]
        return lines[-1].removeprefix("intr-discover: ") if lines else ""


class WarmServer:
    """Runs commands in children of a warm process; see ``warm_server.py``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=SERVER.parents[2],
            env=environment,
        )
        assert self._answer() == "ready"

    def run(
        self,
        *words: str,
        folder: Path | None = None,
        kill_after: float | None = None,
        meanwhile: Callable[[int, Path], object] | None = None,
        **suffering: Any,
    ) -> Ended:
        """Run a command to its end, or to its death.

        Parameters
        ----------
        words
            After ``intr-discover``.
        folder
            Where it is called; default an empty one.
        kill_after
            Seconds until it is killed by SIGKILL.
        meanwhile
            Called with the child's process id and its log while it runs.
        suffering
            ``as_nobody`` and ``more_memory``, see ``warm_server.py``.
        """
        log = self.folder / "log"
        order = {"words": list(words), "folder": str(folder or self.folder), "log": str(log)}
        assert self.process.stdin is not None
        began = time.monotonic()
        self.process.stdin.write(json.dumps(order | suffering) + "\n")
        self.process.stdin.flush()
        child = int(self._answer())
        timer = None
        if kill_after is not None:
            # Until its status is asked for the child keeps its number, so no other can be hit.
            timer = threading.Timer(kill_after, os.kill, (child, signal.SIGKILL))
            timer.start()
        if meanwhile is not None:
            meanwhile(child, log)
        status = int(self._answer())
        if timer is not None:
            timer.cancel()
        return Ended(status, log.read_text(errors="replace"), time.monotonic() - began)

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=30)

    def _answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the warm process has ended"
        return line.strip()


@dataclass
class Kills:
    """What came of killing one command again and again.

    Attributes
    ----------
    seed
        Of the moments.
    killed, finished
        How often it was killed, and how often it was faster.
    unfinished
        How often it was in the middle of writing.
    moments
        When each was killed, in seconds from its start.
    """

    seed: int
    killed: int = 0
    finished: int = 0
    unfinished: int = 0
    moments: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        moments = ", ".join(f"{moment:.3f}" for moment in self.moments)
        return f"seed {self.seed}, killed {self.killed} times after {moments} s"


def kill_at_random_moments(
    server: WarmServer,
    words: Sequence[str],
    check: Callable[[Ended], bool],
    *,
    seconds: float,
    kills: int = 20,
    seed: int = 0,
    folder: Path | None = None,
) -> Kills:
    """Run a command until it was killed so many times, and check what it left each time.

    Parameters
    ----------
    server
        Runs it.
    words
        The command.
    check
        Called after each child has ended, killed or not; returns whether something unfinished was
        found. It also puts things as the next child is to find them.
    seconds
        How long the command takes; the moments are drawn evenly from this time.
    kills
        How often.
    seed
        Of the moments; it stands in every failure.
    folder
        Where the command is called.

    Raises
    ------
    AssertionError
        What ``check`` raises, with seed and moments.
    """
    moments = random.Random(seed)
    done = Kills(seed)
    while done.killed < kills and done.finished < 2 * kills:
        moment = moments.uniform(0.0, seconds)
        ended = server.run(*words, folder=folder, kill_after=moment)
        if ended.status == KILLED:
            done.killed += 1
            done.moments.append(moment)
        else:
            assert ended.status in (0, 2), f"{done}: status {ended.status}\n{ended.said}"
            done.finished += 1
        try:
            done.unfinished += check(ended)
        except AssertionError as error:
            raise AssertionError(f"{done}: {error}\n{ended.said}") from error
    assert done.killed >= kills, f"{done}, and {done.finished} were faster"
    return done


def leftovers(folder: Path) -> list[str]:
    """Return everything unfinished below a folder."""
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if is_temporary(path) or path.name.startswith(".tmp") or ".tmp" in path.suffixes
    )


def serving(folder: Path) -> Iterator[WarmServer]:
    """Yield a server, and end it."""
    server = WarmServer(folder)
    try:
        yield server
    finally:
        server.close()
