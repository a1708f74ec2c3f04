"""A program in another environment: lines of JSON go there and back, arrays go through files."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from intr_discover.errors import UserError, clip

ENVIRONMENT = ".venv-neighbours"
VARIABLE = "INTR_NEIGHBOURS_PYTHON"
HOW = (
    "it lives in an environment of its own: make neighbours builds it in some minutes; or name its "
    "Python with --neighbours-python"
)


def python_of(options: Mapping[str, Any]) -> Path:
    """Return the Python of the other environment, whether it is there or not.

    The option ``neighbours_python`` goes before the variable ``INTR_NEIGHBOURS_PYTHON``, and that
    before what ``make neighbours`` builds beside the package.
    """
    named = options.get("neighbours_python") or os.environ.get(VARIABLE)
    if named:
        return Path(named)
    root = Path(__file__).resolve().parents[2]
    return root / ENVIRONMENT / "bin" / "python"


class Program:
    """A process that answers one request after the other, as long as this object lives.

    Parameters
    ----------
    python
        Of the other environment.
    script
        The program; it reads requests from its standard input.

    Raises
    ------
    UserError
        If there is no such Python.
    """

    def __init__(self, python: Path, script: Path) -> None:
        if not python.is_file():
            raise UserError(f"there is no Python {python}: {HOW}")
        self.python = python
        exchange = tempfile.TemporaryDirectory(prefix="intr-neighbours-")
        self.exchange = Path(exchange.name)
        self._said = self.exchange / "said.txt"
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own Python, our own file
                [str(python), "-I", str(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                encoding="utf-8",
            )
        self._end = weakref.finalize(self, _end, self._process, exchange)

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises
        ------
        UserError
            If the program cannot do it, or has ended.
        """
        assert self._process.stdin is not None and self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except (BrokenPipeError, OSError):
            line = ""
        if not line:
            raise UserError(f"the program in {self.python} ended: {self._last_words()}")
        try:
            answer = json.loads(line)
        except ValueError as error:
            raise UserError(f"the program in {self.python} said no JSON: {clip(line)}") from error
        if "error" in answer:
            raise UserError(f"the program in {self.python}: {clip(str(answer['error']))}")
        return dict(answer)

    def close(self) -> None:
        """End the process and remove what was exchanged."""
        self._end()

    def _last_words(self) -> str:
        said = self._said.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return clip(said[-1]) if said else "it said nothing"


def _end(process: subprocess.Popen[str], exchange: tempfile.TemporaryDirectory[str]) -> None:
    if process.stdin is not None:
        with contextlib.suppress(OSError):  # a request that it did not live to read
            process.stdin.close()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
    exchange.cleanup()
