"""The benchmark of known attributes, asked of another way to explain."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.discovery import as_markdown, measure, summarise
from benchmarks.discovery_summary import figures
from intr_discover import load
from intr_discover.data import rings
from intr_discover.explain.explainer import DEMO_MODEL
from intr_discover.explain.model_methods import IntrHeads, RandomMap


@pytest.fixture(scope="module")
def individuals():
    return [rings.draw_specimen(77_000, index, ring_count=2) for index in range(8)]


@pytest.fixture(scope="module")
def explainer():
    assert DEMO_MODEL.is_dir()
    return load("demo", device="cpu")


def test_heads_asked_as_a_method_hit_what_heads_hit(explainer, individuals):
    own, own_heads = measure(explainer, individuals)
    general, units = measure(IntrHeads("intr", explainer), individuals)
    pd.testing.assert_frame_equal(general, own)
    for column in ("image", "label", "head", "on_diagnostic", "hits"):
        assert units[column].tolist() == own_heads[column].tolist()
    np.testing.assert_allclose(units["map_maximum"], own_heads["map_maximum"], atol=1e-5)
    np.testing.assert_allclose(units["effect"], own_heads["effect"], atol=1e-3)
    assert units["importance"].isna().all() and own_heads["importance"].notna().all()


def test_the_page_of_another_method_speaks_of_units(explainer, individuals):
    specimens, units = measure(RandomMap("random", explainer), individuals)
    assert len(units) == len(individuals)  # one map
    record = {
        "command": "c", "machine": {"processor": "p", "threads": 1}, "seconds": 1.0, "seeds": [1],
        "hard": 0.5, "model": {"run": "r", "parameters": 1, "fingerprint": "f" * 64},
        "method": "random", "baselines": {}, **summarise(specimens, units),
    }  # fmt: skip
    assert record["table"]["spearman"]["value"] is None
    page = as_markdown(record)
    assert "Explained by random" in page and "head" not in page


def test_a_class_with_fewer_units_lacks_hits_and_nothing_else():
    """Class a has one unit, which hits; class b has two, of which the second hits."""
    specimens = pd.DataFrame({"image": ["1", "2"], "label": ["a", "b"], "chance": [0.5, 0.5],
                              "right": True, "hit_top3": True, "hit_top3_of_answer": True,
                              "swap_to_mate": True, "erase_to_mate": None,
                              "control_changed": None})  # fmt: skip
    units = pd.DataFrame({"image": ["1", "2", "2"], "label": ["a", "b", "b"], "head": [0, 0, 1],
                          "on_diagnostic": [True, False, True], "importance": np.nan,
                          "effect": 0.0})  # fmt: skip
    found = figures(specimens, units)
    assert found["same_head"]["value"] == 1.0 and found["spearman"]["value"] is None
