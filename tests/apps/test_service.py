"""The app as a server: who may come in, what may be written, and what is left behind."""

from __future__ import annotations

import http.client
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest

from apps import history
from apps.annotating import database_to_read, database_to_write
from apps.editing import edit_of, make_version
from apps.passwords import add_password, checker, hash_password, is_password, read_passwords
from apps.serve import Settings, running
from apps.service import Service
from intr_discover import Specimens, load
from intr_discover.errors import UserError


@pytest.fixture(scope="module")
def demo():
    return load("demo", device="cpu"), Specimens.read("demo")


def test_a_password_is_kept_as_a_hash_only(tmp_path):
    path = tmp_path / "users.txt"
    add_password(path, "ann", "red basal spots")
    add_password(path, "bo", "white margin dots")
    text = path.read_text()
    assert "basal" not in text and "margin" not in text
    assert path.stat().st_mode & 0o777 == 0o600
    check = checker(path)
    assert check("ann", "red basal spots") and check("bo", "white margin dots")
    assert not check("ann", "white margin dots") and not check("cy", "red basal spots")
    add_password(path, "ann", "another one")
    assert not checker(path)("ann", "red basal spots")
    assert set(read_passwords(path)) == {"ann", "bo"}


def test_the_same_password_twice_has_two_hashes():
    first, second = hash_password("long enough"), hash_password("long enough")
    assert first != second and is_password("long enough", first)
    assert not is_password("long enougH", second)


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "holds no names"), ("ann:secret\n", "line 1"), ("just words\n", "line 1"),
     ("ann:scrypt$16384$!!$!!\n", "line 1")],
)  # fmt: skip
def test_a_file_that_is_no_list_of_hashes_is_refused(tmp_path, content, words):
    path = tmp_path / "users.txt"
    path.write_text(content)
    with pytest.raises(UserError, match=words):
        read_passwords(path)


@pytest.mark.parametrize(("name", "password"), [("", "long enough"), ("a:b", "long enough"),
                                                ("ann", "short")])  # fmt: skip
def test_what_will_not_do_as_name_or_password_is_said(tmp_path, name, password):
    with pytest.raises(UserError):
        add_password(tmp_path / "users.txt", name, password)
    assert not (tmp_path / "users.txt").exists()


def test_without_a_log_in_nothing_is_shown(demo, tmp_path):
    path = tmp_path / "users.txt"
    add_password(path, "ann", "red basal spots")
    with running(*demo, Settings(auth=path, database=str(tmp_path / "a.db"))) as (address, service):
        assert not service.local
        for place in ("/config", "/gradio_api/info"):
            with pytest.raises(urllib.error.HTTPError) as found:
                urllib.request.urlopen(address + place)
            assert found.value.code == 401
        with urllib.request.urlopen(f"{address}/healthz") as answer:
            assert answer.status == 200


def test_files_go_when_the_app_ends(demo, tmp_path):
    with running(*demo, Settings(database=str(tmp_path / "a.db"))) as (_, service):
        folder = service.folder
        assert service.local and folder.is_dir()
    assert not folder.exists()


@pytest.mark.slow
def test_what_a_killed_app_left_goes_with_the_next(tmp_path):
    code = (
        "import sys, os; from pathlib import Path; from apps.serve import temporary_folder\n"
        "with temporary_folder() as f: print(f, flush=True); os.kill(os.getpid(), 9)"
    )
    environment = {"TMPDIR": str(tmp_path), "PATH": "/usr/bin:/bin"}
    left = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment,
        cwd=Path(__file__).resolve().parents[2],
    ).stdout.strip()  # fmt: skip
    assert Path(left).is_dir()
    again = code.replace("os.kill(os.getpid(), 9)", "pass")
    subprocess.run([sys.executable, "-c", again], env=environment, check=True,
                   capture_output=True, cwd=Path(__file__).resolve().parents[2])  # fmt: skip
    assert list(tmp_path.glob("intr-discover-app-*")) == []


def edited(service, session):
    photograph = service.photograph(3)
    strokes = np.zeros((640, 640, 4), dtype=np.uint8)
    strokes[200:260, 200:300] = (255, 47, 179, 140)
    edit = edit_of("erase", "telea", colour=None, lightness="match", degrees=0, feather=0,
                   strength=1, donor=False, strokes=strokes)  # fmt: skip
    return photograph, make_version(service, session, photograph, strokes, edit).version


def test_an_edit_is_in_the_database_and_comes_back_as_strokes(demo, tmp_path):
    service = Service(*demo, tmp_path, database=str(tmp_path / "a.db"))
    photograph, version = edited(service, service.sessions.get("one"))
    history.remember(service, version, "")
    (kept,) = history.earlier(service, photograph)
    assert kept.rater == history.SOMEBODY and kept.after[version.answers[1]] == max(version.after)
    strokes = history.strokes_of(kept, (640, 640), (1, 2, 3, 4))
    # A mask pixel is 4 × 4 pixels of the canvas: 60 × 100 painted ones are 15 × 25 of them.
    assert (strokes[..., 3] == 4).sum() == 60 * 100
    assert history.earlier(service, service.photograph(4)) == []


@pytest.mark.parametrize("named", [True, False])
def test_read_only_makes_nothing(demo, tmp_path, monkeypatch, named):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    database = str(tmp_path / "a.db") if named else None
    service = Service(*demo, tmp_path / "work", read_only=True, database=database)
    photograph, version = edited(service, service.sessions.get("one"))
    assert history.remember(service, version, "Ann") is None
    assert history.earlier(service, photograph) == [] and dict(service.names()) == {}
    assert database_to_read(service) is None
    with pytest.raises(UserError, match="read-only"):
        database_to_write(service)
    assert not (tmp_path / "a.db").exists() and not (tmp_path / "home").exists()


def test_sessions_have_files_of_their_own(demo, tmp_path):
    service = Service(*demo, tmp_path, database=str(tmp_path / "a.db"))
    one, other = service.sessions.get("one"), service.sessions.get("../other")
    _, version = edited(service, one)
    assert version.folder.is_relative_to(one.folder) and other.versions.all() == []
    assert other.folder.parent == one.folder.parent
    service.sessions.close("one")
    assert not one.folder.exists() and other.folder.exists()
    with pytest.raises(UserError, match="no version 1"):
        service.sessions.get("one").versions.get(1)


def test_a_page_that_asks_for_another_sites_sake_gets_no_cookie(demo, tmp_path):
    """A page of another site cannot use a logged-in browser: requests of a foreign origin fail."""
    with running(*demo, Settings(database=str(tmp_path / "a.db"))) as (address, _):
        connection = http.client.HTTPConnection(address.removeprefix("http://"))
        connection.request("GET", "/config", headers={"Origin": "http://elsewhere.example"})
        allowed = connection.getresponse().getheader("access-control-allow-origin")
        assert allowed in (None, "")
