"""One file a tab. A module here that defines ``TAB`` is a tab: nothing else is edited."""

from __future__ import annotations

import importlib
import pkgutil

from apps.tabs.tab import Tab


def find_tabs() -> list[Tab]:
    """Return all tabs in their order."""
    found = []
    for module in pkgutil.iter_modules(__path__):
        tab = getattr(importlib.import_module(f"{__name__}.{module.name}"), "TAB", None)
        if tab is not None:
            found.append(tab)
    return sorted(found, key=lambda tab: tab.order)
