"""Less memory, 16 bits, compiled: what is learnt stays the same, and what cannot be is said."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import torch._inductor.config
import torch._inductor.utils
from safetensors.torch import load_file
from torch import nn

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.model.intr import INTR, INTRConfig
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.training.acceleration import accelerator_of, checkpoint_activations
from intr_discover.training.config import TrainingConfig
from intr_discover.training.loop import train
from tests.training.conftest import draw_collection

pytestmark = pytest.mark.timeout(400)

TINY = TrainingConfig(
    width=32, heads=4, feed_forward=32, image_size=32, epochs=1, batch_size=8, warmup_epochs=0.5,
    learning_rate=1e-3, validation_share=0.2,
)  # fmt: skip
VIT = "vit_tiny_patch16_224"
HAS_CUDA = torch.cuda.is_available()
no_cuda = pytest.mark.skipif(not HAS_CUDA, reason="needs a CUDA device")


def quiet(line):
    pass


def small_model(backbone, **more):
    torch.manual_seed(0)
    return INTR(
        INTRConfig(
            3, backbone=backbone, width=16, heads=2, encoder_layers=1, decoder_layers=2,
            feed_forward=32, dropout=0.3, attention_dropout=0.0, head_dropout=0.2, **more,
        )
    ).train()  # fmt: skip


def gradients(model, images):
    torch.manual_seed(1)  # the same dropout
    model.zero_grad()
    output = model(images)
    nn.functional.cross_entropy(output.logits, torch.tensor([0, 2])).backward()
    return output.logits.detach(), {
        name: parameter.grad.clone()
        for name, parameter in model.named_parameters()
        if parameter.grad is not None
    }


@pytest.mark.parametrize(
    ("backbone", "more"),
    [
        (VIT, {}),
        ("resnet18", {"backbone_stride": 16, "freeze_batch_norm": True}),
        ("convnext_atto", {"backbone_stride": 16}),
        ("swin_tiny_patch4_window7_224", {"backbone_stride": 8}),
    ],
)
def test_the_gradient_is_the_same(backbone, more):
    """Also with dropout, which draws the same numbers when activations are computed again."""
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    model = small_model(backbone, **more)
    logits, plain = gradients(model, images)
    checkpoint_activations(model)
    logits_again, again = gradients(model, images)
    assert torch.equal(logits, logits_again)
    assert plain.keys() == again.keys()
    for name, gradient in plain.items():
        torch.testing.assert_close(again[name], gradient, rtol=1e-5, atol=1e-7, msg=name)


def kept_bytes(model, images):
    """Return the bytes of the activations that wait for the gradient."""
    weights = {parameter.data_ptr() for parameter in model.parameters()}
    kept = {}

    def note(tensor):
        if tensor.data_ptr() not in weights:
            kept[tensor.data_ptr(), tensor.shape] = tensor.nbytes
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        model(images).logits.sum()
    return sum(kept.values())


def test_a_vision_transformer_keeps_far_less():
    images = torch.randn(2, 3, 224, 224)
    model = small_model(VIT)
    before = kept_bytes(model, images)
    checkpoint_activations(model)
    # 12 blocks keep about 17 arrays of the tokens' size each; checkpointed they keep one.
    assert kept_bytes(model, images) < before / 5


def test_nothing_is_computed_again_when_it_is_not_training():
    model = small_model(VIT)
    checkpoint_activations(model)
    assert model.checkpointing
    model.eval()
    with torch.inference_mode():
        assert torch.isfinite(model(torch.randn(1, 3, 64, 64), attend="all").attention).all()


def test_a_plain_classifier():
    torch.manual_seed(0)
    model = PlainClassifier(PlainConfig(3, backbone=VIT)).train()
    images = torch.randn(2, 3, 64, 64)
    _, plain = gradients(model, images)
    checkpoint_activations(model)
    _, again = gradients(model, images)
    for name, gradient in plain.items():
        torch.testing.assert_close(again[name], gradient, rtol=1e-5, atol=1e-7, msg=name)


def test_batch_norm_that_learns_is_refused():
    with pytest.raises(UserError, match="freeze_batch_norm=true") as caught:
        checkpoint_activations(small_model("resnet18", freeze_batch_norm=False))
    assert "resnet18" in str(caught.value) and "\n" not in str(caught.value)


def test_a_backbone_that_cannot_is_named():
    model = PlainClassifier(PlainConfig(3, backbone="vgg11"))
    with pytest.raises(UserError, match="timm has none for backbone 'vgg11'"):
        checkpoint_activations(model)


def test_a_training_with_checkpointing_ends_with_the_same_weights(collection, tmp_path):
    # Without fused optimiser steps between equal gradients, weights differ by rounding alone.
    config = replace(TINY, backbone="resnet18", freeze_batch_norm=True, precision="fp64")
    plain = train(collection, config, tmp_path / "plain", say=quiet)
    again = train(
        collection, replace(config, activation_checkpointing=True), tmp_path / "again", say=quiet
    )
    ours, theirs = load_file(plain / "last.safetensors"), load_file(again / "last.safetensors")
    assert ours.keys() == theirs.keys()
    for name, weight in ours.items():
        torch.testing.assert_close(theirs[name], weight, rtol=0, atol=1e-9, msg=name)


def falls(run):
    losses = pd.read_csv(run / "metrics.csv")["train_loss"]
    return losses.iloc[-1] < 0.8 * losses.iloc[0]


def test_bf16_learns_and_keeps_its_weights_in_fp32(tmp_path):
    specimens = Specimens.read(draw_collection(tmp_path / "drawn", {"train": 16, "val": 4}))
    config = replace(TINY, epochs=5)
    runs = {
        precision: train(
            specimens, replace(config, precision=precision), tmp_path / precision,
            device="cpu", say=quiet,
        )
        for precision in ("bf16", "fp32")
    }  # fmt: skip
    assert falls(runs["bf16"])
    weights = {name: load_file(run / "last.safetensors") for name, run in runs.items()}
    floats = [weight for weight in weights["bf16"].values() if weight.is_floating_point()]
    assert {weight.dtype for weight in floats} == {torch.float32}
    # It did run in 16 bits, and its weights are no rounded ones.
    query = weights["bf16"]["class_queries.weight"]
    assert not torch.equal(query, weights["fp32"]["class_queries.weight"])
    assert not torch.equal(query, query.bfloat16().float())


def test_fp16_on_a_cpu_is_refused():
    with pytest.raises(UserError, match="fp16 needs an accelerator; on a CPU take bf16"):
        accelerator_of(replace(TINY, precision="fp16"), "cpu")


@no_cuda
@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp32"])
def test_cuda_learns(tmp_path, precision):
    specimens = Specimens.read(draw_collection(tmp_path / "drawn", {"train": 16, "val": 4}))
    config = replace(TINY, epochs=5, precision=precision, accumulate=2)
    run = train(specimens, config, tmp_path / "run", device="cuda", say=quiet)
    assert falls(run)
    weights = load_file(run / "last.safetensors").values()
    assert {w.dtype for w in weights if w.is_floating_point()} == {torch.float32}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_training(collection, tmp_path):
    """The same names of weights, and but for rounding the same weights."""
    config = replace(
        TINY, backbone=VIT, backbone_stride=None, backbone_level=0, encoder_layers=0,
        decoder_layers=1, dropout=0.0, augmentation="none",
    )  # fmt: skip
    lines = []
    compiled = train(
        collection, replace(config, compile=True), tmp_path / "compiled", device="cpu",
        say=lines.append,
    )  # fmt: skip
    assert any(line.startswith("compiling the model") for line in lines)
    plain = train(collection, config, tmp_path / "plain", device="cpu", say=quiet)
    ours, theirs = load_file(compiled / "last.safetensors"), load_file(plain / "last.safetensors")
    assert ours.keys() == theirs.keys()
    losses = [pd.read_csv(run / "metrics.csv")["train_loss"][0] for run in (compiled, plain)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


@pytest.mark.slow
def test_without_a_compiler_training_goes_on_and_says_so(collection, tmp_path):
    """The real thing: a machine on which no C++ compiler is found, and nothing compiled before."""
    lines = []
    torch._dynamo.reset()
    with (
        torch._inductor.config.patch({"cpp.cxx": ("no-such-compiler",)}),
        torch._inductor.utils.fresh_cache(),
    ):
        run = train(
            collection, replace(TINY, compile=True, batch_size=21), tmp_path / "run",
            device="cpu", say=lines.append,
        )  # fmt: skip
    (said,) = [line for line in lines if "torch.compile" in line]
    assert said.startswith("torch.compile does not work here (")
    assert said.endswith("training goes on without it") and "\n" not in said
    assert np.isfinite(pd.read_csv(run / "metrics.csv")["train_loss"]).all()
