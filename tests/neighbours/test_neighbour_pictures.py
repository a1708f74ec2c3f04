"""The figures of a comparison: what stands above the maps."""

from __future__ import annotations

import numpy as np

from intr_discover.neighbours.examined import Shown
from intr_discover.neighbours.pictures import units_figure


def shown(*names: str) -> Shown:
    maps = np.random.default_rng(0).random((len(names), 4, 4), dtype=np.float32)
    return Shown("a.png", "red", np.full((96, 96, 3), 90, np.uint8), maps[0], maps, list(names))


def test_a_marked_attribute_stands_above_its_map_in_full() -> None:
    names = ["hindwing_margin (present)", "antenna_tips (red)", "basal_spots (present)"]
    drawn = units_figure(
        {"concept_transformer": [shown(*names)]},
        {"concept_transformer": "Concept Transformer"},
        {"concept_transformer": "concepts"},
        "a.png",
    )
    titles = {axes.get_title(loc="left") for axes in drawn.axes}
    assert {"red", "hindwing_margin", "basal_spots", "all together"} <= titles
    assert any(title.startswith("antenna") and title.endswith("(red)") for title in titles)
