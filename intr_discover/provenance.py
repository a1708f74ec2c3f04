"""Which versions made a result; standard library only, so that every room may import it."""

from __future__ import annotations

import platform
from importlib import metadata

_NAMED = ("torch", "torchvision", "timm", "accelerate", "numpy", "pillow")


def versions() -> dict[str, str]:
    """Return the versions that decide a model's results."""
    from intr_discover import __version__

    return {
        "intr_discover": __version__,
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in _NAMED},
    }
