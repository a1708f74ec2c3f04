"""Where the published files of a data set are: in a folder, or in archives to be unpacked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from data_prep import archives
from intr_discover.errors import UserError

Progress = Callable[[str], Callable[[int, int], None] | None]


@dataclass(frozen=True)
class Archive:
    """An archive as downloaded, and what it holds.

    Attributes
    ----------
    names
        Patterns that its file name may match.
    holds
        A file or folder in it, by which its unpacked form is known.
    needed
        Whether nothing can be done without it.
    keep
        Which of its files are unpacked; None: all.
    """

    names: tuple[str, ...]
    holds: str
    needed: bool = True
    keep: Callable[[str], bool] | None = None


class Published:
    """The published files, in a folder and in what was unpacked, found by the end of their path."""

    def __init__(self, source: Path, roots: Sequence[Path] = ()) -> None:
        self.source = source
        self.roots = list(roots)

    def holds(self, path: Path) -> bool:
        """Return whether a path lies in what was published, and does not lead out of it."""
        return any(
            path.is_relative_to(root) and ".." not in path.relative_to(root).parts
            for root in self.roots
        )

    def find(self, *names: str) -> Path | None:
        """Return the first of ``names`` that is there: at the top, or one or two folders deeper."""
        for name in names:
            for root in self.roots:
                for pattern in (name, f"*/{name}", f"*/*/{name}"):
                    found = next(iter(sorted(root.glob(pattern))), None)
                    if found is not None:
                        return found
        return None

    def need(self, *names: str) -> Path:
        """Return the first of ``names`` that is there.

        Raises
        ------
        UserError
            None is.
        """
        found = self.find(*names)
        if found is None:
            raise UserError(f"{self.source} has no {' or '.join(names)}: it is not complete")
        return found


def locate(
    wanted: Sequence[Archive], source: Path, folder_of_unpacked: Path, steps: Progress
) -> Published:
    """Find the published files, unpacking those archives of which nothing is there.

    Parameters
    ----------
    wanted
        The archives of the data set; ``source``, if it is a file, is the first of them.
    source
        The folder of the archives, or of what was unpacked; or the first archive, the others
        beside it.
    folder_of_unpacked
        Where archives are unpacked.
    steps
        ``steps("unpacking")`` gives the callback ``(done, total)`` of that step, or None.

    Raises
    ------
    UserError
        An archive that is needed is not there, or cannot be unpacked.
    """
    folder = source if source.is_dir() else source.parent
    published = Published(source, [source] if source.is_dir() else [])
    for place, archive in enumerate(wanted):
        if published.find(archive.holds):
            continue
        candidates = sorted(folder.iterdir())
        if not source.is_dir() and place == 0:
            candidates = [source]
        elif not source.is_dir():
            candidates = [path for path in candidates if path != source]
        fitting = [
            path
            for path in candidates
            if path.is_file()
            and (path == source or any(fnmatch(path.name, name) for name in archive.names))
        ]
        if fitting:
            step = steps(f"unpacking {fitting[0].name}")
            root = archives.unpack(fitting[0], folder_of_unpacked, archive.keep, step)
            published.roots.append(root)
        elif archive.needed:
            raise UserError(
                f"{source} has neither {' nor '.join(archive.names)} nor, unpacked, "
                f"{archive.holds}: see data_prep/README.md"
            )
    return published
