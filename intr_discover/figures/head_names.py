"""What a head is called: its number, and its name where people agreed on one."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from intr_discover.figures.panels import short_number
from intr_discover.figures.text import one_line

HeadNames = Mapping[tuple[str, int], str]
"""Names that people agreed on, by class and number of the head."""

NO_NAMES: HeadNames = MappingProxyType({})


class UnitNames(dict[tuple[str, int], str]):
    """What the units of another method are called: the whole name, not one beside a number."""


def head_label(names: HeadNames, label: str, head: int) -> str:
    """Return what a head is called, on one line.

    Parameters
    ----------
    names
        Of the heads of one model.
    label
        The class whose query it belongs to: one head may show other things for other classes.
    head
        Number from 0.

    Examples
    --------
    >>> head_label({("Ember vera", 3): "red patch"}, "Ember vera", 3)
    'head 3 (red patch)'
    >>> head_label({}, "Ember vera", 3)
    'head 3'
    """
    name = one_line(names.get((label, head), ""))
    if name and isinstance(names, UnitNames):
        return name
    return f"head {head} ({name})" if name else f"head {head}"


def head_title(names: HeadNames, label: str, head: int, largest: float) -> str:
    """Return the title of a narrow panel that shows one head's map.

    Parameters
    ----------
    names, label, head
        As in ``head_label``.
    largest
        The map's largest weight. It stands in the title of a head without a name; there is no room
        for both, and the colour bar says it too.
    """
    called = head_label(names, label, head)
    agreed = one_line(names.get((label, head), "")) and not isinstance(names, UnitNames)
    return called if agreed else f"{called} · max {short_number(largest)}"
