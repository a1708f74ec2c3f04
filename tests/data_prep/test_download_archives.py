"""The download command: what is fetched, and what is said where nothing can be."""

from __future__ import annotations

import hashlib
import http.server
import re
import threading
from functools import partial
from pathlib import Path

import pytest

from data_prep import command, download
from data_prep.download import BY_HAND, REMOTES, Remote

README = Path(__file__).resolve().parents[2] / "data_prep" / "README.md"


@pytest.fixture
def archive(tmp_path, monkeypatch):
    """Let the command fetch "cub" from a local server; yield the bytes and the folder served."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    content = bytes(range(256)) * 400
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "a.tgz").write_bytes(content)
    (folder / "b.csv").write_bytes(b"table")
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    monkeypatch.setattr(http.server.SimpleHTTPRequestHandler, "log_message", lambda *_: None)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    md5 = hashlib.md5(content).hexdigest()
    remotes = (
        Remote(f"{address}/a.tgz", md5, len(content), "0.1 MB"),
        Remote(f"{address}/b.csv", None, None, "5 bytes"),
    )
    monkeypatch.setitem(REMOTES, "cub", remotes)
    yield content, folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_archives_are_fetched_checked_and_what_comes_next_is_said(archive, tmp_path, capsys):
    to = tmp_path / "down loads"
    assert command.run(download.main, ["cub", "--to", str(to)]) == 0
    said = capsys.readouterr().out
    assert (to / "a.tgz").read_bytes() == archive[0]
    assert sorted(path.name for path in to.iterdir()) == ["a.tgz", "b.csv"]
    assert "a.tgz: 102,400 bytes, as published (MD5)" in said
    assert "b.csv: 5 bytes, no published checksum to check it by" in said
    assert f"next: python -m data_prep.cub {to} OUT" in said


def test_another_archive_than_the_published_one_is_said(archive, tmp_path, capsys):
    (archive[1] / "a.tgz").write_bytes(archive[0][::-1])
    assert command.run(download.main, ["cub", "--to", str(tmp_path / "to")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: http://127.0.0.1")
    assert "gave another file than the published one" in said
    assert said.count("\n") == 1
    assert not list((tmp_path / "to").iterdir())


@pytest.mark.parametrize("name", BY_HAND)
def test_what_cannot_be_fetched_says_what_to_do(name, tmp_path, capsys):
    assert command.run(download.main, [name, "--to", str(tmp_path / "to")]) == 2
    said = capsys.readouterr().err
    assert said == f"error: {name} is not fetched from here: {BY_HAND[name]}\n"
    assert not (tmp_path / "to").exists()


def test_an_unknown_name_is_said(tmp_path, capsys):
    assert command.run(download.main, ["whales", "--to", str(tmp_path)]) == 2
    assert "invalid choice: 'whales'" in capsys.readouterr().err


def test_the_help_lists_the_sizes(capsys):
    with pytest.raises(SystemExit) as stopped:
        download.main(["--help"])
    assert stopped.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "aircraft: 2.8 GB" in said
    assert "224 GB" in said


@pytest.mark.parametrize("name", REMOTES)
def test_addresses_and_checksums_have_their_form(name):
    for remote in REMOTES[name]:
        assert re.fullmatch(r"https?://[\w.-]+/\S+", remote.url)
        assert remote.md5 is None or re.fullmatch(r"[0-9a-f]{32}", remote.md5)
        if remote.size is not None:
            number, unit = remote.rounded.split()
            scale = {"MB": 1e6, "GB": 1e9}[unit]
            assert remote.size / scale == pytest.approx(float(number), rel=0.05)
    if name != "butterflies":
        assert all(remote.md5 for remote in REMOTES[name])


@pytest.mark.parametrize("name", [*REMOTES, *BY_HAND])
def test_every_data_set_has_its_line_in_the_readme(name):
    module = {"fish-mini": "fish"}.get(name, name)
    assert f"`python -m data_prep.{module} SOURCE OUT" in README.read_text(encoding="utf-8")
