"""Which figures there are: every module of this package that defines ``FIGURE``."""

from __future__ import annotations

from types import ModuleType

import intr_discover.exhibits
from intr_discover.exhibits.paper_figure import PaperFigure
from intr_discover.plugins import find_plugins


def find_figures(package: ModuleType = intr_discover.exhibits) -> dict[str, PaperFigure]:
    """Return the figures of a package by name, in their order."""
    return find_plugins(package, "FIGURE", PaperFigure)
