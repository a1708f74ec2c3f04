"""What benchmarks share: the machine they ran on, and how numbers are written."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch

from intr_discover.provenance import processor

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Return what decides the times."""
    return {
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def p_value(p: float) -> str:
    """Return p as it is printed; a resampling test never shows that it is 0."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
