"""A finished comparison of methods as a result that the documentation can quote.

Trains and measures nothing: reads what ``intr-discover study neighbours`` has written.
"""

from __future__ import annotations

import argparse
import json
import shlex
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.common import RESULTS
from intr_discover.files import write_json, write_text


def main() -> None:
    """Read, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="what study neighbours has written")
    parser.add_argument("--name", required=True, help="of the collection, in lower-case letters")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    if not (options.folder / "provenance.json").is_file():
        raise SystemExit(f"{options.folder} holds no finished comparison of methods")
    record = read_comparison(options.folder)
    options.out.mkdir(parents=True, exist_ok=True)
    write_json(options.out / f"neighbours_{options.name}.json", record)
    page = as_markdown(record, options.name)
    write_text(options.out / f"neighbours_{options.name}.md", page)
    print(page)


def read_comparison(folder: Path) -> dict[str, Any]:
    """Return the numbers by method and measure, and how they were made."""
    made = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    table = pd.read_csv(folder / "neighbours.csv")
    methods: dict[str, dict[str, Any]] = {}
    for row in table.astype(object).where(table.notna(), None).to_dict("records"):
        numbers = {key: row[key] for key in ("value", "low", "high", "n", "note")}
        methods.setdefault(row["method"], {})[row["measure"]] = numbers
    wide = pd.read_csv(folder / "neighbours_wide.csv", keep_default_na=False)
    kept = ("command", "seed", "data_fingerprint", "settings", "versions", "machine")
    return {
        **{key: made[key] for key in kept},
        "methods": methods,
        "table": wide.to_dict("split", index=False),
    }


def as_markdown(record: dict[str, Any], name: str) -> str:
    """Return the table with measures in rows and methods in columns."""
    columns, rows = record["table"]["columns"], record["table"]["data"]
    command = shlex.join(record["command"] or [])
    machine = record["machine"]
    lines = [
        f"# INTR and its neighbours: {name}",
        "",
        f"Command: `{command}`. Machine: {machine['processor']}, {machine['threads']} thread(s), "
        f"{machine['device']}. Brackets are 95 % intervals. What is measured: "
        "[docs/neighbours.md](../../docs/neighbours.md).",
        "",
        f"| | {' | '.join(str(row[0]) for row in rows)} |",
        f"|---|{'---|' * len(rows)}",
    ]
    for place, words in enumerate(columns[1:], 1):
        lines.append(f"| {words} | {' | '.join(str(row[place]) for row in rows)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
