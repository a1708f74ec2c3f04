"""``intr-discover notebooks``: copy the notebooks that come with the package.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

import shlex
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from intr_discover.errors import UserError, shorten
from intr_discover.files import write_text


def notebooks(
    out: Annotated[Path, typer.Argument(help="The folder to copy them to.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace notebooks of these names that are there.")
    ] = False,
) -> None:
    """Copy the notebooks to a folder, to open them in JupyterLab."""
    found = sorted(
        (each for each in files("notebooks").iterdir() if each.name.endswith(".ipynb")),
        key=lambda each: each.name,
    )
    there = [each.name for each in found if (out / each.name).exists()]
    if there and not overwrite:
        raise UserError(
            f"{out} has {shorten(there)} already; what you changed in it would be lost: choose "
            "another folder, or give --overwrite"
        )
    for each in found:
        write_text(out / each.name, each.read_text(encoding="utf-8"))
    print(f"copied {len(found)} notebooks: {out}")
    print(f"next: jupyter lab {shlex.quote(str(out))}")
