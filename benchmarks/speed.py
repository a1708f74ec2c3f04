"""Speed and memory: of one image, of thousands of classes, of training, beside the official code.

``python -m benchmarks.speed --official PATH --rise PATH`` measures every part and writes
``results/speed.json`` after each one, so that it can be stopped; ``--only explain classes``
measures some of them again and leaves the others as they are. ``docs/performance.md`` gets its
tables from the results.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, machine
from benchmarks.speed_agreement import agreement_part
from benchmarks.speed_gpu import gpu_part
from benchmarks.speed_inference import batch_part, classes_part, explain_part
from benchmarks.speed_official import revision
from benchmarks.speed_options import Options
from benchmarks.speed_page import write_page
from benchmarks.speed_posthoc import deletion_part, rise_part
from benchmarks.speed_questions import edit_part, questions_part
from benchmarks.speed_start import start_part
from benchmarks.speed_training import training_part
from intr_discover.errors import UserError
from intr_discover.files import write_json
from intr_discover.provenance import versions

#: In the order in which they are measured.
PARTS: dict[str, Callable[[Options], dict[str, Any]]] = {
    "explain": explain_part,
    "batch": batch_part,
    "questions": questions_part,
    "edit": edit_part,
    "training": training_part,
    "classes": classes_part,
    "agreement": agreement_part,
    "deletion": deletion_part,
    "rise": rise_part,
    "start": start_part,
    "gpu": gpu_part,
}

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def main() -> None:
    """Measure, write, and put the tables into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART",
                        help=f"parts to measure: {', '.join(PARTS)}; the others stay")  # fmt: skip
    parser.add_argument("--official", metavar="PATH", help="a checkout of Imageomics/INTR")
    parser.add_argument("--rise", metavar="PATH", help="a checkout of eclique/RISE")
    parser.add_argument("--leeds-run", type=Path, metavar="PATH",
                        help="a run trained on the Leeds butterflies, for agreement")  # fmt: skip
    parser.add_argument("--leeds-data", type=Path, metavar="PATH", help="their specimens")
    parser.add_argument("--repeats", type=int, default=7, help="timed rounds (default: 7)")
    parser.add_argument("--no-memory", action="store_true", help="leave memory out")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: does it run at all?")
    parser.add_argument("--out", type=Path, help="where to write; default results/speed.json")
    parser.add_argument("--page", type=Path, help="page for the tables; default that of the docs")
    parser.add_argument("--page-only", action="store_true", help="only write the page anew")
    arguments = parser.parse_args()
    out = arguments.out or (Path("build/speed.json") if arguments.quick else RESULTS / "speed.json")
    page = arguments.page or (None if arguments.out or arguments.quick else PAGE)
    options = Options(
        arguments.official, arguments.rise, arguments.leeds_run, arguments.leeds_data,
        arguments.quick, arguments.repeats, not arguments.no_memory,
    )  # fmt: skip
    try:
        if not arguments.page_only:
            measure_parts(arguments.only, options, out)
        if page is not None:
            write_page(json.loads(out.read_text(encoding="utf-8")), page)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def measure_parts(names: list[str], options: Options, out: Path) -> None:
    """Measure parts and write the record after each one."""
    for folder in (options.official, options.rise, options.leeds_run, options.leeds_data):
        if folder is not None and not Path(folder).exists():
            raise UserError(f"{folder}: there is no such folder")
    record: dict[str, Any] = {"command": "python -m benchmarks.speed", "parts": {}}
    if out.exists():
        record = json.loads(out.read_text(encoding="utf-8"))
    for name in names:
        print(f"{name} …", flush=True)
        load, began = os.getloadavg()[0], time.monotonic()
        found = PARTS[name](options)
        record["parts"][name] = {
            "command": command(name, options),
            "measured": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
            "seconds": round(time.monotonic() - began, 1),
            "load_average_at_start": round(load, 2),
            "machine": machine(),
            "versions": versions(),
            "official_commit": revision(options.official) if options.official else None,
            "rise_commit": revision(options.rise) if options.rise else None,
            **found,
        }
        write_json(out, record)
        print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


def command(part: str, options: Options) -> str:
    """Return the command that measures a part again; places on this machine are left out."""
    words = ["python -m benchmarks.speed --only", part]
    for option, given in (
        ("official", options.official), ("rise", options.rise),
        ("leeds-run", options.leeds_run), ("leeds-data", options.leeds_data),
    ):  # fmt: skip
        words += [f"--{option} PATH"] if given else []
    words += ["--quick"] if options.quick else []
    words += [f"--repeats {options.repeats}"] if options.repeats != 7 else []
    return " ".join(words)


if __name__ == "__main__":
    main()
