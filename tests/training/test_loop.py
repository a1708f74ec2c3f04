"""What a training leaves, what it says in words, and that test images are never opened."""

import json
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from intr_discover import load
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.files import sha256
from intr_discover.model.checkpoint import load_checkpoint, save_checkpoint
from intr_discover.model.intr import INTR, INTRConfig
from intr_discover.model.plain import PlainClassifier
from intr_discover.training.build import build_model, build_optimizer
from intr_discover.training.config import PRESETS, TrainingConfig
from intr_discover.training.loop import train
from intr_discover.training.prepare import prepare_data
from intr_discover.training.run_folder import RunFolder
from tests.training.conftest import draw_collection

# Trainings of some seconds, which take many times longer on a busy machine.
pytestmark = pytest.mark.timeout(400)

TINY = TrainingConfig(
    width=32, heads=4, feed_forward=32, image_size=32, epochs=2, batch_size=8, warmup_epochs=0.5,
    learning_rate=1e-3, validation_share=0.2,
)  # fmt: skip


def said_by(*arguments, **options):
    lines = []
    train(*arguments, say=lines.append, **options)
    return lines


@pytest.mark.parametrize("kind", ["intr", "intr-fc", "plain"])
def test_a_run_folder_is_whole(collection, tmp_path, kind):
    steps = []
    run = tmp_path / "run"
    lines = said_by(
        collection, replace(TINY, model=kind), run, progress=lambda *call: steps.append(call)
    )
    assert sorted(path.name for path in run.iterdir()) == [
        "config.json", "curves.pdf", "curves.png", "last.safetensors", "metrics.csv",
        "model.safetensors", "train.log",
    ]  # fmt: skip
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    metrics = pd.read_csv(run / "metrics.csv")
    assert metrics["epoch"].tolist() == [1, 2]
    assert metrics.notna().all().all()
    assert metrics["val_top1"].between(0, 1).all()
    config = json.loads((run / "config.json").read_text())
    assert config["status"] == "finished"
    assert config["classes"] == ["blue", "green", "red"]
    assert config["model"]["kind"] == kind
    assert config["data"]["train"] == 21
    assert config["data"]["validation"] == len(config["data"]["validation_images"]) == 6
    assert set(config["versions"]) >= {"intr_discover", "python", "torch", "timm"}
    log = (run / "train.log").read_text()
    for line in lines:
        assert line in log
    model = load_checkpoint(run)
    assert isinstance(model, PlainClassifier if kind == "plain" else INTR)
    assert len(load(run, device="cpu").predict(collection.paths[:2], top=1)) == 2


@pytest.mark.parametrize("precision", ["bf16", "fp64"])
def test_other_precisions_train_and_load(collection, tmp_path, precision):
    run = train(
        collection, replace(TINY, precision=precision), tmp_path / "run", say=lambda line: None
    )
    assert pd.read_csv(run / "metrics.csv").notna().all().all()
    assert np.isfinite(load(run, device="cpu").logits(collection.paths[:2])).all()


def test_best_weights_have_the_best_validation_top1(collection, tmp_path):
    run = train(collection, replace(TINY, epochs=4), tmp_path / "run", say=lambda line: None)
    metrics = pd.read_csv(run / "metrics.csv")
    config = json.loads((run / "config.json").read_text())
    best = metrics.sort_values(["val_top1", "val_loss"], ascending=[False, True]).iloc[0]
    assert config["best_epoch"] == best["epoch"]
    images = config["data"]["validation_images"]
    held_out = collection.with_table(collection.table[collection.table["image"].isin(images)])
    predicted = load(run, device="cpu").predict(held_out.paths, top=1)["label"]
    assert (predicted.to_numpy() == held_out.table["label"].to_numpy()).mean() == best["val_top1"]


def test_it_learns(tmp_path):
    """Three colours of squares are no hard task: after some epochs test images are recognised."""
    folder = draw_collection(tmp_path / "drawn", {"train": 20, "val": 4, "test": 8})
    specimens = Specimens.read(folder)
    run = train(specimens, replace(TINY, epochs=8), tmp_path / "run", say=lambda line: None)
    test = specimens.select(split="test")
    predicted = load(run, device="cpu").predict(test.paths, top=1)["label"]
    assert (predicted.to_numpy() == test.table["label"].to_numpy()).mean() > 0.8


def test_test_images_are_never_opened(tmp_path):
    folder = draw_collection(tmp_path / "drawn", {"train": 9, "test": 3})
    for path in (folder / "test").rglob("*.png"):
        path.write_bytes(b"opening this would fail")
    run = train(Specimens.read(folder), TINY, tmp_path / "run", say=lambda line: None)
    config = json.loads((run / "config.json").read_text())
    assert all(image.startswith("train/") for image in config["data"]["validation_images"])


def test_a_given_validation_split_is_used(tmp_path):
    folder = draw_collection(tmp_path / "drawn", {"train": 6, "val": 2})
    lines = said_by(Specimens.read(folder), TINY, tmp_path / "run")
    assert any("18 training and 6 validation images of 3 classes" in line for line in lines)
    assert not any("cut from train" in line for line in lines)


def test_broken_photographs_stop_training_with_a_list(tmp_path):
    folder = draw_collection(tmp_path / "drawn", {"train": 9})
    (folder / "train" / "red" / "00.png").write_bytes(b"")
    cut = (folder / "train" / "blue" / "03.png").read_bytes()
    (folder / "train" / "blue" / "03.png").write_bytes(cut[: len(cut) // 2])
    run = tmp_path / "run"
    with pytest.raises(UserError) as caught:
        train(Specimens.read(folder), TINY, run, say=lambda line: None)
    message = str(caught.value)
    assert "2 photographs" in message
    assert "train/red/00.png" in message and "train/blue/03.png" in message
    assert "--skip-broken" in message and "\n" not in message
    assert not run.exists()

    lines = said_by(Specimens.read(folder), TINY, run, skip_broken=True)
    skipped = [line for line in lines if line.startswith("skipped")]
    assert len(skipped) == 2
    assert "train/red/00.png" in (run / "train.log").read_text()


def test_few_images_a_class_are_said(tmp_path):
    folder = draw_collection(tmp_path / "drawn", {"train": 9})
    for path in sorted((folder / "train" / "red").iterdir())[3:]:
        path.unlink()
    notes = prepare_data(Specimens.read(folder), TINY).notes
    assert any("fewer than 5 training images: red" in note for note in notes)


def test_one_label_is_not_enough(tmp_path):
    folder = draw_collection(tmp_path / "drawn", {"train": 6})
    for label in ("red", "blue"):
        for path in (folder / "train" / label).iterdir():
            path.unlink()
    with pytest.raises(UserError, match="at least two labels"):
        prepare_data(Specimens.read(folder), TINY)


def test_only_test_images_is_a_mistake(tmp_path):
    folder = draw_collection(tmp_path / "drawn", {"test": 6})
    with pytest.raises(UserError, match="no row has split 'train'"):
        prepare_data(Specimens.read(folder), TINY)


def test_a_validation_label_without_training_images(tmp_path):
    folder = draw_collection(tmp_path / "drawn", {"train": 3, "val": 1})
    (folder / "val" / "pink").mkdir()
    Image.fromarray(np.full((40, 40, 3), 200, dtype=np.uint8)).save(folder / "val/pink/0.png")
    with pytest.raises(UserError, match="pink"):
        prepare_data(Specimens.read(folder), TINY)


def test_diverging_is_said_in_words(collection, tmp_path):
    wild = replace(TINY, optimizer="sgd", learning_rate=1e30, warmup_epochs=0, gradient_clip=0)
    with pytest.raises(UserError, match="diverged") as caught:
        train(collection, wild, tmp_path / "run", say=lambda line: None)
    assert "learning rate" in str(caught.value)


def test_the_same_answer_for_every_image_is_said(collection, tmp_path):
    """With frozen batch norm of zero scale no image reaches the classes."""
    idle = replace(TINY, learning_rate=1e-12, warmup_epochs=0.0)
    model = build_model(idle, 3)
    torch.nn.init.zeros_(model.projection.weight)
    init = tmp_path / "init"
    save_checkpoint(init, model)
    lines = said_by(collection, idle, tmp_path / "run", init=init)
    assert any("same answer" in line for line in lines)
    assert not any("same answer" in line for line in said_by(collection, TINY, tmp_path / "run2"))


def test_early_stop(collection, tmp_path):
    """A model that does not move has its best validation top-1 in the first epoch."""
    still = replace(
        TINY, epochs=9, early_stop=2, learning_rate=1e-30, freeze_batch_norm=True, dropout=0.0
    )
    lines = said_by(collection, still, tmp_path / "run")
    assert len(pd.read_csv(tmp_path / "run" / "metrics.csv")) == 3
    assert any("stopped early" in line for line in lines)


def test_the_weights_kept_come_from_the_epochs_without_smoothing(collection, tmp_path):
    """A model that does not move is best in its first epoch, and here in the first that counts."""
    still = replace(
        TINY, epochs=9, early_stop=2, learning_rate=1e-30, freeze_batch_norm=True, dropout=0.0,
        label_smoothing=0.5, unsmoothed_epochs=5,
    )  # fmt: skip
    train(collection, still, tmp_path / "run", say=lambda line: None)
    metrics = pd.read_csv(tmp_path / "run" / "metrics.csv")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["best_epoch"] == 5
    assert len(metrics) == 7  # two after the best, counted from the first without smoothing
    smoothed, plain = metrics["train_loss"][:4].mean(), metrics["train_loss"][4:].mean()
    assert smoothed != pytest.approx(plain, rel=1e-3)


def test_start_from_another_run(collection, tmp_path):
    first = train(collection, TINY, tmp_path / "first", say=lambda line: None)
    still = replace(TINY, learning_rate=1e-30, freeze_batch_norm=False, epochs=1)
    lines = said_by(collection, still, tmp_path / "second", init=first)
    assert any(line.startswith("started from") for line in lines)
    one, two = load_checkpoint(first), load_checkpoint(tmp_path / "second")
    torch.testing.assert_close(one.class_queries.weight, two.class_queries.weight)


def test_the_same_seed_gives_the_same_weights(collection, tmp_path):
    runs = [
        train(collection, replace(TINY, seed=seed), tmp_path / name, say=lambda line: None)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    hashes = [sha256(run / "last.safetensors") for run in runs]
    assert hashes[0] == hashes[1] != hashes[2]


def test_two_trainings_into_one_folder(collection, tmp_path):
    once = replace(TINY, epochs=1, batch_size=500)
    run = RunFolder(tmp_path / "run")
    run.lock()
    with pytest.raises(UserError, match="another process is training"):
        train(collection, once, tmp_path / "run", resume=True, say=lambda line: None)
    run.unlock()
    train(collection, once, tmp_path / "run", resume=True, say=lambda line: None)
    assert not (tmp_path / "run" / ".lock").exists()


def test_groups_of_the_optimiser():
    """Backbone at its own rate; no weight decay for biases and norms unless all is asked for."""
    config = replace(TINY, backbone_learning_rate=1e-4, weight_decay=0.3)
    model = build_model(config, 3)
    groups = build_optimizer(config, model).param_groups
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    seen = set()
    for group in groups:
        for parameter in group["params"]:
            name = names[id(parameter)]
            seen.add(name)
            assert group["highest"] == (1e-4 if name.startswith("backbone.") else 1e-3)
            assert group["weight_decay"] == (0.3 if parameter.ndim > 1 else 0.0)
    assert seen == set(names.values())
    all_decay = build_optimizer(replace(config, decay_all=True), model).param_groups
    assert {group["weight_decay"] for group in all_decay} == {0.3}


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ("backbone.network.conv1.", "backbone.network.bn1.", "backbone.network.layer1.")),
        ({"model": "plain"}, ("network.conv1.", "network.bn1.", "network.layer1.")),
        ({"backbone": "vit_tiny_patch16_224", "backbone_stride": None}, ()),
    ],
)
def test_the_first_stage_of_a_resnet_can_be_frozen(changes, names):
    model = build_model(replace(TINY, freeze_first_stage=True, **changes), 3)
    for name, parameter in model.named_parameters():
        assert parameter.requires_grad == (not name.startswith(names or "none")), name


def test_the_paper_preset_builds_the_published_model():
    config = replace(PRESETS["paper"], pretrained=False)
    with torch.device("meta"):
        model = INTR(INTRConfig(num_classes=200))
    assert build_shape(config) == {name: tuple(p.shape) for name, p in model.named_parameters()}


def build_shape(config):
    with torch.device("meta"):
        model = build_model(config, 200)
    return {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}


def test_more_processes_than_images_is_not_reached_on_one(collection, tmp_path):
    """A collection smaller than a batch is trained as one batch an epoch."""
    steps = []
    train(
        collection, replace(TINY, batch_size=500, epochs=1), tmp_path / "run",
        say=lambda line: None, progress=lambda *call: steps.append(call),
    )  # fmt: skip
    assert steps == [(1, 1)]


@pytest.mark.skipif(sys.platform == "win32", reason="gloo over torchrun is tested on Linux")
@pytest.mark.timeout(300)
def test_two_processes_train_to_the_weights_of_one(collection_folder, tmp_path):
    """Two processes with gloo equal one of twice the batch: float64, SGD, no randomness."""
    import subprocess

    from safetensors.torch import load_file

    settings = (
        "image_size=32 width=32 heads=4 feed_forward=32 precision=fp64 optimizer=sgd "
        "learning_rate=0.01 augmentation=none dropout=0.0 freeze_batch_norm=true schedule=constant "
        "warmup_epochs=0 validation_share=0.2 batch_size={batch}"
    )

    def command(out, batch):
        pairs = settings.format(batch=batch).split()
        return [
            "train", str(collection_folder), "--out", str(out), "--epochs", "10",
            *[word for pair in pairs for word in ("--set", pair)],
        ]  # fmt: skip

    launch = [
        sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2",
        "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
        "--main_process_port", "0", "--module", "intr_discover",
    ]  # fmt: skip
    two = subprocess.run([*launch, *command(tmp_path / "two", 4)], capture_output=True, text=True)
    assert two.returncode == 0, two.stderr
    assert "processes: 2" in two.stdout
    one = [sys.executable, "-m", "intr_discover", *command(tmp_path / "one", 8)]
    subprocess.run(one, check=True, capture_output=True)
    ours, theirs = (load_file(tmp_path / name / "last.safetensors") for name in ("one", "two"))
    # 21 images in batches of 8: 2 steps an epoch, 20 steps.
    for name, weight in ours.items():
        assert weight.dtype == torch.float64 or not weight.is_floating_point()
        torch.testing.assert_close(weight, theirs[name], rtol=0, atol=1e-6)
    start = build_model(TINY, 3)
    moved = (ours["class_queries.weight"] - start.class_queries.weight.double()).abs().max()
    assert moved > 1e-3
