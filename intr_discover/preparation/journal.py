"""What is done so far, one line a photograph, so that a preparation goes on where it stopped.

A line is written when all pictures of its photograph are in place. One that a killed process left
half-written is not believed, and its photograph done again.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from intr_discover.errors import UserError

NAME = "unfinished.jsonl"


class Journal:
    """The record of an unfinished preparation; also a context that keeps its file open.

    Parameters
    ----------
    folder
        Where the collection is being made.
    settings
        What decides the pictures; a journal of other settings is refused.

    Raises
    ------
    UserError
        The folder holds an unfinished preparation of something else.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self._path = folder / NAME
        self._lock = threading.Lock()
        self._done: dict[str, dict[str, Any]] = {}
        lines = _lines(self._path)
        head = {"settings": json.loads(json.dumps(settings))}
        if lines and lines[0] != head:
            raise UserError(
                f"{folder} holds an unfinished preparation of other photographs or with other "
                "steps: give its command again to finish it, or --overwrite to begin anew"
            )
        self._done = {line["image"]: line for line in lines[1:] if "image" in line}
        # Written anew, so that a half-written last line is not continued.
        text = "".join(json.dumps(line) + "\n" for line in (lines or [head]))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(text, encoding="utf-8")
        self._file = self._path.open("a", encoding="utf-8")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def done(self, image: str, signature: list[Any]) -> dict[str, Any] | None:
        """Return what was written of a photograph; None if nothing, or if its files changed."""
        line = self._done.get(image)
        if line is None or line["signature"] != json.loads(json.dumps(signature)):
            return None
        result: dict[str, Any] = line["result"]
        return result

    def add(self, image: str, signature: list[Any], result: dict[str, Any]) -> None:
        """Write down that a photograph is done; may be called from any thread."""
        line = {"image": image, "signature": signature, "result": result}
        with self._lock:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()

    def remove(self) -> None:
        """Remove the file: the preparation is finished."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def signature(*paths: Path | None) -> list[Any]:
    """Return size and time of files, by which a change is noticed; None for one that is no file."""
    found: list[Any] = []
    for path in paths:
        try:
            status = None if path is None else path.stat()
        except (OSError, ValueError):  # in shards, missing, or a name that cannot be
            status = None
        found.append(None if status is None else [status.st_size, status.st_mtime_ns])
    return found


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the whole lines of a journal, none where there is no file."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    found = []
    for line in text.splitlines():
        try:
            value = json.loads(line)
        except ValueError:
            break
        if not isinstance(value, dict):
            break
        found.append(value)
    return found
