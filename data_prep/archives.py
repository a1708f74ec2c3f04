"""Archives as downloaded: unpacked with care, whole or not at all, and once only."""

from __future__ import annotations

import shutil
import stat
import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from intr_discover.errors import UserError

#: Of all that is unpacked of one archive. The largest, Birds-525, has 90,000 files and 2 GB.
MOST_FILES = 500_000
MOST_BYTES = 40_000_000_000

SUFFIXES = (".tgz", ".tar.gz", ".tar", ".zip")
_PIECE = 1 << 20

#: Places of an archive's files, and how to open each: by an iterator that is read once, in order.
Members = Iterator[tuple[str, Callable[[], IO[bytes] | None]]]


def unpack(
    archive: Path,
    folder: Path,
    keep: Callable[[str], bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
    most_files: int = MOST_FILES,
    most_bytes: int = MOST_BYTES,
) -> Path:
    """Unpack an archive into a folder of its own, which appears whole or not at all.

    Parameters
    ----------
    archive
        A ``.tgz``, ``.tar.gz``, ``.tar`` or ``.zip``.
    folder
        Where that folder is made: ``folder/<name of the archive, without its suffix>``. If it is
        there already, and from an archive of as many bytes, nothing is done.
    keep
        Which files are unpacked, by their place in the archive; None: all. Hidden files, and what
        macOS adds, never are.
    progress
        Called with the bytes of the archive that are done, and all of them.
    most_files, most_bytes
        Limits of what is unpacked.

    Returns
    -------
    Path
        The archive's folder.

    Raises
    ------
    UserError
        It is no such archive, is damaged or encrypted, holds links, devices or places outside its
        folder, holds too much, or nothing that is kept.
    """
    stem = next((archive.name[: -len(s)] for s in SUFFIXES if archive.name.endswith(s)), None)
    if not stem:
        raise UserError(f"{archive} is no archive that is known here: give {', '.join(SUFFIXES)}")
    size = archive.stat().st_size
    target = folder / f"{stem}-{size}"  # another download of that name has other bytes
    if target.is_dir():
        return target
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob(".unpacking.*"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        # It goes in any case; what became of it has another name then.
        with tempfile.TemporaryDirectory(prefix=".unpacking.", dir=folder) as name:
            temporary = Path(name, "whole")
            temporary.mkdir()
            with _opened(archive, progress) as members:
                _write_all(archive, members, temporary, keep, most_files, most_bytes)
            temporary.rename(target)
    except OSError as error:
        reason = error.strerror or error
        raise UserError(f"cannot unpack {archive} into {folder}: {reason}") from error
    return target


def _write_all(
    archive: Path,
    members: Members,
    root: Path,
    keep: Callable[[str], bool] | None,
    most_files: int,
    most_bytes: int,
) -> None:
    files = 0
    left = most_bytes
    for name, opener in members:
        place = _place(name, archive)
        if any(part.startswith(".") or part == "__MACOSX" for part in place.parts):
            continue
        if keep is not None and not keep(place.as_posix()):
            continue
        files += 1
        source = opener()
        if source is None:
            raise UserError(f"{archive} holds {name}, which is no plain file: it is not unpacked")
        path = root / place
        path.parent.mkdir(parents=True, exist_ok=True)
        with source, path.open("xb") as file:
            while piece := source.read(_PIECE):
                left -= len(piece)  # counted: what an archive says of its sizes may be untrue
                if left < 0 or files > most_files:
                    raise UserError(
                        f"{archive} holds more than {most_files:,} files or {most_bytes / 1e9:g} "
                        "GB: it is not the published archive"
                    )
                file.write(piece)
    if not files:
        raise UserError(f"{archive} holds nothing that is needed: it is not the published archive")


def _place(name: str, archive: Path) -> PurePosixPath:
    place = PurePosixPath(name.replace("\\", "/"))
    outside = place.is_absolute() or ".." in place.parts or not place.parts
    if outside or ":" in name or "\0" in name:
        raise UserError(f"{archive} names places outside its folder ({name}): it is not unpacked")
    return place


@contextmanager
def _opened(archive: Path, progress: Callable[[int, int], None] | None) -> Iterator[Members]:
    """Open an archive; whatever is wrong with its bytes comes out as one line."""
    try:
        if archive.name.endswith(".zip"):
            with zipfile.ZipFile(archive) as opened:
                yield _zip_members(opened, archive, progress)
        else:
            with (
                archive.open("rb") as file,
                # As a stream, from front to back: the largest has 224 GB.
                tarfile.open(fileobj=file, mode="r|*") as stream,
            ):
                yield _tar_members(stream, file, archive, progress)
    except FileExistsError as error:
        raise UserError(f"{archive} holds {error.filename} twice: fetch it again") from error
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, ValueError) as error:
        raise UserError(f"{archive} is damaged or cut short: fetch it again ({error})") from error
    except (NotImplementedError, RuntimeError) as error:  # an unknown method, a password
        raise UserError(f"{archive} cannot be unpacked: {error}") from error


def _tar_members(
    stream: tarfile.TarFile,
    file: IO[bytes],
    archive: Path,
    progress: Callable[[int, int], None] | None,
) -> Members:
    size = archive.stat().st_size
    while (member := stream.next()) is not None:
        # Python would keep all of them, and iNaturalist has 2.7 million.
        stream.members.clear()  # type: ignore[attr-defined]
        if not (member.isfile() or member.isdir()):
            raise UserError(f"{archive} holds {member.name}, which is no plain file: not unpacked")
        if member.isfile():
            yield member.name, partial(stream.extractfile, member)
        if progress is not None:
            progress(file.tell(), size)


def _zip_members(
    opened: zipfile.ZipFile, archive: Path, progress: Callable[[int, int], None] | None
) -> Members:
    members = opened.infolist()
    for done, member in enumerate(members):
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise UserError(f"{archive} holds {member.filename}, which is no plain file")
        if not member.is_dir():
            yield member.filename, partial(opened.open, member)
        if progress is not None:
            progress(done + 1, len(members))
