"""Style, saving and fitting of text."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import matplotlib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import colormaps
from PIL import Image
from skimage.color import rgb2lab

from intr_discover.errors import UserError
from intr_discover.figures import overlay, style
from intr_discover.figures.text import TextRuler, one_line

PATH_OF_A_NAME = "Heliconius melpomene thelxiopeia"


def small_figure(width_mm: float = style.SINGLE_COLUMN_MM, height_mm: float = 50.0):
    with style.journal_style():
        figure = style.new_figure(width_mm, height_mm)
        axes = style.add_axes(figure, 15, 5, 60, 30)
        axes.plot([1, 2, 3], [2, 1, 4])
        axes.set_xlabel("weeks")
        axes.set_title("✓ a title")
    return figure


# The style stays inside its block


def test_settings_are_as_before_after_the_block_and_after_saving(tmp_path):
    before = dict(matplotlib.rcParams)
    with style.journal_style():
        assert matplotlib.rcParams["pdf.fonttype"] == 42
        assert matplotlib.rcParams["font.size"] == 7
    style.save_figure(small_figure(), tmp_path / "figure")
    assert dict(matplotlib.rcParams) == before


def test_settings_come_back_after_an_error():
    before = dict(matplotlib.rcParams)
    with pytest.raises(RuntimeError), style.journal_style():
        raise RuntimeError
    assert dict(matplotlib.rcParams) == before


def test_the_users_theme_does_not_leak_into_a_figure(tmp_path):
    style.save_figure(small_figure(), tmp_path / "plain.png")
    theme = {
        "figure.facecolor": "black",
        "savefig.bbox": "tight",
        "axes.labelsize": 30,
        "lines.linewidth": 9,
        "text.usetex": True,
        "font.family": "serif",
    }
    with matplotlib.rc_context(theme):
        style.save_figure(small_figure(), tmp_path / "themed.png")
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "themed.png").read_bytes()


def test_every_family_is_installed_and_one_draws_tick_and_cross():
    families = style.font_families()
    assert "DejaVu Sans" in families  # comes with matplotlib, holds the tick and the cross
    assert set(families) <= set(matplotlib.font_manager.get_font_names())


def test_drawing_needs_neither_torch_nor_pyplot():
    script = (
        "import sys, numpy as np, pandas as pd\n"
        "import intr_discover.studies.evaluation as e\n"
        "r = e.evaluate_predictions(np.eye(3), [0, 1, 2], 'abc', 'xyz')\n"
        "r.figures()\n"
        "import intr_discover.figures.attention, intr_discover.figures.training\n"
        "print([m for m in ('torch', 'matplotlib.pyplot') if m in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


# Colours


def test_lightness_grows_evenly_along_the_colours_of_attention():
    part = np.linspace(overlay._FIRST_COLOUR, overlay._LAST_COLOUR, 50)
    lightness = rgb2lab(colormaps[style.SEQUENTIAL](part)[None, :, :3])[0, :, 0]
    steps = np.diff(lightness)
    assert (steps > 0).all()
    assert steps.max() < 2.0 * steps.mean()


def test_lightness_falls_along_the_colours_of_counts():
    colours = colormaps[style.SEQUENTIAL_ON_WHITE](np.linspace(0, 1, 50))
    assert (np.diff(rgb2lab(colours[None, :, :3])[0, :, 0]) < 0).all()


def test_the_middle_of_the_diverging_colours_is_the_lightest():
    colours = colormaps[style.DIVERGING](np.linspace(0, 1, 51))
    lightness = rgb2lab(colours[None, :, :3])[0, :, 0]
    assert lightness.argmax() == 25
    assert lightness[25] > 95


# Saving


@pytest.mark.parametrize(
    "width", [style.SINGLE_COLUMN_MM, style.ONE_AND_A_HALF_COLUMN_MM, style.DOUBLE_COLUMN_MM]
)
def test_files_have_the_size_of_the_figure_in_mm(tmp_path, width):
    png, pdf = style.save_figure(small_figure(width, 50.0), tmp_path / "figure")
    with Image.open(png) as image:
        assert image.size == (int(width / 25.4 * 300), int(50.0 / 25.4 * 300))
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf.read_bytes())
    points = [float(number) for number in box.groups()]
    assert points == pytest.approx([width / 25.4 * 72, 50.0 / 25.4 * 72], abs=0.01)


def test_pdf_holds_truetype_fonts_and_no_type_3(tmp_path):
    (pdf,) = style.save_figure(small_figure(), tmp_path / "figure.pdf")
    content = pdf.read_bytes()
    assert b"/CIDFontType2" in content  # how a PDF names TrueType (Type 42) outlines
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_svg_keeps_text_as_text(tmp_path):
    (svg,) = style.save_figure(small_figure(), tmp_path / "figure.svg")
    assert re.search(r"<text[^>]*>weeks</text>", svg.read_text(encoding="utf-8"))


def test_metadata_is_in_every_format(tmp_path):
    metadata = {"Title": "the title", "seed": "7", "command": "explain Münster.jpg"}
    png, pdf, svg = style.save_figure(
        small_figure(), tmp_path / "figure", ("png", "pdf", "svg"), metadata
    )
    with Image.open(png) as image:
        assert {key: image.text[key] for key in metadata} == metadata
    content = pdf.read_bytes()
    assert b"/Title (the title)" in content
    # A text with letters beyond ASCII stands in a PDF as UTF-16, "(" and ")" escaped.
    subject = json.dumps(metadata, ensure_ascii=False)
    assert subject.encode("utf-16-be") in content or subject.encode("latin-1") in content
    assert "explain Münster.jpg" in svg.read_text(encoding="utf-8")


@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
def test_the_same_figure_gives_the_same_bytes_and_no_date(tmp_path, ending):
    first, second = (
        style.save_figure(small_figure(), tmp_path / f"{name}.{ending}", metadata={"n": "3"})[0]
        for name in "ab"
    )
    assert first.read_bytes() == second.read_bytes()
    assert b"Date" not in first.read_bytes()


def test_the_bytes_do_not_depend_on_the_order_of_python_sets(tmp_path):
    script = (
        "import sys; from intr_discover.figures import style\n"
        "with style.journal_style():\n"
        "    figure = style.new_figure(60, 40)\n"
        "    axes = style.add_axes(figure, 15, 5, 40, 20)\n"
        "    axes.plot([1, 2], [2, 1], 'o-'); axes.set_xlabel('Zebra Ähre ✗')\n"
        "style.save_figure(figure, sys.argv[1], ('pdf', 'svg'))\n"
    )
    for seed in "12":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / seed)], check=True, env=environment
        )
    for ending in ("pdf", "svg"):
        assert (tmp_path / f"1.{ending}").read_bytes() == (tmp_path / f"2.{ending}").read_bytes()


@pytest.mark.parametrize(
    ("name", "formats", "expected"),
    [
        ("figure", None, ["figure.png", "figure.pdf"]),
        ("figure.pdf", None, ["figure.pdf"]),
        ("figure.PNG", None, ["figure.PNG"]),
        ("specimen.12", None, ["specimen.12.png", "specimen.12.pdf"]),
        ("specimen.png", ("svg",), ["specimen.png.svg"]),
    ],
)
def test_names_of_the_files(tmp_path, name, formats, expected):
    written = style.save_figure(small_figure(), tmp_path / "new" / name, formats)
    assert [path.name for path in written] == expected
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == sorted(expected)


def test_unknown_format_is_one_clear_line_and_writes_nothing(tmp_path):
    with pytest.raises(UserError, match=r"'bmp'; choose from png, pdf, svg"):
        style.save_figure(small_figure(), tmp_path / "figure", ("png", "bmp"))
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_one_clear_line(tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(UserError, match="is a file, not a folder"):
        style.save_figure(small_figure(), tmp_path / "out" / "figure")
    assert (tmp_path / "out").read_text() == "mine"


def test_a_figure_that_fails_leaves_the_old_file(tmp_path):
    class Broken(matplotlib.artist.Artist):
        def draw(self, renderer):
            raise RuntimeError("cannot be drawn")

    figure = small_figure()
    figure.add_artist(Broken())
    (tmp_path / "figure.png").write_bytes(b"old")
    with pytest.raises(RuntimeError, match="cannot be drawn"):
        style.save_figure(figure, tmp_path / "figure.png")
    assert [path.name for path in tmp_path.iterdir()] == ["figure.png"]
    assert (tmp_path / "figure.png").read_bytes() == b"old"


# Text that fits


def test_width_agrees_with_the_drawn_text():
    with style.journal_style():
        figure = style.new_figure(89, 20)
        figure.text(0, 0.5, PATH_OF_A_NAME, fontsize=7)
        box = figure.texts[0].get_window_extent()
    drawn = box.width / figure.dpi * 25.4
    assert TextRuler(7).width(PATH_OF_A_NAME) == pytest.approx(drawn, rel=0.01)


def test_a_name_that_fits_is_untouched():
    ruler = TextRuler(7)
    assert ruler.shorten(PATH_OF_A_NAME, 100) == PATH_OF_A_NAME
    assert ruler.fit(PATH_OF_A_NAME, 100, lines=3) == PATH_OF_A_NAME


def test_a_name_too_long_keeps_beginning_and_end():
    short = TextRuler(7).shorten(PATH_OF_A_NAME, 25)
    start, end = short.split("…")
    assert PATH_OF_A_NAME.startswith(start) and PATH_OF_A_NAME.endswith(end)
    assert len(start) >= 3 and len(end) >= 3


def test_lines_break_after_words_and_underscores():
    ruler = TextRuler(7)
    width = ruler.width("Heliconius melpomene") + 0.5
    assert ruler.fit(PATH_OF_A_NAME, width, lines=2) == "Heliconius melpomene\nthelxiopeia"
    width = ruler.width("danaus_") + 0.5
    assert ruler.fit("danaus_plexi", width, lines=2) == "danaus_\nplexi"


def test_line_breaks_and_control_signs_become_spaces():
    assert one_line("a\tb\r\n c\x00d\u200b") == "a b c d"


@settings(max_examples=40, deadline=None)
@given(
    text=st.text(st.characters(min_codepoint=32, max_codepoint=382), max_size=60),
    width=st.floats(8, 60),
    lines=st.integers(1, 4),
)
def test_fitted_text_is_never_wider_or_longer_than_asked(text, width, lines):
    ruler = TextRuler(6)
    fitted = ruler.fit(text, width, lines)
    assert len(fitted.splitlines()) <= lines
    assert all(ruler.width(line) <= width for line in fitted.split("\n"))
    if "…" not in fitted:
        # Nothing is lost but the spaces at the ends of lines.
        assert fitted.replace("\n", "").replace(" ", "") == one_line(text).replace(" ", "")


def test_a_line_does_not_end_within_a_number():
    ruler = TextRuler(7)
    words = "square-root scale (uniform = 0.0044)"
    wrapped = ruler.fit(words, ruler.width("square-root scale (uniform = 0.") + 0.1, lines=2)
    assert wrapped.split("\n")[1] == "0.0044)"
