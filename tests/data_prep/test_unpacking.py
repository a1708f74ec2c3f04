"""Archives are unpacked whole or not at all, and never outside their folder."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from data_prep.archives import unpack
from intr_discover.errors import UserError
from tests.data_prep.published_archives import write_tar, write_zip

FILES = {"images/ä b/1.jpg": b"one", "lists.txt": b"two", "images/2.jpg": bytes(3_000_000)}
WRITERS = pytest.mark.parametrize("name", ["a.b.tgz", "a.b.tar.gz", "a.b.tar", "a.b.zip"])


def write(path: Path, files: dict[str, bytes]) -> Path:
    if path.suffix == ".zip":
        return write_zip(path, files)
    return write_tar(path, files, "w" if path.suffix == ".tar" else "w:gz")


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@WRITERS
def test_a_folder_appears_whole(tmp_path, name):
    archive = write(tmp_path / name, FILES)
    told = []
    folder = unpack(archive, tmp_path / "out", progress=lambda *numbers: told.append(numbers))
    assert files_of(folder) == FILES
    assert folder.name == f"a.b-{archive.stat().st_size}"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [folder.name]
    assert told
    assert all(0 < done <= total for done, total in told)
    assert folder.stat().st_mode & 0o500 == 0o500


def test_what_a_killed_run_left_is_removed(tmp_path):
    (tmp_path / "out" / ".unpacking.abc" / "images").mkdir(parents=True)
    folder = unpack(write(tmp_path / "a.tar", FILES), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == [folder]


@WRITERS
def test_what_is_unpacked_is_not_unpacked_again_unless_the_archive_is_another(tmp_path, name):
    archive = write(tmp_path / name, FILES)
    first = unpack(archive, tmp_path / "out")
    (first / "lists.txt").write_bytes(b"mine")
    assert unpack(archive, tmp_path / "out") == first
    assert (first / "lists.txt").read_bytes() == b"mine"
    write(archive, {"lists.txt": b"another"})
    assert files_of(unpack(archive, tmp_path / "out")) == {"lists.txt": b"another"}


@WRITERS
def test_only_what_is_kept_is_unpacked(tmp_path, name):
    more = {"._a": b"", "__MACOSX/x/a": b"", ".git/config": b"", "x/.DS_Store": b""}
    archive = write(tmp_path / name, {**FILES, **more})
    assert files_of(unpack(archive, tmp_path / "all")) == FILES
    folder = unpack(archive, tmp_path / "some", keep=lambda place: "2" in place)
    assert list(files_of(folder)) == ["images/2.jpg"]
    with pytest.raises(UserError, match="holds nothing that is needed"):
        unpack(archive, tmp_path / "none", keep=lambda place: False)
    assert not list((tmp_path / "none").iterdir())


@WRITERS
@pytest.mark.parametrize(
    "place", ["../evil", "a/../../evil", "/evil", "C:/evil", "..\\evil", "a\\..\\..\\evil"]
)
def test_places_outside_the_folder_are_refused(tmp_path, name, place):
    archive = write(tmp_path / name, {"good.txt": b"good", place: b"evil"})
    with pytest.raises(UserError, match="names places outside its folder"):
        unpack(archive, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE]
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        member = tarfile.TarInfo("link")
        member.type, member.linkname = kind, "/etc/passwd"
        archive.addfile(member)
    with pytest.raises(UserError, match="link, which is no plain file"):
        unpack(tmp_path / "a.tar", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_links_in_a_zip_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        member = zipfile.ZipInfo("link")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/passwd")
    with pytest.raises(UserError, match="link, which is no plain file"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


@WRITERS
@pytest.mark.parametrize("limits", [{"most_files": 2}, {"most_bytes": 2_999_999}])
def test_more_than_the_published_archive_can_hold_is_refused(tmp_path, name, limits):
    archive = write(tmp_path / name, FILES)
    with pytest.raises(UserError, match=r"holds more than .* not the published archive"):
        unpack(archive, tmp_path / "out", **limits)
    assert not list((tmp_path / "out").iterdir())


def test_a_zip_that_lies_about_its_sizes_is_refused(tmp_path):
    """A bomb says that it is small: what comes out is counted, or found to be wrong."""
    path = write_zip(tmp_path / "a.zip", {"a.jpg": bytes(100_000)})
    data = path.read_bytes().replace((100_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    path.write_bytes(data)
    with pytest.raises(UserError, match="damaged or cut short"):
        unpack(path, tmp_path / "out", most_bytes=1000)


@WRITERS
def test_an_archive_that_is_cut_short_is_said(tmp_path, name):
    archive = write(tmp_path / name, {**FILES, "images/3.jpg": bytes(range(256)) * 1000})
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(UserError, match="damaged or cut short: fetch it again"):
        unpack(archive, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


@WRITERS
def test_what_is_no_archive_is_said(tmp_path, name):
    (tmp_path / name).write_text("<html>Please log in</html>" * 100)
    with pytest.raises(UserError, match="damaged or cut short"):
        unpack(tmp_path / name, tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["a.tar", "a.zip"])
def test_a_file_that_comes_twice_is_refused(tmp_path, name):
    if name == "a.zip":
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("a.jpg", "one")
            archive.writestr("a.jpg", "two")
    else:
        with tarfile.open(tmp_path / name, "w") as archive:
            for _ in range(2):
                archive.addfile(tarfile.TarInfo("a.jpg"), io.BytesIO())
    with pytest.raises(UserError, match=r"holds .*a\.jpg twice"):
        unpack(tmp_path / name, tmp_path / "out")


def test_a_zip_with_a_password_is_said(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a.jpg": b"content"})
    data = bytearray(path.read_bytes())
    data[6] |= 1  # the flag "encrypted" of the file, and of its entry in the directory
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"cannot be unpacked: .*password"):
        unpack(path, tmp_path / "out")


@pytest.mark.parametrize("name", ["a.rar", "a", ".zip", "a.tar.xz"])
def test_other_kinds_are_not_guessed(tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(UserError, match="no archive that is known here"):
        unpack(tmp_path / name, tmp_path / "out")


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    archive = write_tar(tmp_path / "a.tgz", FILES)
    (tmp_path / "out").write_text("a file")
    with pytest.raises(UserError, match="cannot unpack"):
        unpack(archive, tmp_path / "out")
