"""Zips: what is dropped on the page is unpacked with care, what is made is packed for download."""

from __future__ import annotations

import shutil
import stat
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

from apps.photographs import shown_name
from intr_discover.data.folders import IMAGE_SUFFIXES
from intr_discover.data.tables import TABLE_SUFFIXES
from intr_discover.errors import UserError

MOST_FILES = 20_000
MOST_BYTES = 2_000_000_000
"""Of all that is unpacked: a zip may hold a thousand times of what it weighs."""

_PIECE = 1 << 20
_COMPANIONS = {"attributes", "keypoints", "pairs", "specimens"}


def unpack(
    archive: Path, target: Path, *, most_files: int = MOST_FILES, most_bytes: int = MOST_BYTES
) -> Path:
    """Unpack photographs and tables; the folder appears whole, or not at all.

    Parameters
    ----------
    archive
        The zip. Files that are neither photographs nor tables are left out, hidden ones too.
    target
        The folder to make.
    most_files, most_bytes
        Limits of what is unpacked.

    Returns
    -------
    Path
        The folder or table to read: where the zip holds nothing but one folder of folders, that
        one; where it holds one table of any name at its top, that table.

    Raises
    ------
    UserError
        If it is no zip, is damaged, encrypted, or too large, or names places outside.
    """
    name = shown_name(archive.name)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        try:
            with zipfile.ZipFile(archive) as opened:
                wanted = _wanted(opened, name, most_files, most_bytes)
                left = most_bytes
                for member, place in wanted:
                    left = _write(opened, member, temporary / place, left, name)
        except (zipfile.BadZipFile, EOFError, NotImplementedError, ValueError) as error:
            raise UserError(f"{name} is no zip that can be read: pack the folder again") from error
        except OSError as error:
            reason = error.strerror or error
            raise UserError(f"cannot unpack {name}: {reason}") from error
        temporary.chmod(0o755)
        temporary.rename(target)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return _beginning(target)


def pack(folder: Path, place: Path, inside: str | None = None) -> Path:
    """Return a zip of a folder's files below one folder, by default of the zip's own name."""
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                archive.write(path, f"{inside or place.stem}/{path.relative_to(folder).as_posix()}")
    return place


def _wanted(
    opened: zipfile.ZipFile, name: str, most_files: int, most_bytes: int
) -> list[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Return what is to be unpacked, and where below the folder."""
    members = opened.infolist()
    if len(members) > most_files:
        raise UserError(f"{name} holds {len(members)} files; up to {most_files} are taken")
    wanted = []
    for member in members:
        place = PurePosixPath(member.filename.replace("\\", "/"))
        if place.is_absolute() or ".." in place.parts or ":" in member.filename:
            raise UserError(f"{name} names places outside its folder: it is not unpacked")
        if stat.S_ISLNK(member.external_attr >> 16):
            raise UserError(f"{name} holds links to other places: it is not unpacked")
        if member.flag_bits & 1:
            raise UserError(f"{name} has a password: pack the folder without one")
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in place.parts)
        known = place.suffix.lower() in (*IMAGE_SUFFIXES, *TABLE_SUFFIXES)
        if not member.is_dir() and not hidden and known:
            wanted.append((member, place))
    if not wanted:
        raise UserError(f"{name} holds no photographs: pack the folder that holds them")
    if sum(member.file_size for member, _ in wanted) > most_bytes:
        raise _too_large(name, most_bytes)
    return wanted


def _write(
    opened: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, left: int, name: str
) -> int:
    """Unpack one file; return how many bytes may still come."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        raise UserError(f"{name} holds {shown_name(path.name)} twice: pack the folder again")
    with opened.open(member) as source, path.open("wb") as file:
        while piece := source.read(_PIECE):
            left -= len(piece)  # counted: what the zip says of its sizes may be untrue
            if left < 0:
                raise _too_large(name)
            file.write(piece)
    return left


def _too_large(name: str, most_bytes: int = MOST_BYTES) -> UserError:
    return UserError(
        f"{name} holds more than {most_bytes / 1e9:g} GB of photographs: put them into a folder on "
        "the machine where the app runs, and name that folder"
    )


def _beginning(folder: Path) -> Path:
    """Return what is to be read of an unpacked folder."""
    inside = sorted(folder.iterdir())
    while len(inside) == 1 and inside[0].is_dir():
        deeper = sorted(inside[0].iterdir())
        if not any(path.is_dir() or path.suffix.lower() in TABLE_SUFFIXES for path in deeper):
            break  # it is the folder of a single species
        folder, inside = inside[0], deeper
    tables = [path for path in inside if path.suffix.lower() in TABLE_SUFFIXES]
    others = [path for path in tables if path.stem not in _COMPANIONS]
    if len(others) == 1 and not any(path.stem == "specimens" for path in tables):
        return others[0]
    return folder
