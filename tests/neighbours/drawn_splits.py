"""Four classes with eight drawn photographs each: five to train, one to validate, two to test."""

import pandas as pd

from intr_discover.data.specimens import Specimens
from intr_discover.explain.method import FitSettings
from tests.studies.drawn import draw_specimens

LABELS = ["a", "b", "c", "d"]
SPLITS = ["train"] * 5 + ["val"] + ["test"] * 2


def read_drawn(folder, **choices):
    """Draw the photographs into a folder and read them."""
    draw_specimens(folder, LABELS, per_label=8, pairs=[("a", "b"), ("c", "d")], **choices)
    table = pd.read_csv(folder / "specimens.csv")
    table["split"] = [SPLITS[row % 8] for row in range(len(table))]
    table.to_csv(folder / "specimens.csv", index=False)
    return Specimens.read(folder)


def tiny_settings(**changes):
    """Return settings with which a method is trained in a second."""
    choices = {
        "epochs": 1, "image_size": 32, "device": "cpu",
        "training": {"width": 16, "heads": 2, "feed_forward": 16},
        "options": {"rise_masks": 8},
    }  # fmt: skip
    return FitSettings(**(choices | changes))
