"""Numbers as sentences say them."""

from __future__ import annotations


def percent(share: float) -> str:
    """Return a share in [0, 1] as people read it: ``"86.2 %"``."""
    return f"{100 * share:.1f} %"


def interval(low: float, high: float) -> str:
    """Return a 95 % interval of a share: ``"95 % interval 80.1 to 90.7 %"``."""
    return f"95 % interval {100 * low:.1f} to {percent(high)}"
