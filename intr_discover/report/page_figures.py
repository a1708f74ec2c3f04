"""The figures of the studies as things of the page, and what each of them is about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from intr_discover.report.outcome import Outcome

Pair = tuple[str, str]


@dataclass(frozen=True)
class FigureOnPage:
    """A figure of the page.

    Attributes
    ----------
    id
        For links.
    study
        Whose figure it is.
    path
        Where it is saved (PNG).
    alt
        What is read out.
    caption
        What stands below it.
    downloads
        (words, relative path) of the files.
    about
        The species, or the two look-alikes, that it is about; empty for a figure of many.
    """

    id: str
    study: str
    path: Path
    alt: str
    caption: str
    downloads: list[tuple[str, str]]
    about: tuple[str, ...] = ()


def figures_of(
    outcome: Outcome, folder: Path, classes: Sequence[str], pairs: Sequence[Pair]
) -> list[FigureOnPage]:
    """Return the figures of a study, and of the first fold those that all together have none of.

    Parameters
    ----------
    outcome
        With a result.
    folder
        Of the page.
    classes, pairs
        What a figure may be about.
    """
    assert outcome.result is not None
    name, result = outcome.study.name, outcome.result
    captions = {drawn: result.captions.get(drawn, "") for drawn in result.drawings}
    links = relative_links(outcome.files, folder)
    found = [
        _figure(f"{name}-{drawn}", name, drawn, "", caption, links, folder, classes, pairs)
        for drawn, caption in captions.items()
    ]
    if outcome.parts:
        part = outcome.parts[0]
        front = f"Fold {part.fold} of {len(outcome.parts)}. "
        links = relative_links(part.files, folder)
        found += [
            _figure(
                f"{name}-fold-{part.fold}-{drawn}", name, drawn, front, caption,
                links, folder, classes, pairs,
            )
            for drawn, caption in part.captions.items()
            if drawn not in captions
        ]  # fmt: skip
    return found


def relative_links(files: Iterable[Path], folder: Path) -> dict[str, str]:
    """Return the way from the page to each file, by its name."""
    return {file.name: file.relative_to(folder).as_posix() for file in files}


def what_it_is_about(
    name: str, caption: str, classes: Sequence[str], pairs: Sequence[Pair]
) -> tuple[str, ...]:
    """Return the species or the two look-alikes that a figure shows alone.

    Parameters
    ----------
    name
        Of the figure: ``atlas_01`` and ``edit_02`` are about one species, ``pair_03_sheet`` about
        two.
    caption
        It names them; a result holds nothing else that says it.
    classes, pairs
        Those that can be meant.

    Returns
    -------
    tuple of str
        Empty for a figure of many, and where the caption does not say.
    """
    kind = name.split("_")[0]
    openings: list[tuple[tuple[str, ...], str]]
    if kind == "atlas":
        openings = [((label,), f"Head atlas of {label}: ") for label in classes]
    elif kind == "edit":
        openings = [((label,), f"{label}: ") for label in classes]
    elif kind == "pair":
        # "What head 3 of the query A attends to in A and in B: …" names them in the middle.
        caption = caption.partition(" attends to in ")[2] or caption
        openings = [
            ((first, second), words)
            for first, second in pairs
            for a, b in ((first, second), (second, first))
            for words in (f"{a} and {b}.", f"{a} and {b}:", f"{a} and in {b}:")
        ]
    else:
        return ()
    # The longest: one name may begin another.
    fitting = [(len(words), about) for about, words in openings if caption.startswith(words)]
    return max(fitting)[1] if fitting else ()


def _figure(
    id: str,
    study: str,
    name: str,
    front: str,
    caption: str,
    links: Mapping[str, str],
    folder: Path,
    classes: Sequence[str],
    pairs: Sequence[Pair],
) -> FigureOnPage:
    shown = f"{front}{caption}".strip()
    return FigureOnPage(
        id=f"figure-{id}",
        study=study,
        path=folder / links[f"{name}.png"],
        alt=f"Figure {name.replace('_', ' ')}. {shown}".strip(),
        caption=shown,
        downloads=[("PDF", links[f"{name}.pdf"]), ("PNG, 300 dpi", links[f"{name}.png"])],
        about=what_it_is_about(name, caption, classes, pairs),
    )
