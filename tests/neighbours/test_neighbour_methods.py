"""Every method keeps one contract: units with names, strengths and a place on the photograph."""

import numpy as np
import pytest
import timm
import torch
from torch import nn

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.explain.method import Units
from intr_discover.explain.model_methods import (
    ClassActivation,
    GradCam,
    IntrHeads,
    RandomMap,
    Rise,
)
from intr_discover.explain.posthoc.cam import class_activation
from intr_discover.explain.posthoc.class_token import class_token
from intr_discover.explain.posthoc.gradcam import gradcam
from intr_discover.explain.posthoc.rise import RiseSettings
from intr_discover.model.backbone_weights import create_network
from intr_discover.model.checkpoint import save_weights
from intr_discover.model.plain import PlainClassifier, PlainConfig
from intr_discover.neighbours.dino import (
    RANDOM,
    DinoHeads,
    fit_dino,
    fit_probe,
    load_dino,
    needs_weights,
)
from intr_discover.neighbours.registry import choose_methods, find_methods
from tests.explain.conftest import tiny_model
from tests.neighbours.drawn_splits import read_drawn, tiny_settings

CLASSES = ["a", "b", "c", "d"]
READ = Preprocessing(32, "shorter", 64)
VIT = "vit_tiny_patch16_224"


@pytest.fixture(scope="module")
def plain():
    torch.manual_seed(0)
    model = PlainClassifier(PlainConfig(4, backbone="resnet18")).eval()
    return Explainer(model, CLASSES, READ, source="plain", device="cpu")


@pytest.fixture(scope="module")
def photograph():
    return np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def methods(plain):
    torch.manual_seed(0)
    intr = Explainer(tiny_model(), CLASSES, READ, source="intr", device="cpu")
    options = {"num_classes": 0, "dynamic_img_size": True, "dynamic_img_pad": True}
    network = timm.create_model(VIT, depth=2, **options).eval()
    return {
        "intr": (IntrHeads("intr", intr), 2),
        "cam": (ClassActivation("cam", plain), 1),
        "gradcam": (GradCam("gradcam", plain), 1),
        "rise": (Rise("rise", plain, RiseSettings(masks=8)), 1),
        "random": (RandomMap("random", plain), 1),
        "dino": (DinoHeads("dino", network, nn.Linear(192, 4), CLASSES, READ, "cpu"), 3),
    }


@pytest.mark.parametrize("name", ["intr", "cam", "gradcam", "rise", "random", "dino"])
def test_units_lie_on_the_photograph_and_are_the_same_twice(methods, photograph, name):
    method, count = methods[name]
    units, again = (method.units(photograph, "b") for _ in range(2))
    assert len(units) == count == len(units.names)
    assert units.photograph_shape == (40, 56) and units.resized_shape == (32, 45)
    rows, columns = (-(-side // units.stride) for side in (32, 45))
    assert units.maps.shape == (count, rows, columns)
    assert np.isfinite(units.maps).all() and (units.maps >= 0).all()
    assert units.placed(units.maps[0]).shape == (40, 56)
    np.testing.assert_array_equal(units.maps, again.maps)
    np.testing.assert_array_equal(units.strengths, again.strengths)
    with pytest.raises(UserError, match="class 'x'"):
        method.units(photograph, "x")


@pytest.mark.parametrize("name", ["intr", "cam", "dino"])
def test_answers_do_not_depend_on_the_batch(methods, photograph, name):
    method, _ = methods[name]
    images = [photograph, photograph[:, ::-1].copy(), photograph[::-1].copy()]
    one, all_ = (method.logits(images, batch_size=size) for size in (1, 3))
    assert one.shape == (3, 4)
    np.testing.assert_allclose(one, all_, atol=1e-4)
    said = method.predict(images)
    assert said["label"].tolist() == [CLASSES[place] for place in one.argmax(axis=1)]
    assert method.parameters > 0 and len(method.fingerprint) == 64


def test_overall_weighs_units_by_what_speaks_for_the_class():
    maps = np.array([[[1, 0]], [[0, 1]], [[9, 9]]], dtype=np.float32)
    units = Units(maps, np.array([3.0, 1.0, -5.0]), ("u", "v", "w"), 8, (8, 16), (8, 16))
    np.testing.assert_allclose(units.overall(), [[0.75, 0.25]])
    assert units.ranked() == [0, 1, 2]
    against = Units(maps, np.array([-1.0, -1.0, 0.0]), ("u", "v", "w"), 8, (8, 16), (8, 16))
    np.testing.assert_allclose(against.overall(), [[10 / 3, 10 / 3]])


def test_a_map_goes_to_the_pixels_of_the_original():
    """A photograph of 4 x 8 pixels, read at 8 x 16, in cells of 8: each cell is 4 pixels."""
    units = Units(np.array([[[1, 5]]], np.float32), np.ones(1), ("u",), 8, (8, 16), (4, 8))
    placed = units.placed(units.maps[0])
    # Cell centres lie at x = 1.5 and 5.5; pixel 2 lies an eighth of the way, pixel 3 three eighths.
    np.testing.assert_allclose(placed[0], [1, 1, 1.5, 2.5, 3.5, 4.5, 5, 5])
    assert units.cell == (4.0, 4.0)


def test_cam_adds_up_to_the_logit_and_grad_cam_is_its_positive_part(plain):
    """The mean of a CAM is the logit less the bias; Grad-CAM clips and scales it (two papers)."""
    images = torch.randn(1, 3, 96, 128, generator=torch.Generator().manual_seed(0))
    maps = {label: class_activation(plain.model, images, [label]).maps[0] for label in range(4)}
    with torch.inference_mode():
        logits = plain.model(images).logits[0].numpy()
    bias = plain.model.network.fc.bias.detach().numpy()
    for label, cam in maps.items():
        assert cam.shape == (3, 4)
        assert cam.mean() + bias[label] == pytest.approx(logits[label], abs=1e-5)
    label = max(maps, key=lambda place: np.ptp(np.maximum(maps[place], 0)))
    positive = np.maximum(maps[label], 0)
    assert np.ptp(positive) > 0
    scaled = (positive - positive.min()) / np.ptp(positive)
    np.testing.assert_allclose(gradcam(plain.model, images, [label]).maps[0], scaled, atol=1e-4)


def test_cam_is_refused_where_there_is_no_average_before_the_last_layer():
    model = PlainClassifier(PlainConfig(4, backbone=VIT)).eval()
    with pytest.raises(UserError, match="CAM needs a classifier that averages"):
        class_activation(model, torch.zeros(1, 3, 32, 32), [0])


@pytest.mark.parametrize(("prefix", "options"), [(1, {}), (3, {"reg_tokens": 2})])
def test_attention_of_the_class_token_is_what_the_block_computes(prefix, options):
    torch.manual_seed(0)
    network = timm.create_model(VIT, depth=2, num_classes=0, img_size=32, **options).eval()
    block = network.blocks[-1].attn
    with torch.no_grad():
        block.qkv.weight.normal_(std=0.2)
    images = torch.randn(1, 3, 32, 32)
    found = class_token(network, images)
    block.fused_attn = False  # then it keeps the weights, which dropout sees
    seen = []
    block.attn_drop.register_forward_hook(lambda _, given, __: seen.append(given[0]))
    with torch.inference_mode():
        network(images)
    expected = seen[0][0, :, 0, prefix:].reshape(3, 2, 2)
    torch.testing.assert_close(found.maps[0], expected)
    assert (found.maps.sum(dim=(-1, -2)) < 1).all() and found.stride == 16


def test_a_linear_probe_of_two_classes_has_a_logit_each():
    features = np.array([[-2.0, 1], [-1, 1], [1, 1], [2, 1]], dtype=np.float32)
    layer = fit_probe(features, np.array([0, 0, 1, 1]), 2)
    with torch.no_grad():
        logits = layer(torch.from_numpy(features)).numpy()
    assert logits.argmax(axis=1).tolist() == [0, 0, 1, 1]
    np.testing.assert_allclose(logits[:, 0], -logits[:, 1], atol=1e-6)


def test_dino_comes_back_from_its_folder_with_weights_from_a_file(tmp_path, photograph):
    specimens = read_drawn(tmp_path / "data")
    given = tmp_path / "vit.safetensors"
    torch.manual_seed(1)
    save_weights(given, create_network(VIT))
    fit, read = fit_dino("dino", VIT), load_dino("dino")
    settings = tiny_settings(options={"weights": {"dino": str(given)}})
    fit(specimens, settings, tmp_path / "run", None, lambda line: None)
    method = read(tmp_path / "run", settings)
    own = method._model["network"].blocks[0].attn.qkv.weight
    torch.manual_seed(1)
    torch.testing.assert_close(own, create_network(VIT).blocks[0].attn.qkv.weight)
    assert method.logits([photograph]).shape == (1, 4)
    assert (tmp_path / "run" / "metrics.csv").is_file()
    random = tiny_settings(options={"weights": {"dino": RANDOM}})
    assert needs_weights("dino")(random) is None
    assert "--weights dino=FILE" in needs_weights("dino")(tiny_settings())


def test_methods_are_found_by_name_in_their_order():
    known = list(find_methods())
    assert known[:5] == ["intr", "intr_fc", "cam", "gradcam", "rise"] and known[-1] == "random"
    assert [kind.name for kind in choose_methods(["random", "cam"])] == ["cam", "random"]
    with pytest.raises(UserError, match="no method 'camera'; there are: intr, intr_fc, cam"):
        choose_methods(["camera"])
