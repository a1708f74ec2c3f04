"""One photograph measured: every number worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from intr_discover import Specimens
from intr_discover.studies.framing import Framing
from intr_discover.studies.looking import Regions
from intr_discover.studies.measured_regions import measure
from tests.studies.drawn import HEIGHT, WIDTH, draw_specimens, tiny_explainer

STRIDE = 8  # 5 rows and 7 columns of cells, the photograph at its own size


@pytest.fixture(scope="module")
def specimens(tmp_path_factory):
    return Specimens.read(draw_specimens(tmp_path_factory.mktemp("m") / "drawn", ["ant"], 1))


def explanation_of(specimens, maps):
    photograph = np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8)
    made = tiny_explainer(["ant"]).explain(specimens.paths[0], ["ant"])
    maps = np.asarray(maps, dtype=np.float32)[None]
    heads = maps.shape[1]
    return replace(
        made,
        photograph=photograph,
        maps=maps,
        peaks=np.zeros((1, heads), dtype=np.float32),
        map_maxima=maps.reshape(1, heads, -1).max(axis=-1),
        stride=STRIDE,
        resized_shape=(HEIGHT, WIDTH),
    )


def measured(specimens, weights, landmarks=(), share=0.5):
    explanation = explanation_of(specimens, weights)
    framing = Framing(specimens, tiny_explainer(["ant"]).preprocessing, STRIDE)
    about = pd.Series({"image": specimens.table["image"][0], "label": "ant"})
    return measure(explanation, 0, about, framing, Regions(specimens, {}), landmarks, share)


def one_cell(row, column, weight=1.0):
    cells = np.full((5, 7), (1 - weight) / 34)
    cells[row, column] = weight
    return cells


def test_a_head_on_one_cell(specimens):
    # Cell (1, 1): x and y 8 to 15. The specimen begins at x = 10, y = 8; the spot is x 14 to 19,
    # y 12 to 17: 2 x 4 of its 36 pixels lie in the cell.
    row = measured(specimens, [one_cell(1, 1)])[0]
    assert (row["x"], row["y"]) == (11.5, 11.5)
    assert row["area"] == pytest.approx(64 / (HEIGHT * WIDTH))
    assert row["on_specimen"] == pytest.approx(6 * 8 / 64)
    assert row["area_of_specimen"] == pytest.approx(48 / (24 * 36))
    assert row["attribute"] == "spot"
    assert row["attribute_overlap"] == pytest.approx(8 / (64 + 36 - 8))
    assert row["lightness"] == pytest.approx(53.6, abs=0.05) and np.isnan(row["hue"])


def test_a_head_beside_the_specimen(specimens):
    row = measured(specimens, [one_cell(4, 6)])[0]
    assert row["on_specimen"] == 0 and row["attribute"] is None and row["attribute_overlap"] == 0
    assert np.isfinite(row["lightness"])  # of the whole region, where none of it is on the specimen


def test_the_part_with_the_most_attention_of_all_its_landmarks(specimens):
    # Three corners of the photograph; two of them are one part, and hold 0.3 each.
    cells = np.zeros((2, 5, 7))
    cells[0, 0, 0], cells[0, 0, 6], cells[0, 4, 0] = 0.3, 0.3, 0.4
    cells[1, 4, 0], cells[1, 0, 0] = 0.9, 0.1
    landmarks = [("wing", (0, 0)), ("wing", (WIDTH - 1, 0)), ("tail", (0, HEIGHT - 1))]
    first, second = measured(specimens, cells, landmarks, share=1.0)
    assert first["part"] == "wing" and first["part_share"] == pytest.approx(0.6)
    assert second["part"] == "tail" and second["part_share"] == pytest.approx(0.9)
    # Only the attended region counts: 0.9 of 1 is held by one cell.
    assert measured(specimens, cells, landmarks)[1]["part_share"] == 1


def test_without_landmarks_no_part(specimens):
    row = measured(specimens, [one_cell(2, 3)])[0]
    assert row["part"] is None and np.isnan(row["part_share"])
