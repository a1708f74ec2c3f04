"""Repeat the command of a record into a new folder, and say whether the same comes out."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intr_discover.errors import UserError
from intr_discover.provenance import versions
from intr_discover.rerun.changes import (
    changed_material,
    changed_surroundings,
    environment_as_then,
)
from intr_discover.rerun.comparison import Compared, compare_figures, compare_folders
from intr_discover.rerun.record import NAME, Record, read_record
from intr_discover.rerun.words import repeated_words

ELSEWHERE = 1e-6
"""Tolerance where versions or machine are others than those of the recorded result."""


@dataclass(frozen=True)
class Repeated:
    """A result that was made once more.

    Attributes
    ----------
    record
        Of the first one.
    folder
        Where the new one is.
    changes
        What was not as it was: versions, machine, weights, photographs.
    tolerance
        See ``comparison.compare_folders``.
    compared
        File by file.
    """

    record: Record
    folder: Path
    changes: list[str]
    tolerance: float
    compared: list[Compared]

    @property
    def same(self) -> bool:
        """Return whether every file is the same."""
        return not any(each.differences for each in self.compared)


def repeat(
    place: str | Path,
    commands: Any,
    *,
    out: Path | None = None,
    tolerance: float | None = None,
    say: Callable[[str], None] = print,
) -> Repeated:
    """Repeat a result and compare.

    Parameters
    ----------
    place
        A ``provenance.json``, or the folder that holds it.
    commands
        The command line: a Typer (Click) group with all commands.
    out
        A new folder; default one beside the result.
    tolerance
        Share by which numbers may differ; default 0, and ``ELSEWHERE`` where versions or machine
        are not those of the recorded result.
    say
        Called with one line for people at a time.

    Raises
    ------
    UserError
        If the record cannot be read, its command is not one to repeat, or it fails.
    """
    record = read_record(place)
    target = new_folder(record, out).absolute()
    words = repeated_words(commands, record, target)
    working = record.working_folder
    say(f"repeating: {shlex.join(['intr-discover', *words])}")
    say(f"in the folder {working}")
    changes = changed_surroundings(record.part("versions"), versions(), "versions")
    for line in changes:
        say(f"not as it was: {line}")
    _run(words, working, record)
    new = read_record(target if record.stem is None else target / f"{record.stem}.{NAME}")
    other_machine = changed_surroundings(record.part("machine"), new.part("machine"), "machine")
    material = changed_material(record.content, new.content)
    trained = isinstance(record.content.get("trained"), str)
    if trained:  # the weights are the result, not what it was made of
        material = [line for line in material if not line.startswith("the weights")]
    for line in (*other_machine, *material):
        say(f"not as it was: {line}")
    if tolerance is None:
        tolerance = ELSEWHERE if changes or other_machine else 0.0
    compared = _compare(record, new, tolerance)
    return Repeated(record, target, [*changes, *other_machine, *material], tolerance, compared)


def new_folder(record: Record, out: Path | None) -> Path:
    """Return the folder for the new result.

    Raises
    ------
    UserError
        If something is in the folder that was named.
    """
    if record.stem is None:
        return new_folder_beside(record.folder, out)
    return new_folder_beside(record.folder / record.stem, out)


def new_folder_beside(place: Path, out: Path | None) -> Path:
    """Return ``out``, or a name beside ``place`` that nothing has; see ``new_folder``."""
    if out is not None:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise UserError(f"{out} is there already; name a new folder with --out")
        return out
    parent, name = place.absolute().parent, place.absolute().name
    number = 1
    while True:
        folder = parent / (f"{name}-rerun" if number == 1 else f"{name}-rerun-{number}")
        if not folder.exists():
            return folder
        number += 1


def _run(words: list[str], working: Path, record: Record) -> None:
    """Run one of our own commands in a process of its own."""
    # -P: a file that lies in the working folder is never taken for a module of Python.
    done = subprocess.run(
        [sys.executable, "-P", "-m", "intr_discover", *words],
        cwd=working,
        env=environment_as_then(record.part("machine")),
        check=False,
    )
    if done.returncode:
        raise UserError(
            f"{record.path}: its command could not be repeated (status {done.returncode}); the "
            "reason stands above"
        )


def _compare(record: Record, new: Record, tolerance: float) -> list[Compared]:
    if record.stem is not None:
        return compare_figures(record.folder, new.folder, record.stem)
    study = record.content.get("study")
    compared = compare_folders(
        record.folder,
        new.folder,
        tolerance=tolerance,
        begins=study if isinstance(study, str) else None,
    )
    if isinstance(record.content.get("trained"), str):
        weights = [each.content.get("model_fingerprint") for each in (record, new)]
        words = f"{str(weights[0])[:12]} → {str(weights[1])[:12]}"
        differences = () if weights[0] == weights[1] else (words,)
        compared.append(Compared("model.safetensors", "all weights", differences))
    return compared
