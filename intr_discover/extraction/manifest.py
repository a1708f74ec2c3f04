"""The end of an extraction: the table of defects, and the manifest of all files."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any

from intr_discover.errors import UserError
from intr_discover.extraction.layout import Layout
from intr_discover.extraction.plan import Plan
from intr_discover.extraction.shards import read_record
from intr_discover.files import replacing, sha256, write_json

DEFECT_COLUMNS = ("row", "image", "label", "split", "defect", "reason")


def finish(plan: Plan) -> dict[str, Any]:
    """Write ``defects.csv`` and, last, ``manifest.json``; return the manifest.

    Records are read one after the other: the memory does not grow with the defects.
    """
    layout = plan.layout
    files: list[dict[str, Any]] = []
    rows = defects = 0
    with (
        replacing(layout.defects) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        table = csv.DictWriter(file, DEFECT_COLUMNS, lineterminator="\n")
        table.writeheader()
        for record in _records(plan):
            table.writerows(record["defects"])
            rows += record["rows"]
            defects += len(record["defects"])
            files.append({**record["file"], "rows": record["rows"]})
    assert rows + defects == plan.images, "every photograph exactly once"
    others = (layout.description, layout.images, layout.defects)
    manifest = {
        "format": plan.description["format"],
        "images": plan.images,
        "rows": rows,
        "defects": defects,
        "shards": plan.shards,
        "bytes": sum(file["bytes"] for file in files),
        "files": files,
        "beside": [
            {"name": path.name, "bytes": path.stat().st_size, "sha256": sha256(path)}
            for path in others
        ],
    }
    write_json(layout.manifest, manifest)
    return manifest


def read_manifest(layout: Layout) -> dict[str, Any]:
    """Return the manifest of an extraction that came to its end.

    Raises
    ------
    UserError
        If it did not.
    """
    try:
        manifest = json.loads(layout.manifest.read_text(encoding="utf-8"))
        names = [file["name"] for file in manifest["files"]]
    except FileNotFoundError:
        raise UserError(
            f"{layout.folder}: the extraction is not finished; the same intr-discover extract "
            "command goes on with it"
        ) from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{layout.manifest} is damaged: remove it and give the same extract command again"
        ) from error
    assert len(names) == manifest["shards"], "one file a shard"
    return dict(manifest)


def _records(plan: Plan) -> Iterator[dict[str, Any]]:
    for shard in range(plan.shards):
        record = read_record(plan.layout, shard)
        if record is None:
            raise UserError(f"{plan.layout.record(shard)} is gone; give the same command again")
        yield record
