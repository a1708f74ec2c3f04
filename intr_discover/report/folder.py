"""The folder of a report: what is ours in it, and what is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from intr_discover.errors import UserError
from intr_discover.files import is_temporary, write_json

PAGE = "index.html"
MARKER = "report.json"
"""Lists the files of the report; its presence tells a folder of ours from other folders."""
RUN = "run"
"""Where a model is trained that was made for the report; never removed."""
RUNS = "runs"
"""Where several are: one a fold, and further seeds; never removed."""

_MADE_BY = "intr-discover discover"


class ReportFolder:
    """The folder that a report is written to.

    Parameters
    ----------
    path
        Made by ``start``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._files: list[str] = []

    @property
    def page(self) -> Path:
        """Return the page; where it stands, everything beside it is complete."""
        return self.path / PAGE

    @property
    def run(self) -> Path:
        """Return the folder for a model that is trained for this report."""
        return self.path / RUN

    @property
    def runs(self) -> Path:
        """Return the folder for the models of several trainings."""
        return self.path / RUNS

    def check(self, overwrite: bool) -> None:
        """Refuse to write where something else is.

        Parameters
        ----------
        overwrite
            Whether an earlier report may be replaced.

        Raises
        ------
        UserError
            If the path is a file, or a folder that is neither empty nor ours to replace.
        """
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise UserError(f"{self.path} is a file; name a folder for the report with --out")
        if all(map(is_temporary, self.path.iterdir())):
            return
        if not overwrite:
            raise UserError(
                f"{self.path} exists and is not empty; name another folder with --out, or replace "
                "an earlier report with --overwrite"
            )
        self._earlier_files()

    def start(self) -> None:
        """Remove the files of an earlier report, the page first, and put the marker there.

        Files that the earlier report did not list stay where they are, and so does ``run``.

        Raises
        ------
        UserError
            If the folder is not ours, or cannot be written to.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.page.unlink(missing_ok=True)
            empty = all(map(is_temporary, self.path.iterdir()))
            earlier = [] if empty else self._earlier_files()
            for file in earlier:
                file.unlink(missing_ok=True)
            inside = {parent for file in earlier for parent in file.relative_to(self.path).parents}
            folders = [self.path / parent for parent in inside - {Path()}]
            for folder in sorted(folders, reverse=True):  # what lies deeper goes first
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
            self._write_marker(complete=False)
        except OSError as error:
            raise UserError(
                f"cannot write the report to {self.path}: {error.strerror}; "
                "name another folder with --out"
            ) from error

    def add(self, files: Iterable[Path]) -> None:
        """Note files as part of the report."""
        self._files += [file.relative_to(self.path).as_posix() for file in files]
        self._write_marker(complete=False)

    def add_afterwards(self, files: Iterable[Path]) -> None:
        """Note files that were written into a finished report; ``start`` removes them too."""
        self._files = [each.relative_to(self.path).as_posix() for each in self._earlier_files()]
        self.add(files)
        self.finish()

    def finish(self) -> None:
        """Note that the report is complete."""
        self._write_marker(complete=True)

    def _write_marker(self, complete: bool) -> None:
        content = {"made_by": _MADE_BY, "complete": complete, "files": self._files}
        write_json(self.path / MARKER, content)

    def _earlier_files(self) -> list[Path]:
        """Return the files of the earlier report that lie inside the folder."""
        try:
            content = json.loads((self.path / MARKER).read_text(encoding="utf-8"))
            ours = content["made_by"] == _MADE_BY
            names = [str(name) for name in content["files"]]
        except (OSError, ValueError, KeyError, TypeError):
            ours, names = False, []
        if not ours:
            raise UserError(
                f"{self.path} holds something else than a report and is left as it is; "
                "name another folder with --out"
            )
        # Whatever the marker says, nothing outside of the folder is ever touched.
        root = self.path.resolve()
        files = [self.path / name for name in names]
        return [file for file in files if file.resolve().is_relative_to(root) and file.is_file()]
