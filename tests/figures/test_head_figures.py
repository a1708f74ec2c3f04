"""Head atlas and matrices: one scale, windows in their place, nothing cut off or written over."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from intr_discover.figures import overlay, style
from intr_discover.figures.head_atlas import HeadRow, Tile, head_atlas_figure
from intr_discover.figures.head_matrix import Score, head_matrix_figure, part_matrix_figure

LONG = "Heliconius melpomene thelxiopeia × Heliconius elevatus pseudocupidineus, dorsal, 2019"


def tile(largest=0.5, height=40, width=60, peak=(0.5, 0.5)):
    heatmap = np.zeros((height, width), np.float32)
    heatmap[height // 2, width // 2] = largest
    return Tile(np.full((height, width, 3), 128, np.uint8), heatmap, largest, peak)


def atlas(rows, title="ant", legend="words"):
    return head_atlas_figure(rows, title=title, window=0.3, uniform=0.01, legend=legend)


def texts_inside(figure):
    """Assert that no text reaches over the figure's edge, and none over another one."""
    with style.journal_style():
        figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    width, height = figure.canvas.get_width_height()
    boxes = []
    for text in figure.findobj(Text):
        if not text.get_text().strip() or not text.get_visible():
            continue
        with style.journal_style():
            box = text.get_window_extent(renderer)
        assert box.x0 > -1 and box.y0 > -1, text.get_text()
        assert box.x1 < width + 1 and box.y1 < height + 1, text.get_text()
        boxes.append((text.get_text(), box.shrunk(0.98, 0.9)))
    for number, (words, box) in enumerate(boxes):
        for other, second in boxes[:number]:
            apart = box.x1 <= second.x0 or second.x1 <= box.x0
            assert apart or box.y1 <= second.y0 or second.y1 <= box.y0, (words, other)


def test_all_maps_of_an_atlas_have_one_scale():
    figure = atlas([HeadRow("a", [], [tile(0.8)]), HeadRow("b", [], [tile(0.2)])])
    (page,) = [axes for axes in figure.axes if axes.get_gid() == "panels"]
    maps = [image for image in page.images if image.get_gid() == "head map"]
    grey = overlay.grey_tones(np.full((1, 1, 3), 128, np.uint8))
    brightest = [image.get_array().max(axis=(0, 1)) for image in maps]
    assert (brightest[0] > brightest[1]).any()
    assert overlay.blend(grey, np.zeros((1, 1)), 1)[0, 0, 0] == maps[1].get_array()[0, 0, 0]
    bar = next(axes for axes in figure.axes if axes.get_gid() == "colour bar")
    assert bar.get_xticklabels()[-1].get_text() == "0.8"


@pytest.mark.parametrize(
    ("peak", "left", "top"),
    [((0.5, 0.5), 0.35, 0.35), ((0.0, 1.0), 0.0, 0.7), ((0.9, 0.1), 0.7, 0)],
)
def test_the_window_is_whole_and_round_the_peak(peak, left, top):
    figure = atlas([HeadRow("a", [], [tile(peak=peak)])])
    (page,) = [axes for axes in figure.axes if axes.get_gid() == "panels"]
    (image,) = [image for image in page.images if image.get_gid() == "head map"]
    x0, x1, y1, y0 = image.get_extent()
    (frame,) = [patch for patch in page.patches if isinstance(patch, Rectangle)]
    assert (frame.get_x() - x0) / (x1 - x0) == pytest.approx(left)
    assert (frame.get_y() - y0) / (y1 - y0) == pytest.approx(top)
    assert frame.get_width() / (x1 - x0) == pytest.approx(0.3)
    assert (x1 - x0) / (y1 - y0) == pytest.approx(1.5)  # the photograph keeps its shape
    crop = next(image for image in page.images if image.get_gid() == "crop")
    (ring,) = [line for line in page.lines if line.get_gid() == "peak"]
    a, b, _, _ = crop.get_extent()
    assert (ring.get_xdata()[0] - a) / (b - a) == pytest.approx((peak[0] - left) / 0.3)


@pytest.mark.parametrize(
    ("heads", "columns", "shape"), [(1, 1, (40, 60)), (16, 2, (90, 30)), (16, 6, (30, 120))]
)
def test_an_atlas_fits_on_a_page(heads, columns, shape):
    rows = [HeadRow(f"head {number} · {LONG}", [LONG] * 3, [tile(0.5, *shape)] * columns)
            for number in range(heads)]  # fmt: skip
    figure = atlas(rows, LONG * 2, f"{LONG} " * 6)
    width, height = style.size_mm(figure)
    assert width == pytest.approx(style.DOUBLE_COLUMN_MM) and height <= style.PAGE_HEIGHT_MM
    texts_inside(figure)
    (page,) = [axes for axes in figure.axes if axes.get_gid() == "panels"]
    for image in page.images:
        left, right, bottom, top = image.get_extent()
        assert left >= 0 and top >= 0 and right <= width and bottom <= height


def test_heads_without_photographs_have_words_only():
    figure = atlas([HeadRow("head 0", ["n too small"], [])])
    assert not any(axes.get_gid() == "colour bar" for axes in figure.axes)
    texts_inside(figure)


@pytest.mark.parametrize(("classes", "heads"), [(1, 1), (16, 8), (200, 16)])
def test_matrices_of_any_number_of_classes(classes, heads):
    generator = np.random.default_rng(0)
    values = generator.normal(size=(classes, heads))
    scores = [
        Score(np.abs(values), "consistency", "mean cosine − chance", marked=values > 0),
        Score(values, "distinctness", "mean silhouette", "both signs", limit=1.0),
        Score(values * 100, "importance", "margin lost (logits)", "both signs, wide"),
    ]
    names = [f"{LONG if number < 20 else 'Morpho'} {number}" for number in range(classes)]
    figure = head_matrix_figure(names, scores, "Hatched: no score.")
    assert style.size_mm(figure)[1] <= style.PAGE_HEIGHT_MM
    texts_inside(figure)


def test_both_signs_have_one_range_and_white_is_zero():
    score = Score(np.array([[-1.0, 0.0, 3.0]]), "s", "s", "both signs")
    figure = head_matrix_figure(["ant"], [score])
    (image,) = next(axes for axes in figure.axes if axes.get_gid() == "s").images
    assert (image.norm.vmin, image.norm.vmax) == (-3, 3)
    assert image.norm(0.0) == pytest.approx(0.5)


def test_missing_scores_are_hatched_and_no_value():
    values = np.array([[0.5, np.nan], [np.nan, np.nan]])
    figure = head_matrix_figure(["ant", "bee"], [Score(values, "s", "s")])
    axes = next(axes for axes in figure.axes if axes.get_gid() == "s")
    (image,) = axes.images
    assert image.get_array().mask.tolist() == [[False, True], [True, True]]
    assert len(axes.collections) == 2
    head_matrix_figure(["ant"], [Score(np.full((1, 2), np.nan), "s", "s", "both signs, wide")])


def test_dots_stand_on_marked_cells():
    score = Score(np.ones((2, 3)), "s", "s", marked=np.eye(2, 3, dtype=bool))
    figure = head_matrix_figure(["ant", "bee"], [score])
    axes = next(axes for axes in figure.axes if axes.get_gid() == "s")
    (dots,) = [line for line in axes.lines if line.get_gid() == "marked"]
    assert list(zip(dots.get_xdata(), dots.get_ydata(), strict=True)) == [(0, 0), (1, 1)]


@pytest.mark.parametrize(("parts", "heads"), [(1, 1), (5, 8), (60, 16)])
def test_parts_of_many_classes(parts, heads):
    counts = pd.DataFrame(
        np.random.default_rng(0).integers(0, 30, (parts, heads)),
        index=[f"{LONG} {number}" for number in range(parts)],
    )
    figure = part_matrix_figure(counts, [200] * heads, f"{LONG} {LONG}", "share of classes")
    assert style.size_mm(figure)[1] <= style.PAGE_HEIGHT_MM
    texts_inside(figure)
    axes = next(axes for axes in figure.axes if axes.get_gid() == "parts")
    rows = [label.get_text() for label in axes.get_yticklabels()]
    assert len(rows) == min(parts, 24)
    if parts > 24:
        assert rows[-1] == "37 other parts"
        shown = np.asarray(axes.images[0].get_array()) * 200
        assert shown.sum() == pytest.approx(counts.to_numpy().sum())
