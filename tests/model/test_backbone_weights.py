"""Pretrained weights from a file, without a network."""

import pytest
import timm
import torch
from safetensors.torch import save_file

from intr_discover.errors import UserError
from intr_discover.model import INTR, INTRConfig, PlainClassifier, PlainConfig
from intr_discover.model.backbone import Backbone


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(1)
    place = tmp_path_factory.mktemp("weights")
    save_file(timm.create_model("resnet10t").state_dict(), place / "model.safetensors")
    return place


@pytest.mark.parametrize("inside", ["", "model.safetensors"])
def test_a_backbone_begins_with_the_weights_of_a_file(folder, inside):
    from safetensors.torch import load_file

    backbone = Backbone("resnet10t", weights=str(folder / inside))
    held = load_file(folder / "model.safetensors")
    own = {name.replace("_", "."): value for name, value in backbone.network.state_dict().items()}
    kept = {name.replace("_", "."): value for name, value in held.items()}
    shared = set(own) & set(kept)
    assert len(shared) > 50
    assert all(torch.equal(own[name], kept[name]) for name in shared)


def test_weights_of_another_model_are_refused(folder):
    with pytest.raises(UserError, match="not the weights of resnet50: it lacks"):
        Backbone("resnet50", weights=str(folder))


def test_a_folder_without_weights_is_told(tmp_path):
    with pytest.raises(UserError, match=r"holds no model\.safetensors"):
        Backbone("resnet10t", weights=str(tmp_path))


def test_without_a_network_the_way_to_the_weights_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"intr-discover models fetch resnet10t --to weights"):
        Backbone("resnet10t", pretrained=True)


@pytest.mark.parametrize("kind", ["plain", "intr"])
def test_a_run_of_ours_lends_its_backbone_to_other_classes(tmp_path, kind):
    torch.manual_seed(2)
    if kind == "plain":
        trained = PlainClassifier(PlainConfig(3, backbone="resnet10t"))
    else:
        shape = INTRConfig(3, backbone="resnet10t", width=32, heads=4, feed_forward=32)
        trained = INTR(shape)
    save_file(trained.state_dict(), tmp_path / "model.safetensors")
    first = trained.network if kind == "plain" else trained.backbone.network
    begun = Backbone("resnet10t", weights=str(tmp_path), stride=8)
    theirs = {key.replace("_", "."): each for key, each in first.state_dict().items()}
    own = {key.replace("_", "."): each for key, each in begun.network.state_dict().items()}
    assert len(own) > 20 and all(torch.equal(own[key], theirs[key]) for key in own)
    torch.manual_seed(3)
    config = PlainConfig(5, backbone="resnet10t")
    other = PlainClassifier(config, weights=str(tmp_path))
    whole = {key.replace("_", "."): each for key, each in other.network.state_dict().items()}
    assert all(torch.equal(whole[key], theirs[key]) for key in theirs if not key.startswith("fc"))
    assert whole["fc.weight"].shape[0] == 5
