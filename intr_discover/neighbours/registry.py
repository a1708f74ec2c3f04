"""Which methods there are: every module of ``neighbours.methods`` that defines ``KIND``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import intr_discover.neighbours.methods
from intr_discover.errors import UserError
from intr_discover.explain.method import FitSettings, Method, MethodKind
from intr_discover.plugins import find_plugins


def find_methods() -> dict[str, MethodKind]:
    """Return the methods by name, in their order."""
    return find_plugins(intr_discover.neighbours.methods, "KIND", MethodKind)


def load_method(name: str, run: Path, settings: FitSettings) -> Method:
    """Return a way to explain what was trained into a folder.

    Parameters
    ----------
    name
        Of the method.
    run
        The folder.
    settings
        Its seed, device and options.

    Raises
    ------
    UserError
        If there is none of that name, or the folder holds nothing that it can explain.
    """
    (kind,) = choose_methods([name])
    if not run.is_dir():
        raise UserError(
            f"{run}: there is no such folder; with --method {name} RUN is what study neighbours "
            f"has trained, OUT/trained/{kind.folder}"
        )
    return kind.load(run, settings)


def choose_methods(names: Sequence[str] | None) -> list[MethodKind]:
    """Return the methods of some names, in their order; all without names.

    Raises
    ------
    UserError
        If there is none of a name.
    """
    known = find_methods()
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise UserError(f"there is no method '{unknown[0]}'; there are: {', '.join(known)}")
    return [kind for name, kind in known.items() if not names or name in names]
