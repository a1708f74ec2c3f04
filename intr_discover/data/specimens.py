"""Specimens: the table of photographs, labels, splits, masks and keypoints of one collection."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from intr_discover.data.demo import DEMO, demo_collection
from intr_discover.data.folders import SPLITS, read_folder
from intr_discover.data.packed import packed_files, read_packed
from intr_discover.data.shards import require_sha256
from intr_discover.data.specimen_tables import (
    read_attributes,
    read_keypoints,
    read_pairs,
    read_specimen_table,
    refuse_specimen_in_two_splits,
)
from intr_discover.data.tables import TABLE_SUFFIXES
from intr_discover.data.threads import map_in_threads
from intr_discover.errors import UserError, shorten
from intr_discover.files import write_with


class Specimens:
    """A collection of specimen photographs: one row an image.

    Made by ``Specimens.read``; a ``Specimens`` is never changed, ``select`` and ``without`` return
    new ones.

    Parameters
    ----------
    table
        Columns ``image`` (POSIX path relative to ``root``) and ``label``; optional ``split``,
        ``specimen_id``, ``mask`` (as ``image``) and anything else.
    root
        The folder that the paths of the table start from.
    source
        The folder or table that was read, for messages and provenance.
    attributes
        ``image, attribute, mask``: regions of images that show a named attribute.
    keypoints
        ``image, keypoint, x, y``: pixels of the upright photograph from its top left corner;
        x or y missing where the point is not visible.
    pairs
        ``label_a, label_b`` and optionally ``diagnostic``: look-alikes.
    ignored
        Files below the folder that are no pictures, relative to ``root``.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        root: Path,
        source: Path | None = None,
        *,
        attributes: pd.DataFrame | None = None,
        keypoints: pd.DataFrame | None = None,
        pairs: pd.DataFrame | None = None,
        ignored: Sequence[str] = (),
    ) -> None:
        self.root = Path(root).absolute()
        self.source = Path(source if source is not None else root).absolute()
        self.table = table.reset_index(drop=True)
        self.attributes = attributes
        self.keypoints = keypoints
        self.pairs = pairs
        self.ignored = tuple(ignored)

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        *,
        split: str | None = None,
        allow_missing: bool = False,
    ) -> Specimens:
        """Read a folder or a table of specimens.

        Parameters
        ----------
        path
            A folder ``root/<label>/*`` or ``root/<split>/<label>/*``, a folder that holds
            ``specimens.csv`` (or .tsv, .xlsx, .parquet), or such a table of any name.
            A ``.tar`` of a WebDataset, a Parquet file with photographs in it, or a folder of such
            files (``packed.py``). ``attributes.csv``, ``keypoints.csv`` and ``pairs.csv`` beside
            it are read too. The
            word ``"demo"`` (a text, no ``Path``) stands for the demo's drawn specimens.
        split
            Keep this split only: ``"train"``, ``"val"`` or ``"test"``.
        allow_missing
            Accept rows whose picture is not on disk, as long as some are; the defect report then
            names them.

        Raises
        ------
        UserError
            What is wrong, in which file and rows, and what to do.
        """
        path = demo_collection() if isinstance(path, str) and path == DEMO else Path(path)
        if not path.exists():
            raise UserError(f"there is no folder or table {path}")
        if path.is_dir():
            found = [path / f"specimens{suffix}" for suffix in TABLE_SUFFIXES]
            source = next((file for file in found if file.is_file()), path)
        else:
            source = path
        root = source if source.is_dir() else source.parent
        attributes = read_attributes(root)
        ignored: list[str] = []
        packed = packed_files(source)
        if packed:
            table = read_packed(packed, root)
            refuse_specimen_in_two_splits(table, source)
        elif source.is_dir():
            masks = set() if attributes is None else set(attributes["mask"])
            table, ignored = read_folder(source, leave_out=masks)
        else:
            table = read_specimen_table(source, allow_missing)
        specimens = cls(
            table,
            root,
            source,
            attributes=attributes,
            keypoints=read_keypoints(root),
            pairs=read_pairs(root),
            ignored=ignored,
        )
        return specimens if split is None else specimens.select(split=split)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        splits = ", ".join(self.splits) or "no splits"
        return (
            f"<Specimens {self.source}: {len(self)} images, {len(self.classes)} labels, {splits}>"
        )

    @property
    def classes(self) -> list[str]:
        """The labels, sorted, each once."""
        return sorted(set(self.table["label"]))

    @property
    def splits(self) -> list[str]:
        """The splits that have images, in the order train, val, test."""
        if "split" not in self.table:
            return []
        present = set(self.table["split"])
        return [name for name in SPLITS if name in present]

    @property
    def paths(self) -> list[Path]:
        """Absolute paths of the photographs, row by row."""
        return [self.root / image for image in self.table["image"]]

    @property
    def names(self) -> list[str]:
        """Paths of the photographs below the deepest folder that holds all of them, row by row.

        They stay the same when the table or the whole collection is moved.
        """
        paths = [Path(os.path.normpath(path)) for path in self.paths]
        if not paths:
            return []
        folder = os.path.commonpath([path.parent for path in paths])
        return [path.relative_to(folder).as_posix() for path in paths]

    @property
    def mask_paths(self) -> list[Path | None]:
        """Absolute paths of the specimen masks, row by row; None where a row has none."""
        if "mask" not in self.table:
            return [None] * len(self)
        return [self.root / mask if isinstance(mask, str) else None for mask in self.table["mask"]]

    def has_split(self, name: str) -> bool:
        """Return whether any image is in the split ``name``."""
        return name in self.splits

    def label_ids(self, classes: Sequence[str]) -> np.ndarray:
        """Return each row's place in ``classes`` as ``int64 [N]``.

        Raises
        ------
        UserError
            Labels that are not among ``classes``.
        """
        position = {name: number for number, name in enumerate(classes)}
        unknown = [name for name in self.classes if name not in position]
        if unknown:
            raise UserError(
                f"{self.source} has labels that the model does not know: {shorten(unknown)}; "
                f"it knows {shorten(list(classes))}"
            )
        return np.array([position[label] for label in self.table["label"]], dtype=np.int64)

    def select(
        self, *, split: str | None = None, labels: Collection[str] | None = None
    ) -> Specimens:
        """Return the rows of one split, of some labels, or of both.

        Raises
        ------
        UserError
            There is no such split or label, or nothing is left.
        """
        keep = np.ones(len(self), dtype=bool)
        if split is not None:
            if not self.has_split(split):
                there = f"it has {', '.join(self.splits)}" if self.splits else "it has no splits"
                raise UserError(f"{self.source} has no split '{split}': {there}")
            keep &= (self.table["split"] == split).to_numpy()
        if labels is not None:
            unknown = sorted(set(labels) - set(self.classes))
            if unknown:
                raise UserError(
                    f"{self.source} has no label {shorten(unknown)}; it has {shorten(self.classes)}"
                )
            keep &= self.table["label"].isin(list(labels)).to_numpy()
        if not keep.any():
            where = f" in the split '{split}'" if split is not None else ""
            raise UserError(
                f"{self.source} has no images of {shorten(sorted(labels or []))}{where}"
            )
        return self.with_table(self.table[keep])

    def without(self, images: Collection[str]) -> Specimens:
        """Return the collection without the named images (as in the column ``image``)."""
        return self.with_table(self.table[~self.table["image"].isin(list(images))])

    def with_table(self, table: pd.DataFrame) -> Specimens:
        """Return the same collection with another table; attributes and keypoints follow it."""
        images = set(table["image"])
        return Specimens(
            table,
            self.root,
            self.source,
            attributes=_rows_of(self.attributes, images),
            keypoints=_rows_of(self.keypoints, images),
            pairs=self.pairs,
            ignored=self.ignored,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the table as .csv or .parquet, its paths relative to the new place.

        Attributes, keypoints and pairs stay where they are.

        Raises
        ------
        UserError
            The suffix is another one.
        """
        path = Path(path).absolute()
        table = self.table.copy()
        for column in ("image", "mask"):
            if column in table:
                moved = [self._moved(value, path.parent) for value in table[column]]
                table[column] = pd.Series(moved, index=table.index, dtype=object)
        if path.suffix.lower() == ".csv":
            write_with(path, lambda file: table.to_csv(file, index=False))
        elif path.suffix.lower() == ".parquet":
            write_with(path, lambda file: table.to_parquet(file, index=False))
        else:
            raise UserError(f"cannot write the table {path}: its name must end in .csv or .parquet")

    def fingerprint(self, progress: Callable[[int, int], None] | None = None) -> str:
        """Return the SHA-256 of what the collection holds, as 64 hexadecimal digits.

        It changes when a byte of a photograph, its name, label, split or specimen_id changes; it
        stays when rows are reordered, and when the folder or the table is moved. Masks and other
        columns do not count.

        Raises
        ------
        UserError
            A photograph cannot be read.
        """
        paths, names = self.paths, self.names
        digests = map_in_threads(require_sha256, paths, progress=progress)
        fields = [names, digests]
        for column in ("label", "split", "specimen_id"):
            if column in self.table:
                values = self.table[column]
                fields.append([f"{column}={v}" if isinstance(v, str) else "" for v in values])
        # Separators that no name holds, so that no two collections give the same text.
        records = ["\x1f".join(filter(None, record)) for record in zip(*fields, strict=True)]
        return hashlib.sha256("\x1e".join(sorted(records)).encode()).hexdigest()

    def summary(self) -> pd.DataFrame:
        """Return the number of images of each label in each split: ``label, split, images``.

        Every label has a row for every split, also where it has no images. Without splits, the
        column ``split`` says "all"; with a ``specimen_id`` there is also a column ``specimens``.
        """
        splits = self.splits or ["all"]
        table = self.table if self.splits else self.table.assign(split="all")
        groups = table.groupby(["label", "split"])
        counts = pd.DataFrame({"images": groups.size()})
        if "specimen_id" in table:
            # An image without a specimen_id is a specimen of its own.
            ids = table["specimen_id"].fillna(table["image"])
            counts["specimens"] = (
                table.assign(specimen_id=ids).groupby(["label", "split"])["specimen_id"].nunique()
            )
        index = pd.MultiIndex.from_product([self.classes, splits], names=["label", "split"])
        return counts.reindex(index, fill_value=0).reset_index()

    def _moved(self, value: object, folder: Path) -> object:
        if not isinstance(value, str):
            return value
        try:
            return Path(os.path.relpath(self.root / value, folder)).as_posix()
        except ValueError:  # Windows: on another drive there is no relative path
            return (self.root / value).as_posix()


def _rows_of(table: pd.DataFrame | None, images: set[str]) -> pd.DataFrame | None:
    return None if table is None else table[table["image"].isin(images)].reset_index(drop=True)
