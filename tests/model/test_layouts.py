"""Names, shapes and queries of official INTR and DETR checkpoints."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from intr_discover.errors import UserError
from intr_discover.model import INTR, INTRConfig, export_official, fingerprint, load_checkpoint
from intr_discover.model.layouts import fit_queries, infer_config, recognise, to_official


@pytest.mark.parametrize(
    ("ours", "official"),
    [
        ("backbone.network.conv1.weight", "backbone.0.body.conv1.weight"),
        (
            "backbone.network.layer1.0.downsample.1.running_var",
            "backbone.0.body.layer1.0.downsample.1.running_var",
        ),
        ("projection.bias", "input_proj.bias"),
        (
            "encoder.5.self_attention.out_proj.weight",
            "transformer.encoder.layers.5.self_attn.out_proj.weight",
        ),
        ("encoder.0.feed_forward.linear2.bias", "transformer.encoder.layers.0.linear2.bias"),
        (
            "decoder.layers.3.cross_attention.in_proj_bias",
            "transformer.decoder.layers.3.multihead_attn.in_proj_bias",
        ),
        (
            "decoder.layers.10.self_attention.in_proj_weight",
            "transformer.decoder.layers.10.self_attn.in_proj_weight",
        ),
        ("decoder.layers.0.norm3.weight", "transformer.decoder.layers.0.norm3.weight"),
        ("decoder.norm.bias", "transformer.decoder.norm.bias"),
        ("class_queries.weight", "query_embed.weight"),
        ("presence.weight", "presence_vector.weight"),
    ],
)
def test_official_names(ours, official):
    assert to_official(ours) == official


def test_a_name_that_no_intr_has():
    with pytest.raises(ValueError, match=r"'network\.conv1\.weight'"):
        to_official("network.conv1.weight")


@settings(max_examples=5, deadline=None)
@given(
    num_classes=st.integers(1, 7),
    kind=st.sampled_from(["intr", "intr-fc"]),
    backbone=st.sampled_from([("resnet18", 8), ("resnet34", 16), ("resnet18", 32)]),
    width=st.sampled_from([8, 16]),
    heads=st.sampled_from([1, 2, 4]),
    encoder_layers=st.integers(0, 2),
    decoder_layers=st.integers(1, 3),
    feed_forward=st.integers(1, 20),
)
def test_export_and_import_give_the_same_model(backbone, **shape):
    # An INTR-FC of one class cannot be told from an INTR, and is the same.
    if shape["num_classes"] == 1:
        shape["kind"] = "intr"
    model = INTR(INTRConfig(backbone=backbone[0], backbone_stride=backbone[1], **shape))
    exported = export_official(model)
    assert len(exported) == len(model.state_dict())
    again = load_checkpoint({"model": exported, "args": {"nheads": shape["heads"]}})
    assert fingerprint(again) == fingerprint(model)
    for name in (*shape, "backbone"):
        assert getattr(again.config, name) == getattr(model.config, name), name
    assert again.stride == model.stride


@pytest.mark.parametrize("backbone", ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"])
def test_every_resnet_is_recognised(backbone):
    shape = {"width": 8, "heads": 2, "encoder_layers": 0, "decoder_layers": 1, "feed_forward": 4}
    with torch.device("meta"):
        model = INTR(INTRConfig(num_classes=3, backbone=backbone, **shape))
    found = infer_config(export_official(model), {"nheads": 2, "dropout": 0.25}, "file")
    assert (found.backbone, found.backbone_stride) == (backbone, None)
    assert found.dropout == found.attention_dropout == 0.25


def test_only_resnets_have_a_place_in_the_official_layout(tiny):
    model = tiny(backbone="deit_tiny_patch16_224", backbone_stride=None)
    with pytest.raises(UserError, match="'deit_tiny_patch16_224' has no place"):
        export_official(model)


def test_batch_counts_are_not_exported(tiny):
    names = export_official(tiny(freeze_batch_norm=False))
    assert "backbone.0.body.bn1.running_var" in names
    assert not [name for name in names if "num_batches_tracked" in name]


@pytest.mark.parametrize(
    ("names", "layout"),
    [
        (["query_embed.weight", "class_embed.bias"], "detr"),
        (["query_embed.weight", "presence_vector.weight"], "official"),
        (["backbone.0.body.conv1.weight"], "official"),
        (["class_queries.weight"], "native"),
        (["network.conv1.weight", "network.fc.bias"], "native"),
    ],
)
def test_layouts_are_recognised(names, layout):
    assert recognise(names, "file") == layout


def test_an_unknown_layout_names_what_it_holds():
    with pytest.raises(UserError, match=r"^some\.pth: weights of an unknown model \(a, b, c and 1"):
        recognise(["d", "c", "b", "a"], "some.pth")


# --- class queries out of object queries ----------------------------------------------------


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_fewer_classes_take_the_first_queries():
    queries = torch.arange(12.0).reshape(6, 2)
    assert torch.equal(fit_queries(queries, 4, generator()), queries[:4])
    assert torch.equal(fit_queries(queries, 6, generator()), queries)


@settings(max_examples=30, deadline=None)
@given(known=st.integers(1, 6), count=st.integers(1, 25), seed=st.integers(0, 99))
def test_more_classes_take_copies_with_noise_on_the_copies_alone(known, count, seed):
    queries = torch.randn(known, 3, generator=generator(seed))
    before = queries.clone()
    fitted = fit_queries(queries, count, generator(1))
    assert fitted.shape == (count, 3)
    assert torch.equal(queries, before)
    assert torch.equal(fitted[:known], queries[:count])
    for index in range(known, count):
        noise = fitted[index] - queries[index % known]
        assert 0 < noise.abs().max() < 0.6  # six standard deviations
    assert torch.equal(fitted, fit_queries(queries, count, generator(1)))


def test_the_noise_has_a_standard_deviation_of_a_tenth():
    fitted = fit_queries(torch.zeros(100, 256), 1000, generator())
    assert fitted[100:].std().item() == pytest.approx(0.1, rel=0.01)
    assert fitted[100:].mean().item() == pytest.approx(0, abs=0.001)
    assert fitted[:100].abs().max() == 0
