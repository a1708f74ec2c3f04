"""Figures at another width: the sheet, the letters and the pixels grow alike."""

from __future__ import annotations

import re

import pytest
from PIL import Image
from pypdf import PdfReader

from intr_discover.errors import UserError
from intr_discover.figures import style
from intr_discover.figures.scaling import scale_to, smallest_letters


def drawn(width=100.0, height=50.0):
    figure = style.new_figure(width, height)
    with style.journal_style():
        figure.text(0.1, 0.5, "large", fontsize=8)
        figure.text(0.1, 0.2, "small", fontsize=6)
        figure.text(0.1, 0.1, "hidden", fontsize=1, visible=False)
    return figure


def test_the_scale_is_the_ratio_of_the_widths():
    assert scale_to(drawn(), 50.0) == pytest.approx(0.5)
    assert scale_to(drawn(), 183.0) == pytest.approx(1.83)


@pytest.mark.parametrize("width", [0.0, -3.0, 19.9, 1001.0, float("nan")])
def test_no_figure_is_that_wide(width):
    with pytest.raises(UserError, match="89 mm"):
        scale_to(drawn(), width)


def test_the_smallest_letters_are_those_that_are_seen():
    assert smallest_letters(drawn()) == 6.0
    assert smallest_letters(drawn(), 0.5) == 3.0
    assert smallest_letters(style.new_figure(30, 30)) is None


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.83])
def test_every_format_has_the_size_on_paper(tmp_path, scale):
    paths = style.save_figure(
        drawn(), tmp_path / "figure", ("png", "pdf", "svg"), {"Title": "a title", "n": "7"},
        scale=scale, dots_per_inch=600,
    )  # fmt: skip
    png, pdf, svg = paths
    with Image.open(png) as image:
        assert image.width == pytest.approx(100 * scale / 25.4 * 600, abs=1.5)
        assert image.info["dpi"][0] == pytest.approx(600, abs=0.1)
    page = PdfReader(pdf).pages[0]
    assert float(page.mediabox.width) == pytest.approx(100 * scale / 25.4 * 72, rel=1e-4)
    assert "large" in page.extract_text()
    assert PdfReader(pdf).metadata.title == "a title"
    tag = re.search(r"<svg\b[^>]*>", svg.read_text(encoding="utf-8")).group()
    width = float(re.search(r'width="([\d.]+)pt"', tag).group(1))
    box = [float(number) for number in re.search(r'viewBox="([^"]+)"', tag).group(1).split()]
    assert width == pytest.approx(100 * scale / 25.4 * 72, rel=1e-4)
    assert box[2] == pytest.approx(100 / 25.4 * 72, rel=1e-4)


def test_a_scaled_figure_is_written_whole_or_not_at_all(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError):
        style.save_figure(drawn(), tmp_path / "file" / "figure", ("pdf",), scale=0.5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
