"""What the operating system refuses, in words."""

from __future__ import annotations

import doctest
import errno
import os
import subprocess
import sys

import pytest

from intr_discover import errors
from intr_discover.errors import system_trouble


def test_examples_of_the_docstrings():
    tried = doctest.testmod(errors)
    assert tried.attempted >= 2 and tried.failed == 0


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "no space is left on the disk"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "no permission"),
        (errno.ENOENT, "gone"),
        (errno.EIO, os.strerror(errno.EIO)),
    ],
)
def test_what_and_where(number, words):
    said = system_trouble(OSError(number, os.strerror(number), "a folder/{file}.csv"))
    assert words in said and "a folder/{file}.csv" in said and "\n" not in said
    nowhere = system_trouble(OSError(number, os.strerror(number)))
    assert words in nowhere and "None" not in nowhere


def test_of_two_names_the_one_that_was_to_be_made():
    error = OSError(errno.EACCES, "denied", "/a/.table.tmp", None, "/a/table.csv")
    assert "/a/table.csv" in system_trouble(error)


def test_the_command_says_it_in_one_line_without_a_traceback(tmp_path):
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "intr_discover", "notebooks", str(tmp_path / "file" / "inside")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "folder" in done.stderr and str(tmp_path / "file") in done.stderr
