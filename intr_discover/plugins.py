"""Files that are found, not listed: each module of a package that defines one constant counts.

So a new study or figure is one new file. Names and titles are read without importing a file:
``--help`` must not wait for torch. Standard library only.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Protocol, TypeVar


class _Plugin(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def order(self) -> int: ...


Kind = TypeVar("Kind", bound=_Plugin)


@dataclass(frozen=True)
class Listed:
    """What can be said of a plug-in without importing it.

    Attributes
    ----------
    name, title, order
        As it defines them, as plain values.
    """

    name: str
    title: str
    order: int


def list_plugins(folders: Iterable[str], constant: str) -> list[Listed]:
    """Return the plug-ins of some folders in their order, without importing them.

    Parameters
    ----------
    folders
        Where their files lie.
    constant
        The name that makes a file one, such as ``STUDY``.
    """
    listed = []
    for folder in folders:
        for path in sorted(Path(folder).glob("*.py")):
            listed += _listed_in(path.read_text(encoding="utf-8"), constant)
    return sorted(listed, key=lambda each: (each.order, each.name))


def find_plugins(package: ModuleType, constant: str, kind: type[Kind]) -> dict[str, Kind]:
    """Import the modules of a package; return the plug-ins by name, in their order.

    Parameters
    ----------
    package
        Those of its modules that define the constant count.
    constant
        Its name.
    kind
        What it must be.
    """
    found: dict[str, Kind] = {}
    for info in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{info.name}")
        plugin = getattr(module, constant, None)
        if plugin is None:
            continue
        assert isinstance(plugin, kind), f"{module.__name__}.{constant} is no {kind.__name__}"
        assert plugin.name not in found, f"two of {package.__name__} are called {plugin.name}"
        found[plugin.name] = plugin
    return dict(sorted(found.items(), key=lambda entry: (entry[1].order, entry[0])))


def _listed_in(source: str, constant: str) -> list[Listed]:
    """Return what ``CONSTANT = Kind(name=…, title=…, order=…)`` says at the top of a file."""
    if constant not in source:
        return []
    found = []
    for node in ast.parse(source).body:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)):
            continue
        if any(isinstance(target, ast.Name) and target.id == constant for target in node.targets):
            plain = {
                keyword.arg: keyword.value.value
                for keyword in node.value.keywords
                if isinstance(keyword.value, ast.Constant)
            }
            found.append(Listed(str(plain["name"]), str(plain["title"]), int(str(plain["order"]))))
    return found
