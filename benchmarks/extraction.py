"""Extraction of a collection: speed, size, memory, and the same data set however it is made.

Draws ring specimens, extracts them by one process, by two, and by two that are killed twice
(SIGKILL at random moments), and compares the three data sets row for row.

    python -m benchmarks.extraction
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import RESULTS, machine
from intr_discover import load
from intr_discover.data import rings
from intr_discover.extraction.reader import Extraction
from intr_discover.files import write_json
from intr_discover.provenance import versions

KEPT = {
    "none": ("--maps", "none"),
    "predicted, float16": (),
    "predicted, float32": ("--maps-type", "float32"),
    "all 16 classes, float16": ("--maps", "all"),
}
TWO = (
    "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2",
    "--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no",
    "--main_process_port", "0", "--module", "intr_discover",
)  # fmt: skip
ONE = ("-m", "intr_discover")


def main() -> None:
    """Measure, write, print."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--per-class", type=int, default=125, help="specimens of each species")
    parser.add_argument("--few", type=int, default=13, help="of each species, for memory and size")
    parser.add_argument("--shard", type=int, default=50, help="photographs of a shard")
    parser.add_argument("--seed", type=int, default=65_000, help="of specimens and kills")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    options = parser.parse_args()

    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as temporary:
        numbers = measure(Path(temporary), options)
    record = {
        "command": " ".join(["python", "-m", "benchmarks.extraction", *sys.argv[1:]]),
        "machine": {**machine(), "threads": int(os.environ["OMP_NUM_THREADS"])},
        "versions": versions(),
        "model": {"run": "demo", "fingerprint": load("demo", device="cpu").fingerprint},
        "generator": rings.GENERATOR_VERSION,
        "seed": options.seed,
        "numbers": numbers,
    }
    options.out.mkdir(parents=True, exist_ok=True)
    write_json(options.out / "extraction.json", record)
    print(json.dumps(numbers, indent=2))


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Return all numbers."""
    few, many = folder / "few", folder / "many"
    rings.write_collection(few, options.few, seed=options.seed)
    rings.write_collection(many, options.per_class, seed=options.seed)
    shard = ("--images-per-shard", str(options.shard))
    sizes, small = {}, None
    for name, words in KEPT.items():
        run = timed([*ONE, *extraction(few, folder / f"few {name}", *shard, *words)])
        sizes[name] = round(bytes_each(folder / f"few {name}"))
        small = run if name == "predicted, float16" else small
    assert small is not None
    one = timed([*ONE, *extraction(many, folder / "one", *shard)])
    two = timed([*TWO, *extraction(many, folder / "two", *shard)])
    kills = killed_twice(
        [*TWO, *extraction(many, folder / "killed", *shard)], folder / "killed", options.seed
    )
    images = 16 * options.per_class
    return {
        "images": images,
        "pixels_a_side": 160,
        "one_process": {"seconds": one["seconds"], "images_a_second": images / one["seconds"]},
        "two_processes": {"seconds": two["seconds"], "images_a_second": images / two["seconds"]},
        "two_equal_one": compare(folder / "one", folder / "two"),
        "killed": {"kills": kills, **compare(folder / "one", folder / "killed")},
        "peak_memory_megabytes": {
            str(16 * options.few): small["megabytes"],
            str(images): one["megabytes"],
            "ratio": one["megabytes"] / small["megabytes"],
        },
        "bytes_an_image": sizes,
    }


def extraction(data: Path, out: Path, *words: str) -> list[str]:
    """Return the words of the command."""
    return ["extract", "demo", str(data), "--out", str(out), "--device", "cpu", *words]


def timed(words: Sequence[str]) -> dict[str, float]:
    """Run a command; return its seconds, start-up included, and its peak memory.

    With several processes the memory is that of the launcher alone, and says nothing.
    """
    began = time.monotonic()
    process = subprocess.Popen([sys.executable, *words], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, words
    return {"seconds": time.monotonic() - began, "megabytes": usage.ru_maxrss / 1024}


def killed_twice(words: Sequence[str], out: Path, seed: int) -> list[int]:
    """Kill a command twice at random moments, let it end; return the shards done at each kill."""
    generator, done = random.Random(seed), []
    for _ in range(2):
        before = records(out)
        process = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while records(out) <= before and process.poll() is None:
            time.sleep(0.05)
        time.sleep(generator.uniform(0, 20))
        kill_all(process.pid)
        process.wait()
        done.append(records(out))
    subprocess.run([sys.executable, *words], check=True, stderr=subprocess.DEVNULL)
    return done


def kill_all(launcher: int) -> None:
    """Kill a launcher and all that it started, which are in sessions of their own."""
    parent = psutil.Process(launcher)
    for process in [parent, *parent.children(recursive=True)]:
        process.kill()


def records(out: Path) -> int:
    """Return how many shards are whole."""
    return len(list((out / "shards").glob("shard-*.json")))


def compare(first: Path, second: Path) -> dict[str, Any]:
    """Return how many rows two extractions have, how many differ, and whether their bytes do."""
    one, other = Extraction.open(first), Extraction.open(second)
    other.verify()
    rows, differing, seen = 0, 0, set()
    for ours, theirs in zip(one.tables(), other.tables(), strict=True):
        rows += len(theirs)
        seen |= set(theirs["row"].to_pylist())
        if not ours.equals(theirs):
            pairs = zip(ours.to_pylist(), theirs.to_pylist(), strict=True)
            differing += sum(mine != their for mine, their in pairs)
    sums = [{file["sha256"] for file in each.manifest["files"]} for each in (one, other)]
    return {
        "rows": rows,
        "rows_twice": rows - len(seen),
        "rows_that_differ": differing,
        "same_bytes": sums[0] == sums[1],
    }


def bytes_each(folder: Path) -> float:
    """Return the bytes of a row."""
    manifest = Extraction.open(folder).manifest
    return float(manifest["bytes"]) / float(manifest["rows"])


if __name__ == "__main__":
    main()
