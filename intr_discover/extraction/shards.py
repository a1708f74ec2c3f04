"""One shard: its photographs through the model into one Parquet file, then its record.

A shard is the unit of work. Whatever process makes it, alone or among many, the batches in it are
the same, and so is the file, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from intr_discover.explain.explainer import Explainer
from intr_discover.extraction.answers import Answer, ask
from intr_discover.extraction.layout import Layout
from intr_discover.extraction.photographs import Defect, Photograph, batches, read_blocks
from intr_discover.extraction.plan import Plan
from intr_discover.extraction.rows import FEW_VALUES, ORDERED, schema_of, table_of
from intr_discover.files import replacing, sha256, write_json
from intr_discover.model.intr import INTR


def extract_shard(
    plan: Plan,
    shard: int,
    root: Path,
    explainer: Explainer,
    *,
    workers: int = 2,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write the rows of a shard, and last its record.

    Parameters
    ----------
    plan
        Which photographs, which settings.
    shard
        Its number, from 0.
    root
        The folder that the paths of photographs start from.
    explainer
        The model.
    workers
        Threads that read photographs; no number depends on it.
    progress
        Called with the number of photographs that were just done.

    Raises
    ------
    UserError
        If the disk of the photographs is gone, or the model answers with NaN.
    OSError
        If the system refuses to write. Nothing half-written is left then, nor after a kill.
    """
    settings = plan.settings
    planned = {each.row: each for each in plan.read(shard)}
    schema = schema_of(settings, isinstance(explainer.model, INTR), plan.decisive)
    path = plan.layout.rows(shard)
    plan.layout.record(shard).unlink(missing_ok=True)  # of an earlier file that is damaged
    defects: list[Defect] = []
    blocks = read_blocks(
        list(planned.values()), root, explainer.preprocessing, settings.batch_size, workers
    )
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(
            temporary,
            schema,
            compression="zstd",
            use_dictionary=[name for name in FEW_VALUES if name.split(".")[0] in schema.names],
            write_statistics=list(ORDERED),
        ) as writer,
    ):
        for block in blocks:
            defects += [each for each in block if isinstance(each, Defect)]
            answers: list[Answer] = []
            there = [each for each in block if isinstance(each, Photograph)]
            for batch in batches(there, settings.batch_size):
                answers += ask(explainer, batch, settings)
            if answers:
                writer.write_table(table_of(answers, planned, shard, explainer.classes, schema))
            if progress is not None:
                progress(len(block))
    record = {
        "shard": shard,
        "images": len(planned),
        "rows": len(planned) - len(defects),
        "defects": [each.as_dict() for each in defects],
        "file": {
            "name": path.relative_to(plan.layout.folder).as_posix(),
            "bytes": path.stat().st_size,
            "sha256": sha256(path),
        },
        "device": explainer.device_name,
    }
    write_json(plan.layout.record(shard), record)


def read_record(layout: Layout, shard: int) -> dict[str, Any] | None:
    """Return the record of a shard; None where there is none that can be read."""
    try:
        record = json.loads(layout.record(shard).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and record.get("shard") == shard else None


def is_whole(layout: Layout, shard: int, *, checksum: bool = False) -> bool:
    """Return whether a shard was finished and its file is still as it was.

    Parameters
    ----------
    layout
        The folder.
    shard
        Its number.
    checksum
        Compare every byte, not the size alone.
    """
    record = read_record(layout, shard)
    if record is None:
        return False
    path = layout.folder / record["file"]["name"]
    try:
        if path.stat().st_size != record["file"]["bytes"]:
            return False
        return not checksum or sha256(path) == record["file"]["sha256"]
    except FileNotFoundError:
        return False
