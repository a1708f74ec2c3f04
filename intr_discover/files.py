"""Files that are whole or absent: write under a temporary name, flush to disk, rename.

Standard library only, so that every room of the package may import it.

What a killed process leaves is a hidden folder such as ``.table.csv.k3x_9a0b.tmp``. The next
process that writes beside it removes it: a living writer holds a lock on its folder, a dead one
none.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Windows has none.
fcntl: Any = importlib.import_module("fcntl") if os.name == "posix" else None

_TEMPORARY = re.compile(r"\..+\.[a-z0-9_]{8}\.tmp")
_SURELY_DEAD = 24 * 3600  # seconds; where the system has no locks, age must tell
_SWEEP_EVERY = 60  # seconds: a folder of thousands of files is not listed for each of them
_PROBE = 1 << 20  # bytes

_swept: dict[str, float] = {}


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path on the same disk; on success it takes the place of ``path``.

    Parameters
    ----------
    path
        The file to write. Its folder is made if it is absent. The temporary file has the same
        name, because many writers choose the format by its suffix, in a hidden folder beside
        ``path``, so that the temporary files of other libraries are in there too.

    Raises
    ------
    OSError
        What the system refused, with the name of ``path``; also where a library said it in an
        exception of its own, as those of torch and NumPy do when the disk is full.

    Notes
    -----
    A reader sees the old file or the new one, never a half-written one, also after a power cut.
    When the body raises, the temporary file is removed and ``path`` stays as it was.
    """
    path = Path(path)
    with _naming(path), temporary_folder(path) as folder:
        temporary = folder / path.name
        temporary.touch()
        try:
            yield temporary
            # Some writers make files that only their owner can read; give the usual permissions.
            temporary.chmod(0o666 & ~_umask())
            _flush_to_disk(temporary)
            temporary.replace(path)
        except Exception as error:
            refusal = None if getattr(error, "errno", None) else _refusal(folder)
            if refusal is None:
                raise
            raise refusal from error
        _flush_to_disk(path.parent)


@contextmanager
def temporary_folder(beside: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a new hidden folder for something that is made there and then renamed.

    Parameters
    ----------
    beside
        What it will become; the folder lies in the same one, which is made if it is absent.

    Notes
    -----
    It is removed afterwards if it is still there. If the process is killed, the next one that
    makes a temporary folder in the same place removes it.
    """
    beside = Path(beside)
    beside.parent.mkdir(parents=True, exist_ok=True)
    if time.monotonic() > _swept.get(str(beside.parent.absolute()), 0.0):
        remove_leftovers(beside.parent)
    folder, lock = _locked_folder(beside)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def is_temporary(path: Path) -> bool:
    """Return whether a name is that of something unfinished, of a living process or a dead one."""
    return _TEMPORARY.fullmatch(path.name) is not None


def remove_leftovers(folder: Path) -> None:
    """Remove what killed processes left unfinished in a folder; what is being made stays."""
    _swept[str(folder.absolute())] = time.monotonic() + _SWEEP_EVERY
    with contextlib.suppress(OSError):  # a folder that may be written to but not listed
        for path in [each for each in folder.iterdir() if is_temporary(each)]:
            _remove_if_dead(path)


def _remove_if_dead(folder: Path) -> None:
    with contextlib.suppress(OSError):  # its process lives; or somebody else's, or gone by now
        lock = _lock(folder, wait=False)
        if lock is not None or time.time() - folder.stat().st_mtime > _SURELY_DEAD:
            shutil.rmtree(folder, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def _locked_folder(beside: Path) -> tuple[Path, int | None]:
    """Make a folder that nobody takes for a leftover; return it and what holds the lock."""
    prefix = f".{beside.name[:40]}."  # names may be 255 bytes long, and this one is longer
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix, suffix=".tmp", dir=beside.parent))
        with contextlib.suppress(FileNotFoundError):
            lock = _lock(folder, wait=True)
            if folder.exists():
                return folder, lock
            if lock is not None:
                os.close(lock)
        # Another process took it for a leftover before it was locked: once more.


def _lock(folder: Path, wait: bool) -> int | None:
    """Return an open lock on a folder, None where the system or the disk has no locks.

    Raises
    ------
    BlockingIOError
        If another process holds it and we do not wait.
    """
    if fcntl is None:
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:  # some network disks
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let a refusal of the system name the file that is wanted, not the temporary one."""
    try:
        yield
    except OSError as error:
        named = [Path(str(name)) for name in (error.filename, error.filename2) if name is not None]
        ours = [each for each in named if any(map(_TEMPORARY.fullmatch, each.parts))]
        if error.errno and (ours or not named):
            error.filename, error.filename2 = str(path), None
        raise


def _refusal(folder: Path) -> OSError | None:
    """Return what the system says when asked to write some more, None when it does."""
    try:
        with (folder / "probe").open("wb") as file:
            file.write(bytes(_PROBE))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    return None


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write ``text`` as UTF-8, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write ``value`` as indented JSON, whole or not at all. NaN and infinity are refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_with(path: str | os.PathLike[str], write: Callable[[Path], object]) -> None:
    """Let ``write(temporary_path)`` make the file, then put it in place whole."""
    with replacing(path) as temporary:
        write(temporary)


def sha256(path: str | os.PathLike[str]) -> str:
    """Return the SHA-256 of a file's bytes as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _flush_to_disk(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder for flushing; the rename itself is atomic there.
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
