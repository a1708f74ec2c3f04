"""What an individual shows once an intervention has been made: states and colours."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from intr_discover.data.rings.species import ATTRIBUTES, USUAL_COLOURS, Colour
from intr_discover.data.rings.specimen import RingSpecimen
from intr_discover.errors import UserError, shorten


@dataclass(frozen=True)
class Look:
    """How one individual is to be drawn.

    Attributes
    ----------
    specimen
        The individual.
    states
        The state of each attribute that its ring has.
    taken_away
        Parts of the pattern that are not painted.
    recolour
        Colours to paint instead of the individual's own, by attribute or part.
    """

    specimen: RingSpecimen
    states: Mapping[str, str]
    taken_away: frozenset[str]
    recolour: Mapping[str, Colour]

    def has(self, name: str) -> bool:
        """Return whether the ring has this attribute or part at all."""
        return name in self.states or name in self.specimen.ring.parts

    def shows(self, name: str) -> bool:
        """Return whether the attribute or part is painted."""
        if name in self.states:
            return self.states[name] != "absent"
        return name in self.specimen.ring.parts and name not in self.taken_away

    def colour(self, name: str) -> NDArray[np.float64]:
        """Return the colour in which the attribute or part is painted, RGB, 0 to 255."""
        if name in self.recolour:
            return np.asarray(self.recolour[name], dtype=np.float64)
        ring = self.specimen.ring
        if name in ring.parts:
            return self.vary(ring.parts[name], name)
        first, second = ring.attributes.get(name) or USUAL_COLOURS[name]
        # An attribute that is there or not has its colour in the second place.
        states = ATTRIBUTES[name].states
        return self.vary(first if self.states[name] == states[0] else second, name)

    def vary(self, colour: Colour, purpose: str) -> NDArray[np.float64]:
        """Return a colour as this individual has it."""
        spread = 2.0 + 6.0 * self.specimen.hard
        shift = self.specimen.random(f"{purpose} hue").normal(0, spread / 2, 3)
        shared = self.specimen.random("hue").normal(0, spread / 2, 3)
        return np.clip(np.asarray(colour, dtype=np.float64) + shift + shared, 0, 255)


def look_of(
    specimen: RingSpecimen,
    *,
    without: str | Collection[str] | None = None,
    swap: str | Collection[str] | None = None,
    recolour: Mapping[str, Colour] | None = None,
) -> Look:
    """Return how a specimen is drawn under an intervention.

    Parameters
    ----------
    specimen
        The individual.
    without
        Attributes or parts that are taken away.
    swap
        Attributes that are drawn in their other state; the diagnostic one's is the mate's.
    recolour
        Other colours, RGB from 0 to 255, for attributes or parts that are shown.

    Raises
    ------
    UserError
        If the specimen's ring has no such attribute, a part of the pattern has no other state, or
        a colour is none.
    """
    gone, swapped = _names(without), _names(swap)
    ring = specimen.ring
    for name in (*gone, *swapped, *(recolour or {})):
        if name not in ring.repertoire:
            raise UserError(
                f"ring '{ring.name}' has no attribute '{name}'; it has "
                f"{shorten(ring.repertoire, 20)}"
            )
    states = specimen.states
    for name in swapped:
        if name not in states:
            raise UserError(f"'{name}' is a part of the pattern without another state to swap to")
        first, second = ATTRIBUTES[name].states
        states[name] = second if states[name] == first else first
    for name in gone:
        if name in states:
            states[name] = ATTRIBUTES[name].removed
    for name, colour in (recolour or {}).items():
        if (
            isinstance(colour, str)
            or len(colour) != 3
            or not all(0 <= value <= 255 for value in colour)
        ):
            raise UserError(f"the colour of '{name}' must be three numbers 0 to 255, not {colour}")
        if name in states and ATTRIBUTES[name].difference == "shape":
            raise UserError(f"'{name}' is a shape and has no colour of its own")
    taken_away = frozenset(name for name in gone if name in ring.parts)
    return Look(specimen, states, taken_away, dict(recolour or {}))


def _names(given: str | Collection[str] | None) -> tuple[str, ...]:
    if given is None:
        return ()
    return (given,) if isinstance(given, str) else tuple(given)
