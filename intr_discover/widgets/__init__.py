"""Widgets for notebooks: look at specimens, heads, edits and pairs with the mouse.

Stock ipywidgets and nothing else, so that they work wherever JupyterLab does. They are fetched on
first use: everything else of the package works without ipywidgets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from intr_discover.errors import UserError

if TYPE_CHECKING:
    from intr_discover.widgets.asking import Answer, ask, open_run
    from intr_discover.widgets.edit_view import EditView
    from intr_discover.widgets.head_browser import HeadBrowser
    from intr_discover.widgets.mask_editor import MaskEditor
    from intr_discover.widgets.pair_viewer import PairViewer
    from intr_discover.widgets.showing import show
    from intr_discover.widgets.specimen_browser import SpecimenBrowser

__all__ = [
    "Answer",
    "EditView",
    "HeadBrowser",
    "MaskEditor",
    "PairViewer",
    "SpecimenBrowser",
    "ask",
    "open_run",
    "show",
]

_LAZY = {
    "Answer": "asking",
    "EditView": "edit_view",
    "HeadBrowser": "head_browser",
    "MaskEditor": "mask_editor",
    "PairViewer": "pair_viewer",
    "SpecimenBrowser": "specimen_browser",
    "ask": "asking",
    "open_run": "asking",
    "show": "showing",
}
_NEEDED = ("ipywidgets", "IPython", "traitlets")


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'intr_discover.widgets' has no attribute '{name}'")
    import importlib

    try:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in _NEEDED:
            raise
        raise UserError(
            f"the widgets need {error.name}, which is not installed: "
            "pip install 'intr-discover[notebooks]'"
        ) from error
