"""One individual: everything that decides its photograph, before anything is drawn."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Literal

import numpy as np

from intr_discover.data.rings.species import ATTRIBUTES, RINGS, Ring, find_class
from intr_discover.errors import UserError

Shortcut = Literal["none", "background", "ruler"]
SHORTCUTS = ("none", "background", "ruler")

SMALLEST_SIZE = 64
LARGEST_SIZE = 2048
USUAL_SIZE = 160
USUAL_HARDNESS = 0.5
GENERATOR_VERSION = 1
"""Counts changes of what is drawn for the same numbers; part of the demo set's name."""


@dataclass(frozen=True)
class RingSpecimen:
    """One individual of a mimicry ring.

    Attributes
    ----------
    seed, index
        They alone decide everything that is drawn at random.
    size
        Pixels of each side of the photograph.
    ring_count
        How many rings the collection has, 1 to 8.
    hard
        From 0 (clean, all alike) to 1: how much pose, light, wear and pattern vary.
    shortcut
        What gives the second species of every ring away beside its attribute.
    """

    seed: int
    index: int
    size: int = USUAL_SIZE
    ring_count: int = len(RINGS)
    hard: float = USUAL_HARDNESS
    shortcut: Shortcut = "none"

    @property
    def ring(self) -> Ring:
        """Return its mimicry ring."""
        return find_class(self.index, self.ring_count)[0]

    @property
    def which(self) -> int:
        """Return 0 for the first species of the ring, 1 for the second."""
        return find_class(self.index, self.ring_count)[1]

    @property
    def label(self) -> str:
        """Return the name of its species."""
        return self.ring.labels[self.which]

    @property
    def mate(self) -> str:
        """Return the name of the species it looks like."""
        return self.ring.labels[1 - self.which]

    @property
    def states(self) -> dict[str, str]:
        """Return the state of its diagnostic and varying attributes, by name."""
        ring = self.ring
        drawn = self.random("states").integers(2, size=len(ring.varying))
        states = {ring.diagnostic: ring.states[self.which]}
        for name, choice in zip(ring.varying, drawn, strict=True):
            states[name] = ATTRIBUTES[name].states[choice]
        return states

    def random(self, purpose: str) -> np.random.Generator:
        """Return the random numbers for one purpose.

        Each purpose has numbers of its own, so that drawing one thing otherwise moves nothing else.
        """
        return np.random.default_rng([self.seed, self.index, zlib.crc32(purpose.encode())])


def draw_specimen(
    seed: int,
    index: int,
    *,
    size: int = USUAL_SIZE,
    ring_count: int = len(RINGS),
    hard: float = USUAL_HARDNESS,
    shortcut: Shortcut = "none",
) -> RingSpecimen:
    """Return individual number ``index`` of a seed.

    Parameters
    ----------
    seed, index
        From 0 up. The class is ``index`` modulo the number of classes, two a ring.
    size, ring_count, hard, shortcut
        See ``RingSpecimen``.

    Raises
    ------
    UserError
        A number is out of range, or the shortcut is unknown.
    """
    check_settings(seed, size, ring_count, hard, shortcut)
    if index < 0:
        raise UserError(f"the number of a specimen must be 0 or more, not {index}")
    return RingSpecimen(seed, index, size, ring_count, hard, shortcut)


def check_settings(seed: int, size: int, ring_count: int, hard: float, shortcut: str) -> None:
    """Refuse numbers out of range in one clear line.

    Raises
    ------
    UserError
        Which setting, its value, and the values it may have.
    """
    if seed < 0:
        raise UserError(f"--seed must be 0 or more, not {seed}")
    if not SMALLEST_SIZE <= size <= LARGEST_SIZE:
        raise UserError(f"--size must be from {SMALLEST_SIZE} to {LARGEST_SIZE}, not {size}")
    if not 1 <= ring_count <= len(RINGS):
        raise UserError(
            f"--rings must be from 1 to {len(RINGS)}, not {ring_count}: there are the rings "
            f"{', '.join(ring.name for ring in RINGS)}"
        )
    if not 0 <= hard <= 1:  # NaN fails too
        raise UserError(f"--hard must be from 0 to 1, not {hard}")
    if shortcut not in SHORTCUTS:
        raise UserError(f"--shortcut must be {', '.join(SHORTCUTS)}, not '{shortcut}'")
