"""Settings: types, ranges and YAML, each mistake in one line."""

from dataclasses import fields

import pytest

from intr_discover.errors import UserError
from intr_discover.training.build import build_model
from intr_discover.training.config import (
    PRESETS,
    TrainingConfig,
    as_dict,
    build_config,
    change,
    differences,
    parse_settings,
    read_settings,
)


def test_the_paper_preset_is_the_official_recipe():
    """METHODS 1: AdamW, lr 5e-5, backbone 1e-5, decay 1e-6, clip 0.1, batch 12, drop at 80."""
    paper = PRESETS["paper"]
    assert (paper.optimizer, paper.learning_rate, paper.backbone_learning_rate) == (
        "adamw", 5e-5, 1e-5,
    )  # fmt: skip
    assert (paper.weight_decay, paper.decay_all, paper.gradient_clip) == (1e-6, True, 0.1)
    assert (paper.batch_size, paper.epochs, paper.schedule, paper.drop_epoch) == (
        12,
        140,
        "step",
        80,
    )
    assert (paper.backbone, paper.width, paper.heads) == ("resnet50", 256, 8)
    assert (paper.encoder_layers, paper.decoder_layers, paper.feed_forward) == (6, 6, 2048)
    assert (paper.image_size, paper.longest_side, paper.augmentation) == (800, 1333, "detr")
    assert paper.evaluation_scale == 1.0
    assert paper.freeze_batch_norm and paper.freeze_first_stage
    assert paper.pretrained and paper.label_smoothing == 0


def test_settings_survive_a_dictionary():
    for preset in PRESETS.values():
        assert TrainingConfig(**as_dict(preset)) == preset


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epoch": 3}, "epoch"),
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"epochs": 2.5}, "epochs must be a whole number"),
        ({"epochs": True}, "epochs must be a whole number"),
        ({"epochs": "many"}, "epochs must be a whole number"),
        ({"learning_rate": 0}, "learning_rate must be above 0"),
        ({"learning_rate": "fast"}, "learning_rate must be a number"),
        ({"learning_rate": float("nan")}, "learning_rate must be a number"),
        ({"pretrained": 1}, "pretrained must be true or false"),
        ({"model": "resnet"}, "model must be intr or intr-fc or plain"),
        ({"backbone_stride": "8"}, "backbone_stride must be a whole number or empty"),
        ({"backbone": 18}, "backbone must be text"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"unsmoothed_epochs": -1}, "unsmoothed_epochs must be from 0 to epochs (30)"),
        ({"epochs": 4, "unsmoothed_epochs": 5}, "unsmoothed_epochs must be from 0 to epochs (4)"),
        ({"validation_share": 0.0}, "validation_share"),
        ({"schedule": "step"}, "drop_epoch"),
        ({"batch_size": -1}, "batch_size"),
        ({"seed": -1}, "seed"),
        ({"evaluation_scale": 0}, "evaluation_scale"),
        ({"smallest_crop": 0}, "smallest_crop must be above 0 and at most 1"),
        ({"smallest_crop": 1.01}, "smallest_crop must be above 0 and at most 1"),
        ({"smallest_crop": float("nan")}, "smallest_crop must be a number"),
        ({"smallest_crop": "all"}, "smallest_crop must be a number"),
        ({"head_dropout": "some"}, "head_dropout must be a number"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(changes, words):
    with pytest.raises(UserError) as caught:
        build_config("small", changes)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_preset():
    with pytest.raises(UserError, match="small or paper"):
        build_config("large", {})


def test_whole_numbers_pass_for_numbers():
    assert change(TrainingConfig(), {"warmup_epochs": 2}).warmup_epochs == 2


def test_a_crop_may_be_the_whole_photograph():
    assert build_config("small", {"smallest_crop": 1}).smallest_crop == 1


def test_what_runs_before_these_settings_did_is_the_default():
    for preset in PRESETS.values():
        assert (preset.head_dropout, preset.smallest_crop) == (0.0, 0.35)


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_a_share_of_heads_out_of_range_is_refused_with_the_model(share):
    config = build_config("small", {"head_dropout": share, "pretrained": False})
    with pytest.raises(UserError, match=r"head_dropout must lie in \[0, 1\)"):
        build_model(config, 3)


def test_the_model_gets_its_share_of_heads():
    config = build_config("small", {"head_dropout": 0.25, "pretrained": False})
    assert build_model(config, 3).config.head_dropout == 0.25


def test_yaml(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("learning_rate: 5e-5\nepochs: 7\nbackbone_stride:\nmodel: plain\n")
    config = build_config("small", read_settings(path))
    assert (config.learning_rate, config.epochs, config.model) == (5e-5, 7, "plain")
    assert config.backbone_stride is None


def test_an_empty_yaml_changes_nothing(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_text("# nothing yet\n")
    assert read_settings(path) == {}


@pytest.mark.parametrize(
    "content",
    [b"- a\n- b\n", b"epochs: [1,", b"\xff\xfe\x00", b"!!python/object/apply:os.getcwd []"],
)
def test_yaml_that_is_no_settings_is_refused(tmp_path, content):
    path = tmp_path / "settings.yaml"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"settings\.yaml"):
        read_settings(path)


def test_a_missing_yaml_is_named(tmp_path):
    with pytest.raises(UserError, match=r"absent\.yaml"):
        read_settings(tmp_path / "absent.yaml")


def test_assignments():
    given = ["epochs=3", "learning_rate=1e-3", "backbone=resnet34", "drop_epoch="]
    assert parse_settings(given) == {
        "epochs": 3, "learning_rate": 1e-3, "backbone": "resnet34", "drop_epoch": None,
    }  # fmt: skip
    for wrong in ("epochs", "=3", "epochs=[1"):
        with pytest.raises(UserError):
            parse_settings([wrong])


def test_differences_name_both_values():
    ours = TrainingConfig(epochs=3, seed=1)
    assert differences(ours, TrainingConfig(epochs=3)) == ["seed 0 → 1"]
    assert differences(ours, ours) == []


def test_every_setting_is_described():
    for field in fields(TrainingConfig):
        assert field.name in TrainingConfig.__doc__


def test_label_smoothing_ends_with_the_last_epochs():
    config = TrainingConfig(epochs=5, label_smoothing=0.1, unsmoothed_epochs=2)
    assert [config.smoothing_in(epoch) for epoch in range(5)] == [0.1, 0.1, 0.1, 0, 0]
    assert TrainingConfig(epochs=5).smoothing_in(4) == 0.1
