"""Photographs in a column of a Parquet file, as Hugging Face's data sets keep them.

Column ``image`` holds ``{bytes, path}``, column ``label`` numbers whose names stand in the file's
metadata. One reading fetches a whole row group, often a hundred photographs: training at random is
slow from such files, and quick once ``intr-discover shard`` has packed them anew.
"""

from __future__ import annotations

import json
import posixpath
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from intr_discover.errors import UserError

_FAULTS = (OSError, pa.ArrowException, KeyError, ValueError, TypeError)


def picture_column(path: Path) -> str | None:
    """Return which column of a Parquet file holds photographs; None where none does."""
    try:
        schema = pq.read_schema(path)
    except _FAULTS as error:
        raise UserError(f"{path} is damaged, or no Parquet file: copy it again") from error
    found = [
        field.name
        for field in schema
        if pa.types.is_struct(field.type)
        and {"bytes", "path"} <= {part.name for part in field.type}
    ]
    return "image" if "image" in found else next(iter(found), None)


class PictureTable:
    """One Parquet file with photographs.

    Parameters
    ----------
    path
        The file.

    Raises
    ------
    UserError
        If it is damaged, or has no column of photographs.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        column = picture_column(path)
        if column is None:
            raise UserError(f"{path} has no column of photographs ({{bytes, path}})")
        self._column = column
        with self._opened() as file:
            self._schema = file.schema_arrow
            groups = [file.metadata.row_group(n).num_rows for n in range(file.num_row_groups)]
            paths = file.read(columns=[f"{column}.path"])[column].combine_chunks().field("path")
        self._groups = [(group, row) for group, size in enumerate(groups) for row in range(size)]
        self._names = {name: row for row, name in enumerate(_names(paths.to_pylist()))}

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def read(self, name: str) -> bytes:
        """Return the bytes of a photograph."""
        group, row = self._groups[self._names[name]]
        status = self.path.stat()
        try:
            cells = _group(self.path, status.st_mtime_ns, group, self._column)
            content = cells[row].as_py()["bytes"]
        except _FAULTS as error:
            raise UserError(f"{self.path} is damaged: copy it again") from error
        if not isinstance(content, bytes):
            raise UserError(f"{self.path}: {name} has a path and no bytes, so it is not in there")
        return content

    def rows(self) -> list[dict[str, Any]]:
        """Return a row for each photograph: its name, its label, and other plain fields.

        Raises
        ------
        UserError
            If there is no column of labels.
        """
        features = self._features()
        kinds = {name: kind for name, kind in features.items() if isinstance(kind, dict)}
        classes = [name for name, kind in kinds.items() if kind.get("_type") == "ClassLabel"]
        given = [name for name in ("label", "labels", *classes) if name in self._schema.names]
        if not given:
            raise UserError(
                f"{self.path} has no column 'label'; it has {', '.join(self._schema.names)}"
            )
        label = given[0]
        plain = [field.name for field in self._schema if not pa.types.is_nested(field.type)]
        with self._opened() as file:
            table = file.read(columns=[name for name in plain if name != self._column])
        names = kinds.get(label, {}).get("names")
        labels = [_named(value, names, self.path) for value in table[label].to_pylist()]
        rest = table.drop_columns([label]).to_pylist()
        return [
            {**fields, "image": name, "label": value}
            for fields, name, value in zip(rest, self._names, labels, strict=True)
        ]

    def _opened(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.path)
        except _FAULTS as error:
            raise UserError(f"{self.path} is damaged: copy it again") from error

    def _features(self) -> dict[str, Any]:
        """Return what the metadata says of the columns; empty where it says nothing."""
        try:
            said = json.loads((self._schema.metadata or {})[b"huggingface"])
            return dict(said["info"]["features"])
        except (KeyError, ValueError, TypeError, RecursionError):
            return {}


@lru_cache(maxsize=2)
def _group(path: Path, modified: int, group: int, column: str) -> Any:
    with pq.ParquetFile(path) as file:
        return file.read_row_group(group, columns=[column])[column]


def _names(paths: list[str | None]) -> list[str]:
    """Return a name for each row: the path it came with, or its number where those are no names."""
    cleaned = [posixpath.normpath(path) if path else "" for path in paths]
    bad = any(not p or p.startswith(("/", "..")) or "\\" in p or p == "." for p in cleaned)
    if bad or len(set(cleaned)) < len(cleaned):
        return [f"{number:06d}" for number in range(len(paths))]
    return cleaned


def _named(value: Any, names: Any, path: Path) -> Any:
    if not isinstance(names, list) or not isinstance(value, int):
        return value
    if not 0 <= value < len(names):
        raise UserError(f"{path} has the label {value}, and names for 0 to {len(names) - 1}")
    return names[value]
