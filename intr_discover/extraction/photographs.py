"""Photographs of a shard, read ahead in threads; one that cannot be read is a row of defects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from intr_discover.data.images import ImageError, read_image
from intr_discover.data.preprocessing import Preprocessing
from intr_discover.data.shards import sha256_of
from intr_discover.errors import UserError

BLOCK_BATCHES = 2
"""Photographs that are read, asked about and written together, in batches."""


@dataclass(frozen=True)
class PlannedImage:
    """One photograph that is to be extracted: a row of ``images.parquet``.

    Attributes
    ----------
    row
        Its number in the whole collection, from 0.
    image
        Its path as the specimen table names it.
    label, split
        As in the table; ``split`` is None where there are none.
    bytes
        Size of its file when the extraction was planned; -1 where it lies in shards, None where it
        was not there.
    """

    row: int
    image: str
    label: str
    split: str | None
    bytes: int | None


@dataclass(frozen=True)
class Photograph:
    """A photograph that could be read.

    Attributes
    ----------
    planned
        Which one.
    sha256
        Of the file's bytes.
    pixels
        ``[3, h, w]``, as the model wants it.
    shape
        (height, width) of the upright original.
    """

    planned: PlannedImage
    sha256: str
    pixels: Tensor
    shape: tuple[int, int]


@dataclass(frozen=True)
class Defect:
    """A photograph that could not be read: a row of ``defects.csv``.

    Attributes
    ----------
    row, image, label, split
        See ``PlannedImage``.
    defect
        ``missing``, ``empty``, ``truncated``, ``gigantic`` or ``unreadable``.
    reason
        The same in words.
    """

    row: int
    image: str
    label: str
    split: str | None
    defect: str
    reason: str

    def as_dict(self) -> dict[str, Any]:
        """Return the row."""
        return asdict(self)


def read_photograph(
    planned: PlannedImage, root: Path, preprocessing: Preprocessing
) -> Photograph | Defect:
    """Read, hash and resize one photograph, or say why that is impossible."""
    path = root / planned.image
    try:
        original = read_image(path)
        digest = sha256_of(path)
    except ImageError as error:
        return _defect(planned, error.kind, str(error).removeprefix(str(path)).strip())
    except FileNotFoundError:
        return _defect(planned, "missing", "vanished while it was read")
    height, width = original.shape[:2]
    return Photograph(planned, digest, preprocessing(original), (height, width))


def read_blocks(
    images: Sequence[PlannedImage],
    root: Path,
    preprocessing: Preprocessing,
    batch_size: int,
    workers: int,
) -> Iterator[list[Photograph | Defect]]:
    """Yield the photographs of a shard in blocks, in their order.

    While one block is asked about, the next is read; never more than two are in memory, however
    many photographs there are. Where a block ends depends on ``batch_size`` alone.

    Raises
    ------
    UserError
        If a whole block that was there is gone: then it is the disk that is missing, see
        ``require_some``.
    """
    size = BLOCK_BATCHES * batch_size
    blocks = [images[start : start + size] for start in range(0, len(images), size)]
    pool = ThreadPoolExecutor(max_workers=max(1, workers))

    def begin(block: Sequence[PlannedImage]) -> list[Any]:
        return [pool.submit(read_photograph, each, root, preprocessing) for each in block]

    try:
        ahead = begin(blocks[0]) if blocks else []
        for number in range(len(blocks)):
            current = ahead
            ahead = begin(blocks[number + 1]) if number + 1 < len(blocks) else []
            read = [future.result() for future in current]
            require_some(blocks[number], read, root)
            yield read
            del read, current
    finally:
        pool.shutdown(cancel_futures=True)


def require_some(
    planned: Sequence[PlannedImage], read: Sequence[Photograph | Defect], root: Path
) -> None:
    """Refuse to take a disk that is gone for photographs that are broken.

    One photograph that vanishes is a defect, as a truncated one is. When nothing can be read of
    many that were there at the beginning, the disk is gone, and the rest of a collection must not
    be written off.

    Raises
    ------
    UserError
        If no photograph of a block was read, and all of at least one that were there are missing.
    """
    there = {each.row for each in planned if each.bytes is not None}
    missing = {each.row for each in read if isinstance(each, Defect) and each.defect == "missing"}
    alone = len(there) == 1 and root.is_dir()
    if there and there <= missing and not alone:
        raise UserError(
            f"{root}: {planned[0].image} and all {len(there)} photographs after it are gone since "
            "the extraction began; bring the disk back and give the same command again"
        )


def batches(photographs: Sequence[Photograph], batch_size: int) -> Iterator[list[Photograph]]:
    """Yield photographs of one size together, at most ``batch_size`` of them.

    A photograph is never padded, so what the model says of it does not depend on the others.
    """
    groups: dict[tuple[int, ...], list[Photograph]] = {}
    for photograph in photographs:
        groups.setdefault(tuple(photograph.pixels.shape), []).append(photograph)
    for group in groups.values():
        for start in range(0, len(group), batch_size):
            yield group[start : start + batch_size]


def _defect(planned: PlannedImage, defect: str, reason: str) -> Defect:
    return Defect(planned.row, planned.image, planned.label, planned.split, defect, reason)
