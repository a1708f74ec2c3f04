"""Names and titles of the studies, read from their files without importing them."""

from __future__ import annotations

from collections.abc import Iterable

import intr_discover.studies
from intr_discover.plugins import Listed, list_plugins


def list_studies(folders: Iterable[str] | None = None) -> list[Listed]:
    """Return the studies in their order; by default those of this package."""
    return list_plugins(intr_discover.studies.__path__ if folders is None else folders, "STUDY")
