"""The columns of the head figure: numbers by hand, names that belong to one model, the page."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from benchmarks.leeds_heads import (
    CARD,
    NAMES,
    looked_at,
    named_columns,
    peaks_on_traits,
    summarise,
)
from benchmarks.leeds_heads_figure import heads_figure
from benchmarks.leeds_heads_page import as_markdown, interval
from benchmarks.leeds_traits import POLYGONS, read_polygons
from intr_discover import load
from tests.benchmarks.test_leeds_traits import drawn  # noqa: F401  (a fixture)

BANDS = {"consistency": 0.9, "q": 0.001, "distinctness": 0.4, "importance": 0.1,
         "effective_area": 0.1}  # fmt: skip


def card(label="ant", heads=2):
    rows = [
        {"label": label, "head": head, "n": 5, **BANDS, "consistency_low": 0.8,
         "consistency_high": 1.0, "importance_low": -0.1 if head else 0.05, "importance_high": 0.2}
        for head in range(heads)
    ]  # fmt: skip
    return pd.DataFrame(rows)[CARD]


def test_where_one_map_looks_by_hand():
    heatmap = np.full((4, 5), 0.5)
    heatmap[1, 2] = 2.5  # the sum is 19 · 0.5 + 2.5 = 12
    trait = np.zeros((4, 5), dtype=bool)
    trait[1, 2:4] = True  # 2 of 20 pixels, 3.0 of 12 of the map: 0.25 / 0.1
    specimen = np.zeros((4, 5), dtype=bool)
    found = looked_at(heatmap, trait, trait, specimen)
    assert found["on_trait"] and not found["on_specimen"]
    assert found["attention"] == pytest.approx(2.5)
    assert not looked_at(heatmap, trait, np.roll(trait, 2, axis=0), specimen)["on_trait"]


def test_a_head_for_each_row_and_chance_between_the_bounds(drawn):  # noqa: F811
    specimens, known = drawn
    explainer = load("demo")
    found = peaks_on_traits(explainer, specimens, known)
    assert len(found) == len(known) * explainer.model.config.heads
    assert (found.groupby("label")["n"].first() == [len(k["images"]) for k in known.values()]).all()
    assert found["chance"].between(0, 1, inclusive="neither").all()
    assert (found["count"] == found["on_trait"] * found["n"]).all()
    assert (found["attention_low"] <= found["attention"]).all()
    best = {"label": found["label"][0], "head": 0, "judged": "best"}
    figure = heads_figure(found.to_dict("records"), [best])
    texts = [text.get_text() for text in figure.texts]
    for label, species in known.items():
        assert label.replace("_", " ").capitalize() in texts and species["trait"] in texts


def test_names_belong_to_one_model(tmp_path, capsys):
    path = tmp_path / "names.json"
    column = {"label": "ant", "head": 1, "name": "red spot", "judged": "best"}
    path.write_text(json.dumps({"model_fingerprint": "a" * 64, "columns": [column]}))
    assert named_columns(path, "b" * 64, card(), pd.DataFrame(columns=["label", "head"])) == []
    assert "other weights" in capsys.readouterr().out
    (row,) = named_columns(path, "a" * 64, card(), pd.DataFrame(columns=["label", "head"]))
    assert row["name"] == "red spot" and row["consistency"] == 0.9 and "on_trait" not in row


def test_the_kept_names_are_columns_of_at_least_four_species():
    kept = json.loads(NAMES.read_text(encoding="utf-8"))
    assert len(kept["model_fingerprint"]) == 64
    columns = kept["columns"]
    assert len({(c["label"], c["head"]) for c in columns}) == len(columns)
    best = {c["label"] for c in columns if c["judged"] == "best"}
    assert len(best) >= 4 and best >= set(read_polygons(POLYGONS))
    assert {c["judged"] for c in columns} == {"best", "good", "worst"}
    assert all(bool(c["name"]) == (c["judged"] != "worst") for c in columns)


def test_the_page_says_what_was_measured_and_what_was_not():
    table = card(heads=2)
    record = {
        "command": "python -m benchmarks.leeds_heads",
        "machine": {"processor": "a processor", "threads": 1},
        "model": {"run": "intr_0", "fingerprint": "c" * 64},
        "summary": summarise(table),
        "traits": [],
        "named": [{"name": "red spot", "judged": "best", **table.iloc[0].to_dict()}],
    }
    page = as_markdown(record)
    assert "Of 2 heads (1 species, 5 test photographs) 2 are consistent, 2 distinct" in page
    assert "1 are important" in page
    assert "| *Ant* | 0 | best | red spot | 5 | 0.90 (0.80 to 1.00) |" in page
    assert "no outline" in page
    assert "belong to other weights" in as_markdown({**record, "named": []})
    assert interval({"importance": float("nan")}, "importance") == "–"
