"""Small pictures whose label lies on the ground or on the specimen, and models fitted to them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from PIL import Image

from intr_discover.data.loading import evaluation_batches
from tests.studies.drawn import tiny_explainer

SIZE = 32
SPECIMEN = (slice(9, 23), slice(8, 24))
CLASSES = ["ant", "bee", "cat", "dog"]
COLOURS = [(200, 60, 60), (60, 60, 200), (60, 180, 60), (220, 210, 60)]


def draw(folder, cue, per_label=8, classes=CLASSES, seed=0, **columns):
    """Write pictures whose label is told by ``cue``: ``"ground"``, ``"specimen"`` or nothing.

    ``columns`` hold functions of (class number, number of the picture).
    """
    generator = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    mask = np.zeros((SIZE, SIZE), dtype=np.uint8)
    mask[SPECIMEN] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    rows = []
    for place, label in enumerate(classes):
        for number in range(per_label):
            ground, colour = (190, 190, 190), (90, 90, 90)
            if cue == "ground":
                ground = COLOURS[place]
            if cue == "specimen":
                colour = COLOURS[place]
            pixels = np.empty((SIZE, SIZE, 3))
            pixels[:] = np.array(ground) + generator.normal(0, 6, 3)
            pixels[SPECIMEN] = np.array(colour) + generator.normal(0, 6, 3)
            pixels += generator.normal(0, 4, pixels.shape)
            name = f"images/{label}-{number:02d}.png"
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name)
            row = {"image": name, "label": label, "split": "test", "mask": "mask.png"}
            rows.append({**row, **{key: f(place, number) for key, f in columns.items()}})
    pd.DataFrame(rows).to_csv(folder / "specimens.csv", index=False)
    return folder


def fit(specimens, steps=40):
    """Return a tiny model that has learned these photographs."""
    explainer = tiny_explainer(specimens.classes)
    model = explainer.model
    labels = torch.from_numpy(specimens.label_ids(explainer.classes))
    ((places, images),) = list(
        evaluation_batches(specimens.paths, explainer.preprocessing, len(specimens))
    )
    model.train()
    torch.manual_seed(0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(steps):
        loss = torch.nn.functional.cross_entropy(model(images).logits, labels[places])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval()
    return explainer
