"""The columns of an extraction: one row a photograph. docs/extraction.md explains them to users."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import scipy
from numpy.typing import NDArray

from intr_discover.extraction.answers import Answer, Heads
from intr_discover.extraction.photographs import PlannedImage
from intr_discover.extraction.settings import ExtractionSettings

PLAIN_COLUMNS = (
    pa.field("row", pa.int64(), nullable=False),
    pa.field("shard", pa.int32(), nullable=False),
    pa.field("image", pa.string(), nullable=False),
    pa.field("sha256", pa.string(), nullable=False),
    pa.field("label", pa.string(), nullable=False),
    pa.field("split", pa.string()),
    pa.field("predicted", pa.string(), nullable=False),
    pa.field("probability", pa.float32(), nullable=False),
    pa.field("height", pa.int32(), nullable=False),
    pa.field("width", pa.int32(), nullable=False),
    pa.field("resized_height", pa.int32(), nullable=False),
    pa.field("resized_width", pa.int32(), nullable=False),
    pa.field("logits", pa.list_(pa.float32()), nullable=False),
)

HEAD_COLUMNS = (
    pa.field("queries", pa.list_(pa.string()), nullable=False),
    pa.field("peaks", pa.list_(pa.float32()), nullable=False),
    pa.field("map_maxima", pa.list_(pa.float32()), nullable=False),
    pa.field("descriptors", pa.list_(pa.float32()), nullable=False),
    pa.field("grid_height", pa.int32(), nullable=False),
    pa.field("grid_width", pa.int32(), nullable=False),
    pa.field("cells_valid", pa.list_(pa.bool_()), nullable=False),
)

FEW_VALUES = ("label", "split", "predicted", "queries.list.element")
"""Columns that a dictionary makes small."""

ORDERED = ("row", "shard", "image", "label", "split", "predicted", "probability")
"""Columns whose smallest and largest values are kept, by which other programs skip files."""


def schema_of(
    settings: ExtractionSettings, has_heads: bool, description: Mapping[str, Any]
) -> pa.Schema:
    """Return the columns; the description of the extraction travels in each file's metadata."""
    columns = list(PLAIN_COLUMNS)
    if has_heads:
        columns += HEAD_COLUMNS
        if settings.maps != "none":
            stored = pa.float16() if settings.maps_type == "float16" else pa.float32()
            columns.append(pa.field("maps", pa.list_(stored), nullable=False))
    return pa.schema(columns, {"intr_discover": json.dumps(description, ensure_ascii=False)})


def table_of(
    answers: Sequence[Answer],
    planned: Mapping[int, PlannedImage],
    shard: int,
    classes: Sequence[str],
    schema: pa.Schema,
) -> pa.Table:
    """Return rows of photographs, in the order of their row numbers.

    Parameters
    ----------
    answers
        Of the photographs that could be read, in any order; at least one.
    planned
        The photographs by row number.
    shard
        Its number.
    classes
        Class names in the order of the logits.
    schema
        See ``schema_of``.
    """
    ordered = sorted(answers, key=lambda answer: answer.row)
    images = [planned[answer.row] for answer in ordered]
    columns: dict[str, Any] = {
        "row": [answer.row for answer in ordered],
        "shard": [shard] * len(ordered),
        "image": [each.image for each in images],
        "sha256": [answer.sha256 for answer in ordered],
        "label": [each.label for each in images],
        "split": [each.split for each in images],
        # As argmax takes them: of equal logits the first class.
        "predicted": [classes[int(answer.logits.argmax())] for answer in ordered],
        "probability": np.array(
            [scipy.special.softmax(answer.logits).max() for answer in ordered], dtype=np.float32
        ),
        "height": [answer.shape[0] for answer in ordered],
        "width": [answer.shape[1] for answer in ordered],
        "resized_height": [answer.resized[0] for answer in ordered],
        "resized_width": [answer.resized[1] for answer in ordered],
        "logits": _lists([answer.logits for answer in ordered]),
    }
    heads = [answer.heads for answer in ordered if answer.heads is not None]
    if heads:
        assert len(heads) == len(ordered), "all photographs are asked the same"
        columns |= _head_columns(heads, classes)
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def _head_columns(heads: Sequence[Heads], classes: Sequence[str]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "queries": [[classes[number] for number in each.queries] for each in heads],
        "peaks": _lists([each.peaks for each in heads]),
        "map_maxima": _lists([each.map_maxima for each in heads]),
        "descriptors": _lists([each.descriptors for each in heads]),
        "grid_height": [each.grid[0] for each in heads],
        "grid_width": [each.grid[1] for each in heads],
        "cells_valid": _lists([each.valid for each in heads]),
    }
    maps = [each.maps for each in heads if each.maps is not None]
    if maps:
        columns["maps"] = _lists(maps)
    return columns


def _lists(arrays: Sequence[NDArray[Any]]) -> pa.ListArray:
    """Return a column of lists: each array flattened, its last axis fastest."""
    offsets = np.cumsum([0, *(array.size for array in arrays)], dtype=np.int64)
    assert offsets[-1] < 2**31, "a block of photographs is far smaller than that"
    values = np.concatenate([array.reshape(-1) for array in arrays])
    return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), pa.array(values))
