"""Numbers as sentences say them."""

from __future__ import annotations

import re


def percent(share: float) -> str:
    """Return a share in [0, 1] as people read it: ``"86.2 %"``."""
    return f"{100 * share:.1f} %"


def interval(low: float, high: float) -> str:
    """Return a 95 % interval of a share: ``"95 % interval 80.1 to 90.7 %"``."""
    return f"95 % interval {100 * low:.1f} to {percent(high)}"


def of_units(sentence: str) -> str:
    """Return what is said of INTR's heads, said of the units of another method.

    Examples
    --------
    >>> of_units("All heads of a class; a head has a place.")
    'All units of a class; a unit has a place.'
    """
    return re.sub(r"\b([Hh])ead(s?)\b", lambda found: _UNIT[found[1]] + found[2], sentence)


_UNIT = {"h": "unit", "H": "Unit"}
