"""``models fetch``: from a hub of our own on this machine, with the faults of the web."""

from __future__ import annotations

import hashlib
import re
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler

import pytest
import timm
import torch
from safetensors.torch import save

from intr_discover.catalogue import CHECKSUMS, Published, PublishedFile, catalogue, fetch
from intr_discover.cli import main
from intr_discover.downloads import offered
from intr_discover.errors import UserError
from intr_discover.model.backbone_weights import create_network
from tests.test_downloads import Handler, Server

REVISION = "0123456789abcdef0123456789abcdef01234567"
REPOSITORY = "/timm/resnet10t.c3_in1k/resolve"


class Hub(Server):
    """Large files lie at another name of this machine, as the real hub keeps them elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.RequestHandlerClass = HubHandler
        self.large: dict[str, bytes] = {}  # by the path after the revision
        self.small: dict[str, bytes] = {}
        self.digests: dict[str, str] = {}  # what it says of a large file, where that is a lie
        self.tells = True
        self.asked: list[str] = []

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class HubHandler(Handler, BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        site = self.server
        site.asked.append(f"{self.command} {self.path}")
        name = re.sub(r"/(main|[0-9a-f]{40})/", "/", self.path)
        if self.path.startswith("/moved/"):
            self._leads_to(307, self.path.removeprefix("/moved"))
        elif self.path.startswith("/elsewhere/"):
            site.content = site.large[self.path.removeprefix("/elsewhere")]
            super().do_GET()
        elif name in site.large:
            self._leads_to(302, f"http://localhost:{site.server_port}/elsewhere{name}")
        elif name in site.small:
            site.content = site.small[name]
            super().do_GET()
        else:
            self.send_error(404)

    def _leads_to(self, status: int, place: str) -> None:
        name = place.partition("/elsewhere")[2]
        self.send_response(status)
        self.send_header("Location", place)
        if self.server.tells and name:
            content = self.server.large[name]
            digest = self.server.digests.get(name, hashlib.sha256(content).hexdigest())
            self.send_header("X-Linked-ETag", f'"{digest}"')
            self.send_header("X-Linked-Size", str(len(content)))
            self.send_header("X-Repo-Commit", REVISION)
        self.send_header("Content-Length", "0")
        self.end_headers()


@pytest.fixture(scope="module")
def weights():
    torch.manual_seed(5)
    return timm.create_model("resnet10t").state_dict()


@pytest.fixture
def hub(monkeypatch, weights):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Hub()
    server.large[f"{REPOSITORY}/model.safetensors"] = save(weights)
    server.small[f"{REPOSITORY}/config.json"] = b'{"architecture": "resnet10t"}'
    monkeypatch.setenv("HF_ENDPOINT", server.root)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def call(monkeypatch, capsys):
    def run_it(*words):
        monkeypatch.setattr(sys, "argv", ["intr-discover", "models", *map(str, words)])
        status = 0
        try:
            main()
        except SystemExit as ended:
            status = ended.code or 0
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return status, captured.out, captured.err

    return run_it


def own(site, content, name="a.pth", **known):
    """Return a catalogue with one file that the site serves."""
    site.small[f"/{name}"] = content
    file = PublishedFile(f"{site.root}/{name}", **known)
    return {"own": Published("own", "own", (file,), "CC0", "use {folder}")}


def test_a_backbone_is_fetched_checked_and_read_without_a_network(hub, call, tmp_path, weights):
    folder = tmp_path / "weights"
    status, out, err = call("fetch", "resnet10t", "--to", folder)
    assert status == 0, err
    assert f"--backbone resnet10t --set backbone_weights={folder}" in out
    assert "model.safetensors: SHA-256 as published" in out
    assert "config.json: no checksum is published" in out
    # The state of the collection that was offered is what is fetched, of every file.
    assert f"HEAD {REPOSITORY}/main/model.safetensors" in hub.asked
    assert f"GET {REPOSITORY}/{REVISION}/config.json" in hub.asked
    network = create_network("resnet10t", weights=folder)
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    for line in (folder / CHECKSUMS).read_text().splitlines():
        if not line.startswith("#"):
            digest, name = line.split("  ")
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    hub.asked.clear()
    status, out, err = call("fetch", "timm/resnet10t", "--to", folder)
    assert status == 0, err
    assert "config.json: SHA-256 as when it was first fetched" in out
    assert hub.asked == []


def test_it_goes_on_where_it_stopped(hub, call, tmp_path):
    hub.cut_after = [100_000, 0]
    status, _, err = call("fetch", "resnet10t", "--to", tmp_path / "w")
    assert status == 2 and "100,000 bytes are kept, run the same command again" in err
    assert not (tmp_path / "w" / "model.safetensors").exists()
    hub.seen.clear()
    status, _, err = call("fetch", "resnet10t", "--to", tmp_path / "w")
    assert status == 0, err
    assert [seen["Range"] for seen in hub.seen if "Range" in seen] == ["bytes=100000-"]


def test_another_file_than_the_hub_speaks_of_is_removed(hub, call, tmp_path):
    hub.digests[f"{REPOSITORY}/model.safetensors"] = "0" * 64
    status, _, err = call("fetch", "resnet10t", "--to", tmp_path / "w")
    assert status == 2 and "another file than the published one" in err and "0" * 64 in err
    assert list((tmp_path / "w").iterdir()) == []


def test_a_mirror_that_tells_nothing_is_said(hub, call, tmp_path):
    hub.tells = False
    status, out, err = call("fetch", "resnet10t", "--to", tmp_path / "w")
    assert status == 0, err
    assert "model.safetensors: no checksum is published" in out


def test_what_is_not_there_is_one_line(hub, call, tmp_path):
    hub.large.clear()
    status, _, err = call("fetch", "resnet10t", "--to", tmp_path / "w")
    assert status == 2 and "model.safetensors cannot be had: 404 Not Found" in err
    assert err.count("\n") == 1


def test_without_a_network_it_says_what_to_run_and_what_to_copy(call, tmp_path, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{port}")
    for name in ("resnet10t", "intr-cub"):
        status, _, err = call("fetch", name, "--to", tmp_path / "weights")
        assert status == 2 and err.count("\n") == 1
        assert "the connection to 127.0.0.1 failed (Connection refused)" in err
        assert f"run 'intr-discover models fetch {name} --to weights' on one that has" in err
        assert f"copy the folder weights to {tmp_path / 'weights'}" in err


def test_digits_in_a_name_are_checked(hub, tmp_path):
    digest = hashlib.sha256(b"detr").hexdigest()
    name = f"detr-{digest[:8]}.pth"
    known = own(hub, b"detr", name, sha256=digest[:8])
    _, (file,) = fetch("own", tmp_path / "w", known=known)
    assert file.checked == f"SHA-256 begins as its name says, {digest[:8]}"
    wrong = own(hub, b"another", name, sha256=digest[:8])
    with pytest.raises(UserError, match=f"another file .* instead of {digest[:8]}"):
        fetch("own", tmp_path / "new", known=wrong)
    short = own(hub, b"detr", name, sha256=digest[:7])
    with pytest.raises(UserError, match="another file"):
        fetch("own", tmp_path / "new", known=short)


def test_without_a_published_checksum_later_ones_must_be_as_the_first(hub, tmp_path):
    _, (file,) = fetch("own", tmp_path, known=own(hub, b"first"))
    assert "no checksum is published" in file.checked
    file.path.unlink()
    known = own(hub, b"other")
    with pytest.raises(UserError, match="another file"):
        fetch("own", tmp_path, known=known)
    known = own(hub, b"first")
    _, (file,) = fetch("own", tmp_path, known=known)
    assert file.path.read_bytes() == b"first"
    assert file.checked == "SHA-256 as when it was first fetched"


def test_a_folder_with_other_weights_is_left_alone(hub, call, tmp_path):
    assert call("fetch", "resnet10t", "--to", tmp_path)[0] == 0
    hub.large["/timm/resnet14t.c3_in1k/resolve/model.safetensors"] = b"other"
    status, _, err = call("fetch", "resnet14t", "--to", tmp_path)
    assert status == 2 and "holds model.safetensors of" in err and "name another folder" in err


@pytest.mark.parametrize("text", ["zzz\n", "# a\n" + "0" * 63 + "  a\n", "0" * 64 + "  a\n"])
def test_a_damaged_list_of_checksums_is_said(hub, tmp_path, text):
    (tmp_path / CHECKSUMS).write_text(text)
    with pytest.raises(UserError, match="checksums is damaged at"):
        fetch("own", tmp_path, known=own(hub, b"first"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("detr-r5", "did you mean detr-r50"),
        ("resnet10t.none", "no pretrained weights 'resnet10t.none'; there are resnet10t.c3_in1k"),
        ("../../etc/passwd", "there are no weights"),
        ("", "there are no weights"),
    ],
)
def test_unknown_names(tmp_path, name, words):
    with pytest.raises(UserError, match=re.escape(words)):
        fetch(name, tmp_path)


def test_only_a_redirect_to_another_machine_is_not_followed(hub):
    hub.large["/x/resolve/a"] = b"abc"
    found = offered(f"{hub.root}/moved/x/resolve/main/a")
    assert (found.revision, found.size) == (REVISION, 3)
    assert found.sha256 == hashlib.sha256(b"abc").hexdigest()
    assert hub.asked == ["HEAD /moved/x/resolve/main/a", "HEAD /x/resolve/main/a"]


def test_the_list_names_what_can_be_fetched(call):
    status, out, _ = call("list")
    assert status == 0
    for name, each in catalogue().items():
        assert name in out
        for file in each.files:
            assert file.address.startswith("https://")
            assert re.fullmatch(r"[0-9a-f]{8}|[0-9a-f]{64}", file.sha256)
    status, out, _ = call("list", "--timm", "resnet10t*")
    assert status == 0 and "resnet10t.c3_in1k" in out.split()
    assert call("list", "--timm", "none-such")[0] == 2
