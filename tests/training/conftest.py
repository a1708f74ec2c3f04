"""A drawn collection that a tiny model learns in seconds, and its settings."""

import numpy as np
import pytest
from PIL import Image

from intr_discover.data.specimens import Specimens

COLOURS = {"blue": (40, 40, 200), "green": (40, 180, 40), "red": (200, 40, 40)}


def draw_collection(folder, counts):
    """Write noisy pictures with one coloured square each: ``counts`` maps a split to n a class."""
    generator = np.random.default_rng(0)
    for split, count in counts.items():
        for label, colour in COLOURS.items():
            (folder / split / label).mkdir(parents=True)
            for number in range(count):
                pixels = generator.integers(150, 200, (32, 40, 3), dtype=np.uint8)
                top, left = generator.integers(0, 20), generator.integers(0, 28)
                pixels[top : top + 12, left : left + 12] = colour
                Image.fromarray(pixels).save(folder / split / label / f"{number:02d}.png")
    return folder


@pytest.fixture(scope="session")
def collection_folder(tmp_path_factory):
    return draw_collection(tmp_path_factory.mktemp("drawn"), {"train": 9, "test": 3})


@pytest.fixture
def collection(collection_folder):
    return Specimens.read(collection_folder)
