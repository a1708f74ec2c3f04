"""``intr-discover prepare`` and ``duplicates``: a collection made ready, and its copies found.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from intr_discover.cli_options import Data, command_words, read_collection
from intr_discover.console import progress_bar
from intr_discover.errors import UserError


def prepare(
    data: Data,
    out: Annotated[Path, typer.Option(help="The folder to make; any command takes it as DATA.")],
    colour_card: Annotated[
        bool,
        typer.Option("--colour-card", help="Correct colours where a ColorChecker is in sight."),
    ] = False,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Guess the specimen's mask where there is none.")
    ] = False,
    apart: Annotated[
        bool, typer.Option("--apart", help="Cut several specimens of one photograph apart.")
    ] = False,
    least_share: Annotated[
        float,
        typer.Option(help="--apart: what is smaller, by area, than this share of the largest."),
    ] = 0.1,
    background: Annotated[
        str | None,
        typer.Option(help="Lay grey, white, mean (ImageNet's) or #rrggbb behind the specimen."),
    ] = None,
    crop: Annotated[bool, typer.Option("--crop", help="Cut to the specimen's box.")] = False,
    margin: Annotated[
        float, typer.Option(help="--crop, --apart: rim, as a share of the box's longer side.")
    ] = 0.05,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Remove an earlier preparation in --out.")
    ] = False,
) -> None:
    """Make photographs ready for training, as new pictures; originals are never touched."""
    from intr_discover.preparation.prepare import prepare as run
    from intr_discover.preparation.steps import Steps

    steps = Steps(
        colour_card=colour_card,
        foreground=foreground,
        apart=apart,
        least_share=least_share,
        background=background,
        crop=crop,
        margin=margin,
    )
    collection = read_collection(data, allow_missing=True)
    try:
        with progress_bar("preparing photographs") as progress:
            done = run(
                collection,
                out,
                steps,
                overwrite=overwrite,
                command=command_words(),
                progress=progress,
            )
    except KeyboardInterrupt:
        raise UserError("interrupted; the same command goes on where it stopped") from None
    for line in done.lines:
        print(line)
    print(f"wrote {out}; next: intr-discover specimens {shlex.quote(str(out))}")


def duplicates(
    data: Data,
    out: Annotated[Path, typer.Option(help="Folder for the tables.")],
    distance: Annotated[
        int, typer.Option(help="Bits, of 64, in which the hashes of a pair may differ.")
    ] = 12,
    unconfirmed: Annotated[
        bool,
        typer.Option(
            "--unconfirmed", help="Keep also pairs that only their hashes take for one picture."
        ),
    ] = False,
) -> None:
    """Find photographs that are there twice: under two labels, or in train and in test."""
    from intr_discover.preparation.duplicates import (
        find_duplicates,
        hash_collection,
        write_duplicates,
    )

    collection = read_collection(data, allow_missing=True)
    with progress_bar("reading photographs") as progress:
        hashed = hash_collection(collection, progress)
    with progress_bar("comparing like pairs") as progress:
        found = find_duplicates(
            hashed, distance=distance, unconfirmed=unconfirmed, progress=progress
        )
    write_duplicates(
        found,
        collection,
        out,
        distance=distance,
        unconfirmed=unconfirmed,
        command=command_words(),
    )
    print(found.finding())
    if len(found.problems):
        print(f"{len(found.problems)} photographs could not be read: {out / 'problems.csv'}")
    print(f"wrote {out / 'duplicates.csv'}")
