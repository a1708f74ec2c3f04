"""Neither the package nor the demo asks a network for anything."""

import os
import subprocess
import sys

import pytest

# Each call is written down, so that one whose error is caught is seen as well.
REFUSED = """
import atexit, socket, sys
asked = []
def refuse(*words, **named):
    asked.append(words)
    raise OSError("no network in this test")
socket.getaddrinfo = socket.create_connection = socket.socket.connect = refuse
socket.socket.connect_ex = refuse
"""
# os._exit: an exception at exit would leave the status at 0.
COUNT = "\natexit.register(lambda: asked and __import__('os')._exit(77))\n"


def run(code, *words):
    # Not HF_HUB_OFFLINE, which the tests set: people have not set it.
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    return subprocess.run([sys.executable, "-c", REFUSED + COUNT + code, *map(str, words)],
                          capture_output=True, text=True, check=False,
                          env=environment)  # fmt: skip


def test_a_call_would_be_seen():
    code = "\ntry: socket.create_connection(('127.0.0.1', 9))\nexcept OSError: pass"
    assert run(code).returncode == 77


def test_importing_asks_for_nothing():
    done = run("import intr_discover; intr_discover.load")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_demo_asks_for_nothing(tmp_path):
    code = "from intr_discover.cli import main; main()"
    done = run(code, "evaluate", "demo", "demo", "--out", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "results" / "provenance.json").is_file()
