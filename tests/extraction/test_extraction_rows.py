"""What stands in a row is what the model says of the photograph; three programs read it."""

from __future__ import annotations

import hashlib
import json

import duckdb
import numpy as np
import pandas as pd
import polars
import pyarrow.parquet as pq
import pytest
import torch

from intr_discover.data.preprocessing import Preprocessing
from intr_discover.errors import UserError
from intr_discover.explain.explainer import Explainer
from intr_discover.extraction.reader import Extraction, stacked
from intr_discover.extraction.run import extract
from intr_discover.model.plain import PlainClassifier, PlainConfig
from tests.extraction.conftest import LABELS, settings


def rows_of(out):
    return pd.concat([t.to_pandas() for t in Extraction.open(out).tables()], ignore_index=True)


def test_rows_are_what_the_model_says(model, specimens, whole):
    rows = rows_of(whole)
    assert rows["row"].tolist() == list(range(12))
    assert rows["shard"].tolist() == [0] * 5 + [1] * 5 + [2] * 2
    assert rows["image"].tolist() == specimens.table["image"].tolist()
    assert rows["label"].tolist() == specimens.table["label"].tolist()
    assert rows["split"].tolist() == specimens.table["split"].tolist()
    expected = model.logits(specimens.paths)
    np.testing.assert_allclose(np.stack(rows["logits"]), expected, rtol=1e-4, atol=1e-5)
    for path, row in zip(specimens.paths, rows.itertuples(), strict=True):
        assert row.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        encoded = model.encode(path)
        said = model.explain(encoded)
        assert list(row.queries) == said.classes == [row.predicted] == [said.predicted]
        assert row.probability == pytest.approx(said.probability, rel=1e-4)
        assert (row.height, row.width) == said.photograph.shape[:2]
        assert (row.resized_height, row.resized_width) == said.resized_shape
        shape = (1, 2, row.grid_height, row.grid_width)
        assert said.maps.shape == shape and row.cells_valid.all()
        assert len(row.cells_valid) == row.grid_height * row.grid_width
        np.testing.assert_allclose(row.maps.reshape(shape), said.maps, rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(row.peaks, said.peaks[0], rtol=1e-3, atol=1e-5)
        np.testing.assert_allclose(row.map_maxima, said.map_maxima[0], rtol=1e-3)
        cells = encoded.encoded.cells[0].numpy()
        by_hand = np.stack([said.maps[0, head].reshape(-1) @ cells for head in range(2)])
        found = row.descriptors.reshape(2, 16)
        np.testing.assert_allclose(found, by_hand, rtol=1e-3, atol=1e-4)


def test_maps_of_the_true_class_and_of_all(model, specimens, whole, tmp_path):
    extract(model, specimens, tmp_path / "true", settings(maps="true", maps_type="float32"))
    extract(model, specimens, tmp_path / "all", settings(maps="all", maps_type="float32"))
    true, every = rows_of(tmp_path / "true"), rows_of(tmp_path / "all")
    assert [list(each) for each in true["queries"]] == [[label] for label in true["label"]]
    assert all(list(each) == LABELS for each in every["queries"])
    for own, row in zip(true.itertuples(), every.itertuples(), strict=True):
        maps = row.maps.reshape(3, -1)
        np.testing.assert_allclose(maps[LABELS.index(own.label)], own.maps, rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(maps.reshape(6, -1).sum(axis=1), 1, rtol=1e-5)


def test_no_maps_but_descriptors_and_half_precision(model, specimens, whole, tmp_path):
    extract(model, specimens, tmp_path / "none", settings(maps="none"))
    extract(model, specimens, tmp_path / "half", settings())
    full, none, half = rows_of(whole), rows_of(tmp_path / "none"), rows_of(tmp_path / "half")
    assert "maps" not in none and "maps" in full
    assert np.array_equal(np.stack(none["descriptors"]), np.stack(full["descriptors"]))
    for short, long in zip(half["maps"], full["maps"], strict=True):
        assert short.dtype == np.float16
        np.testing.assert_allclose(short.astype(np.float32), long, rtol=2**-11, atol=6e-8)


def test_a_plain_classifier_has_logits_alone(specimens, tmp_path):
    torch.manual_seed(0)
    plain = PlainClassifier(PlainConfig(3, backbone="resnet18")).eval()
    explainer = Explainer(plain, LABELS, Preprocessing(32), source="plain", device="cpu")
    with pytest.raises(UserError, match="--maps none"):
        extract(explainer, specimens, tmp_path / "p", settings())
    extract(explainer, specimens, tmp_path / "p", settings(maps="none"))
    rows = rows_of(tmp_path / "p")
    assert "descriptors" not in rows and "queries" not in rows
    found = np.stack(rows["logits"])
    np.testing.assert_allclose(found, explainer.logits(specimens.paths), rtol=1e-4, atol=1e-5)


def test_other_programs_read_the_same(whole):
    ours = rows_of(whole)
    frame = pd.read_parquet(whole / "rows")
    pd.testing.assert_frame_equal(frame[["row", "image", "probability"]],
                                  ours[["row", "image", "probability"]])  # fmt: skip
    assert frame["row"].is_monotonic_increasing, "files sort by their names"
    counted = duckdb.sql(
        f"select shard, count(*), max(list_max(maps)) from '{whole}/rows/*.parquet' "
        "group by shard order by shard"
    ).fetchall()
    assert [(shard, count) for shard, count, _ in counted] == [(0, 5), (1, 5), (2, 2)]
    largest = max(most for *_, most in counted)
    assert largest == pytest.approx(ours["map_maxima"].map(max).max())
    lazy = polars.scan_parquet(f"{whole}/rows/*.parquet")
    found = lazy.filter(polars.col("shard") == 1).select("image", "logits").collect()
    assert found["image"].to_list() == ours["image"][5:10].tolist()
    np.testing.assert_array_equal(found["logits"].to_list(), np.stack(ours["logits"][5:10]))


def test_half_precision_in_other_programs(model, specimens, tmp_path):
    out = tmp_path / "half"
    extract(model, specimens, out, settings())
    ours = [each.max() for each in rows_of(out)["maps"]]
    assert [each.max() for each in pd.read_parquet(out / "rows")["maps"]] == ours
    sql = f"select list_max(maps) from '{out}/rows/*.parquet' order by row"
    assert [largest for (largest,) in duckdb.sql(sql).fetchall()] == ours
    seen = polars.read_parquet(f"{out}/rows/*.parquet")["maps"].list.max().to_list()
    assert seen == ours


def test_streaming_reads_row_groups_and_columns_alone(whole):
    tables = list(Extraction.open(whole).tables(["logits"]))
    assert [len(table) for table in tables] == [4, 1, 4, 1, 2]  # two batches of 2 a block
    assert all(table.column_names == ["logits"] for table in tables)
    assert stacked(tables[0]["logits"]).shape == (4, 3)


def test_each_file_says_what_it_holds(model, whole):
    metadata = pq.read_schema(whole / "rows" / "shard-000001.parquet").metadata
    said = json.loads(metadata[b"intr_discover"])
    assert said["classes"] == LABELS and said["model"]["fingerprint"] == model.fingerprint
    assert "command" not in said, "files do not depend on where they were written to"
    smallest = pq.read_metadata(whole / "rows" / "shard-000001.parquet").row_group(0).column(0)
    assert (smallest.statistics.min, smallest.statistics.max) == (5, 8)
