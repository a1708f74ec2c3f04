"""The folder of an extraction: which file stands where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FORMAT = 1
"""Of the files described here; a reader refuses a higher one."""


@dataclass(frozen=True)
class Layout:
    """Names of files in the folder of an extraction.

    Attributes
    ----------
    folder
        Holds, in the order of writing: ``images.parquet`` (what is to be extracted: one row an
        image, one row group a shard), ``extraction.json`` (of which model, with which settings),
        for each shard ``rows/shard-000000.parquet`` and then ``shards/shard-000000.json`` (its
        record: without it the shard counts as not done), ``defects.csv``, and last
        ``manifest.json`` (all files with their checksums: without it the extraction is not done).
    """

    folder: Path

    @property
    def images(self) -> Path:
        """Return the table of the photographs that are to be extracted."""
        return self.folder / "images.parquet"

    @property
    def description(self) -> Path:
        """Return the file that says what is extracted of what."""
        return self.folder / "extraction.json"

    @property
    def defects(self) -> Path:
        """Return the table of the photographs that could not be read."""
        return self.folder / "defects.csv"

    @property
    def manifest(self) -> Path:
        """Return the file that is written last."""
        return self.folder / "manifest.json"

    @property
    def lock(self) -> Path:
        """Return the file by which others are kept out while an extraction runs."""
        return self.folder / ".lock"

    def rows(self, shard: int) -> Path:
        """Return the Parquet file of a shard."""
        return self.folder / "rows" / f"shard-{shard:06d}.parquet"

    def record(self, shard: int) -> Path:
        """Return the file that says that a shard is whole."""
        return self.folder / "shards" / f"shard-{shard:06d}.json"
