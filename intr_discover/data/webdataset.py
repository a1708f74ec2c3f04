"""Photographs inside the ``.tar`` files of a WebDataset, found by where they begin and end.

A sample is the files that share a name up to its first dot: ``0001.jpg`` and ``0001.cls`` (or
``0001.json``). Nothing is unpacked. About 200 bytes of memory a file of the archive.
"""

from __future__ import annotations

import json
import posixpath
import tarfile
from pathlib import Path
from typing import Any

from intr_discover.data.folders import IMAGE_SUFFIXES
from intr_discover.errors import UserError

# A label or a record of this size is none.
_MOST_BYTES = 1 << 20
_LABEL_FIELDS = ("label", "cls", "class")


class TarShard:
    """The files of one uncompressed ``.tar``.

    Parameters
    ----------
    path
        The archive.

    Raises
    ------
    UserError
        If it is compressed, damaged or cut short, or names files outside itself.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[str, tuple[int, int]] = {}
        try:
            with tarfile.open(path, "r:") as archive:
                for member in archive:
                    if member.isreg() and not member.issparse():
                        self._add(member)
        except tarfile.TarError as error:
            raise UserError(
                f"{path} cannot be read as a .tar ({error}): unpack it if it is compressed, else "
                "copy it again"
            ) from error
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror or error}") from error

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def read(self, name: str) -> bytes:
        """Return the bytes of a file of the archive."""
        start, size = self._places[name]
        with self.path.open("rb") as file:
            file.seek(start)
            content = file.read(size)
        if len(content) < size:
            raise UserError(f"{self.path} is cut short: copy it again")
        return content

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each photograph: its name, its label as it stands, and other fields.

        Raises
        ------
        UserError
            If a photograph has no label, or its label or record cannot be read.
        """
        samples: dict[str, dict[str, str]] = {}
        for name in self._places:
            folder, _, file = name.rpartition("/")
            key, _, kind = file.partition(".")
            samples.setdefault(f"{folder}/{key}", {})[kind.lower()] = name
        rows = []
        for parts in samples.values():
            picture = next((parts[kind] for kind in parts if f".{kind}" in IMAGE_SUFFIXES), None)
            if picture is not None:
                rows.append({**self._record(parts, picture), "image": picture})
        return rows

    def _add(self, member: tarfile.TarInfo) -> None:
        name = posixpath.normpath(member.name)
        if name.startswith(("/", "../")) or "\\" in name:
            raise UserError(f"{self.path} names a file outside itself: {name}")
        if posixpath.basename(name).startswith("."):
            return  # macOS's companions of files
        if name in self._places:
            raise UserError(f"{self.path} holds {name} twice")
        self._places[name] = (member.offset_data, member.size)

    def _record(self, parts: dict[str, str], picture: str) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        if "json" in parts:
            try:
                found = json.loads(self._text(parts["json"]))
            except (ValueError, RecursionError) as error:
                raise UserError(f"{self.path}: {parts['json']} is no JSON") from error
            if isinstance(found, dict):
                plain = {n: v for n, v in found.items() if isinstance(v, str | int | float)}
                fields = {n: v for n, v in plain.items() if n not in _LABEL_FIELDS}
                fields["label"] = next((plain[n] for n in _LABEL_FIELDS if n in plain), None)
        if "cls" in parts:
            fields["label"] = self._text(parts["cls"]).strip()
        if fields.get("label") in (None, ""):
            raise UserError(
                f"{self.path}: {picture} has no label; beside it belongs a file .cls, or a .json "
                "with a field 'label'"
            )
        return fields

    def _text(self, name: str) -> str:
        if self._places[name][1] > _MOST_BYTES:
            raise UserError(f"{self.path}: {name} is too large for a label")
        try:
            return self.read(name).decode("utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{self.path}: {name} is no text") from error
