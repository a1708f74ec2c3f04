"""Downloads are whole and checked or absent: against a real server that behaves, and misbehaves."""

from __future__ import annotations

import errno
import hashlib
import json
import random
import re
import shutil
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from intr_discover.downloads import download
from intr_discover.errors import UserError

CONTENT = random.Random(0).randbytes(3_000_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MD5 = hashlib.md5(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serve ``content`` at every address, with the faults that a test asks for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.etag: str | None = '"one"'
        self.ranges = True
        self.shifted = False  # sends another piece than asked for
        self.cut_after: list[int] = []  # bytes after which the next connections end
        self.length_added = 0
        self.tell_length = True
        self.kind = "application/octet-stream"
        self.answers: dict[str, tuple[int, str]] = {}  # path to status and place
        self.seen: list[dict[str, str]] = []  # headers of the requests, in order

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/birds.tgz"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        site = self.server
        site.seen.append(dict(self.headers))
        if self.path in site.answers:
            status, place = site.answers[self.path]
            self.send_response(status)
            self.send_header("Location", place)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        body, first = site.content, 0
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range") in (None, site.etag)
        if asked and site.ranges and same:
            first = int(asked[1])
            if first >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206)
            shown = first - 1 if site.shifted else first
            self.send_header("Content-Range", f"bytes {shown}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        body = body[first:]
        if site.tell_length:
            self.send_header("Content-Length", str(len(body) + site.length_added))
        self.send_header("Content-Type", site.kind)
        if site.etag:
            self.send_header("ETag", site.etag)
        self.end_headers()
        self.wfile.write(body[: site.cut_after.pop(0)] if site.cut_after else body)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    server = Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "vögel.tgz"


def names(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def interrupted(site: Server, target: Path, after: int) -> None:
    """Leave a part of ``after`` bytes behind, as a lost network does."""
    site.cut_after = [after, 0]
    with pytest.raises(UserError, match="failed"):
        download(site.url, target, sha256=SHA256)
    assert target.with_name("vögel.tgz.part").stat().st_size == after
    site.seen.clear()


def test_a_file_arrives_whole_under_its_name_alone(site, target):
    told = []
    assert (
        download(
            site.url,
            target,
            sha256=SHA256.upper(),
            md5=MD5,
            size=len(CONTENT),
            progress=lambda *numbers: told.append(numbers),
        )
        == target
    )
    assert target.read_bytes() == CONTENT
    assert names(target) == ["vögel.tgz"]
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    (request,) = site.seen
    assert request["Accept-Encoding"] == "identity"
    assert "Range" not in request


def test_a_file_that_is_there_is_not_fetched_again(site, target):
    download(site.url, target, md5=MD5)
    download(site.url, target, md5=MD5)
    download(site.url, target)
    assert len(site.seen) == 1


@pytest.mark.parametrize("known", [{"md5": MD5}, {"sha256": SHA256}, {"size": len(CONTENT)}])
def test_another_file_of_that_name_is_refused_and_kept(site, target, known):
    target.parent.mkdir()
    target.write_bytes(b"mine")
    with pytest.raises(UserError, match=r"vögel\.tgz is there already.*move it away"):
        download(site.url, target, **known)
    assert target.read_bytes() == b"mine"
    assert not site.seen


def test_it_goes_on_where_it_stopped(site, target):
    interrupted(site, target, after=1_000_000)
    told = []
    download(site.url, target, sha256=SHA256, progress=lambda *numbers: told.append(numbers))
    assert target.read_bytes() == CONTENT
    assert names(target) == ["vögel.tgz"]
    (request,) = site.seen
    assert request["Range"] == "bytes=1000000-"
    assert request["If-Range"] == '"one"'
    assert told[0][0] > 1_000_000


def test_a_cut_connection_is_taken_up_again_at_once(site, target):
    site.cut_after = [500_000, 700_000, 1]
    download(site.url, target)
    assert target.read_bytes() == CONTENT
    ranges = [request.get("Range") for request in site.seen]
    assert ranges == [None, "bytes=500000-", "bytes=1200000-", "bytes=1200001-"]


def test_a_connection_that_brings_nothing_ends_with_one_line(site, target):
    site.cut_after = [500_000, 0, 0, 0]
    with pytest.raises(UserError) as caught:
        download(site.url, target, md5=MD5)
    assert str(caught.value) == (
        "the connection to 127.0.0.1 failed (it stopped after 500,000 of 3,000,000 bytes): "
        "500,000 bytes are kept, run the same command again to go on"
    )
    assert not target.exists()
    assert len(site.seen) == 2


def test_a_file_that_has_changed_meanwhile_is_fetched_anew(site, target):
    interrupted(site, target, after=1_000_000)
    site.content, site.etag = CONTENT[::-1], '"two"'
    download(site.url, target)
    assert target.read_bytes() == CONTENT[::-1]
    (request,) = site.seen
    assert request["If-Range"] == '"one"'


def test_without_ranges_it_starts_again(site, target):
    interrupted(site, target, after=1_000_000)
    site.ranges = False
    download(site.url, target, md5=MD5)
    assert target.read_bytes() == CONTENT


def test_without_ranges_a_server_that_always_stops_is_given_up(site, target):
    site.ranges = False
    site.cut_after = [500_000] * 10
    with pytest.raises(UserError, match="500,000 bytes are kept"):
        download(site.url, target, md5=MD5)
    assert len(site.seen) == 2


@pytest.mark.parametrize("weak", [None, 'W/"one"'])
def test_without_a_mark_only_a_checksum_lets_it_go_on(site, target, weak):
    site.etag = weak
    interrupted(site, target, after=1_000_000)
    download(site.url, target, md5=MD5)
    assert [request.get("Range") for request in site.seen] == ["bytes=1000000-"]
    target.unlink()
    interrupted(site, target, after=1_000_000)
    download(site.url, target)
    assert [request.get("Range") for request in site.seen] == [None]
    assert target.read_bytes() == CONTENT


def test_a_part_of_another_address_is_not_continued(site, target):
    interrupted(site, target, after=1_000_000)
    download(site.url + "?version=2", target)
    assert "Range" not in site.seen[0]
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize("spoilt", ["", "[]", '{"url": 3}', "{\x00"])
def test_a_spoilt_note_beside_the_part_does_no_harm(site, target, spoilt):
    interrupted(site, target, after=1_000_000)
    note = target.with_name("vögel.tgz.part.json")
    assert json.loads(note.read_text()) == {"url": site.url, "mark": '"one"'}
    note.write_text(spoilt)
    download(site.url, target)
    assert target.read_bytes() == CONTENT


def test_a_part_that_is_whole_already_is_only_checked(site, target):
    target.parent.mkdir()
    target.with_name("vögel.tgz.part").write_bytes(CONTENT)
    download(site.url, target, sha256=SHA256)
    assert target.read_bytes() == CONTENT
    assert [request["Range"] for request in site.seen] == ["bytes=3000000-"]


def test_a_part_that_is_too_long_is_fetched_anew(site, target):
    target.parent.mkdir()
    target.with_name("vögel.tgz.part").write_bytes(CONTENT + b"more")
    download(site.url, target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


def test_another_piece_than_asked_for_is_not_joined(site, target):
    interrupted(site, target, after=1_000_000)
    site.shifted = True
    download(site.url, target, sha256=SHA256)
    assert target.read_bytes() == CONTENT
    assert [request.get("Range") for request in site.seen] == ["bytes=1000000-", None]


@pytest.mark.parametrize(("name", "right"), [("sha256", SHA256), ("md5", MD5)])
def test_a_wrong_checksum_leaves_nothing(site, target, name, right):
    site.content = b"something else"
    with pytest.raises(UserError, match=f"another file.*{name} [0-9a-f]+ instead of {right}"):
        download(site.url, target, **{name: right})
    assert names(target) == []


def test_a_spoilt_part_is_found_by_the_checksum_and_removed(site, target):
    interrupted(site, target, after=1_000_000)
    part = target.with_name("vögel.tgz.part")
    part.write_bytes(b"\0" + part.read_bytes()[1:])
    with pytest.raises(UserError, match="removed"):
        download(site.url, target, sha256=SHA256)
    assert names(target) == []
    download(site.url, target, sha256=SHA256)
    assert target.read_bytes() == CONTENT


def test_another_size_is_refused_before_it_is_fetched(site, target):
    with pytest.raises(UserError, match="3,000,000 bytes, the published one has 2,999,999"):
        download(site.url, target, size=len(CONTENT) - 1)
    assert names(target) == []


def test_a_size_that_only_shows_at_the_end_is_refused_too(site, target):
    site.tell_length = False
    with pytest.raises(UserError, match="3,000,000 bytes instead of 2,999,999"):
        download(site.url, target, size=len(CONTENT) - 1)
    assert names(target) == []


def test_a_server_that_tells_no_length_still_serves(site, target):
    site.tell_length = False
    told = []
    download(site.url, target, md5=MD5, progress=lambda *numbers: told.append(numbers))
    assert target.read_bytes() == CONTENT
    assert told[-1] == (len(CONTENT), 0)


def test_a_server_that_promises_more_than_it_has_gives_nothing(site, target):
    site.length_added = 10
    site.ranges = False
    with pytest.raises(UserError, match="stopped after 3,000,000 of 3,000,010 bytes"):
        download(site.url, target)
    assert not target.exists()


def test_a_server_that_promises_less_than_it_has_is_found_by_the_checksum(site, target):
    site.length_added = -10
    with pytest.raises(UserError, match="another file"):
        download(site.url, target, sha256=SHA256)
    assert names(target) == []


def test_a_server_that_falls_silent_is_left(site, target):
    site.cut_after = [10] * 5
    waiting = threading.Event()
    finish = Handler.finish

    def hold(handler: Handler) -> None:
        waiting.wait(5)
        finish(handler)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Handler, "finish", hold)
        with pytest.raises(UserError, match=r"failed \(timed out\)"):
            download(site.url, target, timeout=0.2)
        waiting.set()


def test_a_web_page_is_not_the_file(site, target):
    site.kind = "text/html; charset=utf-8"
    with pytest.raises(UserError, match=r"answers with a web page.*browser"):
        download(site.url, target)
    assert names(target) == []
    download(site.url, target.with_name("page.html"))
    assert names(target) == ["page.html"]


@pytest.mark.parametrize(("status", "words"), [(404, "404 Not Found"), (403, "403 Forbidden")])
def test_a_refusal_is_said(site, target, status, words):
    site.answers["/birds.tgz"] = (status, "")
    with pytest.raises(UserError, match=f"birds.tgz cannot be had: {words}"):
        download(site.url, target)
    assert len(site.seen) == 1


def test_a_server_out_of_order_is_said(site, target):
    site.answers["/birds.tgz"] = (503, "")
    with pytest.raises(UserError, match="503 Service Unavailable"):
        download(site.url, target)


def test_a_redirect_is_followed_with_the_range(site, target):
    site.answers["/old"] = (302, "/birds.tgz")
    site.cut_after = [1_000_000]
    download(site.url.replace("birds.tgz", "old"), target, sha256=SHA256)
    assert target.read_bytes() == CONTENT
    assert [request.get("Range") for request in site.seen] == [None, None, *["bytes=1000000-"] * 2]


@pytest.mark.parametrize("place", ["file:///etc/passwd", "ftp://127.0.0.1/a", "data:,a"])
def test_a_redirect_leads_nowhere_but_to_the_web(site, target, place):
    site.answers["/birds.tgz"] = (302, place)
    with pytest.raises(UserError, match=r"no address of the web|not allowed"):
        download(site.url, target)
    assert names(target) == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://a.b/c", "birds.tgz", "", "https://", "http://[::1/a"]
)
def test_only_addresses_of_the_web_are_taken(target, url):
    with pytest.raises(UserError, match="no address of the web"):
        download(url, target)
    assert not target.parent.exists()


def test_nobody_at_the_address(target):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UserError, match=r"connection to 127\.0\.0\.1 failed \(Connection refused"):
        download(f"http://127.0.0.1:{port}/a", target)
    assert names(target) == []


def test_a_proxy_of_the_environment_is_asked(site, target, monkeypatch):
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{site.server_port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    download("http://data.invalid/birds.tgz", target, sha256=SHA256)
    assert site.seen[0]["Host"] == "data.invalid"


def test_no_room_is_said_before_anything_is_fetched(site, target, monkeypatch):
    usage = shutil.disk_usage(target.parent.parent)._replace(free=10)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UserError, match=r"no room for vögel\.tgz: 3,000,000 bytes .* 10 are free"):
        download(site.url, target)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is full")
def test_a_disk_that_fills_up_is_said(site, target, monkeypatch):
    target.parent.mkdir()
    usage = shutil.disk_usage(target.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)  # /dev has no room of its own
    with open("/dev/full", "wb") as full, pytest.raises(OSError) as caught:  # noqa: PTH123
        full.write(b"a" * 100_000)
    assert caught.value.errno == errno.ENOSPC
    target.with_name("vögel.tgz.part").symlink_to("/dev/full")
    with pytest.raises(UserError, match=r"the disk of .* is full: free some room"):
        download(site.url, target)


def test_a_folder_of_that_name_is_said(tmp_path):
    with pytest.raises(UserError, match="is a folder"):
        download("https://127.0.0.1/a", tmp_path)


def test_a_place_that_cannot_be_written_is_said(site, tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(UserError, match=r"cannot write .*/a"):
        download(site.url, tmp_path / "a" / "b")
