"""Where the texts of a figure stand, as the renderer measures them."""

from __future__ import annotations

from itertools import combinations

from matplotlib.text import Text

from intr_discover.figures import style


def require_no_overlap(figure):
    """Fail where a text leaves the figure, or two of them share more than a rounding error."""
    boxes = []
    # As it is saved: outside the style letters are hinted, and a little wider.
    with style.journal_style():
        figure.canvas.draw()
        for text in figure.findobj(Text):
            if text.get_text().strip() and text.get_visible():
                boxes.append((text.get_text(), text.get_window_extent()))
    # Matplotlib keeps a second label for every tick that is never placed.
    boxes = [(words, box) for words, box in boxes if box.width > 1.01]
    width, height = figure.canvas.get_width_height()
    for words, box in boxes:
        assert box.x0 >= -0.5 and box.y0 >= -0.5, words
        assert box.x1 <= width + 0.5 and box.y1 <= height + 0.5, words
    assert boxes, "a figure without words"
    for (one, first), (other, second) in combinations(boxes, 2):
        wide = min(first.x1, second.x1) - max(first.x0, second.x0)
        high = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert wide <= 0.5 or high <= 0.5, f"{one!r} lies on {other!r}"


def texts_of(figure, gid):
    return [text.get_text() for text in figure.findobj(Text) if text.get_gid() == gid]


def axes_of(figure, *gids):
    return [axes for axes in figure.axes if axes.get_gid() in gids]
