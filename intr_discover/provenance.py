"""Which versions made a result; standard library only, so that every room may import it."""

from __future__ import annotations

import functools
import platform
from importlib import metadata

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


@functools.cache  # an installed library does not change while this process runs
def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None
