"""``intr-discover rings``: draw look-alike specimens whose diagnostic attributes are known.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

import shlex
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from intr_discover.console import progress_bar
from intr_discover.errors import UserError


class ShortcutName(StrEnum):
    """What gives a species away beside its attribute."""

    none = "none"
    background = "background"
    ruler = "ruler"


# Ranges are checked where the specimens are drawn, so that Python and the command line agree.
def rings(
    out: Annotated[Path, typer.Argument(help="The folder to make.")],
    per_class: Annotated[int, typer.Option(help="Specimens of each species.")] = 100,
    size: Annotated[int, typer.Option(help="Pixels of each side, from 64.")] = 160,
    seed: Annotated[int, typer.Option(help="Another seed draws other specimens.")] = 0,
    ring_count: Annotated[
        int, typer.Option("--rings", help="Mimicry rings, two species each: 1 to 8.")
    ] = 8,
    hard: Annotated[
        float, typer.Option(help="How much pose, light, wear and pattern vary: 0 to 1.")
    ] = 0.5,
    shortcut: Annotated[
        ShortcutName,
        typer.Option(help="Plant a cue beside the attribute, to test what notices it."),
    ] = ShortcutName.none,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier collection of this kind.")
    ] = False,
) -> None:
    """Draw butterflies of mimicry rings, with everything about them known."""
    from intr_discover.data.rings import write_collection

    try:
        with progress_bar("drawing specimens") as progress:
            write_collection(
                out,
                per_class,
                size=size,
                seed=seed,
                ring_count=ring_count,
                hard=hard,
                shortcut=shortcut.value,
                overwrite=overwrite,
                progress=progress,
            )
    except KeyboardInterrupt:
        raise UserError(f"interrupted; nothing was written to {out}") from None
    species = 2 * ring_count
    in_rings = "1 ring" if ring_count == 1 else f"{ring_count} rings"
    print(f"drew {species * per_class} specimens of {species} species in {in_rings}: {out}")
    print(f"next: intr-discover train {shlex.quote(str(out))} --out RUN")
