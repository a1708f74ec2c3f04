"""The largest memory of one work, measured in a process of its own.

``held`` is what libraries, weights and images take before the work begins, ``peak`` the largest
resident memory while it runs, and ``rise`` the difference, all in megabytes (10^6 bytes).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from benchmarks.classes import forget_largest, largest_memory
from benchmarks.speed_works import KINDS, Case

Memory = dict[str, float]


def memory_apart(kind: str, case: Case, who: str) -> Memory:
    """Measure a work in a new process, with as many threads as this one has."""
    words = [kind, who, json.dumps(asdict(case))]
    command = [sys.executable, "-m", "benchmarks.speed_memory", *words]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ))
    if done.returncode:
        raise RuntimeError(f"{kind}, {who}: {done.stderr.strip().splitlines()[-1]}")
    found: Memory = json.loads(done.stdout.splitlines()[-1])
    return found


def memory_of(work: Callable[[], object], runs: int = 1) -> Memory:
    """Return the memory of this process while a work runs."""
    held = _forget()
    for _ in range(runs):
        work()
    peak = _largest()
    return {"held": held, "peak": peak, "rise": peak - held}


def exponent(sizes: list[int], megabytes: list[float]) -> float:
    """Return p of ``memory ~ size^p``, fitted on logarithms: 1 is linear, 2 quadratic."""
    return float(np.polyfit(np.log(sizes), np.log(megabytes), 1)[0])


def growth(sizes: list[int], megabytes: list[float]) -> float | None:
    """Return the exponent of ``memory ~ size^p`` where the size decides it; None where it does not.

    The largest memory of an answer is that of its backbone, whatever the size, until that of its
    decoder is larger. Only what lies well above the memory of the smallest size counts.
    """
    above = [
        (size, memory)
        for size, memory in zip(sizes, megabytes, strict=True)
        if memory > 1.2 * megabytes[0]
    ]
    if len(above) < 2:
        return None
    return exponent([size for size, _ in above], [memory for _, memory in above])


def _forget() -> float:
    forget_largest()
    return _largest()


def _largest() -> float:
    # Linux hands the largest memory of a parent on to ru_maxrss of its child; this it does not.
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    return largest_memory()


if __name__ == "__main__":
    kind, who, case = sys.argv[1:]
    # A step of training twice: the first one makes the optimiser's state.
    found = memory_of(KINDS[kind](Case(**json.loads(case)), who), 2 if kind == "train" else 1)
    print(json.dumps(found))
