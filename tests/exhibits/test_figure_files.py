"""Figures on disk: sizes in mm, letters in points, formats, captions, and nothing half-written."""

from __future__ import annotations

import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image
from pypdf import PdfReader

import intr_discover.exhibits
from intr_discover.errors import UserError
from intr_discover.exhibits.listing import list_figures
from intr_discover.exhibits.paper_figure import FigureInputs
from intr_discover.exhibits.registry import find_figures
from intr_discover.exhibits.saving import make_figure, save_paper_figure, width_in_mm
from intr_discover.figures.scaling import smallest_letters
from tests.exhibits.material import LABELS, collection, inputs
from tests.studies.drawn import tiny_explainer

POINTS_PER_MM = 72 / 25.4


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    specimens = collection(tmp_path_factory.mktemp("files") / "drawn", per_label=2)
    return inputs(specimens, classes=["bee"])


def test_the_list_is_what_the_registry_finds():
    figures = find_figures()
    assert list(figures) == [listed.name for listed in list_figures()]
    for listed in list_figures():
        figure = figures[listed.name]
        assert (figure.title, figure.order) == (listed.title, listed.order)
    wanted = {"heads", "methods", "datasets", "manipulation", "restricted", "variants",
              "class_methods", "layers"}  # fmt: skip
    assert wanted <= set(figures)


def test_a_file_that_is_added_is_a_figure(tmp_path, monkeypatch):
    (tmp_path / "added_figure.py").write_text(
        "from intr_discover.exhibits.paper_figure import Drawn, PaperFigure\n"
        "FIGURE = PaperFigure(name='added', title='One file is enough', order=5, draw=Drawn)\n"
    )
    path = [*intr_discover.exhibits.__path__, str(tmp_path)]
    monkeypatch.setattr(intr_discover.exhibits, "__path__", path)
    assert list_figures()[0].name == "added" == next(iter(find_figures()))


@pytest.mark.parametrize(
    ("words", "expected"), [("single", 89.0), ("double", 183.0), ("120", 120.0), ("85.5", 85.5)]
)
def test_widths(words, expected):
    assert width_in_mm(words) == expected


@pytest.mark.parametrize("words", ["triple", "", "-5", "2", "5000", "nan"])
def test_widths_that_are_none(words):
    with pytest.raises(UserError):
        width_in_mm(words)


@pytest.mark.parametrize(("width", "font"), [(89.0, None), (89.0, 5.5), (183.0, 9.0)])
def test_every_file_is_as_wide_as_asked_with_letters_as_large(given, tmp_path, width, font):
    written = save_paper_figure(
        find_figures()["heads"], given, tmp_path / "deep" / "a.b", formats=["pdf", "svg", "png"],
        width=width, font_size=font, dots_per_inch=100,
    )  # fmt: skip
    names = [path.name for path in written.files]
    assert names == ["a.b.pdf", "a.b.svg", "a.b.png", "a.b.txt"]
    page = PdfReader(written.files[0]).pages[0]
    assert float(page.mediabox.width) == pytest.approx(width * POINTS_PER_MM, rel=1e-3)
    svg = written.files[1].read_text()
    wide = float(re.search(r'<svg[^>]*\bwidth="([\d.]+)pt"', svg).group(1))
    assert wide == pytest.approx(width * POINTS_PER_MM, rel=1e-3)
    with Image.open(written.files[2]) as picture:
        assert picture.width == pytest.approx(width / 25.4 * 100, abs=1)
        assert picture.info["Caption"] == written.caption
    # The smallest letters, 5 points where headings have 7, grow with them.
    assert written.letters == pytest.approx(5 * (font or 7) / 7)
    assert written.legible == (font is None or font >= 7)
    assert written.files[3].read_text(encoding="utf-8") == f"{written.caption}\n"


def test_fonts_of_a_pdf_are_whole(given, tmp_path):
    written = save_paper_figure(find_figures()["heads"], given, tmp_path / "a.pdf")
    assert [path.name for path in written.files] == ["a.pdf", "a.txt"]
    fonts = PdfReader(written.files[0]).pages[0]["/Resources"]["/Font"]
    kinds = {font.get_object()["/Subtype"] for font in fonts.values()}
    assert kinds and "/Type3" not in kinds


def test_the_same_call_gives_the_same_bytes(given, tmp_path):
    figure = find_figures()["layers"]
    first, second = (
        save_paper_figure(figure, given, tmp_path / name / "a.png") for name in ("x", "y")
    )
    assert first.files[0].read_bytes() == second.files[0].read_bytes()


def test_a_sheet_of_one_layout_is_scaled(given):
    figure = find_figures()["manipulation"]
    drawn, scale = make_figure(figure, given, width=89.0, options={"controls": 0})
    assert isinstance(drawn.figure, Figure) and scale == pytest.approx(89 / 183)
    assert smallest_letters(drawn.figure, scale) < 5
    with pytest.raises(UserError, match="leave --font-size out"):
        make_figure(figure, given, font_size=8.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"formats": ["tiff"]}, "cannot be saved as 'tiff'"),
        ({"dots_per_inch": 10}, "72 and 1200"),
        ({"font_size": 1.0}, "4 to 24 points"),
        ({"font_size": float("nan")}, "4 to 24 points"),
        ({"options": {"count": 0}}, "at least 1"),
        ({"width": 21.0}, "do not fit on a figure 21 mm wide"),
    ],
)
def test_mistakes_write_nothing(given, tmp_path, changes, message):
    with pytest.raises(UserError, match=message):
        save_paper_figure(find_figures()["heads"], given, tmp_path / "out" / "a.pdf", **changes)
    assert not (tmp_path / "out").exists()


def test_a_file_in_the_place_of_the_folder_is_left_alone(given, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UserError, match="is a file, not a folder"):
        save_paper_figure(find_figures()["heads"], given, tmp_path / "out" / "a.pdf")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_figure_of_photographs_needs_some(tmp_path):
    with pytest.raises(UserError, match="shows photographs"):
        save_paper_figure(
            find_figures()["heads"], FigureInputs(tiny_explainer(LABELS)), tmp_path / "a.pdf"
        )


def test_a_larger_figure_shows_the_same_maps(given):
    figure = find_figures()["heads"]
    small, large = (make_figure(figure, given, width=width)[0] for width in (89.0, 183.0))
    assert small.caption == large.caption
    counts = [len([a for a in d.figure.axes if a.get_gid() == "head map"]) for d in (small, large)]
    assert counts[0] == counts[1] and np.all(np.array(counts) > 0)
