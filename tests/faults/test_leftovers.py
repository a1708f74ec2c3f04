"""What a killed process leaves goes with the next one; what a living one makes stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from intr_discover import files
from intr_discover.files import is_temporary, remove_leftovers, temporary_folder, write_text
from tests.faults.killing import leftovers
from tests.faults.troubles import UnavailableError, fill, small_disk

pytestmark = pytest.mark.skipif(os.name == "nt", reason="needs the locks of a POSIX system")

WRITER = (
    "import os, sys, time\n"
    "from intr_discover.files import replacing\n"
    "with replacing(sys.argv[1]) as temporary:\n"
    "    temporary.write_text('new')\n"
    "    (temporary.parent / '.of-a-library').write_text('half')\n"
    "    print('writing', flush=True)\n"
    "    sys.stdin.readline()\n"
)


@pytest.fixture
def writer(tmp_path):
    """A process in the middle of writing a.txt."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / "a.txt")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout.readline() == "writing\n"
    yield process
    process.kill()
    process.communicate()


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_next_writer_removes_what_a_killed_one_left(writer, tmp_path):
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    assert len(leftovers(tmp_path)) == 1
    write_text(tmp_path / "another.txt", "x")
    assert names(tmp_path) == ["another.txt"]


def test_what_a_living_one_makes_stays(writer, tmp_path):
    assert len(leftovers(tmp_path)) == 1
    remove_leftovers(tmp_path)
    write_text(tmp_path / "another.txt", "x")
    assert len(leftovers(tmp_path)) == 1
    writer.communicate("go on\n", timeout=30)
    assert names(tmp_path) == ["a.txt", "another.txt"]
    assert (tmp_path / "a.txt").read_text() == "new"


def test_names_of_users_are_not_ours(tmp_path):
    own = [".hidden", "a.tmp", ".a.tmp", "tmp", ".a.b.tmp.txt", ".a.SHOUTING.tmp", "a.abcdefgh.tmp"]
    for name in own:
        (tmp_path / name).mkdir()
        assert not is_temporary(tmp_path / name)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == sorted(own)


def test_a_link_with_such_a_name_leads_nowhere(tmp_path):
    (tmp_path / "precious").mkdir()
    (tmp_path / ".a.abcdefgh.tmp").symlink_to(tmp_path / "precious")
    remove_leftovers(tmp_path)
    assert (tmp_path / "precious").is_dir()


def test_without_locks_age_decides(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "fcntl", None)  # as on Windows
    for name, age in ((".young.abcdefgh.tmp", 3600), (".old.abcdefgh.tmp", 2 * 24 * 3600)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == [".young.abcdefgh.tmp"]


def test_a_folder_of_many_files_is_listed_once(tmp_path, monkeypatch):
    listed = []
    whole = files.remove_leftovers
    monkeypatch.setattr(files, "remove_leftovers", lambda f: (listed.append(f), whole(f)))
    for number in range(20):
        write_text(tmp_path / f"{number}.txt", "x")
    assert listed == [tmp_path]


def test_names_may_be_as_long_as_the_disk_allows(tmp_path):
    name = "ä" * 125 + ".txt"  # 254 bytes
    write_text(tmp_path / name, "x")
    assert names(tmp_path) == [name]


def test_a_folder_that_takes_its_place_is_not_removed(tmp_path):
    with temporary_folder(tmp_path / "set") as folder:
        (folder / "a").write_text("x")
        folder.rename(tmp_path / "set")
    assert names(tmp_path) == ["set"]


def test_a_full_disk_is_told_whatever_a_library_says():
    """torch, NumPy and safetensors have exceptions of their own for it."""
    import numpy as np
    import torch

    try:
        with small_disk(256) as disk:
            for name, write in {
                "a.pt": lambda path: torch.save(torch.zeros(300_000), path),
                "a.npy": lambda path: np.save(path, np.zeros(300_000)),
                "a.txt": lambda path: path.write_bytes(bytes(300_000)),
            }.items():
                fill(disk, leave=50_000)
                with pytest.raises(OSError, match="No space left") as error:
                    files.write_with(disk / name, write)
                assert error.value.filename == str(disk / name)
                assert names(disk) == ["filler"]
                (disk / "filler").unlink()
    except UnavailableError as reason:
        pytest.skip(str(reason))
