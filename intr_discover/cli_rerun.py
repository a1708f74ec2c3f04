"""``intr-discover rerun``: repeat a result by its record, and compare.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def rerun(
    context: typer.Context,
    record: Annotated[
        Path,
        typer.Argument(help="The provenance.json of a result, its folder, or that of a report."),
    ],
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
    from intr_discover.rerun.repeat import Repeated, repeat
    from intr_discover.rerun.whole_report import is_report, repeat_report

    def say(line: str) -> None:
        print(line, flush=True)

    def show(done: Repeated) -> None:
        for each in done.compared:
            print(each)
        within = (
            "bit for bit" if done.tolerance == 0 else f"within {done.tolerance:g} of each number"
        )
        same = "the same" if done.same else "not the same"
        print(f"{same}, {within}; the new one is in {done.folder}", flush=True)

    commands = context.find_root().command
    if is_report(record):
        studies = repeat_report(record, commands, out=out, tolerance=tolerance, say=say, done=show)
        same = sum(each.same for each in studies)
        print(f"the same: {same} of {len(studies)} studies of the report")
        if same < len(studies):
            raise typer.Exit(1)
        return
    found = repeat(record, commands, out=out, tolerance=tolerance, say=say)
    show(found)
    if not found.same:
        raise typer.Exit(1)
