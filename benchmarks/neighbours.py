"""The paper's neighbours beside INTR, on the mimicry rings, on Leeds butterflies, on yours.

``python -m benchmarks.neighbours rings`` draws the rings, trains a plain classifier on them, then
every method from its backbone, and measures all, by the command line alone and on one core.
Stopped, it goes on where it was. With a folder that ``intr-discover study neighbours`` has
written, it trains and measures nothing. Either way the numbers become a result that the
documentation can quote.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.common import RESULTS
from data_prep.leeds import prepare
from intr_discover.files import write_json, write_text

RUNS = Path("runs/neighbours")
LEEDS = Path("runs/leeds/data")
"""The table of the Leeds butterflies, as for the other benchmarks of them."""


@dataclass(frozen=True)
class Collection:
    """How the methods are compared on one collection.

    Attributes
    ----------
    settings
        Words of ``study neighbours`` for all trainings.
    epochs
        Of the plain classifier, and of each method that begins with its backbone; None where the
        settings say how many.
    on_two_cores
        Methods that are trained first, on two cores, each with words of ``study neighbours`` of
        its own: those that need more epochs than the others, and the more time for each.
    drawn
        Words of ``intr-discover rings`` where the photographs are drawn.
    """

    settings: Sequence[str]
    epochs: tuple[int, int] | None
    on_two_cores: Mapping[str, Sequence[str]] = field(default_factory=dict)
    drawn: Sequence[str] = ()


COLLECTIONS = {
    # 18 epochs each. No other training or choice used this seed.
    "rings": Collection(
        ["--config", "scripts/demo_model.yaml", "--image-size", "96"], None,
        drawn=["--per-class", "250", "--size", "96", "--rings", "4", "--seed", "90210"],
    ),
    # As many epochs as go into 20 minutes. The batch is that of all others; with CaBRNet's 32 they
    # were right less often on the validation photographs.
    "leeds": Collection([], (13, 17), {
        "protopnet": ["--own", "protopnet.epochs=32", "--own", "protopnet.batch_size=16"],
        "prototree": ["--own", "prototree.epochs=30", "--own", "prototree.batch_size=16"],
    }),
}  # fmt: skip


def main() -> None:
    """Make what is missing, read, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    known = ", ".join(COLLECTIONS)
    parser.add_argument("what", help=f"{known}, or a folder that study neighbours has written")
    parser.add_argument("--name", help="of the result, in lower-case letters; for a folder")
    parser.add_argument("--runs", type=Path, default=RUNS, help="trainings and measurements")
    parser.add_argument("--leeds", type=Path, default=Path("../shared/data/leeds"))
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()
    if options.what in COLLECTIONS:
        name, command = options.what, f"python -m benchmarks.neighbours {options.what}"
        folder = compare(name, options.runs / name, options.leeds)
    else:
        name, folder, command = options.name, Path(options.what), None
        if name is None:
            raise SystemExit("give the result a --name")
    if not (folder / "provenance.json").is_file():
        raise SystemExit(f"{folder} holds no finished comparison of methods")
    record = read_comparison(folder, command)
    options.out.mkdir(parents=True, exist_ok=True)
    write_json(options.out / f"neighbours_{name}.json", record)
    page = as_markdown(record, name)
    write_text(options.out / f"neighbours_{name}.md", page)
    print(page)


def compare(name: str, place: Path, leeds: Path) -> Path:
    """Make what is missing of a comparison; return its folder."""
    collection = COLLECTIONS[name]
    photographs = place / "photographs" if collection.drawn else LEEDS
    if not photographs.exists() and collection.drawn:
        _run(["rings", str(photographs), *collection.drawn])
    elif not photographs.exists():
        prepare(leeds, photographs)
    first, methods = place / "first", place / "methods"
    asked = ["study", "neighbours", str(photographs), *collection.settings, "--device", "cpu"]
    plain = first / "trained" / "plain"
    of_plain: list[str] = []
    of_each: list[str] = []
    if collection.epochs is not None:
        of_plain, of_each = (["--epochs", str(each)] for each in collection.epochs)
    _run([
        *asked, "--out", str(first), "--methods", "cam", "--photographs", "4", "--changed", "1",
        *of_plain,
    ])  # fmt: skip
    asked += ["--out", str(methods), "--run", f"plain={plain}", "--backbone-weights", str(plain)]
    asked += of_each
    own: list[str] = []
    for method, words in collection.on_two_cores.items():
        _run([*asked, *words, "--methods", method], cores=2)
        own += words
    _run([*asked, *own])
    return methods


def _run(words: Sequence[str], cores: int = 1) -> None:
    limited = {**os.environ, "OMP_NUM_THREADS": str(cores)}
    program = [sys.executable, "-m", "intr_discover"]
    subprocess.run([*program, *words], check=True, env=limited)  # noqa: S603 - our own program


def read_comparison(folder: Path, command: str | None = None) -> dict[str, Any]:
    """Return the numbers by method and measure, and how they were made.

    Parameters
    ----------
    folder
        What ``study neighbours`` has written.
    command
        What makes it anew; by default the one in its record.
    """
    made = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    table = pd.read_csv(folder / "neighbours.csv")
    methods: dict[str, dict[str, Any]] = {}
    for row in table.astype(object).where(table.notna(), None).to_dict("records"):
        numbers = {key: row[key] for key in ("value", "low", "high", "n", "note")}
        # Why a method was left out may name a file: as seen from here, for it is published.
        if numbers["note"]:
            numbers["note"] = numbers["note"].replace(f"{Path.cwd()}/", "")
        methods.setdefault(row["method"], {})[row["measure"]] = numbers
    wide = pd.read_csv(folder / "neighbours_wide.csv", keep_default_na=False)
    kept = ("seed", "data_fingerprint", "settings", "versions", "machine")
    return {
        **{key: made[key] for key in kept},
        "command": command or shlex.join(made["command"] or []),
        "photographs": made["settings"]["photographs"],
        "methods": methods,
        "table": wide.to_dict("split", index=False),
    }


def as_markdown(record: dict[str, Any], name: str) -> str:
    """Return the table with measures in rows and methods in columns."""
    columns, rows = record["table"]["columns"], record["table"]["data"]
    command, machine, counts = record["command"], record["machine"], record["photographs"]
    lines = [
        f"# INTR and its neighbours: {name}",
        "",
        f"Command: `{command}`. Machine: {machine['processor']}, {machine['threads']} thread(s), "
        f"{machine['device']}. Photographs: {counts['train']} to train, {counts['val']} to "
        f"validate, {counts['measured']} measured. Brackets are 95 % intervals. What is measured: "
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
