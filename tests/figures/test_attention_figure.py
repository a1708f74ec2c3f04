"""The figure of where heads look: one scale, right numbers, nothing on top of anything else."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.contour import ContourSet
from matplotlib.text import Text
from PIL import Image

from intr_discover.figures import overlay, style
from intr_discover.figures.attention import attention_figure
from intr_discover.figures.attention_layout import MARGIN, lay_out
from intr_discover.figures.panels import drawing_grid

LONG_NAME = "Heliconius melpomene thelxiopeia"
ENDLESS_NAME = "Heliconius_melpomene_thelxiopeia_x_Heliconius_elevatus_pseudocupidineus_dorsal_2019"


def photograph(height=60, width=80):
    """Draw a dark butterfly on a bright ground."""
    y, x = np.mgrid[0:height, 0:width]
    wings = ((x / width - 0.5) ** 2 / 0.12 + (y / height - 0.5) ** 2 / 0.06) < 1
    picture = np.full((height, width, 3), (200, 220, 180), dtype=np.uint8)
    picture[wings] = (30, 20, 10)
    picture[wings & (np.abs(x / width - 0.3) < 0.05)] = (230, 60, 40)
    return picture


def attention_maps(classes=1, heads=8, rows=6, columns=8, seed=0):
    """Make softmax maps ``[K, R, h, w]``, each summing to 1, some sharp and some flat."""
    scores = np.random.default_rng(seed).normal(size=(classes, heads, rows * columns))
    scores *= np.linspace(3.0, 0.3, heads)[None, :, None]
    weights = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    return weights.reshape(classes, heads, rows, columns).astype(np.float32)


def draw(heatmaps=None, picture=None, **changes):
    heatmaps = attention_maps() if heatmaps is None else heatmaps
    classes, heads, rows, columns = heatmaps.shape
    maxima = heatmaps.reshape(classes, heads, -1).max(axis=2)
    arguments = {
        "labels": ["Danaus plexippus", "Vanessa atalanta", LONG_NAME, ENDLESS_NAME][:classes],
        "ranked_heads": [[int(head) for head in np.argsort(-row)] for row in maxima],
        "scores": maxima,
        "ranking": "maximum",
        "layer": 6,
        "layers": 6,
        "uniform": 1 / (rows * columns),
        "predicted": "Danaus plexippus",
        "probability": 0.97,
        "class_probabilities": [("Danaus plexippus", 0.97), (LONG_NAME, 0.02), ("c", 0.01)],
        **changes,
    }
    return attention_figure(photograph() if picture is None else picture, heatmaps, **arguments)


@pytest.fixture(scope="module")
def usual():
    """One figure for the tests that only look at it."""
    return draw()


def axes_named(figure, name):
    return [axes for axes in figure.axes if axes.get_gid() == name]


def words(figure):
    return [text.get_text() for text in figure.findobj(Text) if text.get_text().strip()]


def caption(figure):
    (text,) = [text for text in figure.texts if text.get_gid() == "caption"]
    return text.get_text().replace("\n", " ")


def pixels(axes):
    (image,) = axes.images
    return np.asarray(image.get_array())


# What is drawn


def test_panels_of_one_class(usual):
    figure = usual
    assert len(axes_named(figure, "photograph")) == 1
    assert len(axes_named(figure, "mean map")) == 1
    assert len(axes_named(figure, "head map")) == 8
    assert len(axes_named(figure, "class probabilities")) == 1
    assert len(axes_named(figure, "colour bar")) == 1
    assert len(figure.axes) == 12
    assert style.size_mm(figure)[0] == pytest.approx(183)


def test_titles_name_the_heads_in_ranked_order_from_0():
    heatmaps = np.full((1, 3, 1, 4), 0.25, dtype=np.float32)
    heatmaps[0, 2, 0] = [0.7, 0.1, 0.1, 0.1]
    heatmaps[0, 0, 0] = [0.1, 0.5, 0.3, 0.1]
    figure = draw(heatmaps, np.zeros((40, 160, 3), dtype=np.uint8))
    titles = [axes.get_title(loc="left") for axes in axes_named(figure, "head map")]
    assert titles == ["head 2 · max 0.7", "head 0 · max 0.5", "head 1 · max 0.25"]
    # Each title belongs to its own map, and the panels stand from left to right.
    lefts = [axes.get_position().x0 for axes in axes_named(figure, "head map")]
    assert lefts == sorted(lefts)
    # Over black the colours get lighter with the weight: lightest in its first, second cell.
    for axes, cell in zip(axes_named(figure, "head map")[:2], (0, 1), strict=True):
        lightness = pixels(axes).astype(int).sum(axis=2).mean(axis=0)
        assert int(lightness.argmax() / len(lightness) * 4) == cell


def test_ranking_by_peak_shows_peaks_and_says_so():
    scores = np.array([[1.0, 12.34, -0.5]])
    figure = draw(attention_maps(heads=3), ranked_heads=[[1, 0, 2]], scores=scores, ranking="peak")
    titles = [axes.get_title(loc="left") for axes in axes_named(figure, "head map")]
    assert titles == ["head 1 · peak 12.3", "head 0 · peak 1", "head 2 · peak -0.5"]
    assert "ranked by peak (largest un-normalised attention score)" in caption(figure)


def test_only_the_first_heads_are_drawn_but_the_mean_is_over_all():
    heatmaps = attention_maps()
    figure = draw(heatmaps, max_heads=3)
    assert len(axes_named(figure, "head map")) == 3
    assert "3 of 8 heads" in caption(figure) and "mean is over all 8" in caption(figure)
    mean = heatmaps[0].mean(axis=0).max()
    assert f"Mean of 8 heads · max {mean:.2g}" in words(figure)


def test_several_classes_have_rows_of_their_own():
    figure = draw(attention_maps(classes=3, heads=4))
    assert len(axes_named(figure, "photograph")) == 1
    assert len(axes_named(figure, "mean map")) == 3
    assert len(axes_named(figure, "head map")) == 12
    assert len(axes_named(figure, "colour bar")) == 1
    headings = [text for text in words(figure) if text.startswith("Query of")]
    assert headings == [
        "Query of Danaus plexippus (predicted class, p = 0.97): heads ranked by map maximum",
        "Query of Vanessa atalanta (not the predicted class): heads ranked by map maximum",
        f"Query of {LONG_NAME} (not the predicted class, p = 0.02): heads ranked by map maximum",
    ]
    tops = [axes.get_position().y0 for axes in axes_named(figure, "mean map")]
    assert tops == sorted(tops, reverse=True)


def test_panel_letters_run_on(usual):
    # One class of the chart is called "c" as well, but not in bold.
    letters = [text for text in usual.texts if re.fullmatch("[a-z]", text.get_text())]
    assert [text.get_text() for text in letters] == ["a", "b", "c", "d"]
    assert {text.get_fontweight() for text in letters} == {"bold"}


@pytest.mark.parametrize(
    ("true_label", "expected"),
    [
        ("Danaus plexippus", "✓ Correct: this is the true class"),
        (LONG_NAME, f"✗ Wrong: the true class is {LONG_NAME}"),
        (None, "True class not given"),
    ],
)
def test_header_says_prediction_and_truth(true_label, expected):
    figure = draw(attention_maps(heads=1), true_label=true_label)
    assert "Predicted: Danaus plexippus  (p = 0.97)" in words(figure)
    assert expected in words(figure)


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (1.0, "p = 1.00"),
        (0.9999, "p > 0.99"),
        (0.996, "p > 0.99"),
        (0.994, "p = 0.99"),
        (0.004, "p < 0.01"),
        (0.0, "p = 0.00"),
    ],
)
def test_no_probability_is_rounded_to_certainty(probability, expected):
    figure = draw(attention_maps(heads=1), probability=probability)
    assert f"Predicted: Danaus plexippus  ({expected})" in words(figure)


def test_bars_are_the_five_most_probable_and_the_true_class():
    pairs = [(f"class {place}", (8 - place) / 40) for place in range(8)]
    figure = draw(
        class_probabilities=pairs[::-1],
        true_label="class 6",
        predicted="class 0",
        labels=["class 0"],
    )
    (axes,) = axes_named(figure, "class probabilities")
    names = [text.get_text() for text in axes.texts][::2]
    assert names == ["class 0", "class 1", "class 2", "class 3", "class 4", "class 6"]
    values = [text.get_text() for text in axes.texts][1::2]
    assert values == ["0.20", "0.17", "0.15", "0.12", "0.10", "0.05  ✓ true"]
    lengths = [bar.get_width() for bar in axes.patches]
    assert np.array(lengths) / lengths[0] == pytest.approx([1, 7 / 8, 6 / 8, 5 / 8, 4 / 8, 2 / 8])


def test_without_probabilities_there_is_no_chart():
    figure = draw(class_probabilities=None)
    assert axes_named(figure, "class probabilities") == []
    assert len(axes_named(figure, "colour bar")) == 1


def test_caption_states_what_the_numbers_are():
    text = caption(draw(layer=5))
    assert "Class query: Danaus plexippus." in text
    assert "decoder layer 5 of 6, 8 heads (numbered from 0)" in text
    assert "ranked by map maximum (largest attention weight)" in text
    assert "0.021 in each of its 48 cells" in text
    assert "All class queries took part." in text


def test_a_context_is_stated_in_header_and_caption():
    figure = draw(context=["a", "b"], context_mode="zero")
    assert "Predicted: Danaus plexippus  (p = 0.97 among 2 classes)" in words(figure)
    assert "Restricted to 2 class queries (mode zero): a, b." in caption(figure)
    names = [f"class{place}" for place in range(40)]
    many = draw(attention_maps(heads=1), context=names, context_mode="subset")
    assert "class11 and 28 more" in caption(many)


def test_names_are_no_formulas():
    figure = draw(labels=["a_$x^2$_b"], predicted="a_$x^2$_b")
    figure.draw_without_rendering()
    assert all(not text.get_parse_math() for text in figure.findobj(Text) if "$" in text.get_text())
    assert "Predicted: a_$x^2$_b  (p = 0.97)" in words(figure)


# One scale


def test_all_maps_are_drawn_on_the_scale_of_the_strongest_head():
    heatmaps = np.zeros((1, 2, 1, 4), dtype=np.float32)
    heatmaps[0, 0, 0] = [0.8, 0.2, 0.0, 0.0]
    heatmaps[0, 1, 0] = [0.4, 0.4, 0.1, 0.1]
    white = np.full((40, 160, 3), 255, dtype=np.uint8)
    figure = draw(heatmaps, white, max_heads=2)
    grey = overlay.grey_tones(white)
    for axes, heatmap in zip(axes_named(figure, "head map"), heatmaps[0], strict=True):
        height, width = pixels(axes).shape[:2]
        drawn = overlay.resize_map(heatmap, height, width)
        expected = overlay.blend(np.full((height, width), grey[0, 0]), drawn, 0.8)
        assert np.abs(pixels(axes).astype(int) - expected).max() <= 1
    (mean_axes,) = axes_named(figure, "mean map")
    height, width = pixels(mean_axes).shape[:2]
    mean = overlay.resize_map(heatmaps[0].mean(axis=0), height, width)
    expected = overlay.blend(np.full((height, width), grey[0, 0]), mean, 0.8)
    assert np.abs(pixels(mean_axes).astype(int) - expected).max() <= 1


def test_the_colour_bar_ends_at_the_largest_weight(usual):
    (bar,) = axes_named(usual, "colour bar")
    largest = float(attention_maps().max())
    assert bar.get_xlim() == pytest.approx((0.0, 1.0))
    labels = [label.get_text() for label in bar.get_xticklabels()]
    assert labels[0] == "0" and labels[-1] == f"{largest:.2g}"
    assert bar.get_xlabel() == "attention weight per cell, square-root scale (uniform = 0.021)"
    # Every other number stands at its square root.
    for place, label in list(zip(bar.get_xticks(), labels, strict=True))[:-1]:
        assert place == pytest.approx((float(label) / largest) ** 0.5)


def test_a_quarter_of_the_largest_weight_is_drawn_half_as_strong():
    """Colour and opacity grow with the square root: opacity 0.425 of the 0.85 at the end."""
    grey = np.full((1, 2), 0.5, dtype=np.float32)
    picture = overlay.blend(grey, np.array([[0.25, 0.0]], dtype=np.float32), 1.0)
    middle = overlay.colour_ramp(steps=3, tones=2)[0, 1]  # half-way along, over the light grey
    opaque = (middle - 0.75 * 255 * 0.575) / 0.425
    assert picture[0, 0] == pytest.approx(0.5 * 255 * 0.575 + 0.425 * opaque, abs=1)
    assert overlay.bar_position(0.25, 1.0) == 0.5


def test_the_scale_never_ends_below_a_maximum_in_a_title():
    # Interpolated to pixels, a map's top is a little below that of its cells.
    figure = draw(scores=attention_maps().reshape(1, 8, -1).max(axis=2) * 1.05)
    (bar,) = axes_named(figure, "colour bar")
    assert bar.get_xticklabels()[-1].get_text() == f"{1.05 * attention_maps().max():.2g}"


def test_heads_that_are_not_drawn_do_not_set_the_scale():
    heatmaps = attention_maps(heads=3)
    weakest = int(heatmaps[0].reshape(3, -1).max(axis=1).argmin())
    figure = draw(heatmaps, ranking="peak", ranked_heads=[[weakest, 0, 1]], max_heads=1)
    (bar,) = axes_named(figure, "colour bar")
    assert bar.get_xticklabels()[-1].get_text() == f"{heatmaps[0, weakest].max():.2g}"


def test_the_line_is_at_half_of_each_maps_own_maximum():
    heatmaps = attention_maps(heads=4)
    figure = draw(heatmaps)
    ranked = np.sort(heatmaps[0].reshape(4, -1).max(axis=1))[::-1]
    drawn = [maximum for maximum in ranked if maximum / 2 > 1 / 48]
    assert len(drawn) >= 3
    for axes, maximum in zip(axes_named(figure, "head map"), drawn, strict=False):
        (line,) = axes.findobj(ContourSet)
        assert line.levels == pytest.approx([maximum / 2])


def test_a_head_that_looks_nowhere_special_has_no_line():
    heatmaps = attention_maps(heads=3)
    heatmaps[0, 1] = np.linspace(0.1, 1.9, 48).reshape(6, 8) / 48  # half of its top: 0.95 / 48
    heatmaps[0, 2] = 1 / 48
    figure = draw(heatmaps)
    sharp, slope, flat = axes_named(figure, "head map")
    assert len(sharp.findobj(ContourSet)) == 1
    assert slope.findobj(ContourSet) == []
    assert flat.findobj(ContourSet) == []


def test_arguments_stay_as_they_were():
    picture, heatmaps = photograph(), attention_maps()
    copies = picture.copy(), heatmaps.copy()
    draw(heatmaps, picture)
    assert (picture == copies[0]).all() and (heatmaps == copies[1]).all()


# The overlay


def test_no_attention_leaves_the_grey_photograph():
    tones = overlay.grey_tones(np.array([[[0, 0, 0], [255, 255, 255]]], dtype=np.uint8))
    assert tones[0] == pytest.approx([0.12, 0.75])
    picture = overlay.blend(tones, np.zeros((1, 2), dtype=np.float32), 1.0)
    assert picture.tolist() == [[[31, 31, 31], [191, 191, 191]]]  # 0.12 and 0.75 of 255


def test_full_attention_covers_85_percent():
    # inferno ends at (252, 255, 164); over black: 0.15 * 0.12 * 255 = 4.6 are added.
    grey = np.full((1, 1), 0.12, dtype=np.float32)
    picture = overlay.blend(grey, np.full((1, 1), 0.3, dtype=np.float32), 0.3)
    expected = 0.85 * np.array([252, 255, 164]) + 4.6
    assert picture[0, 0] == pytest.approx(expected, abs=1)


def test_weights_above_the_scale_are_drawn_as_its_end():
    grey = np.full((1, 2), 0.5, dtype=np.float32)
    picture = overlay.blend(grey, np.array([[0.2, 0.9]], dtype=np.float32), 0.2)
    assert (picture[0, 0] == picture[0, 1]).all()


def test_the_wing_pattern_shows_under_the_strongest_attention():
    black_and_white = np.array([[0.12, 0.75]], dtype=np.float32)
    picture = overlay.blend(black_and_white, np.ones((1, 2), dtype=np.float32), 1.0)
    assert (picture[0, 1].astype(int) - picture[0, 0]).min() >= 20


def test_interpolation_keeps_the_edges_of_the_cells():
    # Two cells on four pixels: pixel centres at 1/4, 3/4, 5/4, 7/4 of a cell, cells' at 1/2, 3/2.
    wide = overlay.resize_map(np.array([[0.0, 1.0]], dtype=np.float32), 1, 4)
    assert wide[0] == pytest.approx([0.0, 0.25, 0.75, 1.0])


def test_colour_bar_runs_from_grey_to_the_last_colour_over_light_and_dark():
    ramp = overlay.colour_ramp(steps=5, tones=3)
    assert ramp.shape == (3, 5, 3)
    assert ramp[:, 0].tolist() == [[191] * 3, [111] * 3, [31] * 3]
    assert (ramp[0].sum(axis=1) >= ramp[2].sum(axis=1)).all()


# Size of the files


def test_drawing_grid_is_the_photographs_own_or_a_page_wide():
    assert drawing_grid(300, 400) == (300, 400)
    # 183 mm at 300 dpi are 2161.4 pixels.
    assert drawing_grid(4000, 6000) == (1441, 2161)
    assert drawing_grid(6000, 4000) == (2161, 1441)
    assert drawing_grid(1, 100_000) == (1, 2161)


def test_a_large_photograph_makes_no_large_file(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    large = np.asarray(Image.fromarray(noise).resize((6000, 4500), Image.Resampling.NEAREST))
    figure = draw(picture=large)
    for axes in axes_named(figure, "head map") + axes_named(figure, "photograph"):
        height, width = pixels(axes).shape[:2]
        box = axes.get_position()
        assert width == pytest.approx(box.width * 183 / 25.4 * 300, abs=1)
        assert height == pytest.approx(width * 0.75, abs=1)
    (pdf,) = style.save_figure(figure, tmp_path / "figure.pdf")
    assert pdf.stat().st_size < 6e6  # noise does not compress: this is the largest there is


def test_the_figure_is_saved_with_truetype_fonts_and_always_the_same(tmp_path):
    first, second = (style.save_figure(draw(), tmp_path / f"{name}.pdf")[0] for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    assert b"/CIDFontType2" in first.read_bytes() and b"/Type3" not in first.read_bytes()


# Nothing lies on anything else


def boxes_of_texts(figure):
    """Return (text, box in pixels) of every visible text of the figure."""
    renderer = figure.canvas.get_renderer()
    found = []
    for text in figure.findobj(Text):
        # Axes keep texts they do not show: ticks beyond the limits, labels of hidden axes.
        hidden_axes = text.axes is not None and not text.axes.axison and text not in text.axes.texts
        if text.get_text().strip() and text.get_visible() and not hidden_axes:
            found.append((text.get_text(), text.get_window_extent(renderer)))
    return found


def assert_nothing_overlaps(figure):
    with style.journal_style():
        figure.draw_without_rendering()
        texts = boxes_of_texts(figure)
        page = figure.bbox
        slack = 1.0  # pixel at 150 dpi: the edges of letters are soft
        for words_, box in texts:
            assert box.x0 >= page.x0 and box.x1 <= page.x1 + slack, f"{words_!r} leaves the page"
            assert box.y0 >= page.y0 and box.y1 <= page.y1, f"{words_!r} leaves the page"
        pictures = [axes.get_window_extent() for axes in figure.axes if axes.images]
        for place, (words_, box) in enumerate(texts):
            for other, other_box in texts[:place]:
                assert not overlap(box, other_box, slack), f"{words_!r} on {other!r}"
            for picture in pictures:
                assert not overlap(box, picture, slack), f"{words_!r} on a picture"
        for place, picture in enumerate(pictures):
            for other in pictures[:place]:
                assert not overlap(picture, other, slack), "a picture on a picture"


def overlap(a, b, slack):
    return min(a.x1, b.x1) - max(a.x0, b.x0) > slack and min(a.y1, b.y1) - max(a.y0, b.y0) > slack


def test_the_check_for_overlaps_finds_one():
    figure = draw()
    figure.text(0.012, 0.96, "in the way")
    with pytest.raises(AssertionError, match="in the way"):
        assert_nothing_overlaps(figure)


@pytest.mark.parametrize(
    ("height", "width", "classes", "heads"),
    [
        (60, 80, 1, 8),
        (60, 40, 1, 8),
        (60, 60, 1, 16),
        (40, 200, 1, 8),
        (200, 40, 1, 8),
        (20, 200, 1, 3),
        (90, 60, 2, 5),
        (20, 100, 2, 4),
        (100, 20, 2, 8),
        (60, 60, 4, 7),
    ],
)
def test_nothing_overlaps(height, width, classes, heads):
    figure = draw(
        attention_maps(classes, heads, 4, 5),
        photograph(height, width),
        labels=[ENDLESS_NAME, LONG_NAME, "Vanessa atalanta", "x"][:classes],
        predicted=ENDLESS_NAME,
        true_label=LONG_NAME,
        title="a_very_long_file_name_" * 5 + ".tif",
        class_probabilities=[
            (ENDLESS_NAME, 0.5),
            (LONG_NAME, 0.3),
            ("Danaus plexippus", 0.1),
            ("Pieris rapae", 0.06),
            ("Vanessa atalanta", 0.04),
        ],
        context=[ENDLESS_NAME, LONG_NAME],
        context_mode="subset",
    )
    assert_nothing_overlaps(figure)


@settings(max_examples=300, deadline=None)
@given(
    aspect=st.floats(0.1, 10.0),
    heads=st.integers(1, 16),
    classes=st.integers(1, 6),
    bars=st.integers(0, 8),
)
def test_layout_keeps_shape_and_place(aspect, heads, classes, bars):
    layout = lay_out(aspect, heads, classes, bars, caption_lines=3)
    grid = layout.grid
    boxes = [layout.photograph]
    boxes += [layout.mean] if layout.mean else []
    first_column = 0 if layout.mean else 1
    for top in layout.class_tops:
        boxes += [grid.panel(0, 0, top + 3.6)] if first_column else []
        for place in range(heads):
            row, column = divmod(place, grid.columns - first_column)
            boxes.append(grid.panel(row, column + first_column, top + 3.6))
    for box in boxes:
        assert box.width / box.height == pytest.approx(aspect)
        assert box.left >= MARGIN - 1e-9 and box.right <= 183 - MARGIN + 1e-6
        assert box.top >= 0 and box.bottom <= layout.caption_top
    boxes += [layout.bars] if layout.bars else []
    boxes.append(layout.colour_bar)
    assert layout.colour_bar.width > 20 and layout.colour_bar.right <= 183
    for place, box in enumerate(boxes):
        for other in boxes[:place]:
            apart = (
                box.left >= other.right - 1e-6
                or other.left >= box.right - 1e-6
                or box.top >= other.bottom - 1e-6
                or other.top >= box.bottom - 1e-6
            )
            assert apart
    assert (layout.mean is None) == (classes > 1)
    assert (layout.bars is None) == (bars == 0)


@pytest.mark.parametrize("heads", [1, 3, 4, 6, 8, 12, 16])
@pytest.mark.parametrize("aspect", [0.66, 1.0, 1.33, 1.5])
def test_usual_photographs_fit_on_a_page_with_heads_large_enough_to_see(aspect, heads):
    layout = lay_out(aspect, heads, classes=1, bars=5, caption_lines=4)
    assert layout.height <= style.PAGE_HEIGHT_MM
    assert min(layout.grid.panel_width, layout.grid.panel_height) >= 16


def test_eight_heads_stand_in_two_rows_of_four():
    grid = lay_out(4 / 3, 8, classes=1, bars=5, caption_lines=3).grid
    assert (grid.rows, grid.columns) == (2, 4)
