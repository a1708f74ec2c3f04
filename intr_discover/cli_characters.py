"""``intr-discover characters``: a report's heads as a character matrix for phylogenetics.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from intr_discover.cli_options import Names


def characters(
    report: Annotated[
        Path, typer.Argument(help="The folder of a finished report, or of a study heads.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the files; default characters in the report.")
    ] = None,
    names: Names = None,
    least: Annotated[
        float,
        typer.Option(min=0.0, help="Logits that switching a needed head off must cost."),
    ] = 0.0,
) -> None:
    """Write species × discovered attributes as NEXUS and CSV, for phylogenetics."""
    from intr_discover.report.character_files import FOLDER, read_tables, write_characters

    tables = read_tables(report)
    called = None
    if names is not None:
        from intr_discover.annotations.transfer import read_agreed_names

        called = read_agreed_names(names, tables.model)
    folder = report / FOLDER if out is None else out
    for sentence in write_characters(tables, folder, called, least):
        print(sentence)
    print(f"wrote {folder / 'characters.nex'}, characters.csv and evidence.csv")
