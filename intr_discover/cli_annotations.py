"""``intr-discover annotations``: what people said, out of the database and into it.

Standard library and Typer only at the top, as in ``cli``.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intr_discover.cli_options import Seed
from intr_discover.errors import UserError

if TYPE_CHECKING:
    from intr_discover.annotations import Database

annotations_app = typer.Typer(
    help="Names of heads and answers of blind studies: read them, take them elsewhere.",
    no_args_is_help=True,
)

Place = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="FILE",
        help="The database: a file, or a URL; where none is named, that of the app.",
    ),
]
Table = Annotated[Path | None, typer.Option(help="Write the table here as well.")]


@annotations_app.command("export")
def export_database(
    out: Annotated[Path, typer.Option(help="Folder for the CSV sheets.")], database: Place = None
) -> None:
    """Write everything in the database as CSV sheets."""
    from intr_discover.annotations.transfer import export_csv

    counted = export_csv(_open(database, read_only=True), out)
    print(f"{_in_words(asdict(counted))}; wrote {out}")


@annotations_app.command("import")
def import_sheets(
    sheets: Annotated[str, typer.Argument(help="A folder of exported sheets, or one of them.")],
    database: Place = None,
) -> None:
    """Add CSV sheets to the database; what is there already is not added again."""
    from intr_discover.annotations.transfer import check_csv, import_csv

    check_csv(sheets)  # before a new database is made
    opened = _open(database)
    print(f"new in {opened.place}: {_in_words(asdict(import_csv(opened, sheets)))}")


@annotations_app.command("names")
def agreed_names(
    database: Place = None,
    model: Annotated[
        str | None, typer.Option(help="Only this model: its fingerprint, or how that begins.")
    ] = None,
    csv: Table = None,
) -> None:
    """Say what most raters call each head."""
    from intr_discover.annotations.sheets import write_sheet
    from intr_discover.figures.text import one_line

    opened = _open(database, read_only=True)
    agreed = [
        each for each in opened.names.consensus() if each.model.startswith((model or "").lower())
    ]
    if not agreed:
        raise UserError(
            f"{opened.place} holds no names of heads" + (" of this model" if model else "")
        )
    shown = ""
    for each in agreed:
        if each.model != shown:
            shown = each.model
            print(f"model {shown[:12]}")
        name = "none" if each.shows_none else "no agreed name"
        if each.name is not None:
            name = one_line(each.name)
        votes = f"{each.votes} of {each.raters} {_plural(each.raters, 'rater')}"
        print(f"  {one_line(each.label)}, head {each.head}: {name} ({votes})")
    if csv is not None:
        write_sheet(csv, list(asdict(agreed[0])), [asdict(each) for each in agreed])
        print(f"wrote {csv}")


@annotations_app.command("agreement")
def study_agreement(
    database: Place = None,
    study: Annotated[
        str | None, typer.Option(help="Name of the blind study; needed where there are several.")
    ] = None,
    csv: Table = None,
    seed: Seed = 0,
) -> None:
    """Say which attributes raters of a blind study identified, and how far they agree."""
    from intr_discover.annotations.agreement import agreement, in_words
    from intr_discover.annotations.sheets import write_sheet

    opened = _open(database, read_only=True)
    if study is None:
        there = opened.studies.names()
        if len(there) != 1:
            known = ", ".join(there) if there else "none"
            raise UserError(f"{opened.place}: say which study with --study; there are: {known}")
        (study,) = there
    rows = agreement(opened.studies.get(study), opened.studies.answers(study), seed=seed)
    for sentence in in_words(rows):
        print(sentence)
    if csv is not None:
        write_sheet(csv, list(asdict(rows[0])), [asdict(row) for row in rows])
        print(f"wrote {csv}")


def _open(database: str | None, read_only: bool = False) -> Database:
    from intr_discover.annotations import open_database, usual_file

    return open_database(usual_file() if database is None else database, read_only=read_only)


def _in_words(counts: dict[str, int]) -> str:
    words = {"head_names": "name of a head", "studies": "study", "study_answers": "answer",
             "edits": "edit"}  # fmt: skip
    return ", ".join(f"{count} {_plural(count, words[kind])}" for kind, count in counts.items())


def _plural(count: int, word: str) -> str:
    if count == 1:
        return word
    return {"study": "studies", "name of a head": "names of heads"}.get(word, f"{word}s")
