"""The photographs of the demo: drawn once on this machine, then kept in the user's cache."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock
from platformdirs import user_cache_dir

from intr_discover.data import rings
from intr_discover.errors import UserError

DEMO = "demo"
"""The word that stands for the demo's model and photographs; a folder of that name is ./demo."""

DEMO_SEED = 20_000
"""No training uses it: the demo's specimens are new to every model."""

PER_CLASS = 10
CACHE_VARIABLE = "INTR_DISCOVER_CACHE"


def demo_collection(progress: Callable[[int, int], None] | None = None) -> Path:
    """Return the folder of the demo's specimens, and draw them where they are not there yet.

    Parameters
    ----------
    progress
        Called with (specimens drawn, specimens in all); not when they are there already.

    Returns
    -------
    Path
        A collection of mimicry rings, all of split ``test``. It appears whole: a killed process
        leaves nothing that another would take for it, and of two processes one draws while the
        other waits.

    Raises
    ------
    UserError
        If the cache folder cannot be written to.
    """
    folder = cache_folder() / collection_name()
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f"{folder.name}.lock")):
            if not folder.is_dir():
                # What a killed process left; nobody else draws while we hold the lock.
                for leftover in folder.parent.glob(f".{folder.name}.*"):
                    shutil.rmtree(leftover, ignore_errors=True)
                rings.write_collection(
                    folder, PER_CLASS, seed=DEMO_SEED, split="test", progress=progress
                )
    except OSError as error:
        raise UserError(
            f"cannot keep the demo's photographs in {folder.parent}: {error.strerror}; "
            f"set {CACHE_VARIABLE} to a folder that can be written to"
        ) from error
    return folder


def is_drawn() -> bool:
    """Return whether the demo's specimens are in the cache."""
    return (cache_folder() / collection_name()).is_dir()


def cache_folder() -> Path:
    """Return the folder for what can be made again: the user's cache, or ``CACHE_VARIABLE``."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else Path(user_cache_dir("intr-discover", appauthor=False))


def collection_name() -> str:
    """Return the name of the set in the cache; another generator gives another name.

    It holds a digest of the generator's own files, so that an old set is never taken for a new one.
    """
    digest = hashlib.sha256(f"{DEMO_SEED} {PER_CLASS}".encode())
    for path in sorted(Path(rings.__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return f"rings-{rings.GENERATOR_VERSION}-{digest.hexdigest()[:10]}"
