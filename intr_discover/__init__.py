"""Find out which visual attributes separate look-alike species, and whether to believe it.

``load`` and ``Specimens`` are the two names most people need. They are fetched on first use,
so that ``import intr_discover`` stays quick and touches neither torch nor a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intr_discover.errors import UserError

if TYPE_CHECKING:
    from intr_discover.data.specimens import Specimens
    from intr_discover.explain.explainer import Explainer, load
    from intr_discover.explain.maps import Explanation

__version__ = "0.1.0"
__all__ = ["Explainer", "Explanation", "Specimens", "UserError", "__version__", "load"]

_LAZY = {
    "load": "intr_discover.explain.explainer",
    "Explainer": "intr_discover.explain.explainer",
    "Explanation": "intr_discover.explain.maps",
    "Specimens": "intr_discover.data.specimens",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        import importlib

        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'intr_discover' has no attribute '{name}'")
