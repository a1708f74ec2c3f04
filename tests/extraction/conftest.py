"""A drawn collection of several sizes, a tiny INTR, and what was extracted of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from intr_discover.data.specimens import Specimens
from intr_discover.extraction.run import extract
from intr_discover.extraction.settings import ExtractionSettings
from intr_discover.model.checkpoint import save_checkpoint
from tests.studies.drawn import tiny_explainer

LABELS = ["ant", "bee", "cat"]
SIZES = [(40, 56), (40, 40), (56, 40)]


def draw(folder, count, start=0):
    """Write noisy pictures of three sizes with a table; return the folder."""
    (folder / "images").mkdir(parents=True)
    rows = []
    for number in range(count):
        generator = np.random.default_rng(start + number)
        pixels = generator.integers(0, 256, (*SIZES[number % 3], 3), dtype=np.uint8)
        name = f"images/{number:03d}.png"
        Image.fromarray(pixels).save(folder / name)
        split = "test" if number % 2 else "train"
        rows.append({"image": name, "label": LABELS[number % 3], "split": split})
    pd.DataFrame(rows).to_csv(folder / "specimens.csv", index=False)
    return folder


def settings(**given):
    return ExtractionSettings(**{"images_per_shard": 5, "batch_size": 2, **given})


def save_run(explainer, folder):
    """Write an explainer as a run folder, for the command line."""
    save_checkpoint(
        folder,
        explainer.model,
        {"classes": explainer.classes, "preprocessing": explainer.preprocessing.as_dict()},
    )
    return folder


@pytest.fixture(scope="session")
def model():
    return tiny_explainer(LABELS)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("extraction") / "drawn", 12)


@pytest.fixture(scope="session")
def specimens(folder):
    return Specimens.read(folder)


@pytest.fixture(scope="session")
def whole(model, specimens, tmp_path_factory):
    """The folder of an extraction with maps of the predicted class, in float32."""
    out = tmp_path_factory.mktemp("extracted") / "whole"
    extract(model, specimens, out, settings(maps_type="float32"))
    return out


@pytest.fixture
def own(tmp_path):
    """A collection that a test may damage."""
    return draw(tmp_path / "own", 12)
