"""Batches that make one update together give the weights of one big batch."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch.nn import functional

from intr_discover.data.images import read_image
from intr_discover.data.specimens import Specimens
from intr_discover.training.batches import epoch_batches, place_in_update, updates_in
from intr_discover.training.build import build_model, build_preprocessing
from intr_discover.training.config import TrainingConfig, change
from intr_discover.training.loop import train
from intr_discover.training.prepare import prepare_data
from tests.training.conftest import draw_collection

pytestmark = pytest.mark.timeout(400)

# Nothing random and nothing that depends on the batch: float64, plain gradient descent.
EXACT = TrainingConfig(
    width=32, heads=4, feed_forward=32, image_size=32, epochs=2, warmup_epochs=0,
    precision="fp64", optimizer="sgd", learning_rate=0.01, schedule="constant", dropout=0.0,
    augmentation="none", freeze_batch_norm=True, gradient_clip=0.1, validation_share=0.2,
)  # fmt: skip


def quiet(line):
    pass


def assert_same_weights(one, other, atol=1e-12):
    ours, theirs = load_file(one / "last.safetensors"), load_file(other / "last.safetensors")
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        torch.testing.assert_close(weight, theirs[name], rtol=0, atol=atol, msg=name)


def test_places_by_hand():
    batches = [[0, 1], [2, 3], [4, 5], [6, 7], [8]]
    places = [place_in_update(batches, step, 2) for step in range(5)]
    assert [place.update for place in places] == [0, 0, 1, 1, 2]
    assert [place.share for place in places] == [0.5, 0.5, 0.5, 0.5, 1.0]
    assert [place.first for place in places] == [True, False, True, False, True]
    assert [place.last for place in places] == [False, True, False, True, True]
    # Uneven batches count by their images: 2, 2 and 1 of 5.
    last = [place_in_update(batches[2:], step, 3).share for step in range(3)]
    assert last == [0.4, 0.4, 0.2]
    assert updates_in(5, 2) == 3 and updates_in(4, 2) == 2 and updates_in(1, 8) == 1


def test_every_place_alone_without_accumulation():
    for step in range(3):
        place = place_in_update([[0], [1], [2]], step, 1)
        assert (place.update, place.share, place.first, place.last) == (step, 1.0, True, True)


def test_accumulating_equals_one_big_batch(tmp_path):
    folder = draw_collection(tmp_path / "drawn", {"train": 8, "val": 1})  # 24 images: 3 of 8
    specimens = Specimens.read(folder)
    big = train(specimens, replace(EXACT, batch_size=8), tmp_path / "big", say=quiet)
    small = replace(EXACT, batch_size=2, accumulate=4)
    assert_same_weights(train(specimens, small, tmp_path / "small", say=quiet), big)
    start = build_model(EXACT, 3).class_queries.weight
    moved = load_file(big / "last.safetensors")["class_queries.weight"] - start
    assert moved.abs().max() > 1e-4


def test_the_last_short_update_is_the_mean_over_its_own_images(collection, tmp_path):
    """21 images in batches of 4 are 5 batches: two updates of 8 images and one of 4."""
    config = replace(EXACT, epochs=1, batch_size=4, accumulate=2, gradient_clip=0.0)
    run = train(collection, config, tmp_path / "run", say=quiet)

    data = prepare_data(collection, config)
    model = build_model(config, 3).train()
    rows = [row for batch in epoch_batches(21, 4, config.seed, 0, 0, 1) for row in batch]
    preprocessing, labels = build_preprocessing(config), data.train.label_ids(data.classes)
    no_decay = [p for p in model.parameters() if p.ndim <= 1]
    decay = [p for p in model.parameters() if p.ndim > 1]
    optimizer = torch.optim.SGD(
        [{"params": decay, "weight_decay": config.weight_decay}, {"params": no_decay}],
        lr=0.01, momentum=0.9,
    )  # fmt: skip
    for chosen in (rows[:8], rows[8:16], rows[16:20]):
        images = [preprocessing(read_image(data.train.paths[row])) for row in chosen]
        loss = functional.cross_entropy(
            model(images).logits, torch.tensor(labels[chosen]), label_smoothing=0.1
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    trained = load_file(run / "last.safetensors")
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(trained[name], weight, rtol=0, atol=1e-10, msg=name)


class Killed(BaseException):
    """Stands for the end of the process."""


def kill_at(step):
    def progress(done, total):
        if done == step:
            raise Killed

    return progress


def test_killed_within_an_update_and_between_updates(collection, tmp_path):
    """21 images in batches of 4, two an update: batches 1+2, 3+4 and 5 of both epochs."""
    config = TrainingConfig(
        width=32, heads=4, feed_forward=32, image_size=32, epochs=2, batch_size=4, accumulate=2,
        learning_rate=1e-3, validation_share=0.2, checkpoint_minutes=0.0,
    )  # fmt: skip
    whole = train(collection, config, tmp_path / "whole", say=quiet)
    for step in (1, 3):
        run = tmp_path / f"killed_{step}"
        with pytest.raises(Killed):
            train(collection, config, run, say=quiet, progress=kill_at(step))
        torch.rand(100)
        train(collection, config, run, resume=True, say=quiet)
        assert_same_weights(run, whole, atol=0.0)


def test_a_run_that_knows_no_accumulation_can_be_resumed():
    """Runs of earlier versions have no such setting: its value then is what they did."""
    from intr_discover.training.config import as_dict, build_config, differences

    stored = as_dict(TrainingConfig())
    for name in ("accumulate", "activation_checkpointing", "compile"):
        del stored[name]
    assert not differences(TrainingConfig(), build_config("small", stored))


def test_accumulate_must_be_positive():
    from intr_discover.errors import UserError

    with pytest.raises(UserError, match="accumulate must be at least 1, not 0"):
        change(TrainingConfig(), {"accumulate": 0})


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="gloo over torchrun is tested on Linux")
@pytest.mark.parametrize(
    "device",
    [
        "cpu",
        pytest.param(
            "cuda",
            marks=pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs"),
        ),
    ],
)
def test_two_processes_that_accumulate_equal_one_big_batch(tmp_path, device):
    """Two processes, batches of 2, three an update, equal one process with batches of 12."""
    folder = draw_collection(tmp_path / "drawn", {"train": 8, "val": 1})
    settings = (
        "image_size=32 width=32 heads=4 feed_forward=32 precision=fp64 optimizer=sgd "
        "learning_rate=0.01 augmentation=none dropout=0.0 freeze_batch_norm=true "
        "schedule=constant warmup_epochs=0 gradient_clip=0"
    )

    def command(out, *more):
        pairs = (*settings.split(), *more)
        return [
            "-m", "intr_discover", "train", str(folder), "--out", str(tmp_path / out),
            "--epochs", "3", "--device", device,
            *[word for pair in pairs for word in ("--set", pair)],
        ]  # fmt: skip

    torchrun = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    two = subprocess.run(
        [*torchrun, *command("two", "batch_size=2", "accumulate=3")],
        capture_output=True, text=True, env=environment,
    )  # fmt: skip
    assert two.returncode == 0, two.stderr
    assert "processes: 2" in two.stdout
    one = [sys.executable, *command("one", "batch_size=12")]
    subprocess.run(one, check=True, capture_output=True, env=environment)
    assert_same_weights(tmp_path / "two", tmp_path / "one", atol=1e-9)
