"""The faster ways to the same answers: folded norms, remembered passes, equal queries as one."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from timm.models.resnet import BasicBlock, Bottleneck

from intr_discover.errors import UserError
from intr_discover.model import PlainClassifier, PlainConfig, fingerprint
from intr_discover.model.backbone import Backbone
from intr_discover.model.decoder_memory import DecoderMemory
from intr_discover.model.folding import conv_norm_pairs, fold
from intr_discover.model.fusing import FusedBlock, fuse
from intr_discover.model.inference import choose_precision, for_inference
from tests.model.conftest import scramble

CLOSE = {"atol": 1e-5, "rtol": 1e-4}


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("name", ["resnet18", "convnext_atto", "vit_tiny_patch16_224",
                                  "efficientnet_b0"])  # fmt: skip
def test_a_folded_network_gives_the_same_features(name, frozen):
    backbone = Backbone(name, freeze_batch_norm=frozen).eval()
    scramble(backbone.network, seed=1)
    images = random(2, 3, 96, 64)
    with torch.no_grad():
        plain, _ = backbone(images, None)
        fast, _ = for_inference(backbone)(images, None)
    assert (fast - plain).abs().max() <= 1e-4 * plain.abs().max()
    if name.startswith(("resnet", "efficientnet")):
        norms = [m for m in backbone.fast.of(backbone.network).modules() if "Norm" in str(type(m))]
        assert not norms


def test_every_norm_of_a_resnet_50_has_its_convolution():
    network = Backbone("resnet50").eval().network
    assert len(conv_norm_pairs(network, random(1, 3, 64, 64))) == 53


def test_a_convolution_whose_output_is_needed_elsewhere_is_left():
    class Twice(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.norm = torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raw = self.conv(images)
            return self.norm(raw) + raw

    network = scramble(Twice(), seed=2).eval()
    assert conv_norm_pairs(network, random(1, 3, 16, 16)) == []


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "resnet26d", "seresnet50"])
def test_additions_and_relu_are_part_of_the_convolutions(name):
    image = random(2, 3, 64, 96, seed=3)
    network = scramble(timm.create_model(name), seed=1).eval()
    with torch.no_grad():
        expected = network(image)
        made = fold(network, conv_norm_pairs(network, image[:1]))
        done = fuse(made, image[:1])
        assert (made(image) - expected).abs().max() <= 1e-4 * expected.abs().max()
    assert done == (name != "seresnet50")
    if done:
        blocks = [m for m in network.modules() if type(m) in (BasicBlock, Bottleneck)]
        assert len([m for m in made.modules() if isinstance(m, FusedBlock)]) == len(blocks)
        # resnet26d begins with three convolutions, whose ReLU stay.
        stays = 3 if name == "resnet26d" else 0
        assert sum(type(m) is torch.nn.ReLU for m in made.modules()) == stays


def test_what_cannot_be_fused_stays_whole(monkeypatch):
    """Norms that are not folded, and a PyTorch whose operators answer otherwise or are gone."""
    image = random(1, 3, 64, 64)
    network = scramble(timm.create_model("resnet18"), seed=1).eval()
    assert not fuse(network, image)
    made = fold(network, conv_norm_pairs(network, image))
    with torch.no_grad():
        expected, names = made(image), [name for name, _ in made.named_modules()]
        for fault in (AttributeError("gone"), None):

            def forward(self, x, fault=fault):
                if fault is not None:
                    raise fault
                return self.shortcut(x) if self.shortcut is not None else x

            monkeypatch.setattr(FusedBlock, "forward", forward)
            assert not fuse(made, image)
            assert [name for name, _ in made.named_modules()] == names
            torch.testing.assert_close(made(image), expected, atol=0, rtol=0)


def test_weights_gradients_and_copies_know_nothing_of_it(tiny):
    model, images = tiny(), random(1, 3, 48, 40)
    names, digest = list(model.state_dict()), fingerprint(model)
    with torch.no_grad():
        before = for_inference(model)(images).logits
    assert list(model.state_dict()) == names
    assert fingerprint(model) == digest
    model(images).logits.sum().backward()
    assert model.backbone.network.conv1.weight.grad.abs().sum() > 0
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.backbone.network.conv1.weight.mul_(2)  # seen by the copy's own folded network
        assert not torch.allclose(other(images).logits, before)
        torch.testing.assert_close(model(images).logits, before)
        slow = copy.deepcopy(other)
        slow.backbone.fast = None
        torch.testing.assert_close(other(images).logits, slow(images).logits, **CLOSE)


def test_sixteen_bits_are_close_and_logits_are_full(tiny):
    model, images = tiny(decoder_layers=3), random(3, 3, 64, 64)
    plain = PlainClassifier(PlainConfig(5, backbone="resnet18")).eval()
    with torch.no_grad():
        exact, exact_plain = model(images, attend="all"), plain(images).logits
        rough = for_inference(model, "bf16")(images, attend="all")
        rough_plain = for_inference(plain, "bf16")(images).logits
    for tensor in (rough.logits, rough.attention, rough.peaks, rough.encoded.cells, rough_plain):
        assert tensor.dtype == torch.float32
    assert 0 < (rough.logits - exact.logits).abs().max() < 0.1
    assert 0 < (rough_plain - exact_plain).abs().max() < 0.05 * exact_plain.abs().max()
    both = torch.stack([rough.attention.flatten(), exact.attention.flatten()])
    assert torch.corrcoef(both)[0, 1] > 0.99


def test_which_precision():
    cpu = torch.device("cpu")
    assert choose_precision("fp32", cpu) == "fp32"
    assert choose_precision("bf16", cpu) == "bf16"
    assert choose_precision("auto", torch.device("meta")) == "fp32"
    with pytest.raises(UserError, match="precision 'half' is unknown"):
        choose_precision("half", cpu)


QUESTIONS = [
    {},
    {"attend": [3, 1]},
    {"attend": "all", "layer": 0, "knockout": [(-1, 2)]},
    {"attend": "all", "knockout": [(1, 0), (0, 3)]},
    {"attend": "all", "knockout": [(0, 1, 2), (2, 0, 4)]},
    {"attend": "all", "knockout": [(2, 0, 4), (2, 1, 0), (2, 3, 4)]},
    {"attend": "all", "knockout": [(2, 0, torch.tensor([4, 0, 1]))]},
    {"attend": "all", "context": [4, 1]},
    {"attend": "all", "context": [4, 1], "knockout": [(1, 2)]},
    {"attend": "all", "context": [4, 1], "knockout": [(1, 2, 4)]},
    {"attend": "all", "context": [4, 1], "context_mode": "subset", "knockout": [(2, 2, 1)]},
    {"attend": "all", "context": [0, 2, 4, 1]},
]


@pytest.mark.parametrize("kind", ["intr", "intr-fc"])
def test_short_ways_answer_as_the_long_one_does(tiny, images, kind):
    """The long way is that of gradients: every query, every layer, every question anew."""
    model = tiny(decoder_layers=3, kind=kind)
    with torch.no_grad():
        encoded = model.encode(images)
        encoded.memory = DecoderMemory()
    bare = copy.copy(encoded)
    bare.memory = None
    for question in [*QUESTIONS, *reversed(QUESTIONS)]:
        with torch.enable_grad():
            long = model.decode(bare, **question)
        with torch.no_grad():
            for short in (model.decode(bare, **question), model.decode(encoded, **question)):
                names = ["logits", "decoder_output"]
                names += ["attention", "peaks", "map_maxima"] if "attend" in question else []
                for name in names:
                    torch.testing.assert_close(getattr(short, name), getattr(long, name), **CLOSE)
    assert 0 < encoded.memory.bytes < 2**20


def test_a_memory_without_room_forgets_and_still_answers(tiny, images, monkeypatch):
    monkeypatch.setattr("intr_discover.model.decoder_memory.MOST_BYTES", 0)
    model = tiny()
    with torch.no_grad():
        encoded = model.encode(images)
        expected = model.decode(encoded, knockout=[(1, 0)]).logits
        encoded.memory = DecoderMemory()
        assert torch.equal(model.decode(encoded, knockout=[(1, 0)]).logits, expected)
    assert not encoded.memory.traces
