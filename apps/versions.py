"""The numbered versions of a session's edits, and where they are kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from apps.photographs import Photograph
from intr_discover.errors import UserError


@dataclass(frozen=True)
class Version:
    """One edit that was made.

    Attributes
    ----------
    number
        From 1, in the order of making.
    photograph
        What was edited.
    edit
        The operation with its parameters, as ``Edit.as_dict`` gives it.
    folder
        Holds ``mask.png`` and ``edited.png`` in the photograph's own pixels, ``painted.png`` as it
        was painted, and once the controls are done all files of ``intr-discover edit``.
    classes
        Names in the order of the probabilities.
    before, after
        Probabilities of all classes.
    donor, donor_mask
        Files, where the operation took them.
    sentences
        What the edit did beside its controls; empty until they are done.
    facts
        Anything else worth keeping: numbers of the controls.
    """

    number: int
    photograph: Photograph
    edit: dict[str, Any]
    folder: Path
    classes: tuple[str, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    donor: Path | None = None
    donor_mask: Path | None = None
    sentences: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def answers(self) -> tuple[str, str]:
        """Return the class answered before and after."""
        first, second = (
            self.classes[max(range(len(values)), key=values.__getitem__)]
            for values in (self.before, self.after)
        )
        return first, second


class VersionStore(Protocol):
    """Where the versions of one session are kept. Numbers are never used twice."""

    def next_number(self) -> int:
        """Return the number that the next version gets."""

    def put(self, version: Version) -> None:
        """Keep a version; it takes the place of one with the same number."""

    def get(self, number: int) -> Version:
        """Return a version.

        Raises
        ------
        UserError
            If there is none of that number.
        """

    def all(self) -> list[Version]:
        """Return all versions, the oldest first."""


class VersionsInMemory:
    """A store that lasts as long as the session."""

    def __init__(self) -> None:
        self._versions: dict[int, Version] = {}

    def next_number(self) -> int:
        """Return the number that the next version gets."""
        return max(self._versions, default=0) + 1

    def put(self, version: Version) -> None:
        """Keep a version; it takes the place of one with the same number."""
        self._versions[version.number] = version

    def get(self, number: int) -> Version:
        """Return a version."""
        if number not in self._versions:
            raise UserError(f"there is no version {number} in this session")
        return self._versions[number]

    def all(self) -> list[Version]:
        """Return all versions, the oldest first."""
        return [self._versions[number] for number in sorted(self._versions)]
