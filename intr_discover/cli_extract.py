"""``intr-discover extract``: what the model says of a whole collection, as a Parquet data set.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from intr_discover.cli_options import (
    BatchSize,
    Classes,
    Data,
    Device,
    Precision,
    PrecisionName,
    Run,
    UnusedSeed,
    choose_split,
    command_words,
    load_model,
    read_collection,
)
from intr_discover.console import progress_bar
from intr_discover.errors import UserError, system_trouble


class MapsOf(StrEnum):
    """Whose class queries are kept."""

    predicted = "predicted"
    true = "true"
    all = "all"
    none = "none"


class MapsType(StrEnum):
    """How maps are stored."""

    float16 = "float16"
    float32 = "float32"


def extract(
    run: Run,
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder of the data set; one begun goes on.")],
    split: Annotated[str, typer.Option(help="train, val, test or all.")] = "all",
    maps: Annotated[
        MapsOf, typer.Option(help="Classes whose maps and head descriptors are kept.")
    ] = MapsOf.predicted,
    maps_type: Annotated[
        MapsType, typer.Option(help="float16 keeps three digits in half the space.")
    ] = MapsType.float16,
    images_per_shard: Annotated[
        int, typer.Option(min=1, help="Photographs of a file, and of a step that is resumed.")
    ] = 1000,
    workers: Annotated[
        int, typer.Option(min=1, help="Threads of each process that read photographs.")
    ] = 2,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Check every byte that is there; make damaged files again."),
    ] = False,
    classes: Classes = None,
    seed: UnusedSeed = 0,
    batch_size: BatchSize = 32,
    device: Device = "auto",
    precision: Precision = PrecisionName.fp32,
) -> None:
    """Write maps, head descriptors and logits of a collection to Parquet.

    With several processes: accelerate launch --module intr_discover extract ... The same command
    goes on after a break.
    """
    from intr_discover.extraction.processes import ToldByMainError, joined
    from intr_discover.extraction.run import extract as run_extraction
    from intr_discover.extraction.settings import ExtractionSettings

    settings = ExtractionSettings(split, maps.value, maps_type.value, images_per_shard, batch_size)
    with joined(device) as group:
        try:
            explainer = group.main_first(
                lambda: load_model(run, classes, group.device, precision.value)
            )
            with progress_bar("extracting") as progress:
                manifest = run_extraction(
                    explainer,
                    lambda: choose_split(read_collection(data, allow_missing=True), split)[0],
                    out,
                    settings,
                    processes=group,
                    workers=workers,
                    verify=verify,
                    command=command_words(),
                    progress=progress,
                )
        except KeyboardInterrupt:
            raise UserError("interrupted; the same command goes on") from None
        except (UserError, OSError) as error:
            if not group.is_main and not isinstance(error, ToldByMainError):
                _say(error, group.index)
            raise
    if group.is_main:
        _report(manifest, out)


def _report(manifest: dict[str, int], out: Path) -> None:
    rows, defects = manifest["rows"], manifest["defects"]
    each = f", {manifest['bytes'] / rows:,.0f} bytes each" if rows else ""
    print(f"extracted {rows:,} of {manifest['images']:,} photographs{each}")
    if defects:
        print(f"{defects:,} could not be read: {out / 'defects.csv'}")
    print(f"wrote {out}")


def _say(error: UserError | OSError, index: int) -> None:
    """Let a process that is silent otherwise say what stops it; the main one knows nothing."""
    words = system_trouble(error) if isinstance(error, OSError) else str(error)
    print(f"intr-discover: process {index}: {' '.join(words.split())}", file=sys.stderr, flush=True)
