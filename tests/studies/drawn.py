"""Small drawn specimens with masks, attributes and pairs, and a tiny model that knows them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from PIL import Image

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.explain.explainer import Explainer
from tests.explain.conftest import tiny_model

HEIGHT, WIDTH = 40, 56
SPECIMEN = (slice(8, 32), slice(10, 46))  # 24 × 36 pixels
SPOT = (slice(12, 18), slice(14, 20))


def tiny_explainer(classes):
    model = tiny_model(num_classes=len(classes))
    return Explainer(model, classes, Preprocessing(32, "shorter", 64), source="tiny", device="cpu")


def draw_specimens(folder, labels, per_label=2, pairs=(), masks=True, attributes=True):
    """Write noisy pictures with a grey specimen and a red spot on it; return the folder.

    ``labels`` may hold any text; ``pairs`` holds (label_a, label_b).
    """
    generator = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    rows, spots = [], []
    specimen, spot = np.zeros((2, HEIGHT, WIDTH), dtype=np.uint8)
    specimen[SPECIMEN], spot[SPOT] = 255, 255
    Image.fromarray(specimen).save(folder / "specimen.png")
    Image.fromarray(spot).save(folder / "spot.png")
    for place, label in enumerate(labels):
        for number in range(per_label):
            pixels = generator.integers(180, 220, (HEIGHT, WIDTH, 3), dtype=np.uint8)
            pixels[SPECIMEN] = 60 + 30 * (place % 4)
            pixels[SPOT] = (200, 30, 30)
            name = f"images/{place:02d}-{number:02d}.png"
            Image.fromarray(pixels).save(folder / name)
            rows.append({"image": name, "label": label, "split": "test", "mask": "specimen.png"})
            spots.append({"image": name, "attribute": "spot", "mask": "spot.png"})
    table = pd.DataFrame(rows)
    (table if masks else table.drop(columns="mask")).to_csv(folder / "specimens.csv", index=False)
    if attributes:
        pd.DataFrame(spots).to_csv(folder / "attributes.csv", index=False)
    if pairs:
        listed = [(a, b, "spot") for a, b in pairs]
        columns = ["label_a", "label_b", "diagnostic"]
        pd.DataFrame(listed, columns=columns).to_csv(folder / "pairs.csv", index=False)
    return folder
