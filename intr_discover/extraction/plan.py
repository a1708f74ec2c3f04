"""What is to be extracted: the photographs in shards, written down before anything is asked."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from intr_discover.data.shards import MANIFEST, is_there
from intr_discover.data.specimens import Specimens
from intr_discover.data.threads import map_in_threads
from intr_discover.errors import UserError, shorten
from intr_discover.explain.explainer import Explainer
from intr_discover.extraction.layout import FORMAT, Layout
from intr_discover.extraction.photographs import PlannedImage
from intr_discover.extraction.settings import ExtractionSettings
from intr_discover.files import replacing, sha256, write_json
from intr_discover.model.intr import INTR

_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        pa.field("image", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("split", pa.string()),
        pa.field("bytes", pa.int64()),
    ]
)

_DECISIVE = ("format", "model", "preprocessing", "classes", "collection", "settings", "shards")


@dataclass(frozen=True)
class Plan:
    """The photographs of an extraction in shards, as ``images.parquet`` lists them.

    Attributes
    ----------
    layout
        The folder.
    description
        See ``describe``.
    """

    layout: Layout
    description: Mapping[str, Any]

    @property
    def decisive(self) -> dict[str, Any]:
        """Return the part of the description that decides numbers: no command, no versions."""
        return {name: self.description[name] for name in _DECISIVE}

    @property
    def images(self) -> int:
        """Return the number of photographs."""
        return int(self.description["collection"]["images"])

    @property
    def shards(self) -> int:
        """Return the number of shards."""
        return int(self.description["shards"])

    @property
    def settings(self) -> ExtractionSettings:
        """Return the choices."""
        return ExtractionSettings(**self.description["settings"])

    def size(self, shard: int) -> int:
        """Return the number of photographs of a shard."""
        each = self.settings.images_per_shard
        return min(each, self.images - shard * each)

    def read(self, shard: int) -> list[PlannedImage]:
        """Return the photographs of a shard, of which alone the table is read."""
        return [PlannedImage(**row) for row in self._table.read_row_group(shard).to_pylist()]

    @cached_property
    def _table(self) -> pq.ParquetFile:
        """The table, opened once: its footer names every shard."""
        return pq.ParquetFile(self.layout.images)


def describe(
    explainer: Explainer,
    settings: ExtractionSettings,
    images: int,
    collection_fingerprint: str,
) -> dict[str, Any]:
    """Return what decides every number of an extraction, ready for JSON.

    Parameters
    ----------
    explainer
        The model.
    settings
        The choices.
    images
        Number of photographs.
    collection_fingerprint
        See ``fingerprint_of``.
    """
    model = explainer.model
    described: dict[str, Any] = {"fingerprint": explainer.fingerprint, "kind": model.config.kind}
    if isinstance(model, INTR):
        described |= {
            "heads": model.config.heads,
            "width": model.config.width,
            "layers": model.config.decoder_layers,
            "stride": model.stride,
        }
    return {
        "format": FORMAT,
        "model": described,
        "preprocessing": explainer.preprocessing.as_dict(),
        "classes": explainer.classes,
        "collection": {"fingerprint": collection_fingerprint, "images": images},
        "settings": settings.as_dict(),
        "shards": -(-images // settings.images_per_shard),
    }


def planned_tables(
    specimens: Specimens, images_per_shard: int, progress: Callable[[int, int], None] | None = None
) -> Iterator[pa.Table]:
    """Yield the photographs of one shard after the other; asks for each file's size."""
    root, table = specimens.root, specimens.table
    splits = table.get("split")
    for start in range(0, len(table), images_per_shard):
        rows = slice(start, min(start + images_per_shard, len(table)))
        images = table["image"].iloc[rows].tolist()
        yield pa.table(
            {
                "row": range(rows.start, rows.stop),
                "image": images,
                "label": table["label"].iloc[rows].tolist(),
                "split": [None] * len(images) if splits is None else splits.iloc[rows].tolist(),
                "bytes": map_in_threads(_size, [root / image for image in images]),
            },
            schema=_SCHEMA,
        )
        if progress is not None:
            progress(rows.stop, len(table))


def fingerprint_of(
    tables: Iterator[pa.Table], keep: Callable[[pa.Table], object], root: Path
) -> str:
    """Return the SHA-256 of names, labels, splits and sizes, in their order; 64 digits.

    The bytes of photographs do not count here: to read all of them before the first is extracted
    would take hours. Each row carries the hash of the bytes it was made of, and readers compare it.

    Parameters
    ----------
    tables
        See ``planned_tables``.
    keep
        Called with each of them.
    root
        The folder of the photographs; where they lie in shards, the checksums of these count.
    """
    digest = hashlib.sha256()
    if (root / MANIFEST).is_file():
        digest.update(sha256(root / MANIFEST).encode())
    for table in tables:
        for row in table.select(["image", "label", "split", "bytes"]).to_pylist():
            # Separators that no name holds, so that no two collections give the same text.
            digest.update("\x1f".join(str(value) for value in row.values()).encode() + b"\x1e")
        keep(table)
    return digest.hexdigest()


def begin(
    layout: Layout,
    explainer: Explainer,
    specimens: Specimens,
    settings: ExtractionSettings,
    record: Mapping[str, Any],
    progress: Callable[[int, int], None] | None = None,
) -> Plan:
    """Write down what is to be extracted, or find it written down already.

    Parameters
    ----------
    layout
        The folder.
    explainer, specimens, settings
        The model, the photographs, the choices.
    record
        Goes into ``extraction.json`` beside what is compared: command, versions.
    progress
        Called with (photographs listed, photographs in all).

    Raises
    ------
    UserError
        If the folder holds something else: an extraction of another model or collection, or with
        other settings; or files that are no extraction.
    """
    tables = planned_tables(specimens, settings.images_per_shard, progress)
    if layout.description.exists():
        stored = read_description(layout)
        found = fingerprint_of(tables, lambda table: None, specimens.root)
        description = describe(explainer, settings, len(specimens), found)
        _require_same(layout, stored, description, settings)
        return Plan(layout, stored)
    with (
        replacing(layout.images) as temporary,
        pq.ParquetWriter(temporary, _SCHEMA, compression="zstd") as writer,
    ):
        # One row group a shard, so that a process reads the rows of its own shards alone.
        found = fingerprint_of(
            tables,
            lambda table: writer.write_table(table, row_group_size=len(table)),
            specimens.root,
        )
    description = {**describe(explainer, settings, len(specimens), found), **record}
    write_json(layout.description, description)
    return Plan(layout, description)


def read_description(layout: Layout) -> dict[str, Any]:
    """Return what ``extraction.json`` says.

    Raises
    ------
    UserError
        If there is none, it is damaged, or a later version of this package wrote it.
    """
    path = layout.description
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        written = int(stored["format"])
    except FileNotFoundError:
        raise UserError(
            f"{layout.folder} is no extraction: it has no {path.name}; make one with "
            "intr-discover extract"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged: extract into another folder") from error
    if written > FORMAT:
        raise UserError(f"{path} was written by a later version of intr-discover: update it")
    return dict(stored)


def _require_same(
    layout: Layout,
    stored: Mapping[str, Any],
    wanted: Mapping[str, Any],
    settings: ExtractionSettings,
) -> None:
    changed = settings.differences(stored["settings"])
    if changed:
        raise UserError(
            f"{layout.folder} was begun with other options ({shorten(changed)}); repeat them, or "
            "name another folder"
        )
    for parts, words in (
        (("model", "preprocessing", "classes"), "with another model"),
        (("collection",), "of other photographs, labels or splits"),
    ):
        if any(stored[part] != _as_json(wanted[part]) for part in parts):
            raise UserError(f"{layout.folder} was begun {words}; name another folder")


def _as_json(value: Any) -> Any:
    """Return a value as it comes back from a JSON file: tuples as lists."""
    return json.loads(json.dumps(value))


def _size(path: Path) -> int | None:
    """Return the bytes of a file, -1 for a photograph in shards, None where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return -1 if is_there(path) else None
