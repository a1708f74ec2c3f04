"""What the system refuses: one line that says what and where, status 2, and it works afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest

from tests.faults.kill_cases import whole
from tests.faults.killing import leftovers
from tests.faults.troubles import (
    OF_EACH_KIND,
    WRITINGS,
    UnavailableError,
    add_sources,
    check_refused,
    commands,
    forbidden_folder,
    full_disk,
    no_permission,
    read_only_disk,
)
from tests.faults.world import SMALL, World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


@contextlib.contextmanager
def or_skip():
    """Skip where the machine cannot make a fault."""
    try:
        yield
    except UnavailableError as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def open_world():
    """A world that every user of the machine may read."""
    with tempfile.TemporaryDirectory(prefix="world-") as name:
        Path(name).chmod(0o755)
        world = World.make(Path(name))
        add_sources(world)
        yield world


@pytest.fixture(params=WRITINGS, ids=lambda writing: writing.name)
def writing(request):
    if request.param.name.split()[0] not in commands():
        pytest.skip(f"there is no command {request.param.name}")
    return request.param


@pytest.fixture(params=[each for each in WRITINGS if each.name in OF_EACH_KIND],
                ids=lambda writing: writing.name)  # fmt: skip
def one_of_each_kind(request):
    return request.param


def test_the_disk_is_full(writing, server, open_world):
    with or_skip():
        full_disk(server, open_world, writing)


def test_the_disk_becomes_full_on_the_way(one_of_each_kind, server, open_world):
    with or_skip():
        if full_disk(server, open_world, one_of_each_kind, leave=40_000) is None:
            pytest.skip("it writes less")


def test_the_disk_is_read_only(one_of_each_kind, server, open_world):
    with or_skip():
        read_only_disk(server, open_world, one_of_each_kind)


def test_no_permission(one_of_each_kind, server, open_world):
    with or_skip():
        no_permission(server, open_world, one_of_each_kind)


def test_a_photograph_that_may_not_be_read(server, open_world):
    with or_skip(), forbidden_folder() as forbidden:
        if os.geteuid() == 0 and not forbidden.as_nobody:
            pytest.skip("the administrator may read everything, and others cannot run Python here")
        forbidden.allow()
        picture = forbidden.folder / "secret.png"
        shutil.copy(open_world.data / "images" / "red_0.png", picture)
        picture.chmod(0o000)
        words = ["predict", str(open_world.run), str(picture), "--device", "cpu"]
        ended = server.run(*words, as_nobody=forbidden.as_nobody)
        check_refused(ended, picture, "Permission denied")


TRAIN = ["--set", "augmentation=detr", *SMALL, "--epochs"]
"""A training that reads every photograph in every epoch."""


def own_data(world, folder):
    return Path(shutil.copytree(world.data, folder / "data"))


def after_first_epoch(deed):
    """Return what does a deed once the first epoch is over."""

    def meanwhile(child, log):
        deadline = time.monotonic() + 100
        while time.monotonic() < deadline:
            if log.exists() and "epoch 1/" in log.read_text():
                break
            time.sleep(0.01)
        deed(child)

    return meanwhile


@pytest.mark.parametrize("workers", [0, 1])
def test_a_photograph_that_vanishes_during_training(server, open_world, tmp_path, workers):
    data = own_data(open_world, tmp_path)
    picture, elsewhere = data / "images" / "red_2.png", tmp_path / "elsewhere.png"
    words = ["train", str(data), *TRAIN, "8", "--set", f"workers={workers}", "--resume", "--out",
             str(tmp_path / "run")]  # fmt: skip
    deed = after_first_epoch(lambda child: picture.rename(elsewhere))
    check_refused(server.run(*words, meanwhile=deed), picture, "does not exist")
    elsewhere.rename(picture)
    again = server.run(*words)
    assert again.status == 0 and "resumed at epoch" in again.said, again.said


def kill_a_worker(child):
    """Kill one of the processes that read photographs for a training."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            children = Path(f"/proc/{child}/task/{child}/children").read_text().split()
            for each in children:
                os.kill(int(each), signal.SIGKILL)
            if children:
                return
        time.sleep(0.002)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux lists children so")
def test_a_loading_process_that_the_system_kills(server, open_world, tmp_path):
    words = ["train", str(open_world.data), *TRAIN, "12", "--set", "workers=1", "--resume",
             "--out", str(tmp_path / "run")]  # fmt: skip
    ended = server.run(*words, meanwhile=after_first_epoch(kill_a_worker))
    check_refused(ended, Path("--set workers=0"), "the system ended a process that reads")
    again = server.run(*words)
    assert again.status == 0 and "resumed at epoch" in again.said, again.said


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux limits memory so")
@pytest.mark.parametrize("megabytes", [40, 150, 400])
def test_the_memory_is_not_enough(server, open_world, tmp_path, megabytes):
    words = ["train", str(open_world.data), *SMALL, "--epochs", "1", "--set", "image_size=1500",
             "--out", str(tmp_path / "run")]  # fmt: skip
    ended = server.run(*words, more_memory=megabytes << 20)
    check_refused(ended, Path("memory"), "not enough")
    if (tmp_path / "run").exists():
        whole(tmp_path / "run")
        assert not leftovers(tmp_path / "run")
