"""A training that was cut off anywhere ends with the very weights of an uninterrupted one."""

import json

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.training.config import TrainingConfig, change
from intr_discover.training.loop import train
from intr_discover.training.state import STATE_FILE

# Trainings of some seconds, which take many times longer on a busy machine.
pytestmark = pytest.mark.timeout(400)

TINY = TrainingConfig(
    width=32, heads=4, feed_forward=32, image_size=32, epochs=3, batch_size=8, warmup_epochs=0.5,
    learning_rate=1e-3, validation_share=0.2,
)  # fmt: skip


class Killed(BaseException):
    """Stands for the end of the process: nothing in the package catches it."""


def kill_at(step):
    def progress(done, total):
        if done == step:
            raise Killed

    return progress


def quiet(line):
    pass


def assert_same_run(one, other):
    for name in ("model.safetensors", "last.safetensors"):
        first, second = load_file(one / name), load_file(other / name)
        assert first.keys() == second.keys()
        for key in first:
            assert torch.equal(first[key], second[key]), f"{name}: {key}"
    columns = ["epoch", "learning_rate", "train_loss", "train_top1", "val_loss", "val_top1"]
    pd.testing.assert_frame_equal(
        pd.read_csv(one / "metrics.csv")[columns],
        pd.read_csv(other / "metrics.csv")[columns],
        check_exact=True,
    )


@pytest.fixture
def every_step():
    """Settings that write a state after every step."""
    return change(TINY, {"checkpoint_minutes": 0.0})


@pytest.fixture(scope="module")
def uninterrupted(collection_folder, tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted") / "whole"
    return train(Specimens.read(collection_folder), TINY, folder, say=quiet)


def test_killed_after_any_step(collection, every_step, uninterrupted, tmp_path):
    # 27 images, 2 a class cut for validation: 21 in batches of 8 make 2 steps in each of 3 epochs.
    for step in range(1, 7):
        run = tmp_path / f"killed_{step}"
        with pytest.raises(Killed):
            train(collection, every_step, run, say=quiet, progress=kill_at(step))
        assert json.loads((run / "config.json").read_text())["status"] == "training"
        # What happened in between must not matter.
        torch.manual_seed(step)
        torch.rand(100)
        train(collection, every_step, run, resume=True, say=quiet)
        assert_same_run(uninterrupted, run)
        assert not (run / "resume").exists()


def test_killed_again_and_again(collection, uninterrupted, tmp_path):
    """With states at epoch ends only, an epoch is repeated; the end is the same."""
    run = tmp_path / "run"
    for step in (1, 3, 4, 6):
        with pytest.raises(Killed):
            train(collection, TINY, run, resume=True, say=quiet, progress=kill_at(step))
    train(collection, TINY, run, resume=True, say=quiet)
    # The interval between states is the only setting that differs.
    assert_same_run(uninterrupted, run)


@pytest.mark.parametrize("last_deed", ["training_curves", "write_json", "remove_state"])
def test_killed_while_the_run_is_finished(
    collection, every_step, uninterrupted, tmp_path, monkeypatch, last_deed
):
    from intr_discover.training import run_folder

    def killed(*args):
        raise Killed

    run = tmp_path / "run"
    with pytest.raises(Killed):
        train(collection, every_step, run, say=quiet, progress=kill_at(6))
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(run_folder, last_deed, killed)
        train(collection, every_step, run, resume=True, say=quiet)
    train(collection, every_step, run, resume=True, say=quiet)
    assert_same_run(uninterrupted, run)
    assert json.loads((run / "config.json").read_text())["status"] == "finished"
    assert not (run / "resume").exists()


def test_a_second_training_does_not_overwrite(collection, uninterrupted):
    with pytest.raises(UserError, match="already holds a run"):
        train(collection, TINY, uninterrupted, say=quiet)


def test_resume_refuses_other_settings_and_other_photographs(
    collection, every_step, tmp_path, collection_folder
):
    run = tmp_path / "run"
    with pytest.raises(Killed):
        train(collection, every_step, run, say=quiet, progress=kill_at(2))
    with pytest.raises(UserError, match="epochs 3 → 4"):
        train(collection, change(every_step, {"epochs": 4}), run, resume=True, say=quiet)
    train_images = collection.table.query("split == 'train'")["image"]
    fewer = collection.without([train_images.iloc[0]])
    with pytest.raises(UserError, match="have changed"):
        train(fewer, every_step, run, resume=True, say=quiet)


@pytest.mark.parametrize("content", [b"", b"not a state", b"PK\x03\x04 broken"])
def test_a_damaged_state_is_named(collection, every_step, tmp_path, content):
    run = tmp_path / "run"
    with pytest.raises(Killed):
        train(collection, every_step, run, say=quiet, progress=kill_at(2))
    (run / STATE_FILE).write_bytes(content)
    with pytest.raises(UserError, match=r"state\.pt"):
        train(collection, every_step, run, resume=True, say=quiet)
