"""Contact sheets: every picture in its place, words beside it, nothing on anything else."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.text import Text

from intr_discover.figures import style
from intr_discover.figures.contact_sheet import contact_sheet

LONG = "Heliconius melpomene thelxiopeia × Heliconius elevatus pseudocupidineus, dorsal, 2019"


def picture(value=128, height=40, width=40):
    return np.full((height, width, 3), value, np.uint8)


def places(figure):
    """Return (left, top, width, height) in mm of the pictures, in the order they were drawn."""
    across, upright = style.size_mm(figure)
    boxes = [axes.get_position() for axes in figure.axes]
    return [
        (box.x0 * across, (1 - box.y1) * upright, box.width * across, box.height * upright)
        for box in boxes
    ]


def words_of(figure):
    with style.journal_style():
        figure.draw_without_rendering()
        return [
            (text, text.get_window_extent())
            for text in figure.findobj(Text)
            if text.get_text().strip()
        ]


def test_pictures_stand_in_rows_and_columns():
    figure = contact_sheet([[picture(1), picture(2)], [picture(3), picture(4)]], width=45)
    assert [int(axes.images[0].get_array()[0, 0, 0]) for axes in figure.axes] == [1, 2, 3, 4]
    # 45 mm, less a margin of 2 on either side and a gap of 1: two places of 20.
    assert places(figure) == [
        pytest.approx(place)
        for place in [(2, 2, 20, 20), (23, 2, 20, 20), (2, 23, 20, 20), (23, 23, 20, 20)]
    ]
    assert style.size_mm(figure) == pytest.approx((45, 45))


def test_places_may_be_empty_and_rows_short():
    figure = contact_sheet([[None, picture(1), picture(2)], [picture(3)]])
    first, second, third = places(figure)
    assert third[0] < first[0] < second[0], "the last picture stands in the first column"
    assert third[1] > first[1] == second[1]


def test_pictures_of_other_shapes_keep_theirs():
    broad, square = picture(height=20), picture()
    figure = contact_sheet([[broad, square, broad]], width=100)
    # Places have the shape of the middle picture, 2 : 1, in (100 − 2 · 2 − 2 · 1) mm / 3.
    wide = 94 / 3
    assert [place[2:] for place in places(figure)] == [
        pytest.approx(size) for size in [(wide, wide / 2), (wide / 2, wide / 2), (wide, wide / 2)]
    ]
    left, _, width, _ = places(figure)[1]
    assert left + width / 2 == pytest.approx(50), "in the middle of its place"


def test_shades_of_grey_are_not_stretched():
    grey = np.full((10, 10), 100, np.uint8)
    grey[0, 0] = 110
    (axes,) = contact_sheet([[grey]]).axes
    shown = axes.images[0].to_rgba(axes.images[0].get_array(), bytes=True)
    assert shown[5, 5, :3].tolist() == [100, 100, 100]
    assert shown[0, 0, :3].tolist() == [110, 110, 110]


def test_the_first_line_of_a_label_is_black_and_the_others_grey():
    figure = contact_sheet([[picture()]], row_labels=["ember\nbasal spots"])
    colours = {text.get_text(): text.get_color() for text, _ in words_of(figure)}
    assert colours == {"ember": "black", "basal spots": style.GREY}


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 7)])
@pytest.mark.parametrize("label", ["ember", LONG, f"{LONG}\n{LONG}\n{LONG}", "$x$ _"])
def test_no_text_lies_on_another_on_a_picture_or_beyond_the_page(rows, columns, label):
    figure = contact_sheet(
        [[picture()] * columns] * rows, row_labels=[label] * rows, column_labels=[label] * columns
    )
    assert style.size_mm(figure)[0] == pytest.approx(183)
    words = words_of(figure)
    assert len(words) >= rows + columns
    boxes = [(axes.get_window_extent(), "a picture") for axes in figure.axes]
    for text, box in words:
        assert box.x0 >= 0 and box.y0 >= 0, text
        assert box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1, text
        for other, name in boxes:
            across = min(box.x1, other.x1) - max(box.x0, other.x0)
            upright = min(box.y1, other.y1) - max(box.y0, other.y0)
            # Lines of one label may touch: letters are lower than the line.
            assert across <= 1 or upright <= 2, f"{text} on {name}"
        boxes.append((box, text.get_text()))
