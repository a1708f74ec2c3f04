"""How a figure for a paper is made and written: width, letters, formats, and its caption."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import intr_discover
from intr_discover.errors import UserError
from intr_discover.exhibits.paper_figure import Drawn, FigureInputs, PaperFigure
from intr_discover.figures import style
from intr_discover.figures.scaling import (
    LEGIBLE_PT,
    NARROWEST_MM,
    WIDEST_MM,
    scale_to,
    smallest_letters,
)
from intr_discover.files import write_json, write_text
from intr_discover.provenance import machine, origin, versions

WIDTHS = {"single": style.SINGLE_COLUMN_MM, "double": style.DOUBLE_COLUMN_MM}
_SMALLEST_FONT, _LARGEST_FONT = 4.0, 24.0
_FEWEST_DOTS, _MOST_DOTS = 72, 1200


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes
    ----------
    files
        The figure in each format, then the caption, then the record where a command made it.
    caption
        Its words.
    letters
        Size in points of the smallest letters on paper; None for a figure without any.
    """

    files: list[Path]
    caption: str
    letters: float | None

    @property
    def legible(self) -> bool:
        """Return whether the smallest letters can be read in print."""
        return self.letters is None or self.letters >= LEGIBLE_PT - 1e-6


def width_in_mm(words: str) -> float:
    """Return the width that ``single``, ``double`` or a number of mm stands for.

    Raises
    ------
    UserError
        If it is none of them, or no figure is that wide.
    """
    try:
        width = WIDTHS[words] if words in WIDTHS else float(words)
    except ValueError:
        raise UserError(f"a width is single, double or a number of mm, not '{words}'") from None
    if not NARROWEST_MM <= width <= WIDEST_MM:
        raise UserError(
            f"a figure can be {NARROWEST_MM:g} to {WIDEST_MM:g} mm wide, not {words}: single is "
            f"{WIDTHS['single']:g} mm, double {WIDTHS['double']:g} mm"
        )
    return width


def make_figure(
    kind: PaperFigure,
    inputs: FigureInputs,
    *,
    width: float = style.DOUBLE_COLUMN_MM,
    font_size: float | None = None,
    options: Mapping[str, Any] | None = None,
) -> tuple[Drawn, float]:
    """Draw a figure for a width and a size of letters.

    Parameters
    ----------
    kind
        Which figure.
    inputs
        What it is made of; its ``width`` is replaced.
    width
        On paper, in mm.
    font_size
        Of headings on paper, in points; default 7, or what is left of 7 where a sheet of one
        layout is scaled.
    options
        The figure's own.

    Returns
    -------
    tuple
        The figure, and how many times as large it must be written.

    Raises
    ------
    UserError
        If the letters would be too small or too large to be meant, or the figure has one layout
        whose letters cannot be chosen.
    """
    # Laid out for the width at which letters of 7 points are as large in comparison.
    laid_out = width
    if font_size is not None:
        if not _SMALLEST_FONT <= font_size <= _LARGEST_FONT:
            raise UserError(
                f"letters can be {_SMALLEST_FONT:g} to {_LARGEST_FONT:g} points large, not "
                f"{font_size:g}"
            )
        if kind.fixed_width is not None:
            raise UserError(
                f"figure {kind.name} has one layout, {kind.fixed_width:g} mm wide with letters of "
                f"{style.NORMAL_PT:g} points: leave --font-size out and choose --width"
            )
        laid_out = width * style.NORMAL_PT / font_size
    given = kind.inputs(replace(inputs, width=laid_out), options)
    if kind.needs_photographs:
        _ = given.shown
    drawn = kind.draw(given)
    return drawn, scale_to(drawn.figure, width)


def save_paper_figure(
    kind: PaperFigure,
    inputs: FigureInputs,
    out: str | os.PathLike[str],
    *,
    formats: Sequence[str] | None = None,
    width: float = style.DOUBLE_COLUMN_MM,
    font_size: float | None = None,
    dots_per_inch: int = style.DOTS_PER_INCH,
    options: Mapping[str, Any] | None = None,
    command: Sequence[str] | None = None,
) -> Written:
    """Draw a figure, and write it with its caption beside it.

    Parameters
    ----------
    kind, inputs, width, font_size, options
        See ``make_figure``.
    out
        ``name.pdf``, or any name with ``formats``; the caption goes to ``name.txt``, the record of
        the command to ``name.provenance.json``.
    formats
        Any of ``pdf``, ``svg``, ``png``; default that of ``out``, else PNG and PDF.
    dots_per_inch
        Of PNG, and of photographs inside the other formats.
    command
        The command line, for the record in every file.

    Raises
    ------
    UserError
        If a format is unknown, or what is asked for cannot be drawn; nothing is written then.
    """
    out = Path(out)
    ending = out.suffix.lower().lstrip(".")
    base = out.with_suffix("") if ending in style.FORMATS else out
    wanted = list(dict.fromkeys(formats or ([ending] if ending in style.FORMATS else
                                            style.DEFAULT_FORMATS)))  # fmt: skip
    unknown = [name for name in wanted if name not in style.FORMATS]
    if unknown:
        raise UserError(
            f"a figure cannot be saved as '{unknown[0]}'; choose from {', '.join(style.FORMATS)}"
        )
    if not _FEWEST_DOTS <= dots_per_inch <= _MOST_DOTS:
        raise UserError(
            f"a resolution lies between {_FEWEST_DOTS} and {_MOST_DOTS} dots per inch, not "
            f"{dots_per_inch}"
        )
    if base.parent.exists() and not base.parent.is_dir():
        raise UserError(f"{base.parent} is a file, not a folder; choose another place for {out}")
    drawn, scale = make_figure(kind, inputs, width=width, font_size=font_size, options=options)
    metadata = {
        "Title": f"{kind.name}: {kind.title}",
        "Software": f"intr_discover {intr_discover.__version__}",
        "Caption": drawn.caption,
        "seed": str(inputs.seed),
        "model_fingerprint": inputs.explainer.fingerprint,
        **({} if command is None else {"command": shlex.join(command)}),
    }
    files = style.save_figure(
        drawn.figure, base, wanted, metadata, scale=scale, dots_per_inch=dots_per_inch
    )
    caption = base.with_name(f"{base.name}.txt")
    write_text(caption, f"{drawn.caption}\n")
    files.append(caption)
    if command is not None:
        record = base.with_name(f"{base.name}.provenance.json")
        write_json(record, _record(kind, inputs, base.parent, command))
        files.append(record)
    return Written(files, drawn.caption, smallest_letters(drawn.figure, scale))


def _record(
    kind: PaperFigure, inputs: FigureInputs, folder: Path, command: Sequence[str]
) -> dict[str, Any]:
    """Return how the figure was made, in the form that studies have."""
    return {
        "figure": kind.name,
        "seed": inputs.seed,
        "model_fingerprint": inputs.explainer.fingerprint,
        **origin(command, folder),
        "versions": versions(),
        "machine": machine(inputs.explainer.device_name, inputs.explainer.precision),
    }
