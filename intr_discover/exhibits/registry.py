"""Which figures there are: every module of this package that defines ``FIGURE``."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import intr_discover.exhibits
from intr_discover.exhibits.paper_figure import PaperFigure


def find_figures(package: ModuleType = intr_discover.exhibits) -> dict[str, PaperFigure]:
    """Return the figures of a package by name, in their order.

    Parameters
    ----------
    package
        Its modules are imported; those that define ``FIGURE`` count.
    """
    found: dict[str, PaperFigure] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        figure = getattr(module, "FIGURE", None)
        if figure is None:
            continue
        assert isinstance(figure, PaperFigure), f"{module.__name__}.FIGURE is no PaperFigure"
        assert figure.name not in found, f"two figures are called {figure.name}"
        found[figure.name] = figure
    return dict(sorted(found.items(), key=lambda entry: (entry[1].order, entry[0])))
