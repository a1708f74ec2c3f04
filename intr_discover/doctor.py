"""What this machine gives to the program: device, memory, folders, versions."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from typing import Any

from intr_discover.errors import system_trouble
from intr_discover.files import write_text
from intr_discover.provenance import processor, versions

LEAST_MEMORY = 4.0
"""Gigabytes below which the demo's report may not get through."""

LEAST_DISK = 2.0
"""Gigabytes: a run folder with its state for resuming, and the figures of a report."""


def examine(cache: Path) -> dict[str, Any]:
    """Return what decides whether and how fast the program runs here; nothing is fetched.

    Parameters
    ----------
    cache
        The folder that drawn specimens and fetched weights go to.

    Returns
    -------
    dict
        Ready for JSON. ``device`` (that ``--device auto`` takes) and ``device_reason``; ``gpus``,
        each with ``name`` and ``memory_gb``; ``bf16`` (whether the device computes in it),
        ``processor``, ``cores`` (that this process may use), ``threads`` (of torch), ``memory_gb``
        and ``memory_free_gb`` (None where the system does not say), ``cache``, ``cache_trouble``
        (None where it can be written) and ``disk_free_gb``, ``versions``, and ``warnings``: one
        line each, with what to do.
    """
    import torch

    gpu = torch.cuda.is_available()
    gpus = [
        {"name": each.name, "memory_gb": round(each.total_memory / 1e9, 1)}
        for each in map(torch.cuda.get_device_properties, range(torch.cuda.device_count()))
    ]
    whole, free = memory()
    trouble, disk = _room(cache)
    found: dict[str, Any] = {
        "device": "cuda" if gpu else "cpu",
        "device_reason": _device_reason(torch),
        "gpus": gpus,
        "bf16": bool(torch.cuda.is_bf16_supported()) if gpu else _cpu_bf16(),
        "processor": processor(),
        "cores": cores(),
        "threads": int(torch.get_num_threads()),
        "memory_gb": whole,
        "memory_free_gb": free,
        "cache": str(cache),
        "cache_trouble": trouble,
        "disk_free_gb": disk,
        "versions": versions(),
    }
    return found | {"warnings": warnings(found)}


def warnings(found: dict[str, Any]) -> list[str]:
    """Return what may go wrong on a machine as ``examine`` found it, each with what to do."""
    said = []
    free, disk = found["memory_free_gb"], found["disk_free_gb"]
    if free is not None and free < LEAST_MEMORY:
        said.append(
            f"{free:g} GB of memory are free, which may not do: close other programs, or take a "
            "smaller --batch-size"
        )
    if found["cache_trouble"] is not None:
        said.append(
            f"the folder {found['cache']} cannot be written ({found['cache_trouble']}): set "
            "INTR_DISCOVER_CACHE to one that can"
        )
    if disk is not None and disk < LEAST_DISK:
        said.append(
            f"{disk:g} GB of disk are free: a training with its report may need {LEAST_DISK:g}"
        )
    if found["threads"] < found["cores"]:
        said.append(
            f"torch uses {found['threads']} of {found['cores']} cores: unset OMP_NUM_THREADS, or "
            "set it higher, unless several processes run side by side"
        )
    missing = [name for name, version in found["versions"].items() if version is None]
    if missing:
        said.append(f"not installed: {', '.join(missing)}; install intr-discover anew")
    return said


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> tuple[float | None, float | None]:
    """Return the machine's memory and what of it is free, in gigabytes; None where unknown."""
    info = Path("/proc/meminfo")
    if info.is_file():
        lines = dict(line.split(":", 1) for line in info.read_text(encoding="utf-8").splitlines())
        kilobytes = (int(lines[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
        whole, free = (round(1024 * value / 1e9, 1) for value in kilobytes)
        return whole, free
    if hasattr(os, "sysconf") and sys.platform != "win32":
        whole = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
        return whole, None
    return None, None


def _device_reason(torch: Any) -> str:
    if torch.cuda.is_available():
        return "torch finds a GPU"
    if torch.version.cuda is None and torch.version.hip is None:
        return "this torch was built for processors alone"
    return "torch finds no GPU, or no driver that fits it"


def _cpu_bf16() -> bool:
    """Return whether the processor multiplies in bf16 (Linux says so; elsewhere: no)."""
    info = Path("/proc/cpuinfo")
    words = info.read_text(encoding="utf-8", errors="replace").split() if info.is_file() else []
    return "amx_bf16" in words or "avx512_bf16" in words or "bf16" in words


def _room(folder: Path) -> tuple[str | None, float | None]:
    """Return why a folder cannot be written, and the free gigabytes of its disk."""
    probe = folder / "written-by-doctor"
    try:
        write_text(probe, "")
        probe.unlink()
    except OSError as error:
        return system_trouble(error), None
    return None, round(shutil.disk_usage(folder).free / 1e9, 1)
