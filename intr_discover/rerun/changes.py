"""What is not as it was when a result was made, in words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

FINGERPRINTS = {
    "model_fingerprint": "the weights of the model",
    "data_fingerprint": "the photographs, their labels or splits",
}


def changed_surroundings(then: Mapping[str, Any], now: Mapping[str, Any], what: str) -> list[str]:
    """Return in what two ``versions`` or two ``machine`` differ, one line each.

    Parameters
    ----------
    then, now
        Of the recorded result, and of the new one.
    what
        What to say where nothing was recorded.
    """
    if not then:
        return [f"{what}: not recorded with the result"]
    return [
        f"{name}: {_words(then.get(name))} → {_words(now.get(name))}"
        for name in dict.fromkeys([*then, *now])
        if then.get(name) != now.get(name)
    ]


def changed_material(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return whether weights or photographs are others than those of the recorded result."""
    return [
        f"{words}: not those of the recorded result "
        f"({str(then.get(name))[:12]} → {str(now.get(name))[:12]})"
        for name, words in FINGERPRINTS.items()
        if then.get(name) != now.get(name)
    ]


def environment_as_then(machine: Mapping[str, Any]) -> dict[str, str]:
    """Return the environment for the repetition: as many threads as then, and no download.

    Sums over threads are put together in another order by another number of them, and differ in
    their last digits.
    """
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    threads = machine.get("threads")
    if isinstance(threads, int) and not isinstance(threads, bool) and 0 < threads <= 1024:
        environment["OMP_NUM_THREADS"] = str(threads)
    return environment


def _words(value: Any) -> str:
    return "none" if value is None else str(value)
