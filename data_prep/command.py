"""The command lines of the scripts: options, progress, and one line for a mistake."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from data_prep.common import Report
from data_prep.pictures import GREY, PictureOptions
from intr_discover.errors import UserError


class OneLineParser(argparse.ArgumentParser):
    """An argument parser whose help shows defaults and whose errors are a ``UserError``."""

    def __init__(self, prog: str, description: str) -> None:
        super().__init__(
            prog=f"python -m {prog}",
            description=description,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """Raise what was wrong with the arguments."""
        raise UserError(f"{message} ({self.prog} --help lists the options)")


def add_places(parser: argparse.ArgumentParser, source: str = "the published folder") -> None:
    """Add SOURCE, OUT, --copy and --overwrite."""
    parser.add_argument("source", metavar="SOURCE", type=Path, help=source)
    parser.add_argument("out", metavar="OUT", type=Path, help="the folder to write")
    parser.add_argument(
        "--copy",
        action="store_true",
        help="copy the pictures to OUT; without it the table points to those in SOURCE",
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="write into OUT though it holds files"
    )


def add_picture_options(parser: argparse.ArgumentParser, margin: float) -> None:
    """Add --background, --crop and --margin with its default."""
    parser.add_argument(
        "--background",
        choices=["keep", "remove"],
        default="keep",
        help=f"remove: fill what is outside the specimen mask with grey {GREY}; new PNG files",
    )
    parser.add_argument(
        "--crop", action="store_true", help="cut to the specimen's box; new PNG files"
    )
    parser.add_argument(
        "--margin",
        type=float,
        default=margin,
        help="with --crop: rim around the box, as a share of its longer side",
    )


def published_parser(prog: str, description: str) -> OneLineParser:
    """Return a parser with SOURCE (a folder or an archive), OUT, --copy and --overwrite."""
    parser = OneLineParser(prog, description)
    add_places(parser, "the folder of the archives as downloaded or unpacked, or the archive")
    return parser


def picture_options(arguments: argparse.Namespace) -> PictureOptions:
    """Return the options that ``add_places`` and ``add_picture_options`` parsed."""
    return PictureOptions(
        copy=arguments.copy,
        crop=arguments.crop,
        margin=arguments.margin,
        remove_background=arguments.background == "remove",
    )


@contextmanager
def progress_steps() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Yield ``step(name)``, which gives the callback ``(done, total)`` of a bar of its own."""
    with _bars(TaskProgressColumn()) as step:
        yield step


@contextmanager
def download_steps() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Yield what ``progress_steps`` does, for bytes; a total of 0 is one that is not known."""
    with _bars(DownloadColumn(), TransferSpeedColumn()) as step:
        yield step


@contextmanager
def _bars(*numbers: ProgressColumn) -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), *numbers, TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:

        def step(name: str) -> Callable[[int, int], None]:
            task = bar.add_task(name, total=None)
            return lambda done, total: bar.update(task, completed=done, total=total or None)

        yield step


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield ``progress(done, total)``, which draws a bar with the time left on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def run(main: Callable[[Sequence[str]], Report], arguments: Sequence[str] | None = None) -> int:
    """Run a script: its report on the screen, a user's mistake as one line; return the status.

    Warnings go to stderr, counts to stdout. The status is 0, or 2 after a user's mistake or a
    file that the system refuses.
    """
    try:
        report = main(sys.argv[1:] if arguments is None else arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)
        return 2
    for line in report.warnings:
        print(f"warning: {line}", file=sys.stderr)
    for line in report.lines:
        print(line)
    return 0
