"""Official weights to a run folder that predicts and explains."""

import argparse
import json

import numpy as np
import pytest
import torch

from intr_discover import load
from intr_discover.errors import UserError
from intr_discover.explain.importing import import_checkpoint
from intr_discover.model.layouts import export_official
from tests.explain.conftest import CLASSES, tiny_model


@pytest.fixture
def official(tmp_path):
    model = tiny_model(backbone_stride=None, heads=2, freeze_batch_norm=True)
    path = tmp_path / "checkpoint.pth"
    torch.save(
        {"model": export_official(model), "epoch": 3, "args": argparse.Namespace(nheads=2)}, path
    )
    return model, path


def test_a_run_folder_that_explains(official, tmp_path):
    model, path = official
    names = tmp_path / "classes.txt"
    names.write_text("\n".join(CLASSES))
    lines = import_checkpoint(path, names, tmp_path / "run")
    assert "4 classes" in lines[0]
    explainer = load(tmp_path / "run", device="cpu")
    assert explainer.classes == CLASSES
    photograph = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    tensor = explainer.preprocessing(photograph)
    np.testing.assert_allclose(
        explainer.logits([photograph])[0], model(tensor[None]).logits[0].detach(), atol=1e-5
    )
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["preprocessing"]["size"] == 800
    assert config["imported"]["file"] == "checkpoint.pth"


def test_wrong_number_of_names_writes_nothing(official, tmp_path):
    _, path = official
    names = tmp_path / "classes.txt"
    names.write_text("one\ntwo\n")
    with pytest.raises(UserError):
        import_checkpoint(path, names, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_another_run_is_not_overwritten(official, tmp_path):
    _, path = official
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    names = tmp_path / "classes.txt"
    names.write_text("\n".join(CLASSES))
    with pytest.raises(UserError, match="not empty"):
        import_checkpoint(path, names, tmp_path / "run")
