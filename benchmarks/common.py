"""What benchmarks share: the machine they ran on, and how numbers are written."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Return what decides the times."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":")[1].strip() if lines else model
    return {
        "processor": model,
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def p_value(p: float) -> str:
    """Return p as it is printed; a resampling test never shows that it is 0."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
