"""Figures and tables for a paper: what there is, and the files made of it."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matplotlib.figure import Figure

from apps.archives import pack
from apps.photographs import Photograph
from apps.results import Made
from apps.service import Service
from apps.sessions import Session
from intr_discover.errors import UserError
from intr_discover.figures import style
from intr_discover.figures.scaling import LEGIBLE_PT, scale_to, smallest_letters
from intr_discover.report.methods_paragraph import methods_paragraph
from intr_discover.studies.result import StudyResult

METHODS = "methods.txt"
COARSEST, FINEST = 72, 1200
"""Dots per inch."""


@dataclass(frozen=True)
class Exhibit:
    """A figure that can be exported.

    Attributes
    ----------
    folder, name
        Of its files.
    title
        As the menu shows it.
    draw
        Draws it anew.
    caption
        What it shows.
    """

    folder: str
    name: str
    title: str
    draw: Callable[[], Figure]
    caption: str = ""


@dataclass(frozen=True)
class Look:
    """How figures are written.

    Attributes
    ----------
    width
        In mm; None for the width that each was drawn for.
    dots_per_inch
        Of PNG.
    formats
        Any of ``style.FORMATS``.
    """

    width: float | None
    dots_per_inch: int
    formats: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.formats:
            raise UserError("choose at least one format: PDF, SVG or PNG")
        if not COARSEST <= self.dots_per_inch <= FINEST:
            raise UserError(
                f"a PNG can have {COARSEST} to {FINEST} dots per inch, not {self.dots_per_inch}"
            )


def exhibits(service: Service, session: Session) -> list[Exhibit]:
    """Return the figures that a page can export: its own, then those of the studies."""
    found = []
    explanation = session.kept.get("explanation")
    if explanation is not None:
        photograph: Photograph = session.kept["explained"]
        title = f"Explore: heads of {explanation.classes[0]} in {photograph.name}"
        draw = partial(explanation.figure, true_label=photograph.label, names=service.names())
        found.append(Exhibit("explore", "heads", title, draw))
    contrast = session.kept.get("contrast")
    if contrast is not None:
        found.append(Exhibit("explore", "contrast", "Explore: contrast of two classes",
                             contrast.figure))  # fmt: skip
    for made in service.results.made():
        found += [
            Exhibit(made.result.name, name, f"{made.study.name}: {name.replace('_', ' ')}", draw,
                    made.result.captions.get(name, ""))
            for name, draw in made.result.drawings.items()
        ]  # fmt: skip
    return found


def scale_of(figure: Figure, look: Look) -> float:
    """Return how many times as large as it was drawn a figure is written."""
    return 1.0 if look.width is None else scale_to(figure, look.width)


def legibility(figure: Figure, look: Look) -> str:
    """Say how wide a figure becomes, and whether its letters can be read in print."""
    scale = scale_of(figure, look)
    width, height = (side * scale for side in style.size_mm(figure))
    said = f"{width:.0f} × {height:.0f} mm"
    if scale != 1.0:
        said += f", {scale:.0%} of the size that it was drawn for"
    letters = smallest_letters(figure, scale)
    if letters is None:
        return f"{said}."
    said += f"; its smallest letters have {letters:.1f} points"
    if letters < LEGIBLE_PT - 0.05:
        return f"{said}: too small to read in print (journals want {LEGIBLE_PT:g}). Choose wider."
    return f"{said}: legible in print."


def methods(service: Service, made: Sequence[Made]) -> str:
    """Return the paragraph for the methods section."""
    return methods_paragraph(service.explainer, service.data, [each.result for each in made])


def make_zip(
    service: Service,
    session: Session,
    chosen: Sequence[Exhibit],
    tables: Sequence[StudyResult],
    look: Look,
    progress: Callable[[int, int], None],
) -> Path:
    """Write figures, tables, captions and the methods paragraph; return them as a zip.

    Parameters
    ----------
    service, session
        As their names say; the file lies in the session's folder.
    chosen
        The figures.
    tables
        Results whose tables, numbers and records are added.
    look
        Of the figures.
    progress
        Called with (figures drawn, figures in all).

    Raises
    ------
    UserError
        If there is nothing to write, or the width is impossible.
    """
    if not chosen and not tables:
        raise UserError("there is nothing to export yet: run a study, or look at a photograph")
    with tempfile.TemporaryDirectory(dir=session.folder) as name:
        folder = Path(name)
        for number, exhibit in enumerate(chosen, 1):
            _write(exhibit, folder / exhibit.folder, look)
            progress(number, len(chosen))
        for result in tables:
            result.save_tables(folder / result.name)
        (folder / METHODS).write_text(methods(service, service.results.made()) + "\n", "utf-8")
        captions = [f"{each.folder}/{each.name}: {each.caption}" for each in chosen if each.caption]
        if captions:
            (folder / "captions.txt").write_text("\n\n".join(captions) + "\n", "utf-8")
        place = Path(tempfile.mkdtemp(dir=session.folder)) / "intr-discover-export.zip"
        return pack(folder, place, inside="export")


def _write(exhibit: Exhibit, folder: Path, look: Look) -> None:
    folder.mkdir(exist_ok=True)
    figure = exhibit.draw()
    style.save_figure(
        figure, folder / exhibit.name, look.formats, {"Title": exhibit.title},
        scale=scale_of(figure, look), dots_per_inch=look.dots_per_inch,
    )  # fmt: skip
