"""Files are whole or absent, whatever happens while they are written."""

import json
import os
import stat
import subprocess
import sys

import pytest

from intr_discover.errors import shorten
from intr_discover.files import replacing, sha256, write_json, write_text, write_with


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_in_a_new_folder(tmp_path):
    write_text(tmp_path / "a" / "b.txt", "äöü\n")
    assert (tmp_path / "a" / "b.txt").read_bytes() == "äöü\n".encode()
    assert names(tmp_path / "a") == ["b.txt"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "table.csv"
    write_text(path, "old")

    def half(temporary):
        temporary.write_text("ne")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_with(path, half)
    assert path.read_text() == "old"
    assert names(tmp_path) == ["table.csv"]


def test_a_failure_without_an_old_file_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a.npz") as temporary:
        temporary.write_bytes(b"half")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_the_temporary_name_keeps_the_suffix_and_is_hidden(tmp_path):
    with replacing(tmp_path / "figure.tar.pdf") as temporary:
        assert temporary.suffix == ".pdf"
        assert temporary.parent.name.startswith(".")
        assert temporary.parent.parent == tmp_path


def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    script = (
        "import os, signal, sys\n"
        "from intr_discover.files import replacing\n"
        "with replacing(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    assert killed.returncode == -9
    assert path.read_text() == "old"


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_others_may_read_what_the_umask_lets_them(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "a.txt", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.txt").stat().st_mode) == 0o640


def test_json_is_readable_and_refuses_what_json_cannot_say(tmp_path):
    write_json(tmp_path / "a.json", {"name": "Müller", "value": [1, None]})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert "Müller" in text and text.endswith("\n")
    assert json.loads(text) == {"name": "Müller", "value": [1, None]}
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "b.json", float("nan"))
    assert names(tmp_path) == ["a.json"]


def test_sha256_of_a_known_text(tmp_path):
    """FIPS 180-2, appendix B.1: the digest of the three letters abc."""
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256(tmp_path / "abc") == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


@pytest.mark.parametrize(
    ("listed", "expected"),
    [([], ""), (["a"], "a"), (["a", "b"], "a, b"), (["a", "b", "c", "d"], "a, b and 2 more")],
)
def test_shorten(listed, expected):
    assert shorten(listed, most=2) == expected
