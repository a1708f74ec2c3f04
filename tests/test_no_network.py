"""Neither the package nor the demo asks a network for anything, and no test can."""

import http.server
import os
import socket
import subprocess
import sys
import urllib.request

import pytest

from tests.no_network import sitecustomize as no_network

# An address that is kept for examples (RFC 5737), and a name that is kept for tests (RFC 6761).
FAR = "192.0.2.1"
NAME = "nowhere.invalid"


@pytest.fixture
def own_log(tmp_path, monkeypatch):
    """Write attempts of this test, which are meant, into a file of its own."""
    log = tmp_path / "attempts"
    log.touch()
    monkeypatch.setenv(no_network.LOG, str(log))
    return log


def run(code, log, *words):
    # Not HF_HUB_OFFLINE, which the tests set: people have not set it.
    environment = {name: value for name, value in os.environ.items() if name != "HF_HUB_OFFLINE"}
    environment |= {no_network.LOG: str(log), no_network.NOT_EVEN_LOOPBACK: "1"}
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, words)],
        capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip


ATTEMPTS = {
    "connect": lambda: socket.create_connection((FAR, 80), timeout=1),
    "connect_ex": lambda: socket.socket().connect_ex((FAR, 80)),
    "datagram": lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"a", (FAR, 53)),
    "name": lambda: socket.getaddrinfo(NAME, 80),
    "old name": lambda: socket.gethostbyname(NAME),
    "address of a page": lambda: urllib.request.urlopen(f"http://{NAME}/", timeout=1),
}


@pytest.mark.parametrize("way", ATTEMPTS)
def test_every_way_off_this_machine_is_refused_and_named(own_log, way):
    with pytest.raises(OSError, match="no network in the tests") as caught:
        ATTEMPTS[way]()
    where = NAME if "name" in way or "page" in way else FAR
    assert where in str(caught.value) and where in own_log.read_text()


def test_a_caught_attempt_is_seen_in_processes_too(own_log):
    code = f"import socket\ntry: socket.create_connection(({NAME!r}, 9))\nexcept OSError: pass"
    environment = {**os.environ, no_network.LOG: str(own_log)}
    for options in ([], ["-P"]):  # rerun starts its processes with -P
        own_log.write_text("")
        subprocess.run([sys.executable, *options, "-c", code], check=True, env=environment)
        assert NAME in own_log.read_text()


def test_this_machine_may_be_asked(tmp_path):
    with http.server.HTTPServer(("localhost", 0), http.server.BaseHTTPRequestHandler) as server:
        socket.create_connection(("localhost", server.server_port)).close()
        socket.create_connection(("127.0.0.1", server.server_port)).close()
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as asking:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        asking.connect(str(tmp_path / "s"))


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.8.9.1", True), ("::1", True), ("LOCALHOST", True), (b"localhost", True),
     ("0.0.0.0", True), ("8.8.8.8", False), ("::ffff:8.8.8.8", False),
     ("localhost.example.org", False),
     ("10.0.0.1", False), ("fe80::1%eth0", False)],
)  # fmt: skip
def test_what_this_machine_is(host, here):
    assert no_network.is_here(host) is here


def test_importing_asks_for_nothing(tmp_path):
    log = tmp_path / "attempts"
    done = run("import intr_discover; intr_discover.load", log)
    assert done.returncode == 0 and not log.exists(), done.stderr


@pytest.mark.slow
def test_the_demo_asks_for_nothing(tmp_path):
    log = tmp_path / "attempts"
    code = "from intr_discover.cli import main; main()"
    done = run(code, log, "evaluate", "demo", "demo", "--out", tmp_path / "results")
    assert done.returncode == 0 and not log.exists(), done.stderr
    assert (tmp_path / "results" / "provenance.json").is_file()
