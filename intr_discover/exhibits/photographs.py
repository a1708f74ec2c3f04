"""Which photographs a figure shows: those that were named, or some that the seed draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from intr_discover.data.specimens import Specimens
from intr_discover.errors import UserError, shorten


@dataclass(frozen=True)
class Photograph:
    """One photograph.

    Attributes
    ----------
    image
        As the table of specimens names it, or its file's name.
    path
        The file.
    label
        Its class; None where nobody said.
    """

    image: str
    path: Path
    label: str | None

    @property
    def name(self) -> str:
        """Return the file's name without its folders."""
        return self.path.name


class Photographs:
    """The photographs that a figure may show.

    Parameters
    ----------
    listed
        All of them.
    named
        Whether somebody named exactly these: then they are shown as they are, and nothing is drawn.
    specimens
        The collection they are from, with its masks and attributes; None for files without one.
    collection
        All photographs of that collection; default ``listed``.
    """

    def __init__(
        self,
        listed: Sequence[Photograph],
        *,
        named: bool,
        specimens: Specimens | None = None,
        collection: Sequence[Photograph] | None = None,
    ) -> None:
        self.listed = list(listed)
        self.collection = self.listed if collection is None else list(collection)
        self.named = named
        self.specimens = specimens

    @classmethod
    def of_files(cls, paths: Sequence[Path]) -> Photographs:
        """Return photographs without labels."""
        return cls([Photograph(path.name, path, None) for path in paths], named=True)

    @classmethod
    def of_specimens(cls, specimens: Specimens, images: Sequence[str] = ()) -> Photographs:
        """Return those of a collection, or the named ones in the order of their names.

        Raises
        ------
        UserError
            If there is no photograph of a name, or several.
        """
        table = specimens.table
        listed = [
            Photograph(image, path, label)
            for image, path, label in zip(
                table["image"], specimens.paths, table["label"], strict=True
            )
        ]
        if not images:
            return cls(listed, named=False, specimens=specimens)
        chosen = [_found(name, listed, specimens) for name in images]
        twice = sorted({each.image for each in chosen if chosen.count(each) > 1})
        if twice:
            raise UserError(f"a photograph is named twice: {shorten(twice)}")
        return cls(chosen, named=True, specimens=specimens, collection=listed)

    @property
    def labels(self) -> list[str]:
        """Return the classes that there are photographs of, by name."""
        return sorted({each.label for each in self.listed if each.label is not None})

    def of_class(self, label: str, count: int, seed: int) -> list[Photograph]:
        """Return photographs of a class: named ones as they are, else some drawn by the seed.

        Parameters
        ----------
        label
            The class. Photographs without a label belong to any.
        count
            How many to draw; all where there are no more.
        seed
            Of the draw. A larger ``count`` keeps what a smaller one draws.

        Raises
        ------
        UserError
            If there is none.
        """
        own = [each for each in self.listed if each.label in (label, None)]
        if not own:
            raise UserError(
                f"there is no photograph of class '{label}'; there are those of "
                f"{shorten(self.labels)}"
            )
        return own if self.named else drawn(own, count, seed)

    def any_class(self, count: int, seed: int) -> list[Photograph]:
        """Return photographs of any class: named ones as they are, else drawn by the seed."""
        return self.listed if self.named else drawn(self.listed, count, seed)


def drawn(photographs: Sequence[Photograph], count: int, seed: int) -> list[Photograph]:
    """Draw ``count`` photographs; a larger number keeps those of a smaller one."""
    order = np.random.default_rng(seed).permutation(len(photographs))
    return [photographs[place] for place in order[:count]]


def _found(name: str, listed: Sequence[Photograph], specimens: Specimens) -> Photograph:
    """Return the photograph of a name: as in the table, or the end of it."""
    exact = [each for each in listed if each.image == name]
    found = exact or [each for each in listed if Path(each.image).name == name]
    if not found:
        raise UserError(
            f"{specimens.source} has no photograph '{name}' in this split; names are as in the "
            f"column image: {shorten([each.image for each in listed], 2)}"
        )
    if len(found) > 1:
        raise UserError(f"several photographs are called '{name}': give the name as in the table")
    return found[0]
