"""Writing a collection as Parquet shards, which every command reads like the collection itself."""

from __future__ import annotations

import io
import os
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from intr_discover import __version__
from intr_discover.data.collections import save_collection
from intr_discover.data.images import read_image
from intr_discover.data.shards import FORMAT, MANIFEST, stored
from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError
from intr_discover.files import is_temporary, replacing, sha256, temporary_folder, write_json

#: A row group is what one reading fetches, so it is small: reading one photograph of it at random
#: reads the others too.
GROUP_BYTES = 256 * 1024

JPEG_QUALITY = 95
"""Of photographs that are made smaller; colours are not subsampled."""

_COLUMNS = ("label", "split", "specimen_id")


def write_shards(
    specimens: Specimens,
    out: Path,
    *,
    images_per_shard: int = 1000,
    side: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write a folder of shards; it is there whole or not at all.

    Parameters
    ----------
    specimens
        The collection. Masks, attributes, keypoints and pairs are carried along.
    out
        A folder that is absent or empty. It gets ``images-00000.parquet`` and so on with the
        columns ``path``, ``image`` (bytes), ``label``, ``split`` and ``specimen_id`` (where the
        collection has them), ``masks-*.parquet``, the tables, and ``shards.json`` with the size and
        SHA-256 of each file.
    images_per_shard
        Photographs of a file.
    side
        Store photographs whose shorter side has more pixels than this as smaller JPEGs; None
        stores the bytes of every file as they are.
    progress
        Called with (photographs done, photographs in all).

    Raises
    ------
    UserError
        If ``out`` is not free, a photograph cannot be read, or photographs are to be made smaller
        although masks, attributes or keypoints belong to them.
    """
    if out.exists() and (
        not out.is_dir() or any(not is_temporary(inside) for inside in out.iterdir())
    ):
        raise UserError(f"{out} exists already and is not an empty folder; name another one")
    if images_per_shard < 1 or (side is not None and side < 1):
        raise UserError("images per shard and side must be at least 1")
    masks = _mask_names(specimens)
    if side is not None and (masks or specimens.keypoints is not None):
        raise UserError(
            f"{specimens.source} has masks, attributes or keypoints, which would not fit smaller "
            "photographs: leave --side out"
        )
    new = _new_names(specimens, masks)
    table = specimens.table
    columns = [name for name in _COLUMNS if name in table]
    with temporary_folder(out) as folder:
        rows = _image_rows(specimens, new, columns, side, progress)
        files = _write_files(rows, columns, folder, "images", images_per_shard)
        masked = ({"path": new[m], "image": _content(specimens.root / m)} for m in masks)
        files += _write_files(masked, [], folder, "masks", images_per_shard)
        save_collection(_renamed(specimens, new, folder), folder)
        write_json(
            folder / MANIFEST,
            {
                "format": FORMAT,
                "intr_discover": __version__,
                "images": len(table),
                "side": side,
                "files": files,
            },
        )
        folder.chmod(0o755)
        if out.exists():
            out.rmdir()
        folder.rename(out)


def _image_rows(
    specimens: Specimens,
    new: dict[str, str],
    columns: list[str],
    side: int | None,
    progress: Callable[[int, int], None] | None,
) -> Iterator[dict[str, Any]]:
    table = specimens.table
    for number, (image, *cells) in enumerate(
        table[["image", *columns]].itertuples(index=False, name=None), 1
    ):
        path = specimens.root / image
        content = _content(path)
        if side is not None:
            content = _smaller(path, content, side)
        texts = [cell if isinstance(cell, str) else None for cell in cells]
        yield {"path": new[image], "image": content, **dict(zip(columns, texts, strict=True))}
        if progress is not None:
            progress(number, len(table))


def _write_files(
    rows: Iterable[dict[str, Any]], columns: list[str], folder: Path, kind: str, most: int
) -> list[dict[str, Any]]:
    """Write rows to ``<kind>-00000.parquet`` and so on; return what the manifest says of them."""
    schema = pa.schema(
        [("path", pa.string()), ("image", pa.binary()), *((name, pa.string()) for name in columns)]
    )
    records: list[dict[str, Any]] = []
    rows = iter(rows)
    first = next(rows, None)
    while first is not None:
        path = folder / f"{kind}-{len(records):05d}.parquet"
        with replacing(path) as temporary:
            count, first = _write_file(first, rows, schema, temporary, most)
        records.append(
            {
                "name": path.name,
                "rows": count,
                "bytes": path.stat().st_size,
                "sha256": sha256(path),
            }
        )
    return records


def _write_file(
    first: dict[str, Any], rows: Iterator[dict[str, Any]], schema: pa.Schema, path: Path, most: int
) -> tuple[int, dict[str, Any] | None]:
    """Write at most ``most`` rows; return how many, and the first of the next file."""
    text = [name for name in schema.names if name != "image"]
    group: list[dict[str, Any]] = []
    count = held = 0
    row: dict[str, Any] | None = first
    with pq.ParquetWriter(
        path,
        schema,
        # Photographs are compressed already.
        compression={"image": "NONE", **dict.fromkeys(text, "ZSTD")},
        use_dictionary=[name for name in text if name != "path"],
        write_statistics=text,
        write_page_checksum=True,
    ) as writer:
        while row is not None and count < most:
            group.append(row)
            count, held = count + 1, held + len(row["image"])
            row = next(rows, None)
            if held >= GROUP_BYTES or row is None or count == most:
                writer.write_table(pa.Table.from_pylist(group, schema))
                group, held = [], 0
    return count, row


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        content = stored(path)
        if content is None:
            raise UserError(f"{path} does not exist") from error
        return content


def _smaller(path: Path, content: bytes, side: int) -> bytes:
    pixels = read_image(path)
    height, width = pixels.shape[:2]
    if min(height, width) <= side:
        return content
    scale = side / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    made = io.BytesIO()
    Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS).save(
        made, "JPEG", quality=JPEG_QUALITY, subsampling=0
    )
    return made.getvalue()


def _mask_names(specimens: Specimens) -> list[str]:
    named: list[object] = list(specimens.table["mask"]) if "mask" in specimens.table else []
    if specimens.attributes is not None:
        named += list(specimens.attributes["mask"])
    return list(dict.fromkeys(name for name in named if isinstance(name, str)))


def _new_names(specimens: Specimens, masks: list[str]) -> dict[str, str]:
    """Return what each photograph and mask is called below the folder of the shards.

    As in the table, unless some lie outside the collection's folder: then as seen from the deepest
    folder that holds all of them.
    """
    names = [*specimens.table["image"], *masks]
    places = {name: os.path.normpath(specimens.root / name) for name in names}
    try:
        root = os.path.normpath(specimens.root)
        base = os.path.commonpath([root, *places.values()])
        if base != root:
            base = os.path.commonpath([Path(place).parent for place in places.values()])
    except ValueError:  # Windows: on several drives
        raise UserError(f"{specimens.source}: its files lie on several drives") from None
    return {
        name: unicodedata.normalize("NFC", Path(os.path.relpath(place, base)).as_posix())
        for name, place in places.items()
    }


def _renamed(specimens: Specimens, new: dict[str, str], folder: Path) -> Specimens:
    def renamed(table: pd.DataFrame | None, *columns: str) -> pd.DataFrame | None:
        if table is None:
            return None
        changed = {
            name: [new.get(cell, cell) for cell in table[name]] for name in columns if name in table
        }
        return table.assign(**changed)

    table = renamed(specimens.table, "image", "mask")
    assert table is not None
    return Specimens(
        table,
        folder,
        attributes=renamed(specimens.attributes, "image", "mask"),
        keypoints=renamed(specimens.keypoints, "image"),
        pairs=specimens.pairs,
    )
