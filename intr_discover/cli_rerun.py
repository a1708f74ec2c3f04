"""``intr-discover rerun``: repeat a result by its record, and compare.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def rerun(
    context: typer.Context,
    record: Annotated[Path, typer.Argument(help="The provenance.json of a result, or its folder.")],
    out: Annotated[
        Path | None, typer.Option(help="A new folder; default one beside the result.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            help="Share by which numbers may differ; default 0, and 1e-6 where versions or machine "
            "are others than those of the result.",
        ),
    ] = None,
) -> None:
    """Repeat a result by its record, and compare: status 0 the same, 1 not the same."""
    from intr_discover.rerun.repeat import repeat

    def say(line: str) -> None:
        print(line, flush=True)

    done = repeat(record, context.find_root().command, out=out, tolerance=tolerance, say=say)
    for each in done.compared:
        print(each)
    within = "bit for bit" if done.tolerance == 0 else f"within {done.tolerance:g} of each number"
    print(
        f"{'the same' if done.same else 'not the same'}, {within}; the new one is in {done.folder}"
    )
    if not done.same:
        raise typer.Exit(1)
