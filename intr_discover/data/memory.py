"""How much memory decoded photographs may take."""

from __future__ import annotations

import os

SHARE = 0.25
"""Of the machine's memory."""

_UNKNOWN = 3_000_000_000
"""Bytes where the machine does not say how much it has."""


def room_for_photographs() -> int:
    """Return how many bytes of photographs may be kept."""
    try:
        whole = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no such call
        return _UNKNOWN
    return int(SHARE * whole)
