"""Checkpoints: what goes out comes back; foreign, damaged and hostile files are refused whole."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import pickle
import struct
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import nn

from intr_discover.errors import UserError
from intr_discover.model import (
    INTR,
    PlainClassifier,
    PlainConfig,
    checkpoint,
    export_official,
    fingerprint,
    initialise_from,
    load_checkpoint,
    read_config,
    read_weights,
    save_checkpoint,
    save_weights,
)

ARGUMENTS = argparse.Namespace(nheads=4, dropout=0.2, pre_norm=False, position_embedding="sine")


@pytest.fixture(scope="module")
def model(tiny):
    return tiny()


@pytest.fixture(scope="module")
def plain():
    torch.manual_seed(0)
    return PlainClassifier(PlainConfig(num_classes=3, backbone="resnet18")).eval()


@pytest.fixture
def official(model):
    """Return an official checkpoint of the small model, fresh for every test."""
    weights = {name: weight.clone() for name, weight in export_official(model).items()}
    return {"model": weights, "epoch": 3, "args": ARGUMENTS}


@pytest.fixture
def detr(official):
    """Return a DETR checkpoint of the same size: 5 queries, 91 object classes, no arguments."""
    weights = official["model"]
    del weights["presence_vector.weight"], weights["presence_vector.bias"]
    generator = torch.Generator().manual_seed(1)
    for name, shape in {
        "class_embed.weight": (92, 16), "class_embed.bias": (92,),
        "bbox_embed.layers.0.weight": (16, 16), "bbox_embed.layers.0.bias": (16,),
        "bbox_embed.layers.2.weight": (4, 16), "bbox_embed.layers.2.bias": (4,),
    }.items():  # fmt: skip
        weights[name] = torch.randn(shape, generator=generator)
    return {"model": weights, "args": {"nheads": 4}}


def refusal(source, **asked) -> str:
    """Return the one line that refuses a checkpoint."""
    with pytest.raises(UserError) as caught:
        load_checkpoint(source, **asked)
    message = str(caught.value)
    assert "\n" not in message
    if not isinstance(source, dict):
        assert Path(source).name in message, "the message names the file"
    return message


# --- run folders ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["intr", "intr-fc", "trainable batch norm", "vit", "plain"])
def test_a_run_folder_gives_the_same_model_back(tiny, plain, images, tmp_path, kind):
    saved = {
        "intr": lambda: tiny(),
        "intr-fc": lambda: tiny(kind="intr-fc", dropout=0),
        "trainable batch norm": lambda: tiny(freeze_batch_norm=False),
        "vit": lambda: tiny(backbone="deit_tiny_patch16_224", backbone_stride=None,
                            backbone_level=1, encoder_layers=0),
        "plain": lambda: plain,
    }[kind]()  # fmt: skip
    save_checkpoint(tmp_path / "run", saved, {"classes": ["a", "b"], "preprocessing": {"size": 8}})
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "model.safetensors",
        "config.json",
    }
    for source in (tmp_path / "run", str(tmp_path / "run"), tmp_path / "run" / "model.safetensors"):
        loaded = load_checkpoint(source)
        assert type(loaded) is type(saved)
        assert loaded.config == saved.config
        assert not loaded.training
        assert fingerprint(loaded) == fingerprint(saved)
    with torch.no_grad():
        assert torch.equal(loaded(images).logits, saved(images).logits)


def test_the_config_says_what_it_was_told(model, tmp_path):
    save_checkpoint(tmp_path, model, {"classes": ["rot", "grün"], "fingerprint": "f00"})
    expected = {
        "format": 1,
        "model": model.describe(),
        "classes": ["rot", "grün"],
        "fingerprint": "f00",
    }
    assert read_config(tmp_path) == json.loads((tmp_path / "config.json").read_text()) == expected
    assert expected["model"]["kind"] == "intr"


def test_weights_are_written_as_they_are(model, tmp_path):
    save_checkpoint(tmp_path, model)
    stored = load_file(tmp_path / "model.safetensors")
    assert set(stored) == set(model.state_dict())
    for name, weight in model.state_dict().items():
        assert torch.equal(stored[name], weight)
        assert stored[name].dtype == weight.dtype


@pytest.mark.parametrize("extra", [{"format": 2}, {"model": {}}])
def test_extra_entries_may_not_take_ours(model, tmp_path, extra):
    with pytest.raises(ValueError, match="extra must not hold"):
        save_checkpoint(tmp_path, model, extra)


def test_save_weights_of_a_model_or_a_state_dict(model, tmp_path):
    save_weights(tmp_path / "a" / "best.safetensors", model)
    transposed = {"weight": torch.arange(6.0).reshape(2, 3).T}
    save_weights(tmp_path / "b.safetensors", transposed)
    found = read_weights(tmp_path / "a" / "best.safetensors").weights
    model.load_state_dict(found)
    stored = read_weights(tmp_path / "b.safetensors").weights["weight"]
    assert stored.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_a_save_that_fails_leaves_the_old_files_whole(model, tiny, tmp_path, monkeypatch):
    save_checkpoint(tmp_path, model, {"classes": ["a"]})
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    with pytest.raises(TypeError):  # fails in the config
        save_checkpoint(tmp_path, tiny(seed=1), {"classes": object()})
    with pytest.raises(ValueError, match="JSON"):
        save_checkpoint(tmp_path, tiny(seed=1), {"loss": float("nan")})

    def half_a_file(path, weights):
        path.write_bytes(b"half")
        raise OSError("no space left on device")

    monkeypatch.setattr(checkpoint, "_write_weights", half_a_file)  # tests/faults has full disks
    with pytest.raises(OSError, match="no space"):
        save_checkpoint(tmp_path, tiny(seed=1), {"classes": ["b"]})
    with pytest.raises(OSError, match="no space"):
        save_weights(tmp_path / "model.safetensors", tiny(seed=1))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_saving_again_replaces_both_files(model, tiny, tmp_path):
    save_checkpoint(tmp_path, model, {"classes": ["a"]})
    other = tiny(seed=1, num_classes=3)
    save_checkpoint(tmp_path, other, {"classes": ["b"]})
    assert fingerprint(load_checkpoint(tmp_path)) == fingerprint(other)
    assert read_config(tmp_path)["classes"] == ["b"]


def test_the_fingerprint_by_hand():
    layer = nn.Linear(2, 1)
    layer.weight.data = torch.tensor([[1.0, 2.0]])
    layer.bias.data = torch.tensor([3.0])
    expected = hashlib.sha256(
        b"bias torch.float32 (1,)\n" + struct.pack("<f", 3)
        + b"weight torch.float32 (1, 2)\n" + struct.pack("<ff", 1, 2)
    )  # fmt: skip
    assert fingerprint(layer) == expected.hexdigest()


def test_the_fingerprint_knows_names_shapes_and_numbers_but_no_order():
    def holder(**tensors):
        module = nn.Module()
        for name, tensor in tensors.items():
            module.register_buffer(name, tensor)
        return fingerprint(module)

    one, two = torch.tensor([1.0, 2.0]), torch.tensor(3.0)
    assert holder(a=one, b=two) == holder(b=two.clone(), a=one.clone())
    assert holder(a=one.bfloat16()) == holder(a=one.bfloat16())
    different = [
        holder(a=one, b=two), holder(a=one, c=two), holder(a=one[None], b=two),
        holder(a=two, b=one), holder(a=one.nextafter(two), b=two),
        holder(a=one.bfloat16(), b=two), holder(a=one),
    ]  # fmt: skip
    assert len(set(different)) == len(different)


def test_loading_leaves_the_random_numbers_alone(model, official, detr, tmp_path):
    save_checkpoint(tmp_path, model)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    for source in (tmp_path, official, detr):
        load_checkpoint(source)
    initialise_from(model, detr)
    assert torch.equal(torch.rand(3), expected)


# --- official INTR checkpoints --------------------------------------------------------------


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
def test_official_files_of_either_torch_format(model, official, images, tmp_path, zipped):
    path = tmp_path / "checkpoint.pth"
    official["optimizer"] = {
        "state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.zeros(2)}},
        "param_groups": [{"lr": 1e-4, "betas": (0.9, 0.999), "params": [0]}],
    }
    official["lr_scheduler"] = {"step_size": 80, "base_lrs": [1e-4], "_last_lr": [1e-4]}
    official["model"] = OrderedDict(official["model"])
    torch.save(official, path, _use_new_zipfile_serialization=zipped)
    loaded = load_checkpoint(path)
    assert fingerprint(loaded) == fingerprint(model)
    assert loaded.config.heads == 4
    assert loaded.config.dropout == loaded.config.attention_dropout == 0.2
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(images).logits, model(images).logits)


def test_official_weights_as_safetensors(tiny, tmp_path):
    eight = tiny(heads=8)
    save_file(export_official(eight), tmp_path / "official.safetensors")
    assert fingerprint(load_checkpoint(tmp_path / "official.safetensors")) == fingerprint(eight)


def test_without_arguments_there_are_eight_heads(official):
    assert load_checkpoint(official["model"]).config.heads == 8
    assert load_checkpoint({"model": official["model"], "args": None}).config.heads == 8


@pytest.mark.parametrize("kind", ["intr", "intr-fc"])
def test_the_kind_is_seen_from_the_presence_vector(tiny, kind):
    source = {"model": export_official(tiny(kind=kind)), "args": {"nheads": 4}}
    assert load_checkpoint(source).config.kind == kind


def test_names_of_distributed_training_and_batch_counts(model, official):
    weights = {f"module.{name}": weight for name, weight in official["model"].items()}
    weights["module.backbone.0.body.bn1.num_batches_tracked"] = torch.tensor(12)
    loaded = load_checkpoint({"model": weights, "args": ARGUMENTS})
    assert fingerprint(loaded) == fingerprint(model)


def test_weights_are_read_with_half_precision_as_single():
    half = torch.tensor([1.5, -0.25])
    source = {"a": half.half(), "b": half.bfloat16(), "c": half.double(), "d": torch.ones(1).int()}
    found = read_weights(source).weights
    assert [weight.dtype for weight in found.values()] == [
        torch.float32, torch.float32, torch.float64, torch.int32,
    ]  # fmt: skip
    assert torch.equal(found["a"], half)
    assert torch.equal(found["b"], half)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_single(official, dtype):
    halved = {name: weight.to(dtype) for name, weight in official["model"].items()}
    loaded = load_checkpoint({"model": halved, "args": ARGUMENTS})
    for name, weight in export_official(loaded).items():
        assert weight.dtype == torch.float32
        assert torch.equal(weight, halved[name].float())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"pre_norm": True}, "pre_norm=True"),
        ({"dilation": True}, "dilation=True"),
        ({"position_embedding": "learned"}, "position_embedding=learned"),
        ({"position_embedding": "v3"}, "position_embedding=learned"),
        ({"pre_norm": True, "dilation": True}, "pre_norm=True and dilation=True"),
        ({"nheads": 3}, "width 16 must be divisible by 4 and by heads 3"),
        ({"nheads": "eight"}, "nheads is 'eight'"),
        ({"nheads": 0}, "nheads is 0"),
    ],
)
def test_arguments_that_cannot_be_honoured(official, tmp_path, arguments, said):
    official["args"] = argparse.Namespace(**(vars(ARGUMENTS) | arguments))
    torch.save(official, tmp_path / "c.pth")
    assert said in refusal(tmp_path / "c.pth")
    with pytest.raises(UserError):
        initialise_from(load_checkpoint({"model": official["model"]}), tmp_path / "c.pth")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("transformer.encoder.norm.weight", "pre_norm=True"),
        ("backbone.1.row_embed.weight", "position_embedding=learned"),
    ],
)
def test_weights_that_show_what_cannot_be_honoured(official, name, said):
    official["model"][name] = torch.ones(16)
    assert said in refusal(official)


def test_the_classes_of_an_official_model_are_its_own(official):
    assert load_checkpoint(official, num_classes=5).config.num_classes == 5
    assert "a model of 5 classes, not 6" in refusal(official, num_classes=6)


def test_the_classes_of_a_run_are_its_own(model, tmp_path):
    save_checkpoint(tmp_path, model)
    assert load_checkpoint(tmp_path, num_classes=5).config.num_classes == 5
    assert "a model of 5 classes, not 2" in refusal(tmp_path, num_classes=2)


# --- missing keys, unexpected keys, wrong shapes --------------------------------------------


def test_faults_are_named_as_the_file_names_them(official):
    weights = official["model"]
    del weights["transformer.decoder.layers.1.multihead_attn.in_proj_bias"]
    weights["transformer.decoder.layers.1.surprise"] = torch.ones(1)
    weights["input_proj.bias"] = torch.ones(15)
    message = refusal(official)
    assert "missing keys: transformer.decoder.layers.1.multihead_attn.in_proj_bias" in message
    assert "unexpected keys: transformer.decoder.layers.1.surprise" in message
    assert "wrong shapes: input_proj.bias is (15,), expected (16,)" in message


def test_many_faults_are_shortened(official):
    weights = official["model"]
    lost = [name for name in weights if ".layers.0.norm" in name or "running" in name]
    for name in lost:
        del weights[name]
    message = refusal(official)
    assert f"and {len(lost) - 5} more" in message
    assert len(message) < 600


def test_a_native_fault_is_named_in_our_names(model, tmp_path):
    save_checkpoint(tmp_path, model)
    weights = load_file(tmp_path / "model.safetensors")
    weights["presence.weight"] = torch.ones(2, 16)
    del weights["projection.bias"]
    weights["more"] = torch.ones(1)
    save_weights(tmp_path / "model.safetensors", weights)
    message = refusal(tmp_path)
    assert "missing keys: projection.bias; unexpected keys: more; wrong shapes: " in message
    assert "presence.weight is (2, 16), expected (1, 16)" in message


@pytest.mark.parametrize(
    "name",
    [
        "query_embed.weight", "transformer.decoder.layers.0.linear1.weight",
        "backbone.0.body.conv1.weight", "presence_vector.weight", "input_proj.weight",
    ],
)  # fmt: skip
def test_a_missing_weight_is_named_also_where_it_shows_the_shape(official, name):
    del official["model"][name]
    assert f"missing keys: {name}" in refusal(official)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"query_embed.weight": torch.ones(5)}, "query_embed.weight is (5,)"),
        ({"query_embed.weight": torch.ones(0, 16)}, "query_embed.weight is (0, 16)"),
        ({"query_embed.weight": torch.ones(5, 18)}, "width 18 must be divisible"),
        ({"query_embed.weight": torch.ones(5, 32)}, "input_proj.weight is (16, 128, 1, 1)"),
        ({"presence_vector.weight": torch.ones(3, 16)}, "presence_vector.weight is (3, 16)"),
        ({"presence_vector.weight": torch.tensor(1.0)}, "presence_vector.weight is ()"),
        ({"input_proj.bias": torch.ones(16, dtype=torch.int64)}, "is torch.int64, expected"),
        ({"input_proj.bias": torch.ones(16, dtype=torch.complex64)}, "is torch.complex64"),
        ({"backbone.0.body.layer1.9.conv1.weight": torch.ones(1)}, "has [3, 2] blocks"),
        (
            {"transformer.decoder.layers.99999999.norm1.weight": torch.ones(16)},
            "unexpected keys: transformer.decoder.layers.99999999.norm1.weight",
        ),
    ],
)
def test_odd_weights(official, change, said):
    official["model"].update(change)
    assert said in refusal(official)


# --- DETR checkpoints -----------------------------------------------------------------------


def test_detr_keeps_its_queries_and_loses_its_heads(detr, official, images, tmp_path):
    torch.save({"model": detr["model"], "args": ARGUMENTS}, tmp_path / "detr-r18.pth")
    loaded = load_checkpoint(tmp_path / "detr-r18.pth")
    assert isinstance(loaded, INTR)
    assert (loaded.config.kind, loaded.config.num_classes) == ("intr", 5)
    for name, weight in export_official(loaded).items():
        if not name.startswith("presence_vector."):
            assert torch.equal(weight, detr["model"][name]), name
    limit = (6 / 17) ** 0.5  # Xavier: √(6 / (inputs + outputs))
    assert 0 < loaded.presence.weight.abs().max() <= limit
    assert loaded.presence.bias.tolist() == [0]
    with torch.no_grad():
        assert loaded(images).logits.isfinite().all()


def test_detr_queries_are_fitted_to_the_classes(detr):
    theirs = detr["model"]["query_embed.weight"]
    assert torch.equal(load_checkpoint(detr, num_classes=3).class_queries.weight, theirs[:3])
    more = load_checkpoint(detr, num_classes=12).class_queries.weight
    assert more.shape == (12, 16)
    assert torch.equal(more[:5], theirs)
    noise = more[5:].detach() - theirs[torch.tensor([0, 1, 2, 3, 4, 0, 1])]
    assert 0.05 < noise.std() < 0.15


def test_what_detr_lacks_depends_on_the_seed_alone(detr):
    first = load_checkpoint(detr, num_classes=12)
    again = load_checkpoint(detr, num_classes=12)
    other = load_checkpoint(detr, num_classes=12, seed=1)
    assert fingerprint(first) == fingerprint(again)
    assert not torch.equal(first.presence.weight, other.presence.weight)
    assert not torch.equal(first.class_queries.weight[5:], other.class_queries.weight[5:])


def test_a_detr_file_is_not_changed_by_reading(detr):
    before = {name: weight.clone() for name, weight in detr["model"].items()}
    load_checkpoint(detr, num_classes=12)
    assert detr["model"].keys() == before.keys()
    assert all(torch.equal(detr["model"][name], before[name]) for name in before)


# --- starting a model from another ----------------------------------------------------------


def differing(model, weights, theirs=export_official):
    """Name the weights that differ from those of a checkpoint."""
    return {name for name, weight in theirs(model).items() if not weight.equal(weights[name])}


@pytest.mark.parametrize("classes", [3, 5, 9])
def test_initialise_from_detr(tiny, detr, classes):
    model = tiny(seed=1, num_classes=classes)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    fresh = initialise_from(model, detr)
    assert fresh == ["presence.weight", "presence.bias"]
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in fresh)
    weights = dict(detr["model"])
    theirs = weights.pop("query_embed.weight")
    own = {
        name: weight
        for name, weight in export_official(model).items()
        if not name.startswith(("presence_vector.", "query_embed."))
    }
    assert all(torch.equal(own[name], weights[name]) for name in own)
    both = min(classes, 5)
    assert torch.equal(model.class_queries.weight[:both], theirs[:both])


def test_initialise_from_an_official_file(tiny, official, tmp_path):
    torch.save(official, tmp_path / "c.pth")
    same = tiny(seed=1)
    assert initialise_from(same, tmp_path / "c.pth") == []
    assert differing(same, official["model"]) == set()
    more = tiny(seed=1, num_classes=7)
    assert initialise_from(more, tmp_path / "c.pth") == []  # the presence vector is for all classes
    assert torch.equal(more.presence.weight, official["model"]["presence_vector.weight"])
    assert torch.equal(more.class_queries.weight[:5], official["model"]["query_embed.weight"])


def test_initialise_from_a_run(tiny, model, tmp_path):
    save_checkpoint(tmp_path, model)
    for source in (tmp_path, tmp_path / "model.safetensors", model.state_dict()):
        other = tiny(seed=1)
        assert initialise_from(other, source) == []
        assert fingerprint(other) == fingerprint(model)


def test_presence_vectors_of_other_classes_stay_fresh(tiny):
    each = tiny(kind="intr-fc")
    presence = ["presence.weight", "presence.bias"]
    assert initialise_from(tiny(kind="intr-fc", seed=1), each.state_dict()) == []
    assert initialise_from(tiny(kind="intr-fc", num_classes=6), each.state_dict()) == presence
    assert initialise_from(tiny(), each.state_dict()) == presence
    assert initialise_from(each, tiny().state_dict()) == presence


def test_layers_and_counts_that_the_file_lacks_stay_fresh(tiny, official):
    deeper = tiny(seed=1, decoder_layers=3, freeze_batch_norm=False)
    fresh = initialise_from(deeper, official)
    assert len(fresh) == 18
    assert all(name.startswith("decoder.layers.2.") for name in fresh)


def test_layers_that_the_model_lacks_are_left_out(tiny, official):
    shallow = tiny(seed=1, decoder_layers=1, encoder_layers=0)
    assert initialise_from(shallow, official) == []
    assert differing(shallow, official["model"]) == set()


def test_initialise_from_refuses_what_does_not_fit(tiny, plain, model, official, tmp_path):
    def refused(model, source):
        before = fingerprint(model)
        with pytest.raises(UserError) as caught:
            initialise_from(model, source)
        assert fingerprint(model) == before, "a refused start changes nothing"
        return str(caught.value)

    assert "input_proj.weight is (16, 128, 1, 1), expected (16, 256, 1, 1)" in refused(
        tiny(backbone_stride=16), official
    )
    message = refused(tiny(width=32), official)
    assert "and" in message
    assert "more" in message
    without_queries = official["model"] | {"query_embed.weight": torch.ones(0, 16)}
    assert "query_embed.weight is (0, 16), expected (5, 16)" in refused(
        tiny(), {"model": without_queries, "args": ARGUMENTS}
    )
    assert "has 4 heads, the new model 2" in refused(tiny(heads=2), official)
    assert "has 8 heads, the new model 4" in refused(tiny(), official["model"])
    save_checkpoint(tmp_path, tiny(heads=2))
    assert "has 2 heads, the new model 4" in refused(tiny(), tmp_path)
    assert "nothing in it fits" in refused(tiny(), plain.state_dict())
    assert "only the model kinds intr and intr-fc" in refused(plain, official)


# --- hostile files --------------------------------------------------------------------------


class MarkerMaker:
    """Runs a shell command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def hostile_files(folder: Path, marker: Path) -> dict[str, Path]:
    payload = MarkerMaker(marker)
    files = {}
    for name, content in {
        "model": {"model": payload}, "beside": {"model": {"a": 1.0}, "args": payload},
        "bare": payload, "inside": {"model": {"a": payload}},
    }.items():  # fmt: skip
        for zipped in (True, False):
            path = folder / f"{name}-{zipped}.pth"
            torch.save(content, path, _use_new_zipfile_serialization=zipped)
            files[path.stem] = path
        for protocol in (0, 2, 4):
            path = folder / f"{name}-pickle-{protocol}.pt"
            path.write_bytes(pickle.dumps(content, protocol=protocol))
            files[path.stem] = path
    return files


def test_the_hostile_files_are_hostile(tmp_path):
    """Unsafe reading would run the command: the tests below would notice."""
    marker = tmp_path / "marker"
    path = hostile_files(tmp_path, marker)["bare-True"]
    torch.load(path, weights_only=False)
    assert marker.exists()


@pytest.mark.parametrize("forced", [False, True])
def test_nothing_from_a_file_is_executed(tmp_path, model, monkeypatch, forced):
    if forced:  # torch's switch that reads everything unsafely where the caller does not object
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    marker = tmp_path / "marker"
    for path in hostile_files(tmp_path, marker).values():
        message = refusal(path)
        assert "posix.system" in message or "nt.system" in message, message
        with pytest.raises(UserError):
            initialise_from(model, path)
        with pytest.raises(UserError):
            read_weights(path)
        assert not marker.exists(), path


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ({"model": {"a": torch.ones(1)}, "best": np.float64(0.5)}, "numpy"),
        (nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
        ({"model": {"a": torch.ones(1)}, "path": Path("a")}, "pathlib"),
    ],
)
def test_types_beyond_weights_and_plain_values_are_named(tmp_path, content, named):
    torch.save(content, tmp_path / "c.pth")
    message = refusal(tmp_path / "c.pth")
    assert named in message
    assert "safetensors" in message, "says what to do"


def test_the_list_of_allowed_types_is_as_before(official, tmp_path):
    before = set(torch.serialization.get_safe_globals())
    torch.save(official, tmp_path / "c.pth")
    load_checkpoint(tmp_path / "c.pth")
    assert set(torch.serialization.get_safe_globals()) == before
    assert argparse.Namespace not in before


def test_a_tensor_that_claims_more_than_the_file_holds(official, tmp_path):
    """A few bytes on disk that would fill the memory."""
    official["model"]["query_embed.weight"] = torch.ones(1).expand(10**7, 16)
    path = tmp_path / "bomb.pth"
    torch.save(official, path)
    assert "query_embed.weight does not hold the numbers it claims" in refusal(path)


@pytest.mark.parametrize(
    "odd", [torch.empty(2, device="meta"), torch.eye(3).to_sparse()], ids=["meta", "sparse"]
)
def test_tensors_of_other_kinds(official, odd):
    official["model"]["input_proj.bias"] = odd
    assert "input_proj.bias does not hold" in refusal(official)


# --- damaged and mistaken files -------------------------------------------------------------


def bytes_of(write) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty (0 bytes)"),
        (bytes_of(lambda file: Image.new("RGB", (8, 8)).save(file, "JPEG")), "a JPEG picture"),
        (bytes_of(lambda file: Image.new("RGB", (8, 8)).save(file, "PNG")), "a PNG picture"),
        (b"\n <!DOCTYPE html><html><body>Sign in</body></html>", "a web page"),
        (b"<html><body>Not found</body></html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "Git LFS pointer"),
        (b"%PDF-1.7", "a PDF"),
        (b"just some words in a text file", "or damaged"),
        (b"\x00" * 4096, "or damaged"),
        (b"\xff" * 100, "or damaged"),
        (b"PK\x03\x04 half a zip archive", "or damaged"),
        (b"\x80\x02}q\x00.", ""),  # a pickle of an empty dictionary
    ],
)
def test_files_that_are_no_checkpoint(tmp_path, suffix, content, said):
    path = tmp_path / f"weights{suffix}"
    path.write_bytes(content)
    assert said in refusal(path)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_truncated_torch_files(official, tmp_path, zipped, share):
    path = tmp_path / "c.pth"
    torch.save(official, path, _use_new_zipfile_serialization=zipped)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    assert "damaged" in refusal(path)


@pytest.mark.parametrize("share", [0.0001, 0.5, 0.999])
def test_truncated_safetensors(model, tmp_path, share):
    save_checkpoint(tmp_path, model)
    path = tmp_path / "model.safetensors"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    for source in (path, tmp_path):
        with pytest.raises(UserError, match=r"model\.safetensors: not a safetensors file, or dam"):
            load_checkpoint(source)


@pytest.mark.parametrize(
    "header",
    [
        b"not json",
        b'{"a": {"dtype": "F32", "shape": [9], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "X9", "shape": [1], "data_offsets": [0, 4]}}',
        b'{"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}',
    ],
)
def test_safetensors_with_a_wrong_header(tmp_path, header):
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\0\0\0\0")
    assert "not a safetensors file, or damaged" in refusal(path)


def test_a_zip_archive_without_a_checkpoint(tmp_path):
    path = tmp_path / "photos.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "a")
    assert "not a torch checkpoint" in refusal(path)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.binary(max_size=300), suffix=st.sampled_from([".pth", ".safetensors"]))
def test_any_bytes_are_refused_in_one_line(tmp_path, content, suffix):
    path = tmp_path / f"random{suffix}"
    path.write_bytes(content)
    refusal(path)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(position=st.integers(0, 2000), byte=st.integers(0, 255), zipped=st.booleans())
def test_a_changed_byte_is_refused_or_read(tmp_path, position, byte, zipped):
    """Flips in small files: most hit the pickle. Whatever happens, it is one clear line."""
    path = tmp_path / "flipped.pth"
    content = {"model": {"query_embed.weight": torch.ones(2, 8)}, "args": ARGUMENTS}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    data = bytearray(path.read_bytes())
    data[position % len(data)] = byte
    path.write_bytes(data)
    refusal(path)  # also unharmed this file misses most weights


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (torch.ones(3), "holds no weights by name"),
        ([torch.ones(3)], "holds no weights by name"),
        ({}, "holds no weights by name"),
        ({"model": {}}, "holds no weights by name"),
        ({"state_dict": {"a": torch.ones(1)}}, "'state_dict' is a dict, not a tensor"),
        ({"model": {3: torch.ones(1)}}, "3 is a Tensor, not a tensor"),
        ({"epoch": 3}, "'epoch' is a int"),
        ({"conv1.weight": torch.ones(1)}, "weights of an unknown model (conv1.weight)"),
    ],
)
def test_torch_files_of_something_else(tmp_path, content, said):
    torch.save(content, tmp_path / "c.pth")
    assert said in refusal(tmp_path / "c.pth")


def test_paths_to_nothing(model, tmp_path):
    assert "there is no such checkpoint" in refusal(tmp_path / "none.pth")
    assert "there is no such checkpoint" in refusal(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "empty: not a run folder, for it has no config.json" in refusal(tmp_path / "empty")
    save_checkpoint(tmp_path / "run", model)
    (tmp_path / "run" / "model.safetensors").unlink()
    assert "run: has no model.safetensors" in refusal(tmp_path / "run")


def test_our_weights_without_their_config(model, tmp_path):
    save_weights(tmp_path / "lost.safetensors", model)
    assert "need the config.json of their run" in refusal(tmp_path / "lost.safetensors")
    assert "need the config.json of their run" in refusal(dict(model.state_dict()))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("{", "config.json: damaged, for it is not JSON"),
        ("\xff\xfe", "config.json: damaged, for it is not JSON"),
        ("[" * 100_000, "config.json: damaged, for it is not JSON"),
        ("[]", "says nothing of a model"),
        ('{"format": 1}', "says nothing of a model"),
        ('{"format": 2, "model": {}}', "has format 2, this version reads 1; update"),
        ({"kind": "swin"}, "model kind 'swin' is unknown"),
        ({"kind": ["intr"]}, "model kind ['intr'] is unknown"),
        ({"future": 1}, "unknown model settings: future"),
        ({"num_classes": None}, "num_classes cannot be None"),
        ({"num_classes": "5"}, "num_classes cannot be '5'"),
        ({"num_classes": True}, "num_classes cannot be True"),
        ({"num_classes": 0}, "num_classes must be at least 1"),
        ({"width": 16.0}, "width cannot be 16.0"),
        ({"dropout": "a"}, "dropout cannot be 'a'"),
        ({"backbone": 5}, "backbone cannot be 5"),
        ({"backbone": "resnt18"}, "'resnt18' is not a timm model"),
        ({"backbone_stride": 5}, "has no stride 5"),
        ({"kind": "plain"}, "unknown model settings"),
    ],
)
def test_configs_that_are_damaged(model, tmp_path, change, said):
    save_checkpoint(tmp_path, model)
    path = tmp_path / "config.json"
    if isinstance(change, str):
        path.write_bytes(change.encode("latin-1"))
    else:
        config = json.loads(path.read_text())
        config["model"].update(change)
        path.write_text(json.dumps(config))
    with pytest.raises(UserError) as caught:
        load_checkpoint(tmp_path)
    assert said in str(caught.value)
    assert "config.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_config_without_the_number_of_classes(model, tmp_path):
    save_checkpoint(tmp_path, model)
    config = read_config(tmp_path)
    del config["model"]["num_classes"]
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match=r"config\.json: the model has no num_classes"):
        load_checkpoint(tmp_path)


def test_a_config_older_than_a_setting_takes_its_default(model, tmp_path):
    save_checkpoint(tmp_path, model)
    config = read_config(tmp_path)
    del config["model"]["freeze_batch_norm"]
    config["model"]["dropout"] = 0
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert load_checkpoint(tmp_path).config.freeze_batch_norm is True
