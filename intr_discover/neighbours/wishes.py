"""What a comparison of methods measures, and on how many photographs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from intr_discover.errors import UserError
from intr_discover.studies.guided_erasure import SHARES_IN_HASTE
from intr_discover.studies.perturbation import STEPS

TOP_UNITS = 3


@dataclass(frozen=True)
class Wishes:
    """Choices of the measuring; those of the training are ``FitSettings``.

    Attributes
    ----------
    split
        Whose photographs are measured: ``test``, ``val``, ``train`` or ``all``.
    photographs
        Of how many the units are looked at; the accuracy rests on all of the split.
    changed
        How many of them are changed for insertion, deletion and guided erasure.
    slow
        The same two numbers for a method whose explanation takes hundreds of passes.
    steps
        Of insertion and deletion.
    shares
        Of the pixels, erased.
    shown
        Photographs in the figures.
    seed, batch_size
        As their names say.
    runs
        Folders that were trained before, by the name of the method.
    judge
        A run whose probability judges all maps; None: the plain classifier that is trained here.

    Raises
    ------
    UserError
        If a number is below 1.
    """

    split: str = "test"
    photographs: int = 400
    changed: int = 50
    slow: int = 20
    steps: int = STEPS
    shares: tuple[float, ...] = SHARES_IN_HASTE
    shown: int = 4
    seed: int = 0
    batch_size: int = 32
    runs: Mapping[str, Path] = field(default_factory=lambda: MappingProxyType({}))
    judge: str | None = None

    def __post_init__(self) -> None:
        for name in ("photographs", "changed", "slow", "shown"):
            if getattr(self, name) < 1:
                raise UserError(f"--{name} {getattr(self, name)}: it must be at least 1")
        if self.steps < 2:
            raise UserError(f"--steps {self.steps}: it must be at least 2")

    def record(self) -> dict[str, Any]:
        """Return what decides a measured number, for the record of each method."""
        return {
            "split": self.split,
            "photographs": self.photographs,
            "changed": self.changed,
            "slow": self.slow,
            "steps": self.steps,
            "shares": list(self.shares),
            "shown": self.shown,
            "seed": self.seed,
        }
