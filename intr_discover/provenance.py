"""Which versions, machine and command made a result; standard library only, for every room."""

from __future__ import annotations

import functools
import os
import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

_LIBRARIES = (
    "torch", "torchvision", "timm", "accelerate", "numpy", "pandas", "scipy", "statsmodels",
    "scikit-learn", "scikit-image", "opencv-python-headless", "pillow", "matplotlib",
)  # fmt: skip


def versions() -> dict[str, str | None]:
    """Return the versions that decide a result; None for a library that is not installed.

    No library is imported for it.
    """
    from intr_discover import __version__

    return {
        "intr_discover": __version__,
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        **{name: _version(name) for name in _LIBRARIES},
    }


def machine(device: str | None = None, precision: str | None = None) -> dict[str, Any]:
    """Return what decides the last digits of a result beside the versions; no name of a machine.

    Parameters
    ----------
    device
        Where the model ran; None where there was none.
    precision
        In what its products were computed: ``fp32`` or ``bf16``.

    Returns
    -------
    dict
        ``processor``, ``threads`` (of torch; None where it is not loaded), ``device`` and
        ``precision``.
    """
    torch = sys.modules.get("torch")  # a result without a model is not made to wait for torch
    return {
        "processor": processor(),
        "threads": None if torch is None else int(torch.get_num_threads()),
        "device": device,
        "precision": precision,
    }


@functools.cache  # it does not change while this process runs
def processor() -> str:
    """Return the processor's name as its maker writes it, or its kind where nobody says more."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def origin(command: Sequence[str] | None, folder: str | os.PathLike[str]) -> dict[str, Any]:
    """Return how the command of a result is repeated: its words, and where it was called.

    Parameters
    ----------
    command
        The command line, word by word; None when called from Python.
    folder
        Where the result is written.

    Returns
    -------
    dict
        ``command`` and, where there is one, ``working_folder``: the folder that its paths start
        from, as seen from ``folder``. So it stays true when both are moved together, and names no
        place on the machine where results lie below the working folder. From another drive there
        is no such path, and none is written.
    """
    if command is None:
        return {"command": None}
    try:
        seen = os.path.relpath(Path.cwd(), Path(folder).absolute())
    except ValueError:  # Windows: another drive
        return {"command": list(command)}
    return {"command": list(command), "working_folder": Path(seen).as_posix()}


@functools.cache  # an installed library does not change while this process runs
def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None
