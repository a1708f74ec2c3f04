"""Grad-CAM worked out by hand on two channels, and by its formula on real little models."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from intr_discover.errors import UserError
from intr_discover.explain.posthoc.gradcam import gradcam
from intr_discover.model.plain import PlainClassifier, PlainConfig
from tests.explain.conftest import tiny_model


class RedAndGreen(nn.Module):
    """A network of two channels, red and green, and two linear logits of their means."""

    feature_info = ({"module": "channels", "reduction": 1},)

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(2, 2, bias=False)
        # logit 0 = mean red − mean green; logit 1 = 2 · mean green
        self.head.weight.data = torch.tensor([[1.0, -1.0], [0.0, 2.0]])

    def forward_features(self, images):
        return images[:, :2] * self.head.weight[0, 0]

    def forward_head(self, features):
        return self.head(features.mean(dim=(2, 3)))

    def forward(self, images):
        return self.forward_head(self.forward_features(images))


@pytest.fixture
def toy():
    model = PlainClassifier(PlainConfig(num_classes=2, backbone="resnet18"))
    model.network = RedAndGreen()
    return model.eval()


def picture(red, green):
    red, green = torch.tensor(red), torch.tensor(green)
    return torch.stack([red, green, torch.zeros_like(red)])[None]


RED = [[4.0, 2.0, 0.0], [1.0, 3.0, 0.0]]
GREEN = [[0.0, 1.0, 1.0], [1.0, 1.0, 2.0]]


def test_two_channels_by_hand(toy):
    # Weights of the channels for logit 0: 1/6 and −1/6. Red − green is 4 1 −1 / 0 2 −2; below 0
    # nothing is left, and the largest, 4, becomes 1.
    found = gradcam(toy, picture(RED, GREEN), [0])
    assert found.stride == 1
    np.testing.assert_allclose(found.maps[0], [[1, 0.25, 0], [0, 0.5, 0]], atol=1e-5)


def test_the_other_class_by_hand(toy):
    # Logit 1 rests on green alone: 0 1 1 / 1 1 2.
    found = gradcam(toy, picture(RED, GREEN), [1])
    np.testing.assert_allclose(found.maps[0], [[0, 0.5, 0.5], [0.5, 0.5, 1]], atol=1e-5)


def test_against_the_rival_by_hand(toy):
    # Logit 0 − logit 1: red − 3 · green is 4 −1 −3 / −2 0 −6.
    found = gradcam(toy, picture(RED, GREEN), [0], contrast=True)
    np.testing.assert_allclose(found.maps[0], [[1, 0, 0], [0, 0, 0]], atol=1e-5)


def test_nothing_above_0_is_an_empty_map(toy):
    found = gradcam(toy, picture(GREEN, [[9.0] * 3] * 2), [0])
    assert (found.maps == 0).all()


def test_several_pictures_at_once_are_as_one_by_one(toy):
    one, two = picture(RED, GREEN), picture(GREEN, RED)
    both = gradcam(toy, torch.cat([one, two]), [0, 1]).maps
    np.testing.assert_allclose(both[0], gradcam(toy, one, [0]).maps[0], atol=1e-6)
    np.testing.assert_allclose(both[1], gradcam(toy, two, [1]).maps[0], atol=1e-6)


def formula(features, logit):
    (gradient,) = torch.autograd.grad(logit, features)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    map_ = (weights * features).sum(dim=1)[0].clamp(min=0).detach().numpy()
    return (map_ - map_.min()) / np.ptp(map_)


def test_on_intr_by_its_formula():
    model = tiny_model()
    image = torch.randn(1, 3, 32, 45, generator=torch.Generator().manual_seed(1))
    seen = []
    handle = model.projection.register_forward_hook(lambda *parts: seen.append(parts[2]))
    logits = model(image).logits[0]
    handle.remove()
    found = gradcam(model, image, [2])
    assert found.stride == 8 and found.maps.shape == (1, 4, 6)
    np.testing.assert_allclose(found.maps[0], formula(seen[0], logits[2]), atol=1e-4)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_contrast_on_intr_by_its_formula():
    model = tiny_model()
    image = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    seen = []
    handle = model.projection.register_forward_hook(lambda *parts: seen.append(parts[2]))
    logits = model(image).logits[0]
    handle.remove()
    others = [number for number in range(4) if number != 2]
    rival = max(others, key=lambda number: float(logits[number].detach()))
    expected = formula(seen[0], logits[2] - logits[rival])
    np.testing.assert_allclose(
        gradcam(model, image, [2], contrast=True).maps[0], expected, atol=1e-4
    )


def test_on_a_plain_network_by_its_formula():
    torch.manual_seed(0)
    model = PlainClassifier(PlainConfig(num_classes=3, backbone="resnet18")).eval()
    image = torch.randn(1, 3, 64, 96)
    features = model.network.forward_features(image)
    logit = model.network.forward_head(features)[0, 1]
    found = gradcam(model, image, [1])
    assert found.stride == 32 and found.maps.shape == (1, 2, 3)
    np.testing.assert_allclose(found.maps[0], formula(features, logit), atol=1e-4)


@pytest.mark.parametrize(
    ("backbone", "size", "grid", "stride"),
    [
        ("deit_tiny_patch16_224", (48, 70), (3, 5), 16),
        ("swin_tiny_patch4_window7_224", (224, 224), (7, 7), 32),
    ],
)
def test_on_transformers(backbone, size, grid, stride):
    torch.manual_seed(0)
    model = PlainClassifier(PlainConfig(num_classes=3, backbone=backbone)).eval()
    found = gradcam(model, torch.randn(1, 3, *size), [1])
    assert found.maps.shape == (1, *grid) and found.stride == stride
    assert found.maps.max() == pytest.approx(1, abs=1e-3)


def test_works_inside_inference_mode(toy):
    with torch.inference_mode():
        images = picture(RED, GREEN)
    found = gradcam(toy, images.clone(), [0])
    assert found.maps[0, 0, 0] == pytest.approx(1, abs=1e-5)


def test_a_contrast_needs_two_classes():
    with pytest.raises(UserError, match="at least two classes"):
        gradcam(tiny_model(num_classes=1), torch.zeros(1, 3, 32, 32), [0], contrast=True)
