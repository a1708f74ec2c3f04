"""Photographs inside Parquet shards, read as though they lay in the folder of the shards.

A data set of a million small files is slow to copy and hard on network disks. Its shards are a few
large files with the very bytes of the photographs in them. Whoever opens ``shards/train/a.jpg``
gets those bytes where no such file exists but ``shards/shards.json`` does, so that nothing else in
the package needs to know. ``sharding.py`` writes them. Files that others have packed
(``packed.py``) are read the same way: ``train-0.tar/a.jpg``.
"""

from __future__ import annotations

import hashlib
import json
import os
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from intr_discover.data.packed import PACKED_SUFFIXES, opened
from intr_discover.errors import UserError
from intr_discover.files import sha256

MANIFEST = "shards.json"
FORMAT = 1


class Store(Protocol):
    """A file, or several, with photographs inside."""

    def __contains__(self, name: str) -> bool: ...

    def read(self, name: str) -> bytes:
        """Return the bytes of a photograph."""


@dataclass(frozen=True)
class _Shard:
    path: Path
    metadata: Any  # pyarrow's FileMetaData, which has no types
    group_ends: list[int]  # rows up to the end of each row group


class Shards:
    """The files of one folder of shards, and where in them each photograph is.

    Every reading opens the file anew with the footer that is known already, and reads the one row
    group that it needs. So there is nothing open that processes or threads would share. About 200
    bytes of memory a photograph.

    Parameters
    ----------
    folder
        The folder that holds ``shards.json``.

    Raises
    ------
    UserError
        If the manifest cannot be read, or a file that it names is missing, cut short or no shard.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._shards: list[_Shard] = []
        self._places: dict[str, int] = {}
        ends = [0]
        for record in _records(folder):
            shard, paths = _open(folder, record)
            self._places.update(zip(paths, range(ends[-1], ends[-1] + len(paths)), strict=True))
            self._shards.append(shard)
            ends.append(ends[-1] + len(paths))
        self._ends = ends

    def __contains__(self, name: str) -> bool:
        return name in self._places

    def read(self, name: str) -> bytes:
        """Return the bytes of the photograph or mask of this path below the folder."""
        place = self._places[name]
        number = bisect_right(self._ends, place) - 1
        shard, row = self._shards[number], place - self._ends[number]
        group = bisect_right(shard.group_ends, row)
        row -= shard.group_ends[group - 1] if group else 0
        with pq.ParquetFile(
            shard.path, metadata=shard.metadata, page_checksum_verification=True
        ) as file:
            column = file.read_row_group(group, columns=["image"], use_threads=False)["image"]
        content = column[row].as_py()
        assert isinstance(content, bytes)
        return content


def stored(path: str | os.PathLike[str]) -> bytes | None:
    """Return the bytes of a photograph or mask that lies in shards; None where none does.

    Raises
    ------
    UserError
        If the shards are damaged.
    OSError
        If a file of them cannot be read, or its checksum does not fit (pyarrow says it so).
    """
    found = _find(path)
    return None if found is None else found[0].read(found[1])


def is_there(path: str | os.PathLike[str]) -> bool:
    """Return whether a photograph or mask is there, as a file or in shards."""
    return Path(path).is_file() or _find(path) is not None


def size_of(path: str | os.PathLike[str]) -> int | None:
    """Return the bytes of a photograph or mask, None where there is none."""
    if Path(path).is_file():
        return Path(path).stat().st_size
    content = stored(path)
    return None if content is None else len(content)


def sha256_of(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a photograph or mask, as a file or in shards, as 64 digits.

    Raises
    ------
    OSError
        If it is not there or cannot be read.
    """
    content = None if Path(path).is_file() else stored(path)
    return sha256(path) if content is None else hashlib.sha256(content).hexdigest()


def require_sha256(path: str | os.PathLike[str]) -> str:
    """Return ``sha256_of`` a photograph or mask that must be there.

    Raises
    ------
    UserError
        If it is not there or cannot be read.
    """
    try:
        return sha256_of(path)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error


def _find(path: str | os.PathLike[str]) -> tuple[Store, str] | None:
    absolute = Path(os.path.normpath(Path(path).absolute()))
    for folder in absolute.parents:
        if folder.suffix.lower() in PACKED_SUFFIXES and folder.is_file():
            packed, name = opened(folder), absolute.relative_to(folder).as_posix()
            if packed is not None:
                return (packed, name) if name in packed else None
        try:
            status = (folder / MANIFEST).stat()
        except (FileNotFoundError, NotADirectoryError):
            continue
        shards = _opened(folder, status.st_mtime_ns, status.st_size)
        name = unicodedata.normalize("NFC", absolute.relative_to(folder).as_posix())
        return (shards, name) if name in shards else None
    return None


@lru_cache(maxsize=4)
def _opened(folder: Path, modified: int, size: int) -> Shards:
    """Return the shards of a folder; the manifest's time and size tell when they are others."""
    return Shards(folder)


def _records(folder: Path) -> list[dict[str, Any]]:
    manifest = folder / MANIFEST
    try:
        content = json.loads(manifest.read_text(encoding="utf-8"))
        found, records = content["format"], list(content["files"])
        names = [record["name"] for record in records]
        plain = all(_is_plain(name) for name in names)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"cannot read {manifest}: copy the folder again") from error
    if found != FORMAT:
        raise UserError(f"{manifest} has format {found}; this version reads {FORMAT}")
    if not plain:
        raise UserError(f"{manifest} names files outside its folder")
    return records


def _is_plain(name: str) -> bool:
    return PurePosixPath(name).name == name and name not in ("", "..") and "\\" not in name


def _open(folder: Path, record: dict[str, Any]) -> tuple[_Shard, list[str]]:
    path = folder / record["name"]
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise UserError(f"{path} is missing: copy the folder {folder} again") from None
    if size != record["bytes"]:
        raise UserError(f"{path} has {size:,} bytes instead of {record['bytes']:,}: copy it again")
    try:
        with pq.ParquetFile(path) as file:
            metadata = file.metadata
            paths = file.read(columns=["path"], use_threads=False)["path"].to_pylist()
    except (OSError, pa.ArrowException, KeyError) as error:
        raise UserError(f"{path} is damaged: copy it again") from error
    groups = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
    return _Shard(path, metadata, list(accumulate(groups))), paths
