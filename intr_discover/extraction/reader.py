"""Read an extraction: tables in a stream, and single photographs by name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from intr_discover.errors import UserError
from intr_discover.extraction.layout import Layout
from intr_discover.extraction.manifest import read_manifest
from intr_discover.extraction.plan import read_description
from intr_discover.files import sha256


@dataclass(frozen=True)
class Place:
    """Where the row of a photograph stands.

    Attributes
    ----------
    file, group, position
        Number of the file in the manifest, of the row group in it, and of the row in that.
    sha256
        Of the bytes of the photograph that the row was made of.
    """

    file: int
    group: int
    position: int
    sha256: str


@dataclass
class Extraction:
    """A finished extraction; made by ``Extraction.open``.

    Attributes
    ----------
    layout
        Its folder.
    description
        What was extracted of what, see ``plan.describe``.
    manifest
        Its files.
    """

    layout: Layout
    description: Mapping[str, Any]
    manifest: Mapping[str, Any]
    _last: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def open(cls, folder: str | Path) -> Extraction:
        """Open a folder that ``intr-discover extract`` wrote.

        Raises
        ------
        UserError
            If it is none, is not finished, was written by a later version, or a file is gone or
            has another size than the manifest says.
        """
        layout = Layout(Path(folder))
        opened = cls(layout, read_description(layout), read_manifest(layout))
        for file in opened.manifest["files"]:
            path = layout.folder / file["name"]
            if not path.is_file() or path.stat().st_size != file["bytes"]:
                raise _damaged(path, "is gone or has another size than when it was written")
        return opened

    def __len__(self) -> int:
        return int(self.manifest["rows"])

    @property
    def classes(self) -> list[str]:
        """Return the class names in the order of the logits."""
        return list(self.description["classes"])

    def verify(self) -> None:
        """Compare every byte with the checksums of the manifest.

        Raises
        ------
        UserError
            Naming the first file that differs.
        """
        for file in (*self.manifest["files"], *self.manifest["beside"]):
            path = self.layout.folder / file["name"]
            with _readable(path):
                found = sha256(path)
            if found != file["sha256"]:
                raise _damaged(path, "is not as it was written")

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows in their order, some at a time: the memory does not grow with them.

        Parameters
        ----------
        columns
            Names of columns; by default all. What is not asked for is not read.

        Raises
        ------
        UserError
            If a file is gone or damaged.
        """
        for file in range(len(self.manifest["files"])):
            path = self._path(file)
            with _readable(path):
                opened = pq.ParquetFile(path)
            with opened:
                for group in range(opened.num_row_groups):
                    with _readable(path):
                        table = opened.read_row_group(group, columns=columns)
                    yield table

    def places(self, images: Iterable[str]) -> dict[str, Place]:
        """Return where the rows of photographs stand, by name; those without a row are left out.

        Parameters
        ----------
        images
            As the specimen table names them.
        """
        wanted, found = set(images), {}
        for file in range(len(self.manifest["files"])):
            path = self._path(file)
            with _readable(path), pq.ParquetFile(path) as opened:
                for group in range(opened.num_row_groups):
                    table = opened.read_row_group(group, columns=["image", "sha256"])
                    names, digests = (table[each].to_pylist() for each in ("image", "sha256"))
                    pairs = zip(names, digests, strict=True)
                    for position, (image, digest) in enumerate(pairs):
                        if image in wanted:
                            found[image] = Place(file, group, position, digest)
        return found

    def row(self, place: Place, columns: Sequence[str]) -> dict[str, Any]:
        """Return one row; lists of numbers as arrays. The row group read last is kept."""
        key = (place.file, place.group, *columns)
        if self._last.get("key") != key:
            path = self._path(place.file)
            with _readable(path), pq.ParquetFile(path) as opened:
                table = opened.read_row_group(place.group, columns=list(columns))
            self._last = {"key": key, "table": table}
        table = self._last["table"]
        return {name: _value(table[name], place.position) for name in columns}

    def _path(self, file: int) -> Path:
        return self.layout.folder / str(self.manifest["files"][file]["name"])


def stacked(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Return a column of lists of one length as an array ``[rows, length]``."""
    flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(len(column), -1)


def _value(column: pa.ChunkedArray, position: int) -> Any:
    scalar = column[position]
    if isinstance(scalar, pa.ListScalar) and not pa.types.is_string(scalar.type.value_type):
        return scalar.values.to_numpy(zero_copy_only=False)
    return scalar.as_py()


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Say in one line that a file is gone or damaged."""
    try:
        yield
    except FileNotFoundError as error:
        raise _damaged(path, "is gone") from error
    except (pa.ArrowException, OSError) as error:
        raise _damaged(path, "cannot be read") from error


def _damaged(path: Path, what: str) -> UserError:
    return UserError(f"{path} {what}; give the same extract command again with --verify")
