"""Which studies there are: every module of this package that defines ``STUDY``."""

from __future__ import annotations

from types import ModuleType

import intr_discover.studies
from intr_discover.plugins import find_plugins
from intr_discover.studies.study import Study


def find_studies(package: ModuleType = intr_discover.studies) -> dict[str, Study]:
    """Return the studies of a package by name, in their order."""
    return find_plugins(package, "STUDY", Study)
