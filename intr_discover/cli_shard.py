"""``intr-discover shard``: a collection as a few large files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from intr_discover.cli_options import Data, read_collection
from intr_discover.console import progress_bar


def shard(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder to make; any command takes it as DATA.")],
    images_per_shard: Annotated[int, typer.Option(min=1, help="Photographs of a file.")] = 1000,
    side: Annotated[
        int | None,
        typer.Option(min=1, help="Make photographs smaller: pixels of the shorter side."),
    ] = None,
) -> None:
    """Pack photographs and tables into Parquet shards, for large data sets."""
    from intr_discover.data.sharding import write_shards

    collection = read_collection(data)
    with progress_bar("packing photographs") as progress:
        write_shards(
            collection, out, images_per_shard=images_per_shard, side=side, progress=progress
        )
    print(f"wrote {len(collection)} photographs to {out}")
