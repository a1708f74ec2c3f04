"""The record of a result: which command made it, where, and by what."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intr_discover.errors import UserError

NAME = "provenance.json"
EXTRACTION = "extraction.json"
"""What an extraction keeps it in, beside what decides its numbers."""


@dataclass(frozen=True)
class Record:
    """What stands in a ``provenance.json``; nothing in it is believed before it is checked.

    Attributes
    ----------
    path
        The file.
    content
        All of it.
    command
        The words after ``intr-discover``.
    """

    path: Path
    content: Mapping[str, Any]
    command: tuple[str, ...]

    @property
    def folder(self) -> Path:
        """Return the folder of the result."""
        return self.path.parent

    @property
    def stem(self) -> str | None:
        """Return the name that the files of a figure begin with; None for a folder of results."""
        name = self.path.name
        return name.removesuffix(f".{NAME}") if name.endswith(f".{NAME}") else None

    @property
    def working_folder(self) -> Path:
        """Return the folder that the paths of the command start from.

        Raises
        ------
        UserError
            If it is not there any more.
        """
        seen = self.content.get("working_folder")
        if not isinstance(seen, str):
            return Path.cwd()
        folder = Path(os.path.normpath(self.folder.absolute() / seen))
        if not folder.is_dir():
            raise UserError(
                f"{self.path}: its command was called in the folder {folder}, which is not there; "
                "move the results back to where they lay, beside what they were made of"
            )
        return folder

    def part(self, name: str) -> dict[str, Any]:
        """Return a part that has parts of its own, such as ``versions``; empty where it is none."""
        found = self.content.get(name)
        return dict(found) if isinstance(found, Mapping) else {}


def read_record(place: str | os.PathLike[str]) -> Record:
    """Read the record of a result.

    Parameters
    ----------
    place
        A ``provenance.json``, or the folder that holds one; of an extraction, ``extraction.json``.

    Raises
    ------
    UserError
        If there is none, it is damaged, or no command of ours made the result.
    """
    path = Path(place)
    if path.is_dir():
        extracted = (path / EXTRACTION).is_file() and not (path / NAME).exists()
        path = path / (EXTRACTION if extracted else NAME)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"there is no {path}; name the {NAME} of a result, or the folder that holds it"
        ) from None
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is damaged, or no record of a result: no JSON") from error
    if not isinstance(content, dict) or "command" not in content:
        raise UserError(f"{path} is no record of a result: it names no command")
    words = content["command"]
    if words is None:
        raise UserError(
            f"{path}: this result was made from Python, not by a command, so there is none to "
            "repeat; call the same function again"
        )
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise UserError(f"{path}: its command is no list of words")
    if len(words) < 2 or words[0] != "intr-discover" or any("\0" in word for word in words):
        raise UserError(f"{path}: its command is none of intr-discover, and is not run")
    if path.name == EXTRACTION:
        for name, part in (("model_fingerprint", "model"), ("data_fingerprint", "collection")):
            found = content.get(part)
            content[name] = found.get("fingerprint") if isinstance(found, dict) else None
    return Record(path, content, tuple(words[1:]))


def read_limit(place: str | os.PathLike[str]) -> dict[str, float]:
    """Return by how much time, and at what speed, the photographs of a result were planned.

    Returns
    -------
    dict
        ``seconds``, ``encode`` and ``decode``; empty for a result without a limit of time.

    Raises
    ------
    UserError
        If there is no such record, or its limit is none.
    """
    record = read_record(place)
    limit = record.part("limit")
    if not limit:
        return {}
    try:
        numbers = {name: float(limit[name]) for name in ("seconds", "encode", "decode")}
    except (KeyError, TypeError, ValueError):
        numbers = {}
    if not numbers or not all(0 <= number < float("inf") for number in numbers.values()):
        raise UserError(f"{record.path}: its limit of time is none: {limit}")
    return numbers
