"""``intr-discover doctor``: what this machine has, and what may go wrong on it.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="The same for programs.")] = False,
) -> None:
    """Say what this machine has: device and why, memory, folders, versions."""
    from intr_discover.data.demo import cache_folder
    from intr_discover.doctor import examine

    found = examine(cache_folder())
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for name, value in _lines(found):
        print(f"{name:<12}{value}")
    for warning in found["warnings"]:
        print(f"warning: {warning}")
    if not found["warnings"]:
        print("nothing speaks against working here")


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Return what was found as names and words."""
    said = [
        ("device", f"{found['device']}: {found['device_reason']}"),
        *(("GPU", f"{each['name']}, {each['memory_gb']:g} GB") for each in found["gpus"]),
        ("bf16", "fast on this device" if found["bf16"] else "not fast on this device"),
        (
            "processor",
            f"{found['processor']}, {found['cores']} cores, torch uses {found['threads']}",
        ),
        ("memory", f"{_gigabytes(found['memory_gb'])}, {_gigabytes(found['memory_free_gb'])} free"),
        ("cache", f"{found['cache']}, {_gigabytes(found['disk_free_gb'])} of disk free"),
    ]
    versions = [f"{name} {version or 'missing'}" for name, version in found["versions"].items()]
    said += [("versions" if start == 0 else "", ", ".join(versions[start : start + 4]))
             for start in range(0, len(versions), 4)]  # fmt: skip
    return said


def _gigabytes(value: float | None) -> str:
    return "unknown" if value is None else f"{value:g} GB"
