"""A tiny INTR with random weights behind an Explainer."""

import pytest
import torch

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.explain.explainer import Explainer
from intr_discover.model.intr import INTR, INTRConfig

CLASSES = ["aglaope", "emma", "etylus", "favorinus"]


def tiny_model(**changes):
    torch.manual_seed(0)
    config = {
        "num_classes": 4, "backbone": "resnet18", "backbone_stride": 8, "width": 16, "heads": 2,
        "encoder_layers": 1, "decoder_layers": 2, "feed_forward": 16,
    }  # fmt: skip
    return INTR(INTRConfig(**{**config, **changes})).eval()


@pytest.fixture
def explainer():
    return Explainer(
        tiny_model(), CLASSES, Preprocessing(32, "shorter", 64), source="tiny", device="cpu"
    )
