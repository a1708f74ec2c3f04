"""``intr-discover figure NAME``: one command for each figure that the registry finds.

Names and titles come from the figures' files; a figure is imported when it is drawn, or when its
own help is asked for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from intr_discover.cli_options import (
    DEMO,
    Classes,
    Device,
    Names,
    Precision,
    PrecisionName,
    Run,
    Seed,
    Split,
    choose_split,
    command_words,
    load_model,
    read_collection,
    read_names,
)
from intr_discover.cli_plugins import REQUIRED, PluginGroup, own_parameter, with_parameters
from intr_discover.errors import UserError
from intr_discover.exhibits.listing import list_figures
from intr_discover.plugins import Listed

if TYPE_CHECKING:
    from intr_discover.exhibits.paper_figure import PaperFigure
    from intr_discover.exhibits.photographs import Photographs

Places = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="DATA|IMAGES",
        help="A folder of photographs, a specimen table, the word demo, or single photographs.",
    ),
]
Out = Annotated[Path, typer.Option(help="FILE.pdf, .svg or .png; the caption goes to FILE.txt.")]
Width = Annotated[str, typer.Option(help="single (89 mm), double (183 mm), or a number of mm.")]
Formats = Annotated[
    str | None, typer.Option("--format", help="Several at once: pdf,svg,png.", metavar="LIST")
]
FontSize = Annotated[float | None, typer.Option(help="Of headings on paper, in points; default 7.")]
Dpi = Annotated[int, typer.Option("--dpi", help="Dots per inch of photographs and of PNG.")]
ClassNames = Annotated[
    list[str] | None, typer.Option("--class", help="The class to show (can be repeated).")
]
ImageNames = Annotated[
    list[str] | None,
    typer.Option("--images", help="This photograph of the collection (can be repeated)."),
]


class FigureGroup(PluginGroup):
    """The commands below ``figure``."""

    what, heading = "figure", "Figures"

    def listed(self) -> list[Listed]:
        """Return names and titles."""
        return list_figures()

    def made(self, name: str) -> tuple[str, Callable[..., None]]:
        """Return the help and the function of one."""
        from intr_discover.exhibits.registry import find_figures

        figure = find_figures()[name]
        return f"{figure.title}.", _function(figure)


figure_app = typer.Typer(
    cls=FigureGroup,
    help="Draw a figure for a paper, with its caption in a text file beside it.",
    invoke_without_command=True,
    subcommand_metavar="NAME RUN DATA|IMAGES --out FILE.pdf [OPTIONS]",
)


@figure_app.callback()
def list_them(context: typer.Context) -> None:
    """Draw a figure for a paper, with its caption in a text file beside it."""
    if context.invoked_subcommand is None:
        print(context.get_help())


def draw_figure(
    figure: PaperFigure,
    run: str,
    places: list[str] | None,
    out: Path,
    width: str,
    formats: str | None,
    font_size: float | None,
    dpi: int,
    class_names: list[str] | None,
    images: list[str] | None,
    split: str | None,
    names: str | None,
    seed: int,
    classes: Path | None,
    device: str,
    precision: PrecisionName,
    options: dict[str, Any],
) -> None:
    """Draw one figure, write it in every format with its caption, and print the caption."""
    from intr_discover.exhibits.paper_figure import FigureInputs
    from intr_discover.exhibits.saving import save_paper_figure, width_in_mm
    from intr_discover.figures.scaling import LEGIBLE_PT

    millimetres = width_in_mm(width)
    explainer = load_model(run, classes, device, precision.value)
    written = save_paper_figure(
        figure,
        FigureInputs(
            explainer,
            _photographs(places or [], images or [], split),
            classes=class_names or [],
            seed=seed,
            names=read_names(names, explainer),
        ),
        out,
        formats=None if formats is None else [each.strip() for each in formats.split(",")],
        width=millimetres,
        font_size=font_size,
        dots_per_inch=dpi,
        options=options,
        command=command_words(),
    )
    if not written.legible:
        assert written.letters is not None
        print(
            f"note: the smallest letters are {written.letters:.1f} points large, too small for "
            f"print (at least {LEGIBLE_PT:g}): choose a wider figure or larger "
            "letters",
            file=sys.stderr,
        )
    print(written.caption)
    print("wrote " + ", ".join(str(path) for path in written.files))


def _photographs(places: list[str], images: list[str], split: str | None) -> Photographs | None:
    """Return the photographs of a collection, or of files named one by one.

    Raises
    ------
    UserError
        If both are mixed, or ``--images`` is given without a collection.
    """
    from intr_discover.data.folders import IMAGE_SUFFIXES
    from intr_discover.exhibits.photographs import Photographs

    if not places:
        return None
    pictures = [place for place in places if Path(place).suffix.lower() in IMAGE_SUFFIXES]
    if len(pictures) == len(places):
        missing = [place for place in pictures if not Path(place).is_file()]
        if missing:
            raise UserError(f"there is no photograph {missing[0]}")
        if images or split:
            raise UserError("--images and --split choose from a collection: name its folder, table "
                            f"or {DEMO}")  # fmt: skip
        return Photographs.of_files([Path(place) for place in pictures])
    if len(places) > 1:
        raise UserError(
            f"name one collection, or single photographs alone, not both: {' '.join(places)}"
        )
    collection, _ = choose_split(read_collection(places[0]), split)
    return Photographs.of_specimens(collection, images)


def _function(figure: PaperFigure) -> Callable[..., None]:
    """Return the function behind a figure's command: the options of all figures, then its own."""
    own = {option.name: own_parameter(option) for option in figure.options}

    def command(**given: Any) -> None:
        options = {name: given.pop(name) for name in own}
        draw_figure(figure, options=options, **given)

    shared = {
        "run": (Run, REQUIRED),
        "places": (Places, None),
        "out": (Out, REQUIRED),
        "width": (Width, "double"),
        "formats": (Formats, None),
        "font_size": (FontSize, None),
        "dpi": (Dpi, 300),
        "class_names": (ClassNames, None),
        "images": (ImageNames, None),
        "split": (Split, None),
        "names": (Names, None),
        "seed": (Seed, 0),
        "classes": (Classes, None),
        "device": (Device, "auto"),
        "precision": (Precision, PrecisionName.fp32),
    }
    return with_parameters(command, {**shared, **own})
