"""What every study returns: a table, its numbers, its figures, and where they came from."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

import intr_discover
from intr_discover.errors import UserError
from intr_discover.figures.style import save_figure
from intr_discover.files import write_json, write_with
from intr_discover.provenance import machine, origin, versions

Number = int | float | bool | str | None

# Names become parts of file names, on every operating system.
_NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


@dataclass(repr=False)
class StudyResult:
    """The outcome of a study, in one shape for the command line, notebooks, report and app.

    Parameters
    ----------
    name
        The study's name: lower-case letters, digits and underscores. It names the main table.
    table
        The tidy table: one row an observation.
    summary
        Flat numbers by name. NumPy scalars become plain ones; NaN (unknown) becomes None. A word
        is allowed where it says how the numbers were made (``judge``).
    provenance
        Where the numbers came from, see :func:`provenance`.
    tables
        More tables by name. An index that has a name is written as the first columns.
    drawings
        For each figure its name and a function that draws it. Nothing is drawn before it is
        asked for.
    captions
        For each figure a sentence or two for people, as plain text: what it shows.

    Raises
    ------
    ValueError
        For an infinite number, a nested summary, or a name that cannot be part of a file name.
    """

    name: str
    table: pd.DataFrame
    summary: dict[str, Any]
    provenance: dict[str, Any] = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    drawings: dict[str, Callable[[], Figure]] = field(default_factory=dict)
    captions: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (self.name, *self.tables, *self.drawings):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot be part of a file name")
        self.summary = {key: _number(key, value) for key, value in self.summary.items()}
        self.provenance = plain(self.provenance)

    def __repr__(self) -> str:
        numbers = ", ".join(f"{key}={value}" for key, value in self.summary.items())
        return f"StudyResult({self.name}: {len(self.table)} rows; {numbers})"

    def figures(self) -> dict[str, Figure]:
        """Draw all figures anew and return them by name."""
        return {name: draw() for name, draw in self.drawings.items()}

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write tables, numbers, figures and provenance to a folder.

        Writes ``<study>.csv``, ``<study>_<name>.csv`` for each further table, ``summary.json``,
        each figure as ``<name>.png`` (300 dpi) and ``<name>.pdf`` (vector), and last
        ``provenance.json``: where it stands, everything beside it is complete. Files of an
        earlier run are replaced, each whole; other files are left alone.

        Parameters
        ----------
        folder
            Made if it is absent.

        Returns
        -------
        list of Path
            The files written, in the order of writing.

        Raises
        ------
        UserError
            When ``folder`` or a folder above it is a file, or cannot be written to.
        """
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "provenance.json").unlink(missing_ok=True)
            return self._write(folder)
        except (FileExistsError, NotADirectoryError) as error:
            raise UserError(
                f"{folder}: results need a folder, but a file stands there; name another folder"
            ) from error
        except PermissionError as error:
            raise UserError(
                f"{folder}: no permission to write the results there; name another folder"
            ) from error

    def save_tables(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Write all but the figures, as ``save`` does; return the files written."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return [*self._write_tables(folder), self._write_record(folder)]

    def _write_tables(self, folder: Path) -> list[Path]:
        written = [folder / f"{self.name}.csv"]
        _write_table(self.table, written[0])
        for name, table in self.tables.items():
            path = folder / f"{self.name}_{name}.csv"
            _write_table(table, path)
            written.append(path)
        write_json(folder / "summary.json", self.summary)
        return [*written, folder / "summary.json"]

    def _write_record(self, folder: Path) -> Path:
        record = {"study": self.name, "n": self.summary.get("n"), **self.provenance}
        if record.get("command") is not None:
            record |= origin(record["command"], folder)
        write_json(folder / "provenance.json", record)
        return folder / "provenance.json"

    def _write(self, folder: Path) -> list[Path]:
        written = self._write_tables(folder)
        # One after the other, so that no more than one figure is held in memory.
        for name, draw in self.drawings.items():
            written += save_figure(
                draw(), folder / name, formats=("png", "pdf"), metadata=self._figure_metadata(name)
            )
        return [*written, self._write_record(folder)]

    def _figure_metadata(self, name: str) -> dict[str, str]:
        """Return what a figure says of itself when it has left its folder."""
        version = intr_discover.__version__
        entries = {
            "Title": f"{self.name}: {name}",
            "Software": f"intr_discover {version}",
            "n": self.summary.get("n"),
        }
        for key in ("command", "seed", "model_fingerprint", "data_fingerprint"):
            entries[key] = self.provenance.get(key)
        return {
            key: " ".join(map(str, value)) if isinstance(value, list) else str(value)
            for key, value in entries.items()
            if value is not None
        }


def provenance(
    command: Sequence[str] | None,
    seed: int | None,
    model_fingerprint: str | None,
    data_fingerprint: str | None,
    *,
    device: str | None = None,
    precision: str | None = None,
    **settings: Any,
) -> dict[str, Any]:
    """Return the record of how a result was made.

    Parameters
    ----------
    command
        The command line, word by word; None when called from Python.
    seed
        The seed of everything random; None where nothing was.
    model_fingerprint, data_fingerprint
        What identifies the weights and the specimens; None where there were none.
    device
        Where the model ran; None where there was none.
    precision
        In what its products were computed, see ``Explainer.precision``.
    settings
        All other choices that change a number.

    Returns
    -------
    dict
        Ready for JSON: ``command``, ``seed``, ``model_fingerprint``, ``data_fingerprint``,
        ``settings``, ``versions`` (of Python, of this package and of the libraries; None for
        one that is not installed) and ``machine`` (see ``provenance.machine``). No date: the same
        run gives the same record.
    """
    assert not isinstance(command, str), "the command as a list of words, not as one text"
    return plain(
        {
            "command": None if command is None else list(command),
            "seed": seed,
            "model_fingerprint": model_fingerprint,
            "data_fingerprint": data_fingerprint,
            "settings": settings,
            "versions": versions(),
            "machine": machine(device, precision),
        }
    )


def plain(value: Any) -> Any:
    """Return a value in the types of JSON: NumPy scalars and arrays, paths, NaN and tuples go.

    Raises
    ------
    TypeError
        For what has no plain form.
    ValueError
        For an infinite number, which JSON cannot hold.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float):
        if math.isinf(value):
            raise ValueError("an infinite number cannot be written")
        return None if math.isnan(value) else value
    if isinstance(value, (bool, int, str)):
        return value
    raise TypeError(f"{type(value).__name__} has no plain form: {value!r}")


def _number(key: str, value: Any) -> Number:
    """Return an entry of a summary as a plain number, word or None."""
    value = plain(value)
    if isinstance(value, (list, dict)):
        raise ValueError(f"summary entry {key!r} is not a single number")
    return value


def _write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV, the same bytes on every operating system."""
    has_named_index = any(name is not None for name in table.index.names)
    write_with(
        path,
        lambda temporary: table.to_csv(
            temporary, index=has_named_index, encoding="utf-8", lineterminator="\n"
        ),
    )
