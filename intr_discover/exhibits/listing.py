"""Names and titles of the figures, read from their files without importing them.

Standard library only: the command line shows them, and must not wait for torch.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import intr_discover.exhibits


@dataclass(frozen=True)
class Listed:
    """What can be said of a figure without importing it.

    Attributes
    ----------
    name, title, order
        As in ``PaperFigure``.
    """

    name: str
    title: str
    order: int


def list_figures(folders: Iterable[str] | None = None) -> list[Listed]:
    """Return the figures in their order.

    Parameters
    ----------
    folders
        Where their files lie; default the package of figures for papers.
    """
    listed = []
    for folder in intr_discover.exhibits.__path__ if folders is None else folders:
        for path in sorted(Path(folder).glob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
                    names = [t.id for t in node.targets if isinstance(t, ast.Name)]
                    if "FIGURE" in names:
                        listed.append(_listed(node.value))
    return sorted(listed, key=lambda figure: (figure.order, figure.name))


def _listed(call: ast.Call) -> Listed:
    """Return what ``PaperFigure(name=…, title=…, order=…)`` says."""
    plain = {
        keyword.arg: keyword.value.value
        for keyword in call.keywords
        if isinstance(keyword.value, ast.Constant)
    }
    return Listed(str(plain["name"]), str(plain["title"]), int(str(plain["order"])))
