"""Which studies there are: every module of this package that defines ``STUDY``."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

import intr_discover.studies
from intr_discover.studies.study import Study


def find_studies(package: ModuleType = intr_discover.studies) -> dict[str, Study]:
    """Return the studies of a package by name, in their order.

    Parameters
    ----------
    package
        Its modules are imported; those that define ``STUDY`` count.
    """
    found: dict[str, Study] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        study = getattr(module, "STUDY", None)
        if study is None:
            continue
        assert isinstance(study, Study), f"{module.__name__}.STUDY is no Study"
        assert study.name not in found, f"two studies are called {study.name}"
        found[study.name] = study
    return dict(sorted(found.items(), key=lambda entry: (entry[1].order, entry[0])))
