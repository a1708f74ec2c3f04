"""Names and titles of the studies, read from their files without importing them.

Standard library only: the command line shows them, and must not wait for torch.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import intr_discover.studies


@dataclass(frozen=True)
class Listed:
    """What can be said of a study without importing it.

    Attributes
    ----------
    name, title, order
        As in ``Study``.
    """

    name: str
    title: str
    order: int


def list_studies(folders: Iterable[str] | None = None) -> list[Listed]:
    """Return the studies in their order.

    Parameters
    ----------
    folders
        Where their files lie; default the package of studies.
    """
    listed = []
    for folder in intr_discover.studies.__path__ if folders is None else folders:
        for path in sorted(Path(folder).glob("*.py")):
            listed += _studies_of(path.read_text(encoding="utf-8"))
    return sorted(listed, key=lambda study: (study.order, study.name))


def _studies_of(source: str) -> list[Listed]:
    """Return what ``STUDY = Study(name=…, title=…, order=…)`` says at the top level of a file."""
    if "STUDY" not in source:
        return []
    found = []
    for node in ast.parse(source).body:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        if any(isinstance(target, ast.Name) and target.id == "STUDY" for target in node.targets):
            plain = {
                keyword.arg: keyword.value.value
                for keyword in node.value.keywords
                if isinstance(keyword.value, ast.Constant)
            }
            found.append(Listed(str(plain["name"]), str(plain["title"]), int(str(plain["order"]))))
    return found
