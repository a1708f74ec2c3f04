"""What all figures share: journal widths, fonts, colours, and how a figure is saved.

Nothing here touches pyplot, and the settings apply only inside ``with journal_style():``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from intr_discover.errors import UserError
from intr_discover.figures.scaling import scale_file
from intr_discover.files import replacing

# Widths of a printed column in mm, and the tallest figure that leaves room for a legend
# (Nature's guide to authors; most journals lie within a few mm of it).
SINGLE_COLUMN_MM = 89.0
ONE_AND_A_HALF_COLUMN_MM = 120.0
DOUBLE_COLUMN_MM = 183.0
PAGE_HEIGHT_MM = 247.0

# Font sizes in points.
SMALLEST_PT = 5.0  # dense tick labels only
SMALL_PT = 6.0
NORMAL_PT = 7.0
LARGE_PT = 8.0

DOTS_PER_INCH = 300
MM_PER_INCH = 25.4

# Okabe and Ito's colours, told apart by people of every colour vision.
BLUE = "#0072B2"
ORANGE = "#E69F00"
GREEN = "#009E73"
VERMILLION = "#D55E00"
DARK_GREY = "#404040"
GREY = "#767676"
LIGHT_GREY = "#C8C8C8"

# Lightness grows (or falls) evenly along each map, so the order also survives grey-scale print.
SEQUENTIAL = "inferno"  # attention over a grey photograph; overlay.py says why
SEQUENTIAL_ON_WHITE = "Blues"  # counts and shares, where nothing is white
DIVERGING = "RdBu_r"  # differences; white is zero

FORMATS = ("png", "pdf", "svg")
DEFAULT_FORMATS = ("png", "pdf")

# Arial is what journals ask for; Liberation Sans has its metrics; DejaVu Sans comes with
# matplotlib and holds tick and cross. The last three serve class names in Chinese or Japanese.
_WANTED_FONTS = (
    "Arial",
    "Liberation Sans",
    "DejaVu Sans",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "WenQuanYi Micro Hei",
)


def font_families() -> list[str]:
    """Return the sans-serif families of this machine that figures use, the preferred first."""
    installed = set(font_manager.get_font_names())
    return [name for name in _WANTED_FONTS if name in installed]


def rc_parameters() -> dict[Any, Any]:
    """Return the matplotlib settings of the house style as a plain dictionary."""
    return {
        "font.family": font_families(),
        "font.size": NORMAL_PT,
        "axes.titlesize": NORMAL_PT,
        "axes.labelsize": NORMAL_PT,
        "xtick.labelsize": SMALL_PT,
        "ytick.labelsize": SMALL_PT,
        "legend.fontsize": SMALL_PT,
        "figure.titlesize": LARGE_PT,
        # Letters as wide in a PNG as in a PDF, at every resolution: what was measured to fit, fits.
        "text.hinting": "none",
        # Class names come from folder names: a "$" in them is no formula.
        "text.parse_math": False,
        "axes.linewidth": 0.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlepad": 2.5,
        "axes.labelpad": 2.0,
        "xtick.major.width": 0.5,
        "ytick.major.width": 0.5,
        "xtick.major.size": 2.0,
        "ytick.major.size": 2.0,
        "xtick.major.pad": 1.5,
        "ytick.major.pad": 1.5,
        "lines.linewidth": 1.0,
        "lines.markersize": 3.0,
        "patch.linewidth": 0.5,
        "legend.frameon": False,
        "figure.dpi": 150,  # on a screen; files are written at DOTS_PER_INCH
        # Keep the size in mm: no cropping. Fonts whole and editable: TrueType in PDF, text in SVG.
        "savefig.bbox": "standard",
        "savefig.dpi": DOTS_PER_INCH,
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.fonttype": "none",
        # Without a fixed salt the names inside an SVG are drawn at random.
        "svg.hashsalt": "intr-discover",
    }


@contextmanager
def journal_style() -> Iterator[None]:
    """Apply the house style inside a ``with`` block; afterwards everything is as it was.

    Starts from matplotlib's own defaults, so that a dark theme or a ``matplotlibrc`` of the user
    does not leak into a figure for print. Matplotlib keeps its settings for the whole process:
    draw in one thread at a time.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(rc_parameters())
        yield


def new_figure(width_mm: float, height_mm: float) -> Figure:
    """Return an empty figure of the given size in mm, independent of pyplot."""
    figure = Figure(figsize=(width_mm / MM_PER_INCH, height_mm / MM_PER_INCH))
    FigureCanvasAgg(figure)
    return figure


def size_mm(figure: Figure) -> tuple[float, float]:
    """Return width and height of a figure in mm."""
    width, height = figure.get_size_inches()
    return float(width) * MM_PER_INCH, float(height) * MM_PER_INCH


def add_axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes by their place in mm from the upper left corner of the figure."""
    figure_width, figure_height = size_mm(figure)
    return figure.add_axes(
        (
            left / figure_width,
            1.0 - (top + height) / figure_height,
            width / figure_width,
            height / figure_height,
        )
    )


def few_ticks(axis: Axis) -> None:
    """Give an axis at most five short numbers, so that small ones do not run into each other."""
    axis.set_major_locator(MaxNLocator(5, prune="both"))
    axis.set_major_formatter(lambda value, _: f"{value:.3g}".replace("-", "−"))


def add_text(figure: Figure, left: float, baseline: float, text: str, **properties: Any) -> None:
    """Write ``text`` from a place in mm from the upper left corner of the figure.

    ``baseline`` is that of a single line (texts side by side stand level); for several lines pass
    ``va="top"``, and it is the upper edge.
    """
    figure_width, figure_height = size_mm(figure)
    properties = {"va": "baseline", "ha": "left", "linespacing": 1.15, **properties}
    figure.text(left / figure_width, 1.0 - baseline / figure_height, text, **properties)


def save_figure(
    figure: Figure,
    path: str | os.PathLike[str],
    formats: Sequence[str] | None = None,
    metadata: Mapping[str, str] | None = None,
    *,
    scale: float = 1.0,
    dots_per_inch: int = DOTS_PER_INCH,
) -> list[Path]:
    """Save a figure as PNG (300 dpi) and PDF (vector, TrueType fonts), each whole or not at all.

    Parameters
    ----------
    figure
        The figure; its size in mm is kept (no cropping), but for ``scale``.
    path
        Where to. With an ending of ``FORMATS`` and no ``formats``, that one format is written;
        otherwise each format's ending is appended to the name.
    formats
        Any of ``FORMATS``; by default PNG and PDF.
    metadata
        Provenance, written into every file: text entries of these names in PNG; in PDF the entry
        ``Title`` as the title, and all of it as JSON under *Subject*; in SVG as *Description*.
    scale
        Everything, letters and lines too, is written so many times as large; see ``scaling``.
    dots_per_inch
        Of PNG, and of photographs and maps inside the other formats.

    Returns
    -------
    list of Path
        The files written.

    Raises
    ------
    UserError
        For an unknown format, or when the folder of ``path`` is a file.

    Notes
    -----
    No time stamp is written: the same figure gives the same bytes on one machine.
    """
    path = Path(path)
    ending = path.suffix.lower().lstrip(".")
    if formats is None and ending in FORMATS:
        targets = {ending: path}
    else:
        # Appended, not replaced: the stem of "specimen.12" must survive.
        wanted = DEFAULT_FORMATS if formats is None else formats
        targets = {name: path.with_name(f"{path.name}.{name}") for name in wanted}
    unknown = [name for name in targets if name not in FORMATS]
    if unknown:
        raise UserError(
            f"{path}: a figure cannot be saved as {unknown[0]!r}; choose from {', '.join(FORMATS)}"
        )
    if path.parent.exists() and not path.parent.is_dir():
        raise UserError(f"{path.parent} is a file, not a folder; choose another place for {path}")
    for name, target in targets.items():
        # Pixels are counted in the figure's own inches; the file says what they are on paper.
        own: dict[str, Any] = {"pil_kwargs": {"dpi": (dots_per_inch,) * 2}} if name == "png" else {}
        with journal_style(), replacing(target) as temporary:
            figure.savefig(
                temporary,
                format=name,
                dpi=dots_per_inch * scale,
                metadata=_file_metadata(name, dict(metadata or {})),
                **own,
            )
            if scale != 1.0:
                scale_file(Path(temporary), name, scale)
    return list(targets.values())


def _file_metadata(name: str, metadata: dict[str, str]) -> dict[str, Any]:
    """Return the entries of ``metadata`` in the form that a file format allows."""
    if name == "png":
        return dict(metadata)
    everything = json.dumps(metadata, ensure_ascii=False) if metadata else None
    title = metadata.get("Title")
    details, date = ("Subject", "CreationDate") if name == "pdf" else ("Description", "Date")
    entries = {"Title": title, details: everything}
    # None leaves the date out; for the other entries it is not allowed.
    return {date: None, **{key: value for key, value in entries.items() if value is not None}}
