"""Names and titles of the figures, read from their files without importing them."""

from __future__ import annotations

from collections.abc import Iterable

import intr_discover.exhibits
from intr_discover.plugins import Listed, list_plugins


def list_figures(folders: Iterable[str] | None = None) -> list[Listed]:
    """Return the figures in their order; by default those of this package."""
    return list_plugins(intr_discover.exhibits.__path__ if folders is None else folders, "FIGURE")
