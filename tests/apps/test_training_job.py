"""Processes that outlive their parent, and the trainings and reports they are made for."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pandas as pd
import pytest

from tests.training.conftest import draw_collection

pytest.importorskip("gradio")  # the app's packages come together

from apps import processes
from apps.processes import Started
from apps.training_job import (
    BROKEN_OFF,
    BUSY,
    NO_REPORT,
    RECORD,
    REPORTING,
    STOPPED,
    TRAINED,
    TRAINING,
    TrainingOptions,
    Trainings,
    best_epoch,
)
from intr_discover.errors import UserError
from intr_discover.files import write_json

WAITING = "import time; print('at work', flush=True); time.sleep(60)"
TINY = (
    "width=32", "heads=4", "feed_forward=32", "image_size=32", "batch_size=4",
    "warmup_epochs=0.5", "validation_share=0.3",
)  # fmt: skip


def wait_for(holds, seconds=120.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


@pytest.fixture
def waiting(tmp_path):
    log = tmp_path / "log"
    started = processes.start([sys.executable, "-c", WAITING], log)
    wait_for(lambda: b"at work" in log.read_bytes())
    yield started
    processes.stop(started, 2)


def test_a_process_is_found_again_by_its_number_and_its_beginning(waiting):
    assert processes.is_running(waiting)
    assert not processes.is_running(replace(waiting, began=waiting.began - 60))
    assert not processes.is_running(replace(waiting, command=(sys.executable, "-c", "pass")))
    assert os.getpgid(waiting.pid) != os.getpgid(0)  # Ctrl-C in our terminal is not for it


def test_stopping_ends_it_and_another_with_its_number_is_left_alone(waiting):
    processes.stop(replace(waiting, began=waiting.began - 60))
    assert processes.is_running(waiting)
    processes.stop(waiting, 5)
    assert not processes.is_running(waiting)
    processes.stop(waiting, 5)  # a second time: nothing


def test_one_that_will_not_hear_ctrl_c_is_ended_by_force(tmp_path):
    deaf = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (2, 15)]; " + WAITING
    log = tmp_path / "log"
    started = processes.start([sys.executable, "-c", deaf], log)
    wait_for(lambda: b"at work" in log.read_bytes())
    processes.stop(started, 0.3)
    assert not processes.is_running(started)


def test_a_command_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UserError, match="cannot start"):
        processes.start([str(tmp_path / "nothing")], tmp_path / "log")


def test_settings_become_words_of_the_command_line():
    options = TrainingOptions("paper", "resnet18", 3, 7, False, ("image_size=64",))
    config = options.config()
    assert (config.backbone, config.epochs, config.seed, config.image_size) == (
        "resnet18", 3, 7, 64,
    )  # fmt: skip
    assert options.words() == [
        "--preset", "paper", "--seed", "7", "--backbone", "resnet18", "--epochs", "3",
        "--set=pretrained=false", "--set=image_size=64",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "words"),
    [(("wings=4",), "wings"), (("epochs",), "NAME=VALUE"), (("epochs=0",), "epochs")],
)
def test_wrong_settings_leave_nothing_behind(tmp_path, settings, words):
    trainings = Trainings(tmp_path / "runs")
    with pytest.raises(UserError, match=words):
        trainings.start("one", tmp_path, TrainingOptions(settings=settings))
    assert trainings.names() == [] and not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["", "../out", "a/b", ".hidden", "-x", "x" * 61, "a b"])
def test_a_name_that_leaves_the_folder_is_refused(tmp_path, name):
    trainings = Trainings(tmp_path / "runs")
    with pytest.raises(UserError, match="cannot be the name"):
        trainings.start(name, tmp_path, TrainingOptions())
    with pytest.raises(UserError, match="there is no training"):
        trainings.status(name)


def fake(folder, name, started=None, **changes):
    """Write the record of a training, without a training."""
    tasks = {} if started is None else {"train": started}
    (folder / name).mkdir(parents=True)
    write_json(
        folder / name / RECORD,
        {"format": 1, "source": "/a", "data": "/a", "options": [], "online": False,
         "stopped": False, "processes": tasks, **changes},
    )  # fmt: skip


def test_a_stale_number_is_neither_shown_as_running_nor_stopped(tmp_path):
    mine = {"pid": os.getpid(), "began": 0.0, "command": ["python", "-m", "intr_discover"]}
    fake(tmp_path, "old", mine)
    trainings = Trainings(tmp_path)
    assert trainings.status("old").state == BROKEN_OFF and trainings.busy() is None
    with pytest.raises(UserError, match="nothing to stop"):
        trainings.stop("old")  # we are still here to see it


def test_a_second_one_is_refused_while_one_is_at_work(tmp_path, waiting):
    one = {"pid": waiting.pid, "began": waiting.began, "command": list(waiting.command)}
    fake(tmp_path, "first", one)
    trainings = Trainings(tmp_path)
    assert trainings.busy().name == "first"
    with pytest.raises(UserError, match="'first' is still training"):
        trainings.start("second", tmp_path, TrainingOptions())
    assert trainings.names() == ["first"]
    trainings.stop("first")
    assert trainings.status("first").state == STOPPED


def test_a_later_or_broken_record_is_said_in_one_line(tmp_path):
    fake(tmp_path, "later", format=2)
    with pytest.raises(UserError, match="later version"):
        Trainings(tmp_path).status("later")
    (tmp_path / "later" / RECORD).write_text("{")
    with pytest.raises(UserError, match="cannot read"):
        Trainings(tmp_path).status("later")


def test_what_is_printed_is_read_as_progress(tmp_path, waiting):
    one = {"pid": waiting.pid, "began": waiting.began, "command": list(waiting.command)}
    fake(tmp_path, "one", one)
    (tmp_path / "one" / "training.log").write_text("training: 3 of 12, 0:01:30 left\nhello\n")
    status = Trainings(tmp_path).status("one")
    assert (status.doing, status.share, status.left) == ("training", 0.25, "0:01:30")
    assert status.last_line == "hello" and status.planned is None and not status.can_report


def test_the_best_epoch_is_the_most_accurate_and_of_equal_ones_the_surest():
    metrics = pd.DataFrame(
        {"epoch": [1, 2, 3, 4], "val_top1": [0.5, 0.8, 0.8, None], "val_loss": [1, 0.9, 0.7, None]}
    )
    assert best_epoch(metrics) == 3
    assert best_epoch(metrics.iloc[3:]) == 0


STARTING = """
import sys
from pathlib import Path
from apps.training_job import TrainingOptions, Trainings
options = TrainingOptions(epochs=500, settings=tuple(sys.argv[3:]))
Trainings(Path(sys.argv[1])).start("one", Path(sys.argv[2]), options)
"""


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_training_outlives_who_started_it_is_stopped_and_goes_on(tmp_path):
    data = draw_collection(tmp_path / "data", {"train": 9, "test": 2})
    runs = tmp_path / "runs"
    subprocess.run([sys.executable, "-c", STARTING, str(runs), str(data), *TINY], check=True)
    trainings = Trainings(runs)  # who started it has ended
    try:
        assert trainings.status("one").state == TRAINING
        wait_for(lambda: trainings.status("one").epochs >= 2)
        status = trainings.status("one")
        assert status.planned == 500 and status.share == status.epochs / 500 and status.left
        trainings.stop("one")
        stopped = trainings.status("one")
        assert stopped.state == STOPPED and stopped.can_resume
        assert "--resume" in stopped.last_line
        trainings.resume("one")
        wait_for(lambda: trainings.status("one").epochs > stopped.epochs)
        epochs = trainings.metrics("one")["epoch"].tolist()
        assert epochs == list(range(1, len(epochs) + 1))  # no epoch twice, none left out
    finally:
        trainings.stop("one")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_of_a_finished_training_a_report_can_be_made_and_broken_off(tmp_path):
    data = draw_collection(tmp_path / "data", {"train": 4, "test": 2})
    trainings = Trainings(tmp_path / "runs")
    trainings.start("two", data, TrainingOptions(epochs=1, settings=TINY))
    with pytest.raises(UserError, match="still training"):
        trainings.make_report("two")
    wait_for(lambda: trainings.status("two").state not in BUSY)
    assert trainings.status("two").state == TRAINED
    assert f"--run {trainings.run('two')} --data {data}" in trainings.open_command("two")
    with pytest.raises(UserError, match="cannot be resumed"):
        trainings.resume("two")
    trainings.make_report("two")
    assert trainings.status("two").state == REPORTING
    trainings.stop("two")
    status = trainings.status("two")
    assert status.state == NO_REPORT and status.can_report and not status.can_resume


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_a_training_that_cannot_begin_says_why(tmp_path):
    data = draw_collection(tmp_path / "data", {"train": 2})
    (data / "train" / "red" / "00.png").write_bytes(b"")
    trainings = Trainings(tmp_path / "runs")
    trainings.start("bad", data, TrainingOptions(epochs=1, settings=TINY))
    wait_for(lambda: trainings.status("bad").state not in BUSY)
    status = trainings.status("bad")
    assert status.state == BROKEN_OFF and "cannot be used" in status.last_line
    record = json.loads((trainings.folder / "bad" / RECORD).read_text())
    assert not processes.is_running(Started(**record["processes"]["train"]))
