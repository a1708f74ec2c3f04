"""Names and titles of the methods, read from their files without importing them."""

from __future__ import annotations

import intr_discover.neighbours.methods
from intr_discover.plugins import Listed, list_plugins


def list_methods() -> list[Listed]:
    """Return the methods in their order."""
    return list_plugins(intr_discover.neighbours.methods.__path__, "KIND")
