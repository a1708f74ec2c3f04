"""What each open page has to itself: its photograph, its uploads, its versions."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from apps.photographs import Photograph
from apps.versions import VersionsInMemory, VersionStore

IDLE_SECONDS = 6 * 3600.0
"""A session that was silent for so long is forgotten, with its files."""

MOST_SESSIONS = 200


@dataclass
class Donor:
    """A region of a photograph that others may take: its pixels or its colours.

    Attributes
    ----------
    photograph
        Where it is from.
    mask
        File of its region, in the photograph's own pixels.
    """

    photograph: Photograph
    mask: Path


@dataclass
class Session:
    """One open page.

    Attributes
    ----------
    folder
        Its files; nobody else's.
    versions
        Its edits.
    photograph
        What it looks at.
    painting
        What its canvas shows.
    donor
        What it keeps for transplants.
    kept
        What tabs remember between two events, by the tab's name.
    """

    folder: Path
    versions: VersionStore
    photograph: Photograph | None = None
    painting: Photograph | None = None
    donor: Donor | None = None
    kept: dict[str, Any] = field(default_factory=dict)
    last_used: float = field(default_factory=time.monotonic)


class Sessions:
    """All open pages.

    Parameters
    ----------
    folder
        Below it each session has a folder.
    store
        Makes the store of a session's versions from its key.
    """

    def __init__(
        self, folder: Path, store: Callable[[str], VersionStore] = lambda key: VersionsInMemory()
    ) -> None:
        self._folder = folder
        self._store = store
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)

    def __len__(self) -> int:
        return len(self._sessions)

    def get(self, key: str) -> Session:
        """Return the session of a page, a new one at first."""
        with self._lock:
            if key not in self._sessions:
                self._drop_idle()
                # The key comes from the browser: it names no file.
                folder = Path(tempfile.mkdtemp(prefix="session-", dir=self._folder))
                self._sessions[key] = Session(folder, self._store(key))
            session = self._sessions[key]
            session.last_used = time.monotonic()
            return session

    def __iter__(self) -> Iterator[Session]:
        with self._lock:
            return iter(list(self._sessions.values()))

    def close(self, key: str) -> None:
        """Forget a session and remove its files."""
        with self._lock:
            session = self._sessions.pop(key, None)
        if session is not None:
            shutil.rmtree(session.folder, ignore_errors=True)

    def _drop_idle(self) -> None:
        now = time.monotonic()
        oldest = sorted(self._sessions, key=lambda key: self._sessions[key].last_used)
        surplus = len(oldest) - MOST_SESSIONS + 1
        for place, key in enumerate(oldest):
            if place < surplus or now - self._sessions[key].last_used > IDLE_SECONDS:
                shutil.rmtree(self._sessions.pop(key).folder, ignore_errors=True)
