"""Disks that are full or read-only, folders of others, memory that ends: real ones, where possible.

Each needs something of the machine; ``UnavailableError`` says what is not there, and the test is
skipped with that reason.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.kill_cases import whole
from tests.faults.killing import Ended, WarmServer, leftovers
from tests.faults.world import SMALL, World

ROOT = Path(__file__).resolve().parents[2]


class UnavailableError(Exception):
    """This machine cannot make that fault."""


@contextlib.contextmanager
def small_disk(kilobytes: int = 512) -> Iterator[Path]:
    """Mount a disk of so many kilobytes; it grows with ``let_grow``."""
    if sys.platform != "linux" or os.geteuid() != 0:
        raise UnavailableError("only the administrator of a Linux machine can mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="small-disk-"))
    words = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k,mode=755", "tmpfs", str(folder)]
    if subprocess.run(words, capture_output=True).returncode:
        folder.rmdir()
        raise UnavailableError("this machine does not let a small disk be mounted")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        folder.rmdir()


def fill(disk: Path, leave: int = 0) -> None:
    """Fill a disk but for so many bytes."""
    free = shutil.disk_usage(disk).free
    (disk / "filler").write_bytes(bytes(max(0, free - leave)))


def remount(disk: Path, options: str) -> None:
    """Change how a disk is mounted."""
    subprocess.run(["mount", "-o", f"remount,{options}", str(disk)], check=True)


@dataclass(frozen=True)
class Forbidden:
    """A folder that a command may look into but not write to.

    Attributes
    ----------
    folder
        It.
    as_nobody
        Whether the command must be run by a user without rights: the administrator has all.
    """

    folder: Path
    as_nobody: bool

    def allow(self) -> None:
        """Let it be written to."""
        if self.as_nobody or os.geteuid() != 0:
            self.folder.chmod(0o777)
        else:
            subprocess.run(["chattr", "-i", str(self.folder)], check=True)


@contextlib.contextmanager
def forbidden_folder() -> Iterator[Forbidden]:
    """Make a folder without permission: by its owner, or for the administrator as immutable."""
    if os.name == "nt":
        raise UnavailableError("Windows has other permissions")
    root, reachable = os.geteuid() == 0, anybody_can_run_python()
    folder = Path(tempfile.mkdtemp(prefix="forbidden-"))
    forbidden = Forbidden(folder, root and reachable)
    try:
        folder.chmod(0o555)
        if root and not reachable and subprocess.run(["chattr", "+i", str(folder)]).returncode:
            raise UnavailableError("other users cannot run Python here, and no folder is immutable")
        yield forbidden
    finally:
        forbidden.allow()
        folder.chmod(0o755)
        shutil.rmtree(folder)


def anybody_can_run_python() -> bool:
    """Return whether a user without rights reaches the program and its Python."""
    places = [ROOT, Path(sys.prefix), Path(sys.base_prefix), Path(os.__file__)]
    return all(each.stat().st_mode & 0o001 for place in places for each in place.parents)


@dataclass(frozen=True)
class Writing:
    """A command that writes.

    Attributes
    ----------
    name
        In the table.
    words
        With ``{out}`` for where it writes.
    again
        What is added when it is given again.
    """

    name: str
    words: str
    again: str = ""

    def filled(self, world: World, out: Path) -> list[str]:
        """Return its words."""
        small = " ".join(SMALL)
        words = self.words.replace("{small}", small).split()
        places = {**world.places, "out": str(out), "sheets": str(world.data.parent / "sheets"),
                  "pth": str(world.data.parent / "bare.pth"),
                  "names": str(world.data.parent / "names.txt")}  # fmt: skip
        for name, place in places.items():
            words = [word.replace("{" + name + "}", place) for word in words]
        return words


WRITINGS = [
    Writing("specimens", "specimens {data} --out {out}/t.csv"),
    Writing("train", "train {data} --out {out}/run --epochs 2 {small}", "--resume"),
    Writing("evaluate", "evaluate {run} {data} --out {out}/e --device cpu"),
    Writing("predict", "predict {run} {photo} --csv {out}/p.csv --device cpu"),
    Writing("explain", "explain {run} {photo} --out {out}/x --device cpu"),
    Writing("edit", "edit {run} {photo} --mask {mask} --op erase --controls 2 --out {out}/edit "
            "--device cpu"),
    Writing("trait", "trait {data} --image images/red_0.png --mask {mask} --name patch "
            "--out {out}/trait"),
    Writing("figure", "figure heads {run} {data} --out {out}/f.pdf --device cpu"),
    Writing("rings", "rings {out}/rings --per-class 2 --rings 1 --size 64"),
    Writing("import", "import {pth} --classes {names} --out {out}/imported"),
    Writing("annotations import", "annotations import {sheets} --database {out}/a.db"),
    Writing("notebooks", "notebooks {out}/notebooks", "--overwrite"),
    Writing("extract", "extract {run} {data} --out {out}/set --device cpu"),
]  # fmt: skip


OF_EACH_KIND = ("train", "evaluate", "trait", "annotations import")
"""Commands that write in ways of their own; the others write as one of these does."""


def commands() -> set[str]:
    """Return the commands that this version has."""
    from typer.main import get_command

    from intr_discover.cli import app

    return set(get_command(app).commands)  # type: ignore[attr-defined]


def add_sources(world: World) -> None:
    """Write what some of the commands read beside the collection."""
    import torch

    from intr_discover.annotations import open_database
    from intr_discover.annotations.transfer import export_csv
    from intr_discover.model.checkpoint import load_checkpoint
    from intr_discover.model.layouts import to_official

    beside = world.data.parent
    state = load_checkpoint(world.run).state_dict()
    torch.save({"model": {to_official(n): t for n, t in state.items()}}, beside / "bare.pth")
    (beside / "names.txt").write_text("blue\ngreen\nred\n")
    database = open_database(beside / "source.db")
    database.names.add("Ann", "a" * 64, "red", 0, "patch")
    export_csv(database, beside / "sheets")


def check_refused(ended: Ended, place: Path, *words: str) -> str:
    """Check that a command was refused in one line that names the place; return the line."""
    assert ended.status == 2, f"status {ended.status}\n{ended.said}"
    assert "Traceback" not in ended.said, ended.said
    assert ended.said.count("intr-discover: ") == 1, ended.said
    assert any(word in ended.message for word in words), ended.message
    assert str(place) in ended.message, ended.message
    return ended.message


def check_works(server: WarmServer, writing: Writing, world: World, place: Path) -> None:
    """Give a command again; what it makes is whole, and nothing is left over."""
    again = server.run(*writing.filled(world, place), *writing.again.split())
    assert again.status == 0, again.said
    whole(place)
    assert not leftovers(place), leftovers(place)


def full_disk(server: WarmServer, world: World, writing: Writing, leave: int = 0) -> str | None:
    """Write to a disk with so many bytes left, then again with more; return the message.

    None where the command writes less.
    """
    with small_disk() as disk:
        fill(disk, leave)
        ended = server.run(*writing.filled(world, disk))
        if ended.status == 0 and leave:
            return None
        message = check_refused(ended, disk, "no space is left", "disk is full", "No space left")
        assert not leftovers(disk), leftovers(disk)
        (disk / "filler").unlink()
        remount(disk, "size=64m")
        check_works(server, writing, world, disk)
        return message.replace(str(disk), "DIR")


def read_only_disk(server: WarmServer, world: World, writing: Writing) -> str:
    """Write to a disk that is read-only, then again when it is not; return the message."""
    with small_disk(64_000) as disk:
        remount(disk, "ro")
        ended = server.run(*writing.filled(world, disk))
        message = check_refused(ended, disk, "read-only", "Read-only", "cannot be written")
        remount(disk, "rw")
        check_works(server, writing, world, disk)
        return message.replace(str(disk), "DIR")


def no_permission(server: WarmServer, world: World, writing: Writing) -> str:
    """Write to a folder without permission, then again with it; return the message."""
    with forbidden_folder() as forbidden:
        folder = forbidden.folder
        ended = server.run(*writing.filled(world, folder), as_nobody=forbidden.as_nobody)
        words = ("permission", "Permission", "not permitted", "cannot be written", "unable to open")
        message = check_refused(ended, folder, *words)
        assert not list(folder.iterdir())
        forbidden.allow()
        check_works(server, writing, world, folder)
        return message.replace(str(folder), "DIR")
